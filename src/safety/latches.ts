/** All interlocks in operation: what is latched, on record and alarmed, and the worst effect that stands by it. */
import { AdlayerError } from "#core/errors.js";
import type { AlarmState, InterlockRecord, RecordSink } from "#record/records.js";
import type { InterlockStatus } from "#record/status.js";
import type { Alarms } from "#safety/alarms.js";
import type { Effect, Interlock, SafetyView } from "#safety/interlock.js";
import { Latch } from "#safety/latch.js";
import { worseEffect } from "#safety/safe-state.js";

/** Told of a trip. */
export interface TripHandlers {
	/** Comes first: nothing that fails in telling of a trip may stop the safe state. */
	readonly makeSafe: (effect: Effect, cause: string) => void;
	/** The trip is on record and alarmed. */
	readonly tripped: (interlock: Interlock, cause: string) => void;
}

export interface LatchesDependencies {
	readonly view: SafetyView;
	readonly alarms: Alarms;
	readonly sink: RecordSink;
	readonly on: TripHandlers;
}

export class Latches {
	/** The worst effect since something latched, until nothing is latched any more. */
	standing: Effect | undefined;
	private readonly all: readonly Latch[];

	constructor(
		interlocks: readonly Interlock[],
		private readonly deps: LatchesDependencies,
	) {
		this.all = interlocks.map((interlock) => new Latch(interlock));
	}

	/** Latches again what a former process left so; what this reactor no longer has is recorded as reset. */
	restore(records: readonly InterlockRecord[]): void {
		for (const record of records) {
			const latch = this.find(record.interlock);
			if (latch === undefined) {
				this.deps.sink.append({ ...record, state: "reset", by: "the lab file no longer has this interlock" });
				continue;
			}
			const { cause, value, limit, unit } = record;
			latch.restore({ cause, value, limit, unit });
			this.standing = worseEffect(latch.interlock.effect, this.standing);
			this.record(latch, "tripped");
		}
	}

	/** Raises the alarm of everything that is latched. */
	alarm(): void {
		for (const { interlock, finding } of this.all)
			if (finding !== undefined) this.deps.alarms.raise(tripAlarm(interlock, finding.cause));
	}

	/** The interlocks that are not clear. */
	get latched(): string[] {
		return this.all.filter(({ state }) => state !== "clear").map(({ interlock }) => interlock.id);
	}

	isAlarmOfLatched(alarm: string): boolean {
		return this.all.some(({ state, interlock }) => state !== "clear" && alarm === alarmOf(interlock));
	}

	get status(): InterlockStatus[] {
		return this.all.map(({ interlock, state, finding }) => ({
			interlock: interlock.id,
			state,
			cause: finding?.cause ?? "",
			effect: interlock.effect,
		}));
	}

	/** False while the last judgement of one of them could not be made. */
	get couldJudge(): boolean {
		return this.all.every((latch) => latch.couldJudge);
	}

	/** Judges the present by every interlock. */
	judge(): void {
		for (const latch of this.all) {
			const changed = latch.judge(this.deps.view);
			if (changed === "tripped") this.trip(latch);
			else if (changed === "cleared") {
				this.record(latch, "cleared");
				this.deps.alarms.cleared(alarmOf(latch.interlock));
			}
		}
	}

	/**
	 * Ends a latch whose cause has gone and whose alarm has been acknowledged; one that is clear stays so. Throws NOT_FOUND, and
	 * INTERLOCK_TRIPPED with what is still in the way. `by` is who resets it.
	 */
	reset(id: string, by: string): void {
		this.judge();
		const latch = this.find(id);
		if (latch === undefined) throw new AdlayerError("NOT_FOUND", `There is no interlock ${id}.`);
		if (latch.state === "clear") return;
		const { alarms } = this.deps;
		const alarm = alarmOf(latch.interlock);
		refuseReset(latch, alarm, alarms.state(alarm));
		latch.reset();
		this.record(latch, "reset", by);
		latch.finding = undefined;
		alarms.reset(alarm, by);
		if (this.latched.length === 0) this.standing = undefined;
	}

	private find(id: string): Latch | undefined {
		return this.all.find(({ interlock }) => interlock.id === id);
	}

	private trip(latch: Latch): void {
		const { alarms, on } = this.deps;
		const { interlock, finding } = latch;
		const { cause } = finding!;
		this.standing = worseEffect(interlock.effect, this.standing);
		on.makeSafe(interlock.effect, cause);
		this.record(latch, "tripped");
		alarms.raise(tripAlarm(interlock, cause));
		on.tripped(interlock, cause);
	}

	private record({ finding, interlock }: Latch, state: InterlockRecord["state"], by?: string): void {
		this.deps.sink.append({
			kind: "interlock",
			interlock: interlock.id,
			state,
			cause: finding?.cause ?? "",
			value: finding?.value ?? null,
			limit: finding?.limit ?? null,
			unit: finding?.unit ?? null,
			effect: interlock.effect,
			...(by === undefined ? {} : { by }),
		});
	}
}

const alarmOf = ({ id }: Interlock): string => `interlock.${id}`;

function tripAlarm(interlock: Interlock, cause: string) {
	return { alarm: alarmOf(interlock), message: `${interlock.title}: ${cause}`, response: interlock.response };
}

/** Throws INTERLOCK_TRIPPED while the cause is there, or nobody has acknowledged that it was. */
function refuseReset({ state, finding, interlock }: Latch, alarm: string, alarmState: AlarmState): void {
	const { id, response } = interlock;
	const because = `It tripped because: ${finding!.cause}`;
	if (state === "tripped")
		throw new AdlayerError("INTERLOCK_TRIPPED", `The cause of ${id} is still there. ${because}`, {
			context: { interlock: id },
			hint: response,
		});
	if (alarmState !== "latched-acknowledged")
		throw new AdlayerError(
			"INTERLOCK_TRIPPED",
			`The alarm ${alarm} is ${alarmState}, not yet acknowledged. ${because}`,
			{
				context: { interlock: id, state: alarmState },
				hint: howToAcknowledge(alarm, alarmState),
			},
		);
}

function howToAcknowledge(alarm: string, state: AlarmState): string {
	if (state === "shelved") return `Unshelve ${alarm}, then acknowledge it.`;
	if (state === "out-of-service") return `Return ${alarm} to service, then acknowledge it.`;
	return `Acknowledge ${alarm} first.`;
}
