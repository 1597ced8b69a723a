/** A recipe after expansion: a flat list of steps with every number filled in. The engine executes nothing else. */
import type { PlannedStep, RunPhase } from "#record/records.js";

interface StepBase extends PlannedStep {}

export interface FlowStep extends StepBase {
	readonly type: "flow";
	readonly sccm: number;
}
export interface PumpDownStep extends StepBase {
	readonly type: "pump-down";
	readonly belowPa: number;
	readonly timeoutS: number;
}
/** Starts the way to new temperatures and goes on at once; `stabilise` waits. */
export interface HeatStep extends StepBase {
	readonly type: "heat";
	readonly zones: readonly { readonly zone: string; readonly toC: number; readonly rampCPerMin: number }[];
}
export interface StabiliseStep extends StepBase {
	readonly type: "stabilise";
	/** Target per zone, as set by the last heat step. */
	readonly zones: readonly { readonly zone: string; readonly targetC: number }[];
	readonly bandC: number;
	readonly forS: number;
	readonly timeoutS: number;
}
export interface PulseStep extends StepBase {
	readonly type: "pulse";
	readonly precursor: string;
	readonly widthMs: number;
}
export interface PurgeStep extends StepBase {
	readonly type: "purge";
	/** The precursor dosed before. */
	readonly after: string;
	readonly seconds: number;
	/** True when a half-cycle ends with this step; `cycleEnds` when the whole cycle does. */
	readonly cycleEnds: boolean;
}
export interface WaitStep extends StepBase {
	readonly type: "wait";
	readonly seconds: number;
}
/** Waits until the zone is in band, then counts `forS` of time in band. */
export interface AnnealStep extends StepBase {
	readonly type: "anneal";
	readonly zone: string;
	readonly atC: number;
	readonly bandC: number;
	readonly rampCPerMin: number;
	/** The last degrees are approached at this rate, from `approachFromC` below the target. */
	readonly approachFromC: number;
	readonly approachCPerMin: number;
	readonly forS: number;
	readonly neverAboveC: number;
	readonly timeoutS: number;
}
/** Heaters off; ends when the zone is below. */
export interface CoolStep extends StepBase {
	readonly type: "cool";
	readonly zone: string;
	readonly belowC: number;
	readonly timeoutS: number;
}

export type Step =
	| FlowStep
	| PumpDownStep
	| HeatStep
	| StabiliseStep
	| PulseStep
	| PurgeStep
	| WaitStep
	| AnnealStep
	| CoolStep;

export interface Material {
	readonly name: string;
	/** Melting point of the metal in degC; null for a substrate that does not melt in range. */
	readonly meltingPointC: number | null;
	readonly source: string;
}

export interface Plan {
	readonly recipe: string;
	readonly recipeVersion: string;
	readonly sha256: string;
	readonly parameters: Readonly<Record<string, number | string>>;
	readonly material: Material;
	/** Sample-name rule `{metal}@{n}{film}[-ex|-in]`. */
	readonly product: string;
	readonly steps: readonly Step[];
	readonly cyclesOrdered: number;
	/** Highest temperature the foil may ever see in this run: the lowest never-above of its steps. */
	readonly neverAboveC: number | null;
	/** Zone temperature while held; null: the lower of the setpoint and 20 degC below the melting point. */
	readonly holdC: number | null;
	readonly maxPauseS: number;
	readonly phases: readonly RunPhase[];
	readonly totalS: number;
	readonly pulses: Readonly<Record<string, number>>;
	readonly tmaMg: number;
	readonly thicknessNm: number;
	/** Conditions that the person who launches must acknowledge by code. */
	readonly acknowledgements: readonly { readonly code: string; readonly reason: string }[];
	/** Purge time that must have passed after each precursor before the other may open, by precursor. */
	readonly purgeMinimumS: Readonly<Record<string, number>>;
}
