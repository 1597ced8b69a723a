/** Alarms by ISA-18.2: a table of states, and the list of what is not normal. */
import type { Clock } from "#core/clock.js";
import { AdlayerError } from "#core/errors.js";
import type { AlarmRecord, AlarmState, RecordSink } from "#record/records.js";
import type { AlarmStatus } from "#record/status.js";

type Input = "alarm" | "clear" | "acknowledge" | "reset";
type Live =
	| "normal"
	| "unacknowledged"
	| "acknowledged"
	| "returned-unacknowledged"
	| "latched-unacknowledged"
	| "latched-acknowledged";

/** ISA-18.2 transitions; a missing cell leaves the state as it is. A latching alarm takes the `latching` row on clear. */
export const NEXT_ALARM: Record<Live, Partial<Record<Input, Live>>> = {
	normal: { alarm: "unacknowledged" },
	unacknowledged: { clear: "returned-unacknowledged", acknowledge: "acknowledged" },
	acknowledged: { clear: "normal" },
	"returned-unacknowledged": { alarm: "unacknowledged", acknowledge: "normal" },
	"latched-unacknowledged": { alarm: "unacknowledged", acknowledge: "latched-acknowledged" },
	"latched-acknowledged": { alarm: "unacknowledged", reset: "normal" },
};

/** Where a latching alarm goes when its cause clears. */
const LATCHED: Partial<Record<Live, Live>> = {
	unacknowledged: "latched-unacknowledged",
	acknowledged: "latched-acknowledged",
};

export function nextAlarm(state: Live, input: Input, latching: boolean): Live {
	if (input === "clear" && latching) return LATCHED[state] ?? state;
	return NEXT_ALARM[state][input] ?? state;
}

export interface AlarmDetails {
	readonly alarm: string;
	readonly priority: AlarmRecord["priority"];
	readonly message: string;
	readonly response: string;
	readonly latching: boolean;
}

interface Entry {
	details: AlarmDetails;
	state: Live;
	atWall: number;
}

export class Alarms {
	private readonly entries = new Map<string, Entry>();

	constructor(
		private readonly clock: Clock,
		private readonly sink: RecordSink,
	) {}

	raise(details: AlarmDetails): void {
		const entry = this.entries.get(details.alarm) ?? { details, state: "normal" as Live, atWall: 0 };
		entry.details = details;
		this.entries.set(details.alarm, entry);
		this.move(entry, "alarm");
	}

	cleared(alarm: string): void {
		const entry = this.entries.get(alarm);
		if (entry !== undefined) this.move(entry, "clear");
	}

	/** Ends a latched alarm that has been acknowledged; any other stays as it is. */
	reset(alarm: string): void {
		const entry = this.entries.get(alarm);
		if (entry !== undefined) this.move(entry, "reset");
	}

	state(alarm: string): AlarmState {
		return this.entries.get(alarm)?.state ?? "normal";
	}

	/** Gives the new state; NOT_FOUND when no alarm of that id is active. */
	acknowledge(alarm: string, by: string): AlarmState {
		const entry = this.entries.get(alarm);
		if (entry === undefined) throw new AdlayerError("NOT_FOUND", `There is no active alarm ${alarm}.`);
		this.move(entry, "acknowledge", by);
		return entry.state;
	}

	get status(): AlarmStatus[] {
		return [...this.entries.values()].map(({ details, state, atWall }) => ({
			alarm: details.alarm,
			state,
			priority: details.priority,
			message: details.message,
			response: details.response,
			at: atWall,
		}));
	}

	private move(entry: Entry, input: Input, by?: string): void {
		const to = nextAlarm(entry.state, input, entry.details.latching);
		if (to === entry.state) return;
		entry.state = to;
		entry.atWall = this.clock.wallMs();
		const { alarm, priority, message, response } = entry.details;
		this.sink.append({
			kind: "alarm",
			alarm,
			state: to,
			priority,
			message,
			response,
			...(by === undefined ? {} : { by }),
		});
		if (to === "normal") this.entries.delete(alarm);
	}
}
