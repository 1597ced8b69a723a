/** Repeats written out: a recipe's nested steps become the flat list that the engine executes. Pure. */
import { pascalFromTorr } from "#core/units.js";
import { type CycleFault, findCycleLoops, type MadeOf } from "#recipe/cycle-loops.js";
import type { LabFacts } from "#recipe/lab-facts.js";
import { type Path, printPath } from "#recipe/path.js";
import { type Condition, isDose, type Step } from "#recipe/plan.js";
import { inSignalUnit } from "#recipe/pressure-units.js";
import type { PhaseEntry, StepEntry } from "#recipe/recipe-file.js";
import type { Layer } from "#recipe/sample-name.js";

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
	/** What each execution of a deposition loop adds, in order; `film` is empty where the loop names none. */
	readonly layers: readonly Layer[];
	/** Doses that make no cycle, and turns that make more than one. */
	readonly cycleFaults: readonly CycleFault[];
	/** Set when PLAN_STEPS_MAX would be passed: the entry that does it, and how many steps there are up to its end. */
	readonly tooLong?: { readonly path: Path; readonly steps: number };
}

/**
 * `holes` are printed paths of steps that could not be understood; they are left out.
 *
 * A cycle is one turn of the innermost repeat that doses everything its film is made of; cycles are counted from 1 through
 * the whole recipe.
 */
export function expand({
	entries,
	holes,
	lab,
	madeOf,
}: {
	entries: readonly (StepEntry | PhaseEntry)[];
	holes: ReadonlySet<string>;
	lab: LabFacts;
	madeOf: MadeOf;
}): Expansion {
	let counted = 0;
	for (const [index, entry] of entries.entries()) {
		const path = ["steps", index];
		if (holes.has(printPath(path))) continue;
		const inside =
			"phase" in entry
				? entry.steps.map((step, at) => ({ step, path: [...path, "steps", at] }))
				: [{ step: entry, path }];
		for (const { step, path: where } of inside) {
			const { steps, path: longest } = stepsOf(step, where, holes);
			counted += steps;
			if (counted > PLAN_STEPS_MAX)
				return { flat: [], cycles: 0, layers: [], cycleFaults: [], tooLong: { path: longest, steps: counted } };
		}
	}

	const { loops, faults: cycleFaults } = findCycleLoops(entries, holes, madeOf);
	const flat: FlatStep[] = [];
	const targets = new Map<string, number>();
	const layers: Layer[] = [];
	const turns: number[] = [];
	let film: string | undefined;
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
			const isLoop = loops.has(place.text);
			const around = film;
			film = entry.repeat.film ?? around;
			for (let turn = 1; turn <= times; turn += 1) {
				if (isLoop) cycles += 1;
				turns.push(turn);
				const begin = flat.length;
				for (const { child, place: at } of children) emit(child, at, inCycle || isLoop);
				if (isLoop) markCycleEnd(begin);
				turns.pop();
			}
			if (isLoop) layers.push({ cycles: times, film: film ?? "" });
			film = around;
			return;
		}
		const made = make(entry);
		if (!made) return;
		const step = { index: flat.length, path: place.text, phase, plannedS: 0, ...made } as Writable<Step>;
		if (inCycle) step.cycle = cycles;
		if (turns.length > 0) step.turns = [...turns];
		if (film !== undefined && (isDose(step as Step) || step.type === "purge")) step.film = film;
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
		if (entry.exposure) {
			const { precursor, ms, soak_s } = entry.exposure;
			lastDosed = precursor;
			return {
				type: "exposure",
				precursor,
				widthMs: ms,
				soakS: soak_s,
				title: `Expose to ${precursor}: ${ms} ms, soak ${soak_s} s`,
			};
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
		return makeOther(entry, lab);
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
	return { flat, cycles, layers, cycleFaults };
}

type MadeStep = { [S in Step as S["type"]]: Omit<S, "index" | "path" | "phase" | "plannedS" | "cycle"> }[Step["type"]];

