/** The only way to an actuator for whoever is not safety itself: each act asks its permit at the moment it is done. */
import type { Clock } from "#core/clock.js";
import { AdlayerError, assert } from "#core/errors.js";
import type { Reading } from "#core/reading.js";
import type { LoopAccess, PulseOutputs } from "#device/contract.js";
import type { Plant } from "#device/plant.js";
import type { Reactor } from "#device/reactor.js";
import type { RecordSink } from "#record/records.js";
import { Actuators, type Reason } from "#safety/actuators.js";
import { type Commanded, corrected, isGood, isMade, zoneSignal } from "#safety/interlock.js";
import {
	permitArm,
	permitCarrier,
	permitDose,
	permitFill,
	permitHeat,
	permitLetGo,
	permitStopValveOpen,
	permitStopValveShut,
} from "#safety/permits.js";
import { type Judged, PulseTrends, type TrendDose } from "#safety/pulse-trends.js";
import { recoveryReasons } from "#safety/rules.js";
import { isAtFlowOf, RECOVERED_MS, RECOVERED_SHARE, type Unsettled, unsettled } from "#safety/settling.js";
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
	/** Who moves them by hand; undefined on behalf of a run. */
	by: string | undefined;
	private readonly foilZones: readonly {
		readonly signal: string;
		readonly offsetC: number;
		readonly uncertaintyC: number;
	}[];
	private readonly flowSignal: string;
	private readonly actuators: Actuators;
	private readonly trends: PulseTrends;

	constructor(
		private readonly clock: Clock,
		private readonly plant: Plant,
		readonly spec: Reactor,
		private readonly supervisor: Supervisor,
		private readonly sink: RecordSink,
	) {
		this.actuators = new Actuators(clock, plant, spec, sink, supervisor.commanded, supervisor.doses);
		this.trends = new PulseTrends(supervisor.alarms);
		this.flowSignal = `${spec.carrier.instrument}.flow`;
		this.foilZones = Object.entries(spec.zones)
			.filter(([, zone]) => zone.heatsFoil)
			.map(([name, { offsetC, uncertaintyC }]) => ({ signal: zoneSignal(spec, name), offsetC, uncertaintyC }));
	}

	chamber(): Reading {
		return this.plant.reading(this.spec.pressures.chamber);
	}

	/** Undefined in a reactor without a thickness monitor. */
	filmThickness(): Reading | undefined {
		const { qcm } = this.spec;
		return qcm === undefined ? undefined : this.plant.reading(qcm.thickness);
	}

	foreline(): Reading {
		return this.plant.reading(this.spec.pressures.foreline);
	}

	/** Any signal, `instrument.signal`. */
	signal(id: string): Reading {
		return this.plant.reading(id);
	}

	/** True when the chamber is clearly above its pressure before the last dose, at the same flow. */
	get isAboveBaseline(): boolean {
		const { view, doses } = this.supervisor;
		const { last } = doses;
		const chamber = this.chamber();
		if (last?.baselinePa === undefined || !isAtFlowOf(view, last) || !isGood(chamber)) return false;
		return chamber.value > last.baselinePa * (1 + RECOVERED_SHARE);
	}

	/** What keeps the chamber's pressure from being the baseline of a dose; undefined when it is one. */
	unsettled(share?: number): Unsettled | undefined {
		return unsettled(this.supervisor.view, share);
	}

	get carrierCommandedSccm(): number {
		return this.supervisor.commanded.carrierSccm;
	}

	carrierFlow(): Reading {
		return this.plant.reading(this.flowSignal);
	}

	/** Corrected temperature of a zone. */
	zone(name: string): Reading {
		return corrected(this.plant.reading(zoneSignal(this.spec, name)), this.spec.zones[name]!.offsetC);
	}

	/** The highest good corrected reading of the zones that can heat the foil, with that zone's uncertainty. */
	hottestFoilZone(): { readonly celsius: number; readonly uncertaintyC: number } | undefined {
		let hottest: { celsius: number; uncertaintyC: number } | undefined;
		for (const { signal, offsetC, uncertaintyC } of this.foilZones) {
			const reading = corrected(this.plant.reading(signal), offsetC);
			if (!isGood(reading) || reading.value <= (hottest?.celsius ?? Number.NEGATIVE_INFINITY)) continue;
			hottest = { celsius: reading.value, uncertaintyC };
		}
		return hottest;
	}

	/** The same of raw values from elsewhere, by signal. */
	hottestOf(
		rawC: (signal: string) => number | undefined,
	): { readonly celsius: number; readonly uncertaintyC: number } | undefined {
		let hottest: { celsius: number; uncertaintyC: number } | undefined;
		for (const { signal, offsetC, uncertaintyC } of this.foilZones) {
			const raw = rawC(signal);
			if (raw === undefined || raw + offsetC <= (hottest?.celsius ?? Number.NEGATIVE_INFINITY)) continue;
			hottest = { celsius: raw + offsetC, uncertaintyC };
		}
		return hottest;
	}

	async setCarrier(sccm: number, reason: string): Promise<void> {
		permitCarrier(this.supervisor, sccm);
		this.supervisor.takenOver("carrier");
		await this.actuators.setCarrier(sccm, this.why(reason));
	}

	async setStopValve(open: boolean, reason: string): Promise<void> {
		if (open) permitStopValveOpen(this.supervisor);
		else permitStopValveShut(this.supervisor);
		this.supervisor.takenOver("stop valve");
		await this.actuators.setStopValve(open, this.why(reason));
	}

	/** Shuts the chamber off on purpose. The carrier must be shut before. */
	async shutOff(purpose: NonNullable<Commanded["shutFor"]>, reason: string): Promise<void> {
		await this.setStopValve(false, reason);
		this.supervisor.commanded.shutFor = purpose;
	}

	/** Lets carrier into the chamber that was shut off for a backfill. */
	async fill(sccm: number, reason: string): Promise<void> {
		permitFill(this.supervisor, sccm);
		this.supervisor.takenOver("carrier");
		await this.actuators.setCarrier(sccm, this.why(reason));
	}

	/** True while every lid contact is proven made. */
	get isLidClosed(): boolean {
		return isMade(this.supervisor.view, this.spec.inputs.lidClosed);
	}

	/** Sets a zone's setpoint in corrected degC. Without `reason`: one of many points of a ramp, which are recorded as samples. */
	async setZone(name: string, targetC: number, reason?: string): Promise<void> {
		permitHeat(this.supervisor, name, targetC);
		this.supervisor.takenOver(`zone ${name}`);
		await this.actuators.setZone(name, targetC, reason === undefined ? undefined : this.why(reason));
	}

	/** Throws PERMIT_REFUSED when this temperature may not be gone to now. */
	permitZone(name: string, targetC: number): void {
		permitHeat(this.supervisor, name, targetC);
	}

	/** What a zone's instrument works to now; the function given back brings it there again. */
	async rememberZone(name: string): Promise<(reason: string) => Promise<void>> {
		const { instrument } = this.spec.zones[name]!;
		const targetC = this.supervisor.commanded.targetsC.get(name);
		const letGo = targetC === undefined ? await this.plant.device(instrument).loop?.remember() : undefined;
		return async (reason) => {
			if (targetC !== undefined) await this.setZone(name, targetC, reason);
			else if (letGo === undefined) await this.switchZoneOff(name, reason);
			else await this.letGo(name, letGo, reason);
		};
	}

	/** What trips meanwhile has switched the zone off; what is given back after that is taken away again. */
	private async letGo(name: string, letGo: () => Promise<void>, reason: string): Promise<void> {
		permitLetGo(this.supervisor, name);
		await this.actuators.letGoOfZone(name, letGo);
		if (this.supervisor.latched.length === 0) return;
		await this.switchZoneOff(name, reason);
		permitLetGo(this.supervisor, name);
	}

	/** While its setpoint leads on purpose, whoever lets it lead watches that the zone does what it should. */
	letLead(name: string, leads: boolean): void {
		if (leads) this.supervisor.commanded.leading?.add(name);
		else this.supervisor.commanded.leading?.delete(name);
	}

	/** The lowest setpoint that a zone's instrument takes, in corrected degC; without a bound where its driver knows none. */
	lowestSetpointC(name: string): number {
		const { instrument, offsetC } = this.spec.zones[name]!;
		const { setpoint } = this.plant.device(instrument).signals;
		return (setpoint?.settable?.min ?? Number.NEGATIVE_INFINITY) + offsetC;
	}

	/** The own loop of a zone's instrument; undefined where its driver cannot reach it. */
	zoneLoop(name: string): LoopAccess | undefined {
		return this.plant.device(this.spec.zones[name]!.instrument).loop;
	}

	/** Any signal of a zone's instrument. */
	zoneReading(name: string, signal: string): Reading {
		return this.plant.reading(`${this.spec.zones[name]!.instrument}.${signal}`);
	}

	/** Always permitted. */
	async switchZoneOff(name: string, reason: string): Promise<void> {
		await this.actuators.switchZoneOff(name, this.why(reason));
		this.sink.append({
			kind: "note",
			level: "info",
			run: this.run,
			code: "ZONE_OFF",
			message: `Zone ${name} is off: ${reason}`,
		});
	}

	/** Prepares a dose without opening anything; gives the width that the hardware timer will make. */
	async armDose(precursor: string, widthMs: number): Promise<number> {
		permitArm(this.supervisor, precursor, widthMs);
		const { output } = this.precursor(precursor);
		return (await this.pulses(precursor).arm(output, widthMs)).widthMs;
	}

	/** Starts the armed dose if it is permitted at this moment. */
	async fireDose(precursor: string, widthMs: number): Promise<FiredDose> {
		const { supervisor } = this;
		this.permitDose(precursor, widthMs);
		const pulses = this.pulses(precursor);
		const nowMs = this.clock.nowMs();
		const { chamber, foreline } = this.spec.pressures;
		const meanPa = (signal: string) => supervisor.view.history.mean(signal, nowMs - RECOVERED_MS);
		const { carrierSccm } = supervisor.commanded;
		const found = { baselinePa: meanPa(chamber), forelinePa: meanPa(foreline), carrierSccm };
		supervisor.doses.started(precursor, nowMs, widthMs, found);
		await pulses.fire();
		return { acknowledgedMs: this.clock.nowMs() };
	}

	/** Reads back the fired dose; once its line is low the precursor counts as shut, since `endedMs`. */
	async confirmDose(precursor: string, endedMs: number): Promise<ConfirmedDose> {
		const { completed, widthMs, lineLow } = await this.pulses(precursor).confirm();
		if (completed && lineLow) this.supervisor.doses.ended(precursor, endedMs);
		return { completed: completed && lineLow, widthMs };
	}

	/** What a delivered dose left in the chamber's pressure, against the doses of this precursor before. */
	doseSeen(dose: TrendDose): Judged {
		return this.trends.seen(dose);
	}

	/** Doses from before this process, oldest first. */
	dosesRecalled(doses: readonly TrendDose[]): void {
		this.trends.recall(doses);
	}

	/** Disables an armed dose that will not be fired. */
	async disarm(precursor: string): Promise<void> {
		await this.pulses(precursor).disarm();
		if (this.supervisor.doses.isOpen(precursor)) this.supervisor.doses.ended(precursor, this.clock.nowMs());
	}

	private why(reason: string): Reason {
		return { run: this.run, reason, ...(this.by === undefined ? {} : { by: this.by }) };
	}

	/** Throws PERMIT_REFUSED. A valve that did not shut is told of beyond the refusal: somebody must go there. */
	permitDose(precursor: string, widthMs: number): void {
		const { supervisor } = this;
		// Into a chamber that is shut off no level is come back to.
		if (supervisor.commanded.shutFor !== "exposure") {
			const reasons = [...recoveryReasons(supervisor.view)];
			const leak = reasons.find(({ about }) => about === "valve");
			// A pressure that is not known, or has not settled, clears no valve.
			if (leak !== undefined || reasons.length === 0) supervisor.valveMayLeak(leak?.text);
		}
		permitDose(supervisor, precursor, widthMs);
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
			throw new AdlayerError(
				"PERMIT_REFUSED",
				`Instrument ${instrument} cannot time pulses by hardware; ${precursor} is not dosed by it.`,
			);
		}
		return pulses;
	}
}
