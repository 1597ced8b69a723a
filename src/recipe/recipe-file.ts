/** The shape of a recipe file once its schema holds and parameters are filled in. Units are those of the keys. */
import type { OverrideCode } from "#recipe/rule-codes.js";
import type { SampleSuffix } from "#recipe/sample-name.js";

export interface RecipeFile {
	readonly adlayer: "recipe/1";
	readonly name: string;
	readonly title: string;
	readonly version: string;
	readonly description?: string;
	readonly material: string;
	readonly product: { readonly film: string; readonly suffix: SampleSuffix };
	readonly parameters?: Readonly<Record<string, ParameterEntry>>;
	readonly overrides?: readonly { readonly code: OverrideCode; readonly reason: string }[];
	readonly foil_never_above_degC?: number;
	readonly hold_degC?: number;
	readonly max_pause_s?: number;
	readonly steps: readonly (StepEntry | PhaseEntry)[];
}

export interface ParameterEntry {
	readonly title: string;
	readonly unit: string;
	readonly min: number;
	readonly max: number;
	readonly default: number;
	readonly integer?: boolean;
}

export interface PhaseEntry {
	readonly phase: string;
	readonly steps: readonly StepEntry[];
}

/** Exactly one of the actions is present. */
export interface StepEntry {
	readonly title?: string;
	readonly flow?: { readonly sccm: number };
	readonly pump_down?: { readonly below_torr: number; readonly timeout_s: number };
	readonly heat?: Readonly<Record<string, { readonly to_degC: number; readonly ramp_degC_per_min: number }>>;
	readonly stabilise?: {
		readonly zones: readonly string[];
		readonly within_degC: number;
		readonly for_s: number;
		readonly timeout_s: number;
	};
	readonly repeat?: { readonly times: number; readonly steps: readonly StepEntry[] };
	readonly pulse?: { readonly precursor: string; readonly ms: number };
	readonly purge?: { readonly for_s: number };
	readonly wait?: { readonly for_s: number };
	readonly anneal?: {
		readonly zone: string;
		readonly at_degC: number;
		readonly within_degC: number;
		readonly for_s: number;
		readonly ramp_degC_per_min: number;
		readonly approach_last_degC: number;
		readonly approach_degC_per_min: number;
		readonly never_above_degC: number;
		readonly timeout_s: number;
	};
	readonly cool?: { readonly zone: string; readonly below_degC: number; readonly timeout_s: number };
}

export const STEP_ACTIONS = [
	"flow",
	"pump_down",
	"heat",
	"stabilise",
	"repeat",
	"pulse",
	"purge",
	"wait",
	"anneal",
	"cool",
] as const satisfies readonly (keyof StepEntry)[];
