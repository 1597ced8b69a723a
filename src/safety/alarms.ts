/** The alarms of one reactor: what is not normal, what is shelved, and who said so. */
import type { Clock } from "#core/clock.js";
import { AdlayerError } from "#core/errors.js";
import { FloodCount } from "#record/alarm-flood.js";
import type { AlarmRecord, AlarmState, RecordSink } from "#record/records.js";
import type { AlarmStatus } from "#record/status.js";
import { type AlarmDefinition, definitionOf } from "#safety/alarm-definitions.js";
import { type AlarmCondition, type AlarmInput, nextAlarm, nextCondition } from "#safety/alarm-states.js";

/** Nobody shelves an alarm into the next day: whoever comes then does not know of it. */
export const SHELVE_S_MAX = 12 * 3_600;
/** Reasons are for people, and stand in every record of the alarm. */
export const REASON_CHARS_MAX = 500;

/** What an alarm says beyond its definition. */
export interface AlarmDetails {
	readonly alarm: string;
	/** One sentence with the numbers: what has happened this time. */
	readonly message: string;
	/** Replaces the definition's. */
	readonly response?: string;
}

export interface ShelveOrder {
	readonly by: string;
	readonly reason: string;
	/** Seconds, or until the alarm's cause has gone once. */
	readonly for: number | "one-shot";
}

/** Without `untilWall` until its cause has gone once. The wall clock, which people see, may jump: whichever comes first ends it. */
interface Shelving {
	readonly untilWall: number | null;
	readonly untilMs: number;
}

interface Entry {
	readonly alarm: string;
	readonly definition: AlarmDefinition;
	message: string;
	response: string;
	state: AlarmState;
	condition: AlarmCondition;
	atWall: number;
	/** Raised or cleared, and waiting for its delay. */
	pending: { readonly input: "alarm" | "clear"; readonly sinceMs: number } | undefined;
	shelved: Shelving | undefined;
	by: string | undefined;
	reason: string | undefined;
	/** Times that its cause came, also while nothing was shown. */
	occurrences: number;
}

export class Alarms {
	private readonly entries = new Map<string, Entry>();
	private readonly flooding = new FloodCount();

	constructor(
		private readonly clock: Clock,
		private readonly sink: RecordSink,
		/** Ids of the alarms that this reactor can have; a shelving of any other is refused. Absent: any that is defined. */
		private readonly isKnown: (alarm: string) => boolean = (alarm) => definitionOf(alarm) !== undefined,
	) {}

	/** The cause of an alarm is there. */
	raise({ alarm, message, response }: AlarmDetails): void {
		const entry = this.entryOf(alarm);
		entry.message = message;
		entry.response = response ?? entry.definition.response;
		this.seen(entry, "alarm", entry.definition.onDelayMs);
	}

	/** The cause is gone. */
	cleared(alarm: string): void {
		const entry = this.entries.get(alarm);
		if (entry !== undefined) this.seen(entry, "clear", entry.definition.offDelayMs);
	}

	/** Raised while `isThere`, cleared otherwise. */
	follow(isThere: boolean, details: AlarmDetails): void {
		if (isThere) this.raise(details);
		else this.cleared(details.alarm);
	}

	/** Ends a latched alarm that has been acknowledged; any other stays as it is. */
	reset(alarm: string, by?: string): void {
		const entry = this.entries.get(alarm);
		if (entry !== undefined) this.move(entry, "reset", by);
	}

	state(alarm: string): AlarmState {
		return this.entries.get(alarm)?.state ?? "normal";
	}

	/** The cause was there, and nobody has acknowledged it since; that an alarm was silenced says nothing. */
	isUnacknowledged(alarm: string): boolean {
		const entry = this.entries.get(alarm);
		if (entry === undefined) return false;
		return isMuted(entry.state) ? entry.condition !== "clear" : entry.state.endsWith("unacknowledged");
	}

	/** Whether the cause is there, whatever is shown of it. */
	isActive(alarm: string): boolean {
		return this.entries.get(alarm)?.condition === "active";
	}

	/** Gives the new state; NOT_FOUND when no alarm of that id is active, COMMAND_NOT_ALLOWED when it is not shown. */
	acknowledge(alarm: string, by: string): AlarmState {
		const entry = this.entries.get(alarm);
		if (entry === undefined || entry.state === "normal")
			throw new AdlayerError("NOT_FOUND", `There is no active alarm ${alarm}.`);
		if (isMuted(entry.state)) {
			throw new AdlayerError(
				"COMMAND_NOT_ALLOWED",
				`The alarm ${alarm} is ${entry.state}; there is nothing to acknowledge.`,
				{
					context: { state: entry.state },
					hint: "Unshelve it or return it to service first.",
				},
			);
		}
		this.move(entry, "acknowledge", by);
		return entry.state;
	}

