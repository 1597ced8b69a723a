/** The bridge contract of docs/mqtt-cycler.md: payloads to values and back, pure. */
import { crc32 } from "node:zlib";
import type { ChannelActivity, CyclerProgram, CyclerRow } from "#device/cycler.js";

/** Longer payloads are not looked at. */
export const PAYLOAD_BYTES_MAX = 262_144;
/** Rows in one reply: their payload stays far below the limit. */
export const ROWS_MAX = 500;
export const PROGRAM_SCHEMA = "adlayer-cycler-program/1";

export type StepWord = "rest" | "cc-charge" | "cc-discharge" | "cv-charge" | "cv-discharge";

/** One state of a channel: what it does and measures, and how many rows its test has. */
export interface ChannelState {
	readonly word: string;
	readonly activity: ChannelActivity;
	/** Null when the channel has had no test. */
	readonly test: string | null;
	readonly barcode: string | null;
	/** Rows of the test so far. */
	readonly seq: number;
	/** What this message is the last row of; undefined for a look in between, and without a test. */
	readonly row: CyclerRow | undefined;
	readonly wallMs: number;
	readonly cycle: number | null;
	readonly step: number | null;
	readonly stepType: string | null;
	readonly stepS: number | null;
	readonly testS: number | null;
	readonly voltageV: number;
	readonly currentA: number;
	readonly capacityAh: number | null;
	readonly energyWh: number | null;
	readonly logCode: string | null;
}

export type Decoded<Value> = { readonly value: Value } | { readonly wrong: string };

export interface Reply {
	readonly id: string;
	readonly ok: boolean;
	readonly error: string;
	readonly test: string | null;
	readonly rows: readonly CyclerRow[];
}

export type Command =
	| { readonly cmd: "start"; readonly barcode: string; readonly program: CyclerProgram }
	| { readonly cmd: "stop"; readonly test_id: string }
	| { readonly cmd: "rows"; readonly test_id: string; readonly from_seq: number; readonly rows_max: number };

const ACTIVITIES: Readonly<Record<string, ChannelActivity>> = {
	working: "running",
	finish: "finished",
	stop: "stopped",
	protect: "protected",
};
/** Between 2000 and 2100: anything else is no clock that was set. */
const WALL_MS_MIN = Date.UTC(2000, 0, 1);
const WALL_MS_MAX = Date.UTC(2100, 0, 1);
const SHOWN_CHARS = 40;

class Wrong extends Error {}

/** Never throws, whatever the bytes are. */
export function decodeState(payload: Uint8Array): Decoded<ChannelState> {
	return decoded(payload, (message) => {
		const word = text(message, "status", 40);
		const test = optionalText(message, "test_id", 100);
		const seq = whole(message, "seq");
		if (test === null && seq !== 0) throw new Wrong(`seq is ${seq} without a test_id`);
		if (typeof message.row !== "boolean") throw new Wrong(`row is ${shown(message.row)}, not true or false`);
		if (message.row && seq === 0) throw new Wrong("row is true and seq is 0");
		return {
			word,
			activity: Object.hasOwn(ACTIVITIES, word) ? ACTIVITIES[word]! : "unknown",
			test,
			barcode: optionalText(message, "barcode", 100),
			seq,
			row: message.row ? rowOf(message) : undefined,
			wallMs: wallMs(message),
			cycle: optional(message, "cycle"),
			step: optional(message, "step"),
			stepType: optionalText(message, "step_type", 40),
			stepS: optional(message, "step_s"),
			testS: optional(message, "test_s"),
			voltageV: number(message, "v"),
			currentA: number(message, "i"),
			capacityAh: optional(message, "cap_ah"),
			energyWh: optional(message, "energy_wh"),
			logCode: typeof message.log_code === "number" ? String(message.log_code) : optionalText(message, "log_code", 40),
		};
	});
}

/** Rows must rise by their number; none may come twice. */
export function decodeReply(payload: Uint8Array): Decoded<Reply> {
	return decoded(payload, (message) => {
		const id = text(message, "id", 100);
		if (typeof message.ok !== "boolean") throw new Wrong(`ok is ${shown(message.ok)}, not true or false`);
		const listed = message.rows ?? [];
		if (!Array.isArray(listed) || listed.length > ROWS_MAX) throw new Wrong(`rows is no list of at most ${ROWS_MAX}`);
		const rows = listed.map((entry: unknown, at) => {
			if (!isObject(entry)) throw new Wrong(`rows[${at}] is ${shown(entry)}, not an object`);
			try {
				return rowOf(entry);
			} catch (cause) {
				throw new Wrong(`rows[${at}].${(cause as Error).message}`);
			}
		});
		rows.forEach((row, at) => {
			if (at > 0 && row.seq <= rows[at - 1]!.seq)
				throw new Wrong(`row ${row.seq} comes after row ${rows[at - 1]!.seq}`);
		});
		const error = optionalText(message, "error", 500) ?? "";
		return { id, ok: message.ok, error, test: optionalText(message, "test_id", 100), rows };
	});
}

