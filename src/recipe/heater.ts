/** What is known of a heated zone, and the way to a temperature that follows from it. Pure. */
import type { ControllerSettings } from "#heating/controller-settings.js";
import type { GuidedInstrument, HeatTask } from "#heating/heat-guide.js";
import { planHeating } from "#heating/plan-heating.js";
import type { FoilCalibration, ZoneModel } from "#heating/zone-model.js";

/** From a zone's model file and the lab file. */
export interface Heater {
	readonly model: ZoneModel;
	/** Of the zone's controller, where its driver cannot say them. */
	readonly controller: ControllerSettings;
	/** Of foil minus the instrument's reading. */
	readonly foil: FoilCalibration;
	readonly resolutionC: number;
}

/** A way as it is planned: corrected temperatures over time. */
export interface PlannedWay {
	/** Until the zone is within the band for which it was planned. */
	readonly seconds: number;
	at(atS: number): number;
}

/** A way of a known heater tells the time for any band. */
export interface HeaterWay extends PlannedWay {
	secondsTo(withinC: number): number;
	/** What is left of `seconds` from a temperature on the way. */
	secondsFrom(degC: number): number;
}

const POWER_MAX_PERCENT = 100;
/** Standard deviation of an industrial thermocouple input, without its resolution. */
const NOISE_C = 0.05;

export const instrumentOf = (
	{ resolutionC }: Pick<Heater, "resolutionC">,
	settings: ControllerSettings,
): GuidedInstrument => ({ ...settings, resolutionC, powerMaxPercent: POWER_MAX_PERCENT, noiseC: NOISE_C });

/** The way as it is expected, from a corrected temperature at rest until it is within `withinC`; undefined where the model refuses it. */
export function plannedWay(heater: Heater, task: HeatTask, fromC: number, withinC: number): HeaterWay | undefined {
	const { model, foil, controller } = heater;
	const outcome = planHeating({ model, foil, task, instrument: instrumentOf(heater, controller) }, fromC);
	if (!outcome.ok) return undefined;
	const { seconds, trajectory } = outcome.plan;
	const readsC = trajectory.map(({ readingC }) => readingC + foil.offsetC);
	const secondsTo = (bandC: number): number => {
		const arrival = readsC.findIndex((degC) => Math.abs(degC - task.targetC) <= bandC);
		return trajectory[arrival]?.atS ?? seconds;
	};
	return {
		seconds: secondsTo(withinC),
		secondsTo,
		secondsFrom: (degC) => {
			const place = readsC.findIndex((each) => each >= degC);
			return Math.max(0, secondsTo(withinC) - (place < 0 ? seconds : place));
		},
		at: (atS) => readsC[Math.min(readsC.length - 1, Math.round(atS))]!,
	};
}
