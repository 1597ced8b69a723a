import { describe, expect, it } from "vitest";
import { AdlayerError } from "#core/errors.js";
import { DoseHistory } from "#safety/dose-history.js";
import {
	permitArm,
	permitCarrier,
	permitDose,
	permitHeat,
	permitStopValveOpen,
	permitStopValveShut,
} from "#safety/permits.js";
import { DECLARATION, REACTOR, Scene } from "./support.js";

/** Both precursors were dosed long ago. */
function purged(): DoseHistory {
	return new DoseHistory(["TMA", "H2O"], 0);
}

interface Asked {
	readonly scene?: (scene: Scene) => void;
	readonly doses?: (doses: DoseHistory, scene: Scene) => void;
	readonly latched?: string[];
	readonly doubted?: string[];
	readonly isShuttingPrecursors?: boolean;
}

function question({
	scene: change,
	doses: dosed,
	latched = [],
	doubted = [],
	isShuttingPrecursors = false,
}: Asked = {}) {
	const view = new Scene().ran("gauge.chamber", () => 90);
	const doses = purged();
	change?.(view);
	dosed?.(doses, view);
	return { view, latched, doubted, doses, isShuttingPrecursors };
}

/** What a permit answers: undefined, or its reasons. */
function refusal(ask: () => void): { reasons: string[]; about: string[] } | undefined {
	try {
		ask();
		return undefined;
	} catch (thrown) {
		expect(thrown).toBeInstanceOf(AdlayerError);
		expect((thrown as AdlayerError).code).toBe("PERMIT_REFUSED");
		return (thrown as AdlayerError).context as never;
	}
}

describe("the working pressure that the lab has measured", () => {
	const working = {
		share: 0.1,
		at: [
			{ sccm: 50, pa: 40 },
			{ sccm: 150, pa: 140 },
		],
	};
	const reactor = { ...REACTOR, limits: { ...REACTOR.limits, workingPressure: working } };
	const at = (pa: number, sccm = 100) => {
		const view = new Scene(reactor).ran("gauge.chamber", () => pa).reads("mfc.flow", sccm);
		view.commanded.carrierSccm = sccm;
		return refusal(() => permitDose({ ...question(), view }, "TMA", 15))?.reasons;
	};

	it.each([
		[81, 100],
		[99, 100],
		[44, 50],
		[126, 150],
	])("permits a dose at %d Pa and %d sccm", (pa, sccm) => expect(at(pa, sccm)).toBeUndefined());

	it.each([
		[99.1, 100],
		[80.9, 100],
		[44.1, 50],
		[125.9, 150],
	])("refuses it at %d Pa and %d sccm, as of a pump, a gauge or a flow that is not what it was", (pa, sccm) => {
		expect(at(pa, sccm)).toEqual([expect.stringContaining(`${pa.toFixed(1)} Pa, not within 10 % of the`)]);
	});

	it.each([49, 151])("refuses it at %d sccm, where nobody has measured", (sccm) => {
		expect(at(100, sccm)).toEqual([`Nobody has measured where the chamber stands at ${sccm} sccm.`]);
	});
});

