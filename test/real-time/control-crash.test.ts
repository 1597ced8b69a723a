import { resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JournalRecord } from "#record/records.js";
import { RealSystem } from "../support/real-system.js";

const RECIPE = resolve(import.meta.dirname, "../../recipes/li-two-step.recipe.yaml");
const CYCLES = 6;
const SPEED = 200;
const KILLS = 2;

describe("control that is killed with -9 in mid-run, with the lab alive and time accelerated", () => {
	let system: RealSystem;
	let records: JournalRecord[];

	beforeAll(async () => {
		system = await RealSystem.start({ speed: SPEED });
		await system.instrumentsReady(60_000);
		await system.launch(RECIPE, { cycles: CYCLES });
		for (let kill = 1; kill <= KILLS; kill += 1) {
			await system.until(({ run }) => run?.state === "running" && run.cycles.complete >= 2 * kill - 1, 200_000, 10);
			const { control } = system.system.pids();
			process.kill(control!, "SIGKILL");
			await system.until(({ run }) => run?.interruption != null && run.state === "held", 60_000);
			await system.instrumentsReady(60_000);
			await system.control.request("command", { command: "restart", by: "test" });
		}
		await system.until(({ run }) => run?.state === "complete", 300_000);
		records = await system.journal();
	});

	afterAll(() => system?.stop(), 60_000);

	it("comes back to its run, and completes it with every cycle counted once", () => {
		const finished = records.filter((record) => record.kind === "run-finished");
		expect(finished, system.story()).toHaveLength(1);
		const { cycles } = finished[0]!;
		expect(finished[0]).toMatchObject({ state: "complete", cycles: { ordered: CYCLES, complete: CYCLES } });
		expect(cycles.repeated).toBeLessThanOrEqual(cycles.unknown);
		expect(cycles.unknown).toBeLessThanOrEqual(KILLS);
		expect(records.filter(({ kind }) => kind === "run-interrupted")).toHaveLength(KILLS);
	});

	it("leaves a record in which every pulse announced has one fate", () => {
		const numbers = (kind: "pulse" | "pulse-intended") =>
			records.flatMap((record) => (record.kind === kind ? [record.pulse] : []));
		expect(numbers("pulse")).toEqual(numbers("pulse-intended"));
		expect(records.map(({ seq }) => seq)).toEqual(records.map((_, index) => index + 1));
	});
});
