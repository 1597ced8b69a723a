/** Permits in a chamber that is shut off: a dose for an exposure, a backfill; and what the others say at their edges. */
import { describe, expect, it } from "vitest";
import { AdlayerError } from "#core/errors.js";
import type { Reactor } from "#device/reactor.js";
import { DoseHistory } from "#safety/dose-history.js";
import { permitArm, permitDose, permitFill, permitLetGo, permitStopValveShut } from "#safety/permits.js";
import { REACTOR, Scene } from "./support.js";

interface Question {
	readonly view: Scene;
	readonly doses: DoseHistory;
	latched: string[];
	doubted: string[];
	isShuttingPrecursors: boolean;
}
type Change = (scene: Scene, doses: DoseHistory, question: Question) => unknown;

/** What a permit says about a scene: its concerns, none when it is given. */
function concerns(ask: (question: Question) => void, ...changes: Change[]): string[] {
	const view = new Scene().ran("gauge.chamber", () => 90);
	const doses = new DoseHistory(["TMA", "H2O"], 0);
	const question: Question = { view, latched: [], doubted: [], doses, isShuttingPrecursors: false };
	for (const change of changes) change(view, doses, question);
	try {
		ask(question);
		return [];
	} catch (thrown) {
		expect(thrown).toBeInstanceOf(AdlayerError);
		expect((thrown as AdlayerError).code).toBe("PERMIT_REFUSED");
		return (thrown as AdlayerError).context.about as string[];
	}
}

const latched: Change = (_scene, _doses, question) => question.latched.push("lid-open");
const isShutting: Change = (_scene, _doses, question) => (question.isShuttingPrecursors = true);
const bottle = (vapourPa: number): Change => {
	const { TMA } = REACTOR.precursors as Record<"TMA", Reactor["precursors"][string]>;
	const reactor = { ...REACTOR, precursors: { ...REACTOR.precursors, TMA: { ...TMA, vapourPa } } };
	return (scene) => Object.assign(scene, { reactor });
};

const COMMON: readonly [string, string, Change][] = [
	["an interlock is latched", "interlock", latched],
	["the safe state has not proven the valves shut", "valve", isShutting],
	["the lid is not known to be closed", "lid", (scene) => scene.goesStale("io.lid")],
	["the chamber lost its carrier and is not purged", "dose", (_, doses) => (doses.isUnpurged = true)],
];

describe("the permit for a dose into the shut chamber", () => {
	const shut: Change = ({ commanded }) => Object.assign(commanded, { stopValve: "shut", shutFor: "exposure" });
	const ask = (change: Change, precursor = "TMA", widthMs = 15) =>
		concerns((question) => permitDose(question, precursor, widthMs), shut, change);

	it("is given when everything is in order", () => {
		expect(ask(() => {})).toEqual([]);
	});

	it.each<[string, string, Change]>([
		...COMMON,
		["no run has declared anything", "dose", (scene) => (scene.declaration = null)],
		["the valve I/O is away", "instrument", (scene) => scene.away.add("io")],
		["the pump is not known to run", "pump", (scene) => scene.goesStale("io.pump")],
		["the stop valve is open", "valve", ({ commanded }) => (commanded.stopValve = "open")],
		["the stop valve is not known to be shut", "valve", ({ commanded }) => (commanded.stopValve = "unknown")],
		["the chamber is not known", "pressure", (scene) => scene.goesStale("gauge.chamber")],
		["the other precursor may be open", "valve", (scene, doses) => doses.started("H2O", scene.nowMs, 15)],
		["the purge since the other was too short", "dose", (scene, doses) => doses.ended("H2O", scene.nowMs - 9_999)],
	])("is refused when %s", (_, about, change) => {
		expect(ask(change)).toEqual([about]);
	});

	it("is refused for what the valve cannot do", () => {
		expect(ask(() => {}, "TMA", 200.1)).toEqual(["dose"]);
	});

	it("is refused from half the bottle's vapour pressure on", () => {
		expect(ask(bottle(180.1))).toEqual([]);
		expect(ask(bottle(180))).toEqual(["pressure"]);
	});

	it("needs room below the static limit", () => {
		const at = (pa: number) =>
			concerns(
				(question) => permitDose(question, "TMA", 15),
				shut,
				bottle(5_000),
				(scene) => scene.reads("gauge.chamber", pa),
			);
		expect(at(1_299.9)).toEqual([]);
		expect(at(1_300)).toEqual(["pressure"]);
	});
});

