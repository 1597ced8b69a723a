/** The way of a zone whose heater is known: the guide of `heating`, fed and obeyed once a second under permits. */

import type { Clock, Timer } from "#core/clock.js";
import { asAdlayerError } from "#core/errors.js";
import type { ControllerSettings } from "#heating/controller-settings.js";
import { HeatGuide, type HeatTask } from "#heating/heat-guide.js";
import { planHeating } from "#heating/plan-heating.js";
import type { FoilCalibration, ZoneModel } from "#heating/zone-model.js";
import type { PlannedWay } from "#recipe/engine/anneal-records.js";
import type { GuardedReactor } from "#safety/guarded-reactor.js";
import { isGood } from "#safety/interlock.js";

/** What is known of a heated zone, from its model file and the lab file. */
export interface Heater {
	readonly model: ZoneModel;
	/** Of the zone's controller, where its driver cannot say them. */
	readonly controller: ControllerSettings;
	/** Of foil minus the instrument's reading. */
	readonly foil: FoilCalibration;
	readonly resolutionC: number;
}

const STEP_MS = 1_000;
const POWER_MAX_PERCENT = 100;
/** Standard deviation of an industrial thermocouple input, without its resolution. */
const NOISE_C = 0.05;

/** The way as it is expected, from a corrected temperature on until it is within `withinC`; undefined where the model refuses it. */
export function plannedWay(heater: Heater, task: HeatTask, fromC: number, withinC: number): PlannedWay | undefined {
	const { model, foil, resolutionC, controller } = heater;
	const instrument = { ...controller, resolutionC, powerMaxPercent: POWER_MAX_PERCENT, noiseC: NOISE_C };
	const outcome = planHeating({ model, foil, task, instrument }, fromC);
	if (!outcome.ok) return undefined;
	const { trajectory } = outcome.plan;
	const readsC = trajectory.map(({ readingC }) => readingC + foil.offsetC);
	const arrival = readsC.findIndex((degC) => Math.abs(degC - task.targetC) <= withinC);
	return {
		seconds: trajectory[arrival]?.atS ?? outcome.plan.seconds,
		at: (atS) => readsC[Math.min(readsC.length - 1, Math.round(atS))]!,
	};
}

export interface GuidedHeatingOptions {
	readonly clock: Clock;
	readonly reactor: GuardedReactor;
	readonly zone: string;
	readonly heater: Heater;
	readonly task: HeatTask;
	/** Guided for good; otherwise the controller is left at the target once it has been reached. */
	readonly holds: boolean;
	/** The plant is not its model any more. */
	onMismatch(reason: string): void;
	onFailure(thrown: unknown): void;
}

export class GuidedHeating {
	private timer: Timer | undefined;
	private halted = false;
	private lastMs: number;
	private sentC: number;

	private constructor(
		private readonly options: GuidedHeatingOptions,
		private readonly guide: HeatGuide,
		start: { atMs: number; setpointC: number },
	) {
		this.lastMs = start.atMs;
		this.sentC = start.setpointC;
		options.reactor.letLead(options.zone, true);
		this.schedule();
	}

	/** Undefined where reading or power of the zone is not known: then there is nothing to guide by. The zone works to its present reading. */
	static async begin(options: GuidedHeatingOptions): Promise<GuidedHeating | undefined> {
		const { reactor, zone, heater, task } = options;
		const settings = (await reactor.zoneLoop(zone)?.settings()) ?? heater.controller;
		const reading = reactor.zoneReading(zone, "temperature");
		const output = reactor.zoneReading(zone, "output");
		if (!isGood(reading) || !isGood(output)) return undefined;
		const { model, foil, resolutionC } = heater;
		const instrument = { ...settings, resolutionC, powerMaxPercent: POWER_MAX_PERCENT, noiseC: NOISE_C };
		const start = {
			atS: reading.atMs / 1_000,
			readingC: reading.value,
			outputPercent: output.value,
			setpointC: reading.value,
		};
		const guide = new HeatGuide({ model, foil, task, instrument }, start);
		return new GuidedHeating(options, guide, { atMs: reading.atMs, setpointC: reading.value });
	}

	halt(): void {
		this.halted = true;
		this.options.reactor.letLead(this.options.zone, false);
		this.timer?.cancel();
	}

	private schedule(): void {
		this.timer = this.options.clock.setTimer(STEP_MS, () => void this.step());
	}

	private async step(): Promise<void> {
		const { reactor, zone, heater, task, holds } = this.options;
		const reading = reactor.zoneReading(zone, "temperature");
		const output = reactor.zoneReading(zone, "output");
		try {
			// Without a new reading the setpoint stays; a reading that stays away is the interlocks' affair.
			if (isGood(reading) && isGood(output) && reading.atMs > this.lastMs) {
				this.lastMs = reading.atMs;
				const sample = { atS: reading.atMs / 1_000, readingC: reading.value, outputPercent: output.value };
				const { setpointC, state, mismatch } = this.guide.step(sample);
				if (mismatch !== undefined) {
					this.halt();
					this.options.onMismatch(mismatch);
					return;
				}
				const isThere = state === "holding" && !holds;
				const wantedC = isThere ? task.targetC - heater.foil.offsetC : setpointC;
				// A controller that blinked works to a setpoint of its own, and says so: it is told again.
				const works = reactor.zoneReading(zone, "setpoint");
				if (wantedC !== this.sentC || !isGood(works)) await reactor.setZone(zone, wantedC + heater.foil.offsetC);
				this.sentC = wantedC;
				if (isThere) {
					this.halt();
					return;
				}
			}
		} catch (thrown) {
			if (this.halted) return;
			this.halt();
			this.options.onFailure(asAdlayerError(thrown));
			return;
		}
		if (!this.halted) this.schedule();
	}
}
