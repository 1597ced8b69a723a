/** A controller on a heated stage: driver, RTU over a memory link, simulated electronics, and a first-order stage with dead time. */

import { SteppedClock } from "#core/clock.js";
import type { Device } from "#device/contract.js";
import type { Eurotherm3216Settings } from "#drivers/eurotherm-3216/config.js";
import { eurotherm3216 } from "#drivers/eurotherm-3216/index.js";
import { Eurotherm3216Simulator } from "#drivers/eurotherm-3216/simulator.js";
import { Line } from "#transport/line.js";
import { memoryPair } from "#transport/memory.js";
import { ModbusUnit } from "#transport/modbus-master.js";

const STEP_MS = 250;

export interface StageConstants {
	readonly gainCPerPercent: number;
	readonly timeConstantS: number;
	readonly deadTimeS: number;
}

export class Bench {
	readonly clock = new SteppedClock({ wallStartMs: 0 });
	readonly simulator: Eurotherm3216Simulator;
	readonly modbus: ModbusUnit;
	readonly device: Device;
	readonly settings: Eurotherm3216Settings;
	/** Functions and registers of all requests, such as "3@1", and the words of writes to one register, such as "6@26=1200". */
	readonly requests: string[] = [];
	stageC = 22;
	heaterPercent = 0;
	sensorBroken = false;
	silent = false;
	/** Applied to replies of the instrument. */
	distort: ((reply: Uint8Array) => readonly Uint8Array[]) | undefined;

	constructor(
		settings: Partial<Eurotherm3216Settings> = {},
		private readonly stage: StageConstants = { gainCPerPercent: 2, timeConstantS: 600, deadTimeS: 8 },
	) {
		this.settings = { decimals: 1, setpoint_degC_min: 0, setpoint_degC_max: 200, ...settings };
		const port = {
			temperatureC: () => (this.sensorBroken ? null : this.stageC),
			setHeaterPercent: (percent: number) => {
				this.heaterPercent = percent;
			},
		};
		this.simulator = new Eurotherm3216Simulator({ name: "stage", settings: this.settings, port, seed: 1, unit: 1 });
		const open = async () => {
			const [near, far] = memoryPair("stage");
			const connection = {
				state: undefined as unknown,
				send: (reply: Uint8Array) => {
					if (this.silent || !far.isOpen) return;
					for (const piece of this.distort?.(reply) ?? [reply]) far.write(piece);
				},
			};
			far.onBytes((bytes) => {
				const register = (bytes[2]! << 8) | bytes[3]!;
				const word = bytes[1] === 6 ? `=${(bytes[4]! << 8) | bytes[5]!}` : "";
				this.requests.push(`${bytes[1]}@${register}${word}`);
				this.simulator.advance(this.clock.nowMs());
				this.simulator.receive(bytes, connection);
			});
			return near;
		};
		this.modbus = new ModbusUnit(new Line("stage", open, this.clock), {
			name: "stage",
			unit: 1,
			framing: "rtu",
			timing: eurotherm3216.timing,
		});
		this.device = eurotherm3216.create({
			name: "stage",
			settings: this.settings,
			clock: this.clock,
			modbus: this.modbus,
		});
		this.runStage();
	}

	/** Advances time until the promise has ended; gives or throws its end. */
	async run<T>(promise: Promise<T>): Promise<T> {
		let ended = false;
		const end = () => {
			ended = true;
		};
		promise.then(end, end);
		await this.clock.advanceUntil(() => ended, 60_000);
		return promise;
	}

	/** Polls and feeds every second for so long, as a healthy control does; gives the last poll. */
	async pollFor(seconds: number): Promise<Awaited<ReturnType<Device["poll"]>>> {
		for (let i = 1; i < seconds; i += 1) {
			await this.run(this.device.poll());
			await this.feed();
			await this.clock.advance(1000);
		}
		return this.run(this.device.poll());
	}

	/** As the supervisor does while all is well. */
	feed(): Promise<void> {
		return this.run(this.device.watchdog!.feed());
	}

	private runStage(): void {
		const { gainCPerPercent, timeConstantS, deadTimeS } = this.stage;
		const pending: number[] = new Array(Math.round((deadTimeS * 1000) / STEP_MS)).fill(0);
		const step = () => {
			this.simulator.advance(this.clock.nowMs());
			pending.push(this.heaterPercent);
			const share = 1 - Math.exp(-STEP_MS / 1000 / timeConstantS);
			this.stageC += share * (22 + gainCPerPercent * pending.shift()! - this.stageC);
			this.clock.setTimer(STEP_MS, step);
		};
		this.clock.setTimer(STEP_MS, step);
	}
}
