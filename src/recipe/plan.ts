/** A recipe after expansion: a flat list of steps with every number filled in. The engine executes nothing else. */
import type { OnTimeout } from "#recipe/recipe-file.js";
import type { PlannedStep, RunPhase } from "#record/records.js";

interface StepBase extends PlannedStep {
	/** Film that the cycle around this step deposits. */
	readonly film?: string;
}

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
interface DoseBase extends StepBase {
	readonly precursor: string;
	readonly widthMs: number;
	/** Purge that must have passed after it before another precursor opens, where its film asks for less than others of the plan. */
	readonly purgeMinimumS?: number;
}
export interface PulseStep extends DoseBase {
	readonly type: "pulse";
	/** The bottle's hand valve is shut: only what is left in the line comes. */
	readonly isFromShutBottle?: true;
}
/** A pulse into the shut chamber: carrier and stop valve shut, dose, soak, open. */
export interface ExposureStep extends DoseBase {
	readonly type: "exposure";
	readonly soakS: number;
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

/** Asks a person. */
export interface PromptStep extends StepBase {
	readonly type: "prompt";
	readonly id: string;
	readonly text: string;
	readonly confirm: string;
	readonly timeoutS: number;
	readonly onTimeout: OnTimeout;
	/** The lid may be open while it is asked. */
	readonly lidMayOpen: boolean;
}
/** A measured value as a step asks for it; `value` in the unit of the reading. */
export interface Condition {
	/** A role (`chamber`, `foreline`, `carrier`, `foil`), a zone, or `instrument.signal`. */
	readonly of: string;
	readonly is: "above" | "below";
	readonly value: number;
	/** As people wrote it. */
	readonly text: string;
}
interface Waiting extends StepBase {
	readonly conditions: readonly Condition[];
	readonly forS: number;
	readonly timeoutS: number;
	readonly onTimeout: OnTimeout;
}
export interface WaitUntilStep extends Waiting {
	readonly type: "wait-until";
}
/** The limits are the lab file's; none where it declares no glovebox. */
export interface GloveboxStep extends Waiting {
	readonly type: "glovebox";
}
/** Rate of rise behind the shut stop valve; the limit is the lab file's. */
export interface LeakCheckStep extends StepBase {
	readonly type: "leak-check";
	readonly settleS: number;
	readonly forS: number;
	readonly limitPaPerS: number;
	readonly chamberM3: number;
}
export interface LineEvacuateStep extends StepBase {
	readonly type: "line-evacuate";
	readonly lines: readonly { readonly precursor: string; readonly emptyPaS: number }[];
	readonly widthMs: number;
	readonly purgeS: number;
	readonly pulsesMax: number;
}
export interface BackfillStep extends StepBase {
	readonly type: "backfill";
	readonly toPa: number;
	readonly sccm: number;
	readonly foilBelowC: number;
	readonly chamberM3: number;
	readonly timeoutS: number;
}

/** Steps that let a precursor into the chamber as part of a cycle; each is followed by its purge. */
export type DoseStep = PulseStep | ExposureStep;
export const isDose = (step: Step | undefined): step is DoseStep => step?.type === "pulse" || step?.type === "exposure";

export type Step =
	| FlowStep
	| PumpDownStep
	| HeatStep
	| StabiliseStep
	| PulseStep
	| ExposureStep
	| PurgeStep
	| WaitStep
	| AnnealStep
	| CoolStep
	| PromptStep
	| WaitUntilStep
	| GloveboxStep
	| LeakCheckStep
	| LineEvacuateStep
	| BackfillStep;

export interface Material {
	readonly name: string;
	/** Melting point of the metal in degC; null for a substrate that does not melt in range. */
	readonly meltingPointC: number | null;
	readonly source: string;
}

/** What a plan will do. */
export interface DryRun {
	readonly totalS: number;
	/** Number of pulses by precursor; every precursor of the films is named. */
	readonly pulses: Readonly<Record<string, number>>;
	/** What leaves each bottle, mg. */
	readonly precursorMg: Readonly<Record<string, number>>;
	readonly tmaMg: number;
	/** All films at the end, by the growth data of the material. */
	readonly thicknessNm: number;
	/** The part of each film of the product. */
	readonly thicknessOfNm: Readonly<Record<string, number>>;
	/** In the order in which they first occur. */
	readonly phases: readonly RunPhase[];
}

export interface Plan extends DryRun {
	readonly recipe: string;
	readonly recipeVersion: string;
	readonly sha256: string;
	readonly parameters: Readonly<Record<string, number | string>>;
	readonly material: Material;
	/** Sample-name rule `{metal}@{n}{film}[-ex|-in]`; `none` when the recipe coats nothing. */
	readonly product: string;
	/** Cycles by deposited film. */
	readonly cyclesOf: Readonly<Record<string, number>>;
	readonly steps: readonly Step[];
	readonly cyclesOrdered: number;
	/** Highest temperature the foil may ever see in this run: the lowest never-above of its steps. */
	readonly neverAboveC: number | null;
	/** Zone temperature while held; null: the lower of the setpoint and 20 degC below the melting point. */
	readonly holdC: number | null;
	readonly maxPauseS: number;
	/** Conditions that the person who launches must acknowledge by code. */
	readonly acknowledgements: readonly { readonly code: string; readonly reason: string }[];
	/** Purge time that must have passed after each precursor before another may open, by precursor: the longest that any dose asks for. */
	readonly purgeMinimumS: Readonly<Record<string, number>>;
}
