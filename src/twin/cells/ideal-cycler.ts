/** A cycler without faults at the terminals of a simulated cell, any number of times faster than life. */
import { Prng } from "#core/prng.js";
import { type CellSpec, type CellTruth, SimulatedCell } from "./cell.js";
import type { CellConstants } from "./constants.js";

export interface CellTestPhase {
	readonly cycles: number;
	readonly currentA: number;
	/** How long a half-cycle is about, where no capacity says it. */
	readonly halfH?: number;
}

export interface CellTest {
	readonly restH: number;
	readonly first: "charge" | "discharge";
	/** One after the other; the last goes on until the hours are over. */
	readonly phases: readonly CellTestPhase[];
	/** Ends a half-cycle; none: the window alone. */
	readonly capacityAh?: number;
	readonly upperV: number;
	readonly lowerV: number;
	/** The test is over after these hours, or these cycles, or when the cell takes next to nothing for many half-cycles. */
	readonly hours: number;
	readonly cycles?: number;
}

/** One row as a cycler logs it; positive current charges. Cycles count from 1. */
export type CellRowSink = (testTimeS: number, voltageV: number, currentA: number, cycle: number, step: number) => void;

export interface SimulatedTestOptions {
	readonly constants: CellConstants;
	readonly spec: CellSpec;
	readonly test: CellTest;
	readonly seed: number;
	readonly sink: CellRowSink;
}

/** Of a cycler's channel: 16 bits over 10 V, and a hundredth of a per cent of the current. */
const VOLTAGE_NOISE_V = 1.5e-4;
const CURRENT_NOISE = 1e-4;
/** Rows: at least so many in a half-cycle, more where the voltage moves. */
const ROWS_A_HALF = 24;
/** Where the window ends half-cycles: a two-phase electrode's voltage turns within a hundredth of its capacity. */
const ROWS_A_WINDOW_HALF = 120;
const VOLTAGE_STEP_V = 0.02;
const STEP_S_MIN = 0.5;
const REST_ROW_S = 900;
/** Half-cycles in sequence that the window ended before half of their charge: the test is given up. */
const FAILED_HALVES_MAX = 24;

/** Runs a test to its end; the rows are the same for the same seed. */
export function simulateCellTest({ constants, spec, test, seed, sink }: SimulatedTestOptions): CellTruth {
	const cell = new SimulatedCell({ constants, spec, seed });
	const noise = new Prng(seed, "channel");
	let testS = 0;
	let step = 1;
	const endS = test.hours * 3_600;
	const row = (voltageV: number, currentA: number, cycle: number) =>
		sink(
			testS,
			voltageV + VOLTAGE_NOISE_V * noise.normal(),
			currentA === 0 ? 0 : currentA * (1 + CURRENT_NOISE * noise.normal()),
			cycle,
			step,
		);
	row(cell.apply("open", 0).voltageV, 0, 1);
	for (const restEndS = test.restH * 3_600; testS < restEndS && testS < endS; ) {
		const dtS = Math.min(REST_ROW_S, restEndS - testS);
		testS += dtS;
		row(cell.apply("open", dtS).voltageV, 0, 1);
	}
	const isOver = (cycle: number) =>
		testS >= endS || failed >= FAILED_HALVES_MAX || (test.cycles !== undefined && cycle > test.cycles);
	let phase = 0;
	let cyclesInPhase = 0;
	let failed = 0;
	for (let cycle = 1; !isOver(cycle); cycle += 1) {
		const { currentA, cycles, halfH } = test.phases[phase]!;
		for (const sign of test.first === "charge" ? [1, -1] : [-1, 1]) {
			step += 1;
			const drive = { currentA: sign * currentA };
			const lengthS = test.capacityAh === undefined ? Number.POSITIVE_INFINITY : (test.capacityAh / currentA) * 3_600;
			const usualS =
				test.capacityAh === undefined ? ((halfH ?? 1) * 3_600) / ROWS_A_WINDOW_HALF : lengthS / ROWS_A_HALF;
			const halfStartS = testS;
			let lastV = cell.apply(drive, 0).voltageV;
			row(lastV, drive.currentA, cycle);
			let dtS = Math.min(usualS, Math.max(STEP_S_MIN, usualS / 8));
			let passedS = 0;
			while (passedS < lengthS && testS < endS) {
				const stepS = Math.min(dtS, lengthS - passedS);
				const { voltageV } = cell.apply(drive, stepS);
				passedS += stepS;
				testS = halfStartS + passedS;
				row(voltageV, drive.currentA, cycle);
				const moved = Math.abs(voltageV - lastV);
				lastV = voltageV;
				if (sign > 0 ? voltageV >= test.upperV : voltageV <= test.lowerV) break;
				dtS =
					moved > VOLTAGE_STEP_V
						? Math.max(STEP_S_MIN, (dtS * VOLTAGE_STEP_V) / moved)
						: Math.min(usualS, dtS * (moved < VOLTAGE_STEP_V / 2 ? 1.6 : 1));
			}
			failed = Number.isFinite(lengthS) && passedS < lengthS / 2 ? failed + 1 : 0;
			if (isOver(cycle)) break;
		}
		cyclesInPhase += 1;
		if (cyclesInPhase >= cycles && phase < test.phases.length - 1) {
			phase += 1;
			cyclesInPhase = 0;
		}
	}
	return cell.truth();
}
