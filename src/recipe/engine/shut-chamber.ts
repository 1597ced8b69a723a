/** Steps behind the shut stop valve: exposure, leak check, backfill. */
import { AdlayerError } from "#core/errors.js";
import { pascalCubicMetrePerSecondFromSccm, torrFromPascal } from "#core/units.js";
import type { StepContext } from "#recipe/engine/execute-step.js";
import { LOOK_EVERY_MS, sleepUntil, untilFlow } from "#recipe/engine/waiting.js";
import type { BackfillStep, ExposureStep, LeakCheckStep } from "#recipe/plan.js";
import { EXPOSURE_BASELINE_S, EXPOSURE_EMPTYING_S, GAS_K } from "#recipe/timing.js";
import { inWords, isGood } from "#safety/interlock.js";

/** Gas let in and pressure risen must agree this well while the gauge reads, or the volume or the valve is not what it should be. */
const BACKFILL_SHARE = 0.25;
const BACKFILL_PA = 100;

/** Its dose is confirmed and recorded as any other. The following purge counts from when the stop valve is open again. */
export async function exposure(step: ExposureStep, context: StepContext): Promise<void> {
	const { clock, reactor, doses, signal } = context;
	const sccm = context.flowWanted() ?? 0;
	await doses.prepare(step, signal);
	await reactor.setCarrier(0, step.title);
	signal.throwIfAborted();
	await untilFlow(context, 0);
	await clock.sleep(EXPOSURE_EMPTYING_S * 1_000, signal);
	await reactor.shutOff("exposure", step.title);
	await clock.sleep(EXPOSURE_BASELINE_S * 1_000, signal);
	await doses.fire(step, clock.nowMs(), signal);
	await sleepUntil(clock, (doses.lastEndMs ?? clock.nowMs()) + step.soakS * 1_000, signal);
	await reactor.setStopValve(true, step.title);
	signal.throwIfAborted();
	await reactor.setCarrier(sccm, step.title);
	await untilFlow(context, sccm);
}

/** The slope of a straight line through all readings; LEAK_CHECK_FAILED when it is above the lab file's limit. */
export async function leakCheck(step: LeakCheckStep, context: StepContext): Promise<string> {
	const { clock, reactor, signal } = context;
	await reactor.setCarrier(0, step.title);
	context.flowCommanded(0);
	signal.throwIfAborted();
	await untilFlow(context, 0);
	await reactor.shutOff("leak-check", step.title);
	await clock.sleep(step.settleS * 1_000, signal);
	const points: { atS: number; pa: number }[] = [];
	const startMs = clock.nowMs();
	for (;;) {
		const chamber = reactor.chamber();
		if (!isGood(chamber)) {
			throw new AdlayerError("LEAK_CHECK_FAILED", `The chamber pressure is ${inWords(chamber)} during the leak check.`);
		}
		const atS = (chamber.atMs - startMs) / 1_000;
		if (points.at(-1)?.atS !== atS) points.push({ atS, pa: chamber.value });
		const leftMs = startMs + step.forS * 1_000 - clock.nowMs();
		context.remaining(leftMs / 1_000);
		if (leftMs <= 0) break;
		await clock.sleep(Math.min(LOOK_EVERY_MS, leftMs), signal);
	}
	await reactor.setStopValve(true, step.title);
	signal.throwIfAborted();
	const paPerS = slope(points);
	const passed = paPerS <= step.limitPaPerS;
	const mtorrPerMin = mtorrPerMinute(paPerS);
	const limitMtorrPerMin = mtorrPerMinute(step.limitPaPerS);
	const torrLPerS = torrFromPascal(paPerS) * step.chamberM3 * 1_000;
	context.record({
		kind: "leak-check",
		passed,
		mtorrPerMin,
		torrLPerS,
		limitMtorrPerMin,
		seconds: step.forS,
		startPa: points[0]!.pa,
		endPa: points.at(-1)!.pa,
	});
	const result = `${mtorrPerMin.toFixed(2)} mTorr/min, ${torrLPerS.toExponential(2)} Torr L/s, limit ${limitMtorrPerMin.toFixed(2)} mTorr/min`;
	if (!passed) throw new AdlayerError("LEAK_CHECK_FAILED", `The chamber leaks: ${result}.`);
	return `Passed: ${result}`;
}

