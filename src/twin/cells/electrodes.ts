/**
 * Electrodes per cm2. Current densities in mA/cm2, positive = anodic (metal dissolves, lithium leaves); potentials against the
 * metal itself in V. `evaluate` leaves potential and its slope in `potentialV` and `slopeOhmCm2`; `pass` moves charge.
 */
import { GAS_CONSTANT_J_PER_MOL_K, kelvinFromCelsius } from "#core/units.js";
import type { CoupleConstants, OxygenConstants, PhosphateConstants } from "./constants.js";

/** C/mol, exact since 2019. */
const FARADAY_C_PER_MOL = 96_485.332_12;
/** 2RT/F at 25 °C: Butler–Volmer with both transfer coefficients 0.5 is an inverse hyperbolic sine. */
const BUTLER_VOLMER_V = (2 * GAS_CONSTANT_J_PER_MOL_K * kelvinFromCelsius(25)) / FARADAY_C_PER_MOL;
const EXPONENT_MAX = 40;
const COVERAGE_MIN = 1e-4;

export interface ElectrodeConditions {
	/** Part of the area that electrolyte wets. */
	readonly wet: number;
	/** Factor of resistances: temperature, wetting. */
	readonly resistance: number;
}

export interface Electrode {
	readonly potentialV: number;
	/** dV/dj in V per mA/cm2. */
	readonly slope: number;
	evaluate(jMAPerCm2: number, conditions: ElectrodeConditions): void;
	/** mAh/cm2, positive = anodic; through the wetted part of the area. */
	pass(chargeMAhPerCm2: number, wet: number): void;
	/** Charge that may pass until its state must be looked at again, mAh/cm2. */
	stepMAhPerCm2(isAnodic: boolean): number;
}

export interface MetalOptions {
	readonly couple: CoupleConstants;
	readonly metalMAhPerCm2: number;
	/** Interphase and film, Ω cm2. */
	readonly interphaseOhmCm2: number;
	readonly filmOhmCm2: number;
}

/** Lithium or sodium foil: Butler–Volmer, film and interphase in series, inventory with a part that dies. */
export class MetalElectrode implements Electrode {
	potentialV = 0;
	slope = 0;
	/** Can still be stripped. */
	liveMAhPerCm2: number;
	/** Plated once, out of contact now. */
	deadMAhPerCm2 = 0;
	/** Stripped beyond what was there: the electrolyte gave it. */
	decomposedMAhPerCm2 = 0;
	grownOhmCm2 = 0;
	deadShare = 0;
	private passedMAhPerCm2 = 0;
	private platedMAhPerCm2 = 0;

	constructor(private readonly options: MetalOptions) {
		this.liveMAhPerCm2 = options.metalMAhPerCm2;
	}

	/** Part of the area that still has metal. */
	get coverage(): number {
		return Math.max(1 - Math.exp(-this.liveMAhPerCm2 / this.options.couple.lastMetalMAhPerCm2), COVERAGE_MIN);
	}

	evaluate(j: number, { wet, resistance }: ElectrodeConditions): void {
		const { couple, interphaseOhmCm2, filmOhmCm2 } = this.options;
		const { activation, nucleation } = couple;
		const share = 1 / (wet * (j > 0 ? this.coverage : 1));
		const local = j * share;
		const fresh = 1 + activation.share * Math.exp(-this.passedMAhPerCm2 / activation.mAhPerCm2);
		const ohmCm2 = (interphaseOhmCm2 * fresh + filmOhmCm2 + this.grownOhmCm2) * resistance;
		const a = local / (2 * couple.exchangeMAPerCm2);
		this.potentialV = local * ohmCm2 * 1e-3 + BUTLER_VOLMER_V * Math.asinh(a);
		this.slope = share * (ohmCm2 * 1e-3 + BUTLER_VOLMER_V / (2 * couple.exchangeMAPerCm2 * Math.sqrt(1 + a * a)));
		if (j < 0) {
			// Nuclei must form before metal grows on them; with the current, so that there is none at rest.
			const nuclei = nucleation.volt * Math.exp(-this.platedMAhPerCm2 / nucleation.mAhPerCm2);
			const b = local / couple.exchangeMAPerCm2;
			const root = Math.sqrt(1 + b * b);
			this.potentialV += (nuclei * b) / root;
			this.slope += (nuclei * share) / (couple.exchangeMAPerCm2 * root ** 3);
		}
	}

	pass(charge: number): void {
		this.passedMAhPerCm2 += Math.abs(charge);
		if (charge > 0) {
			const taken = Math.min(charge, this.liveMAhPerCm2);
			this.liveMAhPerCm2 -= taken;
			this.decomposedMAhPerCm2 += charge - taken;
			this.platedMAhPerCm2 = 0;
		} else if (charge < 0) {
			this.liveMAhPerCm2 -= charge * (1 - this.deadShare);
			this.deadMAhPerCm2 -= charge * this.deadShare;
			this.platedMAhPerCm2 -= charge;
		}
	}

	stepMAhPerCm2(isAnodic: boolean): number {
		return isAnodic
			? Math.max(0.1 * this.liveMAhPerCm2, 0.02 * this.options.couple.lastMetalMAhPerCm2)
			: Number.POSITIVE_INFINITY;
	}
}

