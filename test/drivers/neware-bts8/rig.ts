/** A driver with a simulated BTS server at the other end of a memory link, on which any reply can be spoilt. */
import { SteppedClock } from "#core/clock.js";
import type { ByteStream, RequestLine } from "#core/wire.js";
import type { SimulatorConnection } from "#device/contract.js";
import type { CellPort, CyclerProgram } from "#device/cycler.js";
import type { NewareBts8Settings } from "#drivers/neware-bts8/config.js";
import { NewareBts8 } from "#drivers/neware-bts8/driver.js";
import { newareBts8 } from "#drivers/neware-bts8/index.js";
import { NewareBts8Simulator } from "#drivers/neware-bts8/simulator.js";
import { memoryPair } from "#transport/memory.js";
import { requestLine } from "#transport/request-line.js";

export const SETTINGS: NewareBts8Settings = {
	channels: {
		a1: { at: "21-1-1", voltage_V: { min: -5, max: 5 }, current_A_max: 0.006 },
		a2: { at: "21-1-2", voltage_V: { min: 0, max: 5 }, current_A_max: 0.006 },
		b1: { at: "21-2-1", voltage_V: { min: -5, max: 5 }, current_A_max: 0.006 },
	},
	time_zone: "Europe/Zurich",
	steps_folder: { here: "/mnt/bts", there: "C:\\adlayer\\" },
};

/** A symmetric cell at 1 mA: 10 minutes each way, 20 times, after a rest of a minute. */
export const PROGRAM: CyclerProgram = {
	protocol: "test",
	sha256: "0".repeat(64),
	cell: "symmetric",
	steps: [
		{ kind: "rest", ends: { timeS: 60 } },
		{
			kind: "repeat",
			times: 20,
			steps: [
				{ kind: "constant-current", currentA: 0.001, ends: { timeS: 600, voltageV: 2 } },
				{ kind: "constant-current", currentA: -0.001, ends: { timeS: 600, voltageV: -2 } },
			],
		},
	],
	limits: { voltageVMin: -2, voltageVMax: 2, currentAMax: 0.002, capacityAhMax: 0.002 },
	recordS: 10,
};

/** A resistor of 100 ohm, and a voltage of its own. */
export const resistor = (openV = 0, ohm = 100): CellPort => ({
	apply: (drive) => {
		if (drive === "open") return { voltageV: openV, currentA: 0 };
		if ("voltageV" in drive) return { voltageV: drive.voltageV, currentA: (drive.voltageV - openV) / ohm };
		return { voltageV: openV + drive.currentA * ohm, currentA: drive.currentA };
	},
});

/** What becomes of one reply: pieces that arrive, each after a delay, and whether the connection breaks after them. */
export interface Fate {
	readonly pieces: readonly { readonly bytes: Uint8Array; readonly delayMs: number }[];
	readonly cut?: boolean;
}

export const whole = (bytes: Uint8Array): Fate => ({ pieces: [{ bytes, delayMs: 0 }] });

export class Rig {
	readonly clock = new SteppedClock({ wallStartMs: Date.UTC(2026, 0, 1) });
	readonly simulator: NewareBts8Simulator;
	readonly device: NewareBts8;
	readonly line: RequestLine;
	readonly sent: string[] = [];
	readonly disk = new Map<string, string>();
	/** Applied to every reply; `index` counts them from 0. */
	fate: ((bytes: Uint8Array, index: number) => Fate) | undefined;
	replies = 0;
	/** Connections that were opened. */
	sockets = 0;

	constructor(
		options: { settings?: Partial<NewareBts8Settings>; simulated?: NewareBts8Settings; cell?: CellPort } = {},
	) {
		const settings = { ...SETTINGS, ...options.settings };
		this.simulator = new NewareBts8Simulator({
			name: "cycler",
			settings: options.simulated ?? SETTINGS,
			port: {
				cell: () => options.cell ?? resistor(),
				wallAtZeroMs: Date.UTC(2026, 0, 1),
				readSteps: (path) => this.disk.get(path.split("\\").at(-1)!),
			},
			seed: 1,
			unit: 1,
		});
		this.line = requestLine({
			name: "cycler",
			timing: newareBts8.timing,
			clock: this.clock,
			open: async () => this.open(),
		});
		const { clock, line } = this;
		this.device = new NewareBts8({ name: "cycler", settings, clock, line }, async (path, text) => {
			this.disk.set(path.split("/").at(-1)!, text);
		});
	}

	/** Moves the clock until the promise has ended, and gives or throws its end. */
	async run<T>(promise: Promise<T>, limitMs = 300_000): Promise<T> {
		let ended = false;
		const end = () => {
			ended = true;
		};
		promise.then(end, end);
		await this.clock.advanceUntil(() => ended, limitMs);
		return promise;
	}

	private open(): ByteStream {
		this.sockets += 1;
		const [near, far] = memoryPair("cycler");
		const connection: SimulatorConnection = { state: undefined, send: (bytes) => this.deliver(bytes, far) };
		far.onBytes((bytes) => {
			this.sent.push(Buffer.from(bytes).toString("utf8"));
			this.simulator.advance(this.clock.nowMs());
			this.simulator.receive(bytes, connection);
		});
		return near;
	}

	private deliver(bytes: Uint8Array, far: ByteStream): void {
		const { pieces, cut } = this.fate === undefined ? whole(bytes) : this.fate(bytes, this.replies);
		this.replies += 1;
		let atMs = 0;
		for (const { bytes: piece, delayMs } of pieces) {
			atMs += delayMs;
			const write = () => {
				if (far.isOpen && piece.length > 0) far.write(piece);
			};
			if (atMs === 0) write();
			else this.clock.setTimer(atMs, write);
		}
		if (cut !== true) return;
		if (atMs === 0) void far.close();
		else this.clock.setTimer(atMs, () => void far.close());
	}
}
