/** The heaters' own dead-man, which control feeds only while it can judge. */
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { blind } from "../safety/fake-plant.js";
import { asked, flowing } from "./by-hand.js";
import type { Story } from "./stories.js";

/** Time-out of the shipped lab's controllers, and what a poll and a control cycle add. */
const FALLEN_S = 5 + 2;

let story: Story;
beforeEach(async () => {
	story = await flowing();
	await asked(story, "manual-set", { actuator: "wall", value: 80 });
	await story.forS(600);
});
afterEach(async () => {
	vi.restoreAllMocks();
	await story.stop();
});

const wall = (signal: string) => story.control.plant.reading(`wall.${signal}`);

it("is fed while all is well: the zone stays at its setpoint, with no order for minutes", async () => {
	await story.forS(200);
	expect(wall("setpoint")).toMatchObject({ value: 80, quality: "good" });
	expect(wall("output").value).toBeGreaterThan(1);
});

it("takes the heat away while control polls on and cannot follow what it reads, with nothing that commands it", async () => {
	blind();
	vi.spyOn(story.control.supervisor.view.history, "push").mockImplementation(() => {
		throw new Error("no room");
	});
	await story.forS(FALLEN_S);
	expect(story.latched).toEqual([]);
	expect(wall("temperature").quality).toBe("good");
	expect(wall("output").value).toBe(0);
	expect(wall("setpoint")).toMatchObject({ quality: "fault", detail: expect.stringContaining("has failed") });
});

it("once it has taken the heat away gives it back to a new order alone", async () => {
	blind();
	const follow = vi.spyOn(story.control.supervisor.view.history, "push").mockImplementation(() => {
		throw new Error("no room");
	});
	await story.forS(FALLEN_S);
	follow.mockRestore();
	await story.forS(60);
	expect(wall("output").value).toBe(0);
	await asked(story, "manual-set", { actuator: "wall", value: 80 });
	await story.forS(60);
	expect(wall("output").value).toBeGreaterThan(1);
});
