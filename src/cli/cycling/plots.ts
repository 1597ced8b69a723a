/** Plots of compared samples, as SVG and PNG. */
import { createRequire } from "node:module";
import type { Data, Mark, Scale, Spec } from "vega";

/** Okabe and Ito's colours without yellow, told apart with any colour vision; bluish, dark first. */
const COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000"];
/** Shapes and dashes tell samples apart without any colour. */
const SHAPES = ["circle", "square", "triangle-up", "diamond", "triangle-down", "triangle-right", "triangle-left"];
const DASHES = [[], [6, 3], [2, 2]];
const WIDTH = 720;
const HEIGHT = 340;
/** Of one panel, where each sample has its own. */
const PANEL_HEIGHT = 110;
const PANEL_GAP = 26;
/** A range of values wider than this is shown on a logarithmic axis. */
const LOGARITHMIC_FROM = 15;
/** Shortly before it is told a failure shows already. */
const LIVING_UNTIL = 0.97;
const LIVING_SHOWN = 1.5;
const CUT_FROM = 3;
/** So many points of a sample carry its shape. */
const SHAPES_SHOWN = 14;
const FONT = "DejaVu Sans, Verdana, sans-serif";
/** Pixels of a PNG for one of the SVG. */
const PNG_ZOOM = 2;

export interface Point {
	readonly x: number;
	readonly y: number;
}

export interface Series {
	readonly label: string;
	readonly points: readonly Point[];
	/** Where it failed, and how. */
	readonly failure: { readonly x: number; readonly text: string } | null;
}

export interface Plot {
	readonly title: string;
	/** With units. */
	readonly xTitle: string;
	readonly yTitle: string;
	readonly series: readonly Series[];
	/** `trace`: dense, each sample in a panel of its own, about zero; `points`: all samples in one panel, from zero. */
	readonly kind: "trace" | "points";
}

/** A plain Vega specification. */
export function specOf(plot: Plot): Spec {
	const { title, xTitle, yTitle, series, kind } = plot;
	const labels = series.map(({ label }) => label);
	const isTrace = kind === "trace";
	const isLog = !isTrace && spansDecades(series);
	const height = isTrace ? labels.length * (PANEL_HEIGHT + PANEL_GAP) - PANEL_GAP : HEIGHT;
	const cutAt = isTrace ? failuresCutAt(series) : null;
	const range = isTrace ? [PANEL_HEIGHT, 0] : ("height" as const);
	const y: Scale = isLog
		? { name: "y", type: "log", domain: decades(series), range }
		: {
				name: "y",
				type: "linear",
				domain: cutAt === null ? { data: "table", field: "y" } : [-cutAt, cutAt],
				range,
				nice: true,
				zero: !isTrace,
			};
	const yText = cutAt === null ? yTitle : `${yTitle}, cut off beyond`;
	const axisText = { labelFont: FONT, titleFont: FONT, labelFontSize: 12, titleFontSize: 13, labelColor: "#222" };
	const left = { orient: "left", scale: "y", grid: true, gridOpacity: 0.35, ...axisText } as const;
	return {
		$schema: "https://vega.github.io/schema/vega/v6.json",
		width: WIDTH,
		height,
		padding: 10,
		background: "white",
		title: { text: title, anchor: "start", font: FONT, fontSize: 15, offset: 12 },
		data: dataOf(series),
		scales: [
			{ name: "x", type: "linear", domain: { data: "table", field: "x" }, range: "width", nice: true, zero: false },
			y,
			{ name: "colour", type: "ordinal", domain: labels, range: labels.map((_, n) => cycled(COLOURS, n)) },
			{ name: "shape", type: "ordinal", domain: labels, range: labels.map((_, n) => cycled(SHAPES, n)) },
			{
				name: "dash",
				type: "ordinal",
				domain: labels,
				range: labels.map((_, n) => DASHES[Math.floor(n / COLOURS.length) % DASHES.length]!) as unknown as string[],
			},
			{ name: "panel", type: "band", domain: labels, range: [0, height + PANEL_GAP] },
		],
		axes: [
			{ orient: "bottom", scale: "x", title: xTitle, grid: true, gridOpacity: 0.35, titlePadding: 8, ...axisText },
			...(isTrace
				? []
				: [{ ...left, title: yTitle, titlePadding: 8, ...(isLog ? { format: "~g", tickCount: 8 } : {}) }]),
		],
		legends: isTrace
			? []
			: [
					{
						stroke: "colour",
						shape: "shape",
						strokeDash: "dash",
						symbolFillColor: "white",
						symbolStrokeWidth: 2,
						symbolSize: 70,
						title: "sample",
						labelFont: FONT,
						titleFont: FONT,
						labelFontSize: 12,
					},
				],
		marks: isTrace ? panels(yText, left) : overlaid(),
	};
}

