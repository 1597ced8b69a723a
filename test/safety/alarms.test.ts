import { beforeEach, describe, expect, it } from "vitest";
import { SteppedClock } from "#core/clock.js";
import { MemoryJournal } from "#journal/memory.js";
import { type AlarmDetails, Alarms, nextAlarm } from "#safety/alarms.js";

const STATES = [
	"normal",
	"unacknowledged",
	"acknowledged",
	"returned-unacknowledged",
	"latched-unacknowledged",
	"latched-acknowledged",
] as const;
const INPUTS = ["alarm", "clear", "acknowledge", "reset"] as const;

type State = (typeof STATES)[number];
type Row = Record<(typeof INPUTS)[number], State>;

/** ISA-18.2: every cell, written out; for an alarm that does not latch, and for one that does. */
const PLAIN: Record<State, Row> = {
	normal: { alarm: "unacknowledged", clear: "normal", acknowledge: "normal", reset: "normal" },
	unacknowledged: {
		alarm: "unacknowledged",
		clear: "returned-unacknowledged",
		acknowledge: "acknowledged",
		reset: "unacknowledged",
	},
	acknowledged: { alarm: "acknowledged", clear: "normal", acknowledge: "acknowledged", reset: "acknowledged" },
	"returned-unacknowledged": {
		alarm: "unacknowledged",
		clear: "returned-unacknowledged",
		acknowledge: "normal",
		reset: "returned-unacknowledged",
	},
	"latched-unacknowledged": {
		alarm: "unacknowledged",
		clear: "latched-unacknowledged",
		acknowledge: "latched-acknowledged",
		reset: "latched-unacknowledged",
	},
	"latched-acknowledged": {
		alarm: "unacknowledged",
		clear: "latched-acknowledged",
		acknowledge: "latched-acknowledged",
		reset: "normal",
	},
};
const LATCHING: Record<State, Row> = {
	...PLAIN,
	unacknowledged: { ...PLAIN.unacknowledged, clear: "latched-unacknowledged" },
	acknowledged: { ...PLAIN.acknowledged, clear: "latched-acknowledged" },
};

describe.each([
	["that does not latch", PLAIN, false],
	["that latches", LATCHING, true],
] as const)("the states of an alarm %s", (_, table, latching) => {
	it.each(STATES.flatMap((state) => INPUTS.map((input) => [state, input, table[state][input]] as const)))(
		"%s, %s: %s",
		(state, input, to) => {
			expect(nextAlarm(state, input, latching)).toBe(to);
		},
	);
});

describe("the alarms", () => {
	const clock = new SteppedClock({ wallStartMs: 1_000_000 });
	const plain: AlarmDetails = {
		alarm: "gauge",
		priority: "high",
		message: "The gauge is gone.",
		response: "Look for it.",
		latching: false,
	};
	const latching: AlarmDetails = { ...plain, alarm: "lid", latching: true };
	let journal: MemoryJournal;
	let alarms: Alarms;
	const written = () =>
		journal.records.map((record) => (record.kind === "alarm" ? `${record.alarm} ${record.state}` : record.kind));

	beforeEach(() => {
		journal = new MemoryJournal(clock);
		alarms = new Alarms(clock, journal);
	});

	it("are shown until they are normal, and each change is recorded once", () => {
		alarms.raise(plain);
		alarms.raise({ ...plain, message: "The gauge is still gone." });
		expect(alarms.status).toMatchObject([
			{ alarm: "gauge", state: "unacknowledged", message: "The gauge is still gone.", at: 1_000_000 },
		]);
		alarms.cleared("gauge");
		alarms.cleared("gauge");
		expect(alarms.acknowledge("gauge", "Ada")).toBe("normal");
		expect(alarms.status).toEqual([]);
		expect(written()).toEqual(["gauge unacknowledged", "gauge returned-unacknowledged", "gauge normal"]);
		expect(journal.records.at(-1)).toMatchObject({ by: "Ada" });
	});

	it("that latch need clear, acknowledge and reset", () => {
		alarms.raise(latching);
		alarms.reset("lid");
		alarms.cleared("lid");
		alarms.reset("lid");
		expect(alarms.state("lid")).toBe("latched-unacknowledged");
		alarms.acknowledge("lid", "Ada");
		alarms.reset("lid");
		expect(alarms.state("lid")).toBe("normal");
	});

	it("that come again are unacknowledged again", () => {
		alarms.raise(plain);
		alarms.cleared("gauge");
		alarms.raise(plain);
		expect(alarms.state("gauge")).toBe("unacknowledged");
		expect(alarms.status).toHaveLength(1);
	});

	it("that are not active cannot be acknowledged", () => {
		expect(() => alarms.acknowledge("gauge", "Ada")).toThrowError(expect.objectContaining({ code: "NOT_FOUND" }));
		alarms.cleared("gauge");
		alarms.reset("gauge");
		expect(journal.records).toEqual([]);
	});
});
