import { interpolate, isColderThan } from "#recipe/interpolate.js";
import { type Path, printPath } from "#recipe/path.js";
import type { Step } from "#recipe/plan.js";
import { chamberZones, coldestSurface, type Finding, type RuleInput } from "#recipe/rules/rule.js";

/**
 * A purge lasts at least as long as the film's data ask for, interpolated at the coldest surface of the chamber. Colder
 * than the table nothing is known: that takes an override, and then the recipe's own value stands.
 */
export function* purgeLength({ trace, lab, film, isWhole, overrides }: RuleInput): Generator<Finding> {
	if (!film) return;
	for (const { step, path, before, previous } of trace.steps) {
		if (step.type !== "purge") continue;
		// Among steps that could not be understood, only a purge whose own pulse and temperatures are known is judged.
		if (!isWhole && !(isPulseOf(previous, path) && chamberZones(lab).every((zone) => before.setpointsC.has(zone))))
			continue;
		const table = film.deposition.purgeMinimumS.get(step.after);
		const coldest = coldestSurface(lab, before);
		if (!table || !coldest) continue;
		const at = [...path, "purge", "for_s"];
		if (isColderThan(table, coldest.atC)) {
			const known = table[0]!.atC;
			const message = `Purge times after ${step.after} are known from ${known} °C, but ${coldest.zone} is at ${coldest.atC} °C`;
			const reason = overrides.get("PURGE_COLDER_THAN_TABLE");
			const found = { code: "PURGE_COLDER_THAN_TABLE", path: at, value: coldest.atC, limit: known };
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
		const minimumS = purgeFloor(interpolate(table, coldest.atC));
		if (step.seconds >= minimumS) continue;
		const message = `Purge of ${step.seconds} s after ${step.after} is shorter than the ${minimumS} s needed with ${coldest.zone} at ${coldest.atC} °C.`;
		yield { code: "PURGE_TOO_SHORT", effect: "error", path: at, message, value: step.seconds, limit: minimumS };
	}
}

/** To the hundredth of a second, downwards: the table is not better than that, and people compare the number they read. */
export const purgeFloor = (seconds: number): number => Math.floor(seconds * 100 + 1e-9) / 100;

/** Whether the step before is the pulse that stands just before the purge in the file. */
function isPulseOf(previous: Step | undefined, purge: Path): boolean {
	return previous?.type === "pulse" && previous.path === printPath([...purge.slice(0, -1), Number(purge.at(-1)) - 1]);
}
