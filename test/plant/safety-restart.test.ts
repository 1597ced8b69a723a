import { afterEach, describe, expect, it } from "vitest";
import { SteppedClock } from "#core/clock.js";
import { CarryTracker } from "#journal/carry.js";
import { MemoryJournal } from "#journal/memory.js";
import { fakeReactor } from "../safety/fake-plant.js";
import { Story } from "./stories.js";

let story: Story | undefined;
afterEach(() => story?.stop());

describe("what was latched", () => {
	it("is latched again after a restart of control, with its safe state, until its cause is gone and a person resets it", async () => {
		const before = fakeReactor();
		await before.clock.advance(1_000);
		before.devices.io.values.stop_button = 1;
		await before.clock.advance(1_000);
		expect(before.supervisor.latched).toEqual(["emergency-stop"]);
		const carry = new CarryTracker();
		for (const record of before.journal.records) carry.follow(record);
		await before.stop();

		const after = fakeReactor({ carry });
		after.devices.io.values.stop_button = 1;
		await after.clock.advance(2_000);
		expect(after.supervisor.latched).toEqual(["emergency-stop"]);
		expect(after.devices.stage.told).toContain("safe");
		expect(() => after.supervisor.reset("emergency-stop", "Ada")).toThrowError(/still there/);
		after.devices.io.values.stop_button = 0;
		await after.clock.advance(1_000);
		after.supervisor.alarms.acknowledge("interlock.emergency-stop", "Ada");
		after.supervisor.reset("emergency-stop", "Ada");
		expect(after.supervisor.latched).toEqual([]);
		expect(after.journal.records.filter(({ kind }) => kind === "interlock")).toMatchObject([
			{ state: "tripped" },
			{ state: "cleared" },
			{ state: "reset", by: "Ada" },
		]);
		await after.stop();
	});

	it("can be acknowledged and reset also when its alarm was not on record, and other alarms are what they were", async () => {
		const stop = { kind: "interlock", interlock: "emergency-stop", state: "tripped", effect: "trip" } as const;
		const interlocks = [{ ...stop, cause: "The button was pressed.", value: 1, limit: 0, unit: "bool" as const }];
		const silenced = { kind: "alarm", alarm: "disk.filling", state: "out-of-service", priority: "high" } as const;
		const alarms = [{ ...silenced, message: "m", response: "r", by: "Ada", reason: "A new disk is on its way." }];
		const after = fakeReactor({ carry: { interlocks, alarms } });
		await after.clock.advance(2_000);
		expect(after.supervisor.alarms.state("disk.filling")).toBe("out-of-service");
		expect(after.supervisor.alarms.state("interlock.emergency-stop")).toBe("latched-unacknowledged");
		after.supervisor.alarms.acknowledge("interlock.emergency-stop", "Ada");
		after.supervisor.reset("emergency-stop", "Ada");
		expect(after.supervisor.latched).toEqual([]);
		await after.stop();
	});

	it("does not include a zone in doubt, which stays so until somebody has looked", async () => {
		const before = fakeReactor();
		before.supervisor.alarms.raise({ alarm: "heater.stage", message: "Zone stage is not its model any more." });
		const carry = new CarryTracker();
		for (const record of before.journal.records) carry.follow(record);
		await before.stop();
		const after = fakeReactor({ carry });
		expect(after.supervisor.latched).toEqual([]);
		expect(after.supervisor.doubted).toEqual(["stage"]);
		after.supervisor.alarms.acknowledge("heater.stage", "Ada");
		expect(after.supervisor.doubted).toEqual([]);
		await after.stop();
	});

	it("but is not in the lab file any more is recorded as reset", async () => {
		const carry = new CarryTracker();
		const journal = new MemoryJournal(new SteppedClock({ wallStartMs: 0 }));
		const gone = { kind: "interlock", interlock: "door-open", state: "tripped", effect: "trip" } as const;
		journal.append({ ...gone, cause: "The door is open.", value: 0, limit: 1, unit: "bool" });
		for (const record of journal.records) carry.follow(record);
		const after = fakeReactor({ carry });
		expect(after.supervisor.latched).toEqual([]);
		expect(after.journal.records[0]).toMatchObject({ interlock: "door-open", state: "reset" });
		await after.stop();
	});
});

describe("commands to control", () => {
	it.each<[string, object, RegExp]>([
		[
			"launch",
			{ recipe: "a", recipeText: "b", set: {}, operator: "c", acknowledge: "WATER" },
			/acknowledge must be array/,
		],
		["reset-interlock", { interlock: "lid-open" }, /by is missing/],
		["acknowledge-alarm", { alarm: "x", by: 7 }, /by must be string/],
		["shelve-alarm", { alarm: "disk.filling", by: "Ada", reason: "", for: "ever" }, /reason must NOT have fewer/],
		["command", { command: "hold", by: "Ada", force: true }, /There is no argument force/],
	])("%s with %o is refused, whatever its argument looks like", async (command, args, message) => {
		story = await new Story().ready();
		await expect(story.ask(command, args)).rejects.toMatchObject({
			code: "USAGE",
			message: expect.stringMatching(message),
		});
	});
});

describe("a pause", () => {
	it("in a ramp leaves a zone where it is, however far its setpoint leads it, and the resume lets it go on", async () => {
		story = await Story.at("stabilise");
		await story.forS(30);
		expect(story.setpointsC.stage! - zoneC("stage")).toBeGreaterThan(5);
		const [stageC, wallC] = [zoneC("stage"), story.setpointsC.wall!];
		expect(stageC).toBeLessThan(60);
		await story.command("pause");
		await story.forS(120);
		expect(story.setpointsC.stage).toBeCloseTo(stageC, 0);
		expect(story.setpointsC.wall).toBeCloseTo(wallC, 0);
		expect(zoneC("stage")).toBeLessThan(stageC + 10);
		await story.command("resume");
		await story.forS(120);
		expect(zoneC("stage")).toBeGreaterThan(stageC + 15);
		expect(story.setpointsC.wall).toBeGreaterThan(wallC + 5);
		await story.state("complete");
	});
});

const zoneC = (zone: string): number => story!.control.plant.reading(`${zone}.temperature`).value!;
