/** What every RO-Crate 1.2 of ours begins with: its descriptor and the data set that it is. */

export const CRATE_FILE = "ro-crate-metadata.json";

export const ref = (id: string): { "@id": string } => ({ "@id": id });

/** `dataset`: the root's own members, `entities`: everything else in the graph. */
export function crateOf(dataset: Readonly<Record<string, unknown>>, entities: readonly object[]): object {
	return {
		"@context": "https://w3id.org/ro/crate/1.2/context",
		"@graph": [
			{
				"@id": CRATE_FILE,
				"@type": "CreativeWork",
				conformsTo: ref("https://w3id.org/ro/crate/1.2"),
				about: ref("./"),
			},
			{ "@id": "./", "@type": "Dataset", license: "Not stated: ask the institution.", ...dataset },
			...entities,
		],
	};
}
