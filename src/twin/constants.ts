import type { Problem } from "#core/errors.js";
import { kelvinFromCelsius, pascalFromTorr } from "#core/units.js";
import { readTwinDocument } from "./document.js";
import { type Fields, FRACTION, NOT_NEGATIVE, POSITIVE, TEMPERATURE_C } from "./fields.js";

/** What a reactor's physics is made of, in SI and degC. Amounts of gas are pressures in the chamber at `gasK`. */
export interface TwinConstants {
	readonly title: string;
	readonly ambientC: number;
	readonly gasK: number;
	readonly heat: HeatConstants;
	readonly vacuum: VacuumConstants;
	/** By precursor, and so by valve. */
	readonly precursors: Readonly<Record<string, PrecursorConstants>>;
	readonly surface: SurfaceConstants;
	readonly foils: Readonly<Record<string, FoilConstants>>;
}

export interface HeatConstants {
	readonly zones: Readonly<Record<string, ZoneConstants>>;
	/** `share` of zone `to`'s own loss to ambient goes to zone `from` as well. */
	readonly couplings: readonly { readonly from: string; readonly to: string; readonly share: number }[];
	readonly foil: {
		readonly stageZone: string;
		readonly wallZone: string;
		readonly lagS: number;
		readonly wallShare: number;
	};
}

export interface ZoneConstants {
	readonly gainCPerPercent: number;
	readonly timeConstantS: number;
	readonly deadTimeS: number;
}

export interface VacuumConstants {
	readonly chamberM3: number;
	readonly forelineM3: number;
	readonly stopValveM3PerS: number;
	readonly pumpM3PerS: number;
	readonly pumpUltimatePa: number;
	readonly leakPaM3PerS: number;
	readonly stoppedPumpLeakM3PerS: number;
	readonly openLidM3PerS: number;
	readonly atmospherePa: number;
	readonly carrierLagS: number;
	readonly carrierSupplyPa: number;
	readonly wallWaterAfterAirPa: number;
}

/** The two half-reactions that the surface knows. */
export const REAGENTS = ["TMA", "H2O"] as const;
export type Reagent = (typeof REAGENTS)[number];

export interface PrecursorConstants {
	readonly reagent: Reagent;
	readonly molarMassGPerMol: number;
	readonly vapourPaAt25C: number;
	readonly vaporisationJPerMol: number;
	readonly bottleC: number;
	readonly bottleG: number;
	readonly headspaceM3: number;
	readonly headspaceRecoveryS: number;
	readonly valveM3PerS: number;
}

export interface SurfaceConstants {
	readonly saturationUptakePa: number;
	readonly tmaRatePerPaS: number;
	readonly h2oRatePerPaS: number;
	readonly meetingRatePerPaS: number;
	readonly overlapPa: number;
	readonly wallZone: string;
	readonly wallWaterAdsorptionPerS: number;
	readonly wallWaterDesorptionSAt58C: number;
	readonly wallWaterDesorptionJPerMol: number;
}

/** Straight lines between points of rising temperature, level beyond the ends. */
export type TemperatureTable = readonly { readonly atC: number; readonly nm: number }[];

export interface FoilConstants {
	/** degC; null for a substrate that does not melt in range. */
	readonly meltingC: number | null;
	readonly growthNmPerCycle: TemperatureTable;
	readonly interlayerNmPerCycle: TemperatureTable;
	readonly shielding: {
		readonly fromNm: number;
		readonly toNm: number;
		readonly factor: number;
		readonly belowC: number;
	} | null;
	readonly lithiation: {
		readonly perS: number;
		readonly atC: number;
		readonly activationJPerMol: number;
		readonly interlayerNmPerNm: number;
	} | null;
}

const M3_PER_LITRE = 1e-3;

/**
 * Reads a `*.twin.yaml`. Throws TWIN_FILE_INVALID with every problem at once, each with path, value, line and column.
 * `fileName` is for messages only.
 */
export const parseTwinConstants = (text: string, fileName: string): TwinConstants =>
	readTwinDocument(text, fileName, readTwin);

function readTwin(root: Fields, problems: Problem[]): TwinConstants {
	root.text("adlayer", ["twin/1"]);
	const twin: TwinConstants = {
		title: root.text("title"),
		ambientC: root.number("ambient_degC", TEMPERATURE_C),
		gasK: kelvinFromCelsius(root.number("gas_degC", TEMPERATURE_C)),
		heat: root.section("heat", readHeat),
		vacuum: root.section("vacuum", readVacuum),
		precursors: root.named("precursors", readPrecursor),
		surface: root.section("surface", readSurface),
		foils: root.named("foils", readFoil),
	};
	root.refuseUnknown();
	const zone = (name: string, path: string) => {
		if (!Object.hasOwn(twin.heat.zones, name)) root.problem(path, name, "must be the name of a zone under heat.zones");
	};
	if (problems.length === 0) {
		twin.heat.couplings.forEach(({ from, to }, index) => {
			zone(from, `heat.couplings[${index}].from`);
			zone(to, `heat.couplings[${index}].to`);
		});
		zone(twin.heat.foil.stageZone, "heat.foil.stage_zone");
		zone(twin.heat.foil.wallZone, "heat.foil.wall_zone");
		zone(twin.surface.wallZone, "surface.wall_zone");
	}
	return twin;
}

