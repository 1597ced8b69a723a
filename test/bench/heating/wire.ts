/** The same anneal through driver, Modbus frames and simulated instrument, in virtual time. */
import { SteppedClock } from "#core/clock.js";
import type { Tuning } from "#drivers/eurotherm-3216/control-loop.js";
import { eurotherm3216 } from "#drivers/eurotherm-3216/index.js";
import { REGISTER } from "#drivers/eurotherm-3216/registers.js";
import { Eurotherm3216Simulator } from "#drivers/eurotherm-3216/simulator.js";
import { Line } from "#transport/line.js";
import { memoryPair } from "#transport/memory.js";
import { ModbusUnit } from "#transport/modbus-master.js";
import { type Driven, type DriveOptions, Score } from "./drive.js";
import { Reactor, STEP_S } from "./reactor.js";
import { toTenths } from "./tune-reactor.js";

/** Connecting and choosing the remote setpoint take this much; the reactor rests until then. */
const PRELUDE_MS = 3_000;
const SETTINGS = { decimals: 1, setpoint_degC_min: 0, setpoint_degC_max: 200 };

export async function driveOverWire(options: DriveOptions): Promise<Driven> {
	const { truth, startC, wallC, targetC, tuning, control } = options;
	const clock = new SteppedClock({ wallStartMs: 0 });
	const reactor = new Reactor(truth, startC, wallC, "anneal");
	const rest = { percent: reactor.holdingPercent(startC), sensedC: reactor.sense() };
	let percent = rest.percent;
	let begun = false;
	const port = {
		temperatureC: () => (begun ? reactor.sense() : startC),
		setHeaterPercent: (given: number) => {
			percent = given;
		},
	};
	const simulator = new Eurotherm3216Simulator({ name: "stage", settings: SETTINGS, port, seed: 1, unit: 1 });
	Object.assign(simulator.tuning, tuning satisfies Tuning);
	const open = async () => {
		const [near, far] = memoryPair("stage");
		const connection = { state: undefined as unknown, send: (reply: Uint8Array) => far.write(reply) };
		far.onBytes((bytes) => {
			simulator.advance(clock.nowMs());
			simulator.receive(bytes, connection);
		});
		return near;
	};
	const modbus = new ModbusUnit(new Line("stage", open, clock), {
		name: "stage",
		unit: 1,
		framing: "rtu",
		timing: eurotherm3216.timing,
	});
	const device = eurotherm3216.create({ name: "stage", settings: SETTINGS, clock, modbus });
	const run = async <T>(promise: Promise<T>): Promise<T> => {
		let ended = false;
		const end = () => {
			ended = true;
		};
		promise.then(end, end);
		await clock.advanceUntil(() => ended, 60_000);
		return promise;
	};
	const startSetpointC = toTenths(startC);
	await run(device.connect());
	await run(device.set!("setpoint", startSetpointC));
	await clock.advance(PRELUDE_MS - clock.nowMs());
	// The instrument comes from a hold: manual at the resting power, then automatic again, without a jump.
	await run(modbus.writeRegister(REGISTER.autoManual, 1));
	await run(modbus.writeRegister(REGISTER.manualOutput, Math.round(rest.percent * 10)));
	await clock.advance(1000);
	simulator.advance(clock.nowMs());
	await run(modbus.writeRegister(REGISTER.autoManual, 0));
	const score = new Score(targetC);
	for (let second = 0; second < options.secondsMax; second += 1) {
		const polled = second === 0 ? undefined : await run(device.poll());
		const sample = {
			atS: second,
			readingC: polled === undefined ? toTenths(rest.sensedC) : polled.temperature!.value!,
			outputPercent: polled === undefined ? toTenths(rest.percent) : polled.output!.value!,
		};
		const { setpointC, state } = control(sample);
		await run(device.set!("setpoint", setpointC));
		begun = true;
		for (let ms = 0; ms < 1000; ms += STEP_S * 1000) {
			await clock.advance(STEP_S * 1000);
			simulator.advance(clock.nowMs());
			reactor.step(percent);
		}
		if (score.second(second + 1, reactor.foilC, state)) break;
	}
	await device.close();
	return score.result();
}
