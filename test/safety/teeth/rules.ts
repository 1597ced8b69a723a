/** What each rule of the permits keeps from happening in the simulated reactor. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { vi } from "vitest";
import type { Rule } from "#safety/rules.js";
import { parseLabFile } from "#src/config.js";
import { knownZoneAt, misread } from "../../plant/heating-support.js";
import type { Story } from "../../plant/stories.js";
import {
	attempt,
	type Bite,
	declare,
	dose,
	flowing,
	hasDosed,
	isFull,
	isHeated,
	shut,
	stick,
	violates,
} from "./bite.js";

const LAB = resolve(import.meta.dirname, "../../../recipes/labs/simulated.lab.yaml");
/** A reactor that may have less carrier than its flow controller can give. */
const thrifty = () =>
	parseLabFile(readFileSync(LAB, "utf8").replace("sccm_max: 200, purge_sccm", "sccm_max: 100, purge_sccm"), LAB);

/** Both precursors one after the other, with so little purge between. */
const bothAtOnce = async (story: Story) => {
	await dose(story, "TMA");
	await dose(story, "H2O");
};
const heat = (zone: string, targetC: number) => async (story: Story) => {
	await attempt(story, (reactor) => reactor.setZone(zone, targetC, "test"));
};
const carrier = (sccm: number) => async (story: Story) => {
	await attempt(story, (reactor) => reactor.setCarrier(sccm, "test"));
};
const shutOff =
	(purpose: "exposure" | "backfill" | "leak-check", sccm = 0) =>
	async (story: Story) => {
		await carrier(sccm)(story);
		await attempt(story, (reactor) => reactor.shutOff(purpose, "test"));
	};
const fill = (sccm: number) => async (story: Story) => {
	await attempt(story, (reactor) => reactor.fill(sccm, "test"));
};
const PRESSURES = /^(pressure-high|gauge-lost|gauge-frozen|foreline-above-chamber|static-pressure|exposure-pressure)$/;

