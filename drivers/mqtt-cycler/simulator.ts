import type { InstrumentSimulator, SimulatorContext } from "#device/contract.js";
import type { CellPort, CyclerProgram, CyclerRow } from "#device/cycler.js";
import { PROGRAM_SCHEMA, ROWS_MAX, rowMembers, sealed, sealProblem } from "./codec.js";
import type { MqttCyclerSettings } from "./config.js";
import { SimulatedChannel } from "./simulated-channel.js";

/** What the simulated cycler is wired to. */
export interface MqttCyclerPort {
	/** The cell in the channel of that name. */
	cell(channel: string): CellPort;
}

/** Every channel says its state this often, and twice within the time after which a state is old. */
const PERIOD_MS_MAX = 1_000;
const BOOT_MS = 5_000;
/** Answers that are kept for commands that come again. */
const ANSWERS_MAX = 200;

interface Simulated {
	readonly topic: string;
	readonly electronics: SimulatedChannel;
}

/** A bridge with its cycler: keeps to docs/mqtt-cycler.md, hears commands, remembers answers. */
export class MqttCyclerSimulator implements InstrumentSimulator {
	private readonly channels = new Map<string, Simulated>();
	private readonly answers = new Map<string, object>();
	private readonly periodMs: number;
	private nowMs = 0;
	private dueMs = 0;
	private bootedMs = 0;
	private isOnline = false;
	private tests = 0;

	constructor(private readonly context: SimulatorContext<MqttCyclerSettings, MqttCyclerPort>) {
		const { settings, port } = context;
		this.periodMs = Math.min(PERIOD_MS_MAX, (settings.stale_s * 1_000) / 2);
		for (const [name, { topic }] of Object.entries(settings.channels)) {
			this.channels.set(topic, { topic, electronics: new SimulatedChannel(port.cell(name)) });
		}
	}

	/** Byte streams have no part in it. */
	receive(): void {}

	hear(topic: string, payload: Uint8Array): void {
		if (topic.endsWith("/cmd") && this.isOnline) this.obey(topic, payload);
	}

	advance(nowMs: number): void {
		const dtS = (nowMs - this.nowMs) / 1_000;
		this.nowMs = nowMs;
		if (nowMs >= this.bootedMs && !this.isOnline) {
			this.isOnline = true;
			this.say("online", Buffer.from("online"), true);
		}
		const isDue = nowMs >= this.dueMs;
		if (isDue) this.dueMs = nowMs + this.periodMs;
		for (const channel of this.channels.values()) {
			const rows = channel.electronics.advance(dtS, this.wallMs);
			if (!this.isOnline) continue;
			for (const row of rows) this.sayState(channel, row);
			if (isDue) this.sayState(channel);
		}
	}

	nextEventMs(): number {
		return this.dueMs;
	}

	/** Tests are found stopped; the broker tells the bridge's last will. */
	powerCycle(): void {
		this.isOnline = false;
		this.bootedMs = this.nowMs + BOOT_MS;
		this.answers.clear();
		for (const { electronics } of this.channels.values()) electronics.stop(this.wallMs);
		this.say("online", Buffer.from("offline"), true);
	}

	private get wallMs(): number {
		return this.context.wallMs?.() ?? this.nowMs;
	}

	private obey(topic: string, payload: Uint8Array): void {
		const channel = this.channels.get(topic.slice(0, -"/cmd".length));
		if (channel === undefined) return;
		const text = Buffer.from(payload).toString("utf8");
		let message: Record<string, unknown>;
		try {
			message = JSON.parse(text) as Record<string, unknown>;
		} catch {
			return;
		}
		const { id } = message;
		if (typeof id !== "string" || sealProblem(text, message) !== undefined) return;
		const answer = this.answers.get(id) ?? this.done(channel, message);
		this.answers.set(id, answer);
		const [oldest] = this.answers.keys();
		if (this.answers.size > ANSWERS_MAX && oldest !== undefined) this.answers.delete(oldest);
		this.say(`${channel.topic}/cmd/reply`, sealed({ id, ...answer }), false);
	}

	private done(channel: Simulated, message: Record<string, unknown>): object {
		const { electronics } = channel;
		const no = (error: string) => ({ ok: false, error });
		switch (message.cmd) {
			case "start": {
				if (electronics.word === "working") return no(`a test runs: ${electronics.test}`);
				const { program, barcode } = message as { program?: CyclerProgram & { schema?: string }; barcode?: string };
				if (program?.schema !== PROGRAM_SCHEMA) return no(`the program's schema is not ${PROGRAM_SCHEMA}`);
				this.tests += 1;
				electronics.start(program, `${channel.topic}-${this.wallMs}-${this.tests}`, barcode ?? "");
				this.sayState(channel);
				return { ok: true, test_id: electronics.test };
			}
			case "stop": {
				if (message.test_id !== electronics.test) return no(`the channel has test ${electronics.test}`);
				const before = electronics.rows.length;
				electronics.stop(this.wallMs);
				for (const row of electronics.rows.slice(before)) this.sayState(channel, row);
				return { ok: true, test_id: electronics.test };
			}
			case "rows": {
				if (message.test_id !== electronics.test) return no(`the channel has test ${electronics.test}`);
				const { from_seq: from, rows_max: count } = message as { from_seq: number; rows_max: number };
				const rows = electronics.rows.slice(from - 1, from - 1 + Math.min(count, ROWS_MAX));
				return { ok: true, test_id: electronics.test, rows: rows.map(rowMembers) };
			}
			default:
				return no(`there is no command ${String(message.cmd)}`);
		}
	}

	private sayState({ topic, electronics }: Simulated, row?: CyclerRow): void {
		const { present, word, test, barcode, rows, capacityAh, energyWh } = electronics;
		const isLast = row === undefined || row.seq === rows.length;
		const state = {
			ts: this.wallMs,
			status: isLast ? word : "working",
			test_id: test,
			barcode,
			seq: rows.length,
			row: row !== undefined,
			cycle: present?.cycle ?? null,
			step: present?.step ?? null,
			step_type: present?.stepType ?? null,
			step_s: present?.stepS ?? null,
			test_s: present?.testS ?? null,
			v: electronics.voltageV,
			i: electronics.currentA,
			cap_ah: capacityAh,
			energy_wh: energyWh,
			log_code: null,
			...(row === undefined ? {} : rowMembers(row)),
		};
		this.say(`${topic}/state`, sealed(state), true);
	}

	private say(topic: string, payload: Uint8Array, retain: boolean): void {
		this.context.publish?.(topic, payload, { retain });
	}
}
