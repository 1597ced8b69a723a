/** What holds before each step if everything before it went as ordered: the ground on which the rules judge. Pure. */
import type { FlatStep } from "#recipe/expand.js";
import type { Path } from "#recipe/path.js";
import type { StabiliseStep, Step } from "#recipe/plan.js";

export interface ProcessState {
	/** Null until a step has set it. */
	readonly carrierSccm: number | null;
	readonly pumpedDown: boolean;
	/** Setpoint by zone in degC; a zone that was never heated, or is off, is absent. */
	readonly setpointsC: ReadonlyMap<string, number>;
	/** Zones that have stabilised at their present setpoint, with the strictest that was asked of them. */
	readonly settled: ReadonlyMap<string, Settled>;
	/** True while the chamber is filled up, or may have been opened. */
	readonly backfilled: boolean;
}

export interface Settled {
	/** Half width of the band. */
	readonly bandC: number;
	readonly forS: number;
}

export interface TracedStep {
	readonly step: Step;
	readonly path: Path;
	readonly before: ProcessState;
	readonly previous: Step | undefined;
	readonly next: Step | undefined;
}

export interface Trace {
	/** Every step of the flat plan. */
	readonly all: readonly TracedStep[];
	/**
	 * Those that differ from all before them in place, state or neighbours, in order: what the rules look at. Of 500 equal
	 * cycles these are the first, the second and the last.
	 */
	readonly steps: readonly TracedStep[];
	readonly end: ProcessState;
}

const START: ProcessState = {
	carrierSccm: null,
	pumpedDown: false,
	setpointsC: new Map(),
	settled: new Map(),
	backfilled: false,
};

export function traceSteps(flat: readonly FlatStep[]): Trace {
	let state = START;
	const seen = new Map<ProcessState, Set<string>>();
	const steps: TracedStep[] = [];
	const all = flat.map(({ step, path }, index): TracedStep => {
		const before = state;
		state = after(state, step);
		const traced = { step, path, before, previous: flat[index - 1]?.step, next: flat[index + 1]?.step };
		const key = `${step.path} ${traced.previous?.path} ${traced.next?.path}`;
		const known = seen.get(before) ?? new Set();
		if (known.size === 0) seen.set(before, known);
		if (!known.has(key)) steps.push(traced);
		known.add(key);
		return traced;
	});
	return { all, steps, end: state };
}

/** The same object when nothing changed, so that 500 cycles share one state. */
function after(state: ProcessState, step: Step): ProcessState {
	switch (step.type) {
		case "flow":
			// Carrier opens the stop valve.
			return { ...state, carrierSccm: step.sccm, ...(step.sccm > 0 ? { backfilled: false } : {}) };
		case "pump-down":
			return { ...state, pumpedDown: true, backfilled: false, carrierSccm: 0 };
		case "backfill":
			return { ...state, pumpedDown: false, backfilled: true, carrierSccm: 0 };
		case "heat":
			return moveTo(state, step.zones);
		case "anneal":
			return moveTo(state, [{ zone: step.zone, toC: step.atC }]);
		case "stabilise":
			return { ...state, settled: settledBy(step, state.settled) };
		case "cool":
			return { ...state, setpointsC: new Map(), settled: new Map() };
		default:
			return state;
	}
}

function moveTo(state: ProcessState, zones: readonly { readonly zone: string; readonly toC: number }[]): ProcessState {
	const setpointsC = new Map(state.setpointsC);
	const settled = new Map(state.settled);
	for (const { zone, toC } of zones) {
		setpointsC.set(zone, toC);
		settled.delete(zone);
	}
	return { ...state, setpointsC, settled };
}

function settledBy({ zones, bandC, forS }: StabiliseStep, before: ProcessState["settled"]): ProcessState["settled"] {
	const settled = new Map(before);
	for (const { zone } of zones) {
		const known = settled.get(zone);
		if (known === undefined || bandC < known.bandC || (bandC === known.bandC && forS > known.forS))
			settled.set(zone, { bandC, forS });
	}
	return settled;
}
