import { describe, expect, it } from "vitest";
import type { Interlock } from "#safety/interlock.js";
import { interlocksOf } from "#safety/interlocks/index.js";
import { Latch } from "#safety/latch.js";
import { REACTOR, Scene } from "./support.js";

/** One hazard on the scene: where it is just not yet one, just one, unknown, and gone. */
interface Case {
	readonly id: string;
	/** A new reading on the safe side of the limit, as near as it gets; absent where there is nothing between yes and no. */
	below?(scene: Scene): void;
	/** A new reading at the limit. */
	at(scene: Scene): void;
	/** A new reading well beyond. */
	beyond(scene: Scene): void;
	/** The signal behind it tells nothing; `trips`: whether that is danger to this interlock. */
	unknown(scene: Scene): void;
	readonly unknownTrips: boolean;
	/** The cause is gone; the trip has brought its safe state about meanwhile. */
	gone(scene: Scene): void;
}

const zoneCases = (zone: "stage" | "wall", limitC: number, offsetC: number): Case => ({
	id: `over-temperature.${zone}`,
	below: (scene) => scene.reads(`${zone}.temperature`, limitC - offsetC - 0.1),
	at: (scene) => scene.reads(`${zone}.temperature`, limitC - offsetC),
	beyond: (scene) => scene.reads(`${zone}.temperature`, limitC + 20),
	unknown: (scene) => scene.fails(`${zone}.temperature`, "The sensor is broken."),
	unknownTrips: true,
	gone: (scene) => scene.reads(`${zone}.temperature`, limitC - 10),
});

/** For an exposure. */
function shutOff(scene: Scene): Scene {
	scene.commanded.shutFor = "exposure";
	return scene;
}

