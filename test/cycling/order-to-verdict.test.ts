/** Shipped protocols on simulated cells behind a simulated BTS server, from the order to the verdict. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { CellTests } from "#cycling/engine.js";
import { MemoryJournal } from "#journal/memory.js";
import type { FollowedCellTest } from "#record/cell-test-history.js";
import { cellFacts } from "#src/cell-facts.js";
import { RunningVerdicts } from "#src/verdicts/running-verdicts.js";
import { type CellSpec, SimulatedCell } from "#twin/cells/cell.js";
import { Rig, SETTINGS } from "../drivers/neware-bts8/rig.js";
import { MemoryCellTests } from "../support/memory-cell-tests.js";
import { cellConstants } from "../twin/cells/support.js";

const PROTOCOLS = resolve(import.meta.dirname, "../../recipes/protocols");
const AREA_CM2 = 1.131;
/** Control looks every second; for what is told here, once in a while is enough. */
const LOOK_S = 300;

async function run(protocol: string, spec: CellSpec, hours: number) {
	const cell = new SimulatedCell({ constants: cellConstants(), spec, seed: 11 });
	const channels = { a1: SETTINGS.channels.a1! };
	const rig = new Rig({ cell, settings: { channels }, simulated: { ...SETTINGS, channels } });
	await rig.run(rig.device.connect());
	const journal = new MemoryJournal(rig.clock);
	const tests = new CellTests({
		cyclers: { cycler: rig.device },
		sink: journal,
		clock: rig.clock,
		newId: () => "test-1",
	});
	tests.order({
		cell: "C-77",
		cycler: "cycler",
		channel: "a1",
		protocolText: readFileSync(resolve(PROTOCOLS, `${protocol}.protocol.yaml`), "utf8"),
		areaCm2: AREA_CM2,
		activeMassG: null,
		operator: "mk",
	});
	const history = new MemoryCellTests();
	const changes: FollowedCellTest[] = [];
	const verdicts = new RunningVerdicts({
		history,
		factsOf: cellFacts,
		changed: (test) => changes.push(test),
		ended: async () => {},
		failed: (message) => expect.fail(message),
	});
	let taken = 0;
	for (let seconds = 0; seconds < hours * 3_600; seconds += LOOK_S) {
		await rig.run(tests.round());
		const records = journal.records.slice(taken);
		taken = journal.records.length;
		history.take(records);
		verdicts.take(records);
		await verdicts.settled();
		await rig.clock.advance(LOOK_S * 1_000);
		rig.simulator.advance(rig.clock.nowMs());
	}
	return { cell, history, changes, test: verdicts.of("test-1")!, journal };
}

describe("a test from its order to its verdict", () => {
	it("tells that bare foil of 40 um is used up at 3 mA cm-2, within a half-cycle of the truth", async () => {
		const spec: CellSpec = { couple: "Li-Li", finish: "bare", foilUm: 40, areaCm2: AREA_CM2 };
		const { cell, history, changes, test } = await run("li-40um-3ma", spec, 52);
		const truth = cell.truth().events.find(({ kind }) => kind === "metal-used-up")!;
		expect(test.verdict).toMatchObject({ kind: "depletion" });
		expect(Math.abs(test.verdict!.atHours! - truth.atH)).toBeLessThan(Math.max(0.02 * truth.atH, 1 / 3));
		expect(changes.map(({ verdict }) => verdict?.kind ?? null).filter((kind, at, all) => kind !== all[at - 1])).toEqual(
			[null, "none", "depletion"],
		);
		expect(history.rows.map(({ seq }) => seq)).toEqual(history.rows.map((_, at) => at + 1));
	});

	it("tells nothing of coated foil in the same hours", async () => {
		const spec: CellSpec = { couple: "Li-Li", finish: "LiAlOx-ex", coatingCycles: 200, foilUm: 40, areaCm2: AREA_CM2 };
		const { test } = await run("li-40um-3ma", spec, 52);
		expect(test).toMatchObject({ state: "running", verdict: { kind: "none", atHours: null } });
		expect(test.verdict!.halfCycles).toBeGreaterThan(100);
	});
});
