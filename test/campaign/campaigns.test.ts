import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { SteppedClock } from "#core/clock.js";
import { AdlayerError } from "#core/errors.js";
import { MemoryJournal } from "#journal/memory.js";
import type { CampaignDetail, CampaignOrder } from "#record/campaigns.js";
import { Campaigns, type CampaignsOptions, memoryState, type StateFile } from "#src/campaign/campaigns.js";
import type { Campaign } from "#src/campaign/queue.js";
import { lab, library, RECIPES, recipeText } from "../recipe/support.js";

const DOCUMENT = `adlayer: campaign/1
name: short
title: Three foils
series:
  - recipe: li-al2o3
    vary: { cycles: [25, 50] }
  - recipe: li-in-situ
    set: { cycles: 25 }
`;
const SHIPPED = ["li-al2o3", "li-two-step", "li-in-situ", "na-al2o3", "na-two-step"];
const recipes = Object.fromEntries(SHIPPED.map((name) => [name, recipeText(name)]));

const openRun = (sample: string, text = recipeText("li-al2o3")) => ({
	run: "run-1",
	created: { sample, recipeText: text },
});

/** Control's campaigns with a reactor that launches whatever it is asked to. */
class World {
	readonly clock = new SteppedClock({ wallStartMs: Date.UTC(2026, 0, 1) });
	readonly journal = new MemoryJournal(this.clock);
	readonly launched: { recipe: string; set: object; sample: string; operator: string }[] = [];
	refusal: AdlayerError | undefined;
	/** What was on the disk when the last run was launched. */
	savedAtLaunch: readonly Campaign[] = [];
	readonly campaigns: Campaigns;

	constructor(
		readonly file: StateFile<readonly Campaign[]> = memoryState(),
		openRun?: CampaignsOptions["openRun"],
	) {
		this.campaigns = new Campaigns({
			clock: this.clock,
			journal: this.journal,
			station: "sim1",
			library,
			lab,
			file,
			openRun,
			launch: async (args) => {
				if (this.refusal !== undefined) throw this.refusal;
				this.launched.push(args);
				this.savedAtLaunch = file.load()!;
				return { run: `run-${this.launched.length}` };
			},
		});
	}

	async create(document = DOCUMENT, check = false): Promise<CampaignDetail> {
		return (await this.campaigns.create({ document, recipes, by: "mk", check })).campaign;
	}

	async order(campaign: string, order: Omit<CampaignOrder, "campaign" | "by">) {
		return this.campaigns.command({ campaign, by: "mk", ...order }, "id");
	}

	finish(run: string, state: "complete" | "aborted"): void {
		const figures = { worstPulseErrorMs: null, peakFoilC: null, peakFoilUncertaintyC: null, anneal: null };
		const cycles = { ordered: 1, complete: 1, repeated: 0, unknown: 0 };
		const record = {
			...figures,
			kind: "run-finished",
			run,
			state,
			product: "",
			cycles,
			durationS: 1,
			plannedS: 1,
		} as const;
		this.campaigns.follow(record);
	}

	states(campaign: string): string {
		return this.campaigns
			.detail(campaign)
			.runs.map(({ entry, state }) => `${entry} ${state}`)
			.join(", ");
	}
}