export function encodeCommand(id: string, command: Command): Uint8Array {
	const { cmd, ...rest } = command;
	const said = cmd === "start" ? { ...rest, program: { schema: PROGRAM_SCHEMA, ...command.program } } : rest;
	return sealed({ id, cmd, ...said });
}

/** A message with a checksum over all of its text before it. */
export function sealed(message: object): Uint8Array {
	const text = JSON.stringify(message).slice(0, -1);
	return Buffer.from(`${text},"crc":"${checksum(text)}"}`);
}

/** What is wrong with a message that has a checksum; undefined when it is right, or has none. */
export function sealProblem(text: string, message: Members): string | undefined {
	if (message.crc === undefined) return undefined;
	const end = SEAL.exec(text);
	if (end === null) return `crc is ${shown(message.crc)}, not 8 hexadecimal digits at the end of the message`;
	const right = checksum(text.slice(0, end.index));
	return end[1] === right ? undefined : `crc is ${end[1]}, and that of what came is ${right}`;
}

/** A row as it stands in states and replies. */
export const rowMembers = (row: CyclerRow) => ({
	seq: row.seq,
	ts: row.wallMs,
	cycle: row.cycle,
	step: row.step,
	step_type: row.stepType,
	step_s: row.stepS,
	v: row.voltageV,
	i: row.currentA,
	cap_ah: row.capacityAh,
	energy_wh: row.energyWh,
});

type Members = Readonly<Record<string, unknown>>;

const SEAL = /,"crc":"([0-9a-f]{8})"\}\s*$/;
const checksum = (text: string): string => crc32(text).toString(16).padStart(8, "0");

function rowOf(message: Members): CyclerRow {
	const seq = whole(message, "seq");
	if (seq < 1) throw new Wrong("seq is 0, rows begin with 1");
	return {
		seq,
		cycle: whole(message, "cycle"),
		step: whole(message, "step"),
		stepType: text(message, "step_type", 40),
		stepS: number(message, "step_s"),
		wallMs: wallMs(message),
		voltageV: number(message, "v"),
		currentA: number(message, "i"),
		capacityAh: number(message, "cap_ah"),
		energyWh: number(message, "energy_wh"),
	};
}

function decoded<Value>(payload: Uint8Array, read: (message: Members) => Value): Decoded<Value> {
	if (payload.length > PAYLOAD_BYTES_MAX) {
		return { wrong: `the payload has ${payload.length} bytes, allowed are ${PAYLOAD_BYTES_MAX}` };
	}
	const said = Buffer.from(payload).toString("utf8");
	let message: unknown;
	try {
		message = JSON.parse(said);
	} catch {
		return { wrong: `${shown(said)} is not JSON` };
	}
	if (!isObject(message)) return { wrong: `${shown(message)} is no JSON object` };
	const damage = sealProblem(said, message);
	if (damage !== undefined) return { wrong: damage };
	try {
		return { value: read(message) };
	} catch (cause) {
		if (cause instanceof Wrong) return { wrong: cause.message };
		throw cause;
	}
}

const isObject = (value: unknown): value is Members =>
	typeof value === "object" && value !== null && !Array.isArray(value);

function number(message: Members, key: string): number {
	const value = message[key];
	if (typeof value === "number" && Number.isFinite(value)) return value;
	throw new Wrong(`${key} is ${shown(value)}, not a number`);
}

const optional = (message: Members, key: string): number | null => (message[key] == null ? null : number(message, key));

function whole(message: Members, key: string): number {
	const value = message[key];
	if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
	throw new Wrong(`${key} is ${shown(value)}, not a whole number from 0`);
}

function wallMs(message: Members): number {
	const value = number(message, "ts");
	if (value >= WALL_MS_MIN && value < WALL_MS_MAX) return value;
	throw new Wrong(`ts is ${value}, not Unix ms of this century`);
}

function text(message: Members, key: string, charsMax: number): string {
	const value = message[key];
	// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
	if (typeof value === "string" && value !== "" && value.length <= charsMax && !/[\x00-\x1f\x7f]/.test(value))
		return value;
	throw new Wrong(`${key} is ${shown(value)}, not a text of 1 to ${charsMax} characters`);
}

const optionalText = (message: Members, key: string, charsMax: number): string | null =>
	message[key] == null || message[key] === "" ? null : text(message, key, charsMax);

function shown(value: unknown): string {
	const said = value === undefined ? "missing" : JSON.stringify(value);
	return said.length > SHOWN_CHARS ? `${said.slice(0, SHOWN_CHARS)}...` : said;
}
