/** A cycling file from the disk to conditioned rows: what it is, which way its current counts, then every row. */
import { Conditioner } from "#analysis/condition.js";
import type { DefectCode, DefectLog } from "#analysis/defects.js";
import { DefectLog as Defects } from "#analysis/defects.js";
import { DateOrder } from "#analysis/formats/cells.js";
import { DelimitedReader } from "#analysis/formats/delimited.js";
import { RowACycle, SUMMARY_KIND } from "#analysis/formats/foreign.js";
import { type CyclingFormat, type Layout, layoutOf } from "#analysis/formats/layout.js";
import { refuse } from "#analysis/formats/title-line.js";
import type { RowChunk, RowSink } from "#analysis/rows.js";
import { type PositiveCurrent, type SignFinding, SignProof, saySign } from "#analysis/sign.js";
import { UnitProof } from "#analysis/units.js";
import { openParquet } from "#cli/cycling/parquet.js";
import { type CyclingSource, openSource } from "#cli/cycling/source.js";

export interface ReadOptions {
	readonly format?: CyclingFormat | undefined;
	readonly positiveCurrent?: PositiveCurrent | undefined;
	readonly defects: DefectLog;
	readonly sink: RowSink;
	/** Dates too, where the file has them. */
	readonly dates?: boolean;
	/** Awaited between pieces of the file: lets a writer keep up. */
	readonly between?: () => Promise<void>;
}

export interface ReadFacts {
	readonly format: CyclingFormat;
	readonly layout: Layout;
	readonly sign: SignFinding;
	/** Rows in the file, whether used or not. */
	readonly rows: number;
	readonly rowsUsed: number;
	readonly impedanceRows: number;
}

/** Throws CYCLING_FILE_NOT_FOUND and CYCLING_FILE_REFUSED. */
export async function readCycling(path: string, options: ReadOptions): Promise<ReadFacts> {
	const source = await openSource(path);
	return source.kind === "parquet" ? readParquet(path, options) : readText(source, options);
}

async function readText(source: CyclingSource, options: ReadOptions): Promise<ReadFacts> {
	const { defects } = options;
	const layout = layoutOf(source.head, options.format);
	const proof = new SignProof(layout.columns.chargeAh !== undefined || layout.columns.netAh !== undefined);
	const units = new UnitProof();
	const rowACycle = new RowACycle();
	const dates = options.dates ?? false;
	const dateOrder = new DateOrder();
	const probe = new DelimitedReader({
		layout,
		sink: (rows) => {
			proof.push(rows);
			units.push(rows);
			rowACycle.push(rows);
		},
		defects: new Defects(),
		dates,
		dateOrder,
	});
	for await (const bytes of source.bytes()) {
		probe.push(bytes);
		if (proof.settled && !dateOrder.isOpen) break;
	}
	probe.end();
	if (rowACycle.found)
		throw refuse(`This is ${SUMMARY_KIND.what}: no two rows have the same cycle number.`, SUMMARY_KIND.hint);
	units.check(layout);
	const sign = proof.finding(layout.format, options.positiveCurrent);
	saySign(sign, layout.format, defects);
	const conditioner = new Conditioner({ sign, sink: options.sink, defects });
	const reader = new DelimitedReader({
		layout,
		sink: (rows) => conditioner.push(rows),
		defects,
		dates,
		dateOrder,
	});
	for await (const bytes of source.bytes()) {
		reader.push(bytes);
		await options.between?.();
	}
	reader.end();
	conditioner.end();
	const { rows, rowsUsed, impedanceRows } = reader.counts;
	if (rowsUsed === 0) throw nothingUsable(rows, impedanceRows, defects);
	return { format: layout.format, layout, sign, rows, rowsUsed: rowsUsed - conditioner.dropped, impedanceRows };
}

const LEFT_OUT: readonly DefectCode[] = ["CELL_NOT_A_NUMBER", "VALUE_IMPOSSIBLE", "ROW_TOO_SHORT", "ROW_TOO_LONG"];

function nothingUsable(rows: number, impedanceRows: number, defects: DefectLog): Error {
	if (rows === 0) return refuse("There are titles, but no rows under them.");
	if (impedanceRows === rows)
		return refuse(`All ${rows} rows are of an impedance spectrum; there is no cycling in it.`);
	const first = defects.listed.find(({ code }) => LEFT_OUT.includes(code));
	return refuse(
		`None of the ${rows} rows can be used${first === undefined ? "." : `; the first, line ${first.row}: ${first.message}`}`,
	);
}

async function readParquet(path: string, options: ReadOptions): Promise<ReadFacts> {
	const { defects } = options;
	const file = await openParquet(path);
	const proof = new SignProof(file.layout.columns.chargeAh !== undefined);
	const units = new UnitProof();
	const look = (rows: RowChunk): void => {
		proof.push(rows);
		units.push(rows);
	};
	await file.read(look, new Defects(), { until: () => proof.settled });
	units.check(file.layout);
	const sign = proof.finding("bdf", options.positiveCurrent);
	saySign(sign, "bdf", defects);
	const conditioner = new Conditioner({ sign, sink: options.sink, defects });
	const { rows, rowsUsed } = await file.read((chunk) => conditioner.push(chunk), defects, {
		between: options.between,
	});
	conditioner.end();
	return { format: "bdf", layout: file.layout, sign, rows, rowsUsed: rowsUsed - conditioner.dropped, impedanceRows: 0 };
}
