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
	readonly product: ProductEntry;
	readonly parameters?: Readonly<Record<string, ParameterEntry>>;
	readonly overrides?: readonly { readonly code: OverrideCode; readonly reason: string }[];
	readonly foil_never_above_degC?: number;
	readonly hold_degC?: number;
	readonly max_pause_s?: number;
	readonly steps: readonly (StepEntry | PhaseEntry)[];
}

/** `none`: the recipe coats nothing. `films`: a stack, deposited by the repeats that name its films. */
export type ProductEntry =
	| "none"
	| { readonly film: string; readonly suffix: SampleSuffix }
	| { readonly films: readonly string[]; readonly suffix: SampleSuffix };

/** The films of a product in the recipe's order; undefined when it coats nothing or could not be understood. */
export function productFilms(product: ProductEntry | undefined): readonly string[] | undefined {
	if (product === undefined || product === "none") return undefined;
	if ("films" in product) return product.films;
	return product.film === undefined ? undefined : [product.film];
}

/** What happens when a time-out passes before the condition or the person's answer. */
export type OnTimeout = "hold" | "abort" | "continue";

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
	readonly repeat?: { readonly times: number; readonly film?: string; readonly steps: readonly StepEntry[] };
	readonly pulse?: { readonly precursor: string; readonly ms: number };
	readonly exposure?: { readonly precursor: string; readonly ms: number; readonly soak_s: number };
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
	readonly prompt?: {
		readonly id: string;
		readonly text: string;
		readonly confirm: string;
		readonly timeout_s: number;
		readonly on_timeout: OnTimeout;
		readonly lid?: "may_open";
	};
	readonly wait_until?: {
		readonly of: string;
		readonly is: "above" | "below";
		readonly value: number;
		readonly unit: string;
		readonly for_s: number;
		readonly timeout_s: number;
		readonly on_timeout: OnTimeout;
	};
	readonly leak_check?: { readonly settle_s: number; readonly for_s: number };
	readonly line_evacuate?: {
		readonly precursors: readonly string[];
		readonly ms: number;
		readonly purge_s: number;
		readonly below_percent: number;
		readonly pulses_max: number;
	};
	readonly backfill?: {
		readonly to_torr: number;
		readonly sccm: number;
		readonly foil_below_degC: number;
		readonly timeout_s: number;
	};
	readonly glovebox?: { readonly for_s: number; readonly timeout_s: number; readonly on_timeout: OnTimeout };
}

export const STEP_ACTIONS = [
	"flow",
	"pump_down",
	"heat",
	"stabilise",
	"repeat",
	"pulse",
	"exposure",
	"purge",
	"wait",
	"anneal",
	"cool",
	"prompt",
	"wait_until",
	"leak_check",
	"line_evacuate",
	"backfill",
	"glovebox",
] as const satisfies readonly (keyof StepEntry)[];
