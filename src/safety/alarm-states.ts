/** The states of one alarm by ISA-18.2, as a table. */
import type { AlarmState } from "#record/records.js";

export const ALARM_INPUTS = [
	"alarm",
	"clear",
	"acknowledge",
	"reset",
	"shelve",
	"unshelve",
	"suppress",
	"unsuppress",
	"remove",
	"return",
] as const;
export type AlarmInput = (typeof ALARM_INPUTS)[number];

/** What is behind an alarm: its cause is there, was there and is latched, or is gone. Goes on also while nothing is shown. */
export type AlarmCondition = "active" | "latched" | "clear";

/** `present`: back to what the condition asks for. */
type Target = AlarmState | "present";

/** Transitions; a missing cell leaves the state as it is. `latched` holds for an alarm that latches. */
export const NEXT_ALARM: Readonly<Record<AlarmState, Partial<Record<AlarmInput | "clear latched", Target>>>> = {
	normal: { alarm: "unacknowledged", shelve: "shelved", suppress: "suppressed", remove: "out-of-service" },
	unacknowledged: {
		clear: "returned-unacknowledged",
		"clear latched": "latched-unacknowledged",
		acknowledge: "acknowledged",
		shelve: "shelved",
		suppress: "suppressed",
		remove: "out-of-service",
	},
	acknowledged: {
		clear: "normal",
		"clear latched": "latched-acknowledged",
		shelve: "shelved",
		suppress: "suppressed",
		remove: "out-of-service",
	},
	"returned-unacknowledged": {
		alarm: "unacknowledged",
		acknowledge: "normal",
		shelve: "shelved",
		suppress: "suppressed",
		remove: "out-of-service",
	},
	"latched-unacknowledged": {
		alarm: "unacknowledged",
		acknowledge: "latched-acknowledged",
		shelve: "shelved",
		suppress: "suppressed",
		remove: "out-of-service",
	},
	"latched-acknowledged": {
		alarm: "unacknowledged",
		reset: "normal",
		shelve: "shelved",
		suppress: "suppressed",
		remove: "out-of-service",
	},
	shelved: { unshelve: "present", remove: "out-of-service" },
	suppressed: { unsuppress: "present", shelve: "shelved", remove: "out-of-service" },
	"out-of-service": { return: "present" },
};

const PRESENT: Readonly<Record<AlarmCondition, AlarmState>> = {
	active: "unacknowledged",
	latched: "latched-unacknowledged",
	clear: "normal",
};

/** `condition` is the one after the input. */
export function nextAlarm(
	state: AlarmState,
	input: AlarmInput,
	{ latching, condition }: { readonly latching: boolean; readonly condition: AlarmCondition },
): AlarmState {
	const row = NEXT_ALARM[state];
	const target = (input === "clear" && latching ? row["clear latched"] : row[input]) ?? state;
	return target === "present" ? PRESENT[condition] : target;
}

export function nextCondition(
	condition: AlarmCondition,
	input: AlarmInput,
	{ latching }: { readonly latching: boolean },
): AlarmCondition {
	if (input === "alarm") return "active";
	if (input === "clear" && condition === "active") return latching ? "latched" : "clear";
	if (input === "reset" && condition === "latched") return "clear";
	return condition;
}
