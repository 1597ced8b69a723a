/** Carrier flow, pressures and the leak check: ranges in order. */
import { mustBeDate } from "#src/config/problems/dates.js";
import type { Review } from "#src/config/problems/review.js";

const CARRIER = ["reactor", "carrier"];
const LIMITS = ["reactor", "limits"];

export function limitProblems(review: Review): void {
	const { content } = review;
	const limits = () => content.reactor.limits;
	const mustBeAbove = (
		key: "dose_torr_max" | "pressure_torr_max" | "max_static_torr",
		lower: "dose_torr_min" | "dose_torr_max",
	) => review.judge(() => review.mustBeAbove([...LIMITS, key], limits()[key], lower, limits()[lower]));
	review.judge(() => gas(review));
	review.judge(() => {
		const { sccm_max: max, sccm_min: min } = content.reactor.carrier;
		review.mustBeAbove([...CARRIER, "sccm_max"], max, "sccm_min", min);
	});
	review.judge(() => purgeFlow(review));
	mustBeAbove("dose_torr_max", "dose_torr_min");
	review.judge(() => workingPressure(review));
	review.judge(() => {
		const { valid_hours: hours, not_required: reason } = limits().leak_check;
		if ((hours === undefined) !== (reason === undefined)) return;
		review.wrong(
			[...LIMITS, "leak_check"],
			"leak_check has either valid_hours, for which a passed one counts, or not_required with the reason.",
		);
	});
	mustBeAbove("pressure_torr_max", "dose_torr_max");
	mustBeAbove("max_static_torr", "dose_torr_max");
}

function gas(review: Review): void {
	const { instrument, gas: value } = review.content.reactor.carrier;
	const limit = review.content.instruments[instrument]?.settings.gas;
	if (typeof limit === "string" && limit !== value)
		review.wrong([...CARRIER, "gas"], `The flow controller ${instrument} is set for ${limit}.`, { value, limit });
}

function purgeFlow(review: Review): void {
	const { purge_sccm: value, sccm_min: min, sccm_max: max } = review.content.reactor.carrier;
	if (value >= min && value <= max) return;
	review.wrong([...CARRIER, "purge_sccm"], `purge_sccm is ${value}, outside ${min} to ${max}.`, {
		value,
		limit: `${min} to ${max}`,
	});
}

/** More flow is more pressure; anything else is a slip of the pen. */
function workingPressure(review: Review): void {
	const { working_pressure: working } = review.content.reactor.limits;
	if (working === undefined) return;
	const path = [...LIMITS, "working_pressure"];
	review.judge(() => mustBeDate(review, [...path, "date"], working.date));
	const measured = working.at;
	for (let index = 1; index < measured.length; index += 1)
		review.judge(() => {
			const [before, { sccm, torr }] = [measured[index - 1]!, measured[index]!];
			const at = [...path, "at", `${index}`];
			if (sccm <= before.sccm)
				review.wrong([...at, "sccm"], "The flows do not rise.", { value: sccm, limit: before.sccm });
			if (torr <= before.torr)
				review.wrong([...at, "torr"], "The pressures do not rise.", { value: torr, limit: before.torr });
		});
}
