/** The shipped protocols on the electronics of the simulated cyclers, with the cells of the shipped lab in them. */
import { readFileSync } from "node:fs";
import { basename, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { checkProtocol, programFor } from "#cycling/check-protocol.js";
import type { CellPort, CyclerProgram } from "#device/cycler.js";
import { SimulatedChannel as BridgeChannel } from "#drivers/mqtt-cycler/simulated-channel.js";
import { SimulatedChannel as NewareChannel } from "#drivers/neware-bts8/simulated-channel.js";
import { encodeSteps } from "#drivers/neware-bts8/steps.js";
import { CellRack } from "#lab/cells.js";
import { labPlan } from "#src/config/lab-plan.js";
import { type LabFile, loadLabFile } from "#src/config.js";
import { parseCellConstants } from "#twin/cells/constants.js";

const RECIPES = resolve(import.meta.dirname, "../../recipes");
const LAB: LabFile = loadLabFile(resolve(RECIPES, "labs/cyclers.lab.yaml"));
const AREA_CM2 = 1.131;
const MASS_G = 6.786e-3;
const REST_H = 6;

function rack(): CellRack {
	const { plan, cellsFile } = labPlan(LAB)!;
	return new CellRack(plan, parseCellConstants(readFileSync(cellsFile!, "utf8"), basename(cellsFile!)));
}

function programOf(name: string): CyclerProgram {
	const check = checkProtocol(readFileSync(resolve(RECIPES, `protocols/${name}.protocol.yaml`), "utf8"), name);
	const compiled = programFor(check, { areaCm2: AREA_CM2, activeMassG: MASS_G });
	if (!("program" in compiled)) throw new Error(compiled.problem.message);
	return compiled.program;
}

interface Outcome {
	readonly word: string;
	/** Step type, seconds and Ah of the last row of each step. */
	readonly steps: readonly { readonly type: string; readonly s: number; readonly ah: number }[];
}

function onNeware(cell: CellPort, program: CyclerProgram, hours: number): Outcome {
	const channel = new NewareChannel(cell);
	channel.start(encodeSteps(program, "C-1", { guid: "g", date: "d" }), { barcode: "C-1", testid: 1, wallMs: 0 });
	for (let minute = 1; minute <= hours * 60; minute += 1) channel.advance(60, minute * 60_000);
	const steps = channel.layer.map(({ steptype, steptimeMs, endseqid }) => ({
		type: steptype,
		s: steptimeMs / 1_000,
		ah: channel.rows[endseqid - 1]!.cap,
	}));
	return { word: channel.word, steps };
}

function onBridge(cell: CellPort, program: CyclerProgram, hours: number): Outcome {
	const channel = new BridgeChannel(cell);
	channel.start(program, "t-1", "C-1");
	for (let minute = 1; minute <= hours * 60; minute += 1) channel.advance(60, minute * 60_000);
	const ends = channel.rows.filter((row, at) => (channel.rows[at + 1]?.stepS ?? 0) < row.stepS).slice(0, -1);
	return {
		word: channel.word,
		steps: ends.map(({ stepType, stepS, capacityAh }) => ({ type: stepType, s: stepS, ah: capacityAh })),
	};
}

/** Protocol, cell, half-cycle by charge (Ah) or by the window's edge. */
const SYMMETRIC = [
	["li-350um-1ma", "neware.li_bare_1", 1],
	["li-350um-3ma", "neware.li_ex_3", 3],
	["li-40um-1ma", "neware.thin_bare_1", 1],
	["li-40um-3ma", "neware.thin_ex_3", 3],
	["li-film-1ma", "bridge.film_al2o3", 1],
	["li-film-5ma", "bridge.film_ex", 5],
	["na-1ma", "bridge.na_bare", 1],
	["na-3ma", "bridge.na_coated", 3],
] as const;

describe.each([
	["Neware", onNeware, "cc", "dc"],
	["bridge", onBridge, "cc-charge", "cc-discharge"],
] as const)("on the simulated %s", (_name, on, charge, discharge) => {
	it.each(SYMMETRIC)("%s strips first and ends each half-cycle at 1 mAh cm-2", (name, place, mAPerCm2) => {
		const { word, steps } = on(rack().port(place), programOf(name), REST_H + 4.5 / mAPerCm2);
		expect(word).toBe("working");
		expect(steps.map(({ type }) => type)).toEqual(["rest", charge, discharge, charge, discharge]);
		expect(steps[0]!.s).toBeCloseTo(REST_H * 3_600, 3);
		for (const { ah, s } of steps.slice(1)) {
			expect(ah).toBeCloseTo(1e-3 * AREA_CM2, 6);
			expect(s).toBeCloseTo(3_600 / mAPerCm2, -1);
		}
	});

	it("li-o2-0.1ma discharges first, and 280 h would be 140 cycles", () => {
		const { word, steps } = on(rack().port("bridge.o2_bare"), programOf("li-o2-0.1ma"), REST_H + 4.2);
		expect(word).toBe("working");
		expect(steps.map(({ type }) => type)).toEqual(["rest", discharge, charge, discharge, charge]);
		const [, first, second] = steps;
		expect(first!.ah).toBeCloseTo(1e-4 * AREA_CM2, 8);
		expect((first!.s + second!.s) * 140).toBeGreaterThan(0.97 * 280 * 3_600);
		expect((first!.s + second!.s) * 140).toBeLessThan(1.01 * 280 * 3_600);
	});

	it("li-lfp goes to the edges of its window and on, without being taken for a cell out of bounds", () => {
		const { word, steps } = on(rack().port("bridge.lfp_bare"), programOf("li-lfp"), REST_H + 24);
		expect(word).toBe("working");
		expect(steps.map(({ type }) => type)).toEqual(["rest", charge, discharge]);
		for (const { ah, s } of steps.slice(1)) {
			expect(ah / MASS_G).toBeGreaterThan(0.14);
			expect(ah / MASS_G).toBeLessThan(0.17);
			expect(s).toBeGreaterThan(8 * 3_600);
		}
	});
});

describe("the cells of a simulated lab", () => {
	it("are the same again for the same seed, and differ from each other", () => {
		const look = (place: string) => rack().port(place).apply({ currentA: 1e-3 }, 60).voltageV;
		expect(look("neware.li_bare_1")).toBe(look("neware.li_bare_1"));
		expect(look("neware.li_bare_1")).not.toBe(look("neware.li_bare_3"));
	});

	it("are fresh again when renewed, and then another of their make", () => {
		const cells = rack();
		const port = cells.port("neware.thin_bare_3");
		port.apply({ currentA: 3e-3 }, 7_200);
		expect(cells.truth("neware.thin_bare_3").throughputAh).toBeCloseTo(6e-3, 5);
		cells.renew("neware.thin_bare_3");
		expect(cells.truth("neware.thin_bare_3").throughputAh).toBe(0);
		expect(() => cells.renew("neware.none")).toThrow("There is no cell in neware.none.");
	});

	it("are refused in channels that no cycler has, and as cells that nobody has data for, all at once", () => {
		const { plan, cellsFile } = labPlan(LAB)!;
		const constants = parseCellConstants(readFileSync(cellsFile!, "utf8"), "cells");
		const cells = {
			"neware.nowhere": { couple: "Li-Li", finish: "bare", foilUm: 40, areaCm2: 1 },
			"smu.cell": { couple: "Na-Na", finish: "LiAlOx-ex", foilUm: 40, areaCm2: 1, coatingCycles: 10 },
		} as const;
		expect(() => new CellRack({ ...plan, cells }, constants)).toThrow(
			/There is no channel neware\.nowhere.*The cell in smu\.cell cannot be made/,
		);
	});
});
