/**
 * The table of battery tests of Jin et al., "Ionic Conductive and Highly-Stable Interface for Alkali Metal Anodes", Small
 * 2022, 10.1002/sml.202203045, against the shipped protocols. Where the table leaves something open it is said here what was
 * taken in its place: windows and the rest of 6 to 12 h are for the lab to confirm; 1 mAh cm-2 per half-cycle of the thin
 * foils, of the series of films and of sodium at 3 mA cm-2 is that of the rows above them.
 */
import { readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { checkProtocol } from "#cycling/check-protocol.js";
import type { CyclerProgram, ProgramStep } from "#device/cycler.js";
import { cellFacts } from "#src/cell-facts.js";

const FOLDER = resolve(import.meta.dirname, "../../recipes/protocols");
/** A coin cell's disc of 12 mm; 6 mg of LiFePO4 for each cm2. */
const AREA_CM2 = 1.131;
const MASS_G = 6.786e-3;

interface Symmetric {
	readonly protocol: string;
	readonly mAPerCm2: number;
	readonly mAhPerCm2: number;
	/** Where the paper's longest outcome lies: the protocol has to run beyond it. */
	readonly pastH: number;
}

/** Table "Battery tests of the paper", symmetric cells: current, charge of a half-cycle, outcome of the coated foil. */
const SYMMETRIC: readonly Symmetric[] = [
	{ protocol: "li-350um-1ma", mAPerCm2: 1, mAhPerCm2: 1, pastH: 1_000 },
	{ protocol: "li-350um-3ma", mAPerCm2: 3, mAhPerCm2: 1, pastH: 350 },
	{ protocol: "li-40um-1ma", mAPerCm2: 1, mAhPerCm2: 1, pastH: 330 },
	{ protocol: "li-40um-3ma", mAPerCm2: 3, mAhPerCm2: 1, pastH: 120 },
	{ protocol: "li-film-1ma", mAPerCm2: 1, mAhPerCm2: 1, pastH: 800 },
	{ protocol: "li-film-5ma", mAPerCm2: 5, mAhPerCm2: 1, pastH: 800 },
	{ protocol: "na-1ma", mAPerCm2: 1, mAhPerCm2: 1, pastH: 1_000 },
	{ protocol: "na-3ma", mAPerCm2: 3, mAhPerCm2: 1, pastH: 1_200 },
];
const SYMMETRIC_WINDOW_V = [-2, 2];
/** Li-O2: 0.1 mA cm-2; 280 h are 140 cycles, so a half-cycle is 1 h and 0.1 mAh cm-2; coated 550 h, 300 cycles. */
const O2 = { mAPerCm2: 0.1, mAhPerCm2: 0.1, windowV: [2, 4.5], pastH: 550, pastCycles: 300 };
/** Li-LiFePO4: 0.1 C five times, then 1 C of 170 mA g-1; coated about 120 mAh g-1 in cycle 450. */
const LFP = { activation: { rateC: 0.1, times: 5 }, rateC: 1, mAPerG: 170, windowV: [2.5, 4], cycles: 450 };
/** "Initial rest 6-12 h". */
const REST_H = [6, 12];
/** No limit lies further beyond what the steps ask for: 1 mA cm-2 are 1.131 mA on this cell. */
const LIMIT_FACTOR_MAX = 1.25;

function programOf(name: string): { program: CyclerProgram; nominalHours: number; hoursMax: number } {
	const text = readFileSync(resolve(FOLDER, `${name}.protocol.yaml`), "utf8");
	const check = checkProtocol(text, name, { areaCm2: AREA_CM2, activeMassG: MASS_G });
	expect(check.problems).toEqual([]);
	return { program: check.program!, nominalHours: check.nominalHours!, hoursMax: check.file!.limits.hours };
}

type Repeat = Extract<ProgramStep, { kind: "repeat" }>;

/** The rest that a protocol begins with and what it repeats: it has nothing else. */
function partsOf({ steps }: CyclerProgram): { restH: number; repeats: Repeat[] } {
	const [rest, ...repeats] = steps;
	expect(rest).toMatchObject({ kind: "rest" });
	for (const { kind } of repeats) expect(kind).toBe("repeat");
	return { restH: (rest as Extract<ProgramStep, { kind: "rest" }>).ends.timeS! / 3_600, repeats: repeats as Repeat[] };
}

function isBounded(name: string, windowV: readonly number[], largestA: number, largestAh: number): void {
	const { program, nominalHours, hoursMax } = programOf(name);
	const { limits } = program;
	expect([limits.voltageVMin, limits.voltageVMax]).toEqual(windowV);
	for (const [limit, asked] of [
		[limits.currentAMax, largestA],
		[limits.capacityAhMax, largestAh],
		[hoursMax, nominalHours],
	] as const) {
		expect(limit).toBeGreaterThanOrEqual(asked);
		expect(limit).toBeLessThanOrEqual(LIMIT_FACTOR_MAX * asked);
	}
	const { restH } = partsOf(program);
	expect(restH).toBeGreaterThanOrEqual(REST_H[0]!);
	expect(restH).toBeLessThanOrEqual(REST_H[1]!);
}

const current = (currentA: number, ends: object) => ({
	kind: "constant-current",
	currentA: expect.closeTo(currentA, 12),
	ends,
});

describe("the paper's table of battery tests", () => {
	it("is shipped row by row, and nothing beside it", () => {
		const shipped = readdirSync(FOLDER).map((file) => file.replace(".protocol.yaml", ""));
		expect(shipped.sort()).toEqual([...SYMMETRIC.map(({ protocol }) => protocol), "li-lfp", "li-o2-0.1ma"].sort());
	});

	it.each(SYMMETRIC)("$protocol: $mAPerCm2 mA cm-2, $mAhPerCm2 mAh cm-2, past $pastH h", (row) => {
		const { program, nominalHours } = programOf(row.protocol);
		const currentA = row.mAPerCm2 * 1e-3 * AREA_CM2;
		const capacityAh = expect.closeTo(row.mAhPerCm2 * 1e-3 * AREA_CM2, 12);
		const { restH, repeats } = partsOf(program);
		expect(repeats).toHaveLength(1);
		// Positive current strips the working electrode, which is the coated one: it comes first.
		expect(repeats[0]!.steps).toEqual([
			current(currentA, { capacityAh, voltageV: SYMMETRIC_WINDOW_V[1] }),
			current(-currentA, { capacityAh, voltageV: SYMMETRIC_WINDOW_V[0] }),
		]);
		const cycleH = (2 * row.mAhPerCm2) / row.mAPerCm2;
		expect(repeats[0]!.times * cycleH).toBeGreaterThan(row.pastH);
		expect(nominalHours).toBeCloseTo(restH + repeats[0]!.times * cycleH, 6);
		isBounded(row.protocol, SYMMETRIC_WINDOW_V, currentA, row.mAhPerCm2 * 1e-3 * AREA_CM2);
		expect(program.cell).toBe("symmetric");
	});

	it("li-o2-0.1ma: 0.1 mA cm-2, discharge first, 0.1 mAh cm-2, past 300 cycles and 550 h", () => {
		const { program } = programOf("li-o2-0.1ma");
		const currentA = O2.mAPerCm2 * 1e-3 * AREA_CM2;
		const capacityAh = expect.closeTo(O2.mAhPerCm2 * 1e-3 * AREA_CM2, 12);
		const { repeats } = partsOf(program);
		expect(repeats).toHaveLength(1);
		expect(repeats[0]!.steps).toEqual([
			current(-currentA, { capacityAh, voltageV: O2.windowV[0] }),
			current(currentA, { capacityAh, voltageV: O2.windowV[1] }),
		]);
		expect(repeats[0]!.times).toBeGreaterThan(O2.pastCycles);
		expect(repeats[0]!.times * 2).toBeGreaterThan(O2.pastH);
		isBounded("li-o2-0.1ma", O2.windowV, currentA, O2.mAhPerCm2 * 1e-3 * AREA_CM2);
		expect(program.cell).toBe("full");
	});

	it("li-lfp: 0.1 C five times, then 1 C of 170 mA g-1 between the window's edges, to cycle 450", () => {
		const { program } = programOf("li-lfp");
		const oneC = LFP.mAPerG * 1e-3 * MASS_G;
		const { repeats } = partsOf(program);
		const cycle = (rateC: number) => [
			current(rateC * oneC, { voltageV: LFP.windowV[1], timeS: expect.any(Number) }),
			current(-rateC * oneC, { voltageV: LFP.windowV[0], timeS: expect.any(Number) }),
		];
		expect(repeats.map(({ steps }) => steps)).toEqual([cycle(LFP.activation.rateC), cycle(LFP.rateC)]);
		expect(repeats.map(({ times }) => times)).toEqual([LFP.activation.times, LFP.cycles]);
		// A step's time only cuts off what the window's edge does not: at the rate, an hour is 170 mAh g-1.
		for (const [n, rateC] of [LFP.activation.rateC, LFP.rateC].entries())
			for (const step of repeats[n]!.steps)
				expect((step as { ends: { timeS: number } }).ends.timeS).toBeGreaterThan(3_600 / rateC);
		isBounded("li-lfp", LFP.windowV, oneC, LFP.mAPerG * 1e-3 * MASS_G);
	});

	it("is evaluated as what it is: the kind of cell comes with the protocol", () => {
		const chemistry = (name: string) => cellFacts(readFileSync(resolve(FOLDER, `${name}.protocol.yaml`), "utf8"));
		for (const { protocol } of SYMMETRIC) expect(chemistry(protocol)).toEqual({ chemistry: "symmetric", limitV: 2 });
		expect(chemistry("li-o2-0.1ma")).toEqual({ chemistry: "li-o2", limitV: null });
		expect(chemistry("li-lfp")).toEqual({ chemistry: "li-lfp", limitV: null });
	});
});
