/** A reactor and what it reads, for judging without a plant. */
import type { Reading, Unit } from "#core/reading.js";
import type { Reactor } from "#device/reactor.js";
import { DoseHistory } from "#safety/dose-history.js";
import type { Commanded, Declaration, SafetyView } from "#safety/interlock.js";
import { SignalHistory } from "#safety/signal-history.js";

const heater = (zone: string) => ({
	output: `${zone}.output`,
	fullPercent: 90,
	riseC: 1,
	withinS: 120,
	runawayCPerMin: 30,
	followC: 20,
	followS: 2,
});

export const REACTOR: Reactor = {
	carrier: { instrument: "mfc", gas: "Ar", sccmMin: 5, sccmMax: 200, purgeSccm: 100 },
	pressures: { chamber: "gauge.chamber", foreline: "gauge.foreline" },
	zones: {
		stage: {
			instrument: "stage",
			heatsFoil: true,
			limitC: 190,
			offsetC: 0.5,
			uncertaintyC: 0.3,
			rampCPerMinMax: 15,
			heater: heater("stage"),
		},
		wall: {
			instrument: "wall",
			heatsFoil: false,
			limitC: 150,
			offsetC: 0,
			uncertaintyC: 1,
			rampCPerMinMax: 15,
			heater: heater("wall"),
		},
	},
	precursors: {
		TMA: { instrument: "io", output: "TMA", shortestPulseMs: 5, longestPulseMs: 200, vapourPa: 1_000 },
		H2O: { instrument: "io", output: "H2O", shortestPulseMs: 5, longestPulseMs: 200, vapourPa: 2_500 },
	},
	stopValve: { instrument: "io", output: "stop" },
	// Contacts of both kinds.
	inputs: {
		pumpRunning: { signal: "io.pump", safeLevel: 1 },
		lidClosed: { signal: "io.lid", safeLevel: 1 },
		emergencyStop: { signal: "io.stop_button", safeLevel: 0 },
		exhaust: { signal: "io.exhaust", safeLevel: 0 },
		gasCabinet: { signal: "io.cabinet", safeLevel: 0 },
		nitrogen: { signal: "io.nitrogen", safeLevel: 0 },
		air: { signal: "io.air", safeLevel: 0 },
	},
	atmosphere: { oxygen: "glovebox.oxygen", water: "glovebox.water", oxygenPpmMax: 1, waterPpmMax: 2 },
	limits: { basePa: 13, dosePaMin: 13, dosePaMax: 266, pressurePaMax: 600, staticPaMax: 1_300, gaugeFrozenS: 10 },
};

export const DECLARATION: Declaration = {
	neverAboveC: 180.3,
	meltingPointC: 180.5,
	purgeMinimumS: { TMA: 5, H2O: 10 },
};

const UNITS: Record<string, Unit> = {
	"mfc.flow": "sccm",
	"io.pump": "bool",
	"io.lid": "bool",
	"gauge.chamber": "Pa",
	"gauge.foreline": "Pa",
	"stage.output": "%",
	"wall.output": "%",
	"glovebox.oxygen": "ppm",
	"glovebox.water": "ppm",
	...Object.fromEntries(
		["stop_button", "exhaust", "cabinet", "nitrogen", "air", "TMA", "H2O"].map((name) => [
			`io.${name}`,
			"bool" as const,
		]),
	),
};

/** A run in mid-deposition with everything in order; change what the case is about, and move `nowMs`. */
export class Scene implements SafetyView {
	nowMs = 100_000;
	readonly reactor: Reactor;
	readonly commanded: Commanded = {
		carrierSccm: 100,
		carrierSinceMs: 0,
		stopValve: "open",
		targetsC: new Map([
			["stage", 120],
			["wall", 120],
		]),
	};
	declaration: Declaration | null = DECLARATION;
	wasPumped = true;
	readonly doses = new DoseHistory(["TMA", "H2O"], 0);
	readonly history = new SignalHistory();
	readonly away = new Set<string>();
	private readonly values = new Map<string, Reading>();

	constructor(reactor: Reactor = REACTOR) {
		this.reactor = reactor;
		this.reads("mfc.flow", 100).reads("io.pump", 1).reads("io.lid", 1);
		this.reads("gauge.chamber", 90).reads("gauge.foreline", 20);
		for (const zone of ["stage", "wall"])
			this.reads(`${zone}.temperature`, 120).reads(`${zone}.output`, 40).reads(`${zone}.setpoint`, 120);
		this.reads("stage.setpoint", 119.5);
		for (const input of ["stop_button", "exhaust", "cabinet", "nitrogen", "air", "TMA", "H2O"])
			this.reads(`io.${input}`, 0);
		this.reads("glovebox.oxygen", 0.1).reads("glovebox.water", 0.1);
	}

	/** The course of a signal over the last minutes, `value` by the seconds before now; the last of it is its reading. */
	ran(signal: string, value: (agoS: number) => number): this {
		this.history.push(signal, this.nowMs, null);
		for (let agoS = 600; agoS >= 0; agoS -= 1) this.history.push(signal, this.nowMs - agoS * 1_000, value(agoS));
		return this.set(signal, { value: value(0), quality: "good" });
	}

	/** A new good reading at the present. */
	reads(signal: string, value: number): this {
		return this.set(signal, { value, quality: "good" });
	}

	/** The last value, too old now. */
	goesStale(signal: string): this {
		const { value } = this.reading(signal);
		return this.set(signal, { value, quality: "stale" });
	}

	fails(signal: string, detail: string): this {
		return this.set(signal, { value: null, quality: "fault", detail });
	}

	after(ms: number): this {
		this.nowMs += ms;
		return this;
	}

	reading(signal: string): Reading {
		const reading = this.values.get(signal);
		if (reading === undefined) throw new Error(`The scene has no ${signal}.`);
		return reading;
	}

	instrumentReady(name: string): boolean {
		return !this.away.has(name);
	}

	private set(signal: string, of: Pick<Reading, "value" | "quality" | "detail">): this {
		this.values.set(signal, { unit: UNITS[signal] ?? "degC", atMs: this.nowMs, ...of });
		if (of.quality !== "good") this.history.push(signal, this.nowMs, null);
		return this;
	}
}
