/** What wears and runs out, as control counts it. */
export interface MaintenanceStatus {
	/** Unix ms of the first count. */
	readonly since: number;
	/** Lifetime of the dosing valves, by precursor. */
	readonly valves: Readonly<Record<string, { readonly pulses: number; readonly pulsesMax: number | null }>>;
	/** By precursor; `grams` and `leftG` are null until a change of the bottle was told. */
	readonly bottles: Readonly<Record<string, BottleStatus>>;
	/** Hours with the pump proven running, and with a heater giving power by zone. */
	readonly hours: { readonly pump: number; readonly heaters: Readonly<Record<string, number>> };
	readonly pumpHoursMax: number | null;
	/** Lowest pressure of the last pump-downs, oldest first. */
	readonly basePressures: readonly { readonly at: number; readonly run: string; readonly pa: number }[];
	readonly warnings: readonly MaintenanceWarning[];
}

export interface BottleStatus {
	readonly grams: number | null;
	/** Since the change, or since the first count. */
	readonly usedG: number;
	readonly leftG: number | null;
	readonly leftGMin: number | null;
	/** Unix ms. */
	readonly changedAt: number | null;
	readonly by: string | null;
}

export interface MaintenanceWarning {
	/** `valve.TMA`, `bottle.TMA`, `pump`, `base-pressure`. */
	readonly what: string;
	readonly message: string;
}
