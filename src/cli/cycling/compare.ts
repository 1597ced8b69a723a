/** Samples side by side: one analysis a file, a table, and three plots. */
import { mkdir, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { VoltageTrace } from "#cli/cycling/decimate.js";
import { type Plot, pngOf, svgOf } from "#cli/cycling/plots.js";
import { type AnalyseFileOptions, type AnalysisJson, analyseFile, verdictText } from "#cli/cycling/report.js";

export interface Compared {
	readonly label: string;
	readonly json: AnalysisJson;
	readonly trace: VoltageTrace;
}

/** The label given, or the file's name; equal ones are numbered. */
export function labelsOf(files: readonly string[], given: readonly string[]): string[] {
	const labels = files.map((file, n) => given[n] ?? basename(file).replace(/(\.bdf)?\.\w+$/, ""));
	return labels.map((label, n) => (labels.indexOf(label) === n ? label : `${label} (${n + 1})`));
}

export async function compareFiles(
	files: readonly string[],
	labels: readonly string[],
	options: AnalyseFileOptions,
): Promise<Compared[]> {
	const compared: Compared[] = [];
	for (const [n, file] of files.entries()) {
		const trace = new VoltageTrace();
		const json = await analyseFile(file, { ...options, alsoTo: (rows) => trace.push(rows) });
		compared.push({ label: labels[n]!, json, trace });
	}
	return compared;
}

const median = (values: readonly number[]): number | null =>
	[...values].sort((a, b) => a - b)[values.length >> 1] ?? null;

/** One sample's figures; null where they do not apply. */
export interface CompareRow {
	readonly label: string;
	readonly file: string;
	readonly chemistry: string;
	readonly hours: number;
	readonly cycles: number;
	readonly medianOverpotentialV: number | null;
	readonly lastOverpotentialV: number | null;
	readonly firstDischargeAh: number | null;
	readonly lastDischargeAh: number | null;
	readonly meanCoulombicEfficiency: number | null;
	readonly referenceCycle: number | null;
	readonly verdict: AnalysisJson["verdict"];
}

/** Cycles of both directions; the charge that a protocol passes through a symmetric cell is no capacity of its own. */
const wholeCycles = ({ chemistry, cycles }: AnalysisJson): AnalysisJson["cycles"] =>
	chemistry === "symmetric" ? [] : cycles.filter(({ chargeAh, dischargeAh }) => chargeAh > 0 && dischargeAh > 0);

export function compareRow({ label, json }: Compared): CompareRow {
	const over = json.halfCycles.flatMap(({ overpotentialV, complete }) =>
		complete && overpotentialV !== null ? [overpotentialV] : [],
	);
	const whole = wholeCycles(json);
	return {
		label,
		file: json.file,
		chemistry: json.chemistry,
		hours: json.hours,
		cycles: json.cycles.length,
		medianOverpotentialV: median(over),
		lastOverpotentialV: over.at(-1) ?? null,
		firstDischargeAh: whole[0]?.dischargeAh ?? null,
		lastDischargeAh: whole.at(-1)?.dischargeAh ?? null,
		meanCoulombicEfficiency: json.meanCoulombicEfficiency,
		referenceCycle: json.reference?.cycle ?? null,
		verdict: json.verdict,
	};
}

export function tableLines(compared: readonly Compared[]): string[] {
	const cell = (value: number | null, factor: number, digits: number): string =>
		value === null ? "-" : (value * factor).toFixed(digits);
	const rows = compared.map((each) => {
		const row = compareRow(each);
		return [
			row.label,
			row.chemistry,
			row.hours.toFixed(1),
			String(row.cycles),
			cell(row.medianOverpotentialV, 1_000, 1),
			cell(row.lastOverpotentialV, 1_000, 1),
			cell(row.lastDischargeAh, 1_000, 4),
			cell(row.meanCoulombicEfficiency, 100, 2),
			verdictText(each.json),
		];
	});
	const head = ["sample", "cell", "h", "cycles", "median mV", "last mV", "last mAh", "CE %", "verdict"];
	const widths = head.map((title, n) => Math.max(title.length, ...rows.map((row) => row[n]!.length)));
	return [head, ...rows].map((row) =>
		row
			.map((text, n) => text.padEnd(widths[n]!))
			.join("  ")
			.trimEnd(),
	);
}

export function plotsOf(compared: readonly Compared[], areaCm2?: number, massG?: number): Record<string, Plot> {
	const series = (
		points: (each: Compared) => { x: number; y: number }[],
		failedAt: (verdict: AnalysisJson["verdict"]) => number | null,
	): Plot["series"] =>
		compared
			.map((each) => {
				const { kind, atHours } = each.json.verdict;
				const x = failedAt(each.json.verdict);
				const text = `${kind} ${atHours?.toFixed(0)} h`;
				return { label: each.label, points: points(each), failure: x === null ? null : { x, text } };
			})
			.filter((each) => each.points.length > 0);
	const [unit, factor] =
		massG !== undefined
			? ["mAh g⁻¹", 1_000 / massG]
			: areaCm2 !== undefined
				? ["mAh cm⁻²", 1_000 / areaCm2]
				: ["mAh", 1_000];
	return {
		"voltage-time": {
			title: "Cell voltage",
			xTitle: "Time / h",
			yTitle: "Voltage / V",
			kind: "trace",
			series: series(
				({ trace }) => trace.points.map(({ hours, volts }) => ({ x: hours, y: volts })),
				({ atHours }) => atHours,
			),
		},
		"overpotential-cycle": {
			title: "Overpotential: |median voltage| over 20–80 % of each half-cycle",
			xTitle: "Cycle / 1",
			yTitle: "Overpotential / mV",
			kind: "points",
			series: series(overpotentials, ({ atCycle }) => atCycle),
		},
		"capacity-cycle": {
			title: "Discharge capacity",
			xTitle: "Cycle / 1",
			yTitle: `Discharge capacity / ${unit}`,
			kind: "points",
			series: series(
				({ json }) =>
					wholeCycles(json).map(({ cycle, dischargeAh }) => ({ x: cycle, y: dischargeAh * Number(factor) })),
				({ atCycle }) => atCycle,
			),
		},
	};
}

/** The mean of a cycle's half-cycles: charging and discharging differ by an offset that would draw a comb. */
function overpotentials({ json }: Compared): { x: number; y: number }[] {
	const cycles = new Map<number, number[]>();
	for (const { cycle, overpotentialV, complete } of json.halfCycles) {
		if (cycle === null || overpotentialV === null || !complete) continue;
		const of = cycles.get(cycle) ?? [];
		of.push(overpotentialV * 1_000);
		cycles.set(cycle, of);
	}
	return [...cycles].map(([x, of]) => ({ x, y: of.reduce((sum, each) => sum + each, 0) / of.length }));
}

/** Writes SVG and PNG of each plot that has anything to show; gives their paths. */
export async function writePlots(plots: Record<string, Plot>, folder: string): Promise<string[]> {
	await mkdir(folder, { recursive: true });
	const files: string[] = [];
	for (const [name, plot] of Object.entries(plots)) {
		if (plot.series.length === 0) continue;
		const svg = await svgOf(plot);
		for (const [ending, content] of [
			["svg", svg],
			["png", await pngOf(svg)],
		] as const) {
			const file = join(folder, `${name}.${ending}`);
			await writeFile(file, content);
			files.push(file);
		}
	}
	return files;
}
