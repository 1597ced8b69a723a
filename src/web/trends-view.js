/** Two trends, stage temperature and chamber pressure, over a chosen span of lab time. */
import { $, make, setAttribute, setText } from "./dom.js";
import { torrFromPascal } from "./format.js";
import { partId } from "./parts.js";
import { get } from "./rest.js";
import { hasHistory } from "./service-view.js";
import { drawChart } from "./trend-chart.js";
import { POINTS, TrendData } from "./trend-data.js";
import { linearScale, logScale, timeTicks } from "./trend-scale.js";

const SPANS_MIN = [10, 60, 240];
const DRAW_EVERY_MS = 1_000;
/** In accelerated time the states are sparse; the stored past fills them in this often. */
const RELOAD_MS = 15_000;
const RELOAD_FROM_SPEED = 5;
/** Shortest temperature axis. */
const TEMPERATURE_SPAN_C = 10;

const identity = (value) => value;
const CHARTS = [
	{
		name: "Stage temperature, °C",
		lines: [
			{ part: "foilTargetC", className: "target", text: "target" },
			{ part: "foilC", className: "measured", text: "measured" },
		],
		convert: identity,
		scale: (values) => linearScale(values, TEMPERATURE_SPAN_C),
		limits: ({ run }) =>
			run?.meltingPointC == null ? [] : [{ value: run.meltingPointC, text: `melts at ${run.meltingPointC} °C` }],
	},
	{
		name: "Chamber pressure, Torr",
		lines: [{ part: "chamberPa", className: "measured", text: "measured" }],
		convert: torrFromPascal,
		scale: (values) => (values.some((value) => value > 0) ? logScale(values) : undefined),
		limits: () => [],
	},
];

let spanMin = SPANS_MIN[1];
let data = new Map();
let status = null;
let drawnMs = Number.NEGATIVE_INFINITY;
let loadedMs = Number.NEGATIVE_INFINITY;

export function startTrends() {
	for (const minutes of SPANS_MIN) {
		const button = make("button", { type: "button", "aria-pressed": String(minutes === spanMin) }, spanText(minutes));
		button.addEventListener("click", () => choose(minutes));
		$("windows").append(button);
	}
	for (const { name, lines } of CHARTS) {
		const legend = lines.map(({ className, text }) => make("span", { class: `key ${className}` }, text));
		const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
		svg.setAttribute("role", "img");
		svg.setAttribute("aria-label", name);
		const title = make("figcaption", {}, make("b", {}, name), ...(lines.length > 1 ? legend : []));
		$("charts").append(make("figure", {}, title, svg));
	}
	new ResizeObserver(() => draw()).observe($("charts"));
}

const spanText = (minutes) => (minutes < 60 ? `${minutes} min` : `${minutes / 60} h`);

function choose(minutes) {
	spanMin = minutes;
	for (const button of $("windows").children) {
		setAttribute(button, "aria-pressed", String(button.textContent === spanText(minutes)));
	}
	data = new Map();
	forget();
	if (status !== null) renderTrends(status);
}

/** Takes the state's values and draws once a second. */
export function renderTrends(next) {
	status = next;
	for (const id of ids()) series(id).add(status.signals[id] ?? { at: status.wall, value: null, quality: "fault" });
	const now = performance.now();
	const isDue = status.speed >= RELOAD_FROM_SPEED ? now - loadedMs > RELOAD_MS : loadedMs < 0;
	if (isDue && hasHistory()) {
		loadedMs = now;
		void load(data);
	}
	if (now - drawnMs >= DRAW_EVERY_MS) draw();
}

/** After a loss of connection the stored past is read again. */
export function forget() {
	loadedMs = Number.NEGATIVE_INFINITY;
}

const ids = () =>
	CHARTS.flatMap(({ lines }) => lines.map(({ part }) => partId(status, part))).filter((id) => id !== undefined);

function series(id) {
	const known = data.get(id);
	if (known !== undefined) return known;
	const made = new TrendData({ spanMs: spanMin * 60_000, speed: status.speed });
	data.set(id, made);
	return made;
}

async function load(target) {
	const to = Math.ceil(status.wall);
	const from = to - spanMin * 60_000;
	try {
		for (const [id, one] of target) {
			const path = `/signals/${encodeURIComponent(id)}/history?from=${from}&to=${to}&points=${POINTS}`;
			one.load((await get(path)).points);
		}
		draw();
	} catch {
		// The live values go on; the past is asked for again with the next loss or span.
	}
}

function draw() {
	if (status === null) return;
	drawnMs = performance.now();
	const toMs = status.wall;
	const fromMs = toMs - spanMin * 60_000;
	const ticks = timeTicks(fromMs, toMs);
	CHARTS.forEach(({ lines, convert, scale, limits, name }, index) => {
		const drawn = lines.flatMap(({ part, className }) => {
			const found = data.get(partId(status, part));
			return found === undefined ? [] : [{ stretches: found.stretches(), className, convert }];
		});
		const values = drawn.flatMap(({ stretches }) =>
			stretches.flat().flatMap(({ min, max }) => [convert(min), convert(max)]),
		);
		const marks = limits(status);
		const all = [...values, ...marks.map(({ value }) => value)];
		const figure = $("charts").children[index];
		setText(figure.firstElementChild.firstElementChild, name);
		drawChart(figure.lastElementChild, {
			from: fromMs,
			to: toMs,
			ticks,
			series: drawn,
			limits: marks,
			empty: "No values in this span yet",
			...(values.length === 0 ? {} : { scale: scale(all) }),
		});
	});
}
