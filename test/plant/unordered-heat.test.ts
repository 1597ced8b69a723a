/** A controller that somebody has switched to manual at its front, as it is seen from here. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sealWithCrc } from "#transport/crc16.js";
import { REGISTER } from "../../drivers/eurotherm-3216/registers.js";
import { asked, flowing } from "./by-hand.js";
import type { Story } from "./stories.js";

const ALARM = "heated-unordered.wall";
const WALL_ADDRESS = 2;
const WRITE_REGISTER = 6;

let story: Story;
beforeEach(async () => {
	story = await flowing();
});
afterEach(() => story.stop());

/** Another master on the heaters' line stands for the fingers at the front. */
function atTheFront(register: number, word: number): void {
	const line = story.lab.lines.find(({ members }) => members.some(({ name }) => name === "wall"))!;
	const hand = story.lab.connect(line, () => {});
	const frame = [WALL_ADDRESS, WRITE_REGISTER, register >> 8, register & 0xff, word >> 8, word & 0xff];
	hand.receive(sealWithCrc(Uint8Array.from([...frame, 0, 0])));
	hand.close();
}

function manual(percent: number): void {
	atTheFront(REGISTER.autoManual, 1);
	atTheFront(REGISTER.manualOutput, percent * 10);
}

const state = () => story.control.supervisor.alarms.state(ALARM);

describe("a zone that is heated though nothing orders it", () => {
	it("is an alarm that says so as long as it lasts", async () => {
		manual(40);
		await story.forS(600);
		expect(story.lab.twin.zoneC("wall")).toBeGreaterThan(45);
		expect(state()).toBe("unacknowledged");
		expect(story.records("alarm").find(({ alarm }) => alarm === ALARM)).toMatchObject({
			priority: "high",
			message: expect.stringMatching(
				/^Zone wall has had 40 % of its power or more for 120 s, at \d\d °C, though nothing here orders it\.$/,
			),
		});
		expect(story.records("alarm").filter(({ alarm }) => alarm === ALARM)).toHaveLength(1);
		await asked(story, "manual-set", { actuator: "wall", value: "off" });
		await story.forS(130);
		expect(state()).toBe("returned-unacknowledged");
	});

	it("is none while somebody has ordered it, nor while it cools after that", async () => {
		await asked(story, "manual-set", { actuator: "wall", value: 70 });
		await story.forS(600);
		expect(story.control.plant.reading("wall.output").value).toBeGreaterThan(1);
		await asked(story, "manual-set", { actuator: "wall", value: "off" });
		await story.forS(600);
		expect(story.records("alarm").filter(({ alarm }) => alarm === ALARM)).toEqual([]);
	});

	it("is none of a controller that holds its safe setpoint in a cold room", async () => {
		manual(2);
		await story.forS(600);
		expect(story.control.plant.reading("wall.output").value).toBeCloseTo(2, 0);
		expect(story.lab.twin.zoneC("wall")).toBeLessThan(45);
		expect(state()).toBe("normal");
	});
});