describe("the permit for a backfill", () => {
	const shut: Change = (scene) => {
		Object.assign(scene.commanded, { stopValve: "shut", shutFor: "backfill", carrierSccm: 0 });
		scene.commanded.targetsC.clear();
	};
	const ask = (change: Change, sccm = 100) => concerns((question) => permitFill(question, sccm), shut, change);

	it("is given cold, shut and purged", () => {
		expect(ask(() => {})).toEqual([]);
	});

	it.each<[string, string, Change]>([
		...COMMON,
		["the stop valve is open", "valve", ({ commanded }) => (commanded.stopValve = "open")],
		["the stop valve is not known to be shut", "valve", ({ commanded }) => (commanded.stopValve = "unknown")],
		["the chamber is shut for something else", "valve", ({ commanded }) => (commanded.shutFor = "exposure")],
		["a zone is heated", "thermal", ({ commanded }) => commanded.targetsC.set("wall", 50)],
		["a precursor may be open", "dose", (scene, doses) => doses.started("TMA", scene.nowMs, 15)],
		["the purge since the last dose was too short", "dose", (scene, doses) => doses.ended("TMA", scene.nowMs - 4_999)],
		["nobody has declared a purge", "dose", (scene) => (scene.declaration = null)],
	])("is refused when %s", (_, about, change) => {
		expect(ask(change)).toContain(about);
	});

	it("is refused while a precursor's valve may be open, however that is called", () => {
		expect(ask((scene, doses) => doses.started("TMA", scene.nowMs, 15))).toContain("valve");
	});

	it.each([0, 4.9, 200.1, Number.NaN])("is refused for %s sccm", (sccm) => {
		expect(ask(() => {}, sccm)).toEqual(["carrier"]);
	});
});

describe("a permit at its edge", () => {
	const dose = (...changes: Change[]) => concerns((question) => permitDose(question, "TMA", 15), ...changes);

	it("refuses a dose from half the bottle's vapour pressure on", () => {
		expect(dose(bottle(180.1))).toEqual([]);
		expect(dose(bottle(180))).toEqual(["pressure"]);
	});

	it("refuses a dose into a chamber that lost its carrier and is not purged", () => {
		expect(dose((_, doses) => (doses.isUnpurged = true))).toEqual(["dose"]);
	});

	it("refuses a dose into less flow than the lab file's least, though it flows", () => {
		const least: Change = (scene) => Object.assign(scene.reads("mfc.flow", 4).commanded, { carrierSccm: 4 });
		expect(dose(least)).toEqual(["carrier"]);
	});

	it("refuses a dose after the last one when the pressure was not seen for two seconds without a gap", () => {
		expect(
			dose((scene) => {
				scene.doses.last = { precursor: "H2O", baselinePa: 90, carrierSccm: 100 };
				scene.goesStale("gauge.chamber").reads("gauge.chamber", 90);
				scene.history.push("gauge.chamber", scene.nowMs, 90);
			}),
		).toEqual(["pressure"]);
	});

	it("refuses a dose at another flow than that of a valve that may leak", () => {
		const leak: Change = (scene) =>
			(scene.doses.leak = { precursor: "H2O", baselinePa: undefined, carrierSccm: Number.NaN });
		expect(dose(leak)).toEqual(["valve"]);
	});

	it("refuses to shut the stop valve in front of the least flow", () => {
		expect(
			concerns(
				(question) => permitStopValveShut(question),
				({ commanded }) => (commanded.carrierSccm = 5),
			),
		).toEqual(["carrier"]);
	});

	it("refuses to shut the stop valve and to give a zone its settings back while an interlock is latched", () => {
		const noCarrier: Change = ({ commanded }) => (commanded.carrierSccm = 0);
		expect(concerns((question) => permitStopValveShut(question), noCarrier)).toEqual([]);
		expect(concerns((question) => permitStopValveShut(question), noCarrier, latched)).toEqual(["interlock"]);
		expect(concerns((question) => permitLetGo(question, "wall"))).toEqual([]);
		expect(concerns((question) => permitLetGo(question, "wall"), latched)).toEqual(["interlock"]);
	});

	it("refuses to prepare a dose while the valve I/O is away", () => {
		expect(
			concerns(
				(question) => permitArm(question, "TMA", 15),
				(scene) => scene.away.add("io"),
			),
		).toEqual(["instrument"]);
	});

	it("refuses a dose where the working pressure is measured and has not been seen for two seconds", () => {
		const workingPressure = {
			share: 0.1,
			at: [
				{ sccm: 50, pa: 45 },
				{ sccm: 150, pa: 135 },
			],
		};
		const reactor = { ...REACTOR, limits: { ...REACTOR.limits, workingPressure } };
		const measured: Change = (scene) => Object.assign(scene, { reactor });
		expect(dose(measured)).toEqual([]);
		expect(dose(measured, (scene) => scene.after(2_500).reads("gauge.chamber", 90).reads("mfc.flow", 100))).toEqual([
			"pressure",
		]);
	});
});
