/**
 * For every interlock and protection: with it the harm does not come about in the simulated reactor, without it it does.
 * Each story is told twice, and differs only in the one protection that is taken away.
 */
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Interlock } from "#safety/interlock.js";
import { interlocksOf } from "#safety/interlocks/index.js";
import { Latch } from "#safety/latch.js";
import { Story } from "../plant/stories.js";
import { REACTOR } from "./support.js";

type Harm = (story: Story) => boolean;

interface Bite {
	/** Interlocks that are taken away; several where more than one guards against the same harm. */
	readonly without: RegExp;
	/** The moment in the short recipe at which it begins. */
	begin(): Promise<Story>;
	/** What goes wrong. */
	fault(story: Story): void;
	readonly forS: number;
	/** What the reactor shows after it when nothing protects. */
	readonly harm: Harm;
}

const purge = () => Story.at("purge", 3);
const idle = async (): Promise<Story> => {
	const story = await Story.launched({ set: { cycles: 1 } });
	await story.state("complete");
	return story;
};
const isHeated: Harm = (story) => story.control.supervisor.commanded.targetsC.size > 0;
const isFlowing: Harm = (story) => story.reactor.sccm > 0;
const goesOn: Harm = (story) => story.runState === "running";
/** A zone reads something else than it is. */
const zoneReads = (story: Story, zone: string, read: (trueC: number) => number) => {
	const { twin } = story.lab;
	const zoneC = twin.zoneC.bind(twin);
	vi.spyOn(twin, "zoneC").mockImplementation((name) => (name === zone ? read(zoneC(name)) : zoneC(name)));
};
const facility = (input: string) => (story: Story) => story.lab.twin.setFacility(input, false);

const BITES: Record<string, Bite> = {
	"over-temperature": {
		without: /^(over-temperature|runaway)\./,
		begin: purge,
		fault: (story) => zoneReads(story, "tma_line", () => 125),
		forS: 20,
		harm: isHeated,
	},
	"melt-guard": {
		without: /^(melt-guard|runaway)\./,
		begin: () => Story.at("anneal"),
		fault: (story) => zoneReads(story, "stage", () => 106),
		forS: 10,
		harm: isHeated,
	},
	runaway: {
		without: /^(runaway|zone-astray)\./,
		begin: purge,
		fault: (story) => {
			const startMs = story.clock.nowMs();
			zoneReads(story, "tma_line", (trueC) => trueC + (story.clock.nowMs() - startMs) / 1_000);
		},
		forS: 45,
		harm: isHeated,
	},
	"heater-not-heating": {
		without: /^(heater-not-heating|zone-astray)\./,
		begin: () => Story.at("stabilise"),
		// The sensor has slipped out; the controller heats on.
		fault: (story) => zoneReads(story, "wall", () => 22),
		forS: 900,
		harm: (story) => story.lab.twin.zoneC("stage") > 0 && isHeated(story),
	},
	"zone-astray": {
		without: /^(zone-astray|heater-not-heating)\./,
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
		without: /^(pump-lost|foreline-above-chamber|pressure-high|gauge-lost)$/,
		// A dose would ask its permit, which asks for the pump too.
		begin: () => Story.at("anneal"),
		fault: (story) => story.lab.twin.setPump(false),
		forS: 10,
		harm: isFlowing,
	},
	"foreline-above-chamber": {
		without: /^foreline-above-chamber$/,
		begin: purge,
		fault: (story) => void vi.spyOn(story.lab.twin, "forelinePa", "get").mockReturnValue(2_000),
		forS: 5,
		harm: (story) => story.reactor.stopOpen,
	},
	"static-pressure": {
		without: /^static-pressure$/,
		begin: async () => {
			const story = await idle();
			await story.command("reset");
			return story;
		},
		fault: (story) => {
			// Somebody has told the reactor what no permit would have let through.
			story.lab.twin.setValve("stop", false, story.lab.twin.nowMs);
			story.control.supervisor.commanded.stopValve = "shut";
		},
		forS: 120,
		harm: (story) => story.lab.twin.chamberPa > 2_000,
	},
	"exposure-pressure": {
		without: /^exposure-pressure$/,
		begin: async () => {
			const story = await idle();
			await story.command("reset");
			return story;
		},
		fault: (story) => {
			// A water valve that leaks into the chamber shut for an exposure.
			void story.control.plant.device("io").set!("stop", 0);
			story.lab.twin.setValve("H2O", true, story.lab.twin.nowMs);
			Object.assign(story.control.supervisor.commanded, { carrierSccm: 0, stopValve: "shut", shutFor: "exposure" });
		},
		forS: 120,
		harm: (story) => story.lab.twin.chamberPa > 2_000,
	},
	"pressure-high": {
		without: /^(pressure-high|foreline-above-chamber)$/,
		begin: purge,
		fault: (story) => void vi.spyOn(story.lab.twin, "chamberPa", "get").mockReturnValue(1_000),
		forS: 3,
		harm: isHeated,
	},
	"carrier-lost": {
		without: /^carrier-lost$/,
		begin: () => Story.at("purge", 4),
		fault: (story) => story.lab.twin.setCarrierSupply(false),
		forS: 10,
		harm: (story) => goesOn(story) && story.control.supervisor.commanded.carrierSccm > 0,
	},
	"gauge-lost": {
		without: /^gauge-lost$/,
		begin: () => Story.at("anneal"),
		fault: (story) => story.lab.silence("gauge", true),
		forS: 30,
		harm: goesOn,
	},
	"gauge-frozen": {
		without: /^gauge-frozen$/,
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
		harm: goesOn,
	},
	"precursor-line-high": {
		without: /^precursor-line-high$/,
		begin: () => Story.at("anneal"),
		fault: (story) => {
			const device = story.control.plant.device("io");
			const poll = device.poll.bind(device);
			vi.spyOn(device, "poll").mockImplementation(async () => ({
				...(await poll()),
				TMA: { value: 1, quality: "good" as const },
			}));
		},
		forS: 5,
		harm: goesOn,
	},
	"valve-io-lost": {
		without: /^(valve-io-lost|lid-open)$/,
		begin: () => Story.at("anneal"),
		fault: (story) => story.lab.silence("io", true),
		forS: 30,
		harm: goesOn,
	},
	"lid-open": {
		without: /^lid-open$/,
		begin: () => Story.at("anneal"),
		fault: (story) => void vi.spyOn(story.lab.twin, "lidClosed", "get").mockReturnValue(false),
		forS: 5,
		harm: isHeated,
	},
	"emergency-stop": {
		without: /^emergency-stop$/,
		begin: purge,
		fault: facility("emergency_stop_released"),
		forS: 5,
		harm: isHeated,
	},
	"exhaust-lost": {
		without: /^exhaust-lost$/,
		begin: purge,
		fault: facility("exhaust_flowing"),
		forS: 10,
		harm: goesOn,
	},
	"gas-cabinet-leak": {
		without: /^gas-cabinet-leak$/,
		begin: purge,
		fault: facility("gas_cabinet_tight"),
		forS: 5,
		harm: goesOn,
	},
	"nitrogen-lost": {
		without: /^nitrogen-lost$/,
		begin: purge,
		fault: facility("nitrogen_present"),
		forS: 10,
		harm: goesOn,
	},
	"air-lost": { without: /^air-lost$/, begin: purge, fault: facility("air_present"), forS: 10, harm: isFlowing },
};

