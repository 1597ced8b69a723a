/**
 * The present, rebuilt from the journal: what the page, REST and MQTT show without a database. Each record costs a
 * constant; the whole state is only put together when somebody asks.
 */

import { EventRing } from "#api/event-ring.js";
import { LiveRun, runOf } from "#api/live-run.js";
import type { Clock } from "#core/clock.js";
import type { Quality } from "#core/reading.js";
import { FloodCount } from "#record/alarm-flood.js";
import { type AlarmChange, type AlarmQuery, annealFacts, type RunDetail, type RunSummary } from "#record/history.js";
import type { JournalRecord, RecordBase, RunCreated, SampleRecord, SignalDeclaration } from "#record/records.js";
import type {
	AlarmStatus,
	ControlStatus,
	InstrumentStatus,
	InterlockStatus,
	LastDoseStatus,
	ManualStatus,
	SignalRoles,
	SignalStatus,
} from "#record/status.js";

/** Where no age is stated, a signal is stale after this many of its instrument's usual periods without a sample ... */
export const STALE_PERIODS = 5;
/** ... but never before this much lab time, which a single retried exchange may take. */
export const STALE_MS_MIN = 2_000;
/** Control writes several records a second; when none comes for this much real time, nothing shown is fresh. */
export const SILENCE_MS = 3_000;
/** Weight of the newest interval in the usual period of an instrument. */
const PERIOD_WEIGHT = 0.1;
/** Events kept for followers that come back: several long runs (a 500-cycle run has some 10,000), about 10 MB. */
export const EVENTS_KEPT = 32_768;

export interface LiveStateOptions {
	readonly clock: Clock;
	readonly station: string;
	readonly simulated: boolean;
	/** Lab time per real time. */
	readonly speed: number;
	readonly version: string;
	readonly roles?: SignalRoles;
	/** The corrected temperature in degC of a zone that heats the foil, when the sample carries one. */
	readonly foilC?: (sample: SampleRecord) => number | null;
	readonly eventsKept?: number;
}

interface SampleSlot {
	record: (SampleRecord & RecordBase) | null;
	/** Usual interval between samples, lab ms; 0 before the second sample. */
	periodMs: number;
}

export type EventListener = (record: JournalRecord) => void;

export class LiveState {
	readonly events: EventRing;
	private readonly clock: Clock;
	private station: string;
	private isSimulated: boolean;
	private version: string;
	private readonly roles: SignalRoles | undefined;
	private t = 0;
	private wall = 0;
	private seq = -1;
	/** Who waits for the record of a number. */
	private readonly waiters = new Map<() => void, number>();
	private arrivedMs = Number.NEGATIVE_INFINITY;
	private sawEnd = false;
	private isFresh = false;
	private readonly declared = new Map<string, SignalDeclaration>();
	private readonly samples = new Map<string, SampleSlot>();
	/** By instrument, as the lab file states it. */
	private readonly staleMs = new Map<string, number>();
	private readonly instruments = new Map<string, InstrumentStatus>();
	private readonly interlocks = new Map<string, InterlockStatus>();
	private readonly alarms = new Map<string, AlarmStatus>();
	private readonly flood = new FloodCount();
	private readonly listeners = new Set<EventListener>();
	private run: LiveRun | null = null;
	/** As control counted when it was last asked. */
	private maintenance: ControlStatus["maintenance"];
	private manual: ManualStatus | null = null;
	private lastDoses: Readonly<Record<string, LastDoseStatus>> = {};
	/** True while nothing was heard of the run since control came up again. */
	private runOutlivedControl = false;

	constructor(private readonly options: LiveStateOptions) {
		this.clock = options.clock;
		this.station = options.station;
		this.isSimulated = options.simulated;
		this.version = options.version;
		this.roles = options.roles;
		this.events = new EventRing(options.eventsKept ?? EVENTS_KEPT);
	}

	get simulated(): boolean {
		return this.isSimulated;
	}

	/** The journal sequence number of the newest record seen. */
	get lastSeq(): number {
		return Math.max(0, this.seq);
	}

