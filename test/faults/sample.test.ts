import { describe, expect, it } from "vitest";
import { caseNamed, performCase } from "./cases.js";
import { KINDS } from "./kinds.js";

/** A sample of what `npm run test:faults` does in full; each name is what its --only takes. */
const SAMPLE = [
	...Array.from({ length: 40 }, (_, index) => `ten-${index + 1}`),
	...[10, 20, 30, 40, 50].map((n) => `record-${n}`),
	"healthy-1",
];

describe("whatever goes wrong", () => {
	it("there are more than twenty kinds of it, each with its own name", () => {
		expect(new Set(KINDS.map(({ kind }) => kind)).size).toBe(KINDS.length);
		expect(KINDS.length).toBeGreaterThanOrEqual(20);
	});

	it.each(SAMPLE)("harms nothing and loses nothing: %s", async (name) => {
		const { broken, plan, seed } = await performCase(caseNamed(name));
		expect(broken, `seed ${seed}: ${plan}; again: npm run test:faults -- --only ${name}`).toEqual([]);
	});
});
