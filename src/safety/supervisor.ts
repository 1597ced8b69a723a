/** Watches the plant: judges every interlock, trips, brings the reactor to its safe state and feeds the watchdogs. */
import type { Clock } from "#core/clock.js";
import { asAdlayerError } from "#core/errors.js";
import type { Reading } from "#core/reading.js";
import type { Plant } from "#device/plant.js";
import type { Reactor } from "#device/reactor.js";
import type { InterlockRecord, RecordSink } from "#record/records.js";
import type { InterlockStatus } from "#record/status.js";
import { Alarms } from "#safety/alarms.js";
import { DoseHistory } from "#safety/dose-history.js";
import type { Commanded, Declaration, Effect, Finding, Interlock, SafetyView } from "#safety/interlock.js";
import { interlocksOf } from "#safety/interlocks/index.js";
import { SafeState } from "#safety/safe-state.js";

/** Interlocks are judged at least this often, and at every sample. */
const JUDGE_EVERY_MS = 500;
/** A judgement that comes later than this means that control's own loop has stalled: the watchdogs are not fed. */
const STALL_MS = 1_500;

interface Latch {
	readonly interlock: Interlock;
	state: "clear" | "tripped" | "cleared";
	finding: Finding | undefined;
	sinceMs: number | undefined;
	readings: number;
	countedAtMs: number;
}

/** Told when a trip has happened; the safe state is already under way. */
export type TripListener = (interlock: string, effect: Effect, cause: string) => void;

export class Supervisor {
	readonly alarms: Alarms;
	readonly doses: DoseHistory;
	readonly commanded: Commanded = { carrierSccm: 0, stopOpen: false, targetsC: new Map() };
	private readonly latches: Latch[];
	private readonly safeState: SafeState;
	private declaration: Declaration | null = null;
	private carrierSinceMs = 0;
	private lastJudgedMs: number;
	private onTrip: TripListener = () => {};
	private readonly stopping = new AbortController();
	private safeStateUnderWay: Promise<void> = Promise.resolve();

	constructor(
		private readonly clock: Clock,
		private readonly plant: Plant,
		private readonly reactor: Reactor,
		private readonly sink: RecordSink,
	) {
		this.alarms = new Alarms(clock, sink);
		this.doses = new DoseHistory(Object.keys(reactor.precursors), clock.nowMs());
		this.latches = interlocksOf(reactor).map((interlock) => ({
			interlock,
			state: "clear",
			finding: undefined,
			sinceMs: undefined,
			readings: 0,
			countedAtMs: Number.NEGATIVE_INFINITY,
		}));
		this.safeState = new SafeState(clock, plant, reactor, sink, this.commanded, this.doses);
		this.lastJudgedMs = clock.nowMs();
	}

	/** Starts judging by time; samples are handed in by `sampled`. */
	start(onTrip: TripListener): void {
		this.onTrip = onTrip;
		void this.beat();
	}

	stop(): void {
		this.stopping.abort();
	}

	/** The view that interlocks and permits judge from. */
	get view(): SafetyView {
		return {
			nowMs: this.clock.nowMs(),
			reactor: this.reactor,
			commanded: this.commanded,
			declaration: this.declaration,
			carrierSinceMs: this.carrierSinceMs,
			reading: (signal): Reading => this.plant.reading(signal),
			instrumentReady: (name) => this.plant.instrument(name).state === "ready",
		};
	}

	get latched(): string[] {
		return this.latches.filter((latch) => latch.state !== "clear").map((latch) => latch.interlock.id);
	}

	/** What the present run declares; null when there is none. */
	declare(declaration: Declaration | null): void {
		this.declaration = declaration;
	}

	carrierCommanded(sccm: number): void {
		this.commanded.carrierSccm = sccm;
		this.carrierSinceMs = this.clock.nowMs();
	}

	/** New values have come from an instrument. */
	sampled(): void {
		this.judge();
	}

