/** JSON Schema (draft-07) of a lab file. Nothing that safety depends on has a default. */
const name = { type: "string", pattern: "^[A-Za-z][A-Za-z0-9_]{0,31}$" };
/** The other words stand in the same place of an MQTT topic. */
const instrumentName = { ...name, not: { enum: ["run", "alarms", "online"] } };
const signal = { type: "string", pattern: "^[A-Za-z][A-Za-z0-9_]{0,31}\\.[A-Za-z][A-Za-z0-9_]{0,31}$" };
const celsius = { type: "number", minimum: -50, maximum: 1_200 };
const positive = { type: "number", exclusiveMinimum: 0 };

const strict = (properties: Record<string, object>, optional: readonly string[] = []) => ({
	type: "object",
	additionalProperties: false,
	required: Object.keys(properties).filter((key) => !optional.includes(key)),
	properties,
});

const instrument = strict({
	driver: { type: "string", minLength: 1 },
	address: { type: "string", minLength: 1 },
	poll_ms: { type: "integer", minimum: 20, maximum: 60_000 },
	stale_ms: { type: "integer", minimum: 100, maximum: 60_000 },
	settings: { type: "object" },
});

const zone = strict({
	instrument: name,
	heats_foil: { type: "boolean" },
	limit_degC: celsius,
	ramp_degC_per_min_max: positive,
	sensor: strict({
		offset_degC: { type: "number", minimum: -20, maximum: 20 },
		uncertainty_degC: positive,
		date: { type: "string", pattern: "^\\d{4}-\\d{2}-\\d{2}$" },
		author: { type: "string", minLength: 1 },
	}),
	prediction: strict({
		ambient_degC: celsius,
		cool_time_constant_s: positive,
		settle_s: { type: "number", minimum: 0 },
	}),
});

const precursor = strict(
	{
		output: signal,
		bottle_degC: celsius,
		line_zone: { anyOf: [name, { type: "null" }] },
		shortest_pulse_ms: positive,
		longest_pulse_ms: positive,
		mg_per_ms: positive,
		wired: { const: "normally-closed" },
		full_line: strict({ ms: positive, area_torr_s: positive, pulses_to_empty: { type: "integer", minimum: 1 } }),
	},
	["full_line"],
);

/** Exactly one of `valid_hours` and `not_required` is given. */
const leakCheck = strict(
	{
		mtorr_per_min_max: positive,
		valid_hours: positive,
		not_required: { type: "string", minLength: 1, maxLength: 500 },
	},
	["valid_hours", "not_required"],
);

const atmosphere = strict({ signal, ppm_max: positive });

export const LAB_FILE_SCHEMA = strict(
	{
		adlayer: { const: "lab/1" },
		station: name,
		title: { type: "string", minLength: 1 },
		simulation: strict({
			seed: { type: "integer", minimum: 0 },
			reactor: { type: "string" },
			foil: { type: "string" },
		}),
		instruments: { type: "object", minProperties: 1, propertyNames: instrumentName, additionalProperties: instrument },
		reactor: strict(
			{
				carrier: strict({
					instrument: name,
					gas: { type: "string", minLength: 1 },
					sccm_min: positive,
					sccm_max: positive,
					purge_sccm: positive,
				}),
				pressures: strict({ chamber: signal, foreline: signal }),
				zones: { type: "object", minProperties: 1, propertyNames: name, additionalProperties: zone },
				precursors: { type: "object", minProperties: 1, propertyNames: name, additionalProperties: precursor },
				stop_valve: strict({ output: signal, wired: { const: "normally-closed" } }),
				inputs: strict({ pump_running: signal, lid_closed: signal }),
				chamber_volume_l: positive,
				qcm: strict({ thickness: signal }),
				glovebox: strict({ o2: atmosphere, h2o: atmosphere }),
				limits: strict(
					{
						base_torr: positive,
						dose_torr_min: positive,
						dose_torr_max: positive,
						max_static_torr: positive,
						pump_time_constant_s: positive,
						leak_check: leakCheck,
					},
					["max_static_torr"],
				),
			},
			["chamber_volume_l", "glovebox", "qcm"],
		),
	},
	["simulation"],
);

/** A lab file's content once the schema holds. */
export interface LabFileContent {
	readonly station: string;
	readonly title: string;
	readonly simulation?: { readonly seed: number; readonly reactor: string; readonly foil: string };
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
		readonly inputs: { readonly pump_running: string; readonly lid_closed: string };
		readonly limits: {
			readonly base_torr: number;
			readonly dose_torr_min: number;
			readonly dose_torr_max: number;
			readonly max_static_torr?: number;
			readonly pump_time_constant_s: number;
			/** Either `valid_hours` or the reason for which none is required. */
			readonly leak_check: {
				readonly mtorr_per_min_max: number;
				readonly valid_hours?: number;
				readonly not_required?: string;
			};
		};
		readonly qcm?: { readonly thickness: string };
		readonly chamber_volume_l?: number;
		readonly glovebox?: Readonly<Record<"o2" | "h2o", { readonly signal: string; readonly ppm_max: number }>>;
	};
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
	readonly sensor: { readonly offset_degC: number; readonly uncertainty_degC: number };
	readonly prediction: {
		readonly ambient_degC: number;
		readonly cool_time_constant_s: number;
		readonly settle_s: number;
	};
}

export interface PrecursorEntry {
	readonly output: string;
	readonly bottle_degC: number;
	readonly line_zone: string | null;
	readonly shortest_pulse_ms: number;
	readonly longest_pulse_ms: number;
	readonly mg_per_ms: number;
	readonly full_line?: { readonly ms: number; readonly area_torr_s: number; readonly pulses_to_empty: number };
	readonly wired: "normally-closed";
}
