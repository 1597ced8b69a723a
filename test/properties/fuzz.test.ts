import { describe, expect, it } from "vitest";
import { caseOf, verdictOf } from "../bench/fuzz/area.js";
import { AREAS } from "../bench/fuzz/areas.js";
import { fuzz } from "../bench/fuzz.js";

const SEED = 7;
/** Part of the cases of `npm run bench -- fuzz`. */
const SHARE = 0.006;

describe("the bench", () => {
	it("begins, comes to its end and counts what it ran", async () => {
		const { bars } = await fuzz(SEED, 1e-6);
		const value = (id: string) => bars.find((bar) => bar.id === id)!.value;
		expect(value("cases")).toBe(AREAS.length);
		for (const id of ["crashes", "hangs", "wrong answers"]) expect(value(id), id).toBe(0);
	});
});

describe("input that nobody meant", () => {
	it.each(AREAS.map((area) => [area.name, area] as const))("is refused at its place: %s", async (_name, area) => {
		for (let index = 0; index < area.cases * SHARE; index += 1) {
			const given = caseOf(area, SEED, index);
			const verdict = await verdictOf(area, given);
			expect(verdict, `seed ${SEED}, case ${index}: ${area.show(given).slice(0, 500)}`).toBeUndefined();
		}
	});
});