describe("the permit for a dose", () => {
	const ask = (asked: Asked, precursor = "TMA", widthMs = 15) =>
		refusal(() => permitDose(question(asked), precursor, widthMs));

	it("is given when everything is in order", () => {
		expect(ask({})).toBeUndefined();
		expect(ask({}, "H2O", 5)).toBeUndefined();
		expect(ask({}, "H2O", 200)).toBeUndefined();
	});

	it.each<[string, string, Asked]>([
		["an interlock is latched", "interlock", { latched: ["lid-open"] }],
		["no run has declared anything", "dose", { scene: (scene) => (scene.declaration = null) }],
		["the valve I/O is away", "instrument", { scene: (scene) => scene.away.add("io") }],
		["the safe state has not proven the valves shut", "valve", { isShuttingPrecursors: true }],
		["the stop valve is shut", "valve", { scene: (scene) => (scene.commanded.stopValve = "shut") }],
		["the stop valve is not known to be open", "valve", { scene: (scene) => (scene.commanded.stopValve = "unknown") }],
		["the pump stands", "pump", { scene: (scene) => scene.reads("io.pump", 0) }],
		["the pump is not known to run", "pump", { scene: (scene) => scene.goesStale("io.pump") }],
		["the lid is open", "lid", { scene: (scene) => scene.reads("io.lid", 0) }],
		["the lid is not known to be closed", "lid", { scene: (scene) => scene.goesStale("io.lid") }],
		["the chamber pressure is too low", "pressure", { scene: (scene) => scene.reads("gauge.chamber", 12.9) }],
		["the chamber pressure is too high", "pressure", { scene: (scene) => scene.reads("gauge.chamber", 266.1) }],
		["no carrier is commanded", "carrier", { scene: (scene) => (scene.commanded.carrierSccm = 0) }],
		["the carrier flow is stale", "carrier", { scene: (scene) => scene.goesStale("mfc.flow") }],
		["the carrier flow is too small", "carrier", { scene: (scene) => scene.reads("mfc.flow", 89.9) }],
		["the carrier flow is too large", "carrier", { scene: (scene) => scene.reads("mfc.flow", 110.1) }],
		["the other precursor may be open", "valve", { doses: (doses, scene) => doses.started("H2O", scene.nowMs, 15) }],
		["the same precursor may be open", "valve", { doses: (doses, scene) => doses.started("TMA", scene.nowMs, 15) }],
		[
			"the purge since the other was too short",
			"dose",
			{ doses: (doses, scene) => doses.ended("H2O", scene.nowMs - 9_999) },
		],
		[
			"the run declares no purge after the other",
			"dose",
			{ scene: (scene) => (scene.declaration = { ...DECLARATION, purgeMinimumS: { TMA: 5 } }) },
		],
	])("is refused when %s", (_, about, asked) => {
		const refused = ask(asked);
		expect(refused?.about).toEqual([about]);
		expect(refused?.reasons).toHaveLength(1);
	});

	it("is refused when the chamber pressure is stale, which says nothing of now nor of the last seconds", () => {
		const refused = ask({ scene: (scene) => scene.goesStale("gauge.chamber") });
		expect(refused?.about).toEqual(["pressure"]);
		expect(refused?.reasons).toEqual([
			expect.stringContaining("stale"),
			"Chamber pressure has not been known for 10 s without a gap.",
		]);
	});

	describe("by the pressure before it", () => {
		const before = (pa: (agoS: number) => number, baselinePa?: number, carrierSccm = 100) =>
			ask({
				scene: (scene) => {
					scene.ran("gauge.chamber", pa);
					if (baselinePa !== undefined) scene.doses.last = { precursor: "H2O", baselinePa, carrierSccm };
				},
			});

		it.each<[string, RegExp, Parameters<typeof before>]>([
			["a first one while the pressure still falls", /does not stand still within 5 %/, [(agoS) => 90 + agoS]],
			["a first one while the pressure still rises", /does not stand still within 5 %/, [(agoS) => 90 - agoS]],
			[
				"one after another flow",
				/does not stand still within 5 %.*in the last 2 s/,
				[(agoS) => 90 + 9 * agoS, 200, 20],
			],
			[
				"one far below the last, on the way there",
				/below its 100.0 Pa before the last dose/,
				[(agoS) => 90 + agoS, 100],
			],
		])("waits: %s", (_, reason, [pa, baselinePa, sccm]) => {
			const refused = before((agoS) => Math.min(250, pa(agoS)), baselinePa, sccm);
			expect(refused?.about).toEqual(["pressure"]);
			expect(refused?.reasons).toEqual([expect.stringMatching(reason)]);
		});

		it("is refused for a valve that may leak, however still the pressure stands", () => {
			const refused = before(() => 95, 90);
			expect(refused?.about).toEqual(["valve"]);
			expect(refused?.reasons).toEqual([expect.stringMatching(/Shut the hand valve of H2O/)]);
		});

		it("is given within 5 % of the last one for 2 s, and at a lower level that has stood still for 10 s", () => {
			expect(before((agoS) => (agoS > 2 ? 150 : 94), 90)).toBeUndefined();
			expect(before((agoS) => (agoS > 10 ? 90 : 70), 90)).toBeUndefined();
			expect(before((agoS) => (agoS > 9 ? 90 : 70), 90)?.about).toEqual(["pressure"]);
		});
	});

	it.each([4.9, 200.1, 0, -1, Number.NaN])("is refused for %s ms, which the valve cannot do", (widthMs) => {
		expect(ask({}, "TMA", widthMs)?.about).toEqual(["dose"]);
	});

	it.each(["O3", "constructor"])("is refused for a precursor %s that the lab file does not have", (precursor) => {
		expect(ask({}, precursor)?.reasons[0]).toContain(precursor);
	});

	it("names all reasons at once", () => {
		const refused = ask({
			latched: ["lid-open"],
			scene: (scene) => scene.reads("io.lid", 0).reads("io.pump", 0).goesStale("mfc.flow"),
		});
		expect(refused!.about.sort()).toEqual(["carrier", "interlock", "lid", "pump"]);
	});

	it("does not mind the purge since the same precursor", () => {
		expect(ask({ doses: (doses, scene) => doses.ended("TMA", scene.nowMs) })).toBeUndefined();
	});

	it("is given exactly when the purge minimum has passed", () => {
		expect(ask({ doses: (doses, scene) => doses.ended("H2O", scene.nowMs - 10_000) })).toBeUndefined();
	});
});

