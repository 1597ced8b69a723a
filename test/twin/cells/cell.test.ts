import { describe, expect, it } from "vitest";
import { AdlayerError } from "#core/errors.js";
import { atCurrent } from "#twin/cells/ageing.js";
import { type CellSpec, SimulatedCell } from "#twin/cells/cell.js";
import { parseCellConstants } from "#twin/cells/constants.js";
import { phosphateOcv } from "#twin/cells/electrodes.js";
import { cellConstants, cellsText, phosphate, symmetric } from "./support.js";

const constants = cellConstants();
const newCell = (spec: CellSpec = symmetric, seed = 1) => new SimulatedCell({ constants, spec, seed });
/** Neither spread nor wander: what the data say. */
const nominal = (spec: CellSpec = symmetric) =>
	new SimulatedCell({
		constants: {
			...constants,
			ambient: { ...constants.ambient, swingK: 0 },
			scatter: { ...constants.scatter, life: 0, resistance: 0, wander: 0 },
		},
		spec,
		seed: 1,
	});

describe("a simulated cell", () => {
	it("stands at 0 V when it is symmetric and open, and at its plateau with LiFePO4 half full", () => {
		expect(newCell().apply("open", 3_600).voltageV).toBe(0);
		expect(phosphateOcv(0.5).voltV).toBeCloseTo(3.4077 - 0.020269 / 2, 6);
		expect(phosphateOcv(0.99).voltV).toBeLessThan(2.8);
	});

	it("is ohmic for small currents: twice the current, twice the voltage, and the other way round", () => {
		const cell = nominal();
		const one = cell.apply({ currentA: 1e-6 }, 0).voltageV;
		expect(cell.apply({ currentA: 2e-6 }, 0).voltageV / one).toBeCloseTo(2, 3);
		expect(cell.apply({ currentA: -1e-6 }, 0).voltageV / one).toBeCloseTo(-1, 3);
		const { electrolyteOhmCm2, exchangeMAPerCm2, finishes, activation, nucleation } = constants.couples["Li-Li"]!;
		const transfer = (2 * 8.314_462_618 * 298.15) / 96_485.332_12 / (2 * exchangeMAPerCm2) / 1e-3;
		const nuclei = nucleation.volt / exchangeMAPerCm2 / 1e-3;
		const ohm = electrolyteOhmCm2 + 2 * (finishes.bare!.interphaseOhmCm2 * (1 + activation.share) + transfer) + nuclei;
		expect(one / 1e-6).toBeCloseTo(ohm, 2);
	});

	it("takes at a constant voltage the current that makes this voltage", () => {
		for (const spec of [symmetric, phosphate]) {
			const cell = nominal(spec);
			cell.apply({ currentA: 1e-3 }, 900);
			const voltageV = spec === phosphate ? 3.7 : 0.12;
			const { currentA } = cell.apply({ voltageV }, 300);
			expect(currentA).toBeGreaterThan(0);
			expect(cell.apply({ currentA }, 0).voltageV).toBeCloseTo(voltageV, 5);
		}
	});

	it("is charged by a constant voltage until the current has died away", () => {
		const cell = nominal(phosphate);
		const currents = [60, 600, 1_200, 1_200].map((dtS) => cell.apply({ voltageV: 3.6 }, dtS).currentA);
		for (let n = 1; n < currents.length; n += 1) expect(Math.abs(currents[n]!)).toBeLessThan(currents[n - 1]!);
		expect(currents.at(-1)!).toBeLessThan(4e-4);
	});

	it("keeps the metal: what one foil loses is on the other, alive or dead", () => {
		const cell = newCell();
		const { live, dead } = { live: 2 * 2_062 * 350e-4, dead: 0 };
		for (let half = 0; half < 200; half += 1) {
			cell.apply({ currentA: half % 2 === 0 ? 3e-3 : -3e-3 }, 1_200);
			const { liveMAhPerCm2, deadMAhPerCm2 } = cell.truth();
			const sum = liveMAhPerCm2.working! + liveMAhPerCm2.counter + deadMAhPerCm2.working! + deadMAhPerCm2.counter;
			expect(sum).toBeCloseTo(live + dead, 6);
		}
		expect(cell.truth().deadMAhPerCm2.counter).toBeGreaterThan(1);
		expect(cell.truth().throughputAh).toBeCloseTo(0.2, 9);
	});

	it("gives back less energy than it took", () => {
		const cell = nominal(phosphate);
		const energyJ = { charge: 0, discharge: 0 };
		for (let cycle = 0; cycle < 2; cycle += 1)
			for (const [direction, currentA] of [
				["charge", 5e-4],
				["discharge", -5e-4],
			] as const)
				for (let n = 0; n < 600; n += 1) {
					const before = cell.apply({ currentA }, 0).voltageV;
					const after = cell.apply({ currentA }, 10).voltageV;
					energyJ[direction] += Math.abs(currentA) * 10 * ((before + after) / 2);
				}
		expect(energyJ.discharge).toBeLessThan(energyJ.charge);
		expect(energyJ.discharge / energyJ.charge).toBeGreaterThan(0.9);
	});

	it("gives nothing away while symmetric: voltage and current have one sign, bridged or not", () => {
		const cell = newCell({ couple: "Na-Na", finish: "bare", foilUm: 350, areaCm2: 1 });
		for (let half = 0; half < 340; half += 1) {
			const currentA = half % 2 === 0 ? 1e-3 : -1e-3;
			for (let n = 0; n < 4; n += 1) {
				const { voltageV } = cell.apply({ currentA }, 900);
				if (n > 0) expect(voltageV * currentA).toBeGreaterThan(0);
			}
		}
		expect(cell.truth().bridge).toBe("hard");
		// The bridge is one resistor: flat, and the same at any time.
		const { bridgeOhmCm2 } = constants.couples["Na-Na"]!;
		const { voltageV } = cell.apply({ currentA: 1e-3 }, 600);
		expect(voltageV).toBeGreaterThan(0.9 * bridgeOhmCm2 * 1e-3);
		expect(voltageV).toBeLessThanOrEqual(bridgeOhmCm2 * 1e-3);
		expect(cell.apply({ voltageV: 0.002 }, 1).currentA).toBeGreaterThanOrEqual(0.002 / bridgeOhmCm2);
	});

	it("runs up to where the solvent gives way when a foil is stripped to its end", () => {
		const cell = newCell({ ...symmetric, foilUm: 40 });
		const { voltageV } = cell.apply({ currentA: 1e-3 }, 3_600 * 8.4);
		expect(voltageV).toBeGreaterThan(2);
		expect(voltageV).toBeLessThanOrEqual(10);
		expect(cell.truth().events.map(({ kind }) => kind)).toEqual(["metal-used-up"]);
		expect(cell.truth().liveMAhPerCm2.working).toBeLessThan(0.1);
	});

	it("does the same for the same seed, and something else for another", () => {
		const run = (seed: number) => {
			const cell = newCell(symmetric, seed);
			return Array.from({ length: 50 }, (_, n) => cell.apply({ currentA: n % 2 === 0 ? 1e-3 : -1e-3 }, 1_000).voltageV);
		};
		expect(run(7)).toEqual(run(7));
		expect(run(7)).not.toEqual(run(8));
	});

	it("comes to nearly the same whether time passes in large or small steps", () => {
		const run = (pieces: number) => {
			const cell = nominal();
			let last = 0;
			for (let half = 0; half < 20; half += 1)
				for (let n = 0; n < pieces; n += 1)
					last = cell.apply({ currentA: half % 2 === 0 ? 1e-3 : -1e-3 }, 3_600 / pieces).voltageV;
			return last;
		};
		expect(run(4)).toBeCloseTo(run(360), 4);
	});

	it("refuses drives and cells that cannot be, with all problems", () => {
		expect(() => newCell().apply({ currentA: Number.NaN }, 1)).toThrow(AdlayerError);
		expect(() => newCell().apply("open", -1)).toThrow(AdlayerError);
		const wrong = { couple: "Li-LFP", finish: "NaAlOx", foilUm: 0, areaCm2: -1 } as const;
		expect(() => newCell(wrong)).toThrow(/NaAlOx.*foilUm.*areaCm2.*activeMassMg/);
		expect(() => newCell({ ...symmetric, coatingCycles: 200 })).toThrow(/Bare foil/);
	});
});

describe("the file of cells", () => {
	it("interpolates over the logarithm of the current, level beyond its ends", () => {
		const table = [
			{ atMAPerCm2: 1, value: 10 },
			{ atMAPerCm2: 100, value: 30 },
		];
		expect(atCurrent(table, 0.1)).toBe(10);
		expect(atCurrent(table, 10)).toBeCloseTo(20, 9);
		expect(atCurrent(table, 1_000)).toBe(30);
	});

	it("names every problem with its place", () => {
		const text = cellsText()
			.replace("capacity_mAh_per_cm3: 2062", "capacity_mAh_per_cm3: -1")
			.replace("period_h: 24", "period_h: day")
			.replace("protection_nm: 40", "protection_nm: 40\nsurplus: 1");
		try {
			parseCellConstants(text, "cells.twin.yaml");
			expect.unreachable();
		} catch (error) {
			const { code, problems } = error as AdlayerError;
			expect(code).toBe("TWIN_FILE_INVALID");
			expect(problems.map(({ path }) => path).sort()).toEqual([
				"ambient.period_h",
				"metals.Li.capacity_mAh_per_cm3",
				"surplus",
			]);
			expect(problems.every(({ line }) => line! > 0)).toBe(true);
		}
	});
});
