/** The picture of an identification: what was measured, what the model says, what is left, and the power. */
import type { Spec } from "vega";
import type { TestData } from "./response.js";

/** More points do not show on a screen. */
const POINTS_MAX = 2000;
const WIDTH = 720;
const MINUTE_S = 60;
const COLOURS = { measured: "#9aa5b1", model: "#c2410c", power: "#2563eb", residual: "#475569" } as const;

export function modelPlotSpec(title: string, data: TestData, fittedC: ArrayLike<number>): Spec {
	const every = Math.max(1, Math.ceil(data.timeS.length / POINTS_MAX));
	const rows = data.timeS.flatMap((atS, i) => {
		if (i % every !== 0) return [];
		const [measured, model] = [data.temperatureC[i]!, fittedC[i]!];
		return [{ min: atS / MINUTE_S, measured, model, residual: measured - model, power: data.powerPercent[i]! }];
	});
	const panel = (name: string, y: number, height: number, fields: readonly (keyof typeof COLOURS)[], unit: string) => ({
		type: "group" as const,
		name,
		encode: { enter: { y: { value: y }, width: { value: WIDTH }, height: { value: height } } },
		scales: [
			{
				name: "y",
				type: "linear" as const,
				range: [height, 0],
				nice: true,
				zero: false,
				domain: { data: "rows", fields: [...fields] },
			},
		],
		axes: [
			{ scale: "y", orient: "left" as const, title: unit, grid: true, tickCount: Math.max(3, height / 40) },
			{ scale: "x", orient: "bottom" as const, ...(name === "power" ? { title: "minutes" } : { labels: false }) },
		],
		marks: fields.map((field) => ({
			type: "line" as const,
			from: { data: "rows" },
			encode: {
				enter: {
					x: { scale: "x", field: "min" },
					y: { scale: "y", field },
					stroke: { value: COLOURS[field] },
					strokeWidth: { value: field === "model" ? 1.5 : 1 },
					interpolate: { value: field === "power" ? ("step-after" as const) : ("linear" as const) },
				},
			},
		})),
	});
	return {
		$schema: "https://vega.github.io/schema/vega/v6.json",
		width: WIDTH,
		height: 480,
		padding: 8,
		background: "white",
		title: { text: title, anchor: "start" },
		data: [{ name: "rows", values: rows }],
		scales: [
			{
				name: "x",
				type: "linear",
				range: [0, WIDTH],
				domain: { data: "rows", field: "min" },
				nice: false,
				zero: false,
			},
			{
				name: "colour",
				type: "ordinal",
				domain: ["measured", "model", "residual", "power"],
				range: [COLOURS.measured, COLOURS.model, COLOURS.residual, COLOURS.power],
			},
		],
		legends: [{ stroke: "colour", symbolType: "stroke", orient: "bottom", direction: "horizontal" }],
		marks: [
			panel("temperature", 0, 240, ["measured", "model"], "°C"),
			panel("residual", 265, 90, ["residual"], "measured - model, °C"),
			panel("power", 380, 100, ["power"], "power, %"),
		],
	};
}

/** The picture as SVG; the drawing library is loaded only for it. */
export async function modelPlot(title: string, data: TestData, fittedC: ArrayLike<number>): Promise<string> {
	const { parse, View } = await import("vega");
	const view = new View(parse(modelPlotSpec(title, data, fittedC)), { renderer: "none" });
	try {
		return await view.toSVG();
	} finally {
		view.finalize();
	}
}