const CASES: readonly Case[] = [
	zoneCases("stage", 190, 0.5),
	zoneCases("wall", 150, 0),
	{
		id: "melt-guard.stage",
		below: (scene) => scene.reads("stage.temperature", 179.7),
		at: (scene) => scene.reads("stage.temperature", 179.8),
		beyond: (scene) => scene.reads("stage.temperature", 185),
		// over-temperature trips for that.
		unknown: (scene) => scene.goesStale("stage.temperature"),
		unknownTrips: false,
		gone: (scene) => scene.reads("stage.temperature", 170),
	},
	{
		id: "pump-lost",
		at: (scene) => scene.reads("io.pump", 0),
		beyond: (scene) => scene.reads("io.pump", 0),
		unknown: (scene) => scene.goesStale("io.pump"),
		unknownTrips: true,
		gone: (scene) => scene.reads("io.pump", 1),
	},
	{
		id: "foreline-above-chamber",
		below: (scene) => scene.reads("gauge.foreline", 90 * 1.2 + 4.9),
		at: (scene) => scene.reads("gauge.foreline", 90 * 1.2 + 5),
		beyond: (scene) => scene.reads("gauge.foreline", 1_000),
		// gauge-lost trips for that once a run heats.
		unknown: (scene) => scene.goesStale("gauge.foreline"),
		unknownTrips: false,
		gone: (scene) => scene.reads("gauge.foreline", 20),
	},
	{
		id: "carrier-lost",
		below: (scene) => scene.reads("mfc.flow", 80),
		at: (scene) => scene.reads("mfc.flow", 79.9),
		beyond: (scene) => scene.reads("mfc.flow", 0),
		unknown: (scene) => scene.goesStale("mfc.flow"),
		unknownTrips: true,
		gone: (scene) => scene.reads("mfc.flow", 100),
	},
	{
		id: "gauge-lost",
		at: (scene) => scene.fails("gauge.chamber", "sensor error"),
		beyond: (scene) => scene.fails("gauge.chamber", "sensor error"),
		unknown: (scene) => scene.goesStale("gauge.chamber"),
		unknownTrips: true,
		gone: (scene) => scene.reads("gauge.chamber", 90),
	},
	{
		id: "exposure-pressure",
		below: (scene) => shutOff(scene).reads("gauge.chamber", 1_299.9),
		at: (scene) => shutOff(scene).reads("gauge.chamber", 1_300),
		beyond: (scene) => shutOff(scene).reads("gauge.chamber", 1_900),
		unknown: (scene) => shutOff(scene).goesStale("gauge.chamber"),
		unknownTrips: true,
		// The safe state has opened the stop valve.
		gone: (scene) => {
			scene.commanded.shutFor = undefined;
			scene.reads("gauge.chamber", 90);
		},
	},
	{
		id: "lid-open",
		at: (scene) => scene.reads("io.lid", 0),
		beyond: (scene) => scene.reads("io.lid", 0),
		unknown: (scene) => scene.goesStale("io.lid"),
		unknownTrips: true,
		gone: (scene) => scene.reads("io.lid", 1),
	},
	{
		id: "valve-io-lost",
		at: (scene) => scene.away.add("io"),
		beyond: (scene) => scene.away.add("io"),
		unknown: (scene) => scene.away.add("io"),
		unknownTrips: true,
		gone: (scene) => scene.away.delete("io"),
	},
	...["stage", "wall"].flatMap((zone): Case[] => {
		const offsetC = zone === "stage" ? 0.5 : 0;
		const temperature = `${zone}.temperature`;
		const output = `${zone}.output`;
		const perMin = (rate: number) => (scene: Scene) => scene.ran(temperature, (agoS) => 60 - (rate / 60) * agoS);
		/** Fully on, and risen by so much in the last two minutes. */
		const onAndRisen = (degC: number, percent: number) => (scene: Scene) =>
			scene.ran(output, () => percent).ran(temperature, (agoS) => 60 - (degC / 120) * agoS);
		const following = (scene: Scene) => scene.reads(temperature, 120 - offsetC);
		return [
			{
				id: `runaway.${zone}`,
				below: perMin(29.9),
				at: perMin(30.000_1),
				beyond: perMin(60),
				// over-temperature trips for that.
				unknown: (scene) => scene.goesStale(temperature),
				unknownTrips: false,
				gone: perMin(0),
			},
			{
				id: `heater-not-heating.${zone}`,
				below: onAndRisen(1, 100),
				at: onAndRisen(0.99, 90),
				beyond: onAndRisen(-2, 100),
				// over-temperature trips for that.
				unknown: (scene) => scene.goesStale(temperature),
				unknownTrips: false,
				gone: onAndRisen(10, 100),
			},
			{
				id: `zone-astray.${zone}`,
				below: (scene) => scene.reads(temperature, 100 - offsetC),
				at: (scene) => scene.reads(temperature, 99.9 - offsetC),
				beyond: (scene) => scene.reads(temperature, 60),
				// over-temperature trips for that.
				unknown: (scene) => scene.goesStale(temperature),
				unknownTrips: false,
				gone: following,
			},
		];
	}),
	{
		id: "static-pressure",
		below: (scene) => filling(scene).reads("gauge.chamber", 1_299),
		at: (scene) => filling(scene).reads("gauge.chamber", 1_300),
		beyond: (scene) => filling(scene).reads("gauge.chamber", 5_000),
		unknown: (scene) => filling(scene).goesStale("gauge.chamber"),
		unknownTrips: true,
		gone: (scene) => scene.reads("gauge.chamber", 90),
	},
	{
		id: "pressure-high",
		below: (scene) => scene.reads("gauge.chamber", 599),
		at: (scene) => scene.reads("gauge.chamber", 600),
		beyond: (scene) => scene.reads("gauge.chamber", 5_000),
		// gauge-lost trips for that.
		unknown: (scene) => scene.goesStale("gauge.chamber"),
		unknownTrips: false,
		gone: (scene) => scene.reads("gauge.chamber", 90),
	},
	{
		id: "gauge-frozen",
		below: (scene) => frozenFor(scene, 9.9),
		at: (scene) => frozenFor(scene, 10),
		beyond: (scene) => frozenFor(scene, 60),
		// gauge-lost trips for that.
		unknown: (scene) => scene.goesStale("gauge.chamber"),
		unknownTrips: false,
		gone: (scene) => scene.ran("gauge.chamber", (agoS) => 90 + (agoS % 2)),
	},
	{
		id: "precursor-line-high",
		below: (scene) => {
			scene.doses.started("TMA", scene.nowMs, 15);
			scene.reads("io.TMA", 1);
		},
		at: (scene) => {
			scene.doses.ended("TMA", scene.nowMs - 201);
			scene.reads("io.TMA", 1);
		},
		beyond: (scene) => scene.reads("io.TMA", 1).reads("io.H2O", 1),
		// valve-io-lost trips for that.
		unknown: (scene) => scene.goesStale("io.TMA"),
		unknownTrips: false,
		gone: (scene) => scene.reads("io.TMA", 0).reads("io.H2O", 0),
	},
	...(
		[
			["emergency-stop", "io.stop_button"],
			["exhaust-lost", "io.exhaust"],
			["gas-cabinet-leak", "io.cabinet"],
			["nitrogen-lost", "io.nitrogen"],
			["air-lost", "io.air"],
		] as const
	).map(
		([id, signal]): Case => ({
			id,
			at: (scene) => scene.reads(signal, 1),
			beyond: (scene) => scene.reads(signal, 1),
			unknown: (scene) => scene.goesStale(signal),
			unknownTrips: true,
			gone: (scene) => scene.reads(signal, 0),
		}),
	),
	{
		id: "atmosphere",
		below: (scene) => scene.reads("io.lid", 0).reads("glovebox.oxygen", 0.99).reads("glovebox.water", 1.99),
		at: (scene) => scene.reads("io.lid", 0).reads("glovebox.oxygen", 1),
		beyond: (scene) => scene.reads("io.lid", 0).reads("glovebox.water", 20),
		unknown: (scene) => scene.reads("io.lid", 0).goesStale("glovebox.oxygen"),
		unknownTrips: true,
		gone: (scene) => scene.reads("glovebox.oxygen", 0.1).reads("glovebox.water", 0.1),
	},
];

