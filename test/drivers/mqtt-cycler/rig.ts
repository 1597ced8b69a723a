/** A driver and a simulated bridge on a broker in memory; what the bridge says can be spoilt. */
import { SteppedClock } from "#core/clock.js";
import type { CellPort, CyclerProgram } from "#device/cycler.js";
import { sealed } from "#drivers/mqtt-cycler/codec.js";
import type { MqttCyclerSettings } from "#drivers/mqtt-cycler/config.js";
import { MqttCycler } from "#drivers/mqtt-cycler/driver.js";
import { MqttCyclerSimulator } from "#drivers/mqtt-cycler/simulator.js";
import { MemoryBroker } from "#transport/memory-mqtt.js";

export const WALL_MS = Date.UTC(2026, 0, 1);

export const SETTINGS: MqttCyclerSettings = {
	stale_s: 10,
	channels: {
		a1: { topic: "1", voltage_V: { min: -5, max: 5 }, current_A_max: 0.006 },
		a2: { topic: "2", voltage_V: { min: 0, max: 5 }, current_A_max: 0.006 },
	},
};

/** A symmetric cell at 1 mA: a minute each way, ten times, after a rest of half a minute. */
export const PROGRAM: CyclerProgram = {
	protocol: "test",
	sha256: "0".repeat(64),
	cell: "symmetric",
	steps: [
		{ kind: "rest", ends: { timeS: 30 } },
		{
			kind: "repeat",
			times: 10,
			steps: [
				{ kind: "constant-current", currentA: 0.001, ends: { timeS: 60, voltageV: 2 } },
				{ kind: "constant-current", currentA: -0.001, ends: { timeS: 60, voltageV: -2 } },
			],
		},
	],
	limits: { voltageVMin: -2, voltageVMax: 2, currentAMax: 0.002, capacityAhMax: 0.002 },
	recordS: 10,
};
/** Of PROGRAM. */
export const ROWS = 3 + 10 * 2 * 6;

/** A resistor of 100 ohm. */
export const resistor: CellPort = {
	apply: (drive) => {
		if (drive === "open") return { voltageV: 0, currentA: 0 };
		if ("voltageV" in drive) return { voltageV: drive.voltageV, currentA: drive.voltageV / 100 };
		return { voltageV: drive.currentA * 100, currentA: drive.currentA };
	},
};

export class Rig {
	readonly clock = new SteppedClock({ wallStartMs: WALL_MS });
	readonly broker = new MemoryBroker();
	readonly device: MqttCycler;
	readonly simulator: MqttCyclerSimulator;
	/** Commands that reached the bridge. */
	readonly commands: Record<string, unknown>[] = [];
	/** Whether a command reaches the bridge. */
	hears: (command: Record<string, unknown>) => boolean = () => true;

	/** `spoil`: the payloads that really leave the bridge, in place of one. */
	constructor(
		public spoil: (topic: string, payload: Uint8Array) => readonly Uint8Array[] = (_topic, payload) => [payload],
	) {
		this.simulator = new MqttCyclerSimulator({
			name: "cycler",
			settings: SETTINGS,
			port: { cell: () => resistor },
			seed: 1,
			unit: 1,
			wallMs: () => this.clock.wallMs(),
			publish: (topic, payload, options) => {
				for (const said of this.spoil(topic, payload)) this.broker.publish(`lab/c1/${topic}`, said, options);
			},
		});
		this.broker.observe((topic, payload) => {
			if (!topic.endsWith("/cmd")) return;
			const command = JSON.parse(Buffer.from(payload).toString("utf8")) as Record<string, unknown>;
			this.commands.push(command);
			if (this.hears(command)) this.simulator.hear(topic.slice("lab/c1/".length), payload);
		});
		this.device = new MqttCycler({
			name: "cycler",
			settings: SETTINGS,
			clock: this.clock,
			mqtt: this.broker.link("lab/c1"),
		});
		this.tick();
	}

	async connected(): Promise<this> {
		await this.run(this.device.connect());
		await this.clock.advance(1_500);
		return this;
	}

	start(channel = "a1", barcode = "cell-1"): Promise<{ test: string }> {
		return this.run(this.device.start({ channel, barcode, program: PROGRAM }));
	}

	/** Moves the clock until the promise has ended, and gives or throws its end. */
	async run<T>(promise: Promise<T>, limitMs = 120_000): Promise<T> {
		let ended = false;
		const end = () => {
			ended = true;
		};
		promise.then(end, end);
		await this.clock.advanceUntil(() => ended, limitMs);
		return promise;
	}

	sent(cmd: string): Record<string, unknown>[] {
		return this.commands.filter((command) => command.cmd === cmd);
	}

	private tick(): void {
		this.simulator.advance(this.clock.nowMs());
		this.clock.setTimer(250, () => this.tick());
	}
}

/** Changes one member of a JSON payload, with the checksum of what it becomes. */
export function changed(payload: Uint8Array, change: Record<string, unknown>): Uint8Array {
	const { crc: _, ...message } = JSON.parse(Buffer.from(payload).toString("utf8")) as Record<string, unknown>;
	return sealed({ ...message, ...change });
}
