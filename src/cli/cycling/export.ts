/** A cycling file of any known format as BDF, with RO-Crate metadata beside it. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createReadStream, createWriteStream, existsSync } from "node:fs";
import { mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { finished } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { type BdfColumn, BdfRows, BdfSurvey, bdfName } from "#analysis/bdf.js";
import { type Defect, DefectLog } from "#analysis/defects.js";
import type { CyclingFormat } from "#analysis/formats/layout.js";
import type { RowChunk } from "#analysis/rows.js";
import type { PositiveCurrent } from "#analysis/sign.js";
import { readCycling } from "#cli/cycling/read.js";
import { type DescentEntity, roCrate } from "#cli/cycling/ro-crate.js";
import { packageVersion } from "#cli/package-root.js";
import { AdlayerError } from "#core/errors.js";
import { ParquetGroups } from "#export/parquet.js";
import { CRATE_FILE } from "#record/crate.js";
import type { DescentTree, Item } from "#record/descent.js";
import { descentEntities } from "#record/descent-crate.js";

export const BDF_ENCODINGS = ["bdf-csv", "bdf-gz", "bdf-parquet"] as const;
export type BdfEncoding = (typeof BDF_ENCODINGS)[number];

const ENDINGS: Readonly<Record<BdfEncoding, string>> = {
	"bdf-csv": ".bdf.csv",
	"bdf-gz": ".bdf.gz",
	"bdf-parquet": ".bdf.parquet",
};
const MEDIA: Readonly<Record<BdfEncoding, string>> = {
	"bdf-csv": "text/csv",
	"bdf-gz": "application/gzip",
	"bdf-parquet": "application/vnd.apache.parquet",
};
const INTEGERS: readonly BdfColumn[] = ["Cycle Count / 1", "Step Count / 1"];
const TEXT_PIECE = 1 << 18;
const GROUP_ROWS = 100_000;

export interface ExportOptions {
	readonly format: BdfEncoding;
	readonly out: string;
	readonly institution: string;
	readonly cell: string;
	/** YYYY-MM-DD or YYYYMMDD, of the test's beginning. */
	readonly date: string;
	readonly from?: CyclingFormat | undefined;
	readonly positiveCurrent?: PositiveCurrent | undefined;
	readonly descent?: readonly DescentEntity[] | undefined;
	/** Wall time, ISO 8601. */
	readonly now: string;
}

export interface ExportResult {
	readonly file: string;
	readonly metadata: string;
	readonly rows: number;
	readonly columns: readonly string[];
	readonly defects: readonly Defect[];
}

/** Throws USAGE, CYCLING_FILE_NOT_FOUND and CYCLING_FILE_REFUSED. Writes nothing when it throws. */
export async function exportBdf(path: string, options: ExportOptions): Promise<ExportResult> {
	const defects = new DefectLog();
	const survey = new BdfSurvey();
	const reading = { format: options.from, positiveCurrent: options.positiveCurrent, dates: true };
	const facts = await readCycling(path, { ...reading, defects, sink: (rows) => survey.push(rows) });
	await mkdir(options.out, { recursive: true });
	const name = freeName(options);
	const file = join(options.out, name + ENDINGS[options.format]);
	const columns = survey.columns;
	const part = `${file}.part`;
	try {
		const write =
			options.format === "bdf-parquet"
				? await parquetWriter(part, columns)
				: textWriter(part, columns, options.format === "bdf-gz");
		const made = new BdfRows();
		await readCycling(path, {
			...reading,
			defects: new DefectLog(),
			sink: (rows) => write.push(made, rows),
			between: () => write.room(),
		});
		await write.end();
		await rename(part, file);
	} catch (thrown) {
		await rm(part, { force: true });
		throw thrown;
	}
	const metadata = join(options.out, existsSync(join(options.out, CRATE_FILE)) ? `${name}-${CRATE_FILE}` : CRATE_FILE);
	const crate = roCrate({
		name: `Battery test of ${options.cell}`,
		description: `Cycling data of cell ${options.cell}, converted to the Battery Data Format; positive current charges.`,
		published: options.now,
		institution: options.institution,
		cell: options.cell,
		files: [
			{
				name: basename(file),
				encoding: MEDIA[options.format],
				bytes: (await stat(file)).size,
				sha256: await sha256(file),
			},
		],
		source: { name: basename(path), format: facts.format, sha256: await sha256(path) },
		columns,
		softwareVersion: packageVersion(),
		...(options.descent === undefined ? {} : { descent: options.descent }),
	});
	await writeFile(metadata, `${JSON.stringify(crate, null, "\t")}\n`);
	return { file, metadata, rows: survey.rows, columns, defects: defects.listed };
}

