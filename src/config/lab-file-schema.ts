/** JSON Schema (draft-07) of a lab file. Nothing that safety depends on has a default. */
import { ONE_LINE } from "#recipe/schema.js";

const name = { type: "string", pattern: "^[A-Za-z][A-Za-z0-9_]{0,31}$" };
/** The other words stand in the same place of an MQTT topic. */
const instrumentName = { ...name, not: { enum: ["run", "alarms", "online"] } };
const signal = { type: "string", pattern: "^[A-Za-z][A-Za-z0-9_]{0,31}\\.[A-Za-z][A-Za-z0-9_]{0,31}$" };
const celsius = { type: "number", minimum: -50, maximum: 1_200 };
/** Wider than any bench reactor needs: a number beyond is a slip of the pen, and a limit that bounds nothing. */
const between = (minimum: number, maximum: number) => ({ type: "number", minimum, maximum });
const sccm = between(0.01, 100_000);
const torr = between(1e-9, 2_000);
const pulseMs = between(1e-6, 600_000);
const ppm = between(1e-3, 1_000_000);
/** For people to read, in one line. */
const text = (maxLength = 200) => ({ type: "string", minLength: 1, maxLength, pattern: ONE_LINE });

const strict = (properties: Record<string, object>, optional: readonly string[] = []) => ({
	type: "object",
	additionalProperties: false,
	required: Object.keys(properties).filter((key) => !optional.includes(key)),
	properties,
});

/** Hardware that is absent: said, with the reason. */
const absent = strict({ none: text(500) });
/** What is there, as `present` says, or that it is absent. The presence of `none` decides which of the two is checked. */
const orNone = (present: object) => ({
	type: "object",
	if: { required: ["none"] },
	// biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
	then: absent,
	else: present,
});
const contact = strict({ signal, safe_level: { enum: [0, 1] }, broken_wire_level: { enum: [0, 1] } });

const instrument = strict({
	driver: text(),
	address: text(500),
	poll_ms: { type: "integer", minimum: 20, maximum: 60_000 },
	stale_ms: { type: "integer", minimum: 100, maximum: 60_000 },
	settings: { type: "object" },
});

/** Least and greatest. */
const bounds = (items: object) => ({ type: "array", items, minItems: 2, maxItems: 2 });

/** From a thermocouple wafer in the foil's place. */
const foil = strict({
	lag_s: bounds({ type: "number", minimum: 0, maximum: 3_600 }),
	offset_degC: bounds({ type: "number", minimum: -20, maximum: 20 }),
	date: { type: "string", pattern: "^\\d{4}-\\d{2}-\\d{2}$" },
	author: text(),
});

const zone = strict(
	{
		instrument: name,
		heats_foil: { type: "boolean" },
		limit_degC: celsius,
		ramp_degC_per_min_max: between(0.01, 1_000),
		sensor: strict({
			offset_degC: { type: "number", minimum: -20, maximum: 20 },
			uncertainty_degC: between(1e-3, 100),
			date: { type: "string", pattern: "^\\d{4}-\\d{2}-\\d{2}$" },
			author: text(),
		}),
		heater: strict({
			output: { anyOf: [signal, absent] },
			full_percent: { type: "number", exclusiveMinimum: 0, maximum: 100 },
			rise_degC: between(0.01, 200),
			within_s: { type: "number", minimum: 10, maximum: 1_800 },
			runaway_degC_per_min: between(0.01, 1_000),
			follow_degC: between(0.01, 500),
			follow_s: { type: "number", minimum: 1, maximum: 7_200 },
		}),
		prediction: strict({
			ambient_degC: celsius,
			cool_time_constant_s: between(0.1, 1_000_000),
			settle_s: between(0, 1_000_000),
		}),
		foil,
		model: text(1_000),
	},
	["foil", "model"],
);

const precursor = strict(
	{
		output: signal,
		bottle_degC: celsius,
		vapour: strict({
			torr,
			at_degC: celsius,
			vaporisation_kJ_per_mol: between(1, 500),
			source: text(500),
		}),
		line_zone: { anyOf: [name, { type: "null" }] },
		shortest_pulse_ms: pulseMs,
		longest_pulse_ms: pulseMs,
		mg_per_ms: between(1e-9, 10_000),
		wired: { const: "normally-closed" },
		full_line: strict({
			ms: pulseMs,
			area_torr_s: between(1e-9, 1_000_000),
			pulses_to_empty: { type: "integer", minimum: 1 },
		}),
	},
	["full_line"],
);

/** Exactly one of `valid_hours` and `not_required` is given. */
const leakCheck = strict(
	{
		mtorr_per_min_max: between(1e-6, 10_000),
		valid_hours: between(0.01, 8_784),
		not_required: text(500),
	},
	["valid_hours", "not_required"],
);

