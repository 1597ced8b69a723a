/** Many tests on one cycler, at a row a second each: none waits long for its turn. */
import { expect, it } from "vitest";
import { SteppedClock } from "#core/clock.js";
import { CellTests } from "#cycling/engine.js";
import { CellTestRounds } from "#cycling/rounds.js";
import type { ChannelStatus, Cycler, CyclerRow } from "#device/cycler.js";
import { MemoryJournal } from "#journal/memory.js";
import type { RecordBody } from "#record/records.js";

const CHANNELS = 64;
const PROTOCOL = `adlayer: protocol/1
name: long
title: A row a second
version: "1"
cell: symmetric
window: { min_V: -1, max_V: 1 }
limits: { hours: 10, current_A: 0.002, capacity_Ah: 1 }
record_s: 1
steps:
  - constant_current: { current_A: 0.001, until: { time_s: 20000 } }
`;

/** Every channel has a row more with each second since its test began. */
class Rack implements Cycler {
	readonly channels = Object.fromEntries(
		Array.from({ length: CHANNELS }, (_, n) => [`c${n}`, { voltageVMin: -5, voltageVMax: 5, currentAMax: 0.01 }]),
	);
	readonly currentSign = "charge-positive";
	private readonly sinceMs = new Map<string, number>();
	downloads = 0;
	/** Looks at what all channels do. */
	looks = 0;
	/** Channels that the last look was meant for. */
	asked: readonly string[] = [];

	constructor(private readonly clock: SteppedClock) {}

	refusals() {
		return [];
	}
	async status(channels?: readonly string[]) {
		this.looks += 1;
		this.asked = channels ?? [];
		const nothing = { barcode: null, cycle: null, step: null, stepType: null, voltageV: null, currentA: null };
		const none = { ...nothing, capacityAh: null, energyWh: null, testS: null, stepS: null, logCode: null };
		const of = (name: string): ChannelStatus => {
			const activity = this.sinceMs.has(name) ? "running" : "finished";
			return { ...none, activity, word: activity };
		};
		return Object.fromEntries(Object.keys(this.channels).map((name) => [name, of(name)]));
	}
	rowsOf(name: string): number {
		const sinceMs = this.sinceMs.get(name);
		return sinceMs === undefined ? 0 : Math.floor((this.clock.nowMs() - sinceMs) / 1_000);
	}
	async extents() {
		const of = (name: string) => ({ test: this.sinceMs.has(name) ? `test-of-${name}` : null, rows: this.rowsOf(name) });
		return Object.fromEntries(Object.keys(this.channels).map((name) => [name, of(name)]));
	}
	async rows({ channel, fromSeq, rowsMax }: { channel: string; fromSeq: number; rowsMax: number }) {
		this.downloads += 1;
		const count = Math.min(rowsMax, this.rowsOf(channel) - fromSeq + 1);
		const row = (seq: number): CyclerRow => {
			const amounts = { voltageV: 0.1, currentA: 0.001, capacityAh: seq / 3.6e6, energyWh: 0 };
			return { seq, cycle: 1, step: 1, stepType: "cc", stepS: seq, wallMs: seq * 1_000, ...amounts };
		};
		return { rows: Array.from({ length: count }, (_, at) => row(fromSeq + at)), gaps: [] };
	}
	async start({ channel }: { channel: string }) {
		this.sinceMs.set(channel, this.clock.nowMs());
		return { test: `test-of-${channel}` };
	}
	async stop() {}
}

