import { Prng } from "#core/prng.js";
import { celsiusFromKelvin, pascalCubicMetrePerSecondFromSccm, pascalFromTorr } from "#core/units.js";
import type { FoilConstants, TwinConstants } from "./constants.js";
import { Bottle } from "./doses.js";
import { Glovebox } from "./glovebox.js";
import { Heat } from "./heat.js";
import { Movements } from "./movements.js";
import { Surface } from "./surface.js";
import { Vacuum } from "./vacuum.js";
import { type Violation, type ViolationKind, Violations } from "./violations.js";

export const STOP_VALVE = "stop";

/** With a precursor valve open, the flow changes within milliseconds. */
const DOSING_STEP_MS = 1;
/** After a valve has moved, steps may be this share of the time since, following the reactions as they slow down. */
const STEP_SHARE = 0.1;
const REACTING_STEP_MS_MAX = 25;
/** Pressures settle and water leaves the walls. */
const SETTLING_STEP_MS_MAX = 250;
/** Only heat moves. */
const QUIET_STEP_MS_MAX = 1000;
/** Less precursor than this no longer reacts noticeably within a step. */
const REACTING_PA = 0.001;
/** A dose wants flow: less is none. */
const DOSE_SCCM_MIN = 1;
/** A dose wants vacuum: ten times the process range is none. */
const DOSE_PA_MAX = pascalFromTorr(20);
/** Gas would really flow back: the foreline is above the chamber by more than a gauge could mistake. */
const BACKSTREAM_PA = 1;
/** A lid moves only without vacuum behind it. */
const LID_MOVES_ABOVE = 0.9;

export interface TwinOptions {
	readonly constants: TwinConstants;
	/** Name of the foil on the stage, from the twin file. */
	readonly foil: string;
	readonly seed: number;
	readonly startMs?: number;
	/** The chamber begins vented (default) or pumped. */
	readonly pumped?: boolean;
	/** Standard deviation of the heaters' gains and time constants, relative; 0 is the nominal reactor. */
	readonly spread?: number;
}

/** What really happened, as no instrument could say. */
export interface TwinTruth {
	readonly atMs: number;
	readonly foilMaterial: string;
	readonly foilC: number;
	readonly peakFoilC: number;
	/** Latched once the foil has reached its melting point. */
	readonly melted: boolean;
	readonly meltingC: number | null;
	readonly thicknessNm: number;
	/** The part of it that grew from the gas because the precursors met. */
	readonly vapourGrownNm: number;
	readonly interlayerNm: number;
	readonly lithiatedFraction: number;
	/** Film per TMA dose; null before the first. */
	readonly meanGrowthPerCycleNm: number | null;
	readonly doses: Readonly<Record<string, number>>;
	readonly deliveredMg: Readonly<Record<string, number>>;
	readonly violations: readonly Violation[];
	readonly violationCount: number;
}

/**
 * A reactor as physics. It is brought to a time (`advance`) before it is acted on or read; between, it takes steps of its
 * own choosing. The same seed and the same calls give the same numbers.
 */
export class Twin {
	private readonly heat: Heat;
	private readonly vacuum: Vacuum;
	private readonly surface: Surface;
	readonly glovebox = new Glovebox();
	/** Of its valves and heaters. */
	readonly movements = new Movements();
	private readonly bottles = new Map<string, Bottle>();
	private readonly bottleList: readonly Bottle[];
	private readonly faults = new Violations();
	private readonly facility = new Map<string, boolean>();
	private readonly foil: FoilConstants;
	private readonly sources = { tmaPaPerS: 0, h2oPaPerS: 0 };
	private peakC: number;
	private hasMelted = false;
	private havePrecursorsMet = false;
	private valveMovedMs = Number.NEGATIVE_INFINITY;
	private readonly commandedOpen = new Map<string, boolean>();
	private readonly stuckValves = new Map<string, boolean>();
	private now: number;

