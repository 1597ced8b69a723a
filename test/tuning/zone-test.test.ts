import { afterEach, describe, expect, it, vi } from "vitest";
import type { ControlCommands } from "#control-link/messages.js";
import { proposedSettings } from "#heating/controller-settings.js";
import { identify, zoneModelOf } from "#heating/identify.js";
import type { TuneOrder, TuneProgress, TuneRow } from "#record/tune.js";
import { FOLLOWED_S } from "#src/tuning/zone-test.js";
import { Story } from "../plant/stories.js";
import { SHORT_RECIPE } from "../recipe/short-recipe.js";

const ORDER: TuneOrder = {
	zone: "stage",
	kind: "relay",
	lowC: 60,
	highC: 138,
	aroundC: 125,
	hysteresisC: 1,
	cycles: 4,
	stepS: 900,
	watchS: 60,
	limitC: 140,
	secondsMax: 7_200,
	silenceSMax: 15,
	answerSMax: 300,
};

class Bench extends Story {
	private orders = 0;
	tune = "";

	order<Name extends keyof ControlCommands>(command: Name, args: ControlCommands[Name]["args"]) {
		return this.control
			.handle({ v: 1, id: `order-${++this.orders}`, command, args } as never)
			.then(({ result }) => result as ControlCommands[Name]["result"]);
	}

	async begin(order: Partial<TuneOrder> = {}): Promise<TuneProgress> {
		const progress = await this.order("tune", { order: { ...ORDER, ...order }, by: "mk" });
		this.tune = progress.tune;
		return progress;
	}

	follow(fromRow = 0) {
		return this.order("tune-progress", { tune: this.tune, fromRow });
	}

	/** Follows as the command does, until `until` holds. */
	async followed(until: (progress: TuneProgress) => boolean, limitS = 10_000): Promise<TuneProgress> {
		for (let seconds = 0; seconds < limitS; seconds += 2) {
			const progress = await this.follow();
			if (until(progress)) return progress;
			await this.forS(2);
		}
		throw new Error(`The test has not come there within ${limitS} s: ${JSON.stringify(await this.follow())}`);
	}

	async allRows(): Promise<TuneRow[]> {
		const rows: TuneRow[] = [];
		for (;;) {
			const { data } = await this.follow(rows.length);
			if (data.length === 0) return rows;
			rows.push(...data);
		}
	}

	async settings() {
		const answer = this.order("loop-settings", { zone: "stage" });
		await this.forS(2);
		return (await answer).settings;
	}

	/** Ends the test as a person does, and waits until it has ended. */
	async aborted() {
		const answer = this.order("command", { command: "abort", by: "mk" });
		await this.forS(5);
		return answer;
	}
}

let bench: Bench;
afterEach(async () => {
	vi.restoreAllMocks();
	await bench.stop();
});

const isOver = ({ state }: TuneProgress) => state === "done" || state === "aborted";
const rested = async () => {
	bench = new Bench({ pumped: true });
	await bench.ready();
	return bench;
};
/** What the instrument works to, by its own word. */
const works = () => ({
	setpointC: bench.setpointsC.stage,
	heated: bench.control.supervisor.commanded.targetsC.has("stage"),
});

