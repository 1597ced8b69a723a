/** Axes with round numbers. */

const LINEAR_TICKS = 4;
const TIME_STEPS_MIN = [1, 2, 5, 10, 15, 30, 60, 120, 240, 360, 720, 1440];
const TIME_TICKS_MAX = 6;

/** A linear axis over the values, at least `spanMin` long, with its round ticks. */
export function linearScale(values, spanMin) {
	let low = Math.min(...values);
	let high = Math.max(...values);
	const missing = spanMin - (high - low);
	if (missing > 0) {
		low -= missing / 2;
		high += missing / 2;
	}
	const step = roundStep((high - low) / LINEAR_TICKS);
	low = Math.floor(low / step) * step;
	high = Math.ceil(high / step) * step;
	const count = Math.round((high - low) / step);
	const ticks = Array.from({ length: count + 1 }, (_, index) => low + index * step);
	return {
		share: (value) => (value - low) / (high - low),
		ticks: ticks.map((value) => ({ value, text: String(Number(value.toPrecision(6))) })),
	};
}

/** A logarithmic axis of whole decades over the values; values that are not positive have no place on it. */
export function logScale(values) {
	const positive = values.filter((value) => value > 0);
	const low = Math.floor(Math.log10(Math.min(...positive)));
	const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...positive))));
	const ticks = Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index));
	return {
		share: (value) => (Math.log10(Math.max(value, 10 ** low)) - low) / (high - low),
		ticks: ticks.map((value) => ({
			value,
			text: value < 1e-3 ? value.toExponential(0) : String(Number(value.toPrecision(1))),
		})),
	};
}

/** Round numbers between two others. */
export function numberTicks(from, to) {
	const step = roundStep((to - from) / TIME_TICKS_MAX);
	const ticks = [];
	for (let n = Math.ceil(from / step); n * step <= to; n += 1)
		ticks.push({ value: n * step, text: String(Number((n * step).toPrecision(6))) });
	return ticks;
}

/** Round times of day between two Unix times in ms. */
export function timeTicks(fromMs, toMs) {
	const minutes = (toMs - fromMs) / 60_000;
	const step = (TIME_STEPS_MIN.find((each) => minutes / each <= TIME_TICKS_MAX) ?? 1_440) * 60_000;
	const zoneMs = new Date(toMs).getTimezoneOffset() * 60_000;
	const ticks = [];
	for (let at = Math.ceil((fromMs - zoneMs) / step) * step + zoneMs; at <= toMs; at += step) ticks.push(at);
	return ticks.map((value) => ({
		value,
		text: new Date(value).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" }),
	}));
}

function roundStep(rough) {
	const decade = 10 ** Math.floor(Math.log10(rough));
	return [1, 2, 5, 10].map((each) => each * decade).find((each) => each >= rough * 0.999);
}