describe("a campaign that is made", () => {
	it("checks every run, names the samples by rule, and adds time and precursor up", async () => {
		const world = new World();
		const made = await world.create();
		expect(made.campaign).toBe("sim1-short-20260101");
		expect(made.runs.map(({ sample }) => sample)).toEqual(["Li@25Al2O3", "Li@50Al2O3", "Li@25LiAlOx-in"]);
		expect(made.totals.pulses).toEqual({ TMA: 100, H2O: 100 });
		expect(made.totals.precursorMg).toEqual({ TMA: 15, H2O: 7.5 });
		expect(made.totals.totalS).toBeCloseTo(made.runs.reduce((sum, { plannedS }) => sum + plannedS, 0));
		expect(made.runs[2]!.acknowledgements.map(({ code }) => code)).toContain("H2O_NEAR_MELTING");
		expect(world.journal.records.map(({ kind }) => kind)).toEqual(["campaign-created"]);
	});

	it("launches nothing by itself, and says what must be in the chamber", async () => {
		const world = new World();
		const { campaign } = await world.create();
		await world.clock.advance(24 * 3_600_000);
		expect(world.launched).toEqual([]);
		expect(world.campaigns.status.next).toMatchObject({
			campaign,
			entry: 1,
			sample: "Li@25Al2O3",
			mustBeLoaded: "The chamber must hold the Li foil of sample Li@25Al2O3, and nothing else.",
		});
	});

	it.each([
		["li-series", 21, "Li@25Al2O3", "Li@500LiAlOx-in"],
		["na-series", 14, "Na@25Al2O3", "Na@500NaAlOx"],
	])("of the paper: %s", async (name, count, first, last) => {
		const document = readFileSync(`${RECIPES}campaigns/${name}.campaign.yaml`, "utf8");
		const { runs } = await new World().create(document);
		expect(runs).toHaveLength(count);
		expect([runs[0]!.sample, runs.at(-1)!.sample]).toEqual([first, last]);
		expect(new Set(runs.map(({ sample }) => sample)).size).toBe(count);
	});

	it("is refused with all problems of all its runs at once, and nothing is made", async () => {
		const document = DOCUMENT.replace("[25, 50]", "[25, 9000]").replace("set: { cycles: 25 }", "set: { turns: 3 }");
		const world = new World();
		const refused = await world.create(`${document}  - recipe: nowhere\n`).catch((error: AdlayerError) => error);
		expect(refused).toMatchObject({ code: "CAMPAIGN_INVALID" });
		const problems = (refused as AdlayerError).problems.filter(({ severity }) => severity === "error");
		expect(problems.map(({ line, code }) => `${line} ${code}`)).toEqual([
			"5 PARAMETER_OUT_OF_RANGE",
			"7 PARAMETER_UNKNOWN",
			"9 RECIPE_NOT_FOUND",
		]);
		expect(world.campaigns.status.campaigns).toEqual([]);
		expect(world.file.load()).toBeUndefined();
	});

	it.each([
		["an unknown key", DOCUMENT.replace("title:", "titel:"), "KEY_UNKNOWN"],
		["a parameter both set and varied", DOCUMENT.replace("vary:", "set: { cycles: 3 }\n    vary:"), "CAMPAIGN_FILE"],
		["an unknown word in the rule for names", `${DOCUMENT}    sample: "{foil}"\n`, "CAMPAIGN_FILE"],
		["a sample's name in two lines", `${DOCUMENT}    sample: "a\\n{product}"\n`, "VALUE_NOT_ALLOWED"],
		["a title in two lines", DOCUMENT.replace("title:", "title: |2\n  a\n  b\n#"), "VALUE_NOT_ALLOWED"],
		["two samples of one name", `${DOCUMENT}  - { recipe: li-al2o3, set: { cycles: 50 } }\n`, "CAMPAIGN_SAMPLE"],
		[
			"too many runs",
			DOCUMENT.replace("[25, 50]", `[${Array.from({ length: 100 }, (_, n) => n + 1)}]`),
			"CAMPAIGN_FILE",
		],
		["no YAML", "[", "YAML_INVALID"],
	])("is refused for %s", async (_, document, code) => {
		const refused = await new World().create(document).catch((error: AdlayerError) => error);
		expect((refused as AdlayerError).problems.map((problem) => problem.code)).toContain(code);
	});

	it("may be checked only", async () => {
		const world = new World();
		expect((await world.create(DOCUMENT, true)).runs).toHaveLength(3);
		expect(world.campaigns.status.campaigns).toEqual([]);
		expect(world.journal.records).toEqual([]);
	});
});

