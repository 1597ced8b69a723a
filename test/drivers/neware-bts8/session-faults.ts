/**
 * The session faults of a Neware server: every byte boundary split, the connection cut at each reply, silence, wrong answers.
 * One whole conversation (connect, start, poll, rows) under each of them. Used by tests and by the bench `cycling`.
 */
import { asAdlayerError } from "#core/errors.js";
import { newareBts8 } from "#drivers/neware-bts8/index.js";
import { type Fate, PROGRAM, Rig, whole } from "./rig.js";

export interface FaultReport {
	/** Conversations that were spoilt. */
	readonly conversations: number;
	/** Any call that took longer than the time-outs and looks behind it allow; 0 is the only good number. */
	readonly hung: number;
	readonly doubledRows: number;
	readonly lostRows: number;
	/** Tests that were started more than once. */
	readonly doubledStarts: number;
	/** Conversations that did not come to their end once the fault was over. */
	readonly unrecovered: number;
	/** The first few, for people. */
	readonly failures: readonly string[];
}

type Fault = (bytes: Uint8Array, index: number, before: Uint8Array) => Fate;

/** A start looks at its channel for 15 s, and each look may cost a time-out and the quiet time behind it. */
const CALL_MS_MAX = 15_000 + 6 * newareBts8.timing.timeoutMs;
const TRIES = 12;

interface Size {
	readonly rowsToCome: number;
	readonly rowsAtOnce: number;
}

const LONG: Size = { rowsToCome: 120, rowsAtOnce: 50 };
/** Short replies, so that each of their bytes can be a boundary. */
const SHORT: Size = { rowsToCome: 20, rowsAtOnce: 5 };

const silence: Fate = { pieces: [] };
const text = (reply: string): Fate => whole(Buffer.from(reply, "utf8"));
/** How long a server takes to answer: whatever it sent twice comes before the next answer. */
const LATENCY_MS = 5;
const wrong: Readonly<Record<string, (bytes: Uint8Array, before: Uint8Array) => Fate>> = {
	silence: () => silence,
	"a cut connection": () => ({ pieces: [], cut: true }),
	"half a reply and a cut": (bytes) => ({
		pieces: [{ bytes: bytes.slice(0, bytes.length >> 1), delayMs: 0 }],
		cut: true,
	}),
	"a whole reply and a cut": (bytes) => ({ ...whole(bytes), cut: true }),
	"half a reply and silence": (bytes) => whole(bytes.slice(0, bytes.length >> 1)),
	garbage: () => text("\u0000\u00ff garbage \n\n#\r\n"),
	"no terminator": (bytes) => whole(bytes.slice(0, -3)),
	"the reply to something else": () =>
		text('<?xml version="1.0"?><bts version="1.0"><cmd>light_resp</cmd><list count="0" /></bts>\n\n#\r\n'),
	"a reply without its list": (bytes) => {
		const command = /<cmd>\w+<\/cmd>/.exec(Buffer.from(bytes).toString("utf8"))?.[0] ?? "";
		return text(`<bts version="1.0">${command}</bts>\n\n#\r\n`);
	},
	"false in place of ok": (bytes) => text(Buffer.from(bytes).toString("utf8").replace(">ok<", ">false<")),
	"a doubled reply": (bytes) => ({
		pieces: [
			{ bytes, delayMs: 0 },
			{ bytes, delayMs: 1 },
		],
	}),
	"the reply before once more": (_bytes, before) => whole(before),
	"a reply after the time-out": (bytes) => ({ pieces: [{ bytes, delayMs: 1.3 * newareBts8.timing.timeoutMs }] }),
	"a document with entities": () =>
		text('<!DOCTYPE bts [<!ENTITY a "aaaaaaaaaa">]><bts version="1.0"><cmd>connect_resp</cmd>&a;</bts>\n\n#\r\n'),
};

/** All replies are split at every `splitStep`-th of their bytes; 1 is all of them. */
export async function newareSessionFaults(options: { splitStep: number }): Promise<FaultReport> {
	const sum = new Report();
	const repliesOfAll = await sum.converse("nothing", () => whole);
	for (const [name, fate] of Object.entries(wrong)) {
		for (let at = 0; at < repliesOfAll; at += 1) {
			await sum.converse(
				`${name} at reply ${at}`,
				() => (bytes, index, before) => (index === at ? fate(bytes, before) : whole(bytes)),
			);
		}
		await sum.converse(
			`${name} three times in a row`,
			() => (bytes, index, before) => (index >= 3 && index < 6 ? fate(bytes, before) : whole(bytes)),
		);
	}
	// All replies of a conversation are split at the same place, the longest at places that the short ones do not have.
	sum.longestReply = 0;
	await sum.converse("nothing", () => whole, SHORT);
	const longest = sum.longestReply;
	for (let position = 1; position < longest; position += options.splitStep) {
		await sum.converse(
			`split at byte ${position}`,
			() => (bytes) => ({
				pieces: [
					{ bytes: bytes.slice(0, position), delayMs: 0 },
					{ bytes: bytes.slice(position), delayMs: 2 },
				],
			}),
			SHORT,
		);
	}
	await sum.converse("single bytes", () => (bytes) => ({
		pieces: Array.from(bytes, (byte) => ({ bytes: Uint8Array.of(byte), delayMs: 0 })),
	}));
	return sum;
}

