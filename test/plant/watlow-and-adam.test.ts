/** The shipped recipe on a reactor whose heaters are Watlows and whose valves hang on an ADAM. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LiveState } from "#api/live-state.js";
import { checkRecipe } from "#recipe/check.js";
import { loadLibrary } from "#recipe/library-files.js";
import { labFacts } from "#src/config/lab-facts.js";
import { parseLabFile } from "#src/config.js";
import { VirtualPlant } from "../support/virtual-plant.js";

const RECIPES = resolve(import.meta.dirname, "../../recipes");
const LAB = resolve(RECIPES, "labs/simulated.lab.yaml");
const RECIPE = readFileSync(resolve(RECIPES, "li-two-step.recipe.yaml"), "utf8");

/** The shipped simulated lab with other instruments in the same places. */
function labText(options: { unitMs: number; shortestMs: number }): string {
	const watlow = (unit: number, max: number) => `    driver: watlow-ezzone-pm
    address: simulated:heaters?unit=${unit}
    poll_ms: 1000
    stale_ms: 4000
    settings:
      setpoint_degC_min: 0
      setpoint_degC_max: ${max}
      independent_cutout: { degC: ${max + 20}, verified: 2026-10-01, by: simulated lab }
`;
	const adam = `    driver: adam-6052
    address: simulated:io
    poll_ms: 500
    stale_ms: 2500
    settings:
      watchdog: { timeout_s: 2, verified: 2026-10-01, by: simulated lab }
      pulse_timing: { unit_ms: ${options.unitMs}, verified: 2026-10-01, by: simulated lab }
      pulse_outputs: { TMA: DO0, H2O: DO1 }
      outputs: { stop: DO2 }
      watchdog_high: [stop]
      inputs: { pump_running: DI0, lid_closed: DI1, stop_button: DI2, exhaust: DI3, cabinet: DI4, nitrogen: DI5, air: DI6 }
`;
	const lines = (name: string, text: string) =>
		new RegExp(`(^  ${name}:\n)(?:    .*\n)+`, "m")[Symbol.replace](text, `$1`);
	let text = readFileSync(LAB, "utf8");
	for (const [name, block] of [
		["stage", watlow(1, 185)],
		["wall", watlow(2, 150)],
		["tma_line", watlow(3, 120)],
		["io", adam],
	] as const) {
		text = lines(name, text).replace(`  ${name}:\n`, `  ${name}:\n${block}`);
	}
	return text.replaceAll("shortest_pulse_ms: 5", `shortest_pulse_ms: ${options.shortestMs}`);
}

const lab = (options: Parameters<typeof labText>[0]) => parseLabFile(labText(options), LAB);
const check = (facts: ReturnType<typeof labFacts>) =>
	checkRecipe({
		text: RECIPE,
		fileName: "li-two-step.recipe.yaml",
		set: {},
		library: loadLibrary(RECIPES),
		lab: facts,
	});

const HONEST = { unitMs: 0.1, shortestMs: 5 };
const acknowledgements = check(labFacts(lab(HONEST))).acknowledgements.map(({ code }) => code);

let plant: VirtualPlant;
beforeAll(async () => {
	plant = await new VirtualPlant({ lab: lab(HONEST) }).ready();
	await plant.launch("li-two-step.recipe.yaml", {
		set: { cycles: 3 },
		acknowledge: acknowledgements,
	});
	await plant.until("complete", 40_000);
});
afterAll(() => plant.stop());

describe("the shipped lithium recipe on Watlows and an ADAM", () => {
	it("says in control's status and to whoever reads the journal that a Watlow has no dead-man", () => {
		const live = new LiveState({ clock: plant.clock, station: "sim1", simulated: true, speed: 1, version: "test" });
		for (const record of plant.journal.records) live.apply(record);
		const warnings = [expect.stringContaining("It has no dead-man")];
		expect(plant.control.status.instruments.stage).toMatchObject({ state: "ready", warnings });
		expect(live.status().instruments.stage).toMatchObject({ state: "ready", warnings });
		expect(plant.control.status.instruments.io).not.toHaveProperty("warnings");
	});

	it("runs to its end without a trip, every pulse of 15 ms delivered once", () => {
		expect(plant.runState).toBe("complete");
		expect(plant.records("run-finished")[0]).toMatchObject({
			state: "complete",
			cycles: { ordered: 3, complete: 3, repeated: 0, unknown: 0 },
		});
		expect(plant.truth().doses).toEqual({ TMA: 3, H2O: 3 });
		const pulses = plant.records("pulse");
		expect(pulses).toHaveLength(6);
		for (const { fate, confirmedMs } of pulses) {
			expect(fate).toBe("delivered");
			expect(confirmedMs).toBeCloseTo(15, 6);
		}
		expect(plant.records("interlock")).toEqual([]);
		expect(plant.truth().violations).toEqual([]);
	});

	it("anneals within its band, and ends with the heaters off", () => {
		const { anneal } = plant.records("run-finished")[0]!;
		expect(anneal!.inBandS).toBeGreaterThanOrEqual(1_800);
		expect(plant.control.supervisor.commanded.targetsC.size).toBe(0);
		expect(plant.control.plant.reading("stage.output").value).toBe(0);
	});

	it("is refused with a pulse that the module cannot make as ordered, before anything moves", () => {
		expect(() => lab({ unitMs: 2, shortestMs: 5 })).toThrowError(/shortest pulse that io can make as ordered is 20 ms/);
		const facts = labFacts(lab({ unitMs: 2, shortestMs: 20 }));
		const { problems } = check(facts);
		expect(problems.filter(({ severity }) => severity === "error").map(({ message }) => message)).toEqual(
			expect.arrayContaining([expect.stringMatching(/15 ms.*20/)]),
		);
	});
});

describe("a reactor on Watlows and an ADAM", () => {
	it("is shut and pumped by the ADAM when its cable is pulled, and its heaters are off", async () => {
		const cut = await new VirtualPlant({ lab: lab(HONEST) }).ready();
		await cut.launch("li-two-step.recipe.yaml", { set: { cycles: 3 }, acknowledge: acknowledgements });
		await cut.clock.advance(600_000);
		expect(cut.control.plant.reading("stage.output").value).toBeGreaterThan(0);
		cut.lab.silence("io", true);
		await cut.clock.advance(20_000);
		cut.truth();
		const { twin } = cut.lab;
		expect(["TMA", "H2O"].filter((valve) => twin.isValveOpen(valve))).toEqual([]);
		expect(twin.isValveOpen("stop")).toBe(true);
		expect(cut.control.supervisor.latched).toContain("valve-io-lost");
		expect(cut.control.plant.reading("stage.output").value).toBe(0);
		await cut.stop();
	});
});
