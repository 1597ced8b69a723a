/** Watches the plant: judges every interlock, trips, brings the reactor to its safe state and feeds the watchdogs. */
import type { Clock } from "#core/clock.js";
import { asAdlayerError } from "#core/errors.js";
import type { Plant } from "#device/plant.js";
import type { Reactor } from "#device/reactor.js";
import type { AlarmRecord, InterlockRecord, RecordSink } from "#record/records.js";
import type { InterlockStatus } from "#record/status.js";
import { Actuators } from "#safety/actuators.js";
import { ALARM_DEFINITIONS } from "#safety/alarm-definitions.js";
import { Alarms } from "#safety/alarms.js";
import { Disturbances } from "#safety/disturbances.js";
import { DoseHistory } from "#safety/dose-history.js";
import { HeatWatch } from "#safety/heat-watch.js";
import {
	type Commanded,
	type Declaration,
	type Effect,
	type Interlock,
	isGood,
	type SafetyView,
	valveInstruments,
	zoneSignal,
} from "#safety/interlock.js";
import { interlocksOf } from "#safety/interlocks/index.js";
import { Latches } from "#safety/latches.js";
import { PurgeWatch, UNPURGED_ALARM } from "#safety/purge-watch.js";
import { SafeState, worseEffect } from "#safety/safe-state.js";
import { SignalHistory } from "#safety/signal-history.js";
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

/** What a former control process left latched and alarmed, by the journal. */
export interface SafetyCarry {
	readonly interlocks: readonly InterlockRecord[];
	readonly alarms: readonly AlarmRecord[];
}

export class Supervisor {
	readonly alarms: Alarms;
	readonly doses: DoseHistory;
	readonly commanded: Commanded;
	/** What interlocks and permits judge from: always the present. */
	readonly view: SafetyView;
	private readonly latches: Latches;
	private readonly safeState: SafeState;
	private readonly watchdogs: Watchdogs;
	private readonly valves: readonly string[];
	private readonly history = new SignalHistory();
	private readonly disturbances: Disturbances;
	private readonly purge: PurgeWatch;
	private readonly heat: HeatWatch;
	/** Signals whose course is followed. */
	private readonly followed: readonly string[];
	private declaration: Declaration | null = null;
	private wasPumped = false;
	private couldObserve = true;
	private entered: Promise<void> = Promise.resolve();
	private onTrip: TripListener = () => {};
	private readonly stopping = new AbortController();

	constructor(
		private readonly clock: Clock,
		private readonly plant: Plant,
		private readonly reactor: Reactor,
		private readonly sink: RecordSink,
	) {
		const interlocks = interlocksOf(reactor);
		this.alarms = new Alarms(clock, sink, (alarm) =>
			isAlarmOf(alarm, { plant, reactor, interlocks, safeStateAlarms: this.safeState.alarms }),
		);
		this.doses = new DoseHistory(Object.keys(reactor.precursors), clock.nowMs());
		this.commanded = {
			carrierSccm: 0,
			carrierSinceMs: clock.nowMs(),
			stopValve: "shut",
			targetsC: new Map(),
			leading: new Set(),
		};
		this.view = this.makeView();
		const actuators = new Actuators(clock, plant, reactor, sink, this.commanded, this.doses);
		this.latches = new Latches(interlocks, {
			view: this.view,
			alarms: this.alarms,
			sink,
			on: {
				makeSafe: (effect, cause) => void this.makeSafe(effect, cause),
				tripped: (interlock, cause) => this.tripped(interlock, cause),
			},
		});
		this.disturbances = new Disturbances(this.view, this.history);
		this.purge = new PurgeWatch(this.view, this.alarms);
		this.heat = new HeatWatch(this.view, this.alarms);
		this.followed = [
			reactor.pressures.chamber,
			reactor.pressures.foreline,
			...Object.entries(reactor.zones).flatMap(([zone, { heater }]) => [
				zoneSignal(reactor, zone),
				...(heater.output === null ? [] : [heater.output]),
			]),
		];
		this.safeState = new SafeState({ clock, plant, actuators, view: this.view, alarms: this.alarms, sink });
		this.watchdogs = new Watchdogs(plant);
		this.valves = valveInstruments(reactor);
	}