	/** False while the journal is being read up, and when control has fallen silent: then every value is stale. */
	get fresh(): boolean {
		return this.isFresh && this.clock.nowMs() - this.arrivedMs <= SILENCE_MS;
	}

	/** Takes the next record of the journal. Records must come in order; one that was seen before is ignored. */
	apply(record: JournalRecord): void {
		if (record.seq <= this.seq) return;
		if (this.events.lostThrough === Number.POSITIVE_INFINITY) this.events.beginAfter(record.seq - 1);
		this.seq = record.seq;
		this.t = record.t;
		this.wall = record.wall;
		this.arrivedMs = this.clock.nowMs();
		if (this.sawEnd) this.isFresh = true;
		this.take(record);
		for (const [waiter, seq] of this.waiters) {
			if (seq > record.seq) continue;
			this.waiters.delete(waiter);
			waiter();
		}
	}

	/** Calls back once the record of that number has been taken. */
	whenSeen(seq: number, seen: () => void): void {
		if (seq <= this.seq) seen();
		else this.waiters.set(seen, seq);
	}

	private take(record: JournalRecord): void {
		if (record.kind === "sample") {
			this.sampled(record);
			return;
		}
		// Rows of battery tests would drive everything else out of the ring; they are asked for by test.
		if (record.kind === "cell-test-rows" || record.kind === "cell-test-positions") return;
		this.happened(record);
		this.events.push(record);
		for (const listener of this.listeners) listener(record);
	}

	/**
	 * Says that the reader has reached the journal's present end. What was read until then may be old; the first record
	 * that comes after it proves that control is alive. May be called every time the end is reached.
	 */
	reachedEnd(): void {
		this.sawEnd = true;
	}

	/** Takes over what control itself says, for what the records read so far do not tell (a late start, anneal minutes). */
	adopt(status: ControlStatus): void {
		this.station = status.station;
		this.isSimulated = status.simulated;
		this.version = status.version;
		for (const [name, instrument] of Object.entries(status.instruments)) {
			if (!this.instruments.has(name)) this.instruments.set(name, instrument);
		}
		for (const [id, signal] of Object.entries(status.signals)) {
			if (this.declared.has(id)) continue;
			this.declared.set(id, { id, unit: signal.unit, signalKind: "measurement", description: "" });
		}
		this.maintenance = status.maintenance;
		for (const interlock of status.interlocks) {
			if (!this.interlocks.has(interlock.interlock)) this.interlocks.set(interlock.interlock, interlock);
		}
		for (const alarm of status.alarms) if (!this.alarms.has(alarm.alarm)) this.alarms.set(alarm.alarm, alarm);
		this.manual = status.manual ?? null;
		this.lastDoses = status.lastDoses ?? {};
		if (status.run === null) {
			// Control came up again and did not take its former run up.
			if (this.runOutlivedControl) this.run = null;
			return;
		}
		if (this.run === null) this.run = LiveRun.fromStatus(status.run, status.t);
		else if (this.run.run === status.run.run) this.run.adopt(status.run);
	}

	/** Is told every record that is not a sample, as it comes. Gives the function that ends it. */
	subscribe(listener: EventListener): () => void {
		this.listeners.add(listener);
		return () => this.listeners.delete(listener);
	}

	status(): ControlStatus {
		const signals: Record<string, SignalStatus> = {};
		for (const id of this.declared.keys()) signals[id] = this.signal(id);
		return {
			station: this.station,
			simulated: this.isSimulated,
			speed: this.options.speed,
			version: this.version,
			t: this.t,
			wall: this.wall,
			run: this.run?.status(this.t) ?? null,
			instruments: Object.fromEntries(this.instruments),
			signals,
			interlocks: [...this.interlocks.values()],
			alarms: [...this.alarms.values()],
			alarmFlood: this.flood.at(this.wall),
			...(this.maintenance === undefined ? {} : { maintenance: this.maintenance }),
			manual: this.manual,
			lastDoses: this.lastDoses,
			...(this.roles === undefined ? {} : { roles: this.roles }),
		};
	}

	get declarations(): ReadonlyMap<string, SignalDeclaration> {
		return this.declared;
	}

