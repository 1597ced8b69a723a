/** Orders by hand that meet each other, a failure, a trip, or what a run has left. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { AdlayerError } from "#core/errors.js";
import { SHORT_RECIPE } from "../recipe/short-recipe.js";
import { asked, flowing } from "./by-hand.js";
import type { Story } from "./stories.js";

let story: Story;
beforeEach(async () => {
	story = await flowing();
});
afterEach(() => story.stop());

const set = (actuator: string, value: number | string, more: object = {}) =>
	asked(story, "manual-set", { actuator, value, ...more });
/** Answered later; the clock stands. */
const begun = (command: string, args: object) => {
	const answer = story.ask(command, { by: "mk", ...args });
	answer.catch(() => {});
	return answer;
};
const refused = (message: string) => ({ code: "MANUAL_NOT_ALLOWED", message: expect.stringContaining(message) });
const heated = () => [...story.control.supervisor.commanded.targetsC.keys()];

describe("an order by hand", () => {
	it("is refused while another is under way, which goes on", async () => {
		const first = begun("manual-dose", { precursor: "TMA", ms: 15 });
		await expect(set("carrier", 50)).rejects.toMatchObject(refused("dose TMA 15 ms is still under way"));
		await story.forS(2);
		await expect(first).resolves.toMatchObject({ pulse: 1 });
		expect(story.reactor.sccm).toBe(100);
	});

	it("is refused while the reactor goes to rest", async () => {
		await set("wall", 60);
		const rest = begun("make-safe", {});
		await expect(begun("manual-set", { actuator: "wall", value: 70 })).rejects.toMatchObject(
			refused("on its way to rest"),
		);
		await story.forS(5);
		await rest;
		expect(heated()).toEqual([]);
	});

	it("is refused with a bound for the foil when it heats no foil", async () => {
		await expect(set("wall", 60, { neverAboveC: 80 })).rejects.toMatchObject({ code: "USAGE" });
		expect(heated()).toEqual([]);
	});

	it("to heat is asked of its permit for the whole way before its first degree", async () => {
		await expect(set("wall", 500)).rejects.toMatchObject({ code: "PERMIT_REFUSED" });
		expect(heated()).toEqual([]);
		expect(story.status.manual).toMatchObject({ order: "carrier = 100 sccm" });
	});

	it("to switch a zone off ends its ramp", async () => {
		await set("wall", 140);
		await story.forS(20);
		await set("wall", "off");
		await story.forS(20);
		expect(heated()).toEqual([]);
		expect(story.control.plant.reading("wall.output").value).toBe(0);
	});

	it("that is the first and refused leaves the reactor nobody's", async () => {
		await asked(story, "make-safe", {});
		await story.forS(5);
		const before = story.journal.lastSeq;
		await expect(set("carrier", 10_000)).rejects.toMatchObject({ code: "PERMIT_REFUSED" });
		expect(story.status.manual).toBeNull();
		expect(story.control.supervisor.view.declaration).toBeNull();
		expect(story.since(before).filter(({ kind }) => kind.startsWith("manual"))).toMatchObject([
			{ kind: "manual-command", outcome: "ordered" },
			{ kind: "manual-command", outcome: "refused" },
			{ kind: "manual-ended", cause: "the first command was refused" },
		]);
		await story.launch("short.recipe.yaml", { recipeText: SHORT_RECIPE, set: { cycles: 1 } });
		await story.command("abort");
		await story.state("aborted", 10);
	});

	it("that meets the rest is not said to be done, though its instrument has taken it", async () => {
		const order = begun("manual-set", { actuator: "carrier", value: 50 });
		const rest = begun("make-safe", {});
		await story.forS(5);
		await rest;
		await expect(order).rejects.toMatchObject(refused("goes to rest: made safe by mk"));
		expect(story.records("manual-command").at(-1)).toMatchObject({ order: "carrier = 50 sccm", outcome: "failed" });
		expect(story.status.manual).toBeNull();
	});

	it("that is refused says why on record, and one that is done needs no words", async () => {
		await expect(set("carrier", 10_000)).rejects.toMatchObject({ code: "PERMIT_REFUSED" });
		const [done, , refusal] = story.records("manual-command").slice(-3);
		expect(done).not.toHaveProperty("detail");
		expect(refusal).toMatchObject({ outcome: "refused", detail: expect.stringContaining("10000 sccm is refused: ") });
	});

	it("to dose that is withdrawn by its instrument is disarmed and on record as not delivered", async () => {
		const { pulses } = story.control.plant.device("io");
		vi.spyOn(pulses!, "fire").mockRejectedValueOnce(new AdlayerError("OUTPUT_BUSY", "It came too late."));
		const disarm = vi.spyOn(pulses!, "disarm");
		await expect(asked(story, "manual-dose", { precursor: "TMA", ms: 15 })).rejects.toMatchObject({
			code: "OUTPUT_BUSY",
		});
		expect(disarm).toHaveBeenCalledTimes(1);
		expect(story.control.supervisor.doses.isOpen("TMA")).toBe(false);
		expect(story.records("pulse")).toMatchObject([{ precursor: "TMA", fate: "not-delivered", issuedT: null }]);
		expect(story.records("manual-command").at(-1)).toMatchObject({ order: "dose TMA 15 ms", outcome: "refused" });
		expect(story.status.manual).toMatchObject({ order: "carrier = 100 sccm" });
		expect(story.reactor.precursors).toEqual([]);
	});

	it("to heat whose ramp cannot go on brings the reactor to rest", async () => {
		await set("wall", 140);
		await story.forS(20);
		const wall = story.control.plant.device("wall");
		vi.spyOn(wall, "set").mockRejectedValue(new AdlayerError("READBACK_MISMATCH", "It was locked at its front."));
		await story.forS(10);
		expect(story.latched).toEqual([]);
		expect(heated()).toEqual([]);
		expect(story.records("manual-ended").at(-1)).toMatchObject({
			cause: expect.stringMatching(/^the setpoint of zone wall could not be moved: /),
		});
		expect(story.status.manual).toBeNull();
	});

	it("that fails at its instrument brings the reactor to rest", async () => {
		await set("wall", 60);
		story.lab.silence("carrier", true);
		const order = begun("manual-set", { actuator: "carrier", value: 50 });
		await story.forS(10);
		await expect(order).rejects.toMatchObject({ code: "DEVICE_SILENT" });
		expect(story.records("manual-command").at(-1)).toMatchObject({ outcome: "failed" });
		expect(story.status.manual).toBeNull();
		expect(heated()).toEqual([]);
	});
});

