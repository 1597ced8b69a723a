/** The end of a battery test comes to be known whatever dies at that instant: stepped through, effect by effect. */
import { beforeEach, describe, expect, it } from "vitest";
import type { CellTestHistory, FollowedCellTest } from "#record/cell-test-history.js";
import type { CellTestOrdered, CellTestRow } from "#record/cell-tests.js";
import type { Descent, Item } from "#record/descent.js";
import type { JournalRecord, RecordBody } from "#record/records.js";
import { RunningVerdicts } from "#src/verdicts/running-verdicts.js";
import { TestAnalysis } from "#src/verdicts/test-analysis.js";
import { TestItems } from "#src/verdicts/test-items.js";
import { MemoryCellTests } from "../support/memory-cell-tests.js";

const FACTS = { chemistry: "symmetric", limitV: 2 } as const;
const ENDED_AT = Date.UTC(2026, 0, 3);
const ORDER: CellTestOrdered = {
	kind: "cell-test-ordered",
	cellTest: "t-1",
	cell: "C-77",
	cycler: "neware",
	channel: "c1",
	protocol: "li-40um-3ma",
	protocolText: "",
	protocolSha256: "ab",
	areaCm2: 1.131,
	activeMassG: null,
	operator: "mk",
	attendedBy: null,
};

/** Half-cycles of an hour, the last of them cut off: it counts only when the test is over. */
const ROWS: CellTestRow[] = Array.from({ length: 650 }, (_, n) => {
	const half = Math.floor(n / 60);
	const sign = half % 2 === 0 ? 1 : -1;
	return {
		seq: n + 1,
		cycle: 1 + (half >> 1),
		step: half + 1,
		stepType: sign > 0 ? "cc" : "dc",
		stepS: (n % 60) * 60,
		testS: n * 60,
		wallMs: ENDED_AT - (650 - n) * 60_000,
		voltageV: sign * 0.05,
		currentA: sign * 0.001,
		capacityAh: ((n % 60) / 60) * 0.001,
		energyWh: 0,
	};
});

let seq = 0;
const recorded = (body: RecordBody): JournalRecord => {
	seq += 1;
	return { seq, t: seq, wall: ENDED_AT, ...body };
};
const BEGUN = [
	recorded(ORDER),
	recorded({
		kind: "cell-test-state",
		cellTest: "t-1",
		from: "queued",
		to: "running",
		cause: "",
		channel: "c1",
		cyclerTest: "x",
	}),
	recorded({
		kind: "cell-test-rows",
		cellTest: "t-1",
		rows: ROWS.slice(0, 400),
		currentSign: "charge-positive",
		gaps: [],
	}),
];
const ENDING = [
	recorded({
		kind: "cell-test-rows",
		cellTest: "t-1",
		rows: ROWS.slice(400),
		currentSign: "charge-positive",
		gaps: [],
	}),
	recorded({
		kind: "cell-test-state",
		cellTest: "t-1",
		from: "running",
		to: "finished",
		cause: "finish",
		channel: "c1",
		cyclerTest: "x",
	}),
];

type Effects = Pick<Descent, "create" | "change" | "get" | "list">;

/** What outlives the service: the database's tables. */
class Tables {
	readonly tests = new MemoryCellTests();
	item: Item | undefined;
	isRegistered = true;
	readonly written: unknown[] = [];

	readonly descent = {
		list: async () => (this.isRegistered ? [{ id: "cell-5" }] : []) as never,
		get: async () => this.item,
		create: async ({ body }: { body: Item["body"] }) => this.hold({ body, withdrawn: null }),
		change: async (_kind: string, _id: string, { body }: { body: Item["body"] }) =>
			this.hold({ body: { ...this.item!.body, ...body }, withdrawn: null }),
	} as unknown as Effects;

	private hold(item: Partial<Item>): Item {
		this.written.push(item.body);
		this.item = item as Item;
		return this.item;
	}
}

/** A service that dies with its `dies`th call to the database, before or after that has had its effect. */
class Mortal {
	calls = 0;
	readonly changes: FollowedCellTest[] = [];
	readonly failures: string[] = [];
	readonly verdicts: RunningVerdicts;
	private readonly items: TestItems;

	constructor(
		tables: Tables,
		private readonly dies: { at: number; hasEffect: boolean } | undefined,
	) {
		const failed = (message: string) => this.failures.push(message);
		this.items = new TestItems({ descent: this.mortal(tables.descent), software: "adlayer 1", failed });
		this.verdicts = new RunningVerdicts({
			history: this.mortal<CellTestHistory>(tables.tests),
			factsOf: () => FACTS,
			changed: (test) => {
				this.changes.push(test);
				this.items.follow(test);
			},
			ended: (test) => this.items.conclude(test),
			failed,
		});
	}

	get isDead(): boolean {
		return this.dies !== undefined && this.calls >= this.dies.at;
	}

	/** Whatever it still waits for never comes. */
	async atRest(): Promise<void> {
		for (let turns = 0; turns < 200; turns += 1) await Promise.resolve();
	}

	private mortal<T extends object>(there: T): T {
		return new Proxy(there, {
			get: (target, name) => {
				const member = Reflect.get(target, name);
				if (typeof member !== "function") return member;
				return async (...given: unknown[]) => {
					const never = new Promise<never>(() => {});
					if (this.isDead) return never;
					this.calls += 1;
					if (!this.isDead) return member.apply(target, given);
					if (this.dies!.hasEffect) await member.apply(target, given);
					return never;
				};
			},
		});
	}
}

