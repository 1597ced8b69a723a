/** `datapackage.json`: Data Package v2 (datapackage.org), with a Table Schema for each table. */
import type { WrittenFile } from "#export/package.js";
import type { Column, Table } from "#export/table.js";

const PROFILES = "https://datapackage.org/profiles/2.0";

/** Names of resources: lower case, digits, dots, hyphens. */
const resourceName = (path: string): string =>
	path
		.replace(/^data\//, "")
		.replace(/\.(csv|parquet|jsonl|yaml|xml|json)$/, "")
		.toLowerCase();

export interface PackageDescription {
	readonly id: string;
	readonly title: string;
	readonly description: string;
	/** Of the export, Unix ms. */
	readonly at: number;
	readonly keywords: readonly string[];
	readonly operator: string;
	readonly source: string;
}

export function dataPackage(of: PackageDescription, files: readonly WrittenFile[]): object {
	const { id, title, description, at, keywords, operator, source } = of;
	return {
		$schema: `${PROFILES}/datapackage.json`,
		name: id.toLowerCase().replace(/[^a-z0-9._-]+/g, "-"),
		id,
		title,
		description,
		version: "1.0.0",
		created: new Date(at).toISOString(),
		keywords,
		contributors: [{ title: operator, roles: ["operator"] }],
		sources: [{ title: source }],
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
