/** Descent: what a cell was made of, and what was done with it. Kept in the database alone, told by people. */

import type { Problem } from "#core/errors.js";

/** In the order of descent: an item's parents are of kinds before its own. */
export const ITEM_KINDS = ["foil-lot", "foil", "sample", "cell", "test", "characterisation"] as const;
export type ItemKind = (typeof ITEM_KINDS)[number];

export interface LinkRule {
	/** Member of the body that names the parent or parents. */
	readonly member: string;
	readonly kinds: readonly (ItemKind | "run")[];
}

/** Which members of an item's body name what it comes from. */
export const LINK_RULES: Readonly<Record<ItemKind, readonly LinkRule[]>> = {
	"foil-lot": [],
	foil: [{ member: "lot", kinds: ["foil-lot"] }],
	sample: [
		{ member: "foil", kinds: ["foil"] },
		{ member: "runs", kinds: ["run"] },
	],
	// Bare foil makes a control: no sample, no run.
	cell: [
		{ member: "working", kinds: ["sample", "foil"] },
		{ member: "counter", kinds: ["sample", "foil"] },
	],
	test: [{ member: "cell", kinds: ["cell"] }],
	characterisation: [{ member: "of", kinds: ["sample", "cell", "foil"] }],
};

export interface ItemWithdrawal {
	readonly at: number;
	readonly by: string;
	readonly reason: string;
}

export interface Item {
	readonly id: string;
	readonly kind: ItemKind;
	/** Rises in the order of creation. */
	readonly number: number;
	readonly barcode: string | null;
	readonly body: Readonly<Record<string, unknown>>;
	/** 1 when created; one more with each change. */
	readonly revision: number;
	readonly createdAt: number;
	readonly createdBy: string;
	readonly withdrawn: ItemWithdrawal | null;
}

export interface NewItem {
	readonly kind: ItemKind;
	/** Made from kind and number when left out. */
	readonly id?: string;
	readonly barcode?: string;
	readonly body: Readonly<Record<string, unknown>>;
	readonly by: string;
	/** Found at the door already; told together with what the database finds. */
	readonly problems?: readonly Problem[];
}

/** Members given replace those there; null removes one. */
export interface ItemEdit {
	readonly body: Readonly<Record<string, unknown>>;
	readonly barcode?: string | null;
	readonly by: string;
	readonly problems?: readonly Problem[];
}

export interface ItemChange {
	readonly at: number;
	readonly by: string;
	readonly act: "created" | "changed" | "withdrawn";
	readonly before: unknown;
	readonly after: unknown;
}

export interface DescentLink {
	readonly child: string;
	readonly relation: string;
	readonly parent: string;
	readonly parentKind: ItemKind | "run";
}

export interface DescentTree {
	readonly root: string;
	/** The item, all it comes from, all that came of it, and what was measured on any of them. */
	readonly items: readonly Item[];
	readonly runs: readonly string[];
	readonly links: readonly DescentLink[];
	/** True when there is more than a tree may hold. */
	readonly truncated: boolean;
}

export interface ItemQuery {
	readonly limit: number;
	/** Only items with smaller numbers. */
	readonly before?: number;
	readonly barcode?: string;
	/** Only those made of this item or run. */
	readonly parent?: string;
	readonly withdrawn?: boolean;
}

/** All reject with DATABASE_UNAVAILABLE when the database cannot be reached. */
export interface Descent {
	/** Newest first. */
	list(kind: ItemKind, query: ItemQuery): Promise<Item[]>;
	get(kind: ItemKind, id: string): Promise<Item | undefined>;
	/** Whatever has the barcode: it is unique among all kinds. */
	withBarcode(barcode: string): Promise<Item | undefined>;
	/** ITEM_EXISTS with the item that has the id or barcode; ITEM_INVALID with every parent that is none. */
	create(item: NewItem): Promise<Item>;
	/** ITEM_NOT_FOUND, ITEM_EXISTS, ITEM_INVALID, ITEM_WITHDRAWN. */
	change(kind: ItemKind, id: string, edit: ItemEdit): Promise<Item>;
	withdraw(kind: ItemKind, id: string, withdrawal: { readonly by: string; readonly reason: string }): Promise<Item>;
	changes(id: string): Promise<ItemChange[]>;
	/** Undefined when there is no such item. */
	tree(kind: ItemKind, id: string): Promise<DescentTree | undefined>;
}

/** Parents that a body names, by rule. */
export function parentsOf(kind: ItemKind, body: Readonly<Record<string, unknown>>): (LinkRule & { parent: string })[] {
	return LINK_RULES[kind].flatMap((rule) => {
		const value = body[rule.member];
		const parents = Array.isArray(value) ? value : value === undefined || value === null ? [] : [value];
		return [...new Set(parents)].map((parent) => ({ ...rule, parent: String(parent) }));
	});
}