/** LiFePO4: two-phase plateau; the particles' surface runs ahead of their mean. */
export class PhosphateElectrode implements Electrode {
	potentialV = 0;
	slope = 0;
	/** Lithium in the wetted host, 0..1; assembled discharged. */
	filled: number;
	/** Capacity left, as part of the first. */
	health = 1;

	constructor(
		private readonly constants: PhosphateConstants,
		private readonly massMgPerCm2: number,
	) {
		this.filled = 0.985;
	}

	get capacityMAhPerCm2(): number {
		return this.constants.capacityMAhPerG * this.massMgPerCm2 * 1e-3 * this.health;
	}

	evaluate(j: number, { wet, resistance }: ElectrodeConditions): void {
		const { exchangeMAPerCm2, contactOhmCm2, particleLagH } = this.constants;
		const local = j / wet;
		const lead = particleLagH / this.capacityMAhPerCm2;
		const surface = this.filled - local * lead;
		const { voltV, slopeV } = phosphateOcv(surface);
		const a = local / (2 * exchangeMAPerCm2);
		const ohmCm2 = contactOhmCm2 * resistance;
		this.potentialV = voltV + local * ohmCm2 * 1e-3 + BUTLER_VOLMER_V * Math.asinh(a);
		this.slope =
			(-slopeV * lead + ohmCm2 * 1e-3 + BUTLER_VOLMER_V / (2 * exchangeMAPerCm2 * Math.sqrt(1 + a * a))) / wet;
	}

	/** Where electrolyte is gone the host keeps what it had. */
	pass(charge: number, wet: number): void {
		this.filled -= charge / (this.capacityMAhPerCm2 * wet);
		this.health *= Math.exp((-this.constants.fadePerFullCycle * Math.abs(charge)) / (2 * this.capacityMAhPerCm2 * wet));
	}

	stepMAhPerCm2(): number {
		const edge = Math.min(Math.abs(this.filled), Math.abs(1 - this.filled));
		return this.capacityMAhPerCm2 * Math.max(0.002, Math.min(0.05, 0.2 * edge));
	}
}

/** Open-circuit voltage of LiFePO4 against lithium (Afshar, Morris and Khajepour, arXiv:1709.03970), and dU/dx. */
export function phosphateOcv(filled: number): { voltV: number; slopeV: number } {
	const full = 0.9 * Math.exp(Math.min(-30 * (1 - filled), EXPONENT_MAX));
	const empty = 0.5 * Math.exp(Math.min(-150 * filled, EXPONENT_MAX));
	return { voltV: 3.4077 - 0.020269 * filled + empty - full, slopeV: -0.020269 - 150 * empty - 30 * full };
}

/** Air electrode: Li2O2 fills pores and must be decomposed; carbonate stays, covers the surface and takes the pores' room. */
export class OxygenElectrode implements Electrode {
	potentialV = 0;
	slope = 0;
	productMAhPerCm2 = 0;
	residueMAhPerCm2 = 0;
	residueShare: number;

	constructor(private readonly constants: OxygenConstants) {
		this.residueShare = constants.residueShare;
	}

	evaluate(j: number, { wet, resistance }: ElectrodeConditions): void {
		const c = this.constants;
		const isCharge = j > 0;
		// What there is to decompose, or room to put product.
		const room = isCharge ? this.productMAhPerCm2 : c.poresMAhPerCm2 - this.residueMAhPerCm2 - this.productMAhPerCm2;
		const cover = Math.max(1 - Math.exp(-Math.max(room, 0) / c.lastProductMAhPerCm2), COVERAGE_MIN);
		const share = 1 / (wet * cover);
		const local = j * share;
		const exchange = isCharge ? c.chargeExchangeMAPerCm2 : c.dischargeExchangeMAPerCm2;
		const a = local / (2 * exchange);
		const ohmCm2 = (isCharge ? this.residueMAhPerCm2 * c.residueOhmCm2PerMAhPerCm2 : 0) * resistance;
		this.potentialV = c.equilibriumV + 2 * c.tafelV * Math.asinh(a) + local * ohmCm2 * 1e-3;
		this.slope = share * ((2 * c.tafelV) / (2 * exchange * Math.sqrt(1 + a * a)) + ohmCm2 * 1e-3);
	}

	pass(charge: number): void {
		if (charge > 0) this.productMAhPerCm2 = Math.max(0, this.productMAhPerCm2 - charge);
		else {
			this.productMAhPerCm2 -= charge * (1 - this.residueShare);
			this.residueMAhPerCm2 -= charge * this.residueShare;
		}
	}

	/** The film on the anode is worn through. */
	wornThrough(): void {
		this.residueShare = this.constants.residueShareWorn;
	}

	stepMAhPerCm2(isAnodic: boolean): number {
		const c = this.constants;
		const room = isAnodic ? this.productMAhPerCm2 : c.poresMAhPerCm2 - this.residueMAhPerCm2 - this.productMAhPerCm2;
		return Math.max(0.1 * room, 0.05 * c.lastProductMAhPerCm2);
	}
}
