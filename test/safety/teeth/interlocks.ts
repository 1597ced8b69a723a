/** What each interlock keeps from happening in the simulated reactor. */
import { vi } from "vitest";
import { Story } from "../../plant/stories.js";
import { anneal, type Bite, hasDosed, isFlowing, isFull, isHeated, purge, zoneReads } from "./bite.js";

const facility = (input: string) => (story: Story) => story.lab.twin.setFacility(input, false);
const rested = async (): Promise<Story> => {
	const story = await Story.launched({ set: { cycles: 1 } });
	await story.state("complete");
	await story.command("reset");
	return story;
};

/** The simulated glovebox has no analysers; what `atmosphere` prevents happens outside the reactor. */
export const OUTSIDE = ["atmosphere"];

export const INTERLOCK_BITES: Record<string, Bite> = {
	"over-temperature": {
		blind: /^runaway\./,
		begin: purge,
		fault: (story) => zoneReads(story, "tma_line", () => 125),
		forS: 20,
		harm: isHeated,
	},
	"melt-guard": {
		blind: /^(runaway|zone-astray)\./,
		// Not in the anneal, where the guide takes heat away by itself.
		begin: purge,
		fault: (story) => zoneReads(story, "stage", () => 106),
		forS: 10,
		harm: isHeated,
	},
	runaway: {
		blind: /^zone-astray\./,
		begin: purge,
		fault: (story) => {
			const startMs = story.clock.nowMs();
			zoneReads(story, "tma_line", (trueC) => trueC + (story.clock.nowMs() - startMs) / 1_000);
		},
		forS: 45,
		harm: isHeated,
	},
	"heater-not-heating": {
		blind: /^zone-astray\./,
		begin: () => Story.at("stabilise"),
		// The sensor has slipped out; the controller heats on.
		fault: (story) => zoneReads(story, "wall", () => 22),
		forS: 900,
		harm: (story) => isHeated(story) && story.lab.twin.foilC > 60,
	},
	"zone-astray": {
		blind: /^heater-not-heating\./,
		begin: () => Story.at("stabilise"),
		// A sensor that creeps: it rises, and lags far behind.
		fault: (story) => {
			const startMs = story.clock.nowMs();
			zoneReads(story, "wall", (trueC) => Math.min(trueC, 45 + (story.clock.nowMs() - startMs) / 100_000));
		},
		forS: 900,
		harm: isHeated,
	},
	"pump-lost": {
		// The gauge goes out of range within seconds.
		blind: /^(foreline-above-chamber|pressure-high|gauge-lost)$/,
		begin: anneal,
		fault: (story) => story.lab.twin.setPump(false),
		forS: 10,
		harm: isFlowing,
	},
	"foreline-above-chamber": {
		begin: purge,
		fault: (story) => void vi.spyOn(story.lab.twin, "forelinePa", "get").mockReturnValue(2_000),
		forS: 5,
		harm: (story) => story.reactor.stopOpen,
	},
	"static-pressure": {
		begin: rested,
		fault: (story) => {
			// Somebody has told the reactor what no permit would have let through.
			story.lab.twin.setValve("stop", false, story.lab.twin.nowMs);
			story.control.supervisor.commanded.stopValve = "shut";
		},
		forS: 120,
		harm: isFull,
	},
	"exposure-pressure": {
		begin: rested,
		fault: (story) => {
			// A water valve that leaks into the chamber shut for an exposure.
			void story.control.plant.device("io").set!("stop", 0);
			story.lab.twin.setValve("H2O", true, story.lab.twin.nowMs);
			Object.assign(story.control.supervisor.commanded, { carrierSccm: 0, stopValve: "shut", shutFor: "exposure" });
		},
		forS: 120,
		harm: isFull,
	},
	"pressure-high": {
		blind: /^foreline-above-chamber$/,
		begin: purge,
		fault: (story) => void vi.spyOn(story.lab.twin, "chamberPa", "get").mockReturnValue(1_000),
		forS: 8,
		harm: isHeated,
	},
	"carrier-lost": {
		begin: anneal,
		fault: (story) => story.lab.twin.setCarrierSupply(false),
		forS: 15,
		harm: isHeated,
	},
	"gauge-lost": {
		begin: anneal,
		fault: (story) => story.lab.silence("gauge", true),
		forS: 30,
		harm: isHeated,
	},
	"gauge-frozen": {
		begin: async () => {
			const story = await Story.at("purge", 2);
			// The dose before has died away.
			await story.forS(15);
			return story;
		},
		fault: (story) => {
			const device = story.control.plant.device("gauge");
			const poll = device.poll.bind(device);
			const first = poll();
			vi.spyOn(device, "poll").mockImplementation(() => first);
		},
		forS: 60,
		harm: isHeated,
	},
	"precursor-line-high": {
		begin: anneal,
		fault: (story) => {
			const device = story.control.plant.device("io");
			const poll = device.poll.bind(device);
			vi.spyOn(device, "poll").mockImplementation(async () => ({
				...(await poll()),
				TMA: { value: 1, quality: "good" as const },
			}));
		},
		forS: 6,
		harm: isHeated,
	},
	"valve-io-lost": {
		blind: /^lid-open$/,
		begin: anneal,
		fault: (story) => story.lab.silence("io", true),
		forS: 30,
		harm: isHeated,
	},
	"lid-open": {
		begin: anneal,
		fault: (story) => void vi.spyOn(story.lab.twin, "lidClosed", "get").mockReturnValue(false),
		forS: 6,
		harm: isHeated,
	},
	"emergency-stop": { begin: purge, fault: facility("emergency_stop_released"), forS: 40, harm: hasDosed },
	"exhaust-lost": { begin: purge, fault: facility("exhaust_flowing"), forS: 40, harm: hasDosed },
	"gas-cabinet-leak": { begin: purge, fault: facility("gas_cabinet_tight"), forS: 40, harm: hasDosed },
	"nitrogen-lost": { begin: purge, fault: facility("nitrogen_present"), forS: 40, harm: hasDosed },
	"air-lost": { begin: purge, fault: facility("air_present"), forS: 10, harm: isFlowing },
};
