import type { Finding, RuleInput } from "#recipe/rules/rule.js";

/** The sample is named, and its thickness foretold, by the cycles that are counted: so every cycle is, and once. */
export function* cyclesCounted({ cycleFaults, isWhole }: RuleInput): Generator<Finding> {
	if (!isWhole) return;
	for (const { path, kind, film, precursors, cycles } of cycleFaults) {
		const all = precursors.join(" and ");
		if (kind === "twice") {
			const message = `A turn of this repeat doses ${all} ${cycles} times and would be counted as one cycle of ${film}: one cycle a turn.`;
			yield { code: "CYCLE_TWICE", effect: "error", path, message, value: cycles, limit: 1 };
		} else if (kind === "uncounted") {
			const message = `From here on ${all} are dosed outside any cycle: no repeat counts what they add to ${film}. One repeat must dose all of them in each turn; times: 1 is one cycle.`;
			yield { code: "CYCLE_UNCOUNTED", effect: "error", path, message, value: cycles, limit: 0 };
		} else {
			const message = `The dose here belongs to no cycle of ${film}: it is neither in the sample's name nor in the thickness.`;
			yield { code: "DOSE_OUTSIDE_CYCLE", effect: "warning", path, message };
		}
	}
}