	/**
	 * Takes over what a former process left: what was latched is latched again, with its safe state, until its cause is gone
	 * and a person resets it. Call before `start`.
	 */
	restore({ interlocks, alarms }: SafetyCarry): void {
		const { latches } = this;
		latches.restore(interlocks);
		this.alarms.restore(alarms, (alarm) => latches.isAlarmOfLatched(alarm));
		latches.alarm();
		for (const record of alarms) if (!isOver(record)) this.restoreDanger(record);
		if (latches.standing !== undefined)
			void this.makeSafe(latches.standing, "Interlocks were latched when control restarted.");
	}

	/** A valve that may leak is not tight because control has died, nor is the chamber purged. */
	private restoreDanger({ alarm, message }: AlarmRecord): void {
		if (alarm === UNPURGED_ALARM) this.purge.lost();
		const precursor = Object.keys(this.reactor.precursors).find((name) => alarm === `valve-leaking.${name}`);
		if (precursor === undefined) return;
		this.doses.leak = { precursor, baselinePa: undefined, carrierSccm: Number.NaN };
		this.alarms.raise({ alarm, message });
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
		return this.latches.latched;
	}

	/** Zones that were found not to be their model, which nobody has acknowledged yet. */
	get doubted(): string[] {
		return Object.keys(this.view.reactor.zones).filter((zone) => this.alarms.isUnacknowledged(`heater.${zone}`));
	}

	/** True while it is not verified that a safe state has shut every precursor valve. */
	get isShuttingPrecursors(): boolean {
		return this.safeState.isShuttingPrecursors;
	}

	/** What the present run declares; null when there is none. */
	declare(declaration: Declaration | null): void {
		this.declaration = declaration;
		this.wasPumped = false;
	}

	/** The purge that the last dose of a precursor needs before another may open; nothing else changes. */
	declarePurge(precursor: string, minimumS: number): void {
		const { declaration } = this;
		if (declaration === null) return;
		this.declaration = { ...declaration, purgeMinimumS: { ...declaration.purgeMinimumS, [precursor]: minimumS } };
	}

	/** New values have come from an instrument. */
	sampled(): void {
		try {
			this.observe();
			this.couldObserve = true;
		} catch {
			// What cannot be followed cannot be judged either: the interlocks find that themselves, the watchdogs are not fed.
			this.couldObserve = false;
		}
		this.latches.judge();
	}

