/** What simulated cells are made of: `recipes/twins/cells.twin.yaml` as types. Per cm2 of electrode; mA, mAh, Ω cm2. */
import type { Problem } from "#core/errors.js";
import { readTwinDocument } from "../document.js";
import { type Fields, FRACTION, NOT_NEGATIVE, POSITIVE, TEMPERATURE_C } from "../fields.js";

export const COUPLES = ["Li-Li", "Na-Na", "Li-O2", "Li-LFP"] as const;
export type Couple = (typeof COUPLES)[number];
export const FINISHES = ["bare", "Al2O3", "LiAlOx-in", "LiAlOx-ex", "NaAlOx"] as const;
export type Finish = (typeof FINISHES)[number];

/** Straight lines over the logarithm of the current density, level beyond the ends. Rising currents. */
export type CurrentTable = readonly { readonly atMAPerCm2: number; readonly value: number }[];

export interface FinishConstants {
	readonly referenceNm: number;
	readonly interphaseOhmCm2: number;
	readonly filmOhmCm2PerNm: number;
	/** Growth of each electrode's resistance, Ω cm2 per mAh/cm2 passed. */
	readonly growth: CurrentTable;
	/** Hours under current after which the electrolyte, or the protection of an anode, is used up. */
	readonly lifeH: CurrentTable;
	/** Charge that a dendrite needs to cross the separator, mAh/cm2 in both directions together. */
	readonly bridging: CurrentTable;
	/** Part of the plated metal that cannot be stripped again. */
	readonly deadShare: CurrentTable;
	/** Expected number of passing micro-shorts before the bridge. */
	readonly softShorts: number;
}

export interface PhosphateConstants {
	readonly capacityMAhPerG: number;
	readonly exchangeMAPerCm2: number;
	readonly contactOhmCm2: number;
	readonly particleLagH: number;
	readonly fadePerFullCycle: number;
}

export interface OxygenConstants {
	readonly equilibriumV: number;
	readonly dischargeExchangeMAPerCm2: number;
	readonly chargeExchangeMAPerCm2: number;
	readonly tafelV: number;
	readonly poresMAhPerCm2: number;
	readonly lastProductMAhPerCm2: number;
	readonly residueShare: number;
	readonly residueShareWorn: number;
	readonly residueOhmCm2PerMAhPerCm2: number;
}

export interface CoupleConstants {
	readonly metal: string;
	readonly electrolyteOhmCm2: number;
	readonly diffusionOhmCm2: number;
	readonly diffusionS: number;
	readonly exchangeMAPerCm2: number;
	readonly activation: { readonly share: number; readonly mAhPerCm2: number };
	readonly nucleation: { readonly volt: number; readonly mAhPerCm2: number };
	readonly lastMetalMAhPerCm2: number;
	readonly drying: { readonly efoldH: number; readonly wetFractionMin: number; readonly wearAtRest: number };
	readonly bridgeOhmCm2: number;
	readonly finishes: Readonly<Partial<Record<Finish, FinishConstants>>>;
	readonly phosphate: PhosphateConstants | null;
	readonly oxygen: OxygenConstants | null;
}

export interface CellConstants {
	readonly title: string;
	readonly ambient: {
		readonly meanC: number;
		readonly swingK: number;
		readonly periodH: number;
		readonly activationJPerMol: number;
	};
	readonly scatter: {
		readonly life: number;
		readonly resistance: number;
		readonly wander: number;
		readonly wanderS: number;
	};
	/** mAh/cm3 of metal. */
	readonly metals: Readonly<Record<string, number>>;
	readonly growthNmPerCycle: Readonly<Partial<Record<Finish, number>>>;
	readonly protectionNm: number;
	readonly couples: Readonly<Partial<Record<Couple, CoupleConstants>>>;
}

/** Reads `cells.twin.yaml`. Throws TWIN_FILE_INVALID with every problem at once; `fileName` is for messages only. */
export const parseCellConstants = (text: string, fileName: string): CellConstants =>
	readTwinDocument(text, fileName, readCells);

function readCells(root: Fields, problems: Problem[]): CellConstants {
	root.text("adlayer", ["cells/1"]);
	const cells: CellConstants = {
		title: root.text("title"),
		ambient: root.section("ambient", (ambient) => {
			ambient.text("source");
			return {
				meanC: ambient.number("mean_degC", TEMPERATURE_C),
				swingK: ambient.number("swing_K", { min: 0, max: 20 }),
				periodH: ambient.number("period_h", POSITIVE),
				activationJPerMol: 1_000 * ambient.number("activation_kJ_per_mol", NOT_NEGATIVE),
			};
		}),
		scatter: root.section("scatter", (scatter) => {
			scatter.text("source");
			return {
				life: scatter.number("life", FRACTION),
				resistance: scatter.number("resistance", FRACTION),
				wander: scatter.number("wander", { min: 0, max: 0.1 }),
				wanderS: scatter.number("wander_s", POSITIVE),
			};
		}),
		metals: root.named("metals", (metal) => {
			metal.text("source");
			return metal.number("capacity_mAh_per_cm3", POSITIVE);
		}),
		growthNmPerCycle: root.section("growth_nm_per_cycle", (growth) =>
			Object.fromEntries(
				FINISHES.filter((finish) => finish !== "bare").map((finish) => [finish, growth.number(finish, POSITIVE)]),
			),
		),
		protectionNm: root.number("protection_nm", POSITIVE),
		couples: root.named("couples", readCouple),
	};
	root.refuseUnknown();
	for (const [name, couple] of Object.entries(cells.couples)) {
		const path = `couples.${name}`;
		if (!COUPLES.includes(name as Couple)) root.problem(path, name, `must be one of ${COUPLES.join(", ")}`);
		if (problems.length > 0) continue;
		if (!Object.hasOwn(cells.metals, couple.metal))
			root.problem(`${path}.metal`, couple.metal, "must be the name of a metal under metals");
		if ((name === "Li-LFP") !== (couple.phosphate !== null))
			root.problem(`${path}.phosphate`, undefined, "belongs to Li-LFP, and only there");
		if ((name === "Li-O2") !== (couple.oxygen !== null))
			root.problem(`${path}.oxygen`, undefined, "belongs to Li-O2, and only there");
		if (couple.finishes.bare === undefined)
			root.problem(`${path}.finishes.bare`, undefined, "must be there: coatings are measured against it");
		for (const finish of Object.keys(couple.finishes))
			if (!FINISHES.includes(finish as Finish))
				root.problem(`${path}.finishes.${finish}`, finish, `must be one of ${FINISHES.join(", ")}`);
	}
	return cells;
}

