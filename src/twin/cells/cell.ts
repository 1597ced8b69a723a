/** One battery cell as physics: two electrodes, electrolyte between them, and what may grow across it. */
import { AdlayerError } from "#core/errors.js";
import { Prng } from "#core/prng.js";
import { GAS_CONSTANT_J_PER_MOL_K, kelvinFromCelsius } from "#core/units.js";
import { Ageing } from "./ageing.js";
import type { CellConstants, Couple, CoupleConstants, Finish } from "./constants.js";
import { type Electrode, MetalElectrode, OxygenElectrode, PhosphateElectrode } from "./electrodes.js";

export interface CellSpec {
	readonly couple: Couple;
	readonly finish: Finish;
	/** ALD cycles of the coating; thickness from the data. Not for bare foil. */
	readonly coatingCycles?: number;
	/** Instead of cycles. */
	readonly thicknessNm?: number;
	readonly foilUm: number;
	readonly areaCm2: number;
	/** Active mass of the positive electrode, mg; LiFePO4 only. */
	readonly activeMassMg?: number;
}

export type Drive = { readonly currentA: number } | { readonly voltageV: number } | "open";

export interface Terminal {
	readonly voltageV: number;
	/** Positive strips the working electrode of a symmetric cell, and charges a full cell. */
	readonly currentA: number;
}

export type CellEventKind =
	/** A dendrite conducts from one electrode to the other. */
	| "bridged"
	/** A micro-bridge that burns away again. */
	| "micro-bridged"
	/** The electrolyte between the electrodes is used up. */
	| "electrolyte-used-up"
	/** The film on the anode is worn through; from now on the air electrode suffers. */
	| "film-worn-through"
	/** While being stripped, an electrode has lost most of its metal. */
	| "metal-used-up";

export interface CellEvent {
	readonly kind: CellEventKind;
	/** Hours since assembly. */
	readonly atH: number;
	/** Half-cycles that were over. */
	readonly halfCycle: number;
}

export interface TrueHalfCycle {
	readonly direction: "charge" | "discharge";
	readonly startH: number;
	readonly chargeAh: number;
}

/** What really happened in a cell, as no instrument could say. */
export interface CellTruth {
	readonly hours: number;
	readonly throughputAh: number;
	readonly events: readonly CellEvent[];
	/** Those that are over. */
	readonly halfCycles: readonly TrueHalfCycle[];
	readonly liveMAhPerCm2: { readonly working: number | null; readonly counter: number };
	readonly deadMAhPerCm2: { readonly working: number | null; readonly counter: number };
	readonly wetFraction: number;
	readonly bridge: "none" | "micro" | "hard";
}

export interface SimulatedCellOptions {
	readonly constants: CellConstants;
	readonly spec: CellSpec;
	readonly seed: number;
}

const SECONDS_PER_HOUR = 3_600;
/** Beyond, the solvent carries whatever current is asked for. */
const SOLVENT_V = 10;
/** The metal left covers less than this of the area: collector or bare foil shows. */
const USED_UP_COVERAGE = 0.2;
const STEP_S_MAX = 60;
const REST_STEP_S_MAX = 3_600;
const SOLVER_STEPS_MAX = 80;
const SOLVED_V = 1e-7;
const SOLVED_MA_PER_CM2 = 1e-9;
/** More steps inside one call mean a drive that no cell is given. */
const STEPS_MAX = 2_000_000;

export class SimulatedCell {
	private readonly couple: CoupleConstants;
	private readonly ageing: Ageing;
	private readonly positive: Electrode;
	private readonly counter: MetalElectrode;
	private readonly working: MetalElectrode | null;
	private readonly prng: Prng;
	private readonly ohmFactor: number;
	private readonly events: CellEvent[] = [];
	private readonly halves: TrueHalfCycle[] = [];
	private half = { sign: 0, startH: 0, chargeAh: 0 };
	private hours = 0;
	private throughputAh = 0;
	/** Voltage by which the salt's concentration stands against the current. */
	private diffusionV = 0;
	private wander = 0;
	private wet = 1;
	/** Ω cm2; null without. */
	private bridgeOhmCm2: number | null = null;
	private microLeftMAhPerCm2 = 0;
	private isUsedUp = false;
	/** Faradaic current density at present. */
	private jMAPerCm2 = 0;
	private slope = 0;

