/**
 * A Savannah or Fiji table to a recipe. Every line of the table is kept as a comment where its step is; what cannot be
 * translated is refused by line. Pure.
 */
import type { Problem } from "#core/errors.js";
import { checkRecipe } from "#recipe/check.js";
import type { LabFacts } from "#recipe/lab-facts.js";
import type { Library } from "#recipe/library.js";
import type { StepEntry } from "#recipe/recipe-file.js";
import { findLoops, type Item, isLoop, type LineCount } from "#recipe/savannah/loops.js";
import { type Mapping, NONE, twice } from "#recipe/savannah/mapping.js";
import { atLine, type Row, readTable } from "#recipe/savannah/table.js";

export interface ImportRequest {
	/** Of the file, Latin-1. */
	readonly bytes: Uint8Array;
	/** For the recipe's name where the mapping gives none, and for people. */
	readonly fileName: string;
	readonly mapping: Mapping;
	/** How the tool counts lines, as far as that is known. */
	readonly count: Partial<LineCount>;
	readonly library: Library;
	readonly lab: LabFacts;
}

export interface Imported {
	/** The recipe's text; undefined when the table is refused. */
	readonly text: string | undefined;
	/** How lines were counted; undefined without a goto. */
	readonly count: LineCount | undefined;
	/**
	 * Of the table by its lines, then those that the check finds in the recipe; `line` is the table's where the place came
	 * from it, and absent where the mapping said it.
	 */
	readonly problems: readonly Problem[];
}

/** Where a step of the recipe comes from: lines of the table. */
interface Origin {
	readonly path: string;
	readonly line: number;
}

export function importTable(request: ImportRequest): Imported {
	const { bytes, mapping, count: known, library, lab, fileName } = request;
	const table = readTable(bytes);
	const loops = findLoops(table.rows, known);
	// A line that could not be read may be what a goto counts on: loops are judged of a whole table only.
	const whole = table.problems.length === 0;
	const writer = new Writer(table.lines, mapping);
	const problems: Problem[] = [
		...table.problems,
		...twice(mapping),
		...unmapped(table.rows, mapping),
		...unsaid(table.rows, mapping),
		...(whole ? loops.problems : []),
	];
	if (problems.some(({ severity }) => severity === "error"))
		return { text: undefined, count: loops.count, problems: byLine(problems) };
	problems.push(...leftOut(table.rows, mapping));
	const text = writer.write(loops.items, fileName);
	problems.push(...writer.problems);
	if (writer.problems.length > 0) return { text: undefined, count: loops.count, problems: byLine(problems) };
	const checked = checkRecipe({ text, fileName, set: {}, library, lab });
	const found = checked.problems.map(({ line: _line, column: _column, ...problem }): Problem => {
		const line = writer.lineOf(problem.path ?? "");
		return line === undefined ? problem : { ...problem, line, column: 1 };
	});
	return { text, count: loops.count, problems: [...byLine(problems), ...byLine(found)] };
}

const byLine = (problems: readonly Problem[]): Problem[] =>
	problems.toSorted((a, b) => (a.line ?? Number.POSITIVE_INFINITY) - (b.line ?? Number.POSITIVE_INFINITY) || 0);

/** Which part of the mapping a row's number belongs to. */
const kindOf = ({ command }: Row): "flow" | "heater" | "valve" | undefined =>
	command === "flow"
		? "flow"
		: command === "heater" || command === "stabilize"
			? "heater"
			: command === "pulse"
				? "valve"
				: undefined;

export function roleOf(mapping: Mapping, row: Row): string | undefined {
	const kind = kindOf(row);
	if (kind === undefined) return undefined;
	const roles = mapping[kind];
	const number = String(row.number);
	return Object.hasOwn(roles, number) ? roles[number] : undefined;
}

