/** A run as a package of files: tables, records, recipe and lab file as launched, and what describes them. */
import { createHash } from "node:crypto";
import { batchRecord } from "#export/batch-record.js";
import { dataPackage } from "#export/data-package.js";
import { parquetOf } from "#export/parquet.js";
import { RUN_CRATE_FILE, runCrate } from "#export/run-crate.js";
import { eventLines, runTables } from "#export/run-tables.js";
import { csvOf, type Table } from "#export/table.js";
import type { DescentTree } from "#record/descent.js";
import type { RunArchive } from "#record/run-archive.js";

/** `ro-crate`: RO-Crate 1.2 and Data Package v2 with CSV; `csv`, `parquet`: Data Package v2; `b2mml`: the batch record alone. */
export const RUN_FORMATS = ["ro-crate", "csv", "parquet", "b2mml"] as const;
export type RunFormat = (typeof RUN_FORMATS)[number];

export interface PackageFacts {
	readonly archive: RunArchive;
	/** Of the samples that the run coated; empty where nobody told. */
	readonly descent: readonly DescentTree[];
	/** Unix ms. */
	readonly at: number;
	readonly softwareVersion: string;
}

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

const CSV = "text/csv";
const PARQUET = "application/vnd.apache.parquet";

/** The files in order. Those that describe the others come last, and must not be read before them. */
export function packageFiles(facts: PackageFacts, format: Exclude<RunFormat, "b2mml">): PackageFile[] {
	const written: WrittenFile[] = [];
	const files = contents(facts, format).map((file) => counted(file, written));
	files.push(
		counted(
			document("datapackage.json", "Data Package v2", () => dataPackage(facts, written)),
			written,
		),
	);
	if (format === "ro-crate") files.push(document(RUN_CRATE_FILE, "RO-Crate 1.2", () => runCrate(facts, written)));
	return files;
}

/** The batch record. */
export const batchRecordOf = ({ archive, descent }: PackageFacts): string =>
	batchRecord(archive, {
		lots: [
			...new Set(descent.flatMap(({ items }) => items.flatMap(({ id, kind }) => (kind === "foil-lot" ? [id] : [])))),
		],
	});

function contents(facts: PackageFacts, format: RunFormat): PackageFile[] {
	const { archive } = facts;
	const { run } = archive;
	const isParquet = format === "parquet";
	return [
		...runTables(archive).map(
			(table): PackageFile => ({
				path: `data/${table.name}.${isParquet ? "parquet" : "csv"}`,
				title: table.title,
				mediaType: isParquet ? PARQUET : CSV,
				table,
				bytes: () => (isParquet ? parquetOf(table) : csvOf(table)),
			}),
		),
		{
			path: "data/events.jsonl",
			title: "All records of the run and of its station's alarms, interlocks, instruments and actuators, whole",
			mediaType: "application/x-ndjson",
			bytes: () => eventLines(archive),
		},
		text("recipe.yaml", "The recipe as launched", "application/yaml", run.recipeText),
		text("lab.yaml", "The lab file as launched", "application/yaml", run.labFileText),
		text("batch-record.xml", "Batch record, B2MML-BatchML V0600", "application/xml", batchRecordOf(facts)),
	];
}

const text = (path: string, title: string, mediaType: string, content: string): PackageFile => ({
	path,
	title,
	mediaType,
	async *bytes() {
		yield new TextEncoder().encode(content);
	},
});

const document = (path: string, title: string, make: () => object): PackageFile => ({
	path,
	title,
	mediaType: path === RUN_CRATE_FILE ? "application/ld+json" : "application/json",
	async *bytes() {
		yield new TextEncoder().encode(`${JSON.stringify(make(), null, "\t")}\n`);
	},
});

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