const mtorrPerMinute = (paPerS: number): number => torrFromPascal(paPerS) * 1_000 * 60;

/** Least squares, in units of pa over atS. */
function slope(points: readonly { readonly atS: number; readonly pa: number }[]): number {
	const meanS = points.reduce((sum, { atS }) => sum + atS, 0) / points.length;
	const meanPa = points.reduce((sum, { pa }) => sum + pa, 0) / points.length;
	let above = 0;
	let below = 0;
	for (const { atS, pa } of points) {
		above += (atS - meanS) * (pa - meanPa);
		below += (atS - meanS) ** 2;
	}
	return above / below;
}

/**
 * Beyond the process gauge's range the pressure is that of the gas let in, the measured flow over time in the lab file's
 * volume; as long as the gauge reads, both must agree.
 */
export async function backfill(step: BackfillStep, context: StepContext): Promise<string> {
	const { clock, reactor, signal } = context;
	for (const [zone, { heatsFoil }] of Object.entries(reactor.spec.zones)) {
		const reading = reactor.zone(zone);
		if (!heatsFoil || (isGood(reading) && reading.value < step.foilBelowC)) continue;
		throw new AdlayerError(
			"BACKFILL_REFUSED",
			`Zone ${zone} is ${inWords(reading)}; the chamber is filled only below ${step.foilBelowC} °C.`,
		);
	}
	await reactor.setCarrier(0, step.title);
	context.flowCommanded(0);
	signal.throwIfAborted();
	await untilFlow(context, 0);
	const before = reactor.chamber();
	if (!isGood(before)) {
		throw new AdlayerError(
			"BACKFILL_REFUSED",
			`Chamber pressure is ${inWords(before)}; how much gas may be let in is not known.`,
		);
	}
	await reactor.shutOff("backfill", step.title);
	signal.throwIfAborted();
	await reactor.fill(step.sccm, step.title);
	const startMs = clock.nowMs();
	let atMs = startMs;
	let filledPa = before.value;
	while (filledPa < step.toPa) {
		await clock.sleep(LOOK_EVERY_MS, signal);
		const flow = reactor.carrierFlow();
		const chamber = reactor.chamber();
		const nowMs = clock.nowMs();
		if (!isGood(flow))
			throw new AdlayerError("BACKFILL_REFUSED", `Carrier flow is ${inWords(flow)} during the backfill.`);
		const paPerS = pascalCubicMetrePerSecondFromSccm(flow.value, GAS_K) / step.chamberM3;
		filledPa += (paPerS * (nowMs - atMs)) / 1_000;
		atMs = nowMs;
		context.remaining(paPerS > 0 ? Math.max(0, step.toPa - filledPa) / paPerS : step.timeoutS);
		if (isGood(chamber) && Math.abs(chamber.value - filledPa) > BACKFILL_PA + BACKFILL_SHARE * filledPa) {
			throw new AdlayerError(
				"BACKFILL_REFUSED",
				`The gas let in makes ${filledPa.toFixed(0)} Pa in the lab file's volume, but the chamber reads ${chamber.value.toFixed(0)} Pa.`,
			);
		}
		if (nowMs - startMs >= step.timeoutS * 1_000) {
			throw new AdlayerError("STEP_TIMED_OUT", `The chamber is at ${filledPa.toFixed(0)} Pa after ${step.timeoutS} s.`);
		}
	}
	await reactor.setCarrier(0, step.title);
	await untilFlow(context, 0);
	return `Filled to ${torrFromPascal(filledPa).toFixed(0)} Torr by ${((atMs - startMs) / 1_000).toFixed(0)} s of flow`;
}
