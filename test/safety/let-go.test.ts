/** A zone's instrument gets back what it worked to before a test: that may be a temperature. */
import { afterEach, expect, it, vi } from "vitest";
import type { Story } from "../plant/stories.js";
import { flowing, reactorOf } from "./teeth/bite.js";

let story: Story;
afterEach(() => {
	vi.restoreAllMocks();
	return story.stop();
});

const press = () => story.lab.twin.setFacility("emergency_stop_released", false);
const setpointC = () => story.control.plant.reading("wall.setpoint").value;

/** The wall's instrument worked to 60 degC by itself; giving that back takes a while. */
async function remembered(meanwhile: () => void): Promise<(reason: string) => Promise<void>> {
	story = await flowing();
	const wall = story.control.plant.device("wall");
	vi.spyOn(wall.loop!, "remember").mockResolvedValue(async () => {
		meanwhile();
		await story.clock.sleep(5_000);
		await wall.set!("setpoint", 60);
	});
	return reactorOf(story).rememberZone("wall");
}

async function outcome(giveBack: Promise<void>): Promise<string> {
	const settled = giveBack.then(
		() => "given back",
		(thrown: { code: string }) => thrown.code,
	);
	await story.forS(15);
	return settled;
}

it("gives a zone its former settings back while nothing is latched", async () => {
	const giveBack = await remembered(() => {});
	expect(await outcome(giveBack("test"))).toBe("given back");
	expect(setpointC()).toBe(60);
});

it("gives nothing back while an interlock is latched", async () => {
	const giveBack = await remembered(() => {});
	press();
	await story.forS(5);
	expect(await outcome(giveBack("test"))).toBe("PERMIT_REFUSED");
	expect(setpointC()).toBe(0);
});

it("takes away again what was given back after an interlock has switched the zone off", async () => {
	const giveBack = await remembered(press);
	expect(await outcome(giveBack("test"))).toBe("PERMIT_REFUSED");
	expect(setpointC()).toBe(0);
});
