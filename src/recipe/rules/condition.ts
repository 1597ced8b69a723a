import { PRESSURE_UNITS } from "#recipe/pressure-units.js";
import { type Finding, type RuleInput, zoneFacts } from "#recipe/rules/rule.js";

/** Names for what every reactor has, with the units in which a limit may be given. */
const ROLES: Readonly<Record<string, readonly string[]>> = {
	chamber: PRESSURE_UNITS,
	foreline: PRESSURE_UNITS,
	carrier: ["sccm"],
	foil: ["degC"],
};

/** What is waited for is measured here, and the limit is given in its unit. */
export function* condition({ recipe, trace, lab }: RuleInput): Generator<Finding> {
	for (const { step, path } of trace.steps) {
		if (step.type !== "wait-until") continue;
		const unit = at(recipe, [...path, "wait_until", "unit"]);
		const of = step.conditions[0]!.of;
		const units = Object.hasOwn(ROLES, of)
			? ROLES[of]
			: zoneFacts(lab, of)
				? ["degC"]
				: lab.signals && Object.hasOwn(lab.signals, of)
					? unitsOf(lab.signals[of]!)
					: undefined;
		if (units === undefined) {
			const known = [...Object.keys(ROLES), ...Object.keys(lab.zones), ...Object.keys(lab.signals ?? {})];
			const message = `Reactor ${lab.station} measures no ${of}; it measures ${known.join(", ")}.`;
			yield {
				code: "SIGNAL_UNKNOWN",
				effect: "error",
				path: [...path, "wait_until", "of"],
				message,
				value: of,
				limit: known,
			};
		} else if (typeof unit === "string" && !units.includes(unit)) {
			const message = `${of} is measured in ${units.join(" or ")}, not in ${unit}.`;
			yield {
				code: "UNIT_MISMATCH",
				effect: "error",
				path: [...path, "wait_until", "unit"],
				message,
				value: unit,
				limit: units,
			};
		}
	}
}

const unitsOf = (unit: string): readonly string[] => (unit === "Pa" ? PRESSURE_UNITS : [unit]);

function at(root: unknown, path: readonly (string | number)[]): unknown {
	let here = root;
	for (const key of path) here = (here as Record<string | number, unknown> | undefined)?.[key];
	return here;
}
