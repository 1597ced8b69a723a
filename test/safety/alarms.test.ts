import { beforeEach, describe, expect, it } from "vitest";
import { SteppedClock } from "#core/clock.js";
import { CarryTracker } from "#journal/carry.js";
import { MemoryJournal } from "#journal/memory.js";
import type { AlarmState } from "#record/records.js";
import { ALARM_INPUTS, type AlarmCondition, type AlarmInput, nextAlarm } from "#safety/alarm-states.js";
import { Alarms, SHELVE_S_MAX } from "#safety/alarms.js";

const STATES = [
	"normal",
	"unacknowledged",
	"acknowledged",
	"returned-unacknowledged",
	"latched-unacknowledged",
	"latched-acknowledged",
	"shelved",
	"suppressed",
	"out-of-service",
] as const satisfies readonly AlarmState[];

/** What takes an alarm out of sight is the same in every state in which it is seen. */
const OUT_OF_SIGHT = { shelve: "shelved", suppress: "suppressed", remove: "out-of-service" } as const;

/** ISA-18.2: every cell that moves, written out, for an alarm that does not latch; the others stay. */
const PLAIN: Record<AlarmState, Partial<Record<AlarmInput, AlarmState | "by condition">>> = {
	normal: { alarm: "unacknowledged", ...OUT_OF_SIGHT },
	unacknowledged: { clear: "returned-unacknowledged", acknowledge: "acknowledged", ...OUT_OF_SIGHT },
	acknowledged: { clear: "normal", ...OUT_OF_SIGHT },
	"returned-unacknowledged": { alarm: "unacknowledged", acknowledge: "normal", ...OUT_OF_SIGHT },
	"latched-unacknowledged": { alarm: "unacknowledged", acknowledge: "latched-acknowledged", ...OUT_OF_SIGHT },
	"latched-acknowledged": { alarm: "unacknowledged", reset: "normal", ...OUT_OF_SIGHT },
	shelved: { unshelve: "by condition", remove: "out-of-service" },
	suppressed: { unsuppress: "by condition", shelve: "shelved", remove: "out-of-service" },
	"out-of-service": { return: "by condition" },
};
const LATCHING: typeof PLAIN = {
	...PLAIN,
	unacknowledged: { ...PLAIN.unacknowledged, clear: "latched-unacknowledged" },
	acknowledged: { ...PLAIN.acknowledged, clear: "latched-acknowledged" },
};
const BY_CONDITION: Record<AlarmCondition, AlarmState> = {
	active: "unacknowledged",
	latched: "latched-unacknowledged",
	clear: "normal",
};

describe.each([
	["that does not latch", PLAIN, false],
	["that latches", LATCHING, true],
] as const)("the states of an alarm %s", (_, table, latching) => {
	it.each(STATES.flatMap((state) => ALARM_INPUTS.map((input) => [state, input] as const)))("%s, %s", (state, input) => {
		for (const condition of Object.keys(BY_CONDITION) as AlarmCondition[]) {
			const cell = table[state][input] ?? state;
			const to = cell === "by condition" ? BY_CONDITION[condition] : cell;
			expect(nextAlarm(state, input, { latching, condition })).toBe(to);
		}
	});
});