function readCouple(couple: Fields): CoupleConstants {
	couple.text("source");
	return {
		metal: couple.text("metal"),
		electrolyteOhmCm2: couple.number("electrolyte_ohm_cm2", POSITIVE),
		diffusionOhmCm2: couple.number("diffusion_ohm_cm2", NOT_NEGATIVE),
		diffusionS: couple.number("diffusion_s", POSITIVE),
		exchangeMAPerCm2: couple.number("exchange_mA_per_cm2", POSITIVE),
		activation: couple.section("activation", (activation) => ({
			share: activation.number("share", NOT_NEGATIVE),
			mAhPerCm2: activation.number("mAh_per_cm2", POSITIVE),
		})),
		nucleation: couple.section("nucleation", (nucleation) => ({
			volt: nucleation.number("V", NOT_NEGATIVE),
			mAhPerCm2: nucleation.number("mAh_per_cm2", POSITIVE),
		})),
		lastMetalMAhPerCm2: couple.number("last_metal_mAh_per_cm2", POSITIVE),
		drying: couple.section("drying", (drying) => ({
			efoldH: drying.number("efold_h", POSITIVE),
			wetFractionMin: drying.number("wet_fraction_min", { above: 0, max: 1 }),
			wearAtRest: drying.number("wear_at_rest", FRACTION),
		})),
		bridgeOhmCm2: couple.number("bridge_ohm_cm2", POSITIVE),
		finishes: couple.named("finishes", readFinish),
		phosphate: couple.has("phosphate") ? couple.section("phosphate", readPhosphate) : null,
		oxygen: couple.has("oxygen") ? couple.section("oxygen", readOxygen) : null,
	};
}

function readFinish(finish: Fields): FinishConstants {
	const table = (key: string, range: { above?: number; min?: number; max?: number }): CurrentTable =>
		finish.list(key, (point) => ({
			atMAPerCm2: point.number("at_mA_per_cm2", POSITIVE),
			value: point.number("value", range),
		}));
	const found: FinishConstants = {
		referenceNm: finish.number("reference_nm", NOT_NEGATIVE),
		interphaseOhmCm2: finish.number("interphase_ohm_cm2", POSITIVE),
		filmOhmCm2PerNm: finish.number("film_ohm_cm2_per_nm", NOT_NEGATIVE),
		growth: table("growth_ohm_cm2_per_mAh_per_cm2", POSITIVE),
		lifeH: table("life_h", POSITIVE),
		bridging: table("bridging_mAh_per_cm2", POSITIVE),
		deadShare: table("dead_share", { above: 0, max: 1 }),
		softShorts: finish.number("soft_shorts", NOT_NEGATIVE),
	};
	for (const key of ["growth", "lifeH", "bridging", "deadShare"] as const) {
		const points = found[key];
		if (points.length === 0) finish.refuse(TABLE_KEYS[key], points, "must have at least one point");
		if (points.some(({ atMAPerCm2 }, n) => n > 0 && atMAPerCm2 <= points[n - 1]!.atMAPerCm2))
			finish.refuse(TABLE_KEYS[key], points, "must have rising currents");
	}
	return found;
}

const TABLE_KEYS = {
	growth: "growth_ohm_cm2_per_mAh_per_cm2",
	lifeH: "life_h",
	bridging: "bridging_mAh_per_cm2",
	deadShare: "dead_share",
} as const;

function readPhosphate(phosphate: Fields): PhosphateConstants {
	return {
		capacityMAhPerG: phosphate.number("capacity_mAh_per_g", POSITIVE),
		exchangeMAPerCm2: phosphate.number("exchange_mA_per_cm2", POSITIVE),
		contactOhmCm2: phosphate.number("contact_ohm_cm2", NOT_NEGATIVE),
		particleLagH: phosphate.number("particle_lag_h", { above: 0, max: 1 }),
		fadePerFullCycle: phosphate.number("fade_per_full_cycle", FRACTION),
	};
}

function readOxygen(oxygen: Fields): OxygenConstants {
	return {
		equilibriumV: oxygen.number("equilibrium_V", POSITIVE),
		dischargeExchangeMAPerCm2: oxygen.number("discharge_exchange_mA_per_cm2", POSITIVE),
		chargeExchangeMAPerCm2: oxygen.number("charge_exchange_mA_per_cm2", POSITIVE),
		tafelV: oxygen.number("tafel_V", POSITIVE),
		poresMAhPerCm2: oxygen.number("pores_mAh_per_cm2", POSITIVE),
		lastProductMAhPerCm2: oxygen.number("last_product_mAh_per_cm2", POSITIVE),
		residueShare: oxygen.number("residue_share", FRACTION),
		residueShareWorn: oxygen.number("residue_share_worn", FRACTION),
		residueOhmCm2PerMAhPerCm2: oxygen.number("residue_ohm_cm2_per_mAh_per_cm2", NOT_NEGATIVE),
	};
}