	/** An instrument's connection changed. */
	instrumentChanged(name: string, ready: boolean): void {
		if (this.valves.includes(name)) this.valvesChanged(name, ready);
		this.latches.judge();
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

	/** The valve of the last dose may not have shut, and why; undefined when the chamber has come back. */
	valveMayLeak(why: string | undefined): void {
		const { doses, alarms } = this;
		const { leak } = doses;
		const suspect = leak ?? doses.last;
		if (suspect === undefined) return;
		alarms.follow(why !== undefined, { alarm: `valve-leaking.${suspect.precursor}`, message: why ?? "" });
		doses.leak = why === undefined ? undefined : suspect;
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
		this.entered = this.safeState.enter(
			worseEffect(effect, this.latches.standing),
			cause,
			options.keepHeaters === true,
		);
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
		return this.latches.status;
	}

	/** Ends a latch, as `Latches.reset` says; `by` is who resets it. */
	reset(id: string, by: string): void {
		this.latches.reset(id, by);
	}

	/** What interlocks judge by its course. */
	private observe(): void {
		for (const signal of this.followed) {
			const reading = this.plant.reading(signal);
			// What was never read yet is no gap.
			if (reading.quality === "stale" && reading.value === null) continue;
			this.history.push(signal, reading.atMs, isGood(reading) ? reading.value : null);
		}
		const chamber = this.plant.reading(this.reactor.pressures.chamber);
		if (this.declaration !== null && isGood(chamber) && chamber.value <= this.reactor.limits.dosePaMax)
			this.wasPumped = true;
		// What a valve lets in keeps the chamber from its base pressure.
		if (this.doses.leak !== undefined && isGood(chamber) && chamber.value < this.reactor.limits.basePa)
			this.valveMayLeak(undefined);
		this.disturbances.look();
		this.purge.look();
		this.heat.look();
	}

	private makeView(): SafetyView {
		const { clock, plant, reactor, commanded } = this;
		const declared = () => this.declaration;
		const pumped = () => this.wasPumped;
		return {
			get nowMs() {
				return clock.nowMs();
			},
			reactor,
			commanded,
			get declaration() {
				return declared();
			},
			get wasPumped() {
				return pumped();
			},
			doses: this.doses,
			history: this.history,
			reading: (signal) => plant.reading(signal),
			instrumentReady: (name) => plant.instrument(name).state === "ready",
		};
	}

	/** The valve I/O went, or came back: by its own watchdog, its reboot or its connection nothing commanded before still holds. */
	private valvesChanged(name: string, ready: boolean): void {
		const { instrument, output } = this.reactor.stopValve;
		if (name === instrument) {
			const level = this.plant.reading(`${instrument}.${output}`);
			this.commanded.stopValve = !isGood(level) ? "unknown" : level.value === 1 ? "open" : "shut";
		}
		const drivesPrecursors = Object.values(this.reactor.precursors).some((precursor) => precursor.instrument === name);
		if (ready && drivesPrecursors) this.doses.allProvenShut(this.clock.nowMs());
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
			this.latches.judge();
			this.alarms.tick();
			this.safeState.retry();
			if (lateMs <= STALL_MS && this.canJudge) this.watchdogs.feed(this.areValvesKnown ? [] : this.valves);
		}
	}

	private get canJudge(): boolean {
		return this.couldObserve && this.latches.couldJudge;
	}

	/** False while a valve may not be where it should be: its instrument then brings it to rest by itself. */
	private get areValvesKnown(): boolean {
		return !this.safeState.hasUncertainValves && !this.doses.isOverdue(this.clock.nowMs(), CONFIRM_GRACE_MS);
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
			message,
		});
	}

	/** The run is held; the safe state is under way already. */
	private tripped({ id, effect }: Interlock, cause: string): void {
		if (effect === "carrier-lost") this.purge.lost();
		try {
			this.onTrip(id, effect, cause);
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
}

/** What is shelved or out of service is not known to be over. */
function isOver({ state }: AlarmRecord): boolean {
	return state === "normal" || state === "returned-unacknowledged";
}

/** Whether this reactor can have an alarm of this id. */
function isAlarmOf(
	alarm: string,
	{
		plant,
		reactor,
		interlocks,
		safeStateAlarms,
	}: {
		readonly plant: Plant;
		readonly reactor: Reactor;
		readonly interlocks: readonly Interlock[];
		readonly safeStateAlarms: readonly string[];
	},
): boolean {
	const [kind] = alarm.split(".", 1);
	const of = alarm.slice(kind!.length + 1);
	if (kind === "interlock") return interlocks.some(({ id }) => id === of);
	if (kind === "sensor") return plant.signals.has(of);
	if (kind === "instrument") return plant.instruments.some(({ name }) => name === of);
	if (["valve-leaking", "valve-sticking", "bottle-low", "purge-insufficient"].includes(kind!))
		return Object.hasOwn(reactor.precursors, of);
	if (kind === "heater" || kind === "heated-unordered") return Object.hasOwn(reactor.zones, of);
	if (kind === "safe-state") return safeStateAlarms.includes(alarm);
	return Object.hasOwn(ALARM_DEFINITIONS, alarm);
}