const expected = () => {
	const analysis = new TestAnalysis(FACTS);
	analysis.push(ROWS);
	analysis.end();
	return analysis.verdict;
};

describe("the end of a battery test", () => {
	let tables: Tables;
	beforeEach(() => {
		tables = new Tables();
	});

	/** The records are in the database; the service hears of them unless it is dead. */
	async function live(service: Mortal, records: readonly JournalRecord[]): Promise<void> {
		tables.tests.take(records);
		if (!service.isDead) service.verdicts.take(records);
		await service.atRest();
	}

	function isKnownOnce(): void {
		expect(tables.tests.isConcluded).toBe(true);
		expect(tables.tests.halves.map(({ index }) => index)).toEqual(tables.tests.halves.map((_, at) => at));
		// Ten whole ones, and the one that it ended in.
		expect(tables.tests.halves).toHaveLength(11);
		expect(expected().halfCycles).toBe(11);
		expect(tables.tests.halves.at(-1)).toMatchObject({ firstSeq: 601, direction: "charge", resume: null });
		const ends = tables.written.filter((body) => (body as Item["body"]).endedAt !== undefined);
		expect(ends).toHaveLength(1);
		const { kind, atHours, atCycle } = expected();
		expect(tables.item!.body).toMatchObject({
			cell: "cell-5",
			endedAt: "2026-01-03T00:00:00.000Z",
			verdict: { kind, atHours, atCycle, software: "adlayer 1" },
		});
	}

	it("is written down once, with the verdict of the whole", async () => {
		const service = new Mortal(tables, undefined);
		await live(service, BEGUN);
		await live(service, ENDING);
		isKnownOnce();
		expect(service.changes.at(-1)).toMatchObject({ state: "finished", verdict: expected() });
		expect(service.failures).toEqual([]);
		const { calls } = service;
		await service.verdicts.takeUp();
		expect(service.calls).toBe(calls + 2);
	});

	it("is made up for by the next service, wherever the one before was killed", async () => {
		const unharmed = new Mortal(tables, undefined);
		await live(unharmed, BEGUN);
		await live(unharmed, ENDING);
		expect(unharmed.calls).toBeGreaterThan(8);
		for (let at = 1; at <= unharmed.calls; at += 1) {
			for (const hasEffect of [false, true]) {
				tables = new Tables();
				const killed = new Mortal(tables, { at, hasEffect });
				await live(killed, BEGUN);
				await live(killed, ENDING);
				expect(killed.isDead).toBe(true);
				const next = new Mortal(tables, undefined);
				await next.verdicts.takeUp();
				await next.atRest();
				isKnownOnce();
				expect(next.failures).toEqual([]);
			}
		}
	});

	it("is made up for when the test ended while there was no service", async () => {
		const first = new Mortal(tables, undefined);
		await live(first, BEGUN);
		tables.tests.take(ENDING);
		const next = new Mortal(tables, undefined);
		await next.verdicts.takeUp();
		isKnownOnce();
		expect(next.changes.at(-1)).toMatchObject({ state: "finished", verdict: expected() });
	});

	it("is made up for when it came while the open tests were being taken up", async () => {
		const first = new Mortal(tables, undefined);
		await live(first, BEGUN);
		const next = new Mortal(tables, undefined);
		const takingUp = next.verdicts.takeUp();
		await live(next, ENDING);
		await takingUp;
		await next.verdicts.takeUp();
		await next.atRest();
		isKnownOnce();
	});

	it("is made up for when the database was away at that moment, without a restart", async () => {
		const service = new Mortal(tables, undefined);
		await live(service, BEGUN);
		tables.tests.isAway = true;
		await live(service, ENDING);
		expect(service.failures[0]).toMatch(/^battery test t-1: .*away/);
		await expect(service.verdicts.takeUp()).rejects.toThrow("away");
		tables.tests.isAway = false;
		await service.verdicts.takeUp();
		isKnownOnce();
	});

	it("is written down, with its verdict, for a cell that is registered only then", async () => {
		tables.isRegistered = false;
		const service = new Mortal(tables, undefined);
		await live(service, BEGUN);
		await live(service, ENDING);
		expect(tables.tests.isConcluded).toBe(true);
		expect(tables.item).toBeUndefined();
		tables.isRegistered = true;
		tables.tests.withoutItem = ["t-1"];
		await service.verdicts.takeUp();
		isKnownOnce();
		tables.descent.get = () => Promise.reject(new Error("away"));
		await service.verdicts.takeUp();
		expect(service.failures).toEqual(["battery test t-1: away"]);
	});

	it("of long ago is not told on a channel that has had another test since", async () => {
		const first = new Mortal(tables, undefined);
		await live(first, BEGUN);
		tables.tests.take(ENDING);
		const listed = await tables.tests.unconcludedCellTests();
		tables.tests.unconcludedCellTests = async () => listed.map((test) => ({ ...test, isLastOfChannel: false }));
		const next = new Mortal(tables, undefined);
		await next.verdicts.takeUp();
		isKnownOnce();
		expect(next.changes).toEqual([]);
	});
});