	/** Throws when the twin file has no such foil. */
	constructor(private readonly options: TwinOptions) {
		const { constants } = options;
		const foil = constants.foils[options.foil];
		if (foil === undefined) {
			throw new Error(`The twin file has no foil ${options.foil}; it has ${Object.keys(constants.foils).join(", ")}.`);
		}
		this.foil = foil;
		this.now = options.startMs ?? 0;
		const spread = options.spread ?? 0;
		// Two standard deviations at most: a spread reactor is still this reactor.
		const scale = (what: string) =>
			1 + spread * Math.max(-2, Math.min(2, new Prng(options.seed, `twin ${what}`).normal()));
		this.heat = new Heat(constants.heat, constants.ambientC, scale, this.now);
		const vented = options.pumped !== true;
		this.vacuum = new Vacuum(
			constants.vacuum,
			pascalCubicMetrePerSecondFromSccm(1, constants.gasK),
			vented ? constants.vacuum.atmospherePa : constants.vacuum.pumpUltimatePa,
		);
		this.surface = new Surface(constants.surface, foil, vented ? constants.vacuum.wallWaterAfterAirPa : 0);
		for (const [name, precursor] of Object.entries(constants.precursors)) {
			this.bottles.set(name, new Bottle(name, precursor, constants.gasK, constants.vacuum.chamberM3));
		}
		this.bottleList = [...this.bottles.values()];
		this.peakC = constants.ambientC;
	}

	get nowMs(): number {
		return this.now;
	}

	/** Brings everything to `nowMs`; an earlier time changes nothing. */
	advance(nowMs: number): void {
		while (this.now < nowMs) {
			const stepMs = Math.min(nowMs - this.now, this.stepMsMax());
			this.step(stepMs);
		}
	}

	// --- what instruments and people do to it ---

	/** Throws on an unknown zone. */
	setHeaterPercent(zone: string, percent: number): void {
		this.heat.setHeaterPercent(zone, percent);
		this.movements.note({ of: zone, what: "heater", on: percent > 0, atMs: this.now });
	}

	/** `valve` is "stop" or a precursor's name; `atMs` is when it moves, not before the twin's present. Throws on an unknown name. */
	setValve(valve: string, open: boolean, atMs: number): void {
		this.advance(atMs);
		if (valve !== STOP_VALVE) this.bottle(valve);
		this.commandedOpen.set(valve, open);
		this.moveValve(valve);
	}

	/** The valve stands open or shut from now on, whatever it is told; undefined: it does again what it was told last. Throws on an unknown name. */
	setValveStuck(valve: string, stuck: "open" | "shut" | undefined): void {
		if (valve !== STOP_VALVE) this.bottle(valve);
		if (stuck === undefined) this.stuckValves.delete(valve);
		else this.stuckValves.set(valve, stuck === "open");
		this.moveValve(valve);
	}

	/** What the valve lets through when shut, 0 to 1 of its open conductance. Throws on an unknown name. */
	setValveLeak(valve: string, fraction: number): void {
		if (valve === STOP_VALVE) this.vacuum.stopLeakFraction = fraction;
		else this.bottle(valve).leakFraction = fraction;
	}

	setCarrierTarget(sccm: number): void {
		this.vacuum.carrierTargetSccm = Math.max(0, sccm);
	}

	/** False: the gas supply in front of the flow controller is empty. */
	setCarrierSupply(supplied: boolean): void {
		this.vacuum.carrierSupplied = supplied;
	}

	/** True: the flow controller's valve stays as it is now, whatever it is told. */
	setCarrierStuck(stuck: boolean): void {
		this.vacuum.carrierStuckSccm = stuck ? this.vacuum.carrierSccm : undefined;
	}

	setPump(running: boolean): void {
		this.vacuum.pumpRunning = running;
	}

	/** What is left of the pump's speed, above 0 to 1. */
	setPumpSpeed(fraction: number): void {
		this.vacuum.pumpSpeedFraction = fraction;
	}

	/** Air into the chamber beside what always leaks, Pa m3/s. */
	setChamberLeak(paM3PerS: number): void {
		this.vacuum.extraLeakPaM3PerS = paM3PerS;
	}

	setLid(closed: boolean): void {
		const { atmospherePa, wallWaterAfterAirPa } = this.options.constants.vacuum;
		if (!closed && this.vacuum.chamberPa < LID_MOVES_ABOVE * atmospherePa) {
			this.violate("lid-opened-under-vacuum", `The lid opened at ${this.vacuum.chamberPa.toFixed(0)} Pa.`);
		}
		if (!closed) this.surface.wallWaterPa = wallWaterAfterAirPa;
		this.vacuum.lidClosed = closed;
	}

	/** What a person does at the bottle. */
	setHandValve(precursor: string, open: boolean): void {
		this.bottle(precursor).isHandValveOpen = open;
	}

	/** What stands around the reactor, by the lab file's name of the input: false is the danger. */
	setFacility(input: string, isWell: boolean): void {
		this.facility.set(input, isWell);
	}

