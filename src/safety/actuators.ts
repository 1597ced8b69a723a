/**
 * Every movement of the reactor that is not a dose, without asking whether it is permitted: for the guarded reactor, which
 * has asked, and for the safe state, which need not. What was commanded is remembered, and recorded with its read-back.
 */
import type { Clock } from "#core/clock.js";
import { assert } from "#core/errors.js";
import type { Device } from "#device/contract.js";
import type { Plant } from "#device/plant.js";
import type { Reactor } from "#device/reactor.js";
import type { ActuationRecord, RecordSink } from "#record/records.js";
import type { DoseHistory } from "#safety/dose-history.js";
import { type Commanded, isGood } from "#safety/interlock.js";

/** On whose behalf and why an actuator moves. */
export interface Reason {
	readonly run: string | null;
	readonly reason: string;
	/** Who moves it by hand. */
	readonly by?: string;
}

export class Actuators {
	constructor(
		private readonly clock: Clock,
		private readonly plant: Plant,
		private readonly reactor: Reactor,
		private readonly sink: RecordSink,
		private readonly commanded: Commanded,
		private readonly doses: DoseHistory,
	) {}

	/** Shuts all precursor valves that this instrument drives, verified by it. */
	async shutPrecursors(instrument: string, why: Reason): Promise<void> {
		const device = this.plant.deviceToMakeSafe(instrument);
		const outputs = Object.values(this.reactor.precursors).filter((precursor) => precursor.instrument === instrument);
		await this.recorded(
			outputs.map(({ output }) => `${instrument}.${output}`),
			0,
			why,
			async () => {
				await device.makeSafe();
				return 0;
			},
		);
		for (const [name, precursor] of Object.entries(this.reactor.precursors)) {
			if (precursor.instrument === instrument && this.doses.isOpen(name)) this.doses.ended(name, this.clock.nowMs());
		}
	}

	async setStopValve(open: boolean, why: Reason): Promise<void> {
		const { instrument, output } = this.reactor.stopValve;
		const device = this.plant.device(instrument);
		this.commanded.stopValve = "unknown";
		this.commanded.shutFor = undefined;
		await this.set(device, instrument, output, open ? 1 : 0, why);
		this.commanded.stopValve = open ? "open" : "shut";
	}

	async setCarrier(sccm: number, why: Reason): Promise<void> {
		const { instrument } = this.reactor.carrier;
		const device = this.plant.device(instrument);
		// More flow counts before it flows, less when it has become less.
		if (sccm > this.commanded.carrierSccm) this.noteCarrier(sccm);
		await this.set(device, instrument, "setpoint", sccm, why);
		this.noteCarrier(sccm);
	}

	/** Sets a zone's setpoint in corrected degC. Without `why`: one of many points of a ramp, which are recorded as samples. */
	async setZone(name: string, targetC: number, why?: Reason): Promise<void> {
		const { instrument, offsetC } = this.reactor.zones[name]!;
		const device = this.plant.device(instrument);
		// Counts as heated before it is: a failed command may have reached the controller.
		this.commanded.targetsC.set(name, targetC);
		await this.set(device, instrument, "setpoint", targetC - offsetC, why);
	}

	/** The record's value is the controller's output: 0 %. */
	async switchZoneOff(name: string, why: Reason): Promise<void> {
		const { instrument, heater } = this.reactor.zones[name]!;
		const device = this.plant.deviceToMakeSafe(instrument);
		await this.recorded([heater.output ?? `${instrument}.output`], 0, why, async () => {
			await device.makeSafe();
			return 0;
		});
		this.commanded.targetsC.delete(name);
	}

	/** Gives a zone's instrument back to itself; it counts as heated until that has succeeded. */
	async letGoOfZone(name: string, letGo: () => Promise<void>): Promise<void> {
		await letGo();
		this.commanded.targetsC.delete(name);
	}

	/** The same flow commanded again gets no new time to settle: a lost carrier would never be missed. */
	private noteCarrier(sccm: number): void {
		const { instrument } = this.reactor.carrier;
		const isKnown = isGood(this.plant.reading(`${instrument}.flow`));
		if (sccm !== this.commanded.carrierSccm || !isKnown) this.commanded.carrierSinceMs = this.clock.nowMs();
		this.commanded.carrierSccm = sccm;
	}

	private async set(device: Device, instrument: string, signal: string, value: number, why?: Reason): Promise<void> {
		assert(device.set !== undefined, `${instrument} has settable signals`);
		const act = () => device.set!(signal, value);
		if (why === undefined) await act();
		else await this.recorded([`${instrument}.${signal}`], value, why, act);
	}

	/**
	 * Ordered goes into the journal before the act, what came of it after. A journal that refuses stops no act: what moves
	 * here may be on its way to the safe state.
	 */
	private async recorded(
		signals: readonly string[],
		requested: number,
		why: Reason,
		act: () => Promise<number>,
	): Promise<void> {
		const tell = (outcome: NonNullable<ActuationRecord["outcome"]>, readBack: number | null) => {
			try {
				for (const signal of signals)
					this.sink.append({ kind: "actuation", signal, requested, readBack, outcome, ...why });
			} catch {
				// The journal's own alarm tells of it.
			}
		};
		tell("ordered", null);
		try {
			tell("done", await act());
		} catch (thrown) {
			tell("failed", null);
			throw thrown;
		}
	}
}
