/** The only way to an actuator: each act asks its permit first, and what was commanded is remembered and recorded. */
import type { Clock } from "#core/clock.js";
import { AdlayerError, assert } from "#core/errors.js";
import type { Reading } from "#core/reading.js";
import type { PulseOutputs } from "#device/contract.js";
import type { Plant } from "#device/plant.js";
import type { Reactor } from "#device/reactor.js";
import type { RecordSink } from "#record/records.js";
import { isGood, zoneReading } from "#safety/interlock.js";
import { permitCarrier, permitDose, permitHeat, permitStopValveOpen } from "#safety/permits.js";
import type { Supervisor } from "#safety/supervisor.js";

/** The start of a dose as acknowledged by the instrument, monotonic ms. */
export interface FiredDose {
	readonly acknowledgedMs: number;
}

export interface ConfirmedDose {
	readonly completed: boolean;
	/** Width by the timer's own registers. */
	readonly widthMs: number;
}

export class GuardedReactor {
	/** The run on whose behalf actuators move, for the record. */
	run: string | null = null;

	constructor(
		private readonly clock: Clock,
		private readonly plant: Plant,
		readonly spec: Reactor,
		private readonly supervisor: Supervisor,
		private readonly sink: RecordSink,
	) {}

	chamber(): Reading {
		return this.plant.reading(this.spec.pressures.chamber);
	}

	carrierFlow(): Reading {
		return this.plant.reading(`${this.spec.carrier.instrument}.flow`);
	}

	/** Corrected temperature of a zone. */
	zone(name: string): Reading {
		return zoneReading(this.supervisor.view, name);
	}

	/** The highest good corrected reading of the zones that can heat the foil, with that zone's uncertainty. */
	hottestFoilZone(): { readonly celsius: number; readonly uncertaintyC: number } | undefined {
		let hottest: { celsius: number; uncertaintyC: number } | undefined;
		for (const [name, zone] of Object.entries(this.spec.zones)) {
			if (!zone.heatsFoil) continue;
			const reading = this.zone(name);
			if (isGood(reading) && reading.value > (hottest?.celsius ?? Number.NEGATIVE_INFINITY)) {
				hottest = { celsius: reading.value, uncertaintyC: zone.uncertaintyC };
			}
		}
		return hottest;
	}

	async setCarrier(sccm: number, reason: string): Promise<void> {
		permitCarrier({ view: this.supervisor.view, latched: this.supervisor.latched }, sccm);
		await this.set(this.spec.carrier.instrument, "setpoint", sccm, reason);
		this.supervisor.carrierCommanded(sccm);
	}

	async setStopValve(open: boolean, reason: string): Promise<void> {
		if (open) permitStopValveOpen({ view: this.supervisor.view, latched: this.supervisor.latched });
		await this.set(this.spec.stopValve.instrument, this.spec.stopValve.output, open ? 1 : 0, reason);
		this.supervisor.commanded.stopOpen = open;
	}

	/** Sets a zone's setpoint in corrected degC. `reason` absent: one of many points of a ramp, which is recorded as samples. */
	async setZone(name: string, targetC: number, reason?: string): Promise<void> {
		permitHeat({ view: this.supervisor.view, latched: this.supervisor.latched }, name, targetC);
		const zone = this.spec.zones[name]!;
		const setpoint = targetC - zone.offsetC;
		const readBack = await this.plant.device(zone.instrument).set!("setpoint", setpoint);
		this.supervisor.commanded.targetsC.set(name, targetC);
		if (reason !== undefined) this.recordActuation(`${zone.instrument}.setpoint`, setpoint, readBack, reason);
	}

	async switchZoneOff(name: string, reason: string): Promise<void> {
		const zone = this.spec.zones[name]!;
		await this.plant.device(zone.instrument).makeSafe();
		this.supervisor.commanded.targetsC.delete(name);
		this.sink.append({ kind: "note", level: "info", run: this.run, code: "ZONE_OFF", message: `Zone ${name} is off: ${reason}` });
	}

	/** Prepares a dose without opening anything; gives the width that the hardware timer will make. */
	async armDose(precursor: string, widthMs: number): Promise<number> {
		const { output } = this.precursor(precursor);
		return (await this.pulses(precursor).arm(output, widthMs)).widthMs;
	}

	/** Starts the armed dose if it is permitted at this moment. */
	async fireDose(precursor: string, widthMs: number): Promise<FiredDose> {
		const { supervisor } = this;
		permitDose({ view: supervisor.view, latched: supervisor.latched, doses: supervisor.doses }, precursor, widthMs);
		supervisor.doses.started(precursor);
		await this.pulses(precursor).fire();
		return { acknowledgedMs: this.clock.nowMs() };
	}

	/** Reads back the fired dose; once its line is low the precursor counts as shut, since `endedMs`. */
	async confirmDose(precursor: string, endedMs: number): Promise<ConfirmedDose> {
		const { completed, widthMs, lineLow } = await this.pulses(precursor).confirm();
		if (completed && lineLow) this.supervisor.doses.ended(precursor, endedMs);
		return { completed: completed && lineLow, widthMs };
	}

	/** Disables an armed dose that will not be fired. */
	async disarm(precursor: string): Promise<void> {
		await this.pulses(precursor).disarm();
		if (this.supervisor.doses.isOpen(precursor)) this.supervisor.doses.ended(precursor, this.clock.nowMs());
	}

	private precursor(name: string): { readonly instrument: string; readonly output: string } {
		const spec = this.spec.precursors[name];
		assert(spec !== undefined, `precursor ${name} was checked at launch`);
		return spec;
	}

	private pulses(precursor: string): PulseOutputs {
		const { instrument } = this.precursor(precursor);
		const { pulses } = this.plant.device(instrument);
		if (pulses === undefined) {
			throw new AdlayerError("PERMIT_REFUSED", `Instrument ${instrument} cannot time pulses by hardware; ${precursor} is not dosed by it.`);
		}
		return pulses;
	}

	private async set(instrument: string, signal: string, value: number, reason: string): Promise<void> {
		const device = this.plant.device(instrument);
		assert(device.set !== undefined, `${instrument} has settable signals`);
		const readBack = await device.set(signal, value);
		this.recordActuation(`${instrument}.${signal}`, value, readBack, reason);
	}

	private recordActuation(signal: string, requested: number, readBack: number, reason: string): void {
		this.sink.append({ kind: "actuation", run: this.run, signal, requested, readBack, reason });
	}
}
