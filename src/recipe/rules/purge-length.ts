import { interpolate, isColderThan, type TemperatureTable } from "#recipe/interpolate.js";
import { type Path, printPath } from "#recipe/path.js";
import { isDose, type Step } from "#recipe/plan.js";
import { chamberZones, coldestSurface, type Finding, filmOf, type RuleInput } from "#recipe/rules/rule.js";

/**
 * A purge lasts at least as long as the film's data ask for, interpolated at the coldest surface of the chamber. Colder
 * than the table only so much is known, that it takes longer than in the table's first line: that takes an override, and
 * then the recipe's own value stands.
 */
export function* purgeLength(input: RuleInput): Generator<Finding> {
	const { trace, lab, films, isWhole, overrides } = input;
	if (!films) return;
	for (const { step, path, before, previous } of trace.steps) {
		const purge =
			step.type === "purge"
				? { precursors: [step.after], seconds: step.seconds, at: [...path, "purge", "for_s"], film: step.film }
				: step.type === "line-evacuate"
					? {
							precursors: step.lines.map(({ precursor }) => precursor),
							seconds: step.purgeS,
							at: [...path, "line_evacuate", "purge_s"],
							film: undefined,
						}
					: undefined;
		if (!purge) continue;
		// Among steps that could not be understood, only a purge whose own pulse and temperatures are known is judged.
		const isKnown = isDoseOf(previous, path) && chamberZones(lab).every((zone) => before.setpointsC.has(zone));
		if (!isWhole && !isKnown) continue;
		const coldest = coldestSurface(lab, before);
		if (!coldest) continue;
		const { at, seconds, film } = purge;
		for (const precursor of purge.precursors) {
			const need = purgeNeed(input, { film, precursor, atC: coldest.atC });
			if (!need) continue;
			if (need.isColder) {
				const message = `Purge times after ${precursor} are known from ${need.knownFromC} °C, but ${coldest.zone} is at ${coldest.atC} °C`;
				const reason = overrides.get("PURGE_COLDER_THAN_TABLE");
				const found = { code: "PURGE_COLDER_THAN_TABLE", path: at, value: coldest.atC, limit: need.knownFromC };
				if (reason !== undefined && seconds < need.seconds) {
					const floor = `${message}, and the purge of ${seconds} s is shorter than the ${need.seconds} s needed even there.`;
					yield {
						code: "PURGE_TOO_SHORT",
						effect: "error",
						path: at,
						message: floor,
						value: seconds,
						limit: need.seconds,
						override: "PURGE_COLDER_THAN_TABLE",
					};
					continue;
				}
				yield reason === undefined
					? { ...found, effect: "error", message: `${message}; only an override with a reason allows it.` }
					: {
							...found,
							effect: "warning",
							message: `${message}; overridden: ${reason}.`,
							override: "PURGE_COLDER_THAN_TABLE",
						};
				continue;
			}
			if (seconds >= need.seconds) continue;
			const message = `Purge of ${seconds} s after ${precursor} is shorter than the ${need.seconds} s needed with ${coldest.zone} at ${coldest.atC} °C.`;
			yield { code: "PURGE_TOO_SHORT", effect: "error", path: at, message, value: seconds, limit: need.seconds };
		}
	}
}

/** To the hundredth of a second, downwards: the table is not better than that, and people compare the number they read. */
const purgeFloor = (seconds: number): number => Math.floor(seconds * 100 + 1e-9) / 100;

/**
 * The shortest purge after a precursor with the coldest surface at `atC`, by the film that is deposited; without one by the
 * most demanding film of the library. Undefined where no data know the precursor.
 */
export function purgeNeed(
	input: Pick<RuleInput, "films" | "library">,
	{ film, precursor, atC }: { film: string | undefined; precursor: string; atC: number },
): { seconds: number; isColder: boolean; knownFromC: number } | undefined {
	const own = filmOf(input, film)?.deposition.purgeMinimumS.get(precursor);
	const tables: TemperatureTable[] = own
		? [own]
		: [...input.library.films.values()].flatMap(({ deposition }) => {
				const table = deposition.purgeMinimumS.get(precursor);
				return table ? [table] : [];
			});
	if (tables.length === 0) return undefined;
	return {
		seconds: Math.max(...tables.map((table) => purgeFloor(interpolate(table, atC)))),
		isColder: tables.some((table) => isColderThan(table, atC)),
		knownFromC: Math.max(...tables.map((table) => table[0]!.atC)),
	};
}

/** Whether the step before is the dose that stands just before the purge in the file. */
function isDoseOf(previous: Step | undefined, purge: Path): boolean {
	return isDose(previous) && previous.path === printPath([...purge.slice(0, -1), Number(purge.at(-1)) - 1]);
}
