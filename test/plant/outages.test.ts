import { afterEach, describe, expect, it } from "vitest";
import { AdlayerError } from "#core/errors.js";
import { DISK_NO_NEW_RUNS_FRACTION } from "#journal/disk.js";
import type { ServiceReport } from "#record/service-status.js";
import type { JournalHealth } from "#src/housekeeping.js";
import { SILENT_MS_MAX, STARTING_MS_MAX } from "#src/service-watch.js";
import { Story } from "./stories.js";

/** On a machine that has other things to do. */
const TWO_RUNS_MS = 240_000;

let story: Story;
afterEach(() => story.stop());
const alarms = () => story.records("alarm").map(({ alarm, state }) => `${alarm} ${state}`);
const durations = () => story.records("step-ended").map(({ type, actualS }) => `${type} ${actualS.toFixed(1)}`);
const COMPLETE = { ordered: 4, complete: 4, repeated: 0, unknown: 0 };

describe("the wall clock jumping in a run", () => {
	it.each([
		["back", -86_400_000],
		["ahead", 3_600_000],
	])("%s moves no purge and no anneal minute, and raises an alarm", { timeout: TWO_RUNS_MS }, async (way, jumpMs) => {
		story = await Story.launched();
		await story.state("complete");
		const plain = { durations: durations(), anneal: story.records("run-finished")[0]!.anneal };
		await story.stop();

		story = await Story.at("purge", 3);
		story.wallShiftMs += jumpMs;
		await story.clock.advanceUntil(() => story.run.anneal!.inBandS > 30, 10_000_000);
		story.wallShiftMs += jumpMs;
		await story.state("complete");
		const [finished] = story.records("run-finished");
		expect(finished!.cycles).toEqual(COMPLETE);
		expect(durations()).toEqual(plain.durations);
		expect(finished!.anneal).toEqual(plain.anneal);
		// Each comes, and goes when the clock runs on evenly.
		const jumped = ["clock.jumped unacknowledged", "clock.jumped returned-unacknowledged"];
		expect(alarms()).toEqual([...jumped, ...jumped]);
		expect(story.records("alarm")[0]!.message).toContain(`jumped ${way} by ${Math.abs(jumpMs) / 1_000}.0 s`);
		expect(story.records("interlock")).toEqual([]);
		expect(story.journal.records.map(({ seq }) => seq)).toEqual(story.journal.records.map((_, index) => index + 1));
	});

	it("back while control is away is an alarm of the next control, which stays until somebody has seen it", async () => {
		story = await Story.at("purge", 4);
		story.kill();
		await story.forS(30);
		story.wallShiftMs -= 86_400_000;
		story.comeBack();
		await story.forS(5);
		expect(story.status.alarms).toMatchObject([
			{
				alarm: "clock.jumped",
				state: "returned-unacknowledged",
				message: expect.stringMatching(/back by 863\d\d\.\d s/),
			},
		]);
		await story.ask("acknowledge-alarm", { alarm: "clock.jumped", by: "test" });
		expect(story.status.alarms).toEqual([]);
		story.kill();
		await story.forS(30);
		story.comeBack();
		await story.forS(5);
		expect(story.status.alarms).toEqual([]);
	});

	it("while control is away shows in the gap, and takes no dose back", async () => {
		story = await Story.at("purge", 4);
		story.kill();
		await story.forS(30);
		story.wallShiftMs -= 86_400_000;
		story.comeBack();
		await story.forS(20);
		expect(story.run.interruption).toMatchObject({ gapS: 0, lastDoses: { TMA: { sinceS: 0 } } });
		expect(story.run.elapsedS).toBeGreaterThan(0);
		await story.command("restart");
		await story.state("complete");
		expect(story.records("run-finished")[0]!.cycles).toMatchObject({ ordered: 4, complete: 4 });
		expect(story.violations).toEqual([]);
	});
});