	/** An instrument's connection changed. */
	instrumentChanged(name: string, ready: boolean): void {
		const drivesValves = Object.values(this.reactor.precursors).some((precursor) => precursor.instrument === name);
		// Its watchdog or reboot moved the outputs by itself: nothing commanded before still holds.
		if (drivesValves) {
			this.doses.allJustDosed(this.clock.nowMs());
			if (ready && this.commanded.stopOpen) this.commanded.stopOpen = false;
		}
		this.judge();
	}

	/** Brings the reactor to the safe state of a cause; every action is tried, failures are recorded. */
	makeSafe(effect: Effect, cause: string, keepHeaters = false): Promise<void> {
		this.safeStateUnderWay = this.safeStateUnderWay.then(() => this.safeState.enter(effect, cause, keepHeaters));
		this.carrierSinceMs = this.clock.nowMs();
		return this.safeStateUnderWay;
	}

	get interlockStatus(): InterlockStatus[] {
		return this.latches.map((latch) => ({
			interlock: latch.interlock.id,
			state: latch.state,
			cause: latch.finding?.cause ?? "",
			effect: latch.interlock.effect,
		}));
	}

	/** Ends a latch whose cause has gone; false while the cause is still there or nothing is latched under that id. */
	reset(id: string): boolean {
		this.judge();
		const latch = this.latches.find((candidate) => candidate.interlock.id === id);
		if (latch === undefined || latch.state !== "cleared") return false;
		latch.state = "clear";
		this.record(latch, "reset");
		latch.finding = undefined;
		this.alarms.reset(`interlock.${id}`);
		return true;
	}

	private async beat(): Promise<void> {
		const { signal } = this.stopping;
		while (!signal.aborted) {
			await this.clock.sleep(JUDGE_EVERY_MS, signal).catch(() => {});
			if (signal.aborted) return;
			const late = this.clock.nowMs() - this.lastJudgedMs > STALL_MS;
			this.judge();
			if (!late) await this.feedWatchdogs();
		}
	}

	private async feedWatchdogs(): Promise<void> {
		for (const { name, device } of this.plant.instruments) {
			if (device.watchdog === undefined || this.plant.instrument(name).state !== "ready") continue;
			// A failed feed shows in the next poll as a fault of the instrument; the instrument's own time-out does the rest.
			await device.watchdog.feed().catch(() => {});
		}
	}

	private judge(): void {
		const view = this.view;
		this.lastJudgedMs = view.nowMs;
		for (const latch of this.latches) this.judgeOne(latch, view);
	}

	private judgeOne(latch: Latch, view: SafetyView): void {
		const { interlock } = latch;
		const finding = interlock.judge(view);
		if (finding === undefined) {
			latch.sinceMs = undefined;
			latch.readings = 0;
			if (latch.state === "tripped") {
				latch.state = "cleared";
				this.record(latch, "cleared");
				this.alarms.cleared(`interlock.${interlock.id}`);
			}
			return;
		}
		const signal = interlock.countedSignal?.(view);
		const measuredMs = signal === undefined ? view.nowMs : view.reading(signal).atMs;
		const stale = signal !== undefined && view.reading(signal).quality !== "good";
		if (stale || measuredMs > latch.countedAtMs) {
			latch.countedAtMs = measuredMs;
			latch.readings += 1;
		}
		latch.sinceMs ??= view.nowMs;
		if (latch.state === "tripped") return;
		if (latch.readings < interlock.consecutiveReadings || view.nowMs - latch.sinceMs < interlock.delayMs) return;
		latch.state = "tripped";
		latch.finding = finding;
		this.record(latch, "tripped");
		this.alarms.raise({
			alarm: `interlock.${interlock.id}`,
			priority: "critical",
			message: `${interlock.title}: ${finding.cause}`,
			response: interlock.response,
			latching: true,
		});
		this.makeSafe(interlock.effect, finding.cause).catch((thrown) => {
			this.sink.append({ kind: "note", level: "error", run: null, code: "INTERNAL", message: asAdlayerError(thrown).message });
		});
		this.onTrip(interlock.id, interlock.effect, finding.cause);
	}

	private record(latch: Latch, state: InterlockRecord["state"]): void {
		const { finding, interlock } = latch;
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
