/** A table as columns with units and rows as they come; written as CSV or Parquet by whoever asks. */

export type ColumnType = "string" | "number" | "integer" | "boolean" | "datetime";
/** A datetime is Unix ms. */
export type Cell = string | number | boolean | null;

export interface Column {
	readonly name: string;
	readonly type: ColumnType;
	readonly unit?: string;
	readonly description?: string;
}

export interface Table {
	/** Lower case, digits, hyphens: also the file's name. */
	readonly name: string;
	readonly title: string;
	readonly columns: readonly Column[];
	/** Batches of rows, each small enough to be held. */
	rows(): AsyncIterable<readonly (readonly Cell[])[]>;
}

/** Header row, comma, double quotes where needed, line feed, empty for null; as UTF-8. */
export async function* csvOf({ columns, rows }: Table): AsyncGenerator<Uint8Array> {
	const encoder = new TextEncoder();
	yield encoder.encode(`${columns.map(({ name }) => quoted(name)).join(",")}\n`);
	for await (const batch of rows()) {
		let text = "";
		for (const row of batch) {
			for (let n = 0; n < columns.length; n += 1) text += `${n === 0 ? "" : ","}${cellText(row[n]!, columns[n]!.type)}`;
			text += "\n";
		}
		yield encoder.encode(text);
	}
}

function cellText(cell: Cell, type: ColumnType): string {
	if (cell === null) return "";
	if (type === "datetime") return new Date(cell as number).toISOString();
	if (typeof cell === "string") return quoted(cell);
	return Number.isNaN(cell) ? "" : String(cell);
}

const quoted = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