	/** Silences an alarm for a time, or until its cause has gone once and for SHELVE_S_MAX at most; the interlock behind it acts all the same. */
	shelve(alarm: string, order: ShelveOrder): AlarmState {
		const entry = this.ordered(alarm, "shelve");
		const forS = order.for === "one-shot" ? undefined : order.for;
		if (forS !== undefined && !(forS > 0 && forS <= SHELVE_S_MAX)) {
			throw new AdlayerError(
				"USAGE",
				`An alarm is shelved for more than 0 s and at most ${SHELVE_S_MAX} s, not ${forS} s.`,
				{ context: { forS, limitS: SHELVE_S_MAX } },
			);
		}
		entry.shelved = this.shelving(forS === undefined ? null : forS * 1_000);
		entry.reason = order.reason;
		this.move(entry, "shelve", order.by);
		return entry.state;
	}

	unshelve(alarm: string, by: string): AlarmState {
		return this.back(alarm, "shelved", "unshelve", by);
	}

	/** Until somebody returns it: for an instrument that is being repaired. */
	removeFromService(alarm: string, by: string, reason: string): AlarmState {
		const entry = this.ordered(alarm, "remove");
		entry.reason = reason;
		entry.shelved = undefined;
		this.move(entry, "remove", by);
		return entry.state;
	}

	returnToService(alarm: string, by: string): AlarmState {
		return this.back(alarm, "out-of-service", "return", by);
	}

	/** Time has passed: delays, the end of shelving, suppression by design. */
	tick(): void {
		const nowMs = this.clock.nowMs();
		const wallMs = this.clock.wallMs();
		for (const entry of [...this.entries.values()]) {
			const { pending, definition, shelved } = entry;
			if (pending !== undefined) {
				const delayMs = pending.input === "alarm" ? definition.onDelayMs : definition.offDelayMs;
				if (nowMs - pending.sinceMs >= delayMs) this.seen(entry, pending.input, 0);
			}
			const isOver =
				shelved !== undefined &&
				(nowMs >= shelved.untilMs || (shelved.untilWall !== null && wallMs >= shelved.untilWall));
			if (entry.state === "shelved" && isOver) this.move(entry, "unshelve");
			const isSaidAlready = definition.suppressedBy?.some((id) => this.isAnyActive(id)) ?? false;
			if (isSaidAlready && entry.condition !== "clear") this.move(entry, "suppress");
			else if (!isSaidAlready) this.move(entry, "unsuppress");
		}
	}

	get status(): AlarmStatus[] {
		return [...this.entries.values()]
			.filter(({ state }) => state !== "normal")
			.map((entry) => ({
				alarm: entry.alarm,
				state: entry.state,
				priority: entry.definition.priority,
				message: entry.message,
				cause: entry.definition.cause,
				consequence: entry.definition.consequence,
				response: entry.response,
				at: entry.atWall,
				occurrences: entry.occurrences,
				...saidOf(entry),
			}));
	}

	get flood() {
		return this.flooding.at(this.clock.nowMs());
	}

	/**
	 * Takes over what a former process left, as its last records tell. A cause that is not latched must show itself again:
	 * until then it counts as gone. Each is recorded anew, so that whoever reads from here on knows of it.
	 */
	restore(records: readonly AlarmRecord[], isLatched: (alarm: string) => boolean): void {
		for (const record of records) {
			if (definitionOf(record.alarm) === undefined || !this.isKnown(record.alarm)) {
				this.sink.append({ ...record, state: "normal" });
				continue;
			}
			const entry = this.entryOf(record.alarm);
			entry.message = record.message;
			entry.response = record.response;
			entry.state = stateAfterRestart(record.state, isLatched(record.alarm));
			entry.condition = isLatched(record.alarm) ? "active" : "clear";
			entry.occurrences = record.occurrences ?? 1;
			entry.by = record.by;
			entry.reason = record.reason;
			entry.atWall = this.clock.wallMs();
			if (entry.state === "shelved") {
				const leftMs = record.until === undefined ? null : record.until - entry.atWall;
				// A clock that was set back meanwhile does not shelve for longer than a person may.
				entry.shelved = this.shelving(leftMs === null ? null : Math.min(leftMs, SHELVE_S_MAX * 1_000));
			}
			this.record(entry);
			if (entry.state === "normal") this.entries.delete(entry.alarm);
		}
	}

	private shelving(forMs: number | null): Shelving {
		// A cause that never goes, or never comes, would be silenced for ever.
		if (forMs === null) return { untilWall: null, untilMs: this.clock.nowMs() + SHELVE_S_MAX * 1_000 };
		return { untilWall: Math.round(this.clock.wallMs() + forMs), untilMs: this.clock.nowMs() + forMs };
	}