describe("the permit for preparing a dose", () => {
	const ask = (asked: Asked, widthMs = 15) => refusal(() => permitArm(question(asked), "TMA", widthMs));

	it("is given during the purge before, when a dose would not yet be", () => {
		expect(ask({ doses: (doses, scene) => doses.ended("H2O", scene.nowMs - 1_000) })).toBeUndefined();
	});

	it("is refused after a trip and for what the valve cannot do", () => {
		expect(ask({ latched: ["pump-lost"] })?.about).toEqual(["interlock"]);
		expect(ask({}, 500)?.about).toEqual(["dose"]);
		expect(ask({ scene: (scene) => (scene.declaration = null) })?.about).toEqual(["dose"]);
	});
});

describe("the permit for opening the stop valve", () => {
	const ask = (asked: Asked) => refusal(() => permitStopValveOpen(question(asked)));

	it("is given with the pump proven and the foreline below the chamber", () => {
		expect(ask({})).toBeUndefined();
	});

	it.each<[string, Asked]>([
		["an interlock is latched", { latched: ["gauge-lost"] }],
		["the pump stands", { scene: (scene) => scene.reads("io.pump", 0) }],
		["the pump is not known to run", { scene: (scene) => scene.goesStale("io.pump") }],
		["the foreline is above the chamber", { scene: (scene) => scene.reads("gauge.foreline", 120) }],
		["the foreline is not known", { scene: (scene) => scene.goesStale("gauge.foreline") }],
		[
			"the chamber is not known and the foreline above base pressure",
			{ scene: (scene) => scene.goesStale("gauge.chamber") },
		],
	])("is refused when %s", (_, asked) => {
		expect(ask(asked)?.reasons).toHaveLength(1);
	});

	it("is given when the chamber's gauge is over range and the foreline at base pressure", () => {
		expect(
			ask({ scene: (scene) => scene.fails("gauge.chamber", "overrange").reads("gauge.foreline", 1) }),
		).toBeUndefined();
	});
});

describe("the permit for shutting the stop valve", () => {
	it("is refused while carrier would fill the chamber", () => {
		expect(refusal(() => permitStopValveShut(question()))?.about).toEqual(["carrier"]);
		expect(
			refusal(() => permitStopValveShut(question({ scene: (scene) => (scene.commanded.carrierSccm = 0) }))),
		).toBeUndefined();
	});
});

