/** Replies about channels and rows, as values. Pure. */
import type { ChannelActivity, ChannelStatus, CurrentSign, CyclerRow, TestExtent } from "#device/cycler.js";
import {
	type ChannelAddress,
	type Element,
	integerOf,
	invalid,
	keyOf,
	type Message,
	numberOf,
	optionalNumber,
	printable,
} from "./codec.js";
import type { LocalTime } from "./local-time.js";

/** The four words that real replies have shown. A fifth is shown as it came, and nothing is started on it. */
const ACTIVITIES: Readonly<Record<string, ChannelActivity>> = {
	working: "running",
	finish: "finished",
	stop: "stopped",
	protect: "protected",
};

export const activityOf = (word: string): ChannelActivity =>
	Object.hasOwn(ACTIVITIES, word.toLowerCase()) ? ACTIVITIES[word.toLowerCase()]! : "unknown";

/** Times of `inquire` are in s (those of a download in ms). `barcode` and numbers that are missing or `--` are null. */
export function statusOf(element: Element): ChannelStatus {
	const { attributes } = element;
	const word = attributes.workstatus;
	if (word === undefined) throw invalid("A channel without workstatus came");
	const text = (name: string): string | null => {
		const value = attributes[name];
		return value === undefined || value === "" || value === "--" ? null : value;
	};
	return {
		activity: activityOf(word),
		word: printable(word),
		barcode: text("barcode"),
		cycle: optionalNumber(attributes.cycle_id),
		step: optionalNumber(attributes.step_id),
		stepType: text("step_type"),
		voltageV: optionalNumber(attributes.voltage),
		currentA: optionalNumber(attributes.current),
		capacityAh: optionalNumber(attributes.capacity),
		energyWh: optionalNumber(attributes.energy),
		testS: optionalNumber(attributes.totaltime),
		stepS: optionalNumber(attributes.relativetime),
		logCode: text("log_code"),
	};
}

/** One chunk of a download. */
export interface Chunk {
	/** The server's number of the test that it gave rows of; null when it does not say. */
	readonly testid: string | null;
	readonly rows: readonly CyclerRow[];
	/** Sequence numbers that lie inside the chunk and did not come. */
	readonly missing: readonly { readonly fromSeq: number; readonly toSeq: number }[];
}

/**
 * Rows `fromSeq` to `fromSeq + count - 1` of a reply: ascending, none twice. What was not asked for is dropped, a row that
 * comes twice counts once. Throws REPLY_INVALID when rows run backwards or one sequence number has two contents.
 */
export function chunkOf(message: Message, request: { fromSeq: number; count: number }, zone: LocalTime): Chunk {
	const { fromSeq, count } = request;
	const testid = message.elements("download")[0]?.attributes.testid ?? null;
	const rows: CyclerRow[] = [];
	const missing: { fromSeq: number; toSeq: number }[] = [];
	let wallMs = Number.NEGATIVE_INFINITY;
	for (const element of message.elements("data")) {
		const seq = integerOf(element, "seqid");
		if (seq < fromSeq || seq >= fromSeq + count) continue;
		const row = rowOf(element, seq, zone, wallMs);
		const last = rows.at(-1);
		if (last !== undefined && seq <= last.seq) {
			if (seq === last.seq && JSON.stringify(row) === JSON.stringify(last)) continue;
			throw invalid(`Row ${seq} came after row ${last.seq}`);
		}
		const next = (last?.seq ?? fromSeq - 1) + 1;
		if (seq > next) missing.push({ fromSeq: next, toSeq: seq - 1 });
		rows.push(row);
		wallMs = row.wallMs;
	}
	return { testid, rows, missing };
}

/** `testtime` restarts with every step in what real servers send, whatever its name says: it is the time in the step, ms. */
function rowOf(element: Element, seq: number, zone: LocalTime, notBeforeMs: number): CyclerRow {
	return {
		seq,
		cycle: integerOf(element, "cycleid"),
		step: integerOf(element, "stepid"),
		stepType: printable(element.attributes.steptype ?? ""),
		stepS: numberOf(element, "testtime") / 1_000,
		wallMs: zone.wallMs(element.attributes.atime ?? "", notBeforeMs),
		voltageV: numberOf(element, "volt"),
		currentA: numberOf(element, "curr"),
		capacityAh: numberOf(element, "cap"),
		energyWh: numberOf(element, "eng"),
	};
}

/** Readings that must agree before a convention counts as proven. */
const PROOFS = 3;
const DIRECTION: Readonly<Record<string, 1 | -1>> = { cc: 1, dc: -1 };
/** Undefined for steps that go neither way, or that nobody has explained. */
const directionOf = (stepType: string | null): 1 | -1 | undefined => {
	const known = stepType?.toLowerCase() ?? "";
	return Object.hasOwn(DIRECTION, known) ? DIRECTION[known] : undefined;
};

/**
 * Which way the server counts current: proven by `cc` steps, which charge, and `dc` steps, which discharge. Rows of both
 * kinds are needed to tell a sign from a magnitude, unless the current is negative.
 */
export class SignProbe {
	private readonly seen: Record<"cc+" | "cc-" | "dc+" | "dc-", number> = { "cc+": 0, "cc-": 0, "dc+": 0, "dc-": 0 };

	observe(stepType: string | null, currentA: number | null): void {
		const direction = directionOf(stepType);
		if (direction === undefined || currentA === null || currentA === 0) return;
		const kind = `${direction > 0 ? "cc" : "dc"}${currentA > 0 ? "+" : "-"}` as keyof typeof this.seen;
		this.seen[kind] = Math.min(this.seen[kind] + 1, PROOFS);
	}

	get sign(): CurrentSign {
		const proven = (kind: keyof typeof this.seen): boolean => this.seen[kind] >= PROOFS;
		const [chargePlus, chargeMinus] = [proven("cc+"), proven("cc-")];
		const [dischargePlus, dischargeMinus] = [proven("dc+"), proven("dc-")];
		if ((chargePlus && chargeMinus) || (dischargePlus && dischargeMinus) || (chargeMinus && dischargeMinus)) {
			return "contradictory";
		}
		if (dischargeMinus) return "charge-positive";
		if (chargeMinus) return "discharge-positive";
		return chargePlus && dischargePlus ? "magnitude" : "unproven";
	}

	/** The current as charge-positive: by the kind of step where it says the direction, by the proven sign elsewhere. */
	chargePositive(stepType: string | null, currentA: number): number {
		const direction = directionOf(stepType);
		switch (this.sign) {
			case "discharge-positive":
				return currentA === 0 ? 0 : -currentA;
			case "magnitude":
				return direction === undefined ? currentA : direction * currentA;
			default:
				return currentA;
		}
	}
}

/** Which test the channel has, and how many rows. */
export function extentOf(address: ChannelAddress, element: Element): TestExtent {
	const { testid } = element.attributes;
	const rows = integerOf(element, "count");
	const hasNone = testid === undefined || testid === "" || testid === "--" || testid === "0";
	return hasNone ? { test: null, rows: 0 } : { test: `${keyOf(address)}-${testid}`, rows };
}