	constructor(private readonly options: SimulatedCellOptions) {
		const { constants, spec, seed } = options;
		const { couple, finish, thicknessNm } = resolve(constants, spec);
		this.couple = couple;
		this.prng = new Prng(seed, "cell");
		this.ohmFactor = Math.exp(constants.scatter.resistance * this.prng.normal());
		const bare = couple.finishes.bare!;
		this.ageing = new Ageing({ constants, couple, finish, bare, thicknessNm, prng: this.prng });
		const metalMAhPerCm2 = constants.metals[couple.metal]! * spec.foilUm * 1e-4;
		const anode = () =>
			new MetalElectrode({
				couple,
				metalMAhPerCm2,
				interphaseOhmCm2: finish.interphaseOhmCm2,
				filmOhmCm2: finish.filmOhmCm2PerNm * thicknessNm,
			});
		this.counter = anode();
		this.working = couple.phosphate === null && couple.oxygen === null ? anode() : null;
		this.positive =
			this.working ??
			(couple.phosphate !== null
				? new PhosphateElectrode(couple.phosphate, spec.activeMassMg! / spec.areaCm2)
				: new OxygenElectrode(couple.oxygen!));
	}

	/** Holds the drive for so long and gives what stands at the terminals then. Throws USAGE for numbers that are none. */
	apply(drive: Drive, dtS: number): Terminal {
		const value = drive === "open" ? 0 : "currentA" in drive ? drive.currentA : drive.voltageV;
		if (!Number.isFinite(value) || !(dtS >= 0) || !Number.isFinite(dtS))
			throw new AdlayerError("USAGE", `A cell cannot be driven by ${JSON.stringify(drive)} for ${dtS} s.`);
		const { wander, wanderS } = this.options.constants.scatter;
		const keep = Math.exp(-dtS / wanderS);
		this.wander = this.wander * keep + wander * Math.sqrt(1 - keep * keep) * this.prng.normal();
		let leftS = dtS;
		for (let steps = 0; leftS > 0; steps += 1) {
			if (steps > STEPS_MAX) throw new AdlayerError("USAGE", `${dtS} s are too long for one step of a cell.`);
			this.solve(drive);
			const stepS = Math.min(leftS, this.stepS(drive));
			this.advance(stepS);
			leftS = leftS - stepS < 1e-9 * dtS ? 0 : leftS - stepS;
		}
		return this.solve(drive);
	}

	truth(): CellTruth {
		return {
			hours: this.hours,
			throughputAh: this.throughputAh,
			events: [...this.events],
			halfCycles: this.halves,
			liveMAhPerCm2: { working: this.working?.liveMAhPerCm2 ?? null, counter: this.counter.liveMAhPerCm2 },
			deadMAhPerCm2: { working: this.working?.deadMAhPerCm2 ?? null, counter: this.counter.deadMAhPerCm2 },
			wetFraction: this.wet,
			bridge: this.bridgeOhmCm2 === null ? "none" : this.ageing.grown >= 1 ? "hard" : "micro",
		};
	}

	/** Resistances against those at the reference temperature and wetting. */
	private resistance(): number {
		const { meanC, swingK, periodH, activationJPerMol } = this.options.constants.ambient;
		const cellC = meanC + swingK * Math.sin((2 * Math.PI * this.hours) / periodH);
		const warm = (swingK * Math.sin((2 * Math.PI * this.hours) / periodH)) / kelvinFromCelsius(cellC);
		const arrhenius = Math.exp((-activationJPerMol * warm) / (GAS_CONSTANT_J_PER_MOL_K * kelvinFromCelsius(meanC)));
		return this.ohmFactor * arrhenius * (1 + this.wander);
	}

	private readonly conditions = { wet: 1, resistance: 1 };

	/** Voltage across the cell at a faradaic current density, without the bridge. */
	private across(j: number): number {
		const { positive, counter, couple, conditions } = this;
		positive.evaluate(j, conditions);
		counter.evaluate(-j, conditions);
		const ohmCm2 = (couple.electrolyteOhmCm2 * conditions.resistance) / conditions.wet;
		this.slope = positive.slope + counter.slope + ohmCm2 * 1e-3;
		return positive.potentialV - counter.potentialV + j * ohmCm2 * 1e-3 + this.diffusionV;
	}

