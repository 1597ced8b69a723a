import { afterEach, describe, expect, it, vi } from "vitest";
import type { LabFile } from "#src/config.js";
import { annealOnly, knownLab, knownZoneAt, labWith, misread, plainLab, power } from "./heating-support.js";
import { Story } from "./stories.js";

let story: Story;
afterEach(async () => {
	vi.restoreAllMocks();
	await story.stop();
});

async function launched(lab: LabFile): Promise<void> {
	story = new Story({ lab });
	await annealOnly(story);
}

/** As `knownLab`, with a heater that is wrongly known. */
function misknownLab(share: number): LabFile {
	const lab = knownLab();
	const heater = lab.heaters.stage!;
	const model = { ...heater.model, gainCPerPercent: share * heater.model.gainCPerPercent };
	return { ...lab, heaters: { stage: { ...heater, model } } };
}

/** In the middle of the anneal's ramp. */
async function inRamp(): Promise<void> {
	story = await knownZoneAt(150);
}

describe("a zone whose heater is known", () => {
	it("is guided to its anneal without overshoot, as planned and sooner than by ramp", async () => {
		await launched(knownLab());
		await story.state("complete", 40_000);
		const [guided] = story.records("anneal");
		expect(story.truth().peakFoilC).toBeLessThan(180.3);
		expect(guided!.ramp.actualS! / guided!.ramp.plannedS!).toBeLessThan(1.1);
		expect(guided!.ramp.actualS! / guided!.ramp.plannedS!).toBeGreaterThan(0.9);
		expect(guided).toMatchObject({ melting: "below", uncertaintyC: 0.3, unknownS: 0 });
		expect(story.status.alarms).toEqual([]);
		const { durationS, plannedS } = story.records("run-finished")[0]!;
		expect(Math.abs(durationS / plannedS - 1), `${durationS} s, planned ${plannedS} s`).toBeLessThan(0.04);
		await story.stop();
		await launched(plainLab());
		await story.state("complete", 40_000);
		expect(guided!.ramp.actualS!).toBeLessThan(0.8 * story.records("anneal")[0]!.ramp.actualS!);
	});

	it("foretells on its way when it will be there", async () => {
		await inRamp();
		const [stage] = story.run.heating!;
		expect(stage).toMatchObject({ zone: "stage", targetC: 180 });
		const begunMs = story.clock.nowMs();
		const isThere = () => story.control.plant.reading("stage.temperature").value! >= 179.5;
		await story.clock.advanceUntil(isThere, 3_000_000);
		const tookS = (story.clock.nowMs() - begunMs) / 1_000;
		expect(Math.abs(stage!.remainingS - tookS)).toBeLessThan(20);
		await story.forS(30);
		expect(story.run.heating).toEqual([]);
	});

	it.each([0.5, 1.5])(
		"that is not its model any more (gain %f) is held with its heaters off, and the reason told",
		async (share) => {
			await launched(misknownLab(share));
			await story.state("held", 40_000);
			expect(story.run.cause).toMatch(/Zone stage is not its model any more\. The zone (heats|needs)/);
			expect(story.status.alarms.find(({ alarm }) => alarm === "heater.stage")).toMatchObject({ priority: "high" });
			await story.forS(10);
			expect(story.setpointsC.stage).toBeLessThanOrEqual(40);
			expect(story.truth().peakFoilC).toBeLessThan(180.3);
		},
	);

	it.each(["sensor", "line", "heater", "lid"] as const)(
		"losing its %s in mid-ramp comes to the safe state",
		async (what) => {
			await inRamp();
			if (what === "sensor") misread(story, "stage", () => null);
			else if (what === "line") story.lab.silence("stage", true);
			else if (what === "heater") power(story, "stage", 0);
			else story.lab.twin.setLid(false);
			await story.state("held", 600);
			await story.forS(30);
			if (what === "line") story.lab.silence("stage", false);
			await story.forS(20);
			expect(story.setpointsC.stage ?? 0).toBeLessThanOrEqual(40);
			const after = story.control.plant.reading("stage.output").value;
			expect(after).toBe(0);
			expect(story.truth().peakFoilC).toBeLessThan(180.3);
		},
	);
});

it("a controller that blinks in mid-ramp is told its setpoint again; whatever its integral holds then, the foil stays below melting", async () => {
	await inRamp();
	story.lab.powerCycle("stage");
	await story.forS(30);
	expect(story.control.plant.reading("stage.setpoint").quality).toBe("good");
	await story.forS(1_500);
	expect(story.truth().peakFoilC).toBeLessThan(180.4);
});

describe("a lab file with models", () => {
	it("is refused without the foil's calibration, with a missing model, or with that of another zone", () => {
		const foil = "foil: { lag_s: [24, 36], offset_degC: [-0.05, 0.05], date: 2026-11-02, author: test }";
		expect(() => labWith("model: models/stage.model.yaml")).toThrow(/needs the foil's lag and offset/);
		expect(() => labWith(`${foil}\n      model: models/none.yaml`)).toThrow(/cannot be used/);
		expect(() => labWith("foil: { lag_s: [36, 24], offset_degC: [0, 0], date: 2026-11-02, author: x }")).toThrow(
			/\[least, greatest\]/,
		);
		expect(() => knownLab("heats_foil: false\n      model: models/stage.model.yaml")).toThrow(/is that of zone stage/);
	});
});
