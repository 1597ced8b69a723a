/** What a rule is given and what it gives back. A rule is one idea, pure, and knows no other rule. */
import type { CycleFault } from "#recipe/cycle-loops.js";
import type { LabFacts, PrecursorFacts, ZoneFacts } from "#recipe/lab-facts.js";
import type { FilmData, Library, MaterialData } from "#recipe/library.js";
import type { Path } from "#recipe/path.js";
import type { Step } from "#recipe/plan.js";
import type { RecipeFile } from "#recipe/recipe-file.js";
import type { OverrideCode } from "#recipe/rule-codes.js";
import type { Layer } from "#recipe/sample-name.js";
import type { ProcessState, Trace } from "#recipe/trace.js";

export interface RuleInput {
	readonly recipe: RecipeFile;
	/** Undefined when the recipe names one that is not there; that is said elsewhere. */
	readonly material: MaterialData | undefined;
	/** Those of the product: none when it coats nothing, undefined when one of them is not there. */
	readonly films: readonly FilmData[] | undefined;
	readonly library: Library;
	readonly lab: LabFacts;
	readonly trace: Trace;
	/** Predicted seconds by index of the step. */
	readonly seconds: readonly number[];
	readonly cycles: number;
	/** What each execution of a deposition loop adds. */
	readonly layers: readonly Layer[];
	readonly cycleFaults: readonly CycleFault[];
	/** False when some steps could not be understood: what depends on the order of steps cannot be judged then. */
	readonly isWhole: boolean;
	readonly overrides: ReadonlyMap<OverrideCode, string>;
}

export interface Finding {
	/** One of RULE_CODES, or a code that a material's data name. */
	readonly code: string;
	readonly effect: "error" | "warning" | "acknowledge";
	readonly path: Path;
	readonly message: string;
	readonly value?: unknown;
	readonly limit?: unknown;
	/** The declaration in the recipe that this rests on. */
	readonly override?: OverrideCode;
}

export type Rule = (input: RuleInput) => Iterable<Finding>;

/** The film that a step's cycle deposits; a loop that names none deposits the only one. */
export function filmOf({ films }: Pick<RuleInput, "films">, name: string | undefined): FilmData | undefined {
	return name === undefined ? (films?.length === 1 ? films[0] : undefined) : films?.find((film) => film.name === name);
}

/** The key under which a step stands in the file. */
export const keyOf = (step: Step): string => step.type.replaceAll("-", "_");

/** A zone's facts by name; never something inherited. */
export const zoneFacts = (lab: LabFacts, zone: string): ZoneFacts | undefined =>
	Object.hasOwn(lab.zones, zone) ? lab.zones[zone] : undefined;

export const precursorFacts = (lab: LabFacts, precursor: string): PrecursorFacts | undefined =>
	Object.hasOwn(lab.precursors, precursor) ? lab.precursors[precursor] : undefined;

/** Whatever a lab calls its water bottles: `H2O`, `H2O-2`, `water`, heavy water. */
export const isWater = (precursor: string): boolean => /^(h2o|d2o|water)/i.test(precursor);

export const heatsFoil = (lab: LabFacts, zone: string): boolean => zoneFacts(lab, zone)?.heatsFoil === true;

/** Zones that are no precursor's line: the surfaces that a dose meets inside the chamber. */
export function chamberZones(lab: LabFacts): string[] {
	const lines = new Set(Object.values(lab.precursors).map(({ lineZone }) => lineZone));
	return Object.keys(lab.zones).filter((zone) => !lines.has(zone));
}

/** Where a zone is when all went as ordered: its setpoint, or ambient when it is off. */
export function orderedC(lab: LabFacts, state: ProcessState, zone: string): number {
	return state.setpointsC.get(zone) ?? zoneFacts(lab, zone)?.ambientC ?? Number.NaN;
}

/** The coldest surface of the chamber: it releases what was dosed last. */
export function coldestSurface(lab: LabFacts, state: ProcessState): { zone: string; atC: number } | undefined {
	let coldest: { zone: string; atC: number } | undefined;
	for (const zone of chamberZones(lab)) {
		const atC = orderedC(lab, state, zone);
		if (!coldest || atC < coldest.atC) coldest = { zone, atC };
	}
	return coldest;
}

/** The foil's temperature as ordered: that of the hottest zone that heats it; undefined when the lab names none. */
export function foilC(lab: LabFacts, state: ProcessState): number | undefined {
	const zones = Object.keys(lab.zones).filter((zone) => heatsFoil(lab, zone));
	return zones.length === 0 ? undefined : Math.max(...zones.map((zone) => orderedC(lab, state, zone)));
}

/** Every order that sends a zone to a temperature, with the place of that number. */
export function* setpoints(
	trace: Trace,
): Generator<{ zone: string; toC: number; rampCPerMin: number; path: Path; key: string; ramp: string }> {
	for (const { step, path } of trace.steps) {
		if (step.type === "heat") {
			for (const { zone, toC, rampCPerMin } of step.zones) {
				yield { zone, toC, rampCPerMin, path: [...path, "heat", zone], key: "to_degC", ramp: "ramp_degC_per_min" };
			}
		} else if (step.type === "anneal") {
			yield {
				zone: step.zone,
				toC: step.atC,
				rampCPerMin: step.rampCPerMin,
				path: [...path, "anneal"],
				key: "at_degC",
				ramp: "ramp_degC_per_min",
			};
		}
	}
}