	/** Finds the faradaic current for a drive in the present state. */
	private solve(drive: Drive): Terminal {
		const { areaCm2 } = this.options.spec;
		this.conditions.wet = this.wet;
		this.conditions.resistance = this.resistance();
		const bridge = this.bridgeOhmCm2;
		if (drive !== "open" && "voltageV" in drive) {
			const { voltageV } = drive;
			this.root(
				(j) => this.across(j) - voltageV,
				() => this.slope,
				SOLVED_V,
			);
			const leakMAPerCm2 = bridge === null ? 0 : (1_000 * voltageV) / bridge;
			return { voltageV, currentA: (this.jMAPerCm2 + leakMAPerCm2) * areaCm2 * 1e-3 };
		}
		const currentA = drive === "open" ? 0 : drive.currentA;
		const j = (1_000 * currentA) / areaCm2;
		if (bridge === null) {
			this.jMAPerCm2 = j;
			const voltageV = this.across(j);
			return { voltageV: Math.max(-SOLVENT_V, Math.min(SOLVENT_V, voltageV)), currentA };
		}
		const perVolt = 1_000 / bridge;
		this.root(
			(part) => part + this.across(part) * perVolt - j,
			() => 1 + this.slope * perVolt,
			SOLVED_MA_PER_CM2,
		);
		return { voltageV: (j - this.jMAPerCm2) / perVolt, currentA };
	}

	/** Newton's way within a bracket, for a rising function of the faradaic current. */
	private root(error: (j: number) => number, slope: () => number, tolerance: number): void {
		let low = Number.NEGATIVE_INFINITY;
		let high = Number.POSITIVE_INFINITY;
		let j = this.jMAPerCm2;
		for (let step = 0; step < SOLVER_STEPS_MAX; step += 1) {
			const e = error(j);
			if (Math.abs(e) <= tolerance) break;
			if (e > 0) high = j;
			else low = j;
			let next = j - e / slope();
			if (!(next > low && next < high))
				next = Number.isFinite(low) && Number.isFinite(high) ? (low + high) / 2 : j - Math.sign(e) * (1 + Math.abs(j));
			if (next === j) break;
			j = next;
		}
		this.jMAPerCm2 = j;
	}

	private stepS(drive: Drive): number {
		const j = this.jMAPerCm2;
		if (j === 0) return REST_STEP_S_MAX;
		const charge = Math.min(
			this.positive.stepMAhPerCm2(j > 0),
			this.counter.stepMAhPerCm2(j < 0),
			// A bridge that forms or burns is met to a hundredth of a usual half-cycle.
			this.bridgeOhmCm2 === null ? Number.POSITIVE_INFINITY : Math.max(0.01, this.microLeftMAhPerCm2),
		);
		const stepS = (charge / Math.abs(j)) * SECONDS_PER_HOUR;
		const isHeld = drive !== "open" && "voltageV" in drive;
		return isHeld || this.bridgeOhmCm2 !== null ? Math.min(stepS, STEP_S_MAX) : stepS;
	}

	/** Lets the present faradaic current flow. */
	private advance(stepS: number): void {
		const { couple, ageing, working, counter } = this;
		const j = this.jMAPerCm2;
		const hours = stepS / SECONDS_PER_HOUR;
		const charge = j * hours;
		const size = Math.abs(j);
		if (j !== 0) {
			const dead = ageing.deadShare(size);
			counter.deadShare = dead;
			if (working !== null) working.deadShare = dead;
			this.positive.pass(charge, this.wet);
			counter.pass(-charge);
			const grown = ageing.growthOhmCm2(size, Math.abs(charge));
			counter.grownOhmCm2 += grown;
			if (working !== null) working.grownOhmCm2 += grown;
		}
		const { hours: beforeH } = this;
		this.hours += hours;
		const keep = Math.exp(-stepS / couple.diffusionS);
		this.diffusionV = this.diffusionV * keep + j * couple.diffusionOhmCm2 * 1e-3 * (1 - keep);
		this.count(j, hours, beforeH);
		const hadWorn = ageing.worn >= 1;
		const wasBridged = ageing.grown >= 1;
		ageing.pass(size, hours);
		this.dry(j === 0 ? 0 : hours, hadWorn);
		this.bridge(Math.abs(charge), wasBridged);
		this.noticeUsedUp(j);
	}