describe("a zone's test on the simulated reactor", () => {
	it("swings the zone below the operator's limit, gives the former setpoint back, and shows what the heater is", async () => {
		await rested();
		const before = works();
		await bench.begin();
		let highestC = 0;
		const end = await bench.followed((progress) => {
			highestC = Math.max(highestC, progress.temperatureC ?? 0);
			return isOver(progress);
		});
		expect(end).toMatchObject({ state: "done", reason: null, restored: true, progress: 1 });
		expect(highestC).toBeLessThan(ORDER.limitC);
		await bench.forS(3);
		expect(works()).toEqual(before);
		const rows = await bench.allRows();
		const column = (i: number) => rows.map((row) => row[i]!);
		const found = zoneModelOf(identify({ timeS: column(0), powerPercent: column(1), temperatureC: column(2) }).chosen);
		// The twin's stage: 2 °C/%, 600 s, 8 s; the wall pulls with 3 % of the stage's own loss.
		expect(found.gainCPerPercent / found.timeConstantS).toBeCloseTo(2 / 600, 4);
		expect(found.timeConstantS).toBeGreaterThan(540);
		expect(found.timeConstantS).toBeLessThan(660);
		expect(found.deadTimeS).toBeGreaterThan(6);
		expect(found.deadTimeS).toBeLessThan(10.5);
		expect(bench.records("tune").map(({ state, by }) => [state, by])).toEqual([
			["started", "mk"],
			["done", "mk"],
		]);
	});

	it("does a step as well", async () => {
		await rested();
		await bench.begin({ kind: "step", stepS: 400 });
		const end = await bench.followed(isOver);
		expect(end).toMatchObject({ state: "done", restored: true });
	});

	it("refuses with every reason at once what would not be safe", async () => {
		await rested();
		await expect(bench.begin({ limitC: 195, highC: 196, cycles: 1, zone: "stage" })).rejects.toMatchObject({
			code: "TUNE_REFUSED",
			message: expect.stringMatching(
				/196.*not below the limit of 195.*2 whole swings.*not below the zone's own of 190/s,
			),
		});
		await expect(bench.begin({ zone: "oven" })).rejects.toMatchObject({ code: "TUNE_REFUSED" });
		await expect(bench.begin({ limitC: Number.NaN })).rejects.toMatchObject({ code: "USAGE" });
	});

	it("goes not above what an ended run declared for its foil, until that run is reset", async () => {
		await rested();
		await bench.launch("short.recipe.yaml", { recipeText: SHORT_RECIPE });
		await bench.command("abort");
		await bench.state("aborted", 60);
		await expect(bench.begin()).rejects.toMatchObject({
			code: "TUNE_REFUSED",
			message: expect.stringContaining("140 °C is above 105 °C, which the last run declared as never above."),
		});
		await bench.command("reset");
		expect(await bench.begin()).toMatchObject({ state: "testing" });
	});

	it("begins at no zone in doubt before somebody has looked", async () => {
		await rested();
		const { alarms } = bench.control.supervisor;
		alarms.raise({ alarm: "heater.stage", message: "Zone stage is not its model any more." });
		await expect(bench.begin()).rejects.toMatchObject({
			code: "TUNE_REFUSED",
			message: expect.stringContaining("acknowledge the alarm heater.stage"),
		});
		alarms.acknowledge("heater.stage", "Ada");
		expect(await bench.begin()).toMatchObject({ state: "testing" });
	});

	it("and a run exclude each other", async () => {
		await rested();
		await bench.begin();
		await expect(bench.launch("pump-down.recipe.yaml")).rejects.toMatchObject({ code: "TUNE_ACTIVE" });
		await expect(bench.begin({ zone: "wall" })).rejects.toMatchObject({ code: "TUNE_ACTIVE" });
		await bench.aborted();
		await bench.launch("pump-down.recipe.yaml");
		await expect(bench.begin()).rejects.toMatchObject({ code: "RUN_ACTIVE" });
	});
});