	/** The latest value of `instrument.signal`, with its quality by age. */
	signal(id: string): SignalStatus {
		const unit = this.declared.get(id)?.unit ?? "1";
		const dot = id.indexOf(".");
		const instrument = id.slice(0, dot);
		const name = id.slice(dot + 1);
		const record = this.samples.get(instrument)?.record;
		const value = record?.values[name];
		if (record === undefined || record === null || value === undefined) {
			return { value: null, unit, quality: "stale", at: 0, seq: 0 };
		}
		const detail = record.fault?.[name];
		const isFault = value === null || detail !== undefined;
		const quality: Quality = isFault ? "fault" : this.instrumentFresh(instrument) ? "good" : "stale";
		return { value, unit, quality, at: record.wall, seq: record.seq, ...(detail === undefined ? {} : { detail }) };
	}

	/** Fault when the instrument is not connected, stale when its samples stopped. */
	instrumentQuality(name: string): Quality {
		if (this.instruments.get(name)?.state === "fault") return "fault";
		return this.instrumentFresh(name) ? "good" : "stale";
	}

	/** The present run's line; undefined when there is none or when it began before the journal was followed. */
	runSummary(): RunSummary | undefined {
		return this.run?.summary(this.t);
	}

	get runId(): string | null {
		return this.run?.run ?? null;
	}

	/** The present run with its steps; undefined when `run` is another, or not all of it was followed. */
	runDetail(run: string): RunDetail | undefined {
		const summary = this.runSummary();
		const created = this.run?.created;
		if (summary === undefined || created == null || created.run !== run) return undefined;
		const records = this.eventsOf(run, 0);
		if (records === undefined) return undefined;
		return { ...summary, ...detailsOf(created), steps: stepsFrom(records), anneals: annealsFrom(records) };
	}

	/** The changes of alarms that are held here, newest first. */
	alarmHistory({ limit, alarm, before = Number.POSITIVE_INFINITY }: AlarmQuery): AlarmChange[] {
		const found: AlarmChange[] = [];
		for (let index = this.events.end - 1; index >= this.events.begin && found.length < limit; index -= 1) {
			const record = this.events.at(index)!;
			if (record.kind !== "alarm" || record.wall >= before) continue;
			if (alarm === undefined || record.alarm === alarm) found.push(record);
		}
		return found;
	}

	/** Everything after `afterSeq` that belongs to a run; undefined when some of it is no longer held here. */
	eventsOf(run: string, afterSeq: number): JournalRecord[] | undefined {
		const start = this.startIndex(run, afterSeq);
		if (start === undefined) return undefined;
		const found: JournalRecord[] = [];
		for (let index = start; index < this.events.end; index += 1) {
			const record = this.events.at(index)!;
			if (runOf(record) === run) found.push(record);
		}
		return found;
	}

	/** The ring index from which nothing of the run after `afterSeq` is missing; undefined when something is. */
	startIndex(run: string, afterSeq: number): number | undefined {
		const { events } = this;
		if (afterSeq >= events.lostThrough) return events.firstAfter(afterSeq);
		for (let index = events.begin; index < events.end; index += 1) {
			const record = events.at(index)!;
			if (runOf(record) !== run) continue;
			if (record.kind !== "run-created") return undefined;
			return Math.max(index, events.firstAfter(afterSeq));
		}
		return undefined;
	}

	private instrumentFresh(name: string): boolean {
		const slot = this.samples.get(name);
		if (slot?.record == null || !this.fresh) return false;
		const state = this.instruments.get(name)?.state;
		if (state !== undefined && state !== "ready") return false;
		const limitMs = this.staleMs.get(name) ?? Math.max(STALE_MS_MIN, STALE_PERIODS * slot.periodMs);
		return this.presentT - slot.record.t <= limitMs;
	}

	/** Control's time now. An accelerated lab is as far as the newest record tells: it runs away while the reader takes a breath. */
	private get presentT(): number {
		return this.options.speed === 1 ? this.t + (this.clock.nowMs() - this.arrivedMs) : this.t;
	}

