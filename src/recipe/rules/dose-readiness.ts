import { isDose } from "#recipe/plan.js";
import { type Finding, heatsFoil, keyOf, type RuleInput } from "#recipe/rules/rule.js";
import type { Settled } from "#recipe/trace.js";

/** What counts as stabilised for a dose: a wider band would let zones pass that are still on their way. */
const DOSE_BAND_C_MAX = 5;
const DOSE_SETTLED_S_MIN = 10;

/** No dose before the chamber was pumped down, carrier flows, and every heated zone has stabilised at its setpoint. */
export function* doseReadiness({ trace, lab, isWhole }: RuleInput): Generator<Finding> {
	if (!isWhole) return;
	for (const { step, path, before } of trace.steps) {
		const dosed = isDose(step)
			? step.precursor
			: step.type === "line-evacuate"
				? step.lines.map(({ precursor }) => precursor).join(", ")
				: undefined;
		if (dosed === undefined) continue;
		const at = [...path, keyOf(step)];
		if (!before.pumpedDown) {
			const message = `${dosed} would be dosed before any pump-down: the chamber may still hold air.`;
			yield { code: "DOSE_BEFORE_PUMP_DOWN", effect: "error", path: at, message };
		}
		if (before.carrierSccm === null || before.carrierSccm === 0) {
			const message = `${dosed} would be dosed without carrier flow (${before.carrierSccm ?? "never set"}): nothing would carry it away.`;
			yield {
				code: "DOSE_WITHOUT_FLOW",
				effect: "error",
				path: at,
				message,
				value: before.carrierSccm,
				limit: lab.carrier.sccmMin,
			};
		}
		// An evacuated line brings what was in it; that grows nothing on purpose and asks for no temperature.
		if (!isDose(step)) continue;
		const heated = [...before.setpointsC.keys()];
		const waiting = heated.filter((zone) => !before.settled.has(zone));
		const foil = Object.keys(lab.zones).filter((zone) => heatsFoil(lab, zone));
		const cold = foil.filter((zone) => !before.setpointsC.has(zone));
		const loose = heated.filter((zone) => isLoose(before.settled.get(zone)));
		if (waiting.length === 0 && cold.length === 0 && loose.length > 0) {
			const limit = { within_degC: DOSE_BAND_C_MAX, for_s: DOSE_SETTLED_S_MIN };
			const { bandC, forS } = before.settled.get(loose[0]!)!;
			const message = `${dosed} would be dosed although ${loose.join(", ")} was only seen within ±${bandC} °C for ${forS} s; a dose takes ±${limit.within_degC} °C or less for ${limit.for_s} s or more.`;
			yield { code: "DOSE_BEFORE_STABILISE", effect: "error", path: at, message, value: loose, limit };
		}
		if (waiting.length > 0 || cold.length > 0) {
			const what = cold.length > 0 ? `${cold.join(", ")} was not heated` : `${waiting.join(", ")} was not stabilised`;
			const message = `${dosed} would be dosed although ${what} at the deposition temperature.`;
			yield {
				code: "DOSE_BEFORE_STABILISE",
				effect: "error",
				path: at,
				message,
				value: cold.length > 0 ? cold : waiting,
			};
		}
	}
}

const isLoose = (settled: Settled | undefined): boolean =>
	settled !== undefined && (settled.bandC > DOSE_BAND_C_MAX || settled.forS < DOSE_SETTLED_S_MIN);