it("every test of a full rack has its rows on record within a few rounds, and many rows come in one download", async () => {
	const clock = new SteppedClock({ wallStartMs: 0 });
	const rack = new Rack(clock);
	let ids = 0;
	const newId = () => `t-${++ids}`;
	const tests = new CellTests({ cyclers: { rack }, sink: new MemoryJournal(clock), clock, newId });
	const cell = { cycler: "rack", channel: null, protocolText: PROTOCOL, areaCm2: null, activeMassG: null };
	for (let n = 0; n < CHANNELS; n += 1) tests.order({ ...cell, cell: `C-${n}`, operator: "mk" });
	await tests.round();
	expect(tests.open.every(({ state }) => state === "running")).toBe(true);
	let behind = 0;
	const rounds = 60;
	for (let round = 0; round < rounds; round += 1) {
		await clock.advance(1_000);
		await tests.round();
		const last = tests.open.map(({ channel, lastRow }) => rack.rowsOf(channel!) - (lastRow?.seq ?? 0));
		behind = Math.max(behind, ...last);
	}
	expect(behind).toBeLessThanOrEqual(4);
	expect(rack.downloads).toBeLessThanOrEqual((rounds * CHANNELS) / 4);
	expect(rack.looks).toBeLessThanOrEqual(1 + rounds / 4);
});

it("tests that wait for a full rack make nobody look more often, and a rack in part use is asked of that part", async () => {
	const clock = new SteppedClock({ wallStartMs: 0 });
	const rack = new Rack(clock);
	let ids = 0;
	const newId = () => `t-${++ids}`;
	const tests = new CellTests({ cyclers: { rack }, sink: new MemoryJournal(clock), clock, newId });
	const cell = { cycler: "rack", protocolText: PROTOCOL, areaCm2: null, activeMassG: null, operator: "mk" };
	const order = (n: number, channel: string | null) => tests.order({ ...cell, cell: `C-${n}`, channel });
	const rounds = async (count: number): Promise<number> => {
		const before = rack.looks;
		for (let round = 0; round < count; round += 1) {
			await clock.advance(1_000);
			await tests.round();
		}
		return rack.looks - before;
	};
	for (let n = 0; n < 3; n += 1) order(n, `c${n}`);
	await rounds(5);
	expect(rack.asked).toEqual(["c0", "c1", "c2"]);
	order(3, "c2");
	expect(await rounds(40)).toBeLessThanOrEqual(10);
	for (let n = 4; n < CHANNELS + 200; n += 1) order(n, null);
	await rounds(1);
	expect(tests.open.filter(({ state }) => state === "running")).toHaveLength(CHANNELS);
	expect(await rounds(40)).toBeLessThanOrEqual(10);
});

it("thousands of tests are shown in pages, and one by its name", () => {
	const clock = new SteppedClock({ wallStartMs: 0 });
	const cell = { cycler: "rack", channel: null, protocol: "long", protocolText: PROTOCOL, protocolSha256: "ab" };
	const before = Array.from({ length: 2_500 }, (_, n): RecordBody => {
		const who = { operator: "mk", attendedBy: null, areaCm2: null, activeMassG: null };
		return { kind: "cell-test-ordered", cellTest: `t-${n}`, cell: `C-${n}`, ...cell, ...who };
	});
	const move = { from: "queued", cause: "no longer wanted", channel: null, cyclerTest: null } as const;
	for (const n of [7, 8]) before.push({ kind: "cell-test-state", cellTest: `t-${n}`, to: "stopped", ...move });
	const rounds = new CellTestRounds({ cyclers: {}, sink: new MemoryJournal(clock), clock, newId: () => "", before });
	const names = (page: Parameters<CellTestRounds["page"]>[0]) =>
		rounds.page(page).tests.map(({ cellTest }) => cellTest);
	expect(rounds.page({})).toMatchObject({ total: 2_500, tests: { length: 1_000 } });
	const all = [0, 1_000, 2_000].flatMap((offset) => names({ offset }));
	expect(all.slice(0, 8)).toEqual(["t-0", "t-1", "t-2", "t-3", "t-4", "t-5", "t-6", "t-9"]);
	expect(all.slice(-3)).toEqual(["t-2499", "t-8", "t-7"]);
	expect(new Set(all).size).toBe(2_500);
	expect(names({ offset: 2_497, limit: 2 })).toEqual(["t-2499", "t-8"]);
	expect(names({ offset: 9_999 })).toEqual([]);
	expect(rounds.page({ cellTest: "t-7" })).toMatchObject({ total: 1, tests: [{ state: "stopped" }] });
	expect(rounds.page({ cellTest: "other" })).toEqual({ total: 0, tests: [] });
});