	private sampled(record: SampleRecord & RecordBase): void {
		let slot = this.samples.get(record.instrument);
		if (slot === undefined) {
			slot = { record: null, periodMs: 0 };
			this.samples.set(record.instrument, slot);
		}
		if (slot.record !== null) {
			const interval = record.t - slot.record.t;
			// A gap is no period: one loss must not make the next one last longer before it shows.
			const isGap = interval > Math.max(STALE_MS_MIN, STALE_PERIODS * slot.periodMs);
			if (slot.periodMs === 0) slot.periodMs = interval;
			else if (!isGap) slot.periodMs += PERIOD_WEIGHT * (interval - slot.periodMs);
		}
		slot.record = record;
		if (this.options.foilC === undefined || this.run === null) return;
		const foilC = this.options.foilC(record);
		if (foilC !== null) this.run.foilSeen(foilC);
	}

	private happened(record: JournalRecord): void {
		switch (record.kind) {
			case "control-started":
				this.station = record.station;
				this.isSimulated = record.simulated;
				this.version = record.version;
				this.samples.clear();
				this.instruments.clear();
				this.declared.clear();
				// What is still latched or alarmed, control tells anew.
				this.interlocks.clear();
				this.alarms.clear();
				this.manual = null;
				this.runOutlivedControl = this.run !== null;
				this.staleMs.clear();
				for (const signal of record.signals) {
					this.declared.set(signal.id, signal);
					const instrument = signal.id.slice(0, signal.id.indexOf("."));
					if (signal.staleMs !== undefined) this.staleMs.set(instrument, signal.staleMs);
				}
				return;
			case "instrument": {
				const { driver, address, state, identity, error, warnings } = record;
				this.instruments.set(record.instrument, {
					driver,
					address,
					state,
					...(identity === undefined ? {} : { identity }),
					...(error === undefined ? {} : { error }),
					...(warnings === undefined ? {} : { warnings }),
				});
				return;
			}
			case "interlock": {
				const { interlock, cause, effect } = record;
				this.interlocks.set(interlock, {
					interlock,
					state: record.state === "reset" ? "clear" : record.state,
					cause,
					effect,
				});
				return;
			}
			case "alarm": {
				const { kind: _, seq: __, t: ___, wall, ...alarm } = record;
				if (record.state === "normal") this.alarms.delete(record.alarm);
				else this.alarms.set(record.alarm, { ...alarm, at: wall });
				if (record.state === "unacknowledged") this.flood.annunciated(wall);
				return;
			}
			case "manual-command": {
				const { by, order, wall: at, restAt, neverAboveC } = record;
				if (restAt !== null) this.manual = { by, order, at, restAt, neverAboveC };
				return;
			}
			case "manual-ended":
				this.manual = null;
				return;
			case "run-created":
				this.run = LiveRun.fromRecord(record);
				this.runOutlivedControl = false;
				return;
		}
		if (this.run === null || runOf(record) !== this.run.run) return;
		this.runOutlivedControl = false;
		this.run.apply(record);
		if (record.kind === "run-state" && record.to === "idle") this.run = null;
	}
}

function detailsOf(created: RunCreated) {
	const { recipeText, parameters, labFileSha256, softwareVersion, acknowledged } = created;
	return { recipeText, parameters, labFileSha256, softwareVersion, acknowledged };
}

function annealsFrom(records: readonly JournalRecord[]): RunDetail["anneals"] {
	return records.flatMap((record) => (record.kind === "anneal" ? [annealFacts(record)] : []));
}

/** Ended steps in order, each with the title and time of its start. */
function stepsFrom(records: readonly JournalRecord[]): RunDetail["steps"] {
	const steps: RunDetail["steps"][number][] = [];
	let started: { index: number; title: string; at: number } | undefined;
	for (const record of records) {
		if (record.kind === "step-started") started = { index: record.index, title: record.title, at: record.wall };
		if (record.kind !== "step-ended") continue;
		const { kind: _, seq: __, t: ___, wall, ...step } = record;
		const isSame = started?.index === record.index;
		steps.push({
			...step,
			title: isSame ? started!.title : record.type,
			startedAt: isSame ? started!.at : wall - record.actualS * 1000,
			endedAt: wall,
		});
	}
	return steps;
}
