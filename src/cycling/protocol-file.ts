/** The shape of a protocol file once its schema holds. Units are those of the keys; positive current charges. */
export interface ProtocolFile {
	readonly adlayer: "protocol/1";
	readonly name: string;
	readonly title: string;
	readonly version: string;
	readonly description?: string;
	/** A symmetric cell's voltage goes to both sides of 0; its positive current strips the working (coated) electrode. */
	readonly cell: "symmetric" | "full";
	/** mAh per g of active mass that 1 C empties in an hour; needed where rates are used. */
	readonly rate_mAh_per_g?: number;
	readonly window: { readonly min_V: number; readonly max_V: number };
	readonly limits: ProtocolLimits;
	readonly record_s: number;
	readonly steps: readonly ProtocolStep[];
}

/** Beyond these the test ends, whatever its step says. */
export interface ProtocolLimits extends Current, Capacity {
	/** Of the whole test. */
	readonly hours: number;
}

/** Exactly one is present. */
export interface Current {
	readonly current_A?: number;
	readonly current_mA_per_cm2?: number;
	readonly rate_C?: number;
}

/** Exactly one is present. */
export interface Capacity {
	readonly capacity_Ah?: number;
	readonly capacity_mAh_per_cm2?: number;
	readonly capacity_mAh_per_g?: number;
}

export interface Until extends Current, Capacity {
	readonly time_s?: number;
	readonly voltage_V?: number;
}

/** Exactly one of the actions is present. */
export interface ProtocolStep {
	readonly title?: string;
	readonly rest?: { readonly for_s: number };
	readonly constant_current?: Current & { readonly until: Until };
	readonly constant_voltage?: Current & {
		readonly voltage_V: number;
		readonly direction: "charge" | "discharge";
		readonly until: Until;
	};
	readonly repeat?: { readonly times: number; readonly steps: readonly ProtocolStep[] };
}

export const PROTOCOL_ACTIONS = ["rest", "constant_current", "constant_voltage", "repeat"] as const;
export const CURRENT_KEYS = ["current_A", "current_mA_per_cm2", "rate_C"] as const;
export const CAPACITY_KEYS = ["capacity_Ah", "capacity_mAh_per_cm2", "capacity_mAh_per_g"] as const;
