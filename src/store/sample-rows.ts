import type { SampleRecord } from "#record/records.js";
import { CopyRows } from "./copy-rows.js";
import { floorTo, type Rollups, type Span } from "./rollups.js";

const QUALITY_GOOD = 0;
const QUALITY_FAULT = 2;

interface Column {
	readonly timesMs: number[];
	readonly values: (number | null)[];
	readonly qualities: number[];
}

/** What one signal did in one piece of time. */
interface Piece {
	readonly startMs: number;
	samples: number;
	sum: number;
	min: number;
	max: number;
}

/**
 * The samples of a batch, by signal: written in that order, a signal's rows lie together on the database's pages, and its
 * index grows at one place after the other instead of everywhere at once.
 */
export class SampleRows {
	private readonly columns = new Map<number, Column>();

	/** `ids` has the number of each of the record's signals. */
	add({ values, fault, wall }: SampleRecord & { readonly wall: number }, ids: ReadonlyMap<string, number>): void {
		for (const name in values) {
			const id = ids.get(name)!;
			let column = this.columns.get(id);
			if (column === undefined) {
				column = { timesMs: [], values: [], qualities: [] };
				this.columns.set(id, column);
			}
			const value = values[name] ?? null;
			column.timesMs.push(wall);
			column.values.push(value);
			column.qualities.push(value === null || fault?.[name] !== undefined ? QUALITY_FAULT : QUALITY_GOOD);
		}
	}

	/** Unix ms of the oldest and the newest; undefined without samples. */
	get span(): Span | undefined {
		let oldestMs = Number.POSITIVE_INFINITY;
		let newestMs = Number.NEGATIVE_INFINITY;
		for (const { timesMs } of this.columns.values()) {
			for (const timeMs of timesMs) {
				if (timeMs < oldestMs) oldestMs = timeMs;
				if (timeMs > newestMs) newestMs = timeMs;
			}
		}
		return oldestMs <= newestMs ? { oldestMs, newestMs } : undefined;
	}

	/** Rows for COPY rollups (signal_id, width_s, start, samples, sum, min, max): the pieces that are made along with the samples. */
	encodePieces(rollups: Rollups): CopyRows {
		const rows = new CopyRows();
		for (const [id, { timesMs, values }] of this.columns) {
			const pieces = new Map<number, Piece>();
			for (let at = 0; at < timesMs.length; at += 1) {
				const timeMs = timesMs[at]!;
				for (const widthMs of rollups.goesInto(timeMs)) {
					const startMs = floorTo(timeMs, widthMs);
					let piece = pieces.get(widthMs);
					if (piece?.startMs !== startMs) {
						if (piece !== undefined) write(rows, id, widthMs, piece);
						piece = { startMs, samples: 0, sum: 0, min: Number.POSITIVE_INFINITY, max: Number.NEGATIVE_INFINITY };
						pieces.set(widthMs, piece);
					}
					add(piece, values[at]!);
				}
			}
			for (const [widthMs, piece] of pieces) write(rows, id, widthMs, piece);
		}
		return rows;
	}

	/** Rows for COPY samples (signal_id, time, value, quality). */
	encode(): CopyRows {
		const rows = new CopyRows();
		for (const id of [...this.columns.keys()].sort((a, b) => a - b)) {
			const { timesMs, values, qualities } = this.columns.get(id)!;
			for (let at = 0; at < timesMs.length; at += 1) rows.sample(id, timesMs[at]!, values[at]!, qualities[at]!);
		}
		return rows;
	}
}

function add(piece: Piece, value: number | null): void {
	if (value === null) return;
	piece.samples += 1;
	piece.sum += value;
	if (value < piece.min) piece.min = value;
	if (value > piece.max) piece.max = value;
}

function write(rows: CopyRows, id: number, widthMs: number, { startMs, samples, sum, min, max }: Piece): void {
	rows.row(7);
	rows.int4(id);
	rows.int4(widthMs / 1_000);
	rows.timestamp(startMs);
	rows.int4(samples);
	rows.float8(samples === 0 ? null : sum);
	rows.float8(samples === 0 ? null : min);
	rows.float8(samples === 0 ? null : max);
}