/** Carrier is commanded into a chamber whose stop valve is shut. */
function filling(scene: Scene): Scene {
	scene.commanded.stopValve = "shut";
	if (scene.commanded.carrierSccm > 0) scene.commanded.carrierSccm = 100;
	return scene;
}

/** The gauge repeats itself since two minutes ago, and a dose was given `agoS` before now. */
function frozenFor(scene: Scene, agoS: number): void {
	scene.ran("gauge.chamber", (beforeS) => (beforeS > 120 ? 91 : 90));
	scene.history.disturb("gauge.chamber", scene.nowMs - agoS * 1_000);
}

const interlocks = interlocksOf(REACTOR);
const interlockOf = (id: string): Interlock => interlocks.find((interlock) => interlock.id === id)!;

/** Judges on a scene every 250 ms, each time with new readings, as at a gauge's polls. */
class Bench {
	readonly scene = new Scene();
	readonly latch: Latch;
	readonly changes: string[] = [];

	constructor(readonly interlock: Interlock) {
		this.latch = new Latch(interlock);
		this.judge(() => {});
	}

	judge(set: (scene: Scene) => void, newReading = true): void {
		if (newReading) this.scene.after(250);
		set(this.scene);
		const changed = this.latch.judge(this.scene);
		if (changed !== undefined) this.changes.push(changed);
	}

	/** As often as the delay and the number of readings ask for, and once more. */
	judgeLong(set: (scene: Scene) => void): void {
		const times = Math.max(this.interlock.consecutiveReadings, Math.ceil(this.interlock.delayMs / 250) + 1);
		for (let i = 0; i < times; i += 1) this.judge(set);
	}

