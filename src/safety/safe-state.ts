/** The safe-state table as actions: what is moved, in which order, for each effect. */
import type { Clock } from "#core/clock.js";
import { asAdlayerError } from "#core/errors.js";
import type { Plant } from "#device/plant.js";
import type { Reactor } from "#device/reactor.js";
import type { RecordSink } from "#record/records.js";
import type { DoseHistory } from "#safety/dose-history.js";
import type { Commanded, Effect } from "#safety/interlock.js";

/** Where the stop valve and the carrier go, by effect; precursors always shut. */
const TABLE: Record<Effect, { readonly stopOpen: boolean; readonly carrier: "purge" | "zero" }> = {
	trip: { stopOpen: true, carrier: "purge" },
	"pump-lost": { stopOpen: false, carrier: "zero" },
	"carrier-lost": { stopOpen: true, carrier: "zero" },
};

export class SafeState {
	constructor(
		private readonly clock: Clock,
		private readonly plant: Plant,
		private readonly reactor: Reactor,
		private readonly sink: RecordSink,
		private readonly commanded: Commanded,
		private readonly doses: DoseHistory,
	) {}

	/** Tries every action, whatever fails; each failure is recorded. Precursors first. */
	async enter(effect: Effect, cause: string, keepHeaters: boolean): Promise<void> {
		const row = TABLE[effect];
		// A stop valve already shut for want of a pump stays shut: opening it needs the pump proven.
		const stopOpen = row.stopOpen && this.pumpProven();
		const sccm = row.carrier === "purge" && stopOpen ? this.reactor.carrier.purgeSccm : 0;
		const valveDevices = new Set(Object.values(this.reactor.precursors).map((precursor) => precursor.instrument));
		for (const name of valveDevices) {
			await this.attempt(`shut the precursor valves on ${name}`, () => this.plant.deviceAnyway(name).makeSafe());
		}
		for (const precursor of Object.keys(this.reactor.precursors)) {
			if (this.doses.isOpen(precursor)) this.doses.ended(precursor, this.clock.nowMs());
		}
		const stop = this.reactor.stopValve;
		await this.set(stop.instrument, stop.output, stopOpen ? 1 : 0, cause);
		this.commanded.stopOpen = stopOpen;
		if (!keepHeaters) {
			for (const [zone, spec] of Object.entries(this.reactor.zones)) {
				await this.attempt(`switch off zone ${zone}`, () => this.plant.deviceAnyway(spec.instrument).makeSafe());
				this.commanded.targetsC.delete(zone);
			}
		}
		await this.set(this.reactor.carrier.instrument, "setpoint", sccm, cause);
		this.commanded.carrierSccm = sccm;
	}

	private pumpProven(): boolean {
		const pump = this.plant.reading(this.reactor.inputs.pumpRunning);
		return pump.quality === "good" && pump.value === 1;
	}

	private set(instrument: string, signal: string, value: number, reason: string): Promise<void> {
		return this.attempt(`set ${instrument}.${signal} to ${value}`, async () => {
			const readBack = await this.plant.device(instrument).set!(signal, value);
			this.sink.append({ kind: "actuation", run: null, signal: `${instrument}.${signal}`, requested: value, readBack, reason });
		});
	}

	private async attempt(what: string, act: () => Promise<void>): Promise<void> {
		try {
			await act();
		} catch (thrown) {
			const error = asAdlayerError(thrown);
			this.sink.append({ kind: "note", level: "error", run: null, code: error.code, message: `Safe state: could not ${what}: ${error.message}` });
		}
	}
}