/** Makes the interlocks of this pattern blind. */
function blind(pattern: RegExp): void {
	const judge = Latch.prototype.judge;
	vi.spyOn(Latch.prototype, "judge").mockImplementation(function (this: Latch, view) {
		return pattern.test(this.interlock.id) ? undefined : judge.call(this, view);
	});
}

const kindOf = ({ id }: Interlock) => id.split(".")[0]!;

describe("teeth", () => {
	let story: Story;
	afterEach(async () => {
		vi.restoreAllMocks();
		await story?.stop();
	});

	it("are shown of every interlock that the simulated reactor can have", () => {
		// The simulated glovebox has no analysers; what that interlock prevents happens outside the reactor.
		const kinds = new Set(interlocksOf(REACTOR).map(kindOf));
		kinds.delete("atmosphere");
		expect(Object.keys(BITES).sort()).toEqual([...kinds].sort());
	});

	it.each(Object.entries(BITES))("of %s: the harm comes without it, and not with it", async (id, bite) => {
		story = await bite.begin();
		bite.fault(story);
		await story.forS(bite.forS);
		expect(story.latched.map((latched) => latched.split(".")[0])).toContain(id);
		expect(bite.harm(story)).toBe(false);
		await story.stop();
		vi.restoreAllMocks();

		story = await bite.begin();
		blind(bite.without);
		bite.fault(story);
		await story.forS(bite.forS);
		expect(bite.harm(story), story.run.cause).toBe(true);
	});
});

describe("a valve that does not shut", () => {
	let story: Story;
	afterEach(async () => {
		vi.restoreAllMocks();
		await story.stop();
	});
	/** From now on the TMA valve stays open once it has opened. */
	const stick = (of: Story) => {
		const { twin } = of.lab;
		const setValve = twin.setValve.bind(twin);
		vi.spyOn(twin, "setValve").mockImplementation((valve, open, atMs) =>
			setValve(valve, valve === "TMA" || open, atMs),
		);
	};

	it("gets no dose of water on top: the run is held, and somebody is sent to the hand valve", async () => {
		story = await Story.at("purge", 2);
		stick(story);
		await story.state("held", 120);
		expect(story.run.cause).toContain("Shut the hand valve of TMA");
		expect(story.truth().violations.map(({ kind }) => kind)).not.toContain("both-precursor-valves-open");
		expect(story.status.alarms.find(({ alarm }) => alarm === "valve-leaking.TMA")).toMatchObject({
			priority: "critical",
			state: "unacknowledged",
		});
		expect(story.status.alarms.map(({ alarm }) => alarm)).toContain("run.held");
	});
});
