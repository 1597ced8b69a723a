/** Pictures of one battery test: its voltage, and what its half-cycles did. */
import { $, make } from "./dom.js";
import { get } from "./rest.js";
import { drawChart } from "./trend-chart.js";
import { linearScale, numberTicks } from "./trend-scale.js";

/** As many as a chart has room for. */
const POINTS = 600;
const HALF_CYCLES_A_PAGE = 10_000;
const BOTH = [
	{ direction: "charge", className: "measured" },
	{ direction: "discharge", className: "target" },
];
const CHARTS = [
	{ name: "Voltage, V, over hours", keys: [], spanMin: 0.01 },
	{
		name: "Median voltage of half-cycles, V, over hours",
		keys: BOTH,
		spanMin: 0.01,
		of: ({ medianV }) => Math.abs(medianV),
	},
	{
		name: "Charge of half-cycles, mAh, over hours",
		keys: BOTH,
		spanMin: 0.1,
		of: ({ capacityAh }) => capacityAh * 1_000,
	},
];

let test = null;
let points = [];
let halves = [];

export function startCharts() {
	for (const { name, keys } of CHARTS) {
		const legend = keys.map(({ direction, className }) => make("span", { class: `key ${className}` }, direction));
		const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
		svg.setAttribute("role", "img");
		svg.setAttribute("aria-label", name);
		$("test-charts").append(make("figure", {}, make("figcaption", {}, make("b", {}, name), ...legend), svg));
	}
	new ResizeObserver(draw).observe($("test-charts"));
}

/** Reads and draws what there is of the test by now. Throws what the service says. */
export async function showCharts(cellTest) {
	if (test !== cellTest) {
		points = [];
		halves = [];
		test = cellTest;
		draw();
	}
	const path = `/cell-tests/${encodeURIComponent(cellTest)}`;
	const [read, ended] = await Promise.all([get(`${path}/points?points=${POINTS}`), halfCyclesOf(path)]);
	if (test !== cellTest) return;
	points = read.points;
	halves = ended;
	draw();
}

async function halfCyclesOf(path) {
	const found = [];
	for (;;) {
		const page = (await get(`${path}/half-cycles?fromIndex=${found.length}&limit=${HALF_CYCLES_A_PAGE}`)).halfCycles;
		found.push(...page);
		if (page.length < HALF_CYCLES_A_PAGE) return found;
	}
}

function draw() {
	const voltage = points.map(({ testS, voltageVMin: min, voltageVMax: max }) => ({
		at: testS / 3_600,
		min,
		max,
		mean: (min + max) / 2,
	}));
	const to = Math.max(voltage.at(-1)?.at ?? 0, halves.at(-1)?.endH ?? 0) || 1;
	CHARTS.forEach(({ of, spanMin }, index) => {
		const series =
			of === undefined
				? [{ stretches: [voltage], className: "measured" }]
				: BOTH.map(({ direction, className }) => ({ stretches: [valuesOf(of, direction)], className }));
		const values = series.flatMap(({ stretches: [stretch] }) => stretch.flatMap(({ min, max }) => [min, max]));
		drawChart($("test-charts").children[index].lastElementChild, {
			from: 0,
			to,
			ticks: numberTicks(0, to),
			series: series.map((one) => ({ ...one, convert: (value) => value })),
			empty: of === undefined ? "No rows yet" : "No half-cycle is over yet",
			...(values.length === 0 ? {} : { scale: linearScale(values, spanMin) }),
		});
	});
}

const valuesOf = (of, wanted) =>
	halves
		.filter(({ direction }) => direction === wanted)
		.map((half) => ({ at: half.endH, min: of(half), max: of(half), mean: of(half) }));
