/** Made-up cells as rows and as files, and the way from bytes to a result without a disk. */
import { type AnalysisOptions, CyclingAnalysis } from "#analysis/analysis.js";
import { Conditioner } from "#analysis/condition.js";
import { DefectLog } from "#analysis/defects.js";
import { DelimitedReader } from "#analysis/formats/delimited.js";
import { type CyclingFormat, layoutOf } from "#analysis/formats/layout.js";
import { RowChunk } from "#analysis/rows.js";
import { type PositiveCurrent, SignProof, saySign } from "#analysis/sign.js";
import { UnitProof } from "#analysis/units.js";
import { Prng } from "#core/prng.js";

export interface Row {
	readonly t: number;
	readonly v: number;
	readonly i: number;
	readonly cycle: number;
	readonly step: number;
}

export interface SymmetricCell {
	readonly halfCycles: number;
	readonly currentA?: number;
	readonly rowsEach?: number;
	readonly intervalS?: number;
	/** Overpotential of a half-cycle, V. */
	readonly levelV: (half: number) => number;
	/** Shape along a half-cycle, from 0 to 1; 1 at the middle. */
	readonly shape?: (part: number, half: number) => number;
	readonly noiseV?: number;
	readonly restRows?: number;
	readonly seed?: number;
}

/** An arch with a peak at its beginning, as plated lithium gives it. */
export const arch = (part: number): number => 1 + 0.6 * Math.exp(-part * 25) + 0.45 * (part - 0.5) ** 2 * 4 - 0.05;
export const flat = (): number => 1;

export function symmetricRows(cell: SymmetricCell): Row[] {
	const {
		halfCycles,
		currentA = 1e-3,
		rowsEach = 60,
		intervalS = 60,
		shape = arch,
		noiseV = 0.0005,
		restRows = 0,
	} = cell;
	const random = new Prng(cell.seed ?? 1);
	const rows: Row[] = [];
	let t = 0;
	for (let half = 0; half < halfCycles; half += 1) {
		const sign = half % 2 === 0 ? 1 : -1;
		for (let n = 0; n < rowsEach; n += 1) {
			const v = sign * (cell.levelV(half) * shape((n + 0.5) / rowsEach, half) + (random.uniform() - 0.5) * 2 * noiseV);
			rows.push({ t, v, i: sign * currentA, cycle: (half >> 1) + 1, step: half + 1 });
			t += intervalS;
		}
		for (let n = 0; n < restRows; n += 1) {
			rows.push({ t, v: 0.001, i: 0, cycle: (half >> 1) + 1, step: half + 1 });
			t += intervalS;
		}
	}
	return rows;
}

/** A full cell: charge and discharge of given capacities, Ah. */
export function fullCellRows(capacities: readonly [chargeAh: number, dischargeAh: number][], currentA = 1e-3): Row[] {
	const rows: Row[] = [];
	let t = 0;
	const half = (ah: number, sign: number, cycle: number): void => {
		const seconds = (ah / currentA) * 3_600;
		for (let n = 0; n <= 50; n += 1)
			rows.push({
				t: t + (seconds * n) / 50,
				v: 3.4 + sign * (0.06 + n / 500),
				i: sign * currentA,
				cycle,
				step: sign > 0 ? 1 : 2,
			});
		t += seconds;
	};
	for (const [n, [chargeAh, dischargeAh]] of capacities.entries()) {
		half(chargeAh, 1, n + 1);
		half(dischargeAh, -1, n + 1);
	}
	return rows;
}

export function chunkOf(rows: readonly Row[], firstLine = 1): RowChunk {
	const chunk = new RowChunk();
	for (const [n, { t, v, i, cycle, step }] of rows.entries()) {
		chunk.line[n] = firstLine + n;
		chunk.testTimeS[n] = t;
		chunk.voltageV[n] = v;
		chunk.currentA[n] = i;
		chunk.cycle[n] = cycle;
		chunk.step[n] = step;
		for (const column of ["chargeAh", "dischargeAh", "unixTimeS", "ambientC"] as const) chunk[column][n] = Number.NaN;
	}
	chunk.count = rows.length;
	return chunk;
}

export function analysed(rows: readonly Row[], options: AnalysisOptions = {}, pieces: readonly number[] = [1_000]) {
	const analysis = new CyclingAnalysis(options);
	for (let at = 0, n = 0; at < rows.length; n += 1) {
		const size = pieces[n % pieces.length]!;
		analysis.push(chunkOf(rows.slice(at, at + size), at + 1));
		at += size;
	}
	return { ...analysis.result(), defects: analysis.defects.listed };
}

export const bdfOf = (rows: readonly Row[]): string =>
	`Test Time / s,Voltage / V,Current / A,Cycle Count / 1,Step Count / 1\n${rows.map(({ t, v, i, cycle, step }) => `${t},${v},${i},${cycle},${step}\n`).join("")}`;

export interface ReadOptions {
	readonly format?: CyclingFormat;
	readonly positiveCurrent?: PositiveCurrent;
	/** Sizes of the pieces in which the bytes come, over and over. */
	readonly pieces?: readonly number[];
	readonly analysis?: AnalysisOptions;
}

function feed(reader: DelimitedReader, bytes: Uint8Array, pieces: readonly number[]): void {
	for (let at = 0, n = 0; at < bytes.length; n += 1) {
		const size = Math.max(1, pieces[n % pieces.length]!);
		reader.push(bytes.subarray(at, at + size));
		at += size;
	}
	reader.end();
}

/** A file's bytes all the way: layout, sign, rows, result. */
export function read(content: string | Uint8Array, options: ReadOptions = {}) {
	const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
	const pieces = options.pieces ?? [65_536];
	const layout = layoutOf(bytes, options.format);
	const proof = new SignProof(layout.columns.chargeAh !== undefined || layout.columns.netAh !== undefined);
	const units = new UnitProof();
	const look = (rows: RowChunk): void => {
		proof.push(rows);
		units.push(rows);
	};
	const probe = new DelimitedReader({ layout, sink: look, defects: new DefectLog() });
	feed(probe, bytes, pieces);
	units.check(layout);
	const { dateOrder } = probe;
	const sign = proof.finding(layout.format, options.positiveCurrent);
	const defects = new DefectLog();
	saySign(sign, layout.format, defects);
	const analysis = new CyclingAnalysis({ ...options.analysis, defects });
	const rows: Row[] = [];
	const conditioner = new Conditioner({
		sign,
		defects,
		sink: (chunk) => {
			for (let n = 0; n < chunk.count; n += 1)
				rows.push({
					t: chunk.testTimeS[n]!,
					v: chunk.voltageV[n]!,
					i: chunk.currentA[n]!,
					cycle: chunk.cycle[n]!,
					step: chunk.step[n]!,
				});
			analysis.push(chunk);
		},
	});
	const reader = new DelimitedReader({ layout, sink: (chunk) => conditioner.push(chunk), defects, dateOrder });
	feed(reader, bytes, pieces);
	conditioner.end();
	return {
		layout,
		sign,
		rows,
		counts: reader.counts,
		result: analysis.result(),
		defects: defects.listed,
		codes: defects.listed.map(({ code }) => code),
	};
}
