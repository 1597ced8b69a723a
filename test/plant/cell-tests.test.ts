/** Battery tests beside a reactor, on a cycler behind MQTT: ordered, followed, through restarts of control. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import type { CellTestArgs, ControlCommands } from "#control-link/messages.js";
import { MemoryJournal } from "#journal/memory.js";
import { lastKnownFrom } from "#journal/recover.js";
import { serveMemory } from "#lab/serve-memory.js";
import { loadLibrary } from "#recipe/library-files.js";
import type { CellTestRow } from "#record/cell-tests.js";
import type { JournalRecord } from "#record/records.js";
import { parseLabFile } from "#src/config.js";
import { Control } from "#src/control.js";
import { SHORT_RECIPE } from "../recipe/short-recipe.js";
import { VirtualPlant } from "../support/virtual-plant.js";

const RECIPES = resolve(import.meta.dirname, "../../recipes");
const FILE = resolve(RECIPES, "labs/simulated.lab.yaml");
const CYCLER = `  cycler:
    driver: mqtt-cycler
    address: simulated:cycler
    poll_ms: 1000
    stale_ms: 5000
    settings:
      stale_s: 10
      channels:
        a1: { topic: "1", voltage_V: { min: -5, max: 5 }, current_A_max: 0.006 }
        a2: { topic: "2", voltage_V: { min: -5, max: 5 }, current_A_max: 0.006 }
`;
const LAB = parseLabFile(readFileSync(FILE, "utf8").replace("\nreactor:\n", `\n${CYCLER}\nreactor:\n`), FILE);

const PROTOCOL = `adlayer: protocol/1
name: short
title: Short half-cycles
version: "1"
cell: symmetric
window: { min_V: -2, max_V: 2 }
limits: { hours: 2, current_mA_per_cm2: 2, capacity_mAh_per_cm2: 1 }
record_s: 10
steps:
  - repeat:
      times: 3
      steps:
        - constant_current: { current_mA_per_cm2: 1, until: { time_s: 100 } }
        - constant_current: { current_mA_per_cm2: -1, until: { time_s: 100 } }
`;
const ROWS = 3 * 2 * 10;
const ORDER: CellTestArgs = {
	cell: "C-77",
	cycler: "cycler",
	protocolText: PROTOCOL,
	areaCm2: 1.27,
	operator: "A. Person",
};

let ids = 0;
async function ask<Name extends keyof ControlCommands>(
	control: Control,
	command: Name,
	args: ControlCommands[Name]["args"],
): Promise<ControlCommands[Name]["result"]> {
	ids += 1;
	return (await control.handle({ v: 1, id: `c-${ids}`, command, args })).result;
}

const rowsOf = (records: readonly JournalRecord[], cellTest: string): CellTestRow[] =>
	records.flatMap((record) => (record.kind === "cell-test-rows" && record.cellTest === cellTest ? record.rows : []));
const statesOf = (records: readonly JournalRecord[], cellTest: string): string[] =>
	records.flatMap((record) => (record.kind === "cell-test-state" && record.cellTest === cellTest ? [record.to] : []));
const everyRowOnce = (rows: readonly CellTestRow[]) =>
	expect(rows.map(({ seq }) => seq)).toEqual(Array.from({ length: ROWS }, (_, at) => at + 1));

const newPlant = () => new VirtualPlant({ lab: LAB }).ready();

/** Control is gone without a word; the lab lives on for `goneS`, then another control comes up on its journal. */
async function restart(plant: VirtualPlant, before: readonly JournalRecord[], goneS: number) {
	const { clock, lab } = plant;
	await clock.advance(goneS * 1_000);
	const served = serveMemory(lab, clock);
	const journal = new MemoryJournal(clock);
	const control = new Control({
		lab: LAB,
		library: loadLibrary(RECIPES),
		clock,
		journal,
		version: "test",
		speed: 1,
		lastKnown: lastKnownFrom(before),
		open: (address) => (address.scheme === "simulated" ? served.opener(address.line) : undefined),
		mqtt: (address) => (address.scheme === "simulated" ? served.mqtt(address.line) : undefined),
	});
	control.start();
	return { control, journal };
}

