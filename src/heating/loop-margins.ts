import type { ZoneModel } from "./zone-model.js";

/** How far a loop is from swinging by itself. */
export interface LoopMargins {
	/** The heater may be stronger by this factor. */
	readonly gain: number;
	readonly phaseDeg: number;
	/** So much more dead time the loop bears. */
	readonly deadTimeS: number;
}

/** Frequencies are searched in steps of this factor, then by bisection. */
const STEP = 1.05;
const BISECTIONS = 40;

/** Margins of a PI loop around a zone, from the open loop's frequency response. The dead time is at least a second. */
export function loopMargins(
	model: ZoneModel,
	{ proportionalBandC, integralS }: { readonly proportionalBandC: number; readonly integralS: number },
): LoopMargins {
	const { gainCPerPercent, timeConstantS, lagS } = model;
	const deadTimeS = Math.max(1, model.deadTimeS);
	const gain = (100 / proportionalBandC) * gainCPerPercent;
	const magnitude = (w: number) =>
		(gain * Math.hypot(1, 1 / (w * integralS))) / (Math.hypot(1, w * timeConstantS) * Math.hypot(1, w * lagS));
	const phase = (w: number) =>
		Math.atan(w * integralS) - Math.PI / 2 - Math.atan(w * timeConstantS) - Math.atan(w * lagS) - w * deadTimeS;
	const slowest = 1e-3 / Math.max(timeConstantS, integralS, deadTimeS);
	const crossover = firstBelow(slowest, (w) => magnitude(w) - 1);
	const turn = firstBelow(slowest, (w) => phase(w) + Math.PI);
	const phaseRad = Math.PI + phase(crossover);
	return { gain: 1 / magnitude(turn), phaseDeg: (phaseRad * 180) / Math.PI, deadTimeS: phaseRad / crossover };
}

/** The first frequency at which a function is no longer positive. */
function firstBelow(from: number, value: (w: number) => number): number {
	let high = from;
	while (value(high) > 0) high *= STEP;
	let low = high / STEP;
	for (let i = 0; i < BISECTIONS; i += 1) {
		const middle = Math.sqrt(low * high);
		if (value(middle) > 0) low = middle;
		else high = middle;
	}
	return high;
}