function freeName({ out, institution, cell, date, format }: ExportOptions): string {
	for (let number = 1; number <= 999; number += 1) {
		const name = bdfName(institution, cell, date, number);
		if (name === null)
			throw new AdlayerError(
				"USAGE",
				`No BDF file can be named after institution "${institution}", cell "${cell}", date "${date}".`,
				{
					hint: "Institution and cell: letters, digits, dot and hyphen; date: YYYY-MM-DD.",
				},
			);
		if (!existsSync(join(out, name + ENDINGS[format]))) return name;
	}
	throw new AdlayerError("USAGE", `${out} has 999 files of that name and day already.`);
}

interface RowWriter {
	push(made: BdfRows, rows: RowChunk): void;
	/** Resolves when there is room for more. */
	room(): Promise<void>;
	end(): Promise<void>;
}

function textWriter(path: string, columns: readonly BdfColumn[], gzip: boolean): RowWriter {
	const file = createWriteStream(path);
	const out = gzip ? createGzip() : file;
	if (gzip) out.pipe(file);
	let text = `${columns.join(",")}\n`;
	let full = false;
	return {
		push: (made, rows) => {
			for (const row of made.of(rows)) {
				for (let n = 0; n < columns.length; n += 1) text += `${n === 0 ? "" : ","}${row[columns[n]!]}`;
				text += "\n";
			}
			if (text.length < TEXT_PIECE) return;
			full = !out.write(text);
			text = "";
		},
		room: async () => {
			if (!full) return;
			await once(out, "drain");
			full = false;
		},
		end: async () => {
			out.end(text);
			await finished(file);
		},
	};
}

/** Row groups are written as the rows come: what is held is one of them, and one piece of the source. */
async function parquetWriter(path: string, columns: readonly BdfColumn[]): Promise<RowWriter> {
	const file = createWriteStream(path);
	const groups = await ParquetGroups.open(
		columns.map((name) => ({ name, type: INTEGERS.includes(name) ? "INT32" : "DOUBLE", nullable: true })),
	);
	let held = columns.map((): number[] => []);
	const flush = async (): Promise<void> => {
		const bytes = await groups.group(held);
		held = columns.map(() => []);
		if (!file.write(bytes)) await once(file, "drain");
	};
	return {
		push: (made, chunk) => {
			for (const row of made.of(chunk)) for (const [n, column] of columns.entries()) held[n]!.push(row[column]);
		},
		room: async () => {
			if (held[0]!.length >= GROUP_ROWS) await flush();
		},
		end: async () => {
			await flush();
			file.end(await groups.end());
			await finished(file);
		},
	};
}

async function sha256(path: string): Promise<string> {
	const hash = createHash("sha256");
	const file = createReadStream(path);
	file.on("data", (bytes) => hash.update(bytes));
	await once(file, "end");
	return hash.digest("hex");
}

/** The descent as a JSON file has it: a list of entities. Throws USAGE. */
export async function readDescent(path: string): Promise<DescentEntity[]> {
	const fail = (why: string): AdlayerError =>
		new AdlayerError("USAGE", `The descent ${path} cannot be used: ${why}.`, {
			hint: 'It is what GET /api/v1/cells/ID/descent answers, or a JSON list of {"id", "type", "name", "from"?: [ids], "properties"?: {}}.',
		});
	let value: unknown;
	try {
		value = JSON.parse(await readFile(path, "utf8"));
	} catch (cause) {
		throw fail(cause instanceof Error ? cause.message : String(cause));
	}
	const list = Array.isArray(value) ? value : entitiesOfAnswer(value);
	if (list === undefined) throw fail("it is neither an answer of the service nor a list");
	for (const [n, each] of list.entries()) {
		const { id, type, name, from } = (each ?? {}) as Record<string, unknown>;
		if (typeof id !== "string" || typeof type !== "string" || typeof name !== "string")
			throw fail(`entity ${n + 1} lacks id, type or name`);
		if (from !== undefined && !(Array.isArray(from) && from.every((one) => typeof one === "string")))
			throw fail(`entity ${n + 1}: from is no list of ids`);
	}
	return list as DescentEntity[];
}

/** The service's answer has the members of an item beside what it says of every item. */
function entitiesOfAnswer(value: unknown): unknown[] | undefined {
	const { root, items, runs, links } = (value ?? {}) as Partial<Record<keyof DescentTree, unknown>>;
	if (typeof root !== "string" || ![items, runs, links].every(Array.isArray)) return undefined;
	const whole = (items as Record<string, unknown>[]).map(
		({ id, kind, number, barcode, revision, createdAt, createdBy, withdrawn, ...body }) =>
			({ id, kind, number, barcode, revision, createdAt, createdBy, withdrawn: withdrawn ?? null, body }) as Item,
	);
	return descentEntities({ root, items: whole, runs, links, truncated: false } as DescentTree);
}