/** Every number without a role, each once, with the lines that use it. */
function unmapped(rows: readonly Row[], mapping: Mapping): Problem[] {
	const missing = new Map<string, number[]>();
	for (const row of rows) {
		const kind = kindOf(row);
		const key =
			kind !== undefined && roleOf(mapping, row) === undefined
				? `${kind}.${row.number}`
				: row.command === "stopvalve" && mapping.stopvalve === undefined
					? "stopvalve.open"
					: undefined;
		if (key !== undefined) missing.set(key, [...(missing.get(key) ?? []), row.line]);
	}
	return [...missing].map(([key, lines]) => {
		const what =
			key === "stopvalve.open" ? "which value opens the stop valve is not said" : `${key} has no counterpart here`;
		const where = lines.length > 1 ? ` (${lines.length} lines)` : "";
		return atLine(lines[0]!, "TABLE_UNMAPPED", `${what}${where}; say --map ${key}=...`, { value: key, path: key });
	});
}

/** What the recipe needs and neither table nor mapping says. */
function unsaid(rows: readonly Row[], { recipe }: Mapping): Problem[] {
	const uses = (command: Row["command"]): boolean => rows.some((row) => row.command === command);
	const missing = [
		...(recipe.material === undefined ? ["material"] : []),
		...(recipe.product === undefined ? ["product"] : []),
		...(recipe.ramp_degC_per_min === undefined && uses("heater") ? ["ramp_degC_per_min"] : []),
		...(recipe.stabilise === undefined && uses("stabilize") ? ["stabilise"] : []),
	];
	return missing.map((name) => ({
		severity: "error",
		code: "TABLE_UNSAID",
		message: `A table does not say ${name}, and nothing is assumed: give recipe.${name} in the mapping file.`,
		path: `recipe.${name}`,
	}));
}

function leftOut(rows: readonly Row[], mapping: Mapping): Problem[] {
	return rows
		.filter((row) => roleOf(mapping, row) === NONE)
		.map((row) => ({
			...atLine(row.line, "TABLE_LEFT_OUT", `${kindOf(row)}.${row.number} is mapped to none: the line is left out.`),
			severity: "warning" as const,
		}));
}

/** Writes the recipe's text step by step, and remembers which line of the table each came from. */
class Writer {
	readonly problems: Problem[] = [];
	private readonly out: string[] = [];
	private readonly origins: Origin[] = [];
	private printed = 0;

	constructor(
		private readonly lines: readonly string[],
		private readonly mapping: Mapping,
	) {}

	write(items: readonly Item[], fileName: string): string {
		const { recipe } = this.mapping;
		const stem = fileName.replace(/\.[^.]*$/, "").replace(/[^A-Za-z0-9_-]+/g, "-");
		const head = {
			name: recipe.name ?? (/^[A-Za-z]/.test(stem) ? stem : `table-${stem}`).slice(0, 64),
			title: recipe.title ?? `Imported from the table ${comment(fileName).slice(0, 80)}`,
			version: recipe.version ?? "1.0",
			material: recipe.material,
			product: recipe.product,
			...(recipe.foil_never_above_degC === undefined ? {} : { foil_never_above_degC: recipe.foil_never_above_degC }),
		};
		this.out.push("adlayer: recipe/1");
		for (const [key, value] of Object.entries(head)) this.out.push(`${key}: ${flow(value)}`);
		this.out.push("steps:");
		let at = 0;
		if (recipe.pump_down !== undefined) {
			this.out.push("  # Before the table, by the mapping:");
			this.step({ flow: { sccm: 0 } }, 1);
			this.step({ pump_down: recipe.pump_down }, 1);
			at = 2;
		}
		at = this.list(items, "steps", at, 1);
		this.comments(this.lines.length, 1);
		if (recipe.cool !== undefined) {
			this.out.push("  # After the table, by the mapping:");
			this.step({ cool: recipe.cool }, 1);
		}
		return `${this.out.join("\n")}\n`;
	}

