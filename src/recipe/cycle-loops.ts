/** Which repeats of a recipe make a cycle with each turn, and which doses belong to none. Pure. */
import { type Path, printPath } from "#recipe/path.js";
import type { PhaseEntry, StepEntry } from "#recipe/recipe-file.js";

/** What a film is made of; undefined where the recipe does not say which film, or names none that is known. */
export type MadeOf = (
	film: string | undefined,
) => { readonly name: string; readonly precursors: readonly string[] } | undefined;

export interface CycleFault {
	/** Of the repeat, or of the first dose. */
	readonly path: Path;
	/** `twice`: a turn makes more than one cycle. `uncounted`: a whole cycle in no repeat. `outside`: a dose in no cycle. */
	readonly kind: "twice" | "uncounted" | "outside";
	readonly film: string;
	readonly precursors: readonly string[];
	/** Cycles in a turn. */
	readonly cycles: number;
}

export interface CycleLoops {
	/** Printed paths of the repeats each of whose turns is a cycle. */
	readonly loops: ReadonlySet<string>;
	readonly faults: readonly CycleFault[];
}

interface Dose {
	readonly precursor: string;
	readonly film: string | undefined;
	readonly path: Path;
}
/** The doses of a list in their order; null stands for a repeat that makes cycles of its own. */
type Doses = (Dose | null)[];

/**
 * A cycle is one turn of the innermost repeat that doses everything its film is made of. `holes` are printed paths of steps
 * that could not be understood.
 */
export function findCycleLoops(
	entries: readonly (StepEntry | PhaseEntry)[],
	holes: ReadonlySet<string>,
	madeOf: MadeOf,
): CycleLoops {
	const loops = new Set<string>();
	const faults: CycleFault[] = [];

	const inStep = (step: StepEntry, path: Path, film: string | undefined): Doses => {
		if (holes.has(printPath(path))) return [];
		const dose = step.pulse ?? step.exposure;
		if (dose) return [{ precursor: dose.precursor, film, path: [...path, step.pulse ? "pulse" : "exposure"] }];
		return step.repeat ? inRepeat(step.repeat, path, film) : [];
	};
	const inSteps = (steps: readonly StepEntry[], path: Path, film: string | undefined): Doses =>
		steps.flatMap((step, index) => inStep(step, [...path, index], film));

	const inRepeat = ({ steps, film: own }: NonNullable<StepEntry["repeat"]>, path: Path, around: string | undefined) => {
		const film = own ?? around;
		const doses = inSteps(steps, [...path, "repeat", "steps"], film);
		if (doses.includes(null)) {
			outside(doses);
			return [null];
		}
		const ofFilm = (doses as Dose[]).filter((dose) => dose.film === film);
		const made = madeOf(film);
		const cycles = cyclesInTurn(
			ofFilm.map(({ precursor }) => precursor),
			made?.precursors,
		);
		if (cycles === 0) return doses;
		loops.add(printPath(path));
		if (made && cycles > 1)
			faults.push({ path: [...path, "repeat"], kind: "twice", film: made.name, precursors: made.precursors, cycles });
		outside((doses as Dose[]).filter((dose) => dose.film !== film));
		return [null];
	};

	/** Doses that no repeat counts: together they are a whole cycle, or something else that the recipe wants. */
	const outside = (doses: Doses): void => {
		let run: Dose[] = [];
		const close = () => {
			for (const film of new Set(run.map((dose) => dose.film))) {
				const made = madeOf(film);
				if (!made) continue;
				const own = run.filter((dose) => dose.film === film);
				const cycles = wholeSets(
					own.map(({ precursor }) => precursor),
					made.precursors,
				);
				const kind = cycles > 0 ? "uncounted" : "outside";
				faults.push({ path: own[0]!.path, kind, film: made.name, precursors: made.precursors, cycles });
			}
			run = [];
		};
		for (const dose of doses) {
			if (dose === null) close();
			else run.push(dose);
		}
		close();
	};

	outside(
		entries.flatMap((entry, index): Doses => {
			const path = ["steps", index];
			if (holes.has(printPath(path))) return [];
			return "phase" in entry ? inSteps(entry.steps, [...path, "steps"], undefined) : inStep(entry, path, undefined);
		}),
	);
	return { loops, faults };
}

/** How often a list of doses, again and again, has dosed everything; wherever in it one begins. */
function cyclesInTurn(doses: readonly string[], precursors: readonly string[] | undefined): number {
	if (precursors === undefined) return Math.min(1, doses.length);
	const cycles = wholeSets(doses, precursors);
	if (cycles < 2) return cycles;
	return Math.min(...doses.map((_, first) => wholeSets([...doses.slice(first), ...doses.slice(0, first)], precursors)));
}

function wholeSets(doses: readonly string[], precursors: readonly string[]): number {
	let sets = 0;
	let missing = new Set(precursors);
	for (const precursor of doses) {
		missing.delete(precursor);
		if (missing.size > 0) continue;
		sets += 1;
		missing = new Set(precursors);
	}
	return sets;
}