function readHeat(heat: Fields): HeatConstants {
	heat.text("source");
	return {
		zones: heat.named("zones", (zone) => ({
			gainCPerPercent: zone.number("gain_degC_per_percent", POSITIVE),
			// Steps of 1 s must stay small against every time constant.
			timeConstantS: zone.number("time_constant_s", { min: 10 }),
			deadTimeS: zone.number("dead_time_s", NOT_NEGATIVE),
		})),
		couplings: heat.list("couplings", (coupling) => ({
			from: coupling.text("from"),
			to: coupling.text("to"),
			share: coupling.number("share", FRACTION),
		})),
		foil: heat.section("foil", (foil) => ({
			stageZone: foil.text("stage_zone"),
			wallZone: foil.text("wall_zone"),
			lagS: foil.number("lag_s", { min: 5 }),
			wallShare: foil.number("wall_share", FRACTION),
		})),
	};
}

function readVacuum(vacuum: Fields): VacuumConstants {
	vacuum.text("source");
	const litres = (key: string) => vacuum.number(key, POSITIVE) * M3_PER_LITRE;
	return {
		chamberM3: litres("chamber_volume_L"),
		forelineM3: litres("foreline_volume_L"),
		stopValveM3PerS: litres("stop_valve_conductance_L_per_s"),
		pumpM3PerS: litres("pump_speed_L_per_s"),
		pumpUltimatePa: vacuum.number("pump_ultimate_Pa", NOT_NEGATIVE),
		leakPaM3PerS: vacuum.number("leak_Pa_L_per_s", NOT_NEGATIVE) * M3_PER_LITRE,
		stoppedPumpLeakM3PerS: litres("stopped_pump_leak_L_per_s"),
		openLidM3PerS: litres("open_lid_conductance_L_per_s"),
		atmospherePa: vacuum.number("atmosphere_Pa", POSITIVE),
		carrierLagS: vacuum.number("carrier_lag_s", POSITIVE),
		carrierSupplyPa: vacuum.number("carrier_supply_Pa", POSITIVE),
		wallWaterAfterAirPa: vacuum.number("wall_water_after_air_Pa", NOT_NEGATIVE),
	};
}

function readPrecursor(precursor: Fields): PrecursorConstants {
	precursor.text("source");
	return {
		reagent: precursor.text("reagent", REAGENTS) as Reagent,
		molarMassGPerMol: precursor.number("molar_mass_g_per_mol", POSITIVE),
		vapourPaAt25C: pascalFromTorr(precursor.number("vapour_Torr_at_25_degC", POSITIVE)),
		vaporisationJPerMol: precursor.number("vaporisation_kJ_per_mol", POSITIVE) * 1000,
		bottleC: precursor.number("bottle_degC", TEMPERATURE_C),
		bottleG: precursor.number("bottle_g", NOT_NEGATIVE),
		headspaceM3: precursor.number("headspace_L", POSITIVE) * M3_PER_LITRE,
		headspaceRecoveryS: precursor.number("headspace_recovery_s", POSITIVE),
		valveM3PerS: precursor.number("valve_conductance_L_per_s", POSITIVE) * M3_PER_LITRE,
	};
}

function readSurface(surface: Fields): SurfaceConstants {
	surface.text("source");
	return {
		saturationUptakePa: surface.number("saturation_uptake_Pa", POSITIVE),
		tmaRatePerPaS: surface.number("tma_rate_per_Pa_s", POSITIVE),
		h2oRatePerPaS: surface.number("h2o_rate_per_Pa_s", POSITIVE),
		meetingRatePerPaS: surface.number("meeting_rate_per_Pa_s", NOT_NEGATIVE),
		overlapPa: surface.number("overlap_Pa", POSITIVE),
		wallZone: surface.text("wall_zone"),
		wallWaterAdsorptionPerS: surface.number("wall_water_adsorption_per_s", NOT_NEGATIVE),
		wallWaterDesorptionSAt58C: surface.number("wall_water_desorption_s_at_58_degC", POSITIVE),
		wallWaterDesorptionJPerMol: surface.number("wall_water_desorption_kJ_per_mol", NOT_NEGATIVE) * 1000,
	};
}

function readFoil(foil: Fields): FoilConstants {
	foil.text("source");
	const table = (key: string): TemperatureTable => {
		const points = foil.list(key, (point) => ({
			atC: point.number("at_degC", TEMPERATURE_C),
			nm: point.number("nm", NOT_NEGATIVE),
		}));
		const rising = points.every((point, index) => index === 0 || point.atC > points[index - 1]!.atC);
		if (points.length === 0 || !rising) foil.refuse(key, points, "must be a list of points of rising temperature");
		return points;
	};
	return {
		meltingC: foil.numberOrNull("melting_degC", TEMPERATURE_C),
		growthNmPerCycle: table("growth_nm_per_cycle"),
		interlayerNmPerCycle: table("interlayer_nm_per_cycle"),
		shielding: foil.sectionOrNull("shielding", (shielding) => ({
			fromNm: shielding.number("from_nm", NOT_NEGATIVE),
			toNm: shielding.number("to_nm", POSITIVE),
			factor: shielding.number("factor", FRACTION),
			belowC: shielding.number("below_degC", TEMPERATURE_C),
		})),
		lithiation: foil.sectionOrNull("lithiation", (lithiation) => ({
			perS: lithiation.number("per_s", POSITIVE),
			atC: lithiation.number("at_degC", TEMPERATURE_C),
			activationJPerMol: lithiation.number("activation_kJ_per_mol", NOT_NEGATIVE) * 1000,
			interlayerNmPerNm: lithiation.number("interlayer_nm_per_nm", NOT_NEGATIVE),
		})),
	};
}