describe("a test that is interrupted", () => {
	it.each([
		["while it watches", "watching"],
		["on the high side", "high"],
		["on the low side", "low"],
	])("%s leaves the instrument with its former settings", async (_, phase) => {
		await rested();
		const before = works();
		const loop = await bench.settings();
		await bench.begin();
		await bench.followed((progress) => progress.phase === phase);
		await bench.forS(1.3);
		expect(await bench.aborted()).toMatchObject({ run: bench.tune, state: "aborted" });
		expect(await bench.follow()).toMatchObject({ state: "aborted", reason: "abort by mk", restored: true });
		await bench.forS(3);
		expect(works()).toEqual(before);
		expect(await bench.settings()).toEqual(loop);
		expect(bench.control.supervisor.view.declaration).toBeNull();
	});

	it("because nobody follows it any more ends as well", async () => {
		await rested();
		const before = works();
		await bench.begin();
		await bench.forS(FOLLOWED_S + 5);
		expect(await bench.follow()).toMatchObject({ state: "aborted", restored: true });
		await bench.forS(3);
		expect(works()).toEqual(before);
	});

	it("by whoever makes the reactor safe ends at once, and its heater stays off", async () => {
		await rested();
		await bench.begin({ watchS: 5 });
		await bench.followed(({ phase }) => phase === "high");
		const safe = bench.order("make-safe", { by: "mk" });
		await bench.forS(8);
		await expect(safe).resolves.toEqual({ safe: true, run: null });
		expect(await bench.follow()).toMatchObject({ state: "aborted", reason: "made safe by mk" });
		await bench.forS(120);
		expect(works().heated).toBe(false);
		expect(bench.control.plant.reading("stage.output").value).toBe(0);
	});

	it("by the end of control leaves the instrument with its former settings", async () => {
		await rested();
		const before = works();
		await bench.begin();
		await bench.followed(({ phase }) => phase === "high");
		const stopped = bench.control.stop();
		await bench.forS(6);
		await stopped;
		expect(bench.records("tune").at(-1)).toMatchObject({
			state: "aborted",
			detail: expect.stringContaining("given back"),
		});
		expect(before.heated).toBe(false);
	});

	it.each(["watching", "high", "low"])(
		"by the death of control while %s leaves the instrument at its own safe setpoint, with its former settings",
		async (phase) => {
			await rested();
			const loop = await bench.settings();
			await bench.begin();
			await bench.followed((progress) => progress.phase === phase);
			bench.kill();
			await bench.forS(30);
			bench.comeBack();
			await bench.ready();
			await bench.forS(3);
			expect(bench.setpointsC.stage).toBeLessThanOrEqual(40);
			expect(bench.control.plant.reading("stage.output").value).toBe(0);
			expect(works().heated).toBe(false);
			expect(await bench.settings()).toEqual(loop);
		},
	);

	it("by an opened lid, a broken sensor or a zone above the limit ends in the safe state", async () => {
		for (const cause of ["lid", "sensor"] as const) {
			await rested();
			await bench.begin({ watchS: 5 });
			await bench.followed(({ phase, temperatureC }) => phase === "high" && temperatureC! > 60);
			const { twin } = bench.lab;
			const zoneC = twin.zoneC.bind(twin);
			if (cause === "lid") {
				twin.setLid(false);
			} else vi.spyOn(twin, "zoneC").mockImplementation((zone) => (zone === "stage" ? (null as never) : zoneC(zone)));
			const end = await bench.followed(isOver, 120);
			expect(end.state).toBe("aborted");
			await bench.forS(8);
			expect(works()).toEqual({
				setpointC: expect.toSatisfy((value: number | null) => (value ?? 0) <= 40),
				heated: false,
			});
			if (cause === "lid") await bench.stop();
		}
	});
});

describe("loop settings", () => {
	it("are written by rule and read back", async () => {
		await rested();
		const model = { gainCPerPercent: 2, timeConstantS: 600, lagS: 0, deadTimeS: 8, restC: 22 };
		const { proportionalBandC, integralS, derivativeS } = proposedSettings(model);
		const settings = { proportionalBandC, integralS, derivativeS };
		const applied = bench.order("apply-loop-settings", { zone: "stage", settings, by: "mk" });
		await bench.forS(3);
		expect(await applied).toEqual({
			zone: "stage",
			former: { proportionalBandC: 8, integralS: 150, derivativeS: 0 },
			now: settings,
		});
		expect(bench.records("tune").map(({ state }) => state)).toEqual(["applying", "applied"]);
		const wrong = bench.order("apply-loop-settings", {
			zone: "stage",
			settings: { ...settings, integralS: -1 },
			by: "mk",
		});
		const refused = expect(wrong).rejects.toMatchObject({ code: "SETPOINT_OUT_OF_RANGE" });
		await bench.forS(3);
		await refused;
	});
});
