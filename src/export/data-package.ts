/** `datapackage.json`: Data Package v2 (datapackage.org), with a Table Schema for each table. */
import type { PackageFacts, WrittenFile } from "#export/run-package.js";
import type { Column, Table } from "#export/table.js";

const PROFILES = "https://datapackage.org/profiles/2.0";

/** Names of resources: lower case, digits, dots, hyphens. */
const resourceName = (path: string): string =>
	path
		.replace(/^data\//, "")
		.replace(/\.(csv|parquet|jsonl|yaml|xml|json)$/, "")
		.toLowerCase();

export function dataPackage(
	{ archive: { run }, at, softwareVersion }: PackageFacts,
	files: readonly WrittenFile[],
): object {
	return {
		$schema: `${PROFILES}/datapackage.json`,
		name: run.run.toLowerCase().replace(/[^a-z0-9._-]+/g, "-"),
		id: run.run,
		title: `Run ${run.run}: ${run.product}`,
		description: `Coating run of ${run.product} (recipe ${run.recipe}) on station ${run.station}${run.simulated ? ", a simulated lab" : ""}; state ${run.state} at the time of export.`,
		version: "1.0.0",
		created: new Date(at).toISOString(),
		keywords: ["atomic layer deposition", run.recipe, run.product],
		contributors: [{ title: run.operator, roles: ["operator"] }],
		sources: [{ title: `Adlayer ${softwareVersion}, station ${run.station}` }],
		resources: files.map(({ path, title, mediaType, table, size, sha256 }) => ({
			name: resourceName(path),
			path,
			title,
			...(table === undefined ? {} : { type: "table" }),
			format: path.slice(path.lastIndexOf(".") + 1),
			mediatype: mediaType,
			...(mediaType.endsWith("parquet") ? {} : { encoding: "utf-8" }),
			bytes: size,
			hash: `sha256:${sha256}`,
			...(table === undefined ? {} : { schema: tableSchema(table) }),
		})),
	};
}

const tableSchema = ({ columns }: Table): object => ({
	$schema: `${PROFILES}/tableschema.json`,
	fields: columns.map(field),
	missingValues: [""],
});

/** `unit` is no part of Table Schema, which allows further properties. */
const field = ({ name, type, unit, description }: Column): object => ({
	name,
	type,
	...(unit === undefined ? {} : { unit }),
	...(description === undefined ? {} : { description }),
});