describe("the alarms", () => {
	const plain = { alarm: "instrument.gauge", message: "The gauge is gone." };
	const latching = { alarm: "interlock.lid-open", message: "The lid is open.", response: "Close it." };
	let clock: SteppedClock;
	let journal: MemoryJournal;
	let alarms: Alarms;
	const written = () =>
		journal.records.map((record) => (record.kind === "alarm" ? `${record.alarm} ${record.state}` : record.kind));
	const after = async (seconds: number) => {
		await clock.advance(seconds * 1_000);
		alarms.tick();
	};

	beforeEach(() => {
		clock = new SteppedClock({ wallStartMs: 1_000_000 });
		journal = new MemoryJournal(clock);
		alarms = new Alarms(clock, journal);
	});

	it("are shown until they are normal, and each change is recorded once", () => {
		alarms.raise(plain);
		alarms.raise({ ...plain, message: "The gauge is still gone." });
		expect(alarms.status).toMatchObject([
			{
				alarm: "instrument.gauge",
				state: "unacknowledged",
				priority: "high",
				message: "The gauge is still gone.",
				consequence: expect.stringContaining("unknown"),
				response: expect.stringContaining("cable"),
				at: 1_000_000,
				occurrences: 1,
			},
		]);
		alarms.cleared("instrument.gauge");
		alarms.cleared("instrument.gauge");
		expect(alarms.acknowledge("instrument.gauge", "Ada")).toBe("normal");
		expect(alarms.status).toEqual([]);
		expect(written()).toEqual([
			"instrument.gauge unacknowledged",
			"instrument.gauge returned-unacknowledged",
			"instrument.gauge normal",
		]);
		expect(journal.records.at(-1)).toMatchObject({ by: "Ada" });
	});

	it("that latch need clear, acknowledge and reset", () => {
		const { alarm } = latching;
		alarms.raise(latching);
		alarms.reset(alarm);
		alarms.cleared(alarm);
		alarms.reset(alarm);
		expect(alarms.state(alarm)).toBe("latched-unacknowledged");
		alarms.acknowledge(alarm, "Ada");
		alarms.reset(alarm, "Bob");
		expect(alarms.state(alarm)).toBe("normal");
		expect(journal.records.at(-1)).toMatchObject({ by: "Bob", response: "Close it." });
	});

	it("that come again are unacknowledged again, and counted", () => {
		alarms.raise(plain);
		alarms.cleared(plain.alarm);
		alarms.raise(plain);
		expect(alarms.status).toMatchObject([{ state: "unacknowledged", occurrences: 2 }]);
	});

	it("that are not active cannot be acknowledged, one that does not exist not shelved", () => {
		expect(() => alarms.acknowledge(plain.alarm, "Ada")).toThrowError(expect.objectContaining({ code: "NOT_FOUND" }));
		alarms.cleared(plain.alarm);
		alarms.reset(plain.alarm);
		const shelve = () => alarms.shelve("nonsense", { by: "Ada", reason: "-", for: 60 });
		expect(shelve).toThrowError(expect.objectContaining({ code: "NOT_FOUND" }));
		expect(journal.records).toEqual([]);
	});

	it("that are shelved are silent for the time that was said, and come back when their cause is still there", async () => {
		alarms.raise(plain);
		alarms.shelve(plain.alarm, { by: "Ada", reason: "being repaired", for: 600 });
		expect(alarms.status).toMatchObject([
			{ state: "shelved", by: "Ada", reason: "being repaired", until: 1_000_000 + 600_000 },
		]);
		alarms.cleared(plain.alarm);
		alarms.raise(plain);
		await after(599);
		expect(alarms.state(plain.alarm)).toBe("shelved");
		await after(1);
		expect(alarms.state(plain.alarm)).toBe("unacknowledged");
		expect(alarms.status[0]).not.toHaveProperty("until");
		expect(() => alarms.unshelve(plain.alarm, "Ada")).toThrowError(
			expect.objectContaining({ code: "COMMAND_NOT_ALLOWED" }),
		);
	});

	it("that are shelved for one shot come back with their next cause", () => {
		alarms.shelve(plain.alarm, { by: "Ada", reason: "known", for: "one-shot" });
		alarms.raise(plain);
		expect(alarms.state(plain.alarm)).toBe("shelved");
		alarms.cleared(plain.alarm);
		expect(alarms.state(plain.alarm)).toBe("normal");
		alarms.raise(plain);
		expect(alarms.state(plain.alarm)).toBe("unacknowledged");
	});

	it("that are shelved for one shot whose cause never goes come back all the same, before the next day", async () => {
		alarms.raise(plain);
		alarms.shelve(plain.alarm, { by: "Ada", reason: "known", for: "one-shot" });
		await after(SHELVE_S_MAX - 1);
		expect(alarms.state(plain.alarm)).toBe("shelved");
		await after(1);
		expect(alarms.state(plain.alarm)).toBe("unacknowledged");
	});

	it.each([0, -1, Number.NaN, SHELVE_S_MAX + 1])("are not shelved for %s s", (forS) => {
		expect(() => alarms.shelve(plain.alarm, { by: "Ada", reason: "-", for: forS })).toThrowError(
			expect.objectContaining({ code: "USAGE" }),
		);
	});

	it("that are out of service stay so until somebody returns them", async () => {
		alarms.raise(plain);
		alarms.removeFromService(plain.alarm, "Ada", "sent to the maker");
		alarms.cleared(plain.alarm);
		await after(100_000);
		expect(alarms.status).toMatchObject([{ state: "out-of-service", reason: "sent to the maker" }]);
		expect(() => alarms.acknowledge(plain.alarm, "Ada")).toThrowError(
			expect.objectContaining({ code: "COMMAND_NOT_ALLOWED" }),
		);
		expect(alarms.returnToService(plain.alarm, "Ada")).toBe("normal");
	});

	it("that another one says already are suppressed by design as long as that is there", async () => {
		alarms.raise(latching);
		alarms.raise({ alarm: "run.held", message: "Held." });
		await after(1);
		expect(alarms.state("run.held")).toBe("suppressed");
		alarms.cleared(latching.alarm);
		alarms.acknowledge(latching.alarm, "Ada");
		alarms.reset(latching.alarm);
		await after(1);
		expect(alarms.state("run.held")).toBe("unacknowledged");
	});

	it("that are silenced say nothing for another", async () => {
		alarms.shelve(latching.alarm, { by: "Ada", reason: "contact is being exchanged", for: 600 });
		alarms.raise(latching);
		alarms.raise({ alarm: "run.held", message: "Held." });
		await after(1);
		expect(alarms.state("run.held")).toBe("unacknowledged");
		alarms.unshelve(latching.alarm, "Ada");
		await after(1);
		expect(alarms.state("run.held")).toBe("suppressed");
	});

	it.each([
		["back", -86_400_000, 600],
		["ahead", 300_000, 300],
	])("that are shelved stay so for no longer when the wall clock jumps %s", async (_way, jumpMs, lastsS) => {
		let shiftMs = 0;
		const jumping = {
			nowMs: () => clock.nowMs(),
			wallMs: () => clock.wallMs() + shiftMs,
			setTimer: clock.setTimer.bind(clock),
			sleep: clock.sleep.bind(clock),
			expectAnswer: () => clock.expectAnswer(),
		};
		alarms = new Alarms(jumping, journal);
		alarms.raise(plain);
		alarms.shelve(plain.alarm, { by: "Ada", reason: "known", for: 600 });
		shiftMs = jumpMs;
		await after(lastsS - 1);
		expect(alarms.state(plain.alarm)).toBe("shelved");
		await after(1);
		expect(alarms.state(plain.alarm)).toBe("unacknowledged");
	});

	it("that are shelved are not shelved for longer by a clock that was set back before a restart", async () => {
		alarms.raise(plain);
		alarms.shelve(plain.alarm, { by: "Ada", reason: "known", for: SHELVE_S_MAX });
		const carry = new CarryTracker();
		for (const record of journal.records) carry.follow(record);
		clock = new SteppedClock({ wallStartMs: 0 });
		alarms = new Alarms(clock, journal);
		alarms.restore(carry.alarms, () => false);
		alarms.raise(plain);
		await after(SHELVE_S_MAX - 1);
		expect(alarms.state(plain.alarm)).toBe("shelved");
		await after(1);
		expect(alarms.state(plain.alarm)).toBe("unacknowledged");
	});

	it("whose cause has not lasted yet are nothing to acknowledge", () => {
		alarms.raise({ alarm: "disk.filling", message: "70 %" });
		expect(() => alarms.acknowledge("disk.filling", "Ada")).toThrowError(
			expect.objectContaining({ code: "NOT_FOUND" }),
		);
	});

	it("with a delay come when their cause has lasted, and go when it has been gone for as long", async () => {
		const disk = { alarm: "disk.filling", message: "70 %" };
		alarms.raise(disk);
		await after(9);
		expect(alarms.status).toEqual([]);
		alarms.cleared(disk.alarm);
		await after(5);
		alarms.raise(disk);
		await after(10);
		expect(alarms.state(disk.alarm)).toBe("unacknowledged");
		alarms.cleared(disk.alarm);
		await after(9);
		expect(alarms.state(disk.alarm)).toBe("unacknowledged");
		await after(1);
		expect(alarms.state(disk.alarm)).toBe("returned-unacknowledged");
	});

	it("with a delay begin to count anew when their cause or its end was only a flicker", async () => {
		const disk = { alarm: "disk.filling", message: "70 %" };
		alarms.raise(disk);
		await after(1);
		alarms.cleared(disk.alarm);
		await after(60);
		expect(alarms.state(disk.alarm)).toBe("normal");
		alarms.raise(disk);
		await after(10);
		alarms.cleared(disk.alarm);
		await after(1);
		alarms.raise(disk);
		await after(60);
		expect(alarms.state(disk.alarm)).toBe("unacknowledged");
		expect(alarms.isActive(disk.alarm)).toBe(true);
	});

	it("that are out of service cannot be shelved, and are shelved no more", async () => {
		alarms.raise(plain);
		alarms.shelve(plain.alarm, { by: "Ada", reason: "noise", for: 60 });
		alarms.removeFromService(plain.alarm, "Ada", "sent in");
		expect(alarms.status[0]!.until).toBeUndefined();
		expect(() => alarms.shelve(plain.alarm, { by: "Ada", reason: "noise", for: 60 })).toThrowError(/out of service/);
		await after(120);
		expect(alarms.state(plain.alarm)).toBe("out-of-service");
	});

	it("that are latched and that nobody has acknowledged are not acknowledged by a restart", () => {
		alarms.raise(latching);
		const carry = new CarryTracker();
		for (const record of journal.records) carry.follow(record);
		const restored = new Alarms(clock, new MemoryJournal(clock));
		restored.restore(carry.alarms, () => true);
		expect(restored.state(latching.alarm)).toBe("unacknowledged");
	});

	it("are counted in a flood, and none is dropped", async () => {
		for (let i = 0; i < 25; i += 1) {
			alarms.raise({ ...plain, alarm: `instrument.i${i}` });
			await after(1);
		}
		expect(alarms.flood).toEqual({ inTenMinutes: 25, isFlood: true, total: 25 });
		expect(alarms.status).toHaveLength(25);
		await after(600);
		expect(alarms.flood).toEqual({ inTenMinutes: 0, isFlood: false, total: 25 });
	});

	it("survive a restart: shelved and removed as they were, latched as their interlock, others until seen again", () => {
		alarms.raise(latching);
		alarms.acknowledge(latching.alarm, "Ada");
		alarms.raise(plain);
		alarms.shelve("instrument.stage", { by: "Ada", reason: "known", for: 600 });
		alarms.removeFromService("instrument.wall", "Ada", "sent in");
		const carry = new CarryTracker();
		for (const record of journal.records) carry.follow(record);
		const next = new MemoryJournal(clock);
		const restored = new Alarms(clock, next);
		restored.restore(carry.alarms, (alarm) => alarm === latching.alarm);
		expect(Object.fromEntries(restored.status.map(({ alarm, state }) => [alarm, state]))).toEqual({
			"interlock.lid-open": "acknowledged",
			"instrument.gauge": "returned-unacknowledged",
			"instrument.stage": "shelved",
			"instrument.wall": "out-of-service",
		});
		expect(restored.status.find(({ alarm }) => alarm === "instrument.stage")).toMatchObject({
			until: 1_600_000,
			reason: "known",
		});
		// Whoever reads only the new journal knows of all of them.
		expect(next.records).toHaveLength(4);
	});
});
