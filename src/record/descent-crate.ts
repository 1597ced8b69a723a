/** Descent as JSON-LD entities of an RO-Crate 1.2. */
import { crateOf, ref } from "#record/crate.js";
import type { DescentTree, Item } from "#record/descent.js";

/** What a file in the Battery Data Format conforms to. */
export const BDF_VOCABULARY = "https://w3id.org/battery-data-alliance/ontology/battery-data-format";

/** One thing in a cell's descent, as its own entity: foil, run, sample, cell. */
export interface DescentEntity {
	readonly id: string;
	readonly type: string;
	readonly name: string;
	/** Ids of what it was made from or by. */
	readonly from?: readonly string[];
	readonly properties?: Readonly<Record<string, string | number | boolean>>;
}

/** An id as a local identifier of the crate, unless it is an address already. */
export const localId = (id: string): string => (/^([a-z]+:|#|\.)/.test(id) ? id : `#${encodeURIComponent(id)}`);

export function descentGraph(entities: readonly DescentEntity[]): object[] {
	return entities.map(({ id, type, name, from = [], properties = {} }) => ({
		"@id": localId(id),
		"@type": type === "run" ? "CreateAction" : "IndividualProduct",
		name,
		additionalType: type,
		...(from.length === 0 ? {} : { [type === "run" ? "object" : "isBasedOn"]: from.map((each) => ref(localId(each))) }),
		...(Object.keys(properties).length === 0
			? {}
			: {
					additionalProperty: Object.entries(properties).map(([property, value]) => ({
						"@type": "PropertyValue",
						name: property,
						value,
					})),
				}),
	}));
}

/** The entities of a tree, in the order in which they came to be; what `adlayer cycling export --descent` takes. */
export function descentEntities({ items, runs, links }: DescentTree): DescentEntity[] {
	const entityOf = (item: Item): DescentEntity => {
		const parents = new Set(links.filter(({ child }) => child === item.id).map(({ parent }) => parent));
		const members = new Set(links.filter(({ child }) => child === item.id).map(({ relation }) => relation));
		const properties = {
			...(item.barcode === null ? {} : { barcode: item.barcode }),
			...(item.withdrawn === null ? {} : { withdrawn: item.withdrawn.reason }),
			...flat(Object.fromEntries(Object.entries(item.body).filter(([member]) => !members.has(member)))),
		};
		const { name } = item.body;
		return {
			id: item.id,
			type: item.kind,
			name: typeof name === "string" ? name : item.id,
			...(parents.size === 0 ? {} : { from: [...parents] }),
			properties,
		};
	};
	return [...runs.map((run) => ({ id: run, type: "run", name: run })), ...items.map(entityOf)];
}

/** Nested members by path: `electrolyte.name`, `values[0].unit`. */
function flat(value: unknown, path = ""): Record<string, string | number | boolean> {
	if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return { [path]: value };
	if (Array.isArray(value)) return Object.assign({}, ...value.map((each, n) => flat(each, `${path}[${n}]`)));
	if (typeof value !== "object" || value === null) return {};
	return Object.assign(
		{},
		...Object.entries(value).map(([key, each]) => flat(each, path === "" ? key : `${path}.${key}`)),
	);
}

/** A crate that holds no files, only what a cell came from and what was found on it. */
export function cellCrate(tree: DescentTree, { at, softwareVersion }: { at: number; softwareVersion: string }): object {
	const entities = descentEntities(tree);
	return crateOf(
		{
			name: `Descent of ${tree.root}`,
			description: `What ${tree.root} was made of, the runs that coated it, its tests and characterisations.`,
			datePublished: new Date(at).toISOString(),
			about: ref(localId(tree.root)),
			mentions: entities.map(({ id }) => ref(localId(id))),
		},
		[
			{ "@id": "#adlayer", "@type": "SoftwareApplication", name: "Adlayer", softwareVersion },
			...descentGraph(entities),
		],
	);
}
