/** The simulated lab with and without its heater model, and a recipe that does nothing but anneal. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { vi } from "vitest";
import { type LabFile, parseLabFile } from "#src/config.js";
import { Story } from "./stories.js";

const PATH = resolve(import.meta.dirname, "../../recipes/labs/simulated.lab.yaml");
const MODEL = /\n {6}foil: .*\n {6}model: .*/;

/** The shipped lab: its stage has a model. `wall` stands in the place of the wall's first line. */
export const knownLab = (wall = "heats_foil: false"): LabFile =>
	parseLabFile(readFileSync(PATH, "utf8").replace("heats_foil: false", wall), PATH);

/** The same with other lines in the place of calibration and model. */
export function labWith(lines: string): LabFile {
	const text = readFileSync(PATH, "utf8");
	if (!MODEL.test(text)) throw new Error("The simulated lab names no model any more.");
	return parseLabFile(text.replace(MODEL, lines === "" ? "" : `\n      ${lines}`), PATH);
}

/** The same without a model: its stage is ramped. */
export const plainLab = (): LabFile => labWith("");

const RECIPE = `
adlayer: recipe/1
name: anneal-only
title: Anneal alone
version: "1.0"
description: Heats to 120 °C and anneals lithium at 180 °C.
material: Li
product: none
foil_never_above_degC: 180.4
steps:
  - phase: pump
    steps:
      - flow: { sccm: 0 }
      - pump_down: { below_torr: 0.1, timeout_s: 600 }
      - flow: { sccm: 100 }
  - phase: heat
    steps:
      - heat: { stage: { to_degC: 120, ramp_degC_per_min: 10 } }
      - stabilise: { zones: [stage], within_degC: 1, for_s: 60, timeout_s: 5400 }
  - phase: anneal
    steps:
      - anneal: { zone: stage, at_degC: 180, within_degC: 0.5, for_s: 1200, ramp_degC_per_min: 10, approach_last_degC: 10, approach_degC_per_min: 1, never_above_degC: 180.4, timeout_s: 7200 }
  - phase: cool
    steps:
      - cool: { zone: stage, below_degC: 60, timeout_s: 14400 }
`;

/** A run in the ramp of its anneal, with the stage above this temperature. */
export async function knownZoneAt(degC: number): Promise<Story> {
	const story = new Story({ lab: knownLab() });
	await annealOnly(story);
	await story.step("anneal");
	const { plant } = story.control;
	await story.clock.advanceUntil(() => plant.reading("stage.temperature").value! > degC, 3_000_000);
	return story;
}

/** The zone's sensor reads what `reads` makes of the truth; gives what mends it. */
export function misread(story: Story, zone: string, reads: (degC: number) => number | null): () => void {
	const { twin } = story.lab;
	const zoneC = twin.zoneC.bind(twin);
	const spy = vi.spyOn(twin, "zoneC");
	spy.mockImplementation((of) => (of === zone ? (reads(zoneC(of)) as number) : zoneC(of)));
	return () => spy.mockRestore();
}

/** The zone's heater gets this power, whatever is wanted; gives what mends it. */
export function power(story: Story, zone: string, percent: number): () => void {
	const { twin } = story.lab;
	const setHeaterPercent = twin.setHeaterPercent.bind(twin);
	const spy = vi.spyOn(twin, "setHeaterPercent");
	spy.mockImplementation((of, wanted) => setHeaterPercent(of, of === zone ? percent : wanted));
	setHeaterPercent(zone, percent);
	return () => spy.mockRestore();
}

export async function annealOnly(story: Story): Promise<void> {
	await story.ready();
	await story.launch("anneal-only.recipe.yaml", { recipeText: RECIPE, acknowledge: ["MELTING_NOT_EXCLUDED"] });
}