	/** The table's line behind a place of the recipe. */
	lineOf(path: string): number | undefined {
		let best: Origin | undefined;
		for (const origin of this.origins) {
			const isInside = path === origin.path || path.startsWith(`${origin.path}.`) || path.startsWith(`${origin.path}[`);
			if (isInside && origin.path.length > (best?.path.length ?? -1)) best = origin;
		}
		return best?.line;
	}

	/** Gives the index after the last step of the list. */
	private list(items: readonly Item[], path: string, from: number, depth: number): number {
		const active = items.filter((item) => isLoop(item) || roleOf(this.mapping, item) !== NONE);
		let at = from;
		for (let index = 0; index < active.length; ) {
			const item = active[index]!;
			const place = `${path}[${at}]`;
			if (isLoop(item)) {
				this.origins.push({ path: place, line: item.goto.line });
				this.out.push(`${pad(depth)}- repeat:`, `${pad(depth + 2)}times: ${item.times}`, `${pad(depth + 2)}steps:`);
				const steps = this.list(item.body, `${place}.repeat.steps`, 0, depth + 3);
				if (steps === 0 && this.problems.length === 0)
					this.refuse(item.goto, "TABLE_GOTO", "nothing is left of the loop.");
				this.comments(item.goto.line, depth + 3);
				index += 1;
				at += 1;
				continue;
			}
			const made = this.translate(active, index);
			if (made === undefined) {
				// What belongs to a refused exposure is not refused once more.
				const isPart = (next: Item | undefined): boolean =>
					next !== undefined && !isLoop(next) && ["pulse", "wait", "stopvalve"].includes(next.command);
				do index += 1;
				while (item.command === "stopvalve" && isPart(active[index]));
				continue;
			}
			const rows = active.slice(index, index + made.rows) as Row[];
			// A pulse or exposure and its purge: the last row is the purge's.
			for (const [nth, entry] of made.entries.entries()) {
				const own = made.entries.length === 1 ? rows : nth === 0 ? rows.slice(0, -1) : rows.slice(-1);
				this.remember(`${path}[${at}]`, own, entry);
				this.comments(own.at(-1)!.line, depth);
				this.step(entry, depth);
				at += 1;
			}
			index += made.rows;
		}
		return at;
	}

	/** The steps of the rows from `index` on, and how many rows they took; undefined when they are refused. */
	private translate(items: readonly Item[], index: number): { entries: StepEntry[]; rows: number } | undefined {
		const row = items[index] as Row;
		const after = (offset: number): Row | undefined => {
			const item = items[index + offset];
			return item === undefined || isLoop(item) ? undefined : item;
		};
		const { recipe, stopvalve } = this.mapping;
		const role = roleOf(this.mapping, row) ?? "";
		switch (row.command) {
			case "flow":
				return { entries: [{ flow: { sccm: row.value! } }], rows: 1 };
			case "wait":
				return { entries: [{ wait: { for_s: row.value! } }], rows: 1 };
			case "heater": {
				const rows = this.together(items, index);
				const zones = rows.map((each): [string, { to_degC: number; ramp_degC_per_min: number }] => [
					roleOf(this.mapping, each)!,
					{ to_degC: each.value!, ramp_degC_per_min: recipe.ramp_degC_per_min! },
				]);
				return { entries: [{ heat: Object.fromEntries(zones) }], rows: rows.length };
			}
			case "stabilize": {
				const rows = this.together(items, index);
				const zones = rows.map((each) => roleOf(this.mapping, each)!);
				return { entries: [{ stabilise: { zones, ...recipe.stabilise! } }], rows: rows.length };
			}
			case "pulse": {
				const purge = after(1);
				if (purge?.command !== "wait")
					return this.refuse(row, "TABLE_PULSE", "a pulse is followed by the wait that purges it.");
				const pulse = { precursor: role, ms: milliseconds(row.value!) };
				return { entries: [{ pulse }, { purge: { for_s: purge.value! } }], rows: 2 };
			}
			case "stopvalve": {
				const [pulse, soak, open, purge] = [1, 2, 3, 4].map(after);
				const isExposure =
					row.value !== stopvalve!.open &&
					pulse?.command === "pulse" &&
					soak?.command === "wait" &&
					open?.command === "stopvalve" &&
					open.value === stopvalve!.open &&
					purge?.command === "wait";
				if (!isExposure) {
					const message =
						"the stop valve moves in an exposure only: stopvalve shut, pulse, wait, stopvalve open, wait, one after the other.";
					return this.refuse(row, "TABLE_STOP_VALVE", message);
				}
				const precursor = roleOf(this.mapping, pulse)!;
				const exposure = { precursor, ms: milliseconds(pulse.value!), soak_s: soak.value! };
				return { entries: [{ exposure }, { purge: { for_s: purge.value! } }], rows: 5 };
			}
			default:
				return undefined;
		}
	}

