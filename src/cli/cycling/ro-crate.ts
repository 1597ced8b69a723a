/** RO-Crate 1.2 metadata of an exported test: the file, where it came from, and the cell's descent when it is known. */

import { crateOf, ref } from "#record/crate.js";
import { BDF_VOCABULARY, type DescentEntity, descentGraph, localId as local } from "#record/descent-crate.js";

export type { DescentEntity };

export interface CrateFacts {
	readonly name: string;
	readonly description: string;
	/** ISO 8601. */
	readonly published: string;
	readonly institution: string;
	readonly cell: string;
	readonly files: readonly {
		readonly name: string;
		readonly encoding: string;
		readonly bytes: number;
		readonly sha256: string;
	}[];
	readonly source: { readonly name: string; readonly format: string; readonly sha256: string };
	readonly columns: readonly string[];
	readonly softwareVersion: string;
	readonly descent?: readonly DescentEntity[];
}

/** The metadata document as an object. */
export function roCrate(facts: CrateFacts): object {
	const descent = facts.descent ?? [];
	const cells = descent.filter(({ type }) => type === "cell");
	const known =
		cells.find(({ id, name, properties }) => [id, name, properties?.barcode].includes(facts.cell)) ??
		(cells.length === 1 ? cells[0] : undefined);
	const cellId = local(known?.id ?? `cell-${facts.cell}`);
	const entities = descentGraph(descent);
	const cell =
		known !== undefined
			? []
			: [{ "@id": cellId, "@type": "IndividualProduct", name: facts.cell, additionalType: "cell" }];
	return crateOf(
		{
			name: facts.name,
			description: facts.description,
			datePublished: facts.published,
			publisher: ref("#institution"),
			about: ref(cellId),
			hasPart: facts.files.map(({ name }) => ref(name)),
			mentions: [ref("#export"), ...descent.map(({ id }) => ref(local(id)))],
		},
		[
			...facts.files.map(({ name, encoding, bytes, sha256 }) => ({
				"@id": name,
				"@type": "File",
				name,
				encodingFormat: encoding,
				contentSize: String(bytes),
				sha256,
				conformsTo: ref(BDF_VOCABULARY),
				about: ref(cellId),
				variableMeasured: facts.columns,
			})),
			{ "@id": BDF_VOCABULARY, "@type": "CreativeWork", name: "Battery Data Format", version: "1.3.0" },
			{ "@id": "#institution", "@type": "Organization", name: facts.institution },
			{
				"@id": "#export",
				"@type": "CreateAction",
				name: `Export from ${facts.source.format}`,
				object: ref("#source"),
				result: facts.files.map(({ name }) => ref(name)),
				instrument: ref("#adlayer"),
				endTime: facts.published,
			},
			{
				"@id": "#source",
				"@type": "CreativeWork",
				name: facts.source.name,
				encodingFormat: facts.source.format,
				sha256: facts.source.sha256,
			},
			{ "@id": "#adlayer", "@type": "SoftwareApplication", name: "Adlayer", softwareVersion: facts.softwareVersion },
			...cell,
			...entities,
		],
	);
}