	private count(j: number, hours: number, beforeH: number): void {
		const chargeAh = Math.abs(j) * hours * this.options.spec.areaCm2 * 1e-3;
		this.throughputAh += chargeAh;
		const sign = Math.sign(j);
		if (sign === 0 || chargeAh === 0) return;
		const { half } = this;
		if (sign !== half.sign) {
			if (half.sign !== 0) {
				const { startH, chargeAh: total } = half;
				this.halves.push({ direction: half.sign > 0 ? "charge" : "discharge", startH, chargeAh: total });
			}
			this.half = { sign, startH: beforeH, chargeAh: 0 };
		}
		this.half.chargeAh += chargeAh;
	}

	private dry(hours: number, hadWorn: boolean): void {
		if (this.ageing.worn < 1) return;
		const { drying } = this.couple;
		if (!hadWorn) {
			this.happened(this.couple.oxygen === null ? "electrolyte-used-up" : "film-worn-through");
			if (this.positive instanceof OxygenElectrode) this.positive.wornThrough();
		}
		this.wet = Math.max(drying.wetFractionMin, this.wet * Math.exp(-hours / drying.efoldH));
	}

	private bridge(charge: number, wasBridged: boolean): void {
		const { ageing } = this;
		if (this.microLeftMAhPerCm2 > 0) {
			this.microLeftMAhPerCm2 -= charge;
			if (this.microLeftMAhPerCm2 <= 0) this.bridgeOhmCm2 = null;
		}
		if (ageing.grown >= 1) {
			if (!wasBridged) {
				this.happened("bridged");
				this.microLeftMAhPerCm2 = 0;
			}
			this.bridgeOhmCm2 = this.couple.bridgeOhmCm2;
			return;
		}
		const micro = ageing.takeMicroBridge();
		if (micro === undefined || this.jMAPerCm2 === 0) return;
		// Beside the cell's own resistance: that the voltage falls by the drop.
		const ownOhmCm2 = Math.abs((this.across(this.jMAPerCm2) / this.jMAPerCm2) * 1_000);
		this.bridgeOhmCm2 = (ownOhmCm2 * (1 - micro.drop)) / micro.drop;
		this.microLeftMAhPerCm2 = micro.lastsMAhPerCm2;
		this.happened("micro-bridged");
	}

	private noticeUsedUp(j: number): void {
		if (this.isUsedUp || j === 0) return;
		const stripped = j > 0 ? this.working : this.counter;
		if (stripped === null || stripped.coverage > USED_UP_COVERAGE) return;
		this.isUsedUp = true;
		this.happened("metal-used-up");
	}

	private happened(kind: CellEventKind): void {
		this.events.push({ kind, atH: this.hours, halfCycle: this.halves.length });
	}
}

/** The data that a cell needs; throws TWIN_FILE_INVALID or USAGE with every problem at once. */
function resolve(constants: CellConstants, spec: CellSpec) {
	const problems: string[] = [];
	const positive = (name: string, value: number | undefined) => {
		if (value === undefined || !(value > 0) || !Number.isFinite(value))
			problems.push(`${name} is ${value}; it must be above 0.`);
	};
	const couple = constants.couples[spec.couple];
	const finish = couple?.finishes[spec.finish];
	if (couple === undefined) problems.push(`There is no data for the couple ${spec.couple}.`);
	else if (finish === undefined) problems.push(`There is no data for ${spec.finish} in ${spec.couple}.`);
	positive("foilUm", spec.foilUm);
	positive("areaCm2", spec.areaCm2);
	if (spec.couple === "Li-LFP") positive("activeMassMg", spec.activeMassMg);
	const isBare = spec.finish === "bare";
	if (isBare && (spec.coatingCycles ?? spec.thicknessNm ?? 0) !== 0) problems.push("Bare foil has no coating cycles.");
	if (!isBare) positive("thicknessNm or coatingCycles", spec.thicknessNm ?? spec.coatingCycles);
	if (problems.length > 0 || couple === undefined || finish === undefined)
		throw new AdlayerError("USAGE", problems.join(" "), {
			problems: problems.map((message) => ({ severity: "error" as const, code: "USAGE", message })),
		});
	const thicknessNm = isBare ? 0 : (spec.thicknessNm ?? spec.coatingCycles! * constants.growthNmPerCycle[spec.finish]!);
	return { couple, finish, thicknessNm };
}
