/** Plots of compared samples as SVG. */
import type { Spec } from "vega";

/** Okabe and Ito's colours without yellow, told apart with any colour vision; bluish, dark first. */
const COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000"];
const DASHES = [[], [6, 3], [2, 2]];
const WIDTH = 720;
const HEIGHT = 320;

export interface Series {
	readonly label: string;
	readonly points: readonly { readonly x: number; readonly y: number }[];
}

export interface Plot {
	readonly title: string;
	/** With units. */
	readonly xTitle: string;
	readonly yTitle: string;
	readonly series: readonly Series[];
	readonly marks: "line" | "points";
}

/** A plain Vega specification; beyond seven samples dashes tell those of one colour apart. */
export function specOf({ title, xTitle, yTitle, series, marks }: Plot): Spec {
	const labels = series.map(({ label }) => label);
	const dashes = labels.map((_, n) => DASHES[Math.floor(n / COLOURS.length) % DASHES.length]!);
	const values = series.flatMap(({ label, points }) => points.map(({ x, y }) => ({ label, x, y })));
	const point = {
		x: { scale: "x", field: "x" },
		y: { scale: "y", field: "y" },
	};
	return {
		$schema: "https://vega.github.io/schema/vega/v6.json",
		width: WIDTH,
		height: HEIGHT,
		padding: 8,
		background: "white",
		title: { text: title, anchor: "start" },
		data: [{ name: "table", values }],
		scales: [
			{ name: "x", type: "linear", domain: { data: "table", field: "x" }, range: "width", nice: true, zero: false },
			{
				name: "y",
				type: "linear",
				domain: { data: "table", field: "y" },
				range: "height",
				nice: true,
				zero: marks === "points",
			},
			{ name: "colour", type: "ordinal", domain: labels, range: labels.map((_, n) => COLOURS[n % COLOURS.length]!) },
			{ name: "dash", type: "ordinal", domain: labels, range: dashes as unknown as string[] },
		],
		axes: [
			{ orient: "bottom", scale: "x", title: xTitle, grid: true, gridOpacity: 0.3 },
			{ orient: "left", scale: "y", title: yTitle, grid: true, gridOpacity: 0.3 },
		],
		legends: [{ stroke: "colour", strokeDash: "dash", symbolType: "stroke", symbolStrokeWidth: 3, title: "sample" }],
		marks: [
			{
				type: "group",
				from: { facet: { name: "one", data: "table", groupby: "label" } },
				marks: [
					{
						type: "line",
						from: { data: "one" },
						encode: {
							enter: {
								...point,
								stroke: { scale: "colour", field: "label" },
								strokeDash: { scale: "dash", field: "label" },
								strokeWidth: { value: marks === "line" ? 1 : 1.5 },
								defined: { signal: "isValid(datum.y)" },
							},
						},
					},
				],
			},
		],
	};
}

export async function svgOf(plot: Plot): Promise<string> {
	const { parse, View } = await import("vega");
	const view = new View(parse(specOf(plot)), { renderer: "none" });
	const svg = await view.toSVG();
	view.finalize();
	return svg;
}