/** The chamber's pressure at carrier flows with a sound pump, measured. */
const workingPressure = strict({
	within_percent: { type: "number", minimum: 1, maximum: 50 },
	date: { type: "string", pattern: "^\\d{4}-\\d{2}-\\d{2}$" },
	author: text(),
	at: { type: "array", minItems: 1, maxItems: 50, items: strict({ sccm, torr }) },
});

/** When people are told to do something; absent: they are told nothing. */
const maintenance = strict(
	{
		valves: { type: "object", propertyNames: name, additionalProperties: strict({ pulses_max: between(1, 1e12) }) },
		bottles: {
			type: "object",
			propertyNames: name,
			additionalProperties: strict({ grams_left_min: between(1e-6, 1_000_000) }),
		},
		pump: strict({ hours_max: between(0.01, 10_000_000) }),
		base_pressure: strict({ torr_max: torr }),
	},
	["valves", "bottles", "pump", "base_pressure"],
);

export const LAB_FILE_SCHEMA = strict(
	{
		adlayer: { const: "lab/1" },
		station: name,
		title: text(),
		simulation: strict(
			{
				seed: { type: "integer", minimum: 0 },
				reactor: { type: "string" },
				foil: { type: "string" },
				cells: strict({
					twin: { type: "string" },
					in: {
						description: "The cell in a cycler's channel, by `instrument.channel`; channels without one stand empty.",
						type: "object",
						propertyNames: signal,
						additionalProperties: strict(
							{
								couple: { enum: ["Li-Li", "Na-Na", "Li-O2", "Li-LFP"] },
								finish: { enum: ["bare", "Al2O3", "LiAlOx-in", "LiAlOx-ex", "NaAlOx"] },
								coating_cycles: { type: "integer", minimum: 1, maximum: 10_000 },
								foil_um: between(0.01, 100_000),
								area_cm2: between(1e-4, 100_000),
								active_mass_mg: between(1e-6, 10_000_000),
							},
							["coating_cycles", "active_mass_mg"],
						),
					},
				}),
			},
			["cells"],
		),
		instruments: { type: "object", minProperties: 1, propertyNames: instrumentName, additionalProperties: instrument },
		reactor: strict(
			{
				carrier: strict({
					instrument: name,
					gas: text(40),
					sccm_min: sccm,
					sccm_max: sccm,
					purge_sccm: sccm,
				}),
				pressures: strict({ chamber: signal, foreline: signal }),
				zones: { type: "object", minProperties: 1, propertyNames: name, additionalProperties: zone },
				precursors: { type: "object", minProperties: 1, propertyNames: name, additionalProperties: precursor },
				stop_valve: strict({ output: signal, wired: { const: "normally-closed" } }),
				inputs: strict({
					pump_running: contact,
					lid_closed: contact,
					emergency_stop_released: orNone(contact),
					exhaust_flowing: orNone(contact),
					gas_cabinet_tight: orNone(contact),
					nitrogen_present: orNone(contact),
					air_present: orNone(contact),
				}),
				atmosphere: orNone(strict({ oxygen: signal, water: signal, oxygen_ppm_max: ppm, water_ppm_max: ppm })),
				limits: strict(
					{
						base_torr: torr,
						dose_torr_min: torr,
						dose_torr_max: torr,
						pressure_torr_max: torr,
						max_static_torr: torr,
						gauge_frozen_s: { type: "number", minimum: 1, maximum: 600 },
						pump_time_constant_s: between(1e-3, 36_000),
						leak_check: leakCheck,
						working_pressure: workingPressure,
					},
					["working_pressure"],
				),
				qcm: strict({ thickness: signal }),
				chamber_volume_l: between(1e-3, 100_000),
				suspension: strict({
					wait_s: { type: "number", minimum: 10, maximum: 7_200 },
					dwell_s: { type: "number", minimum: 2, maximum: 600 },
				}),
				manual: strict({
					idle_s: { type: "number", minimum: 10, maximum: 7_200 },
					purge_s: {
						type: "object",
						minProperties: 1,
						propertyNames: name,
						additionalProperties: between(1e-3, 86_400),
					},
				}),
			},
			["chamber_volume_l", "qcm", "suspension", "manual"],
		),
		maintenance,
	},
	["simulation", "maintenance"],
);