	/** What the contact of this input senses. */
	isContactMade(input: string): boolean {
		if (input === "pump_running") return this.pumpRunning;
		if (input === "lid_closed") return this.lidClosed;
		return this.facility.get(input) ?? true;
	}

	setBottleC(precursor: string, degC: number): void {
		this.bottle(precursor).bottleC = degC;
	}

	setBottleGrams(precursor: string, grams: number): void {
		this.bottle(precursor).grams = grams;
	}

	// --- what instruments sense ---

	zoneC(zone: string): number {
		return this.heat.zoneC(zone);
	}

	get chamberPa(): number {
		return this.vacuum.chamberPa;
	}

	get forelinePa(): number {
		return this.vacuum.forelinePa;
	}

	get carrierSccm(): number {
		return this.vacuum.carrierSccm;
	}

	/** In front of the flow controller. */
	get carrierSupplyPa(): number {
		const { carrierSupplyPa, atmospherePa } = this.options.constants.vacuum;
		return this.vacuum.carrierSupplied ? carrierSupplyPa : atmospherePa;
	}

	get carrierGasC(): number {
		return celsiusFromKelvin(this.options.constants.gasK);
	}

	get filmNm(): number {
		return this.surface.thicknessNm;
	}

	get pumpRunning(): boolean {
		return this.vacuum.pumpRunning;
	}

	get lidClosed(): boolean {
		return this.vacuum.lidClosed;
	}

	bottleGrams(precursor: string): number {
		return this.bottle(precursor).grams;
	}

	bottleC(precursor: string): number {
		return this.bottle(precursor).bottleC;
	}

	isValveOpen(valve: string): boolean {
		return valve === STOP_VALVE ? this.vacuum.stopOpen : this.bottle(valve).isOpen;
	}

	// --- what only the twin knows ---

	get foilC(): number {
		return this.heat.foilC;
	}

	get tmaPa(): number {
		return this.vacuum.tmaPa;
	}

	get h2oPa(): number {
		return this.vacuum.h2oPa;
	}

	truth(): TwinTruth {
		const tma = this.bottleList.filter((bottle) => bottle.constants.reagent === "TMA");
		const cycles = tma.reduce((sum, bottle) => sum + bottle.doses, 0);
		return {
			atMs: this.now,
			foilMaterial: this.options.foil,
			foilC: this.heat.foilC,
			peakFoilC: this.peakC,
			melted: this.hasMelted,
			meltingC: this.foil.meltingC,
			thicknessNm: this.surface.thicknessNm,
			vapourGrownNm: this.surface.vapourGrownNm,
			interlayerNm: this.surface.interlayerNm,
			lithiatedFraction: this.surface.lithiatedFraction,
			meanGrowthPerCycleNm: cycles === 0 ? null : this.surface.thicknessNm / cycles,
			doses: Object.fromEntries(this.bottleList.map((bottle) => [bottle.name, bottle.doses])),
			deliveredMg: Object.fromEntries(this.bottleList.map((bottle) => [bottle.name, bottle.deliveredMg])),
			violations: this.faults.list,
			violationCount: this.faults.count,
		};
	}

	private moveValve(valve: string): void {
		const open = this.stuckValves.get(valve) ?? this.commandedOpen.get(valve) ?? false;
		if (valve === STOP_VALVE) this.setStopValve(open);
		else this.setPrecursorValve(this.bottle(valve), open);
		this.movements.note({ of: valve, what: "valve", on: open, atMs: this.now });
	}

	private setStopValve(open: boolean): void {
		const { vacuum } = this;
		if (open && !vacuum.stopOpen && (!vacuum.pumpRunning || vacuum.forelinePa > vacuum.chamberPa + BACKSTREAM_PA)) {
			const pump = vacuum.pumpRunning ? "running" : "standing";
			const pressures = `foreline ${vacuum.forelinePa.toFixed(1)} Pa, chamber ${vacuum.chamberPa.toFixed(1)} Pa`;
			this.violate("backstream-from-foreline", `The stop valve opened with the pump ${pump}, ${pressures}.`);
		}
		vacuum.stopOpen = open;
	}

