/** The loops of a table: `goto LINE N` does everything from LINE to itself N times in all. Pure. */
import type { Problem } from "#core/errors.js";
import { atLine, type Row } from "#recipe/savannah/table.js";

/** More than a process has; bounds the recursion of whoever reads the recipe. */
const LOOP_DEPTH_MAX = 12;

export interface Loop {
	readonly times: number;
	readonly body: readonly Item[];
	readonly goto: Row;
}
export type Item = Row | Loop;
export const isLoop = (item: Item): item is Loop => "body" in item;

/** How the tool counts lines: from 0 or 1, with or without blank ones. */
export interface LineCount {
	readonly base: 0 | 1;
	readonly blank: "counted" | "skipped";
}

export interface Structure {
	readonly items: readonly Item[];
	/** How lines are counted; undefined when the table has no goto. */
	readonly count: LineCount | undefined;
	readonly problems: readonly Problem[];
}

/**
 * Finds the loops. What `known` leaves open is taken from the table where only one way of counting lines gives loops that
 * can be; where several do, and they differ, it is asked for.
 */
export function findLoops(rows: readonly Row[], known: Partial<LineCount>): Structure {
	const gotos = rows.filter(({ command }) => command === "goto");
	if (gotos.length === 0) return { items: rows, count: undefined, problems: [] };
	const hasBlank = rows.some(({ line }, index) => line !== index + 1);
	const counts = ([0, 1] as const)
		.filter((base) => known.base === undefined || known.base === base)
		.flatMap((base) =>
			(["counted", "skipped"] as const)
				.filter((blank) => (known.blank === undefined ? blank === "counted" || hasBlank : known.blank === blank))
				.map((blank) => ({ base, blank })),
		);
	const tried = counts.map((count) => ({ count, ...structure(rows, count) }));
	const possible = tried.filter(({ problems }) => problems.length === 0);
	const different = new Map(possible.map((each) => [each.targets.join(), each]));
	if (different.size === 1) {
		const { items, count } = possible[0]!;
		return { items, count, problems: [] };
	}
	if (different.size === 0) {
		const { items, count, problems } = tried[0]!;
		return { items, count, problems };
	}
	const open = [
		...(known.base === undefined && new Set(possible.map(({ count }) => count.base)).size > 1
			? ["--line-base 0|1"]
			: []),
		...(known.blank === undefined && new Set(possible.map(({ count }) => count.blank)).size > 1
			? ["--blank-lines counted|skipped"]
			: []),
	];
	const problems = gotos.map((row, index) => {
		const ways = [...different.values()].map(
			({ count, targets }) =>
				`line ${rows[targets[index]!]!.line} of the file (counted from ${count.base}${hasBlank ? `, blank lines ${count.blank}` : ""})`,
		);
		const message = `goto ${row.number} may mean ${ways.join(" or ")}. Say ${open.join(" and ")}.`;
		return atLine(row.line, "TABLE_LINE_BASE", message, { value: row.number, limit: open });
	});
	return { items: rows, count: undefined, problems };
}

/** `targets`: index of the row that each goto leads to, in order. */
function structure(
	rows: readonly Row[],
	{ base, blank }: LineCount,
): { items: Item[]; targets: number[]; problems: Problem[] } {
	const problems: Problem[] = [];
	const targets: number[] = [];
	let items: { item: Item; first: number; last: number; depth: number }[] = [];
	for (const [index, row] of rows.entries()) {
		if (row.command !== "goto") {
			items.push({ item: row, first: index, last: index, depth: 0 });
			continue;
		}
		const place = row.number! - base;
		// A blank line does nothing: the command after it is meant.
		const target = blank === "skipped" ? place : rows.findIndex(({ line }) => line - 1 >= place);
		targets.push(target);
		const refuse = (message: string): void => {
			problems.push(atLine(row.line, "TABLE_GOTO", message, { value: row.number }));
		};
		if (place < 0 || target < 0 || target >= index) {
			refuse(`goto ${row.number} leads to no command before it (lines counted from ${base}).`);
			continue;
		}
		const start = items.findIndex(({ first, last }) => first <= target && target <= last);
		const into = items[start];
		if (into === undefined || into.first !== target) {
			refuse(`goto ${row.number} leads into the middle of a loop, to line ${rows[target]!.line} of the file.`);
			continue;
		}
		const body = items.slice(start);
		const depth = Math.max(...body.map((each) => each.depth)) + 1;
		if (depth > LOOP_DEPTH_MAX) {
			refuse(`loops are nested more than ${LOOP_DEPTH_MAX} deep.`);
			continue;
		}
		const loop: Loop = { times: row.value!, body: body.map(({ item }) => item), goto: row };
		items = [...items.slice(0, start), { item: loop, first: into.first, last: index, depth }];
	}
	return { items: items.map(({ item }) => item), targets, problems };
}
