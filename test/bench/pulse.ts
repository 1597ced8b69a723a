/** Pulses: their width as the T7's registers say, at every divisor; and in real time how soon they start when due. */
import { edgesFromRegisters } from "#drivers/labjack-t7/index.js";
import { CLOCK_DIVISORS } from "#drivers/labjack-t7/registers.js";
import { connectedBench, SETTINGS, TMA } from "../drivers/labjack-t7/bench.js";
import { RealSystem } from "../support/real-system.js";
import { PULSE_RECIPE, withTimingFilm } from "./pulse-recipe.js";
import { atMost, type BenchResult, quantile } from "./report.js";

const CYCLES = 40;

export interface Lateness {
	/** Wall time at which the start was acknowledged. */
	readonly wall: number;
	readonly ms: number;
}

/** From step due to clock-enable acknowledged, for every delivered pulse in the journal. */
export async function latenessOf(system: RealSystem): Promise<Lateness[]> {
	return (await system.journal()).flatMap((record) => {
		if (record.kind !== "pulse" || record.issuedT === null) return [];
		return [{ wall: record.wall - (record.t - record.issuedT), ms: record.issuedT - record.dueT }];
	});
}

/** The driver arms every width at every divisor over the wire; the edges follow from what the T7's registers then hold. */
async function widthErrors(): Promise<{ worstErrorMs: number; widths: number }> {
	let worstErrorMs = 0;
	let widths = 0;
	for (const divisor of CLOCK_DIVISORS) {
		const { device, simulator } = await connectedBench({ ...SETTINGS, clock_divisor: divisor });
		for (let widthMs = 5; widthMs <= 200; widthMs += 0.5) {
			await device.pulses.arm("TMA", widthMs);
			const edges = edgesFromRegisters(simulator.pulseRegisters(TMA));
			// No pulse, or more than one, is as wrong as can be.
			const made = edges.length === 1 ? edges[0]!.fallMs - edges[0]!.riseMs : Number.POSITIVE_INFINITY;
			worstErrorMs = Math.max(worstErrorMs, Math.abs(made - widthMs));
			widths += 1;
		}
	}
	return { worstErrorMs, widths };
}

export const pulse = (): Promise<BenchResult> => withTimingFilm(timed);

async function timed(): Promise<BenchResult> {
	const { worstErrorMs, widths } = await widthErrors();
	const system = await RealSystem.start({ speed: 1 });
	try {
		await system.instrumentsReady(30_000);
		await system.launch(PULSE_RECIPE, { cycles: CYCLES });
		await system.until(({ run }) => run?.state === "complete", 900_000, 500);
		const lateness = await latenessOf(system);
		const ms = lateness.map((each) => each.ms);
		return {
			bars: [
				atMost("pulse.width-error", worstErrorMs, "ms", 0.1),
				atMost("pulse.start.p50", quantile(ms, 0.5), "ms", 3),
				atMost("pulse.start.p99", quantile(ms, 0.99), "ms", 10),
			],
			detail: { widths, pulses: ms.length, worstMs: Math.max(...ms), p90: quantile(ms, 0.9) },
		};
	} finally {
		await system.stop();
	}
}