describe("the journal's disk filling up in a run", () => {
	it("raises an alarm at 70 %, refuses new runs at 85 %, and lets the run end with every event", async () => {
		let usedFraction = 0.5;
		const level = () => (usedFraction >= 0.95 ? "samples-thinned" : usedFraction >= 0.85 ? "no-new-runs" : "ok");
		story = await Story.launched({ disk: () => ({ usedFraction, level: level() }) as never });
		await story.step("purge", 2);
		usedFraction = 0.71;
		await story.forS(15);
		expect(alarms()).toEqual(["disk.filling unacknowledged"]);
		usedFraction = 0.96;
		await story.state("complete");
		expect(story.records("run-finished")[0]!.cycles).toEqual(COMPLETE);
		await expect(story.launch("li-two-step.recipe.yaml")).rejects.toMatchObject({ code: "DISK_FULL" });
		usedFraction = DISK_NO_NEW_RUNS_FRACTION - 0.2;
		await story.forS(15);
		expect(alarms().at(-1)).toBe("disk.filling returned-unacknowledged");
	});

	it("raises the same alarm when nobody can say how full it is, until somebody can", async () => {
		let usedFraction: number | null = null;
		story = await Story.launched({ disk: () => ({ usedFraction, level: "ok" }) });
		await story.forS(55);
		expect(alarms()).toEqual([]);
		await story.forS(20);
		expect(story.status.alarms).toMatchObject([
			{ alarm: "disk.filling", message: "How full the journal's disk is cannot be measured." },
		]);
		usedFraction = 0.5;
		await story.forS(15);
		expect(alarms().at(-1)).toBe("disk.filling returned-unacknowledged");
	});
});

describe("a journal that its disk fails", () => {
	it("raises the alarm when a sync does not end, and when nothing can be written any more", async () => {
		let health: JournalHealth = { failure: undefined, syncingMs: 4_999 };
		story = await Story.launched({ journalHealth: () => health });
		await story.forS(5);
		expect(alarms()).toEqual([]);
		health = { failure: undefined, syncingMs: 5_000 };
		await story.forS(5);
		expect(alarms()).toEqual(["journal.failed unacknowledged"]);
		expect(story.records("alarm")[0]!.message).toContain("under way for 5 s");
		health = { failure: new AdlayerError("JOURNAL_FAILED", "The disk is gone."), syncingMs: 0 };
		await story.forS(5);
		expect(story.status.alarms.map(({ alarm, message }) => [alarm, message])).toEqual([
			["journal.failed", "The disk is gone."],
		]);
	});
});

