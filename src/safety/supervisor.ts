/** Watches the plant: judges every interlock, trips, brings the reactor to its safe state and feeds the watchdogs. */
import type { Clock } from "#core/clock.js";
import { AdlayerError, asAdlayerError } from "#core/errors.js";
import type { Plant } from "#device/plant.js";
import type { Reactor } from "#device/reactor.js";
import type { InterlockRecord, RecordSink } from "#record/records.js";
import type { InterlockStatus } from "#record/status.js";
import { Actuators } from "#safety/actuators.js";
import { Alarms } from "#safety/alarms.js";
import { DoseHistory } from "#safety/dose-history.js";
import {
	type Commanded,
	type Declaration,
	type Effect,
	isGood,
	isMade,
	type SafetyView,
	valveInstruments,
} from "#safety/interlock.js";
import { interlocksOf } from "#safety/interlocks/index.js";
import { Latch } from "#safety/latch.js";
import { SafeState, worseEffect } from "#safety/safe-state.js";
import { Watchdogs } from "#safety/watchdogs.js";

/** Interlocks are judged at least this often, and at every sample; the watchdogs are fed as often. */
export const BEAT_MS = 500;
/**
 * A beat that comes later than this after it was due means that control's own loop has stalled: the watchdogs are not fed.
 * With the next beat they would have waited for this and two beats: as long as the usual time-out of 2 s.
 */
export const STALL_MS = 1_000;
/** A dose is proven over within this time of its end, or the valve's state is unknown. */
const CONFIRM_GRACE_MS = 1_000;

/** Told when a trip has happened; the safe state is already under way. */
export type TripListener = (interlock: string, effect: Effect, cause: string) => void;

export class Supervisor {
	readonly alarms: Alarms;
	readonly doses: DoseHistory;
	readonly commanded: Commanded;
	/** What interlocks and permits judge from: always the present. */
	readonly view: SafetyView;
	private readonly latches: readonly Latch[];
	private readonly safeState: SafeState;
	private readonly watchdogs: Watchdogs;
	private readonly valves: readonly string[];
	private declaration: Declaration | null = null;
	/** The worst effect since something latched; it stands until nothing is latched any more. */
	private standing: Effect | undefined;
	private entered: Promise<void> = Promise.resolve();
	private onTrip: TripListener = () => {};
	private readonly stopping = new AbortController();

	constructor(
		private readonly clock: Clock,
		private readonly plant: Plant,
		private readonly reactor: Reactor,
		private readonly sink: RecordSink,
	) {
		this.alarms = new Alarms(clock, sink);
		this.doses = new DoseHistory(Object.keys(reactor.precursors), clock.nowMs());
		this.commanded = { carrierSccm: 0, carrierSinceMs: clock.nowMs(), stopValve: "shut", targetsC: new Map() };
		this.view = this.makeView();
		const actuators = new Actuators(clock, plant, reactor, sink, this.commanded, this.doses);
		this.latches = interlocksOf(reactor).map((interlock) => new Latch(interlock));
		this.safeState = new SafeState({ clock, plant, actuators, view: this.view, alarms: this.alarms, sink });
		this.watchdogs = new Watchdogs(plant);
		this.valves = valveInstruments(reactor);
	}

	/** Starts judging by time; samples are handed in by `sampled`. */
	start(onTrip: TripListener): void {
		this.onTrip = onTrip;
		void this.beat();
	}

	stop(): void {
		this.stopping.abort();
	}

	get latched(): string[] {
		return this.latches.filter((latch) => latch.state !== "clear").map((latch) => latch.interlock.id);
	}

	/** True while it is not verified that a safe state has shut every precursor valve. */
	get isShuttingPrecursors(): boolean {
		return this.safeState.isShuttingPrecursors;
	}

	/** What the present run declares; null when there is none. */
	declare(declaration: Declaration | null): void {
		this.declaration = declaration;
	}

	/** New values have come from an instrument. */
	sampled(): void {
		this.judge();
	}

	/** An instrument's connection changed. */
	instrumentChanged(name: string, ready: boolean): void {
		if (this.valves.includes(name)) this.valvesChanged(name, ready);
		this.judge();
		if (!ready) return;
		this.safeState.instrumentReturned(name);
		if (!this.safeState.isStanding && this.isCarrierShutIn()) {
			void this.makeSafe(
				"trip",
				`Carrier flows into the chamber behind a shut stop valve since ${name} has come back.`,
				{ keepHeaters: true },
			);
		}
	}

	/** A permitted command moves this actuator ("stop valve", "carrier", "zone NAME"): the safe state lets go of it. */
	takenOver(actuator: string): void {
		this.safeState.release(actuator);
	}

	/**
	 * Brings the reactor to the safe state of a cause, or to the one that stands by latched interlocks when that is worse.
	 * Resolves when every action has been tried, at the latest after some seconds; failures raise an alarm and are tried again.
	 */
	makeSafe(effect: Effect, cause: string, options: { readonly keepHeaters?: boolean } = {}): Promise<void> {
		this.entered = this.safeState.enter(worseEffect(effect, this.standing), cause, options.keepHeaters === true);
		return this.entered;
	}

	/** Switches one zone off, tried until it succeeds. */
	makeZoneSafe(zone: string, cause: string): Promise<void> {
		return this.safeState.switchZoneOff(zone, cause);
	}

	/** The first attempts of the last safe state are over. */
	get madeSafe(): Promise<void> {
		return this.entered;
	}

	get interlockStatus(): InterlockStatus[] {
		return this.latches.map(({ interlock, state, finding }) => ({
			interlock: interlock.id,
			state,
			cause: finding?.cause ?? "",
			effect: interlock.effect,
		}));
	}

