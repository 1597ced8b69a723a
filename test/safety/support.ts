/** A reactor and what it reads, for judging without a plant. */
import type { Reading, Unit } from "#core/reading.js";
import type { Reactor } from "#device/reactor.js";
import type { Commanded, Declaration, SafetyView } from "#safety/interlock.js";

export const REACTOR: Reactor = {
	carrier: { instrument: "mfc", gas: "Ar", sccmMin: 5, sccmMax: 200, purgeSccm: 100 },
	pressures: { chamber: "gauge.chamber", foreline: "gauge.foreline" },
	zones: {
		stage: { instrument: "stage", heatsFoil: true, limitC: 190, offsetC: 0.5, uncertaintyC: 0.3, rampCPerMinMax: 15 },
		wall: { instrument: "wall", heatsFoil: false, limitC: 150, offsetC: 0, uncertaintyC: 1, rampCPerMinMax: 15 },
	},
	precursors: {
		TMA: { instrument: "io", output: "TMA", shortestPulseMs: 5, longestPulseMs: 200 },
		H2O: { instrument: "io", output: "H2O", shortestPulseMs: 5, longestPulseMs: 200 },
	},
	stopValve: { instrument: "io", output: "stop" },
	inputs: { pumpRunning: "io.pump", lidClosed: "io.lid" },
	limits: { basePa: 13, dosePaMin: 13, dosePaMax: 266, maxStaticPa: 600 },
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
	readonly away = new Set<string>();
	private readonly values = new Map<string, Reading>();

	constructor(reactor: Reactor = REACTOR) {
		this.reactor = reactor;
		this.reads("mfc.flow", 100).reads("io.pump", 1).reads("io.lid", 1);
		this.reads("gauge.chamber", 90).reads("gauge.foreline", 20);
		this.reads("stage.temperature", 120).reads("wall.temperature", 120);
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
		return this;
	}
}
