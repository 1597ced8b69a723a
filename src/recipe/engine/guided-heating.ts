/** The way of a zone whose heater is known: the guide of `heating`, fed and obeyed once a second under permits. */

import type { Clock, Timer } from "#core/clock.js";
import { asAdlayerError } from "#core/errors.js";
import { HeatGuide, type HeatTask, type ZoneSample } from "#heating/heat-guide.js";
import { type Heater, type HeaterWay, instrumentOf, plannedWay } from "#recipe/heater.js";
import type { GuardedReactor } from "#safety/guarded-reactor.js";
import { isGood } from "#safety/interlock.js";

const STEP_MS = 1_000;

export interface GuidedHeatingOptions {
	readonly clock: Clock;
	readonly reactor: GuardedReactor;
	readonly zone: string;
	readonly heater: Heater;
	readonly task: HeatTask;
	/** What the zone did until now, oldest first. */
	readonly before: readonly ZoneSample[];
	/** A zone this near to its target has arrived, for the time that is left. */
	readonly withinC: number;
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
		private readonly way: HeaterWay | undefined,
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
		const { model, foil } = heater;
		const setpointMinC = reactor.lowestSetpointC(zone) - foil.offsetC;
		const instrument = { ...instrumentOf(heater, settings), setpointMinC };
		const start = {
			atS: reading.atMs / 1_000,
			readingC: reading.value,
			outputPercent: output.value,
			setpointC: reading.value,
		};
		const before = options.before.filter(({ atS }) => atS < start.atS);
		const guide = HeatGuide.knowing({ model, foil, task, instrument }, before, start);
		const way = plannedWay({ ...heater, controller: settings }, task, reading.value + foil.offsetC, options.withinC);
		return new GuidedHeating(options, guide, { atMs: reading.atMs, setpointC: reading.value }, way);
	}

	/** Time left from a corrected temperature on; undefined where the model foretells none. */
	secondsFrom(degC: number): number | undefined {
		return this.way?.secondsFrom(degC);
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
