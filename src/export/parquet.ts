/** Tables as Parquet, row group by row group: what is held is one of them. */
import type { BasicType } from "hyparquet-writer";
import type { Cell, Column, ColumnType, Table } from "#export/table.js";

/** Rows of a row group: a few MB of the widest table. */
const GROUP_ROWS = 65_536;

const TYPES: Readonly<Record<ColumnType, BasicType>> = {
	string: "STRING",
	number: "DOUBLE",
	integer: "INT64",
	boolean: "BOOLEAN",
	datetime: "TIMESTAMP",
};

export interface ParquetColumn {
	readonly name: string;
	readonly type: BasicType;
	readonly nullable: boolean;
}

/** Takes row groups as columns and gives the bytes that are ready. */
export class ParquetGroups {
	private constructor(
		private readonly bytes: InstanceType<Modules["ByteWriter"]>,
		private readonly writer: InstanceType<Modules["ParquetWriter"]>,
		private readonly columns: readonly ParquetColumn[],
	) {}

	static async open(columns: readonly ParquetColumn[]): Promise<ParquetGroups> {
		const { ByteWriter, ParquetWriter, schemaFromColumnData } = await import("hyparquet-writer");
		const bytes = new ByteWriter();
		const schema = schemaFromColumnData({ columnData: columns.map((column) => ({ ...column, data: [] })) });
		return new ParquetGroups(bytes, new ParquetWriter({ writer: bytes, schema, createdBy: "Adlayer" }), columns);
	}

	/** One array a column, all of one length, which becomes one row group. */
	async group(data: readonly (ArrayLike<unknown> & { readonly length: number })[]): Promise<Uint8Array> {
		const rows = data[0]?.length ?? 0;
		if (rows > 0)
			await this.writer.write({
				columnData: this.columns.map(({ name }, n) => ({ name, data: data[n] as unknown[], offsetIndex: false })),
				rowGroupSize: rows,
			});
		return this.taken();
	}

	async end(): Promise<Uint8Array> {
		await this.writer.finish();
		return this.taken();
	}

	private taken(): Uint8Array {
		const ready = this.bytes.getBytes().slice();
		this.bytes.index = 0;
		return ready;
	}
}

type Modules = typeof import("hyparquet-writer");

export async function* parquetOf({ columns, rows }: Table): AsyncGenerator<Uint8Array> {
	const groups = await ParquetGroups.open(
		columns.map(({ name, type }) => ({ name, type: TYPES[type], nullable: true })),
	);
	let held = columns.map((): unknown[] => []);
	for await (const batch of rows()) {
		for (const row of batch) for (const [n, column] of columns.entries()) held[n]!.push(parquetValue(row[n]!, column));
		if (held[0]!.length < GROUP_ROWS) continue;
		yield await groups.group(held);
		held = columns.map(() => []);
	}
	yield await groups.group(held);
	yield await groups.end();
}

function parquetValue(cell: Cell, { type }: Column): unknown {
	if (cell === null || Number.isNaN(cell)) return undefined;
	if (type === "datetime") return new Date(cell as number);
	return type === "integer" ? BigInt(cell as number) : cell;
}
