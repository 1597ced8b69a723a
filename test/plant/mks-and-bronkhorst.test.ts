import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseLabFile } from "#src/config.js";
import { Story } from "./stories.js";

const LAB = resolve(import.meta.dirname, "../../recipes/labs/simulated.lab.yaml");

/** The simulated lab with two MKS transducers on one RS-485 line in place of the gauge controller, and a Bronkhorst carrier. */
function labOfOtherMakers() {
	const text = readFileSync(LAB, "utf8");
	const gaugeAt = text.indexOf("  gauge:\n");
	const reactorAt = text.indexOf("reactor:\n  carrier:");
	const instruments = `  chamber_gauge:
    driver: mks-900
    address: simulated:gauges
    poll_ms: 250
    stale_ms: 2000
    settings: { address: 1, signal: chamber, reading: PR4, gas_type: ARGON }
  foreline_gauge:
    driver: mks-900
    address: simulated:gauges
    poll_ms: 250
    stale_ms: 2000
    settings: { address: 2, signal: foreline, reading: PR4, gas_type: ARGON }
  carrier:
    driver: bronkhorst-propar
    address: simulated:carrier
    poll_ms: 500
    stale_ms: 2500
    settings: { node: 3, gas: Ar, full_scale_sccm: 200 }

`;
	const pressures = "pressures: { chamber: gauge.chamber, foreline: gauge.foreline }";
	expect(text).toContain(pressures);
	const reactor = text
		.slice(reactorAt)
		.replace(pressures, "pressures: { chamber: chamber_gauge.chamber, foreline: foreline_gauge.foreline }");
	return parseLabFile(text.slice(0, gaugeAt) + instruments + reactor, LAB);
}

describe("a lab with two MKS transducers on one line and a Bronkhorst carrier", () => {
	let story: Story;
	beforeAll(async () => {
		story = new Story({ lab: labOfOtherMakers() });
		await story.ready();
		await story.launch("li-two-step.recipe.yaml", { set: { cycles: 3 } });
		await story.state("complete", 100_000);
	});
	afterAll(() => story.stop());

	it("completes the two-step recipe with every pulse delivered and nothing tripped", () => {
		expect(story.records("run-finished")).toMatchObject([
			{ state: "complete", cycles: { ordered: 3, complete: 3, repeated: 0, unknown: 0 } },
		]);
		expect(story.records("pulse").map((pulse) => pulse.fate)).toEqual(new Array(6).fill("delivered"));
		expect(story.truth().doses).toEqual({ TMA: 3, H2O: 3 });
		expect(story.violations).toEqual([]);
		expect(story.records("interlock")).toEqual([]);
		expect(story.records("alarm")).toEqual([]);
	});

	it("sees every dose in the chamber's pressure", () => {
		for (const { effective } of story.records("pulse")) expect(effective!.peakPa).toBeGreaterThan(1);
	});

	it("reads both pressures and the flow as they are, and keeps purging when it is over", async () => {
		await story.forS(60);
		const { twin } = story.lab;
		const reading = (signal: string) => story.control.plant.reading(signal);
		expect(reading("chamber_gauge.chamber").value! / twin.chamberPa).toBeCloseTo(1, 1);
		expect(reading("foreline_gauge.foreline").value! / twin.forelinePa).toBeCloseTo(1, 1);
		expect(reading("carrier.flow").value).toBeCloseTo(100, 0);
		expect(reading("carrier.setpoint").value).toBe(100);
		expect(story.reactor).toEqual({ precursors: [], stopOpen: true, sccm: 100 });
	});

	it("loses one pressure alone when one of the two transducers on the line falls silent", async () => {
		story.lab.silence("chamber_gauge", true);
		await story.forS(30);
		expect(story.control.plant.reading("chamber_gauge.chamber").quality).not.toBe("good");
		expect(story.control.plant.reading("foreline_gauge.foreline").quality).toBe("good");
		story.lab.silence("chamber_gauge", false);
		await story.forS(10);
		expect(story.control.plant.reading("chamber_gauge.chamber").quality).toBe("good");
	});
});
