import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { allowed, NEXT } from "#recipe/isa88.js";
import type { RunState } from "#record/records.js";

const FOLDER = new URL("../../src/web/", import.meta.url);
const read = (file: string) => readFileSync(new URL(file, FOLDER), "utf8");

describe("the page's files", () => {
	it.each(["index.html", "tests.html"])("have every element that a script of %s speaks of", (page) => {
		const html = read(page);
		const loaded = (file: string, known = new Set<string>()): Set<string> => {
			if (known.has(file)) return known;
			known.add(file);
			for (const [, other] of read(file).matchAll(/from "\.\/([\w-]+\.js)"/g)) loaded(other!, known);
			return known;
		};
		const [, entry] = /<script type="module" src="\/([\w-]+\.js)">/.exec(html)!;
		const ids = [...loaded(entry!)].flatMap((file) =>
			[...read(file).matchAll(/\$\("([\w-]+)"\)/g)].map((match) => match[1]),
		);
		expect(new Set(ids).size).toBeGreaterThan(25);
		for (const id of ids) expect(html, page).toContain(`id="${id}"`);
	});

	it("name no address outside this service", () => {
		for (const file of readdirSync(FOLDER)) {
			const text = read(file).replaceAll("http://www.w3.org/2000/svg", "");
			expect(text, file).not.toMatch(/https?:\/\//);
		}
	});

	it("offer in each state exactly the commands that ISA-88 allows in it", () => {
		const written = /export const ALLOWED = (\{.*?\n\});?/s.exec(read("run-commands.js"))![1]!;
		const offered = JSON.parse(written.replace(/(\w+): \[/g, '"$1": [').replace(/,(\s*[\]}])/g, "$1"));
		const expected = Object.fromEntries((Object.keys(NEXT) as RunState[]).map((state) => [state, allowed(state)]));
		expect(offered).toEqual(expected);
	});
});