const cycled = (of: readonly string[], n: number): string => of[n % of.length]!;

function rangeOf(series: readonly Series[]): { low: number; high: number } {
	let low = Number.POSITIVE_INFINITY;
	let high = Number.NEGATIVE_INFINITY;
	for (const { points } of series)
		for (const { y } of points) {
			low = Math.min(low, y);
			high = Math.max(high, y);
		}
	return { low, high };
}

function spansDecades(series: readonly Series[]): boolean {
	const { low, high } = rangeOf(series);
	return low > 0 && high > LOGARITHMIC_FROM * low;
}

function decades(series: readonly Series[]): [number, number] {
	const { low, high } = rangeOf(series);
	return [low / 1.3, high * 1.3];
}

/**
 * Symmetric cells that polarise run to the limit, beside which all that came before is a thin line: the axis then ends
 * somewhat beyond what was seen of living cells. Null where nothing needs cutting.
 */
function failuresCutAt(series: readonly Series[]): number | null {
	let living = 0;
	for (const { points, failure } of series)
		for (const { x, y } of points)
			if (failure === null || x < LIVING_UNTIL * failure.x) living = Math.max(living, Math.abs(y));
	const { low, high } = rangeOf(series);
	const far = Math.max(-low, high);
	return low < 0 && high > 0 && living > 0 && far > CUT_FROM * living ? LIVING_SHOWN * living : null;
}

function dataOf(series: readonly Series[]): Data[] {
	const table = series.flatMap(({ label, points }) => points.map(({ x, y }) => ({ label, x, y })));
	const shown = series.flatMap(({ label, points }, n) => {
		const every = Math.max(1, Math.ceil(points.length / SHAPES_SHOWN));
		// Each sample begins elsewhere, so that shapes of like curves do not hide each other.
		const first = Math.floor((every * n) / series.length);
		return points.filter((_, k) => k % every === first).map(({ x, y }) => ({ label, x, y }));
	});
	const failures = series.flatMap(({ label, points, failure }) => {
		if (failure === null) return [];
		const at = points.findLast(({ x }) => x <= failure.x) ?? points[0];
		return at === undefined ? [] : [{ label, x: failure.x, y: at.y, text: failure.text }];
	});
	return [
		{ name: "table", values: table },
		{ name: "shown", values: shown },
		{ name: "failures", values: failures },
	];
}

const at = { x: { scale: "x", field: "x" }, y: { scale: "y", field: "y" } };
const colour = { scale: "colour", field: "label" };

/** All samples in one panel: lines with shapes upon them, a cross and words where one failed. */
function overlaid(): Mark[] {
	return [
		{
			type: "group",
			from: { facet: { name: "one", data: "table", groupby: "label" } },
			marks: [
				{
					type: "line",
					from: { data: "one" },
					encode: {
						enter: {
							...at,
							stroke: colour,
							strokeDash: { scale: "dash", field: "label" },
							strokeWidth: { value: 1.5 },
							strokeJoin: { value: "round" },
						},
					},
				},
			],
		},
		{
			type: "symbol",
			from: { data: "shown" },
			encode: {
				enter: {
					...at,
					shape: { scale: "shape", field: "label" },
					stroke: colour,
					fill: { value: "white" },
					strokeWidth: { value: 1.5 },
					size: { value: 45 },
				},
			},
		},
		{
			type: "symbol",
			from: { data: "failures" },
			encode: {
				enter: {
					...at,
					shape: { value: "M-1,-1L1,1M-1,1L1,-1" },
					stroke: { value: "#222" },
					strokeWidth: { value: 2.5 },
					size: { value: 120 },
				},
			},
		},
		{
			type: "text",
			from: { data: "failures" },
			encode: {
				enter: {
					...at,
					text: { field: "text" },
					font: { value: FONT },
					fontSize: { value: 12 },
					fill: colour,
					fontWeight: { value: "bold" },
					dy: { value: -12 },
					// Before the mark, for what comes after is steep; at the left edge there is no room for that.
					dx: { signal: `scale("x", datum.x) < ${WIDTH * 0.3} ? 10 : -10` },
					align: { signal: `scale("x", datum.x) < ${WIDTH * 0.3} ? "left" : "right"` },
				},
			},
		},
	];
}