	/** Rows of the same command in a row, each for another zone. */
	private together(items: readonly Item[], index: number): Row[] {
		const first = items[index] as Row;
		const zones = new Set<string>();
		const rows: Row[] = [];
		for (const item of items.slice(index)) {
			if (isLoop(item) || item.command !== first.command) break;
			const zone = roleOf(this.mapping, item)!;
			if (zones.has(zone)) break;
			zones.add(zone);
			rows.push(item);
		}
		return rows;
	}

	/** Which line a step comes from, and its parts where they have lines of their own. */
	private remember(path: string, rows: readonly Row[], { heat, stabilise, exposure }: StepEntry): void {
		this.origins.push({ path, line: rows[0]!.line });
		const parts = heat
			? Object.keys(heat).map((zone) => `heat.${zone}`)
			: stabilise
				? stabilise.zones.map((_, nth) => `stabilise.zones[${nth}]`)
				: exposure
					? ["exposure", "exposure.ms", "exposure.soak_s"]
					: [];
		for (const [nth, part] of parts.entries()) this.origins.push({ path: `${path}.${part}`, line: rows[nth]!.line });
	}

	private refuse(row: Row, code: string, message: string): undefined {
		this.problems.push(atLine(row.line, code, message));
		return undefined;
	}

	private step(entry: StepEntry, depth: number): void {
		const [action, body] = Object.entries(entry)[0]!;
		this.out.push(`${pad(depth)}- ${action}: ${flow(body)}`);
	}

	/** The table's lines that were not yet written, up to one. */
	private comments(through: number, depth: number): void {
		for (; this.printed < through; this.printed += 1) {
			const text = comment(this.lines[this.printed]!);
			this.out.push(`${pad(depth)}# ${this.printed + 1}:${text === "" ? "" : ` ${text}`}`);
		}
	}
}

const pad = (depth: number): string => "  ".repeat(depth);

/** Whole microseconds, without the dust of binary fractions. */
const milliseconds = (seconds: number): number => Number((seconds * 1000).toPrecision(12));

/** What YAML does not print is shown by its number. */
const comment = (text: string): string =>
	text
		.trimEnd()
		.replace(/[^\t\x20-\x7e\xa0-\xff]/g, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`);

const PLAIN = /^[A-Za-z][A-Za-z0-9_-]*$/;
const WORDS = /^(true|false|null|yes|no|on|off|y|n)$/i;

/** A value in YAML's one-line form. */
function flow(value: unknown): string {
	if (typeof value === "string") return PLAIN.test(value) && !WORDS.test(value) ? value : JSON.stringify(value);
	if (typeof value !== "object" || value === null) return String(value);
	if (Array.isArray(value)) return `[${value.map(flow).join(", ")}]`;
	return `{ ${Object.entries(value)
		.map(([key, inner]) => `${flow(key)}: ${flow(inner)}`)
		.join(", ")} }`;
}
