/** Repeats written out: a recipe's nested steps become the flat list that the engine executes. Pure. */
import { pascalFromTorr } from "#core/units.js";
import { type Path, printPath } from "#recipe/path.js";
import type { Step } from "#recipe/plan.js";
import type { PhaseEntry, StepEntry } from "#recipe/recipe-file.js";

/** Bounds memory and journal: 500 cycles are 2,000 steps. */
export const PLAN_STEPS_MAX = 100_000;
/** Name of the phase of steps outside any. */
const PHASE_OF_NONE = "run";

export interface FlatStep {
	/** `plannedS` is 0 until the dry run has told. */
	readonly step: Step;
	readonly path: Path;
}

export interface Expansion {
	readonly flat: readonly FlatStep[];
	/** Cycles of the deposition loops. */
	readonly cycles: number;
	/** Set when PLAN_STEPS_MAX would be passed: the repeat that does it, and how many steps there would be. */
	readonly tooLong?: { readonly path: Path; readonly steps: number };
}

/**
 * `holes` are printed paths of steps that could not be understood; they are left out.
 *
 * A cycle is one turn of the outermost repeat that itself pulses; cycles are counted from 1 through the whole recipe.
 */
export function expand(
	entries: readonly (StepEntry | PhaseEntry)[],
	holes: ReadonlySet<string> = new Set(),
): Expansion {
	for (const [index, entry] of entries.entries()) {
		const path = ["steps", index];
		if (holes.has(printPath(path))) continue;
		const inside =
			"phase" in entry
				? entry.steps.map((step, at) => ({ step, path: [...path, "steps", at] }))
				: [{ step: entry, path }];
		for (const { step, path: where } of inside) {
			const long = longest(step, where, holes);
			if (long.steps > PLAN_STEPS_MAX) return { flat: [], cycles: 0, tooLong: long };
		}
	}

	const flat: FlatStep[] = [];
	const targets = new Map<string, number>();
	let cycles = 0;
	let lastDosed = "";
	let phase = PHASE_OF_NONE;

	const emit = (entry: StepEntry, place: Place, inCycle: boolean): void => {
		if (holes.has(place.text)) return;
		if (entry.repeat) {
			const { times, steps } = entry.repeat;
			const children = steps.map((child, index) => ({
				child,
				place: placeOf([...place.path, "repeat", "steps", index]),
			}));
			const isLoop = !inCycle && steps.some((step, index) => step.pulse && !holes.has(children[index]!.place.text));
			for (let turn = 0; turn < times; turn += 1) {
				if (isLoop) cycles += 1;
				const begin = flat.length;
				for (const { child, place: at } of children) emit(child, at, inCycle || isLoop);
				if (isLoop) markCycleEnd(begin);
			}
			return;
		}
		const made = make(entry);
		if (!made) return;
		const step = { index: flat.length, path: place.text, phase, plannedS: 0, ...made } as Writable<Step>;
		if (inCycle) step.cycle = cycles;
		if (entry.title !== undefined) step.title = entry.title;
		flat.push({ step, path: place.path });
	};

	const markCycleEnd = (begin: number): void => {
		for (let index = flat.length - 1; index >= begin; index -= 1) {
			const { step, path } = flat[index]!;
			if (step.type !== "purge") continue;
			flat[index] = { step: { ...step, cycleEnds: true }, path };
			return;
		}
	};

	const make = (entry: StepEntry): MadeStep | undefined => {
		if (entry.flow) return { type: "flow", sccm: entry.flow.sccm, title: `Carrier flow ${entry.flow.sccm} sccm` };
		if (entry.pump_down) {
			const { below_torr, timeout_s } = entry.pump_down;
			return {
				type: "pump-down",
				belowPa: pascalFromTorr(below_torr),
				timeoutS: timeout_s,
				title: `Pump down below ${below_torr} Torr`,
			};
		}
		if (entry.heat) {
			const zones = Object.entries(entry.heat).map(([zone, to]) => ({
				zone,
				toC: to.to_degC,
				rampCPerMin: to.ramp_degC_per_min,
			}));
			for (const { zone, toC } of zones) targets.set(zone, toC);
			return { type: "heat", zones, title: `Heat ${zones.map(({ zone, toC }) => `${zone} to ${toC} °C`).join(", ")}` };
		}
		if (entry.stabilise) {
			const { zones, within_degC, for_s, timeout_s } = entry.stabilise;
			return {
				type: "stabilise",
				// A zone without a target is refused by a rule; the plan is then not made.
				zones: zones.map((zone) => ({ zone, targetC: targets.get(zone) ?? Number.NaN })),
				bandC: within_degC,
				forS: for_s,
				timeoutS: timeout_s,
				title: `Stabilise ${zones.join(", ")} within ±${within_degC} °C for ${for_s} s`,
			};
		}
		if (entry.pulse) {
			const { precursor, ms } = entry.pulse;
			lastDosed = precursor;
			return { type: "pulse", precursor, widthMs: ms, title: `Pulse ${precursor} ${ms} ms` };
		}
		if (entry.purge) {
			const { for_s } = entry.purge;
			return {
				type: "purge",
				after: lastDosed,
				seconds: for_s,
				cycleEnds: false,
				title: `Purge ${for_s} s after ${lastDosed}`,
			};
		}
		if (entry.wait) return { type: "wait", seconds: entry.wait.for_s, title: `Wait ${entry.wait.for_s} s` };
		if (entry.anneal) {
			const { anneal } = entry;
			targets.set(anneal.zone, anneal.at_degC);
			return {
				type: "anneal",
				zone: anneal.zone,
				atC: anneal.at_degC,
				bandC: anneal.within_degC,
				rampCPerMin: anneal.ramp_degC_per_min,
				approachFromC: anneal.approach_last_degC,
				approachCPerMin: anneal.approach_degC_per_min,
				forS: anneal.for_s,
				neverAboveC: anneal.never_above_degC,
				timeoutS: anneal.timeout_s,
				title: `Anneal ${anneal.zone} at ${anneal.at_degC} °C for ${anneal.for_s} s, never above ${anneal.never_above_degC} °C`,
			};
		}
		if (entry.cool) {
			const { zone, below_degC, timeout_s } = entry.cool;
			targets.clear();
			return {
				type: "cool",
				zone,
				belowC: below_degC,
				timeoutS: timeout_s,
				title: `Cool ${zone} below ${below_degC} °C`,
			};
		}
		return undefined;
	};

	for (const [index, entry] of entries.entries()) {
		const place = placeOf(["steps", index]);
		if (holes.has(place.text)) continue;
		if ("phase" in entry) {
			phase = entry.phase;
			for (const [at, step] of entry.steps.entries()) emit(step, placeOf([...place.path, "steps", at]), false);
			phase = PHASE_OF_NONE;
		} else emit(entry, place, false);
	}
	if (flat.length > PLAN_STEPS_MAX) return { flat: [], cycles: 0, tooLong: { path: ["steps"], steps: flat.length } };
	return { flat, cycles };
}

type MadeStep = { [S in Step as S["type"]]: Omit<S, "index" | "path" | "phase" | "plannedS" | "cycle"> }[Step["type"]];

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

interface Place {
	readonly path: Path;
	readonly text: string;
}

const placeOf = (path: Path): Place => ({ path, text: printPath(path) });

/** How many flat steps an entry makes, counted without making them; the outermost repeat past the bound is named. */
function longest(entry: StepEntry, path: Path, holes: ReadonlySet<string>): { path: Path; steps: number } {
	if (holes.has(printPath(path))) return { path, steps: 0 };
	if (!entry.repeat) return { path, steps: 1 };
	let inside = 0;
	for (const [index, child] of entry.repeat.steps.entries())
		inside += longest(child, [...path, "repeat", "steps", index], holes).steps;
	return { path: [...path, "repeat", "times"], steps: inside * entry.repeat.times };
}
