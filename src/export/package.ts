/** Files that go together, each made as it is read, and those that describe the others. */
import { createHash } from "node:crypto";
import { dataPackage, type PackageDescription } from "#export/data-package.js";
import { parquetOf } from "#export/parquet.js";
import { csvOf, type Table } from "#export/table.js";
import { CRATE_FILE } from "#record/crate.js";

export interface PackageFile {
	readonly path: string;
	readonly title: string;
	readonly mediaType: string;
	/** The rows in it, where it is a table. */
	readonly table?: Table;
	bytes(): AsyncIterable<Uint8Array>;
}

/** A file that has been given on. */
export interface WrittenFile extends Omit<PackageFile, "bytes"> {
	readonly size: number;
	readonly sha256: string;
}

export const CSV = "text/csv";
export const PARQUET = "application/vnd.apache.parquet";

export type TableEncoding = "csv" | "parquet";

export const tableFile = (table: Table, encoding: TableEncoding, path = `data/${table.name}`): PackageFile => ({
	path: `${path}.${encoding}`,
	title: table.title,
	mediaType: encoding === "parquet" ? PARQUET : CSV,
	table,
	bytes: () => (encoding === "parquet" ? parquetOf(table) : csvOf(table)),
});

export const textFile = (path: string, title: string, mediaType: string, content: string): PackageFile => ({
	path,
	title,
	mediaType,
	async *bytes() {
		yield new TextEncoder().encode(content);
	},
});

/** `make` is called when the file is read. */
export const documentFile = (path: string, title: string, make: () => object): PackageFile => ({
	path,
	title,
	mediaType: path === CRATE_FILE ? "application/ld+json" : "application/json",
	async *bytes() {
		yield new TextEncoder().encode(`${JSON.stringify(make(), null, "\t")}\n`);
	},
});

/** The file as an entity of an RO-Crate. */
export const fileEntity = ({ path, title, mediaType, table, size, sha256 }: WrittenFile): object => ({
	"@id": path,
	"@type": "File",
	name: title,
	encodingFormat: mediaType,
	contentSize: String(size),
	sha256,
	...(table === undefined ? {} : { variableMeasured: table.columns.map(({ name }) => name) }),
});

/** An id as the name of a file. */
export const fileName = (id: string): string => id.replace(/[^A-Za-z0-9._-]/g, "_");

export interface Describing {
	readonly description: PackageDescription;
	/** The RO-Crate of the files, where there is to be one. */
	readonly crate?: (files: readonly WrittenFile[]) => object;
}

/** The files in order. Those that describe the others come last, and must not be read before them. */
export function describedFiles(files: readonly PackageFile[], { description, crate }: Describing): PackageFile[] {
	const written: WrittenFile[] = [];
	const described = files.map((file) => counted(file, written));
	described.push(
		counted(
			documentFile("datapackage.json", "Data Package v2", () => dataPackage(description, written)),
			written,
		),
	);
	if (crate !== undefined) described.push(documentFile(CRATE_FILE, "RO-Crate 1.2", () => crate(written)));
	return described;
}

/** Notes size and checksum in `written` when all bytes have been read. */
function counted(file: PackageFile, written: WrittenFile[]): PackageFile {
	return {
		...file,
		async *bytes() {
			const hash = createHash("sha256");
			let size = 0;
			for await (const bytes of file.bytes()) {
				hash.update(bytes);
				size += bytes.length;
				yield bytes;
			}
			const { bytes: _, ...facts } = file;
			written.push({ ...facts, size, sha256: hash.digest("hex") });
		},
	};
}