export const RULE_BITES: Record<Rule, Bite> = {
	latched: {
		begin: flowing,
		// Pressed and let go again, by nobody who would have looked why.
		fault: async (story) => {
			story.lab.twin.setFacility("emergency_stop_released", false);
			await story.forS(5);
			story.lab.twin.setFacility("emergency_stop_released", true);
			await story.forS(5);
			await heat("wall", 60)(story);
		},
		forS: 20,
		harm: isHeated,
	},
	"valves-proven-shut": {
		blind: /^precursor-line-high$/,
		besides: ["working-pressure", "latched", "recovery", "one-at-a-time", "purge-minimum", "vacuum-band"],
		begin: flowing,
		// The TMA valve stands open, and what should shut it is refused.
		fault: async (story) => {
			const io = story.control.plant.device("io");
			vi.spyOn(io, "makeSafe").mockRejectedValue(new Error("Refused."));
			story.lab.twin.setValveStuck("TMA", "open");
			story.lab.twin.setFacility("emergency_stop_released", false);
			await story.forS(2);
			await dose(story, "H2O");
		},
		forS: 1,
		harm: violates("both-precursor-valves-open"),
	},
	declared: {
		besides: ["recovery"],
		begin: flowing,
		fault: async (story) => {
			await story.forS(300);
			story.control.supervisor.declare(null);
			await bothAtOnce(story);
		},
		forS: 5,
		harm: violates("precursors-met"),
	},
	"dose-width": {
		begin: flowing,
		fault: async (story) => void (await dose(story, "TMA", 800)),
		forS: 5,
		// The longest that the valve's data know gives 1.45 mg.
		harm: (story) => story.truth().deliveredMg.TMA! > 1.8,
	},
	"valve-io": {
		blind: /^(valve-io-lost|lid-open)$/,
		besides: ["latched", "valves-proven-shut", "pump", "lid", "stop-valve-open", "one-at-a-time", "purge-minimum"],
		begin: flowing,
		// At fault and not yet identified anew; its wire carries bytes all the same.
		fault: async (story) => {
			const { plant } = story.control;
			const io = plant.device("io");
			const instrument = plant.instrument.bind(plant);
			const device = plant.device.bind(plant);
			vi.spyOn(plant, "instrument").mockImplementation((name) => ({
				...instrument(name),
				...(name === "io" ? { state: "fault" as const } : {}),
			}));
			vi.spyOn(plant, "device").mockImplementation((name) => (name === "io" ? io : device(name)));
			await dose(story, "TMA");
		},
		forS: 2,
		harm: hasDosed,
	},
	backflow: {
		blind: PRESSURES,
		besides: ["working-pressure", "vacuum-band", "recovery", "carrier"],
		begin: flowing,
		fault: async (story) => {
			story.lab.twin.setChamberLeak(2.2);
			await story.forS(60);
			await dose(story, "TMA");
		},
		forS: 2,
		harm: violates("backflow-into-bottle"),
	},
	"stop-valve-open": {
		besides: ["working-pressure", "carrier", "vacuum-band", "recovery"],
		begin: shut,
		fault: async (story) => {
			await story.forS(60);
			await dose(story, "TMA");
		},
		forS: 30,
		harm: (story) => story.lab.twin.tmaPa > 1,
	},
	pump: {
		blind: /^(pump-lost|foreline-above-chamber|pressure-high|gauge-lost|static-pressure)$/,
		besides: ["working-pressure", "vacuum-band", "recovery", "carrier", "backflow"],
		begin: flowing,
		fault: async (story) => {
			story.lab.twin.setPump(false);
			await story.forS(3);
			await dose(story, "TMA");
		},
		forS: 2,
		harm: violates("dose-without-vacuum"),
	},
	lid: {
		blind: /^(lid-open|pressure-high|gauge-lost|gauge-frozen|foreline-above-chamber)$/,
		besides: ["working-pressure", "vacuum-band", "recovery", "carrier", "backflow"],
		begin: flowing,
		fault: async (story) => {
			story.lab.twin.setLid(false);
			await story.forS(3);
			await dose(story, "TMA");
		},
		forS: 2,
		harm: violates("dose-with-lid-open"),
	},
	"vacuum-band": {
		blind: PRESSURES,
		besides: ["working-pressure", "backflow", "recovery", "carrier"],
		begin: flowing,
		fault: async (story) => {
			story.lab.twin.setChamberLeak(30);
			await story.forS(60);
			await dose(story, "TMA");
		},
		forS: 2,
		harm: violates("dose-without-vacuum"),
	},
	"working-pressure": {
		begin: flowing,
		// The pump is weak before the first dose; the purge is long enough with a sound one.
		fault: async (story) => {
			story.lab.twin.setPumpSpeed(0.15);
			await story.forS(60);
			await dose(story, "TMA");
			await story.forS(6);
			await dose(story, "H2O");
		},
		forS: 5,
		harm: violates("precursors-met"),
	},
	recovery: {
		besides: ["working-pressure", "vacuum-band"],
		begin: flowing,
		// The TMA valve does not shut again; its line is low.
		fault: async (story) => {
			await story.forS(60);
			stick(story, "TMA");
			await dose(story, "TMA");
			await story.forS(30);
			await dose(story, "H2O");
		},
		forS: 5,
		harm: violates("precursors-met"),
	},
	carrier: {
		blind: /^carrier-lost$/,
		besides: ["working-pressure", "vacuum-band", "recovery"],
		begin: flowing,
		fault: async (story) => {
			story.lab.twin.setCarrierSupply(false);
			await story.forS(20);
			await dose(story, "TMA");
		},
		forS: 2,
		harm: violates("dose-without-flow"),
	},
	"one-at-a-time": {
		blind: /^precursor-line-high$/,
		besides: ["working-pressure", "recovery", "vacuum-band"],
		begin: flowing,
		// Fired and never proven over: the valve stands open.
		fault: async (story) => {
			await story.forS(60);
			stick(story, "TMA");
			await attempt(story, async (reactor) => {
				await reactor.armDose("TMA", 15);
				await reactor.fireDose("TMA", 15);
			});
			await dose(story, "H2O");
		},
		forS: 1,
		harm: violates("both-precursor-valves-open"),
	},
	purged: {
		blind: /^(?!carrier-lost)/,
		besides: ["recovery", "purge-minimum", "working-pressure", "vacuum-band"],
		begin: flowing,
		// The way to the pump is narrow. Reset and flowing again, in a hurry.
		fault: async (story) => {
			const { control, lab } = story;
			const { twin } = lab;
			await story.forS(60);
			twin.setPumpSpeed(0.02);
			await dose(story, "TMA", 200);
			twin.setCarrierSupply(false);
			await story.forS(4);
			twin.setCarrierSupply(true);
			await story.forS(2);
			control.supervisor.alarms.acknowledge("interlock.carrier-lost", "test");
			control.supervisor.reset("carrier-lost", "test");
			await carrier(100)(story);
			await story.forS(1);
			await dose(story, "H2O");
		},
		forS: 2,
		harm: violates("precursors-met"),
	},
	"purge-minimum": {
		besides: ["recovery"],
		begin: flowing,
		fault: async (story) => {
			await story.forS(60);
			await bothAtOnce(story);
		},
		forS: 5,
		harm: violates("precursors-met"),
	},
	foreline: {
		begin: shut,
		fault: async (story) => {
			story.lab.twin.setPump(false);
			await story.forS(120);
			vi.spyOn(story.lab.twin, "pumpRunning", "get").mockReturnValue(true);
			await story.forS(2);
			await attempt(story, (reactor) => reactor.setStopValve(true, "test"));
		},
		forS: 1,
		harm: violates("backstream-from-foreline"),
	},
	"no-carrier": {
		blind: PRESSURES,
		begin: flowing,
		fault: async (story) => void (await attempt(story, (reactor) => reactor.setStopValve(false, "test"))),
		forS: 120,
		harm: isFull,
	},
	"exposure-shut": {
		blind: /^exposure-pressure$/,
		besides: ["recovery", "vacuum-band", "carrier"],
		begin: flowing,
		// Shut for an exposure, and open since: the dose goes to the pump.
		fault: async (story) => {
			await story.forS(60);
			await shutOff("exposure")(story);
			story.lab.twin.setValve("stop", true, story.lab.twin.nowMs);
			story.control.supervisor.commanded.stopValve = "unknown";
			await dose(story, "TMA");
		},
		forS: 1,
		harm: hasDosed,
	},
	"exposure-room": {
		blind: PRESSURES,
		besides: ["backflow"],
		begin: flowing,
		fault: async (story) => {
			await story.forS(60);
			await shutOff("exposure")(story);
			story.lab.twin.setChamberLeak(0.1);
			await story.forS(60);
			await dose(story, "TMA");
		},
		forS: 1,
		harm: violates("backflow-into-bottle"),
	},
	"fill-range": {
		begin: () => flowing({ lab: thrifty() }),
		fault: async (story) => {
			await story.forS(60);
			await shutOff("backfill")(story);
			await fill(200)(story);
		},
		forS: 10,
		harm: (story) => story.lab.twin.carrierSccm > 150,
	},
	"fill-shut": {
		blind: PRESSURES,
		begin: flowing,
		fault: async (story) => {
			await story.forS(60);
			await shutOff("leak-check")(story);
			await fill(100)(story);
		},
		forS: 120,
		harm: isFull,
	},
	"fill-cold": {
		blind: PRESSURES,
		begin: flowing,
		fault: async (story) => {
			await heat("wall", 50)(story);
			await story.forS(60);
			await shutOff("backfill")(story);
			await fill(100)(story);
		},
		forS: 120,
		harm: (story) => isFull(story) && isHeated(story),
	},
	"fill-purged": {
		besides: ["one-at-a-time"],
		begin: flowing,
		fault: async (story) => {
			await story.forS(60);
			await carrier(0)(story);
			await carrier(100)(story);
			await story.forS(10);
			await dose(story, "TMA", 200);
			await shutOff("backfill")(story);
			await fill(100)(story);
		},
		forS: 20,
		harm: (story) => story.lab.twin.tmaPa > 0.05 && story.lab.twin.chamberPa > 1_000,
	},
	"zone-known": {
		blind: /^(over-temperature|zone-astray|runaway|heater-not-heating)\./,
		begin: flowing,
		// The controller heats; its temperature does not come through.
		fault: async (story) => {
			const wall = story.control.plant.device("wall");
			const poll = wall.poll.bind(wall);
			vi.spyOn(wall, "poll").mockImplementation(async () => ({
				...(await poll()),
				temperature: { value: null, quality: "fault" as const },
			}));
			await story.forS(3);
			await heat("wall", 60)(story);
		},
		forS: 20,
		harm: isHeated,
	},
	"zone-limit": {
		blind: /^(over-temperature|zone-astray|runaway|heater-not-heating)\./,
		begin: flowing,
		// A controller that could be set above the limit is refused when it connects: here the limit comes down afterwards.
		fault: async (story) => {
			const { supervisor } = story.control;
			Object.assign(supervisor.view.reactor.zones.stage!, { limitC: 120 });
			supervisor.declare({ neverAboveC: null, meltingPointC: null, purgeMinimumS: {} });
			await heat("stage", 140)(story);
		},
		forS: 1_200,
		harm: (story) => story.lab.twin.zoneC("stage") > 125,
	},
	"zone-examined": {
		begin: () => knownZoneAt(150),
		// Slipped while it was heated, and restarted by somebody who waited, and looked at nothing.
		fault: async (story) => {
			misread(story, "stage", (degC) => degC - 8);
			await story.state("held", 600);
			await story.forS(120);
			await story.command("restart").catch(() => {});
		},
		forS: 1_200,
		harm: (story) => story.truth().peakFoilC > 180.5,
	},
	"foil-bound": {
		blind: /^(melt-guard|zone-astray|runaway|heater-not-heating)\./,
		begin: flowing,
		fault: (story) => {
			declare(story);
			return heat("stage", 98)(story);
		},
		forS: 900,
		harm: (story) => story.lab.twin.foilC > 93.5,
	},
	"carrier-range": {
		begin: () => flowing({ lab: thrifty() }),
		fault: carrier(200),
		forS: 10,
		harm: (story) => story.lab.twin.carrierSccm > 150,
	},
	"carrier-way-out": {
		blind: PRESSURES,
		begin: shut,
		fault: carrier(100),
		forS: 120,
		harm: isFull,
	},
};
