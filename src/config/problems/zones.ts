/** Heated zones: their controllers, their limits, and when their sensors were seen to. */
import { offsetOf } from "#src/config/heaters.js";
import type { LabFileContent } from "#src/config/lab-file-schema.js";
import { mustBeDate } from "#src/config/problems/dates.js";
import type { Review } from "#src/config/problems/review.js";

type ZoneEntry = LabFileContent["reactor"]["zones"][string];

export function zoneProblems(review: Review): void {
	review.judgeEach(
		() => review.content.reactor.zones,
		(zone, spec) => {
			const at = ["reactor", "zones", zone];
			review.judge(() => review.mustBeInstrument([...at, "instrument"], spec.instrument));
			review.judge(() => heater(review, zone, spec));
			review.judge(() => controllerRange(review, zone, spec));
			review.judge(() => mustBeDate(review, [...at, "sensor", "date"], spec.sensor.date));
			review.judge(() => foil(review, zone, spec));
		},
	);
}

function heater(review: Review, zone: string, { heater: entry, ramp_degC_per_min_max: ramp }: ZoneEntry): void {
	const at = ["reactor", "zones", zone, "heater"];
	review.judge(() => {
		if (typeof entry.output === "string") review.mustBeSignal([...at, "output"], entry.output);
	});
	const { runaway_degC_per_min: value } = entry;
	if (value > ramp) return;
	const message = `Zone ${zone} would run away within its own ramps; runaway_degC_per_min is above ramp_degC_per_min_max.`;
	review.wrong([...at, "runaway_degC_per_min"], message, { value, limit: ramp });
}

/** Temperature controllers name their setpoint range alike in their settings. */
function controllerRange(review: Review, zone: string, spec: ZoneEntry): void {
	const { instrument } = spec;
	const value = review.content.instruments[instrument]?.settings.setpoint_degC_max;
	const limit = spec.limit_degC - offsetOf(spec);
	if (typeof value !== "number" || value <= limit) return;
	const message = `Setpoints of ${instrument} go up to ${value} degC, above the limit of zone ${zone}, ${limit} degC in its own readings.`;
	review.wrong(["instruments", instrument, "settings", "setpoint_degC_max"], message, { value, limit });
}

function foil(review: Review, zone: string, { foil: calibration, heats_foil: heatsFoil }: ZoneEntry): void {
	if (calibration === undefined) return;
	const at = ["reactor", "zones", zone, "foil"];
	if (!heatsFoil) review.wrong(at, `Zone ${zone} does not heat the foil, so it has no calibration of it.`);
	for (const key of ["lag_s", "offset_degC"] as const)
		review.judge(() => {
			const [least, greatest] = calibration[key];
			if (least <= greatest) return;
			review.wrong([...at, key], `${key} is [least, greatest], not [${least}, ${greatest}].`, {
				value: least,
				limit: greatest,
			});
		});
	review.judge(() => mustBeDate(review, [...at, "date"], calibration.date));
}
