/**
 * The service from control's side: what it says of itself and its database and broker, and its silence. Only alarms come of
 * it; control needs none of the three. The service lives in real time also where lab time runs faster, so silence is counted
 * in real time.
 */
import type { Clock, Timer } from "#core/clock.js";
import type { ServicePresence, ServiceReport } from "#record/service-status.js";
import type { Alarms } from "#safety/alarms.js";
import type { StateFile } from "#src/campaign/campaigns.js";

const LOOK_EVERY_MS = 1_000;
/** The service speaks every second; at nice 10 on a busy machine it may miss some words. */
export const SILENT_MS_MAX = 15_000;
/** A service that starts may take so long to its first word, and to its database and broker. */
export const STARTING_MS_MAX = 60_000;
/** Services whose last word is remembered; one at a time is usual. */
const INSTANCES_MAX = 8;

/** Outlives control: whether a service is expected on this data folder. One that was never there, or was stopped, is not. */
export interface ServiceExpected {
	readonly isExpected: boolean;
}

export interface ServiceWatchParts {
	/** Lab time, for looking and for people. */
	readonly clock: Clock;
	readonly realClock: Clock;
	readonly alarms: Alarms;
	readonly file: StateFile<ServiceExpected>;
}

type Part = "database" | "broker";
const PARTS: readonly Part[] = ["database", "broker"];
const NAMES: Readonly<Record<Part, string>> = { database: "The database", broker: "The broker" };

interface Heard {
	readonly report: ServiceReport;
	readonly atMs: number;
	readonly atWall: number;
}

export class ServiceWatch {
	private timer: Timer | undefined;
	private isExpected: boolean;
	/** Since when the next word is waited for. */
	private waitingSinceMs: number;
	private last: Heard | undefined;
	/** When each service process was first heard, and which of its parts were ready since; the newest last. */
	private readonly instances = new Map<string, { readonly sinceMs: number; readonly wasReady: Set<Part> }>();

	constructor(private readonly on: ServiceWatchParts) {
		this.isExpected = on.file.load()?.isExpected ?? false;
		this.waitingSinceMs = on.realClock.nowMs();
	}

	start(): void {
		this.timer = this.on.clock.setTimer(LOOK_EVERY_MS, () => this.start());
		this.look();
	}

	stop(): void {
		this.timer?.cancel();
	}

	get presence(): ServicePresence {
		const state = this.isAway ? "away" : this.isExpected ? "present" : this.last === undefined ? "none" : "stopped";
		const { atWall: heardAt = null, report } = this.last ?? {};
		return { state, heardAt, database: report?.database.state ?? null, broker: report?.broker.state ?? null };
	}

	/** The service has spoken. */
	heard(report: ServiceReport): void {
		const { alarms, clock, realClock } = this.on;
		const nowMs = realClock.nowMs();
		const former = this.last;
		this.last = { report, atMs: nowMs, atWall: clock.wallMs() };
		if (report.leaving) {
			this.left();
			return;
		}
		const isNew = !this.instances.has(report.instance);
		if (isNew) this.remember(report.instance, nowMs);
		this.expect(true);
		if (isNew && former !== undefined && !former.report.leaving) {
			const silentS = ((nowMs - former.atMs) / 1_000).toFixed(1);
			alarms.raise({
				alarm: "service.away",
				message: `The service ended without a farewell; another was heard ${silentS} s after its last word.`,
			});
		}
		alarms.cleared("service.away");
		for (const part of PARTS) this.follow(part, report, nowMs);
		const { refusedRecords, detail } = report.database;
		alarms.follow(refusedRecords > 0, { alarm: "records.refused", message: detail });
	}

	private get isAway(): boolean {
		if (!this.isExpected) return false;
		const { last, waitingSinceMs } = this;
		const silentMs = this.on.realClock.nowMs() - (last?.atMs ?? waitingSinceMs);
		return silentMs >= (last === undefined ? STARTING_MS_MAX : SILENT_MS_MAX);
	}

	private look(): void {
		if (!this.isAway) return;
		const { realClock, alarms } = this.on;
		const silentS = ((realClock.nowMs() - (this.last?.atMs ?? this.waitingSinceMs)) / 1_000).toFixed(0);
		alarms.raise({ alarm: "service.away", message: `The service has said nothing for ${silentS} s.` });
	}

	private follow(part: Part, { instance, [part]: { state, detail } }: ServiceReport, nowMs: number): void {
		const { alarms } = this.on;
		const alarm = `${part}.away`;
		const { wasReady, sinceMs } = this.instances.get(instance)!;
		if (state === "ready") {
			wasReady.add(part);
			alarms.cleared(alarm);
			return;
		}
		const isStarting = !wasReady.has(part) && nowMs - sinceMs < STARTING_MS_MAX;
		if (isStarting && !alarms.isActive(alarm)) return;
		alarms.raise({ alarm, message: `${NAMES[part]} is ${state}: ${detail === "" ? "no reason is known" : detail}` });
	}

	/** Stopped in order: nobody uses database and broker, and nobody is missing. */
	private left(): void {
		this.expect(false);
		for (const alarm of ["service.away", ...PARTS.map((part) => `${part}.away`)]) this.on.alarms.cleared(alarm);
	}

	private expect(isExpected: boolean): void {
		if (this.isExpected === isExpected) return;
		this.isExpected = isExpected;
		this.on.file.save({ isExpected });
	}

	private remember(instance: string, sinceMs: number): void {
		this.instances.set(instance, { sinceMs, wasReady: new Set() });
		if (this.instances.size > INSTANCES_MAX) this.instances.delete(this.instances.keys().next().value!);
	}
}
