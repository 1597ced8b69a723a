/** A run as a package of files: tables, records, recipe and lab file as launched, and what describes them. */
import { batchRecord } from "#export/batch-record.js";
import { describedFiles, type PackageFile, tableFile, textFile } from "#export/package.js";
import { runCrate } from "#export/run-crate.js";
import { eventLines, runTables } from "#export/run-tables.js";
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

/** The files in order, to be read in it. */
export function packageFiles(facts: PackageFacts, format: Exclude<RunFormat, "b2mml">): PackageFile[] {
	const { archive, at, softwareVersion } = facts;
	const { run } = archive;
	return describedFiles(contents(facts, format), {
		description: {
			id: run.run,
			title: `Run ${run.run}: ${run.product}`,
			description: `Coating run of ${run.product} (recipe ${run.recipe}) on station ${run.station}${run.simulated ? ", a simulated lab" : ""}; state ${run.state} at the time of export.`,
			at,
			keywords: ["atomic layer deposition", run.recipe, run.product],
			operator: run.operator,
			source: `Adlayer ${softwareVersion}, station ${run.station}`,
		},
		...(format === "ro-crate" ? { crate: (files) => runCrate(facts, files) } : {}),
	});
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
	return [
		...runTables(archive).map((table) => tableFile(table, format === "parquet" ? "parquet" : "csv")),
		{
			path: "data/events.jsonl",
			title: "All records of the run and of its station's alarms, interlocks, instruments and actuators, whole",
			mediaType: "application/x-ndjson",
			bytes: () => eventLines(archive),
		},
		textFile("recipe.yaml", "The recipe as launched", "application/yaml", run.recipeText),
		textFile("lab.yaml", "The lab file as launched", "application/yaml", run.labFileText),
		textFile("batch-record.xml", "Batch record, B2MML-BatchML V0600", "application/xml", batchRecordOf(facts)),
	];
}