	/** One that is silenced itself says nothing for another. */
	private isAnyActive(id: string): boolean {
		for (const { alarm, condition, state } of this.entries.values())
			if ((alarm === id || alarm.startsWith(id)) && condition !== "clear" && !isMuted(state)) return true;
		return false;
	}

	private entryOf(alarm: string): Entry {
		const known = this.entries.get(alarm);
		if (known !== undefined) return known;
		const definition = definitionOf(alarm);
		if (definition === undefined) throw new AdlayerError("NOT_FOUND", `There is no alarm ${alarm}.`);
		const entry: Entry = {
			alarm,
			definition,
			message: definition.cause,
			response: definition.response,
			state: "normal",
			condition: "clear",
			atWall: this.clock.wallMs(),
			pending: undefined,
			shelved: undefined,
			by: undefined,
			reason: undefined,
			occurrences: 0,
		};
		this.entries.set(alarm, entry);
		return entry;
	}

	/** An alarm that a person orders something of; it need not be active, but this reactor must be able to have it. */
	private ordered(alarm: string, input: "shelve" | "remove"): Entry {
		if (!this.entries.has(alarm) && !this.isKnown(alarm))
			throw new AdlayerError("NOT_FOUND", `This reactor has no alarm ${alarm}.`);
		const entry = this.entryOf(alarm);
		const { state } = entry;
		if (input === "shelve" && state === "out-of-service")
			throw new AdlayerError("COMMAND_NOT_ALLOWED", `The alarm ${alarm} is out of service.`, { context: { state } });
		return entry;
	}

	private back(alarm: string, from: AlarmState, input: "unshelve" | "return", by: string): AlarmState {
		const entry = this.entries.get(alarm);
		if (entry?.state !== from) {
			const state = this.state(alarm);
			throw new AdlayerError("COMMAND_NOT_ALLOWED", `The alarm ${alarm} is ${state}, not ${from}.`, {
				context: { state },
			});
		}
		this.move(entry, input, by);
		return entry.state;
	}

	/** A cause is seen, or seen to be gone: acts once that has lasted for the delay. */
	private seen(entry: Entry, input: "alarm" | "clear", delayMs: number): void {
		const isThere = entry.condition === "active";
		if (isThere === (input === "alarm")) {
			entry.pending = undefined;
			return;
		}
		const nowMs = this.clock.nowMs();
		if (delayMs > 0) {
			if (entry.pending?.input !== input) entry.pending = { input, sinceMs: nowMs };
			if (nowMs - entry.pending.sinceMs < delayMs) return;
		}
		entry.pending = undefined;
		this.move(entry, input);
	}

	private move(entry: Entry, input: AlarmInput, by?: string): void {
		const { definition, state: from } = entry;
		entry.condition = nextCondition(entry.condition, input, definition);
		if (input === "alarm") entry.occurrences += 1;
		const to = nextAlarm(from, input, { latching: definition.latching, condition: entry.condition });
		if (to !== from) {
			entry.state = to;
			entry.atWall = this.clock.wallMs();
			entry.by = by;
			if (!isMuted(to)) {
				entry.shelved = undefined;
				entry.reason = undefined;
			}
			if (to === "unacknowledged") this.flooding.annunciated(this.clock.nowMs());
			this.record(entry);
		}
		// One-shot: its cause has come and gone once.
		if (entry.state === "shelved" && input === "clear" && entry.shelved?.untilWall === null)
			this.move(entry, "unshelve");
		if (entry.state === "normal" && entry.condition === "clear" && entry.pending === undefined)
			this.entries.delete(entry.alarm);
	}

	private record(entry: Entry): void {
		this.sink.append({
			kind: "alarm",
			alarm: entry.alarm,
			state: entry.state,
			priority: entry.definition.priority,
			message: entry.message,
			cause: entry.definition.cause,
			consequence: entry.definition.consequence,
			response: entry.response,
			occurrences: entry.occurrences,
			...saidOf(entry),
		});
	}
}

function saidOf({ by, reason, shelved }: Entry) {
	return {
		...(by === undefined ? {} : { by }),
		...(reason === undefined ? {} : { reason }),
		...(shelved?.untilWall == null ? {} : { until: shelved.untilWall }),
	};
}

/** Nothing is shown of such an alarm. */
export function isMuted(state: AlarmState): boolean {
	return state === "shelved" || state === "suppressed" || state === "out-of-service";
}

function stateAfterRestart(state: AlarmState, isLatched: boolean): AlarmState {
	if (state === "shelved" || state === "out-of-service") return state;
	const isAcknowledged = state === "acknowledged" || state === "latched-acknowledged";
	if (isLatched) return isAcknowledged ? "acknowledged" : "unacknowledged";
	if (state === "suppressed" || isAcknowledged) return "normal";
	return "returned-unacknowledged";
}