/** Steps that take something from the lab's facts; a rule refuses those whose fact is missing, and the plan is not made. */
function makeOther(entry: StepEntry, lab: LabFacts): MadeStep | undefined {
	if (entry.prompt) {
		const { id, text, confirm, timeout_s, on_timeout, lid } = entry.prompt;
		return {
			type: "prompt",
			id,
			text,
			confirm,
			timeoutS: timeout_s,
			onTimeout: on_timeout,
			lidMayOpen: lid === "may_open",
			title: `Ask: ${confirm}`,
		};
	}
	if (entry.wait_until) {
		const { of, is, value, unit, for_s, timeout_s, on_timeout } = entry.wait_until;
		const text = `${of} ${is} ${value} ${unit}`;
		return {
			type: "wait-until",
			conditions: [{ of, is, value: inSignalUnit(value, unit), text }],
			forS: for_s,
			timeoutS: timeout_s,
			onTimeout: on_timeout,
			title: `Wait until ${text} for ${for_s} s`,
		};
	}
	if (entry.glovebox) {
		const { for_s, timeout_s, on_timeout } = entry.glovebox;
		const conditions = (lab.glovebox ?? []).map(
			({ signal, ppmMax }): Condition => ({
				of: signal,
				is: "below",
				value: ppmMax,
				text: `${signal} below ${ppmMax} ppm`,
			}),
		);
		return {
			type: "glovebox",
			conditions,
			forS: conditions.length === 0 ? 0 : for_s,
			timeoutS: timeout_s,
			onTimeout: on_timeout,
			title:
				conditions.length === 0
					? "Glovebox atmosphere: the lab file declares none"
					: `Glovebox atmosphere: ${conditions.map(({ text }) => text).join(", ")}`,
		};
	}
	if (entry.leak_check) {
		const { settle_s, for_s } = entry.leak_check;
		return {
			type: "leak-check",
			settleS: settle_s,
			forS: for_s,
			limitPaPerS: lab.leakLimitPaPerS ?? Number.NaN,
			chamberM3: lab.chamberM3 ?? Number.NaN,
			title: `Leak check over ${for_s} s`,
		};
	}
	if (entry.line_evacuate) {
		const { precursors, ms, purge_s, below_percent, pulses_max } = entry.line_evacuate;
		const lines = precursors.map((precursor) => {
			const full = Object.hasOwn(lab.precursors, precursor) ? lab.precursors[precursor]!.fullLine : undefined;
			return {
				precursor,
				emptyPaS: full === undefined ? Number.NaN : (full.areaPaS * ms * below_percent) / (full.ms * 100),
			};
		});
		return {
			type: "line-evacuate",
			lines,
			widthMs: ms,
			purgeS: purge_s,
			pulsesMax: pulses_max,
			title: `Evacuate the lines of ${precursors.join(", ")}`,
		};
	}
	if (entry.backfill) {
		const { to_torr, sccm, foil_below_degC, timeout_s } = entry.backfill;
		return {
			type: "backfill",
			toPa: pascalFromTorr(to_torr),
			sccm,
			foilBelowC: foil_below_degC,
			chamberM3: lab.chamberM3 ?? Number.NaN,
			timeoutS: timeout_s,
			title: `Fill the chamber to ${to_torr} Torr`,
		};
	}
	return undefined;
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

interface Place {
	readonly path: Path;
	readonly text: string;
}

const placeOf = (path: Path): Place => ({ path, text: printPath(path) });

/** How many flat steps an entry makes, counted without making them, and the place that says so. */
function stepsOf(entry: StepEntry, path: Path, holes: ReadonlySet<string>): { path: Path; steps: number } {
	if (holes.has(printPath(path))) return { path, steps: 0 };
	if (!entry.repeat) return { path, steps: 1 };
	let inside = 0;
	for (const [index, child] of entry.repeat.steps.entries())
		inside += stepsOf(child, [...path, "repeat", "steps", index], holes).steps;
	return { path: [...path, "repeat", "times"], steps: inside * entry.repeat.times };
}