/** A lab file's content once the schema holds. */
export interface LabFileContent {
	readonly station: string;
	readonly title: string;
	readonly simulation?: {
		readonly seed: number;
		readonly reactor: string;
		readonly foil: string;
		readonly cells?: { readonly twin: string; readonly in: Readonly<Record<string, SimulatedCellEntry>> };
	};
	readonly maintenance?: {
		readonly valves?: Readonly<Record<string, { readonly pulses_max: number }>>;
		readonly bottles?: Readonly<Record<string, { readonly grams_left_min: number }>>;
		readonly pump?: { readonly hours_max: number };
		readonly base_pressure?: { readonly torr_max: number };
	};
	readonly instruments: Readonly<Record<string, InstrumentEntry>>;
	readonly reactor: {
		readonly carrier: {
			readonly instrument: string;
			readonly gas: string;
			readonly sccm_min: number;
			readonly sccm_max: number;
			readonly purge_sccm: number;
		};
		readonly pressures: { readonly chamber: string; readonly foreline: string };
		readonly zones: Readonly<Record<string, ZoneEntry>>;
		readonly precursors: Readonly<Record<string, PrecursorEntry>>;
		readonly stop_valve: { readonly output: string; readonly wired: "normally-closed" };
		readonly inputs: {
			readonly pump_running: ContactEntry;
			readonly lid_closed: ContactEntry;
			readonly emergency_stop_released: ContactEntry | Absent;
			readonly exhaust_flowing: ContactEntry | Absent;
			readonly gas_cabinet_tight: ContactEntry | Absent;
			readonly nitrogen_present: ContactEntry | Absent;
			readonly air_present: ContactEntry | Absent;
		};
		readonly atmosphere: AtmosphereEntry | Absent;
		readonly limits: {
			readonly base_torr: number;
			readonly dose_torr_min: number;
			readonly dose_torr_max: number;
			readonly pressure_torr_max: number;
			readonly max_static_torr: number;
			readonly gauge_frozen_s: number;
			readonly pump_time_constant_s: number;
			/** Either `valid_hours` or the reason for which none is required. */
			readonly leak_check: {
				readonly mtorr_per_min_max: number;
				readonly valid_hours?: number;
				readonly not_required?: string;
			};
			/** Absent: where the chamber stands before the first dose is compared with nothing. */
			readonly working_pressure?: {
				readonly within_percent: number;
				readonly date: string;
				readonly author: string;
				readonly at: readonly { readonly sccm: number; readonly torr: number }[];
			};
		};
		readonly qcm?: { readonly thickness: string };
		readonly chamber_volume_l?: number;
		/** Absent: nothing waits by itself. */
		readonly suspension?: { readonly wait_s: number; readonly dwell_s: number };
		/** Absent: nothing is moved by hand. */
		readonly manual?: { readonly idle_s: number; readonly purge_s: Readonly<Record<string, number>> };
	};
}

/** Hardware that is absent, and why. */
export interface Absent {
	readonly none: string;
}

export interface ContactEntry {
	readonly signal: string;
	readonly safe_level: 0 | 1;
	readonly broken_wire_level: 0 | 1;
}

export interface AtmosphereEntry {
	readonly oxygen: string;
	readonly water: string;
	readonly oxygen_ppm_max: number;
	readonly water_ppm_max: number;
}

export interface InstrumentEntry {
	readonly driver: string;
	readonly address: string;
	readonly poll_ms: number;
	readonly stale_ms: number;
	readonly settings: Readonly<Record<string, unknown>>;
}

export interface ZoneEntry {
	readonly instrument: string;
	readonly heats_foil: boolean;
	readonly limit_degC: number;
	readonly ramp_degC_per_min_max: number;
	readonly sensor: { readonly offset_degC: number; readonly uncertainty_degC: number; readonly date: string };
	readonly heater: {
		readonly output: string | Absent;
		readonly full_percent: number;
		readonly rise_degC: number;
		readonly within_s: number;
		readonly runaway_degC_per_min: number;
		readonly follow_degC: number;
		readonly follow_s: number;
	};
	readonly prediction: {
		readonly ambient_degC: number;
		readonly cool_time_constant_s: number;
		readonly settle_s: number;
	};
	readonly foil?: {
		readonly lag_s: readonly [number, number];
		readonly offset_degC: readonly [number, number];
		readonly date: string;
	};
	/** File of the zone's model, beside the lab file. */
	readonly model?: string;
}

export interface PrecursorEntry {
	readonly output: string;
	readonly bottle_degC: number;
	readonly vapour: { readonly torr: number; readonly at_degC: number; readonly vaporisation_kJ_per_mol: number };
	readonly line_zone: string | null;
	readonly shortest_pulse_ms: number;
	readonly longest_pulse_ms: number;
	readonly mg_per_ms: number;
	readonly full_line?: { readonly ms: number; readonly area_torr_s: number; readonly pulses_to_empty: number };
	readonly wired: "normally-closed";
}

/** A battery cell in a channel of a simulated cycler. */
export interface SimulatedCellEntry {
	readonly couple: "Li-Li" | "Na-Na" | "Li-O2" | "Li-LFP";
	readonly finish: "bare" | "Al2O3" | "LiAlOx-in" | "LiAlOx-ex" | "NaAlOx";
	/** ALD cycles of the coating. */
	readonly coating_cycles?: number;
	readonly foil_um: number;
	readonly area_cm2: number;
	/** Of LiFePO4. */
	readonly active_mass_mg?: number;
}