describe("the permit for heating", () => {
	const ask = (asked: Asked, zone = "stage", targetC = 120) =>
		refusal(() => permitHeat(question(asked), zone, targetC));

	it("is given below the zone's limit and the run's bound", () => {
		expect(ask({})).toBeUndefined();
		expect(ask({}, "stage", 180.2)).toBeUndefined();
		expect(ask({}, "wall", 149.9)).toBeUndefined();
	});

	it.each<[string, Asked, string, number]>([
		["an interlock is latched", { latched: ["melt-guard.stage"] }, "stage", 120],
		["the zone was not its model and nobody has acknowledged it", { doubted: ["wall", "stage"] }, "stage", 120],
		["the controller is away", { scene: (scene) => scene.away.add("stage") }, "stage", 120],
		["the temperature is not known", { scene: (scene) => scene.goesStale("stage.temperature") }, "stage", 120],
		["the sensor is broken", { scene: (scene) => scene.fails("wall.temperature", "broken") }, "wall", 120],
		["the target is at the zone's limit", {}, "wall", 150],
		["the target is at the bound that the run declared", {}, "stage", 180.3],
		["the target is no number", {}, "stage", Number.NaN],
		["there is no such zone", {}, "lid", 50],
		["the name is one of every object", {}, "constructor", 50],
	])("is refused when %s", (_, asked, zone, targetC) => {
		expect(ask(asked, zone, targetC)?.reasons).toHaveLength(1);
	});

	it("is given to a zone whose neighbour is in doubt", () => {
		expect(ask({ doubted: ["stage"] }, "wall")).toBeUndefined();
	});

	it("lets a zone that does not heat the foil pass the run's bound", () => {
		expect(
			ask({ scene: (scene) => (scene.declaration = { ...DECLARATION, neverAboveC: 100 }) }, "wall", 120),
		).toBeUndefined();
	});
});

describe("the permit for a carrier flow", () => {
	const ask = (asked: Asked, sccm: number) => refusal(() => permitCarrier(question(asked), sccm));

	it.each([0, 5, 100, 200])("is given for %s sccm", (sccm) => {
		expect(ask({}, sccm)).toBeUndefined();
	});

	it.each([4.9, 200.1, -1, Number.NaN])("is refused for %s sccm", (sccm) => {
		expect(ask({}, sccm)?.about).toContain("carrier");
	});

	it("is refused into a chamber that is not open to the pump, but for zero", () => {
		const shut = { scene: (scene: Scene) => (scene.commanded.stopValve = "unknown") };
		expect(ask(shut, 100)?.about).toEqual(["valve"]);
		expect(ask(shut, 0)).toBeUndefined();
	});

	it("is refused while anything is latched: the flow belongs to the safe state", () => {
		expect(ask({ latched: ["carrier-lost"] }, 100)?.about).toEqual(["interlock"]);
		expect(ask({ latched: ["lid-open"] }, 0)?.about).toEqual(["interlock"]);
	});
});

describe("the history of doses", () => {
	it("counts both precursors as just dosed when it begins, and after a loss of the valves", () => {
		const doses = new DoseHistory(["TMA", "H2O"], 1_000);
		expect(doses.purgedS("TMA", 3_000)).toBe(2);
		doses.started("TMA", 3_000, 15);
		expect(doses.purgedS("TMA", 9_000)).toBe(0);
		// Time without flow is no purge, and shuts no valve either.
		doses.purgeBeginsAnew(9_500);
		expect(doses.isOpen("TMA")).toBe(true);
		expect(doses.purgedS("H2O", 10_000)).toBe(0.5);
		doses.allProvenShut(10_000);
		expect(doses.isOpen("TMA")).toBe(false);
		expect(doses.purgedS("H2O", 12_000)).toBe(2);
	});

	it("knows a dose that should have been proven over", () => {
		const doses = new DoseHistory(["TMA", "H2O"], 0);
		doses.started("TMA", 1_000, 15);
		expect(doses.isOverdue(2_015, 1_000)).toBe(false);
		expect(doses.isOverdue(2_016, 1_000)).toBe(true);
		doses.ended("TMA", 1_015);
		expect(doses.isOverdue(9_000, 1_000)).toBe(false);
	});
});