describe("battery tests in control", () => {
	it("run from order to end while a reactor stands beside, every row in the journal once", async () => {
		const plant = await newPlant();
		expect(await ask(plant.control, "cyclers", {})).toEqual({ cyclers: { cycler: ["a1", "a2"] } });
		const ordered = await ask(plant.control, "start-cell-test", ORDER);
		expect(ordered).toMatchObject({ state: "queued", cell: "C-77", protocol: "short", rows: 0 });
		await plant.clock.advance(60_000);
		const { tests } = await ask(plant.control, "cell-tests", {});
		expect(tests).toMatchObject([{ cellTest: ordered.cellTest, state: "running", channel: "a1" }]);
		expect(tests[0]!.rows).toBeGreaterThan(3);
		await plant.clock.advance(600_000);
		everyRowOnce(rowsOf(plant.journal.records, ordered.cellTest));
		const after = await ask(plant.control, "cell-tests", {});
		expect(after.tests).toMatchObject([{ cellTest: ordered.cellTest, state: "finished", rows: ROWS, cause: "finish" }]);
		await plant.stop();
	});

	it.each([5, 150, 900])("survive a control that is away for %i s, without a gap or a doubled row", async (goneS) => {
		const plant = await newPlant();
		const { cellTest } = await ask(plant.control, "start-cell-test", ORDER);
		await plant.clock.advance(120_000);
		const before = [...plant.journal.records];
		await plant.stop();
		const { control, journal } = await restart(plant, before, goneS);
		await plant.clock.advance(30_000);
		expect((await ask(control, "cell-tests", {})).tests).toMatchObject([{ cellTest, operator: "A. Person" }]);
		await plant.clock.advance(700_000);
		const all = [...before, ...journal.records];
		everyRowOnce(rowsOf(all, cellTest));
		expect(statesOf(all, cellTest)).toEqual(["starting", "running", "finished"]);
		const stopped = control.stop();
		await plant.clock.advance(5_000);
		await stopped;
	});

	it("stop on request, and say by whom", async () => {
		const plant = await newPlant();
		const { cellTest } = await ask(plant.control, "start-cell-test", ORDER);
		await plant.clock.advance(60_000);
		await ask(plant.control, "stop-cell-test", { cellTest, by: "B. Person" });
		await plant.clock.advance(60_000);
		const { tests } = await ask(plant.control, "cell-tests", {});
		expect(tests).toMatchObject([{ cellTest, state: "stopped", cause: "stopped by B. Person" }]);
		await expect(ask(plant.control, "stop-cell-test", { cellTest, by: "B. Person" })).rejects.toMatchObject({
			code: "NOT_FOUND",
		});
		await plant.stop();
	});

	it("are refused with every reason, and nothing is written", async () => {
		const plant = await newPlant();
		const seq = plant.journal.lastSeq;
		const refused = (args: Partial<CellTestArgs>) => ask(plant.control, "start-cell-test", { ...ORDER, ...args });
		await expect(refused({ cycler: "io" })).rejects.toMatchObject({ code: "CYCLER_REFUSED" });
		await expect(refused({ areaCm2: 100 })).rejects.toMatchObject({ code: "CYCLER_REFUSED" });
		await expect(refused({ protocolText: "steps: []" })).rejects.toMatchObject({ code: "PROTOCOL_INVALID" });
		await expect(refused({ areaCm2: 0, cell: "" })).rejects.toMatchObject({ code: "USAGE" });
		expect(plant.journal.lastSeq).toBe(seq);
		await plant.stop();
	});

	it("never hold up a run: not with a cycler that is silent when it is launched, nor with one that falls silent", async () => {
		const plant = await newPlant();
		const { cellTest } = await ask(plant.control, "start-cell-test", ORDER);
		await plant.clock.advance(60_000);
		plant.lab.powerCycle("cycler");
		plant.lab.silence("cycler", true);
		await plant.clock.advance(60_000);
		expect(plant.control.status.instruments.cycler).toMatchObject({ state: "fault", error: { code: "DEVICE_SILENT" } });
		await plant.launch("short.recipe.yaml", { recipeText: SHORT_RECIPE });
		await plant.clock.advance(20_000);
		plant.lab.silence("cycler", false);
		plant.lab.powerCycle("cycler");
		await plant.until("complete", 4_000);
		await plant.clock.advance(60_000);
		expect(plant.records("interlock")).toEqual([]);
		const rows = rowsOf(plant.journal.records, cellTest);
		expect(rows.map(({ seq }) => seq)).toEqual(rows.map((_, at) => at + 1));
		expect(statesOf(plant.journal.records, cellTest)).toEqual(["starting", "running", "stopped"]);
		await plant.stop();
	});
});
