/** The check's answer as commands and REST give it: every key always there, null where there is nothing. */
import type { CheckResult } from "#recipe/check.js";
import type { RunPhase } from "#record/records.js";

export interface CheckJson {
	readonly ok: boolean;
	readonly recipe: string;
	readonly sha256: string;
	readonly problems: readonly ProblemJson[];
	readonly acknowledgements: readonly { readonly code: string; readonly reason: string }[];
	/** Null when the recipe is refused. */
	readonly dryRun: {
		readonly totalS: number;
		readonly steps: number;
		readonly pulses: Readonly<Record<string, number>>;
		readonly precursorMg: Readonly<Record<string, number>>;
		readonly tmaMg: number;
		readonly thicknessNm: number;
		readonly phases: readonly RunPhase[];
	} | null;
}

export interface ProblemJson {
	readonly severity: "error" | "warning";
	readonly code: string;
	readonly line: number | null;
	readonly column: number | null;
	readonly path: string | null;
	readonly message: string;
	readonly value: unknown;
	readonly limit: unknown;
}

export function toCheckJson({ recipe, sha256, problems, acknowledgements, plan }: CheckResult): CheckJson {
	return {
		ok: plan !== undefined,
		recipe,
		sha256,
		problems: problems.map(({ severity, code, line, column, path, message, value, limit }) => ({
			severity,
			code,
			line: line ?? null,
			column: column ?? null,
			path: path ?? null,
			message,
			value: finite(value),
			limit: finite(limit),
		})),
		acknowledgements,
		dryRun: plan
			? {
					totalS: plan.totalS,
					steps: plan.steps.length,
					pulses: plan.pulses,
					precursorMg: plan.precursorMg,
					tmaMg: plan.tmaMg,
					thicknessNm: plan.thicknessNm,
					phases: plan.phases,
				}
			: null,
	};
}

/** Numbers or null, never NaN. */
const finite = (value: unknown): unknown =>
	typeof value === "number" && !Number.isFinite(value) ? null : (value ?? null);