class Report implements FaultReport {
	conversations = 0;
	hung = 0;
	doubledRows = 0;
	lostRows = 0;
	doubledStarts = 0;
	unrecovered = 0;
	longestReply = 0;
	readonly failures: string[] = [];

	/** One conversation to its end, as control leads it: whatever fails is tried again. Gives the number of replies. */
	async converse(name: string, makeFault: () => Fault, size: Size = LONG): Promise<number> {
		this.conversations += 1;
		const rig = new Rig();
		const fault = makeFault();
		let before = new Uint8Array();
		rig.fate = (bytes, index) => {
			this.longestReply = Math.max(this.longestReply, bytes.length);
			const { pieces, cut = false } = fault(bytes, index, before);
			before = Uint8Array.from(bytes);
			return { pieces: [{ bytes: new Uint8Array(), delayMs: LATENCY_MS }, ...pieces], cut };
		};
		const bounded = async <T>(call: Promise<T>): Promise<T> => {
			try {
				return await rig.run(call, CALL_MS_MAX);
			} catch (thrown) {
				if (thrown instanceof Error && /did not come true/.test(thrown.message)) {
					this.hung += 1;
					this.note(name, "hung");
				}
				throw thrown;
			}
		};
		const persistently = async <T>(call: () => Promise<T>): Promise<T | undefined> => {
			for (let attempt = 0; attempt < TRIES; attempt += 1) {
				try {
					return await bounded(call());
				} catch (thrown) {
					asAdlayerError(thrown);
					await rig.clock.advance(1_000);
				}
			}
			return undefined;
		};
		await persistently(() => rig.device.connect());
		const test = await this.start(rig, persistently);
		await persistently(() => rig.device.status());
		await rig.clock.advance((60 + 1_200) * 1_000);
		rig.simulator.advance(rig.clock.nowMs());
		const rows = test === undefined ? [] : await this.fetch(rig, test, size, persistently);
		const sequence = rows.filter((seq, at) => seq !== at + 1);
		const doubled = rows.length - new Set(rows).size;
		this.doubledRows += doubled;
		if (doubled > 0) this.note(name, `${doubled} rows doubled`);
		if (doubled === 0 && sequence.length > 0) {
			this.lostRows += sequence.length;
			this.note(name, `rows lost from ${sequence[0]} on`);
		}
		// Every request arrives: it is replies that are spoilt.
		const starts = rig.sent.filter((request) => request.includes("<cmd>start</cmd>")).length;
		if (starts > 1) {
			this.doubledStarts += 1;
			this.note(name, `start was sent ${starts} times`);
		}
		if (rows.length < size.rowsToCome) {
			this.unrecovered += 1;
			this.note(name, `${rows.length} rows came`);
		}
		return rig.replies;
	}

	/** What control does after a failed start: looks whether the test is there before it starts anything again. */
	private async start(rig: Rig, persistently: <T>(call: () => Promise<T>) => Promise<T | undefined>) {
		for (let attempt = 0; attempt < TRIES; attempt += 1) {
			const statuses = await persistently(() => rig.device.status());
			if (statuses?.a1?.activity === "running" && statuses.a1.barcode === "cell-1") {
				return (await persistently(() => rig.device.extents()))?.a1?.test ?? undefined;
			}
			try {
				const order = { channel: "a1", barcode: "cell-1", program: PROGRAM };
				return (await rig.run(rig.device.start(order), 3 * CALL_MS_MAX)).test;
			} catch (thrown) {
				if (thrown instanceof Error && /did not come true/.test(thrown.message)) this.hung += 1;
			}
		}
		return undefined;
	}

	private async fetch(
		rig: Rig,
		test: string,
		{ rowsToCome, rowsAtOnce }: Size,
		persistently: <T>(call: () => Promise<T>) => Promise<T | undefined>,
	): Promise<number[]> {
		const rows: number[] = [];
		for (let chunk = 0; chunk < 4 * TRIES && rows.length < rowsToCome; chunk += 1) {
			const fromSeq = (rows.at(-1) ?? 0) + 1;
			const got = await persistently(() => rig.device.rows({ channel: "a1", test, fromSeq, rowsMax: rowsAtOnce }));
			rows.push(...(got?.rows ?? []).map(({ seq }) => seq));
		}
		return rows;
	}

	private note(name: string, what: string): void {
		if (this.failures.length < 20) this.failures.push(`${name}: ${what}`);
	}
}
