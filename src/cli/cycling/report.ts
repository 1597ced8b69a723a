/** One analysed file: the object of --json, and lines for people. */
import { type AnalysisOptions, type AnalysisResult, CyclingAnalysis } from "#analysis/analysis.js";
import { type Defect, DefectLog } from "#analysis/defects.js";
import type { CyclingFormat } from "#analysis/formats/layout.js";
import type { RowSink } from "#analysis/rows.js";
import type { PositiveCurrent } from "#analysis/sign.js";
import { readCycling } from "#cli/cycling/read.js";

export interface AnalyseFileOptions extends AnalysisOptions {
	readonly format?: CyclingFormat | undefined;
	readonly positiveCurrent?: PositiveCurrent | undefined;
	readonly areaCm2?: number | undefined;
	readonly massG?: number | undefined;
	/** Sees the rows too, as for a plot. */
	readonly alsoTo?: RowSink;
}

export interface AnalysisJson extends AnalysisResult {
	readonly ok: boolean;
	readonly file: string;
	readonly format: CyclingFormat;
	readonly rows: number;
	readonly rowsUsed: number;
	readonly impedanceRows: number;
	readonly positiveCurrent: PositiveCurrent;
	readonly positiveCurrentFrom: string;
	readonly columns: Record<string, string>;
	readonly defects: readonly Defect[];
	/** Of each kind, those that are not listed too. */
	readonly defectCounts: Record<string, number>;
	/** Per area and mass, where they were told; of the largest half-cycle. */
	readonly normalised: {
		readonly areaCm2: number | null;
		readonly massG: number | null;
		readonly currentMAPerCm2: number | null;
		readonly capacityMAhPerCm2: number | null;
		readonly capacityMAhPerG: number | null;
	};
}

/** Throws CYCLING_FILE_NOT_FOUND and CYCLING_FILE_REFUSED. */
export async function analyseFile(path: string, options: AnalyseFileOptions = {}): Promise<AnalysisJson> {
	const defects = new DefectLog();
	const analysis = new CyclingAnalysis({ ...options, defects });
	const { format, layout, sign, rows, rowsUsed, impedanceRows } = await readCycling(path, {
		format: options.format,
		positiveCurrent: options.positiveCurrent,
		defects,
		sink: (chunk) => {
			analysis.push(chunk);
			options.alsoTo?.(chunk);
		},
	});
	const result = analysis.result();
	const { areaCm2, massG } = options;
	const largest = result.halfCycles.reduce((max, half) => Math.max(max, half.capacityAh), 0);
	const currentA = result.halfCycles.reduce((max, half) => Math.max(max, half.meanCurrentA), 0);
	const per = (value: number, size: number | undefined): number | null =>
		size === undefined ? null : (value * 1_000) / size;
	return {
		ok: true,
		file: path,
		format,
		rows,
		rowsUsed,
		impedanceRows,
		positiveCurrent: sign.positiveCurrent,
		positiveCurrentFrom: sign.evidence,
		columns: Object.fromEntries(Object.values(layout.columns).map(({ role, title }) => [role, title])),
		defects: defects.listed,
		defectCounts: { ...defects.counts },
		...result,
		normalised: {
			areaCm2: areaCm2 ?? null,
			massG: massG ?? null,
			currentMAPerCm2: per(currentA, areaCm2),
			capacityMAhPerCm2: per(largest, areaCm2),
			capacityMAhPerG: per(largest, massG),
		},
	};
}

const percent = (value: number | null): string => (value === null ? "-" : `${(value * 100).toFixed(2)} %`);
const mV = (value: number | null): string => (value === null ? "-" : `${(value * 1_000).toFixed(1)} mV`);
const DEFECTS_SHOWN = 20;
const CYCLES_SHOWN = 5;

export function verdictText({ verdict, hours }: Pick<AnalysisResult, "verdict" | "hours">): string {
	return verdict.kind === "none"
		? `no failure in ${hours.toFixed(1)} h (not reached)`
		: `${verdict.kind} at ${verdict.atHours!.toFixed(1)} h, cycle ${verdict.atCycle ?? "-"}`;
}

export function reportLines(json: AnalysisJson): string[] {
	const { halfCycles, cycles, defects } = json;
	const lines = [
		`${json.file}: ${json.format}, ${json.rowsUsed} of ${json.rows} rows used${json.impedanceRows > 0 ? `, ${json.impedanceRows} impedance rows left out` : ""}`,
		`Positive current: ${json.positiveCurrent} (${json.positiveCurrentFrom})`,
		`Cell: ${json.chemistry} (${json.chemistryFrom}); ${halfCycles.length} half-cycles, ${cycles.length} cycles, ${json.hours.toFixed(2)} h, first ${json.firstDirection ?? "nothing"}`,
	];
	if (json.interruptions.count > 0)
		lines.push(`Interruptions: ${json.interruptions.count}, ${json.interruptions.hours.toFixed(2)} h, not counted`);
	if (json.chemistry === "symmetric") {
		const last = halfCycles.filter(({ complete }) => complete).at(-1);
		const trend = json.trendVPerH === null ? "-" : `${(json.trendVPerH * 1e5).toFixed(2)} mV per 100 h`;
		lines.push(
			`Overpotential: baseline ${mV(json.baselineV)}, last ${mV(last?.overpotentialV ?? null)}, trend ${trend}`,
		);
	} else {
		const { reference } = json;
		lines.push(`Efficiency: ${json.efficiency}; mean Coulombic ${percent(json.meanCoulombicEfficiency)}`);
		if (reference !== null)
			lines.push(
				`Retention refers to cycle ${reference.cycle} (${reference.why}): ${(reference.capacityAh * 1_000).toPrecision(4)} mAh`,
			);
		const shown =
			cycles.length > 2 * CYCLES_SHOWN ? [...cycles.slice(0, CYCLES_SHOWN), ...cycles.slice(-CYCLES_SHOWN)] : cycles;
		for (const each of shown)
			lines.push(
				`  cycle ${each.cycle}: charge ${(each.chargeAh * 1_000).toPrecision(4)} mAh, discharge ${(each.dischargeAh * 1_000).toPrecision(4)} mAh, ` +
					`Coulombic ${percent(each.coulombicEfficiency)}, energy ${percent(each.energyEfficiency)}, retention ${percent(each.retention)}`,
			);
	}
	for (const { kind, atHours, atCycle } of json.events)
		lines.push(`Seen: ${kind} at ${atHours.toFixed(1)} h, cycle ${atCycle ?? "-"}`);
	lines.push(`Verdict: ${verdictText(json)}`);
	for (const { row, column, code, message } of defects.slice(0, DEFECTS_SHOWN))
		lines.push(`${json.file}:${row ?? 1}: ${code}${column === null ? "" : ` (${column})`}: ${message}`);
	const counted = Object.values(json.defectCounts).reduce((sum, each) => sum + each, 0);
	if (counted > Math.min(defects.length, DEFECTS_SHOWN))
		lines.push(
			`${counted - Math.min(defects.length, DEFECTS_SHOWN)} more defects: ${Object.entries(json.defectCounts)
				.map(([code, count]) => `${count} ${code}`)
				.join(", ")}`,
		);
	return lines;
}
