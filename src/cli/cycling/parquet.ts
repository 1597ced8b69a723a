/** Rows of a BDF Parquet file, row group by row group. */
import type { DefectLog } from "#analysis/defects.js";
import { BdfRules } from "#analysis/formats/bdf-rules.js";
import { type Layout, layoutOfTitles } from "#analysis/formats/layout.js";
import { stepKindOf } from "#analysis/formats/step-kinds.js";
import type { LayoutColumn } from "#analysis/formats/title-line.js";
import { refuse } from "#analysis/formats/title-line.js";
import { CHUNK_ROWS, RowChunk, type RowSink, STEP_KIND } from "#analysis/rows.js";

/** Read at once; a row group beyond would need too much memory. */
const ROWS_AT_ONCE = 250_000;

export interface ParquetReading {
	/** Enough has been read. */
	readonly until?: () => boolean;
	/** Awaited between pieces. */
	readonly between?: (() => Promise<void>) | undefined;
}

export interface ParquetRows {
	readonly layout: Layout;
	read(sink: RowSink, defects: DefectLog, options?: ParquetReading): Promise<{ rows: number; rowsUsed: number }>;
}

/** Throws CYCLING_FILE_REFUSED when the file is no Parquet file, or lacks a column. */
export async function openParquet(path: string): Promise<ParquetRows> {
	const { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } = await import("hyparquet");
	const file = await asyncBufferFromFile(path);
	const metadata = await parquetMetadataAsync(file).catch((cause: unknown) => {
		throw refuse(`The Parquet file cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`);
	});
	const titles = metadata.schema.slice(1).map(({ name }) => name);
	const layout = layoutOfTitles(titles, "bdf");
	const columns = Object.values(layout.columns);
	const rows = Number(metadata.num_rows);
	return {
		layout,
		read: async (sink, defects, { until, between } = {}) => {
			const chunk = new RowChunk();
			const rules = new BdfRules(layout, defects);
			let used = 0;
			for (let start = 0; start < rows && until?.() !== true; start += ROWS_AT_ONCE) {
				const objects = (await parquetReadObjects({
					file,
					metadata,
					columns: columns.map(({ title }) => title),
					rowStart: start,
					rowEnd: Math.min(rows, start + ROWS_AT_ONCE),
				}).catch((cause: unknown) => {
					throw refuse(
						`Parquet rows from ${start + 1} on cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
					);
				})) as Record<string, unknown>[];
				for (const [n, object] of objects.entries()) {
					if (fill(chunk, object, start + n + 1, layout, rules, defects)) used += 1;
					if (chunk.count === CHUNK_ROWS) flush(chunk, sink);
				}
				await between?.();
			}
			flush(chunk, sink);
			return { rows, rowsUsed: used };
		},
	};
}

function flush(chunk: RowChunk, sink: RowSink): void {
	if (chunk.count > 0) sink(chunk);
	chunk.count = 0;
}

function fill(
	chunk: RowChunk,
	object: Record<string, unknown>,
	row: number,
	{ columns, timeFrom }: Layout,
	rules: BdfRules,
	defects: DefectLog,
): boolean {
	const value = (column: LayoutColumn | undefined): number => {
		const cell = column === undefined ? undefined : object[column.title];
		return cell === null || cell === undefined || typeof cell === "string" ? Number.NaN : Number(cell) * column!.factor;
	};
	const needed = [columns[timeFrom]!, columns.voltage!, columns.current!];
	const bad = needed.find((column) => !Number.isFinite(value(column)));
	if (bad !== undefined) {
		defects.add("CELL_NOT_A_NUMBER", row, bad.title, "The cell is no number; the row was left out.");
		return false;
	}
	const n = chunk.count;
	chunk.line[n] = row;
	chunk.testTimeS[n] = value(columns[timeFrom]);
	chunk.voltageV[n] = value(columns.voltage);
	chunk.currentA[n] = value(columns.current);
	chunk.cycle[n] = value(columns.cycle);
	chunk.step[n] = value(columns.step);
	const type = columns.stepType === undefined ? undefined : object[columns.stepType.title];
	chunk.stepKind[n] = typeof type === "string" ? stepKindOf(type) : STEP_KIND.unknown;
	chunk.chargeAh[n] = value(columns.chargeAh);
	chunk.dischargeAh[n] = value(columns.dischargeAh);
	chunk.unixTimeS[n] = value(columns.unixTime);
	chunk.ambientC[n] = value(columns.ambient);
	rules.row(
		row,
		chunk.testTimeS[n]!,
		chunk.cycle[n]!,
		chunk.step[n]!,
		chunk.chargeAh[n]!,
		chunk.dischargeAh[n]!,
		value(columns.netAh),
	);
	chunk.count = n + 1;
	return true;
}
