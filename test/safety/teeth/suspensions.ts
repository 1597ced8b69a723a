/** What is lost when a dose does not wait for what it needs. */
import { vi } from "vitest";
import type { CONDITIONS } from "#recipe/engine/suspension.js";
import { Story } from "../../plant/stories.js";
import type { Bite } from "./bite.js";

/** Doses onto a wall that was too cold for them. */
const coldDoses = new WeakMap<Story, number>();

const begin = () => Story.at("purge", 2);
/** For a minute something that the twin has is another; then it is as it was. */
const forAMinute = (story: Story, change: (share: () => number) => void, share: number) => {
	const endMs = story.clock.nowMs() + 60_000;
	change(() => (story.clock.nowMs() < endMs ? share : 1));
};
const property = (story: Story, name: "carrierSccm" | "chamberPa") => (share: () => number) => {
	const { twin } = story.lab;
	const real = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(twin), name)!.get!;
	vi.spyOn(twin, name, "get").mockImplementation(() => share() * real.call(twin));
};
/** The run stands and waits for a person; its film is not made. */
const isUnmade = (story: Story): boolean => Object.values(story.truth().doses).some((doses) => doses < 4);

export const SUSPENSION_BITES: Record<keyof typeof CONDITIONS, Bite> = {
	carrier: {
		begin,
		fault: (story) => forAMinute(story, property(story, "carrierSccm"), 0.85),
		forS: 300,
		harm: isUnmade,
	},
	chamber: {
		blind: /^foreline-above-chamber$/,
		begin,
		fault: (story) => forAMinute(story, property(story, "chamberPa"), 0.05),
		forS: 300,
		harm: isUnmade,
	},
	settling: {
		besides: ["working-pressure"],
		begin,
		// A pump that has got better: within a minute the pressure comes down to half of what it was.
		fault: (story) => {
			const startMs = story.clock.nowMs();
			property(story, "chamberPa")(() => 0.5 + 0.5 * Math.exp((startMs - story.clock.nowMs()) / 12_000));
		},
		forS: 300,
		harm: isUnmade,
	},
	zone: {
		begin,
		// The wall has no power for two minutes, and cools.
		fault: (story) => {
			const { twin } = story.lab;
			const setHeaterPercent = twin.setHeaterPercent.bind(twin);
			const endMs = story.clock.nowMs() + 120_000;
			twin.setHeaterPercent = (zone, percent) =>
				setHeaterPercent(zone, zone === "wall" && story.clock.nowMs() < endMs ? 0 : percent);
			const setValve = twin.setValve.bind(twin);
			twin.setValve = (valve, open, atMs) => {
				if (valve !== "stop" && open && twin.zoneC("wall") < 77) coldDoses.set(story, (coldDoses.get(story) ?? 0) + 1);
				setValve(valve, open, atMs);
			};
		},
		forS: 120,
		harm: (story) => coldDoses.has(story),
	},
};
