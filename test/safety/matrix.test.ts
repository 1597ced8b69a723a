import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { CONDITIONS } from "#recipe/engine/suspension.js";
import type { Interlock } from "#safety/interlock.js";
import { interlocksOf } from "#safety/interlocks/index.js";
import { PERMITS } from "#safety/permits.js";
import { RULES } from "#safety/rules.js";
import { REACTOR } from "./support.js";
import { INTERLOCK_BITES, OUTSIDE } from "./teeth/interlocks.js";
import { RULE_BITES } from "./teeth/rules.js";
import { SUSPENSION_BITES } from "./teeth/suspensions.js";

const document = readFileSync(resolve(import.meta.dirname, "../../docs/interlocks.md"), "utf8");

/** Rows of the first table whose header begins with these columns. */
function table(header: string): Record<string, string>[] {
	const lines = document.split("\n");
	const start = lines.findIndex((line) => line.startsWith(`| ${header} |`));
	const cells = (line: string) =>
		line
			.split("|")
			.slice(1, -1)
			.map((cell) => cell.trim());
	const names = cells(lines[start]!);
	const end = lines.findIndex((line, index) => index > start && !line.startsWith("|"));
	return lines
		.slice(start + 2, end)
		.map((line) => Object.fromEntries(cells(line).map((cell, column) => [names[column]!, cell])));
}

/** Delay and readings of an interlock as the document writes them. */
function delayInWords({ id, delayMs, consecutiveReadings }: Interlock): string {
	const parts = [
		...(id.startsWith("zone-astray.") ? ["`follow_s`"] : delayMs > 0 ? [`${delayMs / 1_000} s`] : []),
		...(consecutiveReadings > 1 ? [`${consecutiveReadings} readings`] : []),
	];
	return parts.length === 0 ? "0" : parts.join(", ");
}

describe("docs/interlocks.md", () => {
	const byZone = (id: string) => id.replace(/\.(stage|wall)$/, ".ZONE");
	const inCode = new Map(interlocksOf(REACTOR).map((interlock) => [byZone(interlock.id), interlock]));
	const rows = table("id | hazard");

	it("has one row for every interlock, and no other", () => {
		expect(rows.map(({ id }) => id!.replaceAll("`", "")).sort()).toEqual([...inCode.keys()].sort());
	});

	it("is covered by tests: each row has its seven cases", () => {
		const tests = readFileSync(resolve(import.meta.dirname, "interlocks.test.ts"), "utf8");
		// The cases name every interlock, or its zones' by the same pattern; interlocks.test.ts compares both sets whole.
		const named = [...inCode.keys()].filter((id) => tests.includes(`${id.replace(".ZONE", ".")}`));
		console.log(
			`Matrix: ${named.length} of ${inCode.size} interlocks have their cases (${(100 * named.length) / inCode.size} %).`,
		);
		expect(named).toEqual([...inCode.keys()]);
	});

	it.each(rows.map((row) => [row.id!.replaceAll("`", ""), row] as const))("tells the truth of %s", (id, row) => {
		const interlock = inCode.get(id)!;
		expect(row.effect).toBe(`\`${interlock.effect}\``);
		expect(row.delay).toBe(delayInWords(interlock));
		expect(row.response).toBe(interlock.response);
		for (const column of ["hazard", "judged from", "limit"]) expect(row[column], column).not.toBe("");
	});

	it("has a row of the safe-state table for every effect", () => {
		const effects = table("effect | TMA and H2O valves").map(({ effect }) => /^`([\w-]+)`/.exec(effect!)?.[1]);
		for (const { effect } of inCode.values()) expect(effects).toContain(effect);
	});

	const plain = (cell: string | undefined) => cell!.replaceAll("`", "");

	it("has one row for every rule of the permits, with the permits that it belongs to", () => {
		const inDocument = table("rule | permits").map(({ rule, permits }) => `${plain(rule)}: ${plain(permits)}`);
		const belongsTo = (rule: string) =>
			Object.entries(PERMITS)
				.filter(([, rules]) => (rules as readonly string[]).includes(rule))
				.map(([permit]) => permit)
				.join(", ");
		expect(inDocument.sort()).toEqual(
			Object.keys(RULES)
				.map((rule) => `${rule}: ${belongsTo(rule)}`)
				.sort(),
		);
	});

	it("has one row for every suspension", () => {
		const rows = table("condition | waits when").map(({ condition }) => plain(condition));
		expect(rows.sort()).toEqual(Object.keys(CONDITIONS).sort());
	});

	it("is covered by teeth: each interlock, rule and suspension has its harm in the twin", () => {
		const kinds = [...new Set([...inCode.keys()].map((id) => id.split(".")[0]!))];
		const all = [
			...kinds.filter((kind) => !OUTSIDE.includes(kind)).map((kind) => [kind, INTERLOCK_BITES] as const),
			...Object.keys(RULES).map((rule) => [rule, RULE_BITES] as const),
			...Object.keys(CONDITIONS).map((condition) => [condition, SUSPENSION_BITES] as const),
		];
		const bitten = all.filter(([id, bites]) => Object.hasOwn(bites, id));
		const share = (100 * bitten.length) / all.length;
		console.log(
			`Teeth: ${bitten.length} of ${all.length} interlocks, rules and suspensions (${share} %); outside the twin: ${OUTSIDE.join()}.`,
		);
		expect(bitten).toEqual(all);
	});

	it("says that it is additional to what is hardwired, and lists that", () => {
		expect(document).toContain("no safety device");
		const list = document.slice(document.indexOf("## What must be hardwired"));
		for (const words of [
			"over-temperature cut-out",
			"pump-run contact",
			"relief valve",
			"emergency stop",
			"mutual exclusion",
			"floats or is pulled up",
		]) {
			expect(list).toContain(words);
		}
	});
});
