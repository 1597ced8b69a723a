import { describe, expect, it } from "vitest";
import { whyAboveInWords } from "#safety/why-above.js";
import { Scene } from "./support.js";

/** The chamber was at 80 Pa before the dose and its foreline at 20; now it is at 100. */
function told(forelinePa: number | null, beforePa: number | null = 20): string {
	const scene = new Scene().reads("gauge.chamber", 100);
	if (forelinePa === null) scene.goesStale("gauge.foreline");
	else scene.reads("gauge.foreline", forelinePa);
	scene.doses.started("TMA", 0, 15, { baselinePa: 80, forelinePa: beforePa ?? undefined, carrierSccm: 100 });
	return whyAboveInWords(scene, 80);
}

describe("a chamber that does not come back after a dose", () => {
	it("names what lets more gas in or less out when the foreline has risen with it, and not the gauge", () => {
		const text = told(24);
		expect(text).toMatch(
			/^that valve or that of H2O may be stuck open or leak, the chamber leak air or the pump be weaker/,
		);
		expect(text).toContain("the foreline was at 20.0 Pa and is at 24.0 Pa");
		expect(text).not.toContain("gauge");
	});

	it("names the gauge first when the foreline stands as before, and the valve all the same", () => {
		const text = told(20.5);
		expect(text).toMatch(/^its gauge may drift or its way to the pump be narrower/);
		expect(text).toContain("that valve or that of H2O may leak all the same");
	});

	it.each([
		["is between the two", 22.5, 20],
		["is not known now", null, 20],
		["was not known before the dose", 24, null],
	] as const)("names every cause when the foreline %s", (_when, now, before) => {
		const text = told(now, before);
		for (const cause of [
			"that valve or that of H2O may be stuck open or leak",
			"leak air",
			"pump be weaker",
			"gauge drift",
		])
			expect(text).toContain(cause);
	});

	it.each([24, 22.5, 20.5, 18, null])(
		"asks for the hand valves first, that of the last dose before the other, whatever the foreline says (%s Pa)",
		(now) => {
			expect(told(now)).toContain("Shut the hand valve of TMA, then that of H2O;");
		},
	);
});
