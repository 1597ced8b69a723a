import { isDose } from "#recipe/plan.js";
import { chamberZones, type Finding, orderedC, precursorFacts, type RuleInput, zoneFacts } from "#recipe/rules/rule.js";

/** Bottle < line < every surface of the chamber, so that a precursor condenses nowhere on its way. */
export function* heatingOrder({ trace, lab, isWhole }: RuleInput): Generator<Finding> {
	if (!isWhole) return;
	for (const { step, path, before } of trace.steps) {
		if (!isDose(step)) continue;
		const precursor = precursorFacts(lab, step.precursor);
		if (!precursor) continue;
		const at = [...path, step.type, "precursor"];
		const { lineZone, bottleC } = precursor;
		const lineC = lineZone !== null && zoneFacts(lab, lineZone) ? orderedC(lab, before, lineZone) : undefined;
		if (lineC !== undefined && bottleC !== undefined && lineC <= bottleC) {
			const message = `Line ${lineZone} of ${step.precursor} is at ${lineC} °C, not warmer than its bottle at ${bottleC} °C.`;
			yield { code: "HEATING_ORDER", effect: "error", path: at, message, value: lineC, limit: bottleC };
		}
		const belowC = lineC ?? bottleC;
		if (belowC === undefined) continue;
		const what = lineC === undefined ? `its bottle` : `line ${lineZone}`;
		for (const zone of chamberZones(lab)) {
			const zoneC = orderedC(lab, before, zone);
			if (zoneC > belowC) continue;
			const message = `${zone} is at ${zoneC} °C when ${step.precursor} is dosed, not warmer than ${what} at ${belowC} °C.`;
			yield { code: "HEATING_ORDER", effect: "error", path: at, message, value: zoneC, limit: belowC };
		}
	}
}
