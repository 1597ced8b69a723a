/** What a control process takes over from the one before it besides a run: leak checks, latches, doses. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { parseLabFile } from "#src/config.js";
import { asked, flowing } from "./by-hand.js";
import { Story } from "./stories.js";

const LAB = resolve(import.meta.dirname, "../../recipes/labs/simulated.lab.yaml");
const HOUR_MS = 3_600_000;
const START_WALL = Date.UTC(2026, 0, 1);

let story: Story;
afterEach(() => story.stop());

const dose = (precursor = "TMA") => asked(story, "manual-dose", { precursor, ms: 15 });

describe("a dose by hand", () => {
	const text = readFileSync(LAB, "utf8");
	const hourly = text.replace(/not_required: [^}]*[^ }]/, "valid_hours: 1");

	it("is refused while commissioning tests are due, with no intent on record", async () => {
		story = await new Story({ pumped: true, commissioningDue: () => ["io.watchdog"] }).ready();
		await expect(dose()).rejects.toMatchObject({
			code: "NOT_COMMISSIONED",
			message: expect.stringMatching(/A dose of TMA by hand needs a commissioned reactor; tests are due: io\.watchdog/),
		});
		expect(story.records("pulse-intended")).toEqual([]);
	});

	it.each([
		["passed half an hour ago", { hoursAgo: 0.5, passed: true }, "PERMIT_REFUSED"],
		["passed too long ago", { hoursAgo: 1.1, passed: true }, "LEAK_CHECK_MISSING"],
		["failed half an hour ago", { hoursAgo: 0.5, passed: false }, "LEAK_CHECK_MISSING"],
		["is still to come by the machine's clock", { hoursAgo: -1, passed: true }, "LEAK_CHECK_MISSING"],
	])(
		"after a restart of control whose last leak check %s is left to that check",
		async (_, { hoursAgo, passed }, code) => {
			const leakCheck = { wall: START_WALL - hoursAgo * HOUR_MS, passed };
			const lastKnown = { lastWall: START_WALL, openRun: null, intended: [], leakCheck };
			expect(hourly).not.toBe(text);
			story = await new Story({ pumped: true, lab: parseLabFile(hourly, LAB), lastKnown }).ready();
			await expect(dose()).rejects.toMatchObject({ code });
		},
	);
});

describe("an interlock that had tripped", () => {
	it("is latched in the next control too, and nothing moves by hand until it is reset", async () => {
		story = await flowing();
		await asked(story, "manual-set", { actuator: "wall", value: 60 });
		story.lab.twin.setLid(false);
		await story.forS(3);
		story.lab.twin.setLid(true);
		await story.forS(3);
		const { latched } = story;
		expect(latched).not.toEqual([]);
		story.kill();
		await story.forS(10);
		story.comeBack();
		await story.forS(20);
		expect(story.latched).toEqual(latched);
		await expect(asked(story, "manual-set", { actuator: "carrier", value: 50 })).rejects.toMatchObject({
			code: "PERMIT_REFUSED",
		});
		await story.resetAll();
		expect(story.latched).toEqual([]);
		await asked(story, "manual-set", { actuator: "stop_valve", value: "open" });
		await asked(story, "manual-set", { actuator: "carrier", value: 50 });
	});
});

describe("the last dose", () => {
	it("is the one that was delivered, and not one that was given up before it began", async () => {
		story = await flowing();
		await dose();
		await story.forS(6);
		const { at } = story.status.lastDoses!.TMA!;
		await story.forS(30);
		await expect(dose("H2O")).rejects.toMatchObject({ code: "PERMIT_REFUSED" });
		story.kill();
		await story.forS(60);
		story.comeBack();
		await story.forS(20);
		const { TMA, H2O } = story.status.lastDoses!;
		expect(TMA).toMatchObject({ fate: "delivered" });
		// The journal has the time of the record, which waits for the evidence.
		expect(Math.abs(TMA!.at! - at!)).toBeLessThan(6_000);
		expect(H2O).toMatchObject({ at: null, fate: null });
		// Both count as just dosed all the same.
		expect(Math.max(TMA!.countedS, H2O!.countedS)).toBeLessThan(21);
	});
});
