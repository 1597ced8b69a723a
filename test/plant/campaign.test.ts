import { afterEach, expect, it } from "vitest";
import type { CampaignDetail, CampaignOrder, CampaignsStatus } from "#record/campaigns.js";
import { SHORT_RECIPE } from "../recipe/short-recipe.js";
import { VirtualPlant } from "../support/virtual-plant.js";

const DOCUMENT = `adlayer: campaign/1
name: two
title: Two foils
series:
  - { recipe: short, vary: { cycles: [1, 2] } }
`;

let plant: VirtualPlant;
afterEach(() => plant.stop());

let commands = 0;
const ask = async <Answer>(command: "campaigns" | "create-campaign" | "command-campaign", args: object) =>
	(await plant.control.handle({ v: 1, id: `campaign-${++commands}`, command, args: args as never })).result as Answer;

it("takes a person for every run of a campaign, from the first foil to the last", async () => {
	plant = await new VirtualPlant({ pumped: true }).ready();
	const recipes = { short: SHORT_RECIPE };
	const { campaign } = await ask<{ campaign: CampaignDetail }>("create-campaign", {
		document: DOCUMENT,
		recipes,
		by: "mk",
		check: false,
	});
	await plant.clock.advance(60_000);
	expect(plant.runState).toBeUndefined();

	for (const entry of [1, 2]) {
		const { next } = await ask<CampaignsStatus>("campaigns", {});
		expect(next).toMatchObject({ entry });
		const order: CampaignOrder = {
			campaign: campaign.campaign,
			command: "launch",
			by: "mk",
			entry,
			loaded: next!.sample,
			barcode: `foil-${entry}`,
			acknowledge: next!.acknowledgements.map(({ code }) => code),
		};
		await expect(ask("command-campaign", { ...order, loaded: "another" })).rejects.toMatchObject({
			code: "SAMPLE_NOT_LOADED",
		});
		const { run } = await ask<{ run: string }>("command-campaign", order);
		expect(plant.records("run-created").at(-1)).toMatchObject({ run, sample: next!.sample, operator: "mk" });
		await plant.until("complete", 36_000);
		await plant.clock.advance(60_000);
		expect(plant.records("run-created")).toHaveLength(entry);
	}
	const { campaigns, next } = await ask<CampaignsStatus>("campaigns", {});
	expect(next).toBeNull();
	expect(campaigns).toMatchObject([{ state: "over", counts: { done: 2 } }]);
	const { maintenance } = plant.control.status;
	const pulses = plant.records("pulse").filter(({ precursor }) => precursor === "TMA");
	expect(pulses.length).toBeGreaterThan(0);
	expect(maintenance!.valves.TMA!.pulses).toBe(pulses.length);
	expect(maintenance!.bottles.TMA!.usedG).toBeCloseTo(
		pulses.reduce((sum, each) => sum + each.commandedMs, 0) * 0.02e-3,
		4,
	);
	expect(maintenance!.hours.pump).toBeCloseTo(plant.clock.nowMs() / 3_600_000, 1);
	expect(maintenance!.hours.heaters.stage).toBeGreaterThan(0);
	expect(plant.records("campaign-run").map(({ entry, state }) => `${entry} ${state}`)).toEqual([
		"1 running",
		"1 done",
		"2 running",
		"2 done",
	]);
});