describe("the service, its database and its broker in a run", () => {
	const WELL: ServiceReport = {
		instance: "one",
		leaving: false,
		database: { state: "ready", detail: "", refusedRecords: 0 },
		broker: { state: "ready", detail: "" },
	};
	const GONE = { state: "unavailable", detail: "connect ECONNREFUSED", refusedRecords: 0 } as const;
	const DATABASE_GONE = { ...WELL, database: GONE } as const;
	const says = (report: ServiceReport) => story.ask("report-service", report);
	const saysForS = async (report: ServiceReport, seconds: number) => {
		for (let second = 0; second < seconds; second += 1) {
			await says(report);
			await story.forS(1);
		}
	};
	const present = () => story.status.alarms.map(({ alarm, state }) => `${alarm} ${state}`);
	const completes = async () => {
		await story.state("complete");
		expect(story.records("run-finished")[0]!.cycles).toEqual(COMPLETE);
		expect(story.states).toEqual(["running", "complete"]);
	};

	it("are alarms when database or broker are away for ten minutes, on report only after a delay, and the run goes on", async () => {
		story = await Story.launched();
		await saysForS(WELL, 10);
		await saysForS(DATABASE_GONE, 4);
		expect(alarms()).toEqual([]);
		await saysForS(WELL, 1);
		await saysForS({ ...DATABASE_GONE, broker: { state: "unavailable", detail: "no connection" } }, 600);
		expect(story.status.alarms).toMatchObject([
			{ alarm: "database.away", priority: "medium", message: "The database is unavailable: connect ECONNREFUSED" },
			{ alarm: "broker.away", priority: "low", message: "The broker is unavailable: no connection" },
		]);
		await saysForS(WELL, 10);
		await completes();
		expect(alarms().slice(0, 4)).toEqual([
			"database.away unacknowledged",
			"broker.away unacknowledged",
			"database.away returned-unacknowledged",
			"broker.away returned-unacknowledged",
		]);
	});

	it("is an alarm while records are kept apart that the database refuses, with what to do, and the run goes on", async () => {
		story = await Story.launched();
		await saysForS(WELL, 3);
		const detail = "2 records were refused by the database: /data/refused-records.jsonl.";
		await saysForS({ ...WELL, database: { state: "ready", detail, refusedRecords: 2 } }, 5);
		expect(story.status.alarms).toMatchObject([
			{ alarm: "records.refused", state: "unacknowledged", priority: "high", message: detail },
		]);
		const [alarm] = story.status.alarms;
		for (const text of [alarm!.cause, alarm!.consequence, alarm!.response]) expect(text).toMatch(/record|file/);
		await story.ask("acknowledge-alarm", { alarm: "records.refused", by: "test" });
		expect(present()).toEqual(["records.refused acknowledged"]);
		await saysForS(WELL, 1);
		expect(present()).toEqual([]);
		await completes();
	});

	it("is an alarm when the service falls silent, which says what its database was said to be already", async () => {
		story = await Story.launched();
		await saysForS(WELL, 3);
		await saysForS(DATABASE_GONE, 10);
		expect(present()).toEqual(["database.away unacknowledged"]);
		await story.forS(SILENT_MS_MAX / 1_000);
		expect(present()).toEqual(["database.away suppressed", "service.away unacknowledged"]);
		expect(story.status.service).toMatchObject({ state: "away" });
		await saysForS(WELL, 8);
		expect(story.status.service).toMatchObject({ state: "present" });
		expect(present()).toEqual(["database.away returned-unacknowledged", "service.away returned-unacknowledged"]);
		await completes();
	});

	it("is an alarm when it was killed and started again before anybody could miss it, and once only when two speak", async () => {
		story = await Story.launched();
		await saysForS(WELL, 3);
		await story.forS(2);
		const other = { ...WELL, instance: "two" };
		await says(other);
		expect(alarms()).toEqual(["service.away unacknowledged", "service.away returned-unacknowledged"]);
		expect(story.records("alarm")[0]!.message).toContain("another was heard 3.0 s after its last word");
		for (let time = 0; time < 10; time += 1) {
			await saysForS(WELL, 1);
			await saysForS(other, 1);
		}
		expect(alarms()).toHaveLength(2);
	});

	it("is no alarm where none was ever there, nor after one was stopped in order, also not for a control that begins then", async () => {
		story = await Story.launched();
		await story.forS(STARTING_MS_MAX / 1_000 + 30);
		expect(story.status.service).toEqual({ state: "none", heardAt: null, database: null, broker: null });
		await saysForS(DATABASE_GONE, 5);
		await says({ ...DATABASE_GONE, leaving: true });
		await story.forS(STARTING_MS_MAX / 1_000 + 30);
		expect(story.status.service).toMatchObject({ state: "stopped" });
		expect(present()).toEqual([]);
		await saysForS({ ...WELL, instance: "two" }, 1);
		await says({ ...WELL, instance: "two", leaving: true });
		story.comeBack();
		await story.forS(STARTING_MS_MAX / 1_000 + 30);
		expect(present().filter((said) => said.startsWith("service"))).toEqual([]);
	});

	it("is missed by a control that begins after a service that was not stopped", async () => {
		story = await Story.launched();
		await saysForS(WELL, 3);
		story.comeBack();
		await story.forS(STARTING_MS_MAX / 1_000 - 2);
		expect(present().filter((said) => said.startsWith("service"))).toEqual([]);
		await story.forS(4);
		expect(present().filter((said) => said.startsWith("service"))).toEqual(["service.away unacknowledged"]);
	});

	it("may take a minute to its database when it starts", async () => {
		story = await Story.launched();
		await saysForS(DATABASE_GONE, STARTING_MS_MAX / 1_000);
		expect(alarms()).toEqual([]);
		await saysForS(DATABASE_GONE, 7);
		expect(present()).toEqual(["database.away unacknowledged"]);
	});
});
