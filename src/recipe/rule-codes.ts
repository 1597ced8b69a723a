/**
 * The codes of a recipe's problems and acknowledgements. docs/recipe-reference.md has an entry for each; a test keeps the
 * two equal. `error` refuses the recipe; `warning` is said; `acknowledge` must be acknowledged by whoever launches.
 */
export type RuleEffect = "error" | "warning" | "acknowledge";

export const RULE_CODES = {
	// the file
	YAML_INVALID: "error",
	YAML_ALIAS: "error",
	YAML_TAG: "error",
	FILE_TOO_LARGE: "error",
	KEY_UNKNOWN: "error",
	KEY_MISSING: "error",
	VALUE_TYPE: "error",
	VALUE_NOT_ALLOWED: "error",
	VALUE_OUT_OF_RANGE: "error",
	STEP_ACTION: "error",

	// parameters
	PARAMETER_UNKNOWN: "error",
	PARAMETER_NOT_A_NUMBER: "error",
	PARAMETER_NOT_AN_INTEGER: "error",
	PARAMETER_OUT_OF_RANGE: "error",
	PARAMETER_RANGE_EMPTY: "error",
	PARAMETER_UNUSED: "warning",

	// names
	MATERIAL_UNKNOWN: "error",
	FILM_UNKNOWN: "error",
	ZONE_UNKNOWN: "error",
	PRECURSOR_UNKNOWN: "error",
	SIGNAL_UNKNOWN: "error",
	UNIT_MISMATCH: "error",
	LAB_FACT_MISSING: "error",

	// the product
	PLAN_TOO_LONG: "error",
	PRODUCT_WITHOUT_CYCLES: "error",
	PRODUCT_ROUTE: "error",
	PRODUCT_METAL: "error",
	PRODUCT_PRECURSORS: "error",
	PRODUCT_FILM: "error",
	CYCLE_TWICE: "error",
	CYCLE_UNCOUNTED: "error",
	DOSE_OUTSIDE_CYCLE: "warning",
	GROWTH_NOT_MEASURED: "warning",

	// gas and vacuum
	FLOW_OUT_OF_RANGE: "error",
	PUMP_DOWN_WITH_FLOW: "error",
	PUMP_DOWN_TOO_HIGH: "error",

	// doses
	DOSE_BEFORE_PUMP_DOWN: "error",
	DOSE_WITHOUT_FLOW: "error",
	DOSE_FLOW_NOT_MEASURED: "error",
	WORKING_PRESSURE_UNKNOWN: "warning",
	DOSE_BEFORE_STABILISE: "error",
	PULSE_TOO_SHORT: "error",
	PULSE_TOO_LONG: "error",
	PURGE_MISSING: "error",
	PURGE_WITHOUT_PULSE: "error",
	PURGE_TOO_SHORT: "error",
	PURGE_COLDER_THAN_TABLE: "error",
	H2O_ABOVE_MELTING: "error",
	H2O_NEAR_MELTING: "acknowledge",

	// people and the open chamber
	CONTINUE_NOT_HARMLESS: "error",
	PROMPT_ID_TWICE: "error",
	LID_NOT_READY: "error",
	LEAK_CHECK_BEFORE_PUMP_DOWN: "error",
	BACKFILL_HOT: "error",

	// heat
	SETPOINT_OUT_OF_RANGE: "error",
	SETPOINT_ABOVE_ZONE_LIMIT: "error",
	RAMP_TOO_FAST: "error",
	STABILISE_WITHOUT_SETPOINT: "error",
	HEATING_ORDER: "error",
	COOL_UNREACHABLE: "error",
	HEATERS_LEFT_ON: "error",
	TIMEOUT_TOO_SHORT: "error",

	// the foil
	CEILING_MISSING: "error",
	CEILING_BELOW_SETPOINT: "error",
	CEILING_ABOVE_ZONE_LIMIT: "error",
	CEILING_ABOVE_MELTING: "error",
	FOIL_ABOVE_MELTING: "error",
	ANNEAL_ZONE: "error",
	ANNEAL_ABOVE_MELTING: "acknowledge",
	MELTING_NOT_EXCLUDED: "acknowledge",
	N2_ABOVE_160C: "acknowledge",

	// overrides
	OVERRIDE_UNUSED: "warning",
} as const satisfies Record<string, RuleEffect>;

export type RuleCode = keyof typeof RULE_CODES;

/** What a recipe can declare on purpose, each with a reason. Without the declaration the same thing is refused. */
export const OVERRIDE_CODES = ["PURGE_COLDER_THAN_TABLE", "H2O_NEAR_MELTING", "ANNEAL_ABOVE_MELTING"] as const;
export type OverrideCode = (typeof OVERRIDE_CODES)[number];
