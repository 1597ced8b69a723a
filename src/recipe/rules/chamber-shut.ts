import { type Finding, keyOf, type RuleInput } from "#recipe/rules/rule.js";

/** Bare metal burns who touches it for a minute from 51 °C on (ISO 13732-1). */
const TOUCHED_C_MAX = 50;

/** Where the stop valve is shut on purpose: a leak shows only in vacuum, and only a cold chamber is filled. */
export function* chamberShut({ trace, isWhole }: RuleInput): Generator<Finding> {
	if (!isWhole) return;
	for (const { step, path, before } of trace.steps) {
		if (step.type === "leak-check" && !(before.pumpedDown && before.carrierSccm === 0)) {
			const why = before.pumpedDown ? `the carrier flows (${before.carrierSccm} sccm)` : "nothing was pumped down";
			const message = `A leak check comes after a pump-down, but ${why}.`;
			yield { code: "LEAK_CHECK_BEFORE_PUMP_DOWN", effect: "error", path: [...path, keyOf(step)], message };
		}
		if (step.type === "backfill" && before.setpointsC.size > 0) {
			const heated = [...before.setpointsC.keys()];
			const message = `The chamber is filled only when cold, but ${heated.join(", ")} is heated: a cool step must come before.`;
			yield { code: "BACKFILL_HOT", effect: "error", path: [...path, keyOf(step)], message, value: heated };
		}
		if (step.type === "backfill" && step.foilBelowC > TOUCHED_C_MAX) {
			const message = `The foil may still have ${step.foilBelowC} °C when the chamber is filled to be opened; at most ${TOUCHED_C_MAX} °C can be touched.`;
			const at = [...path, "backfill", "foil_below_degC"];
			yield { code: "BACKFILL_HOT", effect: "error", path: at, message, value: step.foilBelowC, limit: TOUCHED_C_MAX };
		}
	}
}