	/** What the safe state has done of itself. */
	safeStateReached(): void {
		const { commanded } = this.scene;
		commanded.targetsC.clear();
		if (this.interlock.effect !== "trip") commanded.carrierSccm = 0;
		if (this.interlock.effect === "pump-lost") commanded.stopValve = "shut";
	}
}

/** Once it is off, a heater need not heat and a zone follows nothing. */
const ENDED_BY_SAFE_STATE = /^(heater-not-heating|zone-astray)\./;

it("every interlock has its cases", () => {
	expect(CASES.map(({ id }) => id).sort()).toEqual(interlocks.map(({ id }) => id).sort());
});

describe.each(CASES)("interlock $id", ({ id, below, at, beyond, unknown, unknownTrips, gone }) => {
	const interlock = interlockOf(id);
	const { delayMs, consecutiveReadings } = interlock;

	it.runIf(below !== undefined)("stays clear just before the limit", () => {
		const bench = new Bench(interlock);
		for (let i = 0; i < 5; i += 1) bench.judgeLong(below!);
		expect(bench.latch.state).toBe("clear");
	});

	it("trips at the limit", () => {
		const bench = new Bench(interlock);
		bench.judgeLong(at);
		expect(bench.changes).toEqual(["tripped"]);
		expect(bench.latch.finding!.cause).toMatch(/\.$/);
	});

	it.runIf(delayMs > 0 || consecutiveReadings > 1)(
		"stays clear beyond it for shorter than its delay or on fewer readings",
		() => {
			const bench = new Bench(interlock);
			const tooFew = Math.max(consecutiveReadings, Math.ceil(delayMs / 250) + 1) - 1;
			for (let i = 0; i < tooFew; i += 1) bench.judge(beyond);
			expect(bench.latch.state).toBe("clear");
			bench.judge(gone);
			for (let i = 0; i < tooFew; i += 1) bench.judge(beyond);
			expect(bench.latch.state).toBe("clear");
		},
	);

	it.runIf(consecutiveReadings > 1)("counts a reading once, however often it is judged", () => {
		const bench = new Bench(interlock);
		if (delayMs === 0) {
			bench.judge(beyond);
			for (let i = 0; i < 20; i += 1) bench.judge(() => {}, false);
			expect(bench.latch.state).toBe("clear");
		} else {
			bench.judge(beyond);
			bench.scene.after(delayMs * 2);
			bench.judge(() => {}, false);
			expect(bench.latch.state).toBe("clear");
		}
	});

	it("trips beyond it for longer", () => {
		const bench = new Bench(interlock);
		bench.judgeLong(beyond);
		expect(bench.latch.state).toBe("tripped");
	});

	it(unknownTrips ? "takes silence for danger" : "leaves silence to the interlock that is for it", () => {
		const bench = new Bench(interlock);
		for (let i = 0; i < 4; i += 1) bench.judgeLong(unknown);
		expect(bench.latch.state).toBe(unknownTrips ? "tripped" : "clear");
	});

	it("stays latched when the safe state has been reached and the cause is still there", () => {
		const bench = new Bench(interlock);
		bench.judgeLong(beyond);
		bench.safeStateReached();
		// What the safe state ends of the cause must not look like its end.
		if (id === "carrier-lost") bench.judgeLong((scene) => scene.goesStale("mfc.flow"));
		else if (ENDED_BY_SAFE_STATE.test(id)) return;
		else bench.judgeLong(beyond);
		expect(bench.latch.state).toBe("tripped");
		expect(bench.latch.reset()).toBe(false);
	});

	it("takes silence for no end of the cause", () => {
		const bench = new Bench(interlock);
		bench.judgeLong(beyond);
		bench.safeStateReached();
		if (ENDED_BY_SAFE_STATE.test(id)) return;
		for (let i = 0; i < 4; i += 1) bench.judgeLong(unknown);
		expect(bench.latch.state).toBe("tripped");
		expect(bench.latch.reset()).toBe(false);
	});

	it("stays latched when the cause is gone, and resets only then", () => {
		const bench = new Bench(interlock);
		bench.judgeLong(beyond);
		bench.safeStateReached();
		bench.judgeLong(gone);
		expect(bench.latch.state).toBe("cleared");
		bench.judgeLong(gone);
		expect(bench.changes).toEqual(["tripped", "cleared"]);
		expect(bench.latch.reset()).toBe(true);
		expect(bench.latch.state).toBe("clear");
	});

	it("trips again when the cause returns before the reset", () => {
		const bench = new Bench(interlock);
		bench.judgeLong(beyond);
		bench.judgeLong(gone);
		bench.judgeLong(beyond);
		expect(bench.changes).toEqual(["tripped", "cleared", "tripped"]);
	});
});

