import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { stateFile } from "#src/processes/state-file.js";

let folder: string;
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), "adl-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("a state file", () => {
	it("gives back what was saved last, and nothing where there was none", () => {
		const file = stateFile<number[]>(join(folder, "a.json"));
		expect(file.load()).toBeUndefined();
		file.save([1, 2]);
		file.save([3]);
		expect(stateFile(join(folder, "a.json")).load()).toEqual([3]);
		expect(readdirSync(folder)).toEqual(["a.json"]);
	});

	it("is left alone and refused when it is none of ours", () => {
		for (const text of ["", "{", "[]", '{"form":2,"state":[]}']) {
			writeFileSync(join(folder, "b.json"), text);
			expect(() => stateFile(join(folder, "b.json")).load(), text).toThrowError(/b\.json cannot be read/);
		}
	});
});