	private setPrecursorValve(bottle: Bottle, open: boolean): void {
		if (bottle.isOpen === open) return;
		bottle.isOpen = open;
		this.valveMovedMs = this.now;
		if (!open) return;
		bottle.doses += 1;
		const { chamberPa, carrierSccm, lidClosed, pumpRunning } = this.vacuum;
		const { name } = bottle;
		if (this.bottleList.some((other) => other !== bottle && other.isOpen)) {
			this.violate("both-precursor-valves-open", `${name} opened while another precursor valve was open.`);
		}
		// A chamber that is shut off on purpose holds its dose.
		if (carrierSccm < DOSE_SCCM_MIN && this.vacuum.stopOpen)
			this.violate("dose-without-flow", `${name} dosed at ${carrierSccm.toFixed(2)} sccm of carrier.`);
		if (!lidClosed) this.violate("dose-with-lid-open", `${name} dosed with the lid open.`);
		if (chamberPa > DOSE_PA_MAX || !pumpRunning) {
			const pump = pumpRunning ? "running" : "standing";
			this.violate("dose-without-vacuum", `${name} dosed into ${chamberPa.toFixed(0)} Pa with the pump ${pump}.`);
		}
		// Behind a shut hand valve there is only the line.
		if (chamberPa > bottle.pressurePa && bottle.isHandValveOpen) {
			const pressures = `${bottle.pressurePa.toFixed(0)} Pa against ${chamberPa.toFixed(0)} Pa`;
			this.violate("backflow-into-bottle", `${name} opened with ${pressures} in the chamber.`);
		}
	}

	private stepMsMax(): number {
		for (const bottle of this.bottleList) if (bottle.isOpen) return DOSING_STEP_MS;
		const { vacuum } = this;
		if (vacuum.tmaPa > REACTING_PA || vacuum.h2oPa > REACTING_PA) {
			return Math.min(REACTING_STEP_MS_MAX, DOSING_STEP_MS + STEP_SHARE * (this.now - this.valveMovedMs));
		}
		const isSettling = !vacuum.isCarrierSettled || vacuum.h2oPa > 0 || vacuum.tmaPa > 0;
		return isSettling ? SETTLING_STEP_MS_MAX : QUIET_STEP_MS_MAX;
	}

	private step(stepMs: number): void {
		const { vacuum, surface, sources } = this;
		const seconds = stepMs / 1000;
		const toMs = this.now + stepMs;
		this.heat.advance(toMs);
		const { foilC } = this.heat;
		this.watchFoil(foilC, toMs);
		sources.tmaPaPerS = 0;
		sources.h2oPaPerS = surface.exchangeWater(
			seconds,
			vacuum.h2oPa,
			this.heat.zoneC(this.options.constants.surface.wallZone),
		);
		for (const bottle of this.bottleList) {
			const risePaPerS = bottle.step(seconds, vacuum.chamberPa);
			if (bottle.constants.reagent === "TMA") sources.tmaPaPerS += risePaPerS;
			else sources.h2oPaPerS += risePaPerS;
		}
		vacuum.step(seconds, sources);
		surface.react(seconds, vacuum, foilC);
		surface.anneal(seconds, foilC);
		this.glovebox.step(seconds);
		this.now = toMs;
		this.watchMeeting();
	}

	private watchFoil(foilC: number, atMs: number): void {
		if (foilC > this.peakC) this.peakC = foilC;
		const { meltingC } = this.foil;
		if (meltingC === null || this.hasMelted || foilC < meltingC) return;
		this.hasMelted = true;
		this.violate("foil-melted", `The foil reached ${foilC.toFixed(2)} degC; it melts at ${meltingC} degC.`, atMs);
	}

	private watchMeeting(): void {
		const { overlapPa } = this.options.constants.surface;
		const { tmaPa, h2oPa } = this.vacuum;
		const lessPa = Math.min(tmaPa, h2oPa);
		if (!this.havePrecursorsMet && lessPa > overlapPa) {
			this.havePrecursorsMet = true;
			this.violate(
				"precursors-met",
				`TMA at ${tmaPa.toFixed(2)} Pa and H2O at ${h2oPa.toFixed(2)} Pa were in the chamber together.`,
			);
		} else if (this.havePrecursorsMet && lessPa < overlapPa / 2) {
			this.havePrecursorsMet = false;
		}
	}

	private violate(kind: ViolationKind, detail: string, atMs = this.now): void {
		this.faults.add({ kind, atMs, detail });
	}

	private bottle(precursor: string): Bottle {
		const bottle = this.bottles.get(precursor);
		if (bottle === undefined) {
			throw new Error(
				`The simulated reactor has no valve ${precursor}; it has ${STOP_VALVE}, ${[...this.bottles.keys()].join(", ")}.`,
			);
		}
		return bottle;
	}
}