describe("an interlock that matters only in some situations", () => {
	const isClear = (id: string, set: (scene: Scene) => void): boolean => {
		const bench = new Bench(interlockOf(id));
		for (let i = 0; i < 5; i += 1) bench.judgeLong(set);
		return bench.latch.state === "clear";
	};

	it("a standing pump is no danger behind a shut stop valve, and is one when nobody knows where the valve is", () => {
		const withValve = (stopValve: "shut" | "unknown") => (scene: Scene) => {
			scene.commanded.stopValve = stopValve;
			scene.reads("io.pump", 0);
		};
		expect(isClear("pump-lost", withValve("shut"))).toBe(true);
		expect(isClear("pump-lost", withValve("unknown"))).toBe(false);
	});

	it("a pump contact that went with the valve I/O is left to valve-io-lost", () => {
		const gone = (scene: Scene) => {
			scene.away.add("io");
			scene.goesStale("io.pump");
		};
		expect(isClear("pump-lost", gone)).toBe(true);
		expect(isClear("valve-io-lost", gone)).toBe(false);
	});

	it("a carrier that was just commanded is given time to settle", () => {
		const set = (sinceMs: number) => (scene: Scene) => {
			scene.commanded.carrierSinceMs = scene.nowMs - sinceMs;
			scene.reads("mfc.flow", 0);
		};
		expect(isClear("carrier-lost", set(4_900))).toBe(true);
		expect(isClear("carrier-lost", set(5_000))).toBe(false);
	});

	it("no carrier is missed where none is commanded", () => {
		expect(
			isClear("carrier-lost", (scene) => {
				scene.commanded.carrierSccm = 0;
				scene.goesStale("mfc.flow");
			}),
		).toBe(true);
	});

	it("a gauge may show nothing while nothing is heated, and a lid may be open without a run", () => {
		expect(
			isClear("gauge-lost", (scene) => {
				scene.commanded.targetsC.clear();
				scene.fails("gauge.chamber", "above the gauge's measuring range");
			}),
		).toBe(true);
		const noRun = (set: (scene: Scene) => void) => (scene: Scene) => {
			scene.declaration = null;
			scene.commanded.carrierSccm = 0;
			scene.commanded.targetsC.clear();
			set(scene);
		};
		expect(
			isClear(
				"lid-open",
				noRun((scene) => scene.reads("io.lid", 0)),
			),
		).toBe(true);
		expect(
			isClear(
				"valve-io-lost",
				noRun((scene) => scene.away.add("io")),
			),
		).toBe(true);
		expect(
			isClear(
				"melt-guard.stage",
				noRun((scene) => scene.reads("stage.temperature", 185)),
			),
		).toBe(true);
	});

	it("valves that cannot be commanded are danger without a run too, while carrier flows or something is heated", () => {
		const away = (change: (scene: Scene) => void) => (scene: Scene) => {
			scene.declaration = null;
			change(scene);
			scene.away.add("io");
		};
		expect(
			isClear(
				"valve-io-lost",
				away((scene) => scene.commanded.targetsC.clear()),
			),
		).toBe(false);
		expect(
			isClear(
				"valve-io-lost",
				away((scene) => (scene.commanded.carrierSccm = 0)),
			),
		).toBe(false);
	});

	it("an emergency stop acts without a run, an exhaust that is only not known does not", () => {
		const idle = (set: (scene: Scene) => void) => (scene: Scene) => {
			scene.declaration = null;
			scene.commanded.carrierSccm = 0;
			scene.commanded.targetsC.clear();
			set(scene);
		};
		expect(
			isClear(
				"emergency-stop",
				idle((scene) => scene.reads("io.stop_button", 1)),
			),
		).toBe(false);
		expect(
			isClear(
				"exhaust-lost",
				idle((scene) => scene.goesStale("io.exhaust")),
			),
		).toBe(true);
		expect(
			isClear(
				"nitrogen-lost",
				idle((scene) => scene.reads("io.nitrogen", 1)),
			),
		).toBe(true);
	});

	it("a controller that works with another setpoint is astray although the zone is where it should be", () => {
		expect(
			isClear("zone-astray.wall", (scene) => scene.reads("wall.temperature", 120).reads("wall.setpoint", 130)),
		).toBe(false);
	});

	it("a zone that cools down to a lower setpoint with its heater off is not astray", () => {
		const at150 = (output: number) => (scene: Scene) =>
			scene.reads("wall.temperature", 145).reads("wall.output", output);
		expect(isClear("zone-astray.wall", at150(0))).toBe(true);
		expect(isClear("zone-astray.wall", at150(10))).toBe(false);
	});

	it("a zone that rises without power runs away, one that its neighbours warm does not", () => {
		const offAndRisen = (degC: number) => (scene: Scene) =>
			scene.ran("wall.output", () => 0).ran("wall.temperature", (agoS) => 60 - (degC / 120) * agoS);
		expect(isClear("runaway.wall", offAndRisen(9.9))).toBe(true);
		expect(isClear("runaway.wall", offAndRisen(10.1))).toBe(false);
	});

	it("a chamber that this run has not pumped yet may be at any pressure", () => {
		expect(
			isClear("pressure-high", (scene) => {
				scene.wasPumped = false;
				scene.reads("gauge.chamber", 50_000);
			}),
		).toBe(true);
	});

	it("a zone that is off may lose its sensor, but not exceed its limit", () => {
		const off = (set: (scene: Scene) => void) => (scene: Scene) => {
			scene.commanded.targetsC.clear();
			set(scene);
		};
		expect(
			isClear(
				"over-temperature.wall",
				off((scene) => scene.fails("wall.temperature", "broken")),
			),
		).toBe(true);
		expect(
			isClear(
				"over-temperature.wall",
				off((scene) => scene.reads("wall.temperature", 150)),
			),
		).toBe(false);
	});
});

describe("a latch", () => {
	it("takes a judgement that fails for danger, without delay", () => {
		const broken: Interlock = {
			...interlockOf("carrier-lost"),
			judge() {
				throw new Error("no such signal");
			},
		};
		const latch = new Latch(broken);
		expect(latch.judge(new Scene())).toBe("tripped");
		expect(latch.couldJudge).toBe(false);
		expect(latch.finding!.cause).toContain("no such signal");
	});

	it("starts counting anew after a single good reading in between", () => {
		const bench = new Bench(interlockOf("melt-guard.stage"));
		for (let i = 0; i < 6; i += 1) bench.judge((scene) => scene.reads("stage.temperature", i % 2 === 0 ? 181 : 179));
		expect(bench.latch.state).toBe("clear");
	});

	it("keeps the cause of its trip until the reset", () => {
		const bench = new Bench(interlockOf("over-temperature.wall"));
		bench.judge((scene) => scene.reads("wall.temperature", 155));
		bench.judge((scene) => scene.reads("wall.temperature", 170));
		bench.judge((scene) => scene.reads("wall.temperature", 100));
		expect(bench.latch.finding).toMatchObject({ value: 155, limit: 150 });
	});
});
