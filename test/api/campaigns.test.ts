import { afterEach, describe, expect, it } from "vitest";
import { AdlayerError } from "#core/errors.js";
import { CAMPAIGN_DOCUMENT, world } from "./world.js";

let opened: Awaited<ReturnType<typeof world>>;
afterEach(() => opened.app.close());

/** The interface, with a control that gives one answer or refusal. */
async function open(answer: unknown = {}) {
	opened = await world();
	const { app, control } = opened;
	control.answer = () => {
		if (answer instanceof AdlayerError) throw answer;
		return answer;
	};
	return {
		asked: control.asked,
		get: (path: string) => app.inject({ method: "GET", url: `/api/v1${path}` }),
		post: (path: string, payload: object) => app.inject({ method: "POST", url: `/api/v1${path}`, payload }),
	};
}

const DOCUMENT = { adlayer: "campaign/1", name: "a", title: "A", series: [{ recipe: "li", vary: { cycles: [1, 2] } }] };
const SUMMARY = { campaign: "sim1-a-20260101", runs: [] };

describe("campaigns over REST", () => {
	it("begin with the documents of the service", async () => {
		const world = await open();
		const { documents } = (await world.get("/campaigns/documents")).json();
		expect(documents).toEqual([CAMPAIGN_DOCUMENT]);
	});

	it("go to control with the texts of the recipes that the document names", async () => {
		const world = await open({ campaign: SUMMARY, problems: [] });
		const made = await world.post("/campaigns", { campaign: DOCUMENT, by: "mk" });
		expect(made.statusCode).toBe(201);
		expect(made.headers.location).toBe("/api/v1/campaigns/sim1-a-20260101");
		expect(world.asked.at(-1)).toMatchObject({
			command: "create-campaign",
			args: { recipes: { li: "adlayer: recipe/1" }, by: "mk", check: false },
		});
		const own = await world.post("/campaigns", {
			campaignText: "adlayer: campaign/1\nname: a\ntitle: A\nseries: [{ recipe: mine }]\n",
			recipes: { mine: "given" },
			by: "mk",
			check: true,
		});
		expect(own.statusCode).toBe(200);
		expect(world.asked.at(-1)).toMatchObject({ args: { recipes: { mine: "given" }, check: true } });
	});

	it("are refused without exactly one document", async () => {
		const world = await open();
		for (const body of [{ by: "mk" }, { by: "mk", campaign: DOCUMENT, campaignText: "x" }, { campaign: DOCUMENT }])
			expect((await world.post("/campaigns", body)).statusCode).toBe(400);
		expect(world.asked).toEqual([]);
	});

	it("are commanded with a person's name; control's refusal is passed on", async () => {
		const world = await open(new AdlayerError("SAMPLE_NOT_LOADED", "Another foil."));
		const launch = { command: "launch", entry: 1, loaded: "Li@1Al2O3", by: "mk" };
		const refused = await world.post("/campaigns/c1/commands", launch);
		expect(refused.statusCode).toBe(409);
		expect(refused.json()).toMatchObject({ code: "SAMPLE_NOT_LOADED" });
		expect(world.asked.at(-1)).toMatchObject({ args: { campaign: "c1", ...launch } });
		const { by: _, ...nameless } = launch;
		expect((await world.post("/campaigns/c1/commands", nameless)).statusCode).toBe(400);
		expect((await world.post("/campaigns/c1/commands", { ...launch, command: "start" })).statusCode).toBe(400);
	});

	it("are listed with the run that is next", async () => {
		const world = await open({ campaigns: [], next: null });
		expect((await world.get("/campaigns")).json()).toEqual({ simulated: true, campaigns: [], next: null });
		expect((await world.get("/campaigns/c1")).statusCode).toBe(200);
		expect(world.asked.at(-1)).toMatchObject({ command: "campaign", args: { campaign: "c1" } });
	});
});

describe("maintenance over REST", () => {
	it("is asked of control, and told of a changed bottle", async () => {
		const status = { since: 0, valves: {}, bottles: {}, warnings: [] };
		const world = await open(status);
		expect((await world.get("/maintenance")).json()).toMatchObject(status);
		expect((await world.post("/maintenance/bottles/TMA", { grams: 25, by: "mk" })).statusCode).toBe(200);
		expect(world.asked.at(-1)).toMatchObject({ args: { precursor: "TMA", grams: 25, by: "mk" } });
		expect((await world.post("/maintenance/bottles/TMA", { grams: 0, by: "mk" })).statusCode).toBe(400);
		expect((await world.post("/maintenance/bottles/TMA", { grams: 25 })).statusCode).toBe(400);
	});
});