/** A panel a sample, with axes of one scale; a line and words where it failed. */
function panels(yTitle: string, left: object): Mark[] {
	return [
		{
			type: "group",
			from: { facet: { name: "one", data: "table", groupby: "label" } },
			encode: {
				enter: {
					y: { scale: "panel", field: "label" },
					height: { value: PANEL_HEIGHT },
					width: { value: WIDTH },
					stroke: { value: "#ccc" },
				},
			},
			axes: [{ ...left, tickCount: 5 } as never],
			title: { text: { signal: "parent.label" }, anchor: "start", frame: "group", font: FONT, fontSize: 12, offset: 5 },
			data: [
				{ name: "failed", source: "failures", transform: [{ type: "filter", expr: "datum.label === parent.label" }] },
			],
			marks: [
				{
					type: "line",
					from: { data: "one" },
					clip: true,
					encode: { enter: { ...at, stroke: colour, strokeWidth: { value: 0.8 } } },
				},
				{
					type: "rule",
					from: { data: "failed" },
					encode: {
						enter: {
							x: at.x,
							y: { value: 0 },
							y2: { value: PANEL_HEIGHT },
							stroke: { value: "#222" },
							strokeWidth: { value: 1.5 },
							strokeDash: { value: [5, 3] },
						},
					},
				},
				failureText({ stroke: { value: "white" }, strokeWidth: { value: 4 }, strokeJoin: { value: "round" } }),
				failureText({ fill: { value: "#222" } }),
			],
		},
		{
			type: "text",
			encode: {
				enter: {
					x: { value: -52 },
					y: { signal: "height / 2" },
					angle: { value: -90 },
					align: { value: "center" },
					text: { value: yTitle },
					font: { value: FONT },
					fontSize: { value: 13 },
					fontWeight: { value: "bold" },
					fill: { value: "#000" },
				},
			},
		},
	];
}

/** Beside the line of a failure; once as a white rim, once upon it, for the trace may be anywhere. */
const failureText = (colours: object): Mark => ({
	type: "text",
	from: { data: "failed" },
	encode: {
		enter: {
			x: at.x,
			y: { value: PANEL_HEIGHT - 8 },
			dx: { signal: `scale("x", datum.x) < ${WIDTH * 0.3} ? 8 : -8` },
			align: { signal: `scale("x", datum.x) < ${WIDTH * 0.3} ? "left" : "right"` },
			text: { field: "text" },
			font: { value: FONT },
			fontSize: { value: 12 },
			fontWeight: { value: "bold" },
			...colours,
		},
	},
});

export async function svgOf(plot: Plot): Promise<string> {
	const { parse, View } = await import("vega");
	const view = new View(parse(specOf(plot)), { renderer: "none" });
	const svg = await view.toSVG();
	view.finalize();
	return svg;
}

/** The same on every machine: the letters come with the package, none are looked for in the system. */
export async function pngOf(svg: string): Promise<Uint8Array> {
	const { Resvg } = await import("@resvg/resvg-js");
	const fonts = createRequire(import.meta.url);
	const fontFiles = ["DejaVuSans", "DejaVuSans-Bold"].map((name) => fonts.resolve(`dejavu-fonts-ttf/ttf/${name}.ttf`));
	const font = { loadSystemFonts: false, fontFiles, defaultFontFamily: "DejaVu Sans", sansSerifFamily: "DejaVu Sans" };
	return new Resvg(svg, { font, fitTo: { mode: "zoom", value: PNG_ZOOM } }).render().asPng();
}