describe("putting the reactor to rest", () => {
	it("ends what is done by hand once, however often it is asked for, and nothing where nobody does anything", async () => {
		const rests = [begun("make-safe", {}), begun("make-safe", {})];
		await story.forS(6);
		await Promise.all(rests);
		await asked(story, "make-safe", {});
		expect(story.records("manual-ended")).toHaveLength(1);
		expect(story.records("manual-command").slice(-3)).toMatchObject([
			{ command: "safe", order: "safe", by: "mk", outcome: "ordered", neverAboveC: null, restAt: null },
			{ command: "safe" },
			{ command: "safe" },
		]);
	});
});

describe("the time after which nobody is taken to be there", () => {
	it("begins anew with each order", async () => {
		await set("wall", 60);
		await story.forS(800);
		await set("wall", 62);
		await story.forS(800);
		expect(story.status.manual).toMatchObject({ order: "wall = 62 °C" });
		await story.forS(110);
		expect(story.status.manual).toBeNull();
	});
});

describe("the time of an operation that is over", () => {
	it("does not end the next one", async () => {
		await story.forS(600);
		await asked(story, "make-safe", {});
		await story.forS(5);
		await set("wall", 60);
		await story.forS(500);
		expect(story.status.manual).toMatchObject({ order: "wall = 60 °C" });
		expect(heated()).toEqual(["wall"]);
	});

	it("ends nothing once control has stopped", async () => {
		await set("wall", 60);
		await story.stop();
		const { lastSeq } = story.journal;
		await story.forS(1_000);
		expect(story.since(lastSeq)).toEqual([]);
	});
});

describe("a trip in manual operation", () => {
	it("fails the order that is under way, and does not put the reactor to rest for it", async () => {
		const carrier = story.control.plant.device("carrier");
		let take: (sccm: number) => void = () => {};
		vi.spyOn(carrier, "set").mockImplementationOnce(() => new Promise((resolve) => (take = resolve)));
		const order = begun("manual-set", { actuator: "carrier", value: 50 });
		story.lab.silence("io", true);
		await story.forS(10);
		expect(story.latched).toContain("valve-io-lost");
		take(50);
		await expect(order).rejects.toMatchObject({ code: "INTERLOCK_TRIPPED" });
		await story.forS(10);
		expect(story.records("manual-command").at(-1)).toMatchObject({ outcome: "failed" });
		expect(story.status.manual).not.toBeNull();
		expect(story.records("manual-ended")).toEqual([]);
	});

	it("ends every ramp and the order under way, and leaves the bounds until the reactor is put to rest", async () => {
		await set("stage", 60, { neverAboveC: 70 });
		story.lab.silence("io", true);
		await story.forS(20);
		expect(story.latched).toContain("valve-io-lost");
		expect(heated()).toEqual([]);
		expect(story.status.manual).toMatchObject({ neverAboveC: 70 });
		expect(story.control.supervisor.view.declaration).toMatchObject({ neverAboveC: 70 });
	});
});

describe("after a run", () => {
	it("the run's actuators bear nobody's name, and its bound stands for who heats by hand until it is reset", async () => {
		await asked(story, "make-safe", {});
		await story.forS(5);
		const { run } = await story.launch("short.recipe.yaml", { recipeText: SHORT_RECIPE, set: { cycles: 1 } });
		await story.step("pump-down");
		const moved = story.records("actuation").filter((record) => record.run === run);
		expect(moved.length).toBeGreaterThan(0);
		expect(moved.filter(({ by }) => by !== undefined)).toEqual([]);
		await story.command("abort");
		await story.state("aborted", 10);
		await expect(set("stage", 60, { neverAboveC: 120 })).rejects.toMatchObject(refused("above the bound of 105 °C"));
		await set("stage", 60, { neverAboveC: 90 });
		await expect(story.command("reset")).rejects.toMatchObject({ code: "MANUAL_ACTIVE" });
		await asked(story, "make-safe", {});
		await story.forS(5);
		await story.command("reset");
		expect(story.runState).toBe("idle");
		await set("stage", 60, { neverAboveC: 120 });
	});

	it("what is moved by hand is on no run's record", async () => {
		await asked(story, "make-safe", {});
		await story.forS(5);
		await story.launch("short.recipe.yaml", { recipeText: SHORT_RECIPE, set: { cycles: 1 } });
		await story.command("abort");
		await story.state("aborted", 10);
		await set("carrier", 50);
		expect(story.records("actuation").at(-1)).toMatchObject({ signal: "carrier.setpoint", run: null, by: "mk" });
	});
});
