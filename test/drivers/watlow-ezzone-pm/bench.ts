/** A PM on a heated stage: driver, Modbus over a memory link, simulated electronics, and a first-order stage. */
import { SteppedClock } from "#core/clock.js";
import type { Device } from "#device/contract.js";
import type { WatlowEzzonePmSettings } from "#drivers/watlow-ezzone-pm/config.js";
import { watlowEzzonePm } from "#drivers/watlow-ezzone-pm/index.js";
import { WatlowEzzonePmSimulator } from "#drivers/watlow-ezzone-pm/simulator.js";
import { Line } from "#transport/line.js";
import { memoryPair } from "#transport/memory.js";
import { type ModbusFraming, ModbusUnit } from "#transport/modbus-master.js";

const STEP_MS = 250;
const GAIN_C_PER_PERCENT = 2;
const TIME_CONSTANT_S = 600;
const AMBIENT_C = 22;

export const CUTOUT = { degC: 220, verified: "2026-10-01", by: "commissioning" } as const;

export class Bench {
	readonly clock = new SteppedClock({ wallStartMs: 0 });
	readonly simulator: WatlowEzzonePmSimulator;
	readonly modbus: ModbusUnit;
	readonly device: Device;
	/** Functions and registers of all requests, such as "3@360", and the data of writes, such as "6@1880=003e". */
	readonly requests: string[] = [];
	stageC = AMBIENT_C;
	heaterPercent = 0;
	sensorBroken = false;
	silent = false;
	unplugged = false;
	/** Applied to replies of the instrument: pieces, each with its delay in ms. */
	distort: ((reply: Uint8Array) => readonly { readonly bytes: Uint8Array; readonly delayMs: number }[]) | undefined;

	constructor(
		settings: Partial<WatlowEzzonePmSettings> = {},
		prepare: (simulator: WatlowEzzonePmSimulator) => void = () => {},
		framing: ModbusFraming = "rtu",
	) {
		const all: WatlowEzzonePmSettings = {
			setpoint_degC_min: 0,
			setpoint_degC_max: 200,
			independent_cutout: CUTOUT,
			...settings,
		};
		const port = {
			temperatureC: () => (this.sensorBroken ? null : this.stageC),
			setHeaterPercent: (percent: number) => {
				this.heaterPercent = percent;
			},
		};
		// The simulated instrument knows nothing of what the driver was told to expect.
		const { map: _map, word_order: _order, comms_units: _units, ...own } = all;
		this.simulator = new WatlowEzzonePmSimulator({ name: "stage", settings: own, port, seed: 1, unit: 1 });
		prepare(this.simulator);
		const open = async () => {
			const [near, far] = memoryPair("stage");
			const connection = {
				state: undefined as unknown,
				send: (reply: Uint8Array) => {
					if (this.silent || this.unplugged) return;
					for (const { bytes, delayMs } of this.distort?.(reply) ?? [{ bytes: reply, delayMs: 0 }]) {
						const write = () => {
							if (far.isOpen) far.write(bytes);
						};
						if (delayMs === 0) write();
						else this.clock.setTimer(delayMs, write);
					}
				},
			};
			far.onBytes((bytes) => {
				const at = framing === "tcp" ? 7 : 1;
				const register = (bytes[at + 1]! << 8) | bytes[at + 2]!;
				const hex = Buffer.from(bytes).toString("hex");
				const data =
					bytes[at] === 6
						? `=${hex.slice(2 * at + 6, 2 * at + 10)}`
						: bytes[at] === 16
							? `=${hex.slice(2 * at + 12, 2 * at + 20)}`
							: "";
				if (this.unplugged) return;
				this.requests.push(`${bytes[at]}@${register}${data}`);
				this.simulator.advance(this.clock.nowMs());
				this.simulator.receive(bytes, connection);
			});
			return near;
		};
		this.modbus = new ModbusUnit(new Line("stage", open, this.clock), {
			name: "stage",
			unit: 1,
			framing,
			timing: watlowEzzonePm.timing,
		});
		this.device = watlowEzzonePm.create({ name: "stage", settings: all, clock: this.clock, modbus: this.modbus });
		this.runStage();
	}

	get writes(): string[] {
		return this.requests.filter((request) => !request.startsWith("3@"));
	}

	async connected(): Promise<this> {
		await this.run(this.device.connect());
		this.requests.length = 0;
		return this;
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

	poll() {
		return this.run(this.device.poll());
	}

	set(valueC: number) {
		return this.run(this.device.set!("setpoint", valueC));
	}

	/** Polls every second for so long; gives the last poll. */
	async pollFor(seconds: number): Promise<Awaited<ReturnType<Device["poll"]>>> {
		for (let i = 1; i < seconds; i += 1) {
			await this.poll();
			await this.clock.advance(1000);
		}
		return this.poll();
	}

	private runStage(): void {
		const step = () => {
			this.simulator.advance(this.clock.nowMs());
			const share = 1 - Math.exp(-STEP_MS / 1000 / TIME_CONSTANT_S);
			this.stageC += share * (AMBIENT_C + GAIN_C_PER_PERCENT * this.heaterPercent - this.stageC);
			this.clock.setTimer(STEP_MS, step);
		};
		this.clock.setTimer(STEP_MS, step);
	}
}