describe("the queue", () => {
	it("launches the next run for the person who names the foil, and only then", async () => {
		const world = new World();
		const { campaign } = await world.create();
		const launch = (entry: number, loaded: string) => world.order(campaign, { command: "launch", entry, loaded });
		await expect(launch(1, "Li@50Al2O3")).rejects.toMatchObject({ code: "SAMPLE_NOT_LOADED" });
		await expect(launch(2, "Li@50Al2O3")).rejects.toMatchObject({ code: "CAMPAIGN_COMMAND_REFUSED" });
		await expect(world.order(campaign, { command: "launch", entry: 1 })).rejects.toMatchObject({ code: "USAGE" });
		expect(world.launched).toEqual([]);
		const { run } = await launch(1, "Li@25Al2O3");
		expect(run).toBe("run-1");
		expect(world.launched).toMatchObject([
			{ recipe: "li-al2o3", set: { cycles: 25 }, sample: "Li@25Al2O3", operator: "mk" },
		]);
		expect(world.states(campaign)).toBe("1 running, 2 waiting, 3 waiting");
		world.finish("run-1", "complete");
		expect(world.states(campaign)).toBe("1 done, 2 waiting, 3 waiting");
		expect(world.campaigns.status.next!.entry).toBe(2);
	});

	it("keeps a run waiting whose launch is refused", async () => {
		const world = new World();
		const { campaign } = await world.create();
		world.refusal = new AdlayerError("RUN_ACTIVE", "There is a run.");
		const order = { command: "launch", entry: 1, loaded: "Li@25Al2O3" } as const;
		await expect(world.order(campaign, order)).rejects.toMatchObject({ code: "RUN_ACTIVE" });
		expect(world.states(campaign)).toBe("1 waiting, 2 waiting, 3 waiting");
	});

	it("is reordered, skipped, retried, paused and cancelled by people", async () => {
		const world = new World();
		const { campaign } = await world.create();
		await world.order(campaign, { command: "reorder", order: [3, 1, 2] });
		expect(world.campaigns.status.next!.entry).toBe(3);
		for (const order of [[1, 2], [1, 2, 2], [1, 2, 4], []])
			await expect(world.order(campaign, { command: "reorder", order })).rejects.toMatchObject({
				code: "CAMPAIGN_COMMAND_REFUSED",
			});
		await world.order(campaign, { command: "skip", entry: 3 });
		expect(world.campaigns.status.next!.entry).toBe(1);
		await world.order(campaign, { command: "pause" });
		expect(world.campaigns.status.next).toBeNull();
		const launch = { command: "launch", entry: 1, loaded: "Li@25Al2O3" } as const;
		await expect(world.order(campaign, launch)).rejects.toMatchObject({ code: "CAMPAIGN_COMMAND_REFUSED" });
		await world.order(campaign, { command: "resume" });
		await world.order(campaign, launch);
		world.finish("run-1", "aborted");
		expect(world.states(campaign)).toBe("3 skipped, 1 failed, 2 waiting");
		await world.order(campaign, { command: "retry", entry: 1 });
		await world.order(campaign, { command: "cancel" });
		expect(world.states(campaign)).toBe("3 skipped, 1 cancelled, 2 cancelled");
		expect(world.campaigns.detail(campaign).state).toBe("over");
		await expect(world.order(campaign, { command: "cancel" })).rejects.toMatchObject({
			code: "CAMPAIGN_COMMAND_REFUSED",
		});
		await expect(world.order("nowhere", { command: "cancel" })).rejects.toMatchObject({ code: "NOT_FOUND" });
		const told = world.journal.records.map(({ kind }) => kind);
		expect(told.filter((kind) => kind === "campaign-changed")).toHaveLength(6);
		expect(told.filter((kind) => kind === "campaign-run")).toHaveLength(2);
	});

	it.each([
		[
			{ command: "cancel", entry: 2 },
			/cancel takes no entry and would concern the whole queue; to leave one run out is skip/,
		],
		[{ command: "pause", entry: 2 }, /pause takes no entry/],
		[{ command: "skip", entry: 2, order: [2] }, /skip takes no order\./],
		[{ command: "reorder", order: [3, 2, 1], loaded: "Li@25Al2O3" }, /reorder takes no loaded\./],
	] as const)("is not moved by a command with more than it takes: %j", async (order, message) => {
		const world = new World();
		const { campaign } = await world.create();
		await expect(world.order(campaign, order)).rejects.toMatchObject({
			code: "USAGE",
			message: expect.stringMatching(message),
		});
		expect(world.states(campaign)).toBe("1 waiting, 2 waiting, 3 waiting");
	});

	it("is the same after a restart; a run that was under way has failed, and is not offered as untouched", async () => {
		const before = new World();
		const { campaign } = await before.create();
		await before.order(campaign, { command: "launch", entry: 1, loaded: "Li@25Al2O3" });
		const closing = new World(before.file, openRun("Li@25Al2O3"));
		expect(closing.states(campaign)).toBe("1 running, 2 waiting, 3 waiting");
		closing.finish("run-1", "aborted");
		expect(closing.states(campaign)).toBe("1 failed, 2 waiting, 3 waiting");
		expect(new World(before.file).campaigns.detail(campaign)).toEqual(closing.campaigns.detail(campaign));
	});

	it("knows its run again when control ended between the launch and the keeping of the run's name", async () => {
		const before = new World();
		const { campaign } = await before.create();
		await before.order(campaign, { command: "launch", entry: 1, loaded: "Li@25Al2O3" });
		const file = () => memoryState(before.savedAtLaunch);
		for (const other of [openRun("Li@50Al2O3"), openRun("Li@25Al2O3", "another recipe"), undefined])
			expect(new World(file(), other).states(campaign)).toBe("1 failed, 2 waiting, 3 waiting");
		const after = new World(file(), openRun("Li@25Al2O3"));
		expect(after.campaigns.detail(campaign).runs[0]).toMatchObject({ state: "running", run: "run-1" });
		expect(after.journal.records).toMatchObject([{ kind: "campaign-run", campaign, entry: 1, run: "run-1" }]);
		after.finish("run-1", "complete");
		expect(after.states(campaign)).toBe("1 done, 2 waiting, 3 waiting");
	});

	it("does not take a run whose end nobody saw for a good one", async () => {
		const before = new World();
		const { campaign } = await before.create();
		await before.order(campaign, { command: "launch", entry: 1, loaded: "Li@25Al2O3" });
		expect(new World(before.file).states(campaign)).toBe("1 failed, 2 waiting, 3 waiting");
	});

	it("forgets old campaigns that are over, never one that waits", async () => {
		const world = new World();
		const kept = await world.create();
		for (let nth = 0; nth < 55; nth += 1) {
			const { campaign } = await world.create(
				DOCUMENT.replace("name: short", `name: short${nth}`).replace(/ {2}- recipe: li-in[\s\S]*/, ""),
			);
			await world.order(campaign, { command: "cancel" });
		}
		const { campaigns } = world.campaigns.status;
		expect(campaigns.length).toBeLessThanOrEqual(51);
		expect(campaigns[0]!.campaign).toBe(kept.campaign);
	});
});