	/**
	 * Ends a latch whose cause has gone and whose alarm has been acknowledged; one that is clear stays so. Throws NOT_FOUND, and
	 * INTERLOCK_TRIPPED with what is still in the way.
	 */
	reset(id: string): void {
		this.judge();
		const latch = this.latches.find((candidate) => candidate.interlock.id === id);
		if (latch === undefined) throw new AdlayerError("NOT_FOUND", `There is no interlock ${id}.`);
		if (latch.state === "clear") return;
		const { cause } = latch.finding!;
		if (latch.state === "tripped")
			throw new AdlayerError("INTERLOCK_TRIPPED", `The cause of ${id} is still there. It tripped because: ${cause}`, {
				context: { interlock: id },
			});
		if (this.alarms.state(`interlock.${id}`) !== "latched-acknowledged") {
			throw new AdlayerError(
				"INTERLOCK_TRIPPED",
				`The alarm interlock.${id} has not been acknowledged. It tripped because: ${cause}`,
				{ context: { interlock: id } },
			);
		}
		latch.reset();
		this.record(latch, "reset");
		latch.finding = undefined;
		this.alarms.reset(`interlock.${id}`);
		if (this.latched.length === 0) this.standing = undefined;
	}

	private makeView(): SafetyView {
		const { clock, plant, reactor, commanded } = this;
		const declared = () => this.declaration;
		return {
			get nowMs() {
				return clock.nowMs();
			},
			reactor,
			commanded,
			get declaration() {
				return declared();
			},
			reading: (signal) => plant.reading(signal),
			instrumentReady: (name) => plant.instrument(name).state === "ready",
		};
	}

	/** The valve I/O went, or came back: by its own watchdog, its reboot or its connection nothing commanded before still holds. */
	private valvesChanged(name: string, ready: boolean): void {
		const { instrument, output } = this.reactor.stopValve;
		if (name === instrument) {
			const level = this.plant.reading(`${instrument}.${output}`);
			this.commanded.stopValve = !ready || !isGood(level) ? "unknown" : isMade(level) ? "open" : "shut";
		}
		const drivesPrecursors = Object.values(this.reactor.precursors).some((precursor) => precursor.instrument === name);
		if (ready && drivesPrecursors) this.doses.allJustDosed(this.clock.nowMs());
	}

	/** By command, or by the flow controller's own word after a restart of control. */
	private isCarrierShutIn(): boolean {
		const { carrier, stopValve } = this.reactor;
		if (this.commanded.stopValve === "open" || !this.view.instrumentReady(stopValve.instrument)) return false;
		if (this.commanded.carrierSccm > 0) return true;
		return [`${carrier.instrument}.setpoint`, `${carrier.instrument}.flow`].some((signal) => {
			const reading = this.view.reading(signal);
			return isGood(reading) && reading.value >= carrier.sccmMin;
		});
	}

	private async beat(): Promise<void> {
		const { signal } = this.stopping;
		while (!signal.aborted) {
			const dueMs = this.clock.nowMs() + BEAT_MS;
			await this.clock.sleep(BEAT_MS, signal).catch(() => {});
			if (signal.aborted) return;
			const lateMs = this.clock.nowMs() - dueMs;
			this.noteStall(lateMs);
			this.judge();
			this.safeState.retry();
			if (lateMs <= STALL_MS && this.isHealthy()) this.watchdogs.feed();
		}
	}

	/** Every judgement could be made, and every valve is known to be where it should be. */
	private isHealthy(): boolean {
		if (this.safeState.hasUncertainValves || this.doses.isOverdue(this.clock.nowMs(), CONFIRM_GRACE_MS)) return false;
		return this.latches.every((latch) => latch.couldJudge);
	}

	private noteStall(lateMs: number): void {
		const alarm = "control.stalled";
		if (lateMs <= STALL_MS) {
			this.alarms.cleared(alarm);
			return;
		}
		const message = `Control's own loop stood still for ${(lateMs / 1_000).toFixed(1)} s; the watchdogs were not fed.`;
		this.sink.append({ kind: "note", level: "error", run: null, code: "CONTROL_STALLED", message });
		this.alarms.raise({
			alarm,
			priority: "high",
			message,
			response: "Look for load on the machine; control needs a processor at its priority.",
			latching: false,
		});
	}

	private judge(): void {
		for (const latch of this.latches) {
			const changed = latch.judge(this.view);
			if (changed === "tripped") this.trip(latch);
			else if (changed === "cleared") {
				this.record(latch, "cleared");
				this.alarms.cleared(`interlock.${latch.interlock.id}`);
			}
		}
	}

	/** The safe state comes first: nothing that fails in telling of it may stop it. */
	private trip(latch: Latch): void {
		const { interlock, finding } = latch;
		const { cause } = finding!;
		this.standing = worseEffect(interlock.effect, this.standing);
		void this.makeSafe(interlock.effect, cause);
		this.record(latch, "tripped");
		this.alarms.raise({
			alarm: `interlock.${interlock.id}`,
			priority: "critical",
			message: `${interlock.title}: ${cause}`,
			response: interlock.response,
			latching: true,
		});
		try {
			this.onTrip(interlock.id, interlock.effect, cause);
		} catch (thrown) {
			const { message } = asAdlayerError(thrown);
			this.sink.append({
				kind: "note",
				level: "error",
				run: null,
				code: "INTERNAL",
				message: `The run could not be held: ${message}`,
			});
		}
	}

	private record({ finding, interlock }: Latch, state: InterlockRecord["state"]): void {
		this.sink.append({
			kind: "interlock",
			interlock: interlock.id,
			state,
			cause: finding?.cause ?? "",
			value: finding?.value ?? null,
			limit: finding?.limit ?? null,
			unit: finding?.unit ?? null,
			effect: interlock.effect,
		});
	}
}
