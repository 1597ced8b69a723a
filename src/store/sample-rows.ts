import type { SampleRecord } from "#record/records.js";
import { CopyRows } from "./copy-rows.js";

const QUALITY_GOOD = 0;
const QUALITY_FAULT = 2;

interface Column {
	readonly timesMs: number[];
	readonly values: (number | null)[];
	readonly qualities: number[];
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
