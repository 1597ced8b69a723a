import { describe, expect, it } from "vitest";
import type { CellEventKind, CellTruth } from "#twin/cells/cell.js";
import { simulateCellTest } from "#twin/cells/ideal-cycler.js";
import { PAPER_TESTS, type PaperCell, type PaperTest, paperCellTest } from "#twin/cells/paper-tests.js";
import { cellConstants } from "./support.js";

const constants = cellConstants();
const SEEDS = [1, 2, 3];
/** Spread of life between cells is 2 %; three times that, and the hours of the rest before. */
const SPREAD = 0.07;
const REST_H = 6;
const ENDS: Record<string, CellEventKind> = {
	short: "bridged",
	polarisation: "electrolyte-used-up",
	depletion: "metal-used-up",
};

function replay(test: PaperTest, cell: PaperCell, seed: number) {
	/** Of each half-cycle: start, and the voltage half way through its rows. */
	const halves: { startH: number; middleV: number }[] = [];
	let step = 0;
	let startS = 0;
	let voltages: number[] = [];
	const truth = simulateCellTest({
		constants,
		...paperCellTest(test, cell),
		seed,
		sink: (testTimeS, voltageV, currentA, _cycle, at) => {
			if (at !== step) {
				if (voltages.length > 2)
					halves.push({ startH: startS / 3_600, middleV: Math.abs(voltages[voltages.length >> 1]!) });
				step = at;
				startS = testTimeS;
				voltages = [];
			}
			if (currentA !== 0) voltages.push(voltageV);
		},
	});
	const levelV = (h: number) => halves.findLast(({ startH }) => startH <= h)?.middleV ?? Number.NaN;
	return { truth, levelV };
}

const capacities = ({ halfCycles }: CellTruth) =>
	halfCycles.filter(({ direction }) => direction === "discharge").map(({ chargeAh }) => chargeAh);

describe("the paper's table", () => {
	const symmetric = PAPER_TESTS.flatMap((test) =>
		test.cells
			.filter(({ ends }) => ends.kind !== "end-of-life" && test.couple !== "Li-LFP")
			.map((cell) => ({ test, cell })),
	);

	it.each(symmetric)("$test.id, $cell.finish: $cell.ends.kind at $cell.ends.h h", ({ test, cell }) => {
		for (const seed of SEEDS) {
			const { truth } = replay(test, cell, seed);
			const ends = truth.events.filter(({ kind }) => kind !== "micro-bridged");
			if (cell.ends.kind === "none") {
				expect(ends, `seed ${seed}`).toEqual([]);
				expect(truth.hours).toBeGreaterThanOrEqual(cell.ends.h);
				continue;
			}
			expect(ends[0]?.kind, `seed ${seed}`).toBe(ENDS[cell.ends.kind]);
			expect(Math.abs(ends[0]!.atH - cell.ends.h), `seed ${seed}`).toBeLessThan(SPREAD * cell.ends.h + REST_H);
		}
	});

	const of = (id: string, finish: string) => {
		const test = PAPER_TESTS.find((each) => each.id === id)!;
		return replay(test, test.cells.find((cell) => cell.finish === finish)!, 1);
	};

	it("has the paper's voltages: lithium 50 mV and rising past 200, coated 100 mV and stable", () => {
		const bare = of("Li-Li 350 um 1 mA/cm2", "bare");
		expect(bare.levelV(30)).toBeCloseTo(0.05, 2);
		expect(bare.levelV(640)).toBeGreaterThan(0.15);
		expect(bare.levelV(690)).toBeGreaterThan(0.3);
		const coated = of("Li-Li 350 um 1 mA/cm2", "LiAlOx-ex");
		expect(Math.abs(coated.levelV(50) - 0.1)).toBeLessThan(0.015);
		expect(Math.abs(coated.levelV(990) - 0.1)).toBeLessThan(0.02);
		expect(Math.abs(of("Li-Li 100 cycles 1 mA/cm2", "Al2O3").levelV(200) - 0.2)).toBeLessThan(0.02);
	});

	it("has the paper's voltages: sodium 20 mV, above 40 after 200 h, 150 at 100 h with 3 mA; coated 20 mV past 1000 h", () => {
		const bare = of("Na-Na 1 mA/cm2", "bare");
		expect(bare.levelV(20)).toBeCloseTo(0.02, 2);
		expect(bare.levelV(215)).toBeGreaterThan(0.04);
		expect(Math.abs(of("Na-Na 3 mA/cm2", "bare").levelV(100) - 0.15)).toBeLessThan(0.02);
		expect(of("Na-Na 1 mA/cm2", "NaAlOx").levelV(1_000)).toBeCloseTo(0.02, 2);
	});

	it("lets the air cell take its charge 140 times at most when bare, and about 275 times when coated", () => {
		for (const seed of SEEDS) {
			const test = PAPER_TESTS.find(({ id }) => id.startsWith("Li-O2"))!;
			const fullAh = 0.1e-3 * 1.131;
			const full = test.cells.map(
				(cell) => capacities(replay(test, cell, seed).truth).filter((ah) => ah > 0.8 * fullAh).length,
			);
			expect(full[0]).toBeGreaterThan(115);
			expect(full[0]).toBeLessThanOrEqual(140);
			expect(Math.abs(full[1]! - 275)).toBeLessThan(20);
		}
	});

	it("lets LiFePO4 fade after 100 cycles to about 30 mAh/g at 200, coated to about 120 at 450", () => {
		const grams = 6e-3 * 1.131;
		const bare = capacities(of("Li-LFP 1 C", "bare").truth).map((ah) => (1_000 * ah) / grams);
		expect(bare[100]!).toBeGreaterThan(135);
		expect(Math.abs(bare[200]! - 30)).toBeLessThan(8);
		const coated = capacities(of("Li-LFP 1 C", "LiAlOx-ex").truth).map((ah) => (1_000 * ah) / grams);
		expect(Math.abs(coated[449]! - 120)).toBeLessThan(5);
	});

	it("replays a test to the byte for the same seed", () => {
		const test = PAPER_TESTS.find(({ id }) => id === "Na-Na 3 mA/cm2")!;
		const rows = (seed: number) => {
			const all: number[] = [];
			const options = { constants, ...paperCellTest(test, test.cells[0]!), seed };
			simulateCellTest({ ...options, sink: (...row) => all.push(...row) });
			return all;
		};
		expect(rows(5)).toEqual(rows(5));
	});
});
