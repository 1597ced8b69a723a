import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { SteppedClock } from "#core/clock.js";
import { MemoryJournal } from "#journal/memory.js";
import { lastKnownFrom } from "#journal/recover.js";
import { serveMemory } from "#lab/serve-memory.js";
import { loadLibrary } from "#recipe/library-files.js";
import type { JournalRecord, RecordKind } from "#record/records.js";
import { loadLabFile } from "#src/config.js";
import { Control } from "#src/control.js";
import { Story } from "./stories.js";

const RECIPES = resolve(import.meta.dirname, "../../recipes");
const WALL_START_MS = Date.UTC(2026, 0, 1);

/** Control dies with `story` as it is; the lab lives on for `goneS`, then another control process comes up on its journal. */
async function restartControl(story: Story, goneS = 10) {
	const clock = new SteppedClock({ startMs: 0, wallStartMs: WALL_START_MS + story.clock.nowMs() + goneS * 1_000 });
	const served = serveMemory(story.lab, clock);
	await clock.advance(goneS * 1_000);
	const journal = new MemoryJournal(clock);
	const control = new Control({
		lab: loadLabFile(resolve(RECIPES, "labs/simulated.lab.yaml")),
		library: loadLibrary(RECIPES),
		clock,
		journal,
		version: "test",
		speed: 1,
		lastKnown: lastKnownFrom(story.journal.records),
		open: (address) => (address.scheme === "simulated" ? served.opener(address.line) : undefined),
	});
	const before = { stopOpen: story.lab.twin.isValveOpen("stop"), sccm: Math.round(story.lab.twin.carrierSccm) };
	control.start();
	await clock.advance(20_000);
	served.advance();
	const of = <Kind extends RecordKind>(kind: Kind) =>
		journal.records.filter((record): record is Extract<JournalRecord, { kind: Kind }> => record.kind === kind);
	const launch = async () => {
		const recipeText = readFileSync(resolve(RECIPES, "li-two-step.recipe.yaml"), "utf8");
		return control.handle({
			v: 1,
			id: "again",
			command: "launch",
			args: { recipe: "again", recipeText, set: {}, operator: "test", acknowledge: [] },
		});
	};
	return { clock, journal, control, before, of, launch };
}

describe("control that dies and comes back", () => {
	it("in a purge records the run as aborted, with the cycles that were complete", async () => {
		const story = await Story.at("purge", 4);
		// The last pulse has its record once its pressure evidence is complete.
		await story.forS(8);
		const { run } = story.run;
		const { of } = await restartControl(story);
		expect(of("run-state").map(({ from, to, cause }) => [from, to, cause])).toEqual([
			["running", "aborting", "control restarted"],
			["aborting", "aborted", "control restarted"],
		]);
		expect(of("run-finished")).toMatchObject([
			{ run, state: "aborted", cycles: { ordered: 4, complete: 1, repeated: 0, unknown: 0 } },
		]);
	});

	it("in a pulse records its fate as unknown", async () => {
		const story = await Story.launched();
		await story.pulse(3);
		const { of } = await restartControl(story);
		expect(of("pulse")).toMatchObject([
			{
				pulse: 3,
				precursor: "TMA",
				cycle: 2,
				commandedMs: 15,
				issuedT: null,
				confirmedMs: null,
				effective: null,
				fate: "unknown",
			},
		]);
		expect(of("run-finished")[0]!.cycles).toEqual({ ordered: 4, complete: 1, repeated: 0, unknown: 1 });
	});

	it("has the reactor driven safe by the instruments meanwhile, and keeps it so", async () => {
		const story = await Story.at("purge", 3);
		const { before, control } = await restartControl(story);
		// The valve I/O's watchdog opened the stop valve; the flow controller went on.
		expect(before).toEqual({ stopOpen: true, sccm: 100 });
		expect(story.reactor).toEqual({ precursors: [], stopOpen: true, sccm: 100 });
		expect(control.plant.reading("stage.setpoint").value).toBe(0);
		expect(control.plant.reading("stage.output").value).toBe(0);
		expect(story.violations).toEqual([]);
	});

	it("purges again although no run was open: its connection has shut the stop valve against the flowing carrier", async () => {
		const story = await Story.launched({ set: { cycles: 1 } });
		await story.state("complete");
		const { of } = await restartControl(story);
		expect(of("run-finished")).toEqual([]);
		expect(story.reactor).toEqual({ precursors: [], stopOpen: true, sccm: 100 });
	});

	it("counts both precursors as just dosed", async () => {
		const story = await Story.at("purge", 4);
		const { control, clock } = await restartControl(story);
		const { doses } = control.supervisor;
		expect(doses.secondsSince("TMA", clock.nowMs())).toBeLessThanOrEqual(20);
		expect(doses.secondsSince("H2O", clock.nowMs())).toBeLessThanOrEqual(20);
	});

	it("leaves nothing latched, so that the next run can be launched", async () => {
		const story = await Story.at("purge", 4);
		const { launch, control } = await restartControl(story);
		await launch();
		expect(control.runState).toBe("running");
	});

	it("leaves a journal in which no run is open and no pulse in the balance", async () => {
		const story = await Story.launched();
		await story.pulse(3);
		const { journal } = await restartControl(story);
		const known = lastKnownFrom([...story.journal.records, ...journal.records]);
		expect(known.openRun).toBeNull();
		expect(known.intended).toEqual([]);
	});
});
