/** What each dose left in the chamber: its pressure area, against what is usual and where the alarm begins. */
import { make } from "./dom.js";
import { drawChart } from "./trend-chart.js";
import { linearScale, numberTicks } from "./trend-scale.js";

/** Shortest axis of areas, Pa s: as the alarms say them. */
const AREA_SPAN = 0.1;
const LINES = [
	{ of: "areaPaS", className: "measured", text: "area" },
	{ of: "usualPaS", className: "target", text: "usual" },
	{ of: "lowPaS", className: "limit", text: "alarm below" },
];

const drawn = new WeakMap();

/** The chart of a precursor, which stays empty until it is drawn. */
export function doseChart(precursor) {
	const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
	svg.setAttribute("role", "img");
	svg.setAttribute("aria-label", `Pressure area of each dose of ${precursor}, Pa s`);
	new ResizeObserver(() => drawDoses(svg, drawn.get(svg) ?? [])).observe(svg);
	const keys = LINES.map(({ className, text }) => make("span", { class: `key ${className}` }, text));
	return make("figure", { class: "charts" }, make("figcaption", {}, "Pa s of each dose", ...keys), svg);
}

/** Draws doses {at, areaPaS, usualPaS, lowPaS}, by number, oldest first. */
export function drawDoses(svg, doses) {
	drawn.set(svg, doses);
	const series = LINES.map(({ of, className }) => ({
		className,
		convert: (areaPaS) => areaPaS,
		stretches: stretchesOf(doses, of),
	}));
	const values = series.flatMap(({ stretches }) => stretches.flat().map(({ mean }) => mean));
	const from = doses[0]?.at ?? 0;
	const to = Math.max(from + 1, doses.at(-1)?.at ?? 0);
	const ticks = numberTicks(from, to).filter(({ value }) => Number.isInteger(value));
	const scale = values.length === 0 ? undefined : linearScale([0, ...values], AREA_SPAN);
	drawChart(svg, { from, to, ticks, series, scale, empty: "no dose seen yet" });
}

/** The doses that have this value, those in a row together. */
function stretchesOf(doses, of) {
	const stretches = [[]];
	for (const dose of doses) {
		const { at, [of]: value } = dose;
		if (value === null) stretches.push([]);
		else stretches.at(-1).push({ at, min: value, max: value, mean: value });
	}
	return stretches.filter((stretch) => stretch.length > 0);
}
