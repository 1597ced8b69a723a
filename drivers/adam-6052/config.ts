/** Settings of an ADAM-6052 in the lab file, and the wiring they describe. */
import { AdlayerError, type Problem } from "#core/errors.js";
import { INPUT_COUNT, OUTPUT_COUNT } from "./registers.js";

/** Something that the module cannot say, seen on it by a person. */
interface Verified {
	/** YYYY-MM-DD. */
	readonly verified: string;
	readonly by: string;
}

export interface Adam6052Settings {
	/**
	 * The module's communication watchdog and fail-safe values, set by Advantech's utility and seen to act. "none" admits that
	 * there are none: then control refuses the module.
	 */
	readonly watchdog: ({ readonly timeout_s: number } & Verified) | "none";
	/** What one count of the pulse width registers lasts, as measured on the module. "none": no pulses are made on it. */
	readonly pulse_timing: ({ readonly unit_ms: number } & Verified) | "none";
	/** Outputs set to "pulse output" by the utility, by name: DO0 to DO7. */
	readonly pulse_outputs: Readonly<Record<string, string>>;
	/** Other outputs, by name. */
	readonly outputs?: Readonly<Record<string, string>>;
	/** Names of `outputs` whose fail-safe value is high; that of every other output is low. */
	readonly watchdog_high?: readonly string[];
	/** Inputs, by name: DI0 to DI7. */
	readonly inputs?: Readonly<Record<string, string>>;
	/** By pulse output: the counter input that its line is wired back to. Then a pulse is proven by its count. */
	readonly pulse_counters?: Readonly<Record<string, string>>;
}

const NAME_PATTERN = "^[A-Za-z][A-Za-z0-9_]{0,39}$";
const labels = (prefix: string, count: number) => Array.from({ length: count }, (_, line) => `${prefix}${line}`);
const lineMap = (lines: readonly string[], description: string) => ({
	description,
	type: "object",
	propertyNames: { pattern: NAME_PATTERN },
	additionalProperties: { enum: lines },
});
const orNone = (description: string, properties: Record<string, object>) => ({
	description,
	anyOf: [
		{ const: "none" },
		{
			type: "object",
			additionalProperties: false,
			required: [...Object.keys(properties), "verified", "by"],
			properties: {
				...properties,
				verified: { description: "When it was seen.", type: "string", pattern: "^\\d{4}-\\d{2}-\\d{2}$" },
				by: { description: "By whom.", type: "string", minLength: 1, maxLength: 100 },
			},
		},
	],
});

export const settingsSchema = {
	$schema: "http://json-schema.org/draft-07/schema#",
	type: "object",
	additionalProperties: false,
	required: ["watchdog", "pulse_timing", "pulse_outputs"],
	properties: {
		watchdog: orNone(
			"The module's communication watchdog with its fail-safe values, as seen to act. none: control refuses it.",
			{
				timeout_s: {
					description: "Without traffic for so long it drives the fail-safe values, s.",
					type: "number",
					minimum: 1,
					maximum: 60,
				},
			},
		),
		pulse_timing: orNone("What one count of the pulse width lasts, as measured on the module. none: no pulses.", {
			unit_ms: { description: "ms per count.", type: "number", minimum: 0.01, maximum: 100 },
		}),
		pulse_outputs: lineMap(labels("DO", OUTPUT_COUNT), "Outputs in pulse mode, by name."),
		outputs: lineMap(labels("DO", OUTPUT_COUNT), "Other outputs, by name."),
		watchdog_high: {
			description: "Names of outputs whose fail-safe value is high.",
			type: "array",
			uniqueItems: true,
			items: { type: "string" },
		},
		inputs: lineMap(labels("DI", INPUT_COUNT), "Inputs, by name."),
		pulse_counters: lineMap(labels("DI", INPUT_COUNT), "By pulse output: the counter input its line is wired back to."),
	},
} as const;

/** The settings as line numbers. */
export interface Wiring {
	/** 0 without a watchdog. */
	readonly watchdogMs: number;
	/** Undefined when no pulses are made. */
	readonly pulseUnitMs: number | undefined;
	readonly pulseLines: ReadonlyMap<string, number>;
	/** Without the pulse lines. */
	readonly outputLines: ReadonlyMap<string, number>;
	readonly inputLines: ReadonlyMap<string, number>;
	/** Counter input by pulse line. */
	readonly counterLines: ReadonlyMap<number, number>;
	readonly watchdogHighLines: ReadonlySet<number>;
}

/** Reads what a schema cannot say: each line and each name once. LAB_FILE_INVALID with all problems. */
export function readWiring(settings: Adam6052Settings): Wiring {
	const problems: Problem[] = [];
	const problem = (path: string, message: string, value: unknown) =>
		problems.push({ severity: "error", code: "LAB_FILE_INVALID", path, message, value });

	const userOfLabel = new Map<string, string>();
	const pathOfName = new Map<string, string>();
	const useLine = (path: string, label: string): number => {
		const otherUser = userOfLabel.get(label);
		if (otherUser !== undefined) problem(path, `${label} is used by ${otherUser} already.`, label);
		userOfLabel.set(label, path);
		return Number(label.slice(2));
	};
	const read = (group: "pulse_outputs" | "outputs" | "inputs"): ReadonlyMap<string, number> => {
		const lines = new Map<string, number>();
		for (const [name, label] of Object.entries(settings[group] ?? {})) {
			const path = `${group}.${name}`;
			const otherPath = pathOfName.get(name);
			if (otherPath !== undefined) problem(path, `The name ${name} is used at ${otherPath} already.`, name);
			pathOfName.set(name, path);
			lines.set(name, useLine(path, label));
		}
		return lines;
	};
	const pulseLines = read("pulse_outputs");
	const outputLines = read("outputs");
	const inputLines = read("inputs");

	const counterLines = new Map<number, number>();
	for (const [name, label] of Object.entries(settings.pulse_counters ?? {})) {
		const path = `pulse_counters.${name}`;
		const output = pulseLines.get(name);
		if (output === undefined) problem(path, `${name} is not one of pulse_outputs.`, name);
		else counterLines.set(output, useLine(path, label));
	}
	const watchdogHighLines = new Set<number>();
	for (const [index, name] of (settings.watchdog_high ?? []).entries()) {
		const line = outputLines.get(name);
		if (line !== undefined) watchdogHighLines.add(line);
		else
			problem(
				`watchdog_high[${index}]`,
				`${name} is not one of outputs; a pulse output always falls back to low.`,
				name,
			);
	}
	for (const key of ["watchdog", "pulse_timing"] as const) {
		const seen = settings[key];
		if (seen !== "none" && !isDate(seen.verified))
			problem(`${key}.verified`, `${seen.verified} is no date.`, seen.verified);
	}
	if (problems.length > 0) throw new AdlayerError("LAB_FILE_INVALID", problems[0]!.message, { problems });
	const { watchdog, pulse_timing: timing } = settings;
	return {
		watchdogMs: watchdog === "none" ? 0 : watchdog.timeout_s * 1_000,
		pulseUnitMs: timing === "none" ? undefined : timing.unit_ms,
		pulseLines,
		outputLines,
		inputLines,
		counterLines,
		watchdogHighLines,
	};
}

function isDate(text: string): boolean {
	const date = new Date(`${text}T00:00:00Z`);
	return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}
