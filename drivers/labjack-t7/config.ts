/** Settings of a T7 in the lab file, and the wiring they describe. */
import { AdlayerError, type Problem } from "#core/errors.js";
import { maskOf } from "./codec.js";
import { CLOCK_DIVISORS, type ClockDivisor, LINE_COUNT, PULSE_LINES } from "./registers.js";

export interface LabjackT7Settings {
	/** After so many seconds without feeding, the instrument itself shuts the precursor valves. Whole seconds. Absent only in a probe. */
	readonly watchdog_s?: number;
	/** Outputs whose pulses are timed by hardware, by name: DIO0, DIO2, DIO3, DIO4 or DIO5. Absent only in a probe. */
	readonly pulse_outputs?: Readonly<Record<string, string>>;
	/** Other outputs, by name. */
	readonly outputs?: Readonly<Record<string, string>>;
	/** Names of `outputs` that the watchdog drives high; every other output it drives low. */
	readonly watchdog_high?: readonly string[];
	/** Inputs, by name. */
	readonly inputs?: Readonly<Record<string, string>>;
	/** Divisor of the 80 MHz timer clock; 8 gives ticks of 0.1 us. */
	readonly clock_divisor?: ClockDivisor;
	/** How long the watchdog waits after the instrument itself has powered up, until it is fed first. Whole seconds. */
	readonly watchdog_startup_s?: number;
}

/** Long enough that nothing moves by itself after a power cut at night; README, "Watchdog". */
export const WATCHDOG_STARTUP_S_DEFAULT = 86_400;
const CLOCK_DIVISOR_DEFAULT: ClockDivisor = 8;

const NAME_PATTERN = "^[A-Za-z][A-Za-z0-9_]{0,39}$";
const anyLine = Array.from({ length: LINE_COUNT }, (_, line) => `DIO${line}`);
const lineMap = (lines: readonly string[]) => ({
	type: "object",
	propertyNames: { pattern: NAME_PATTERN },
	additionalProperties: { enum: lines },
});

export const settingsSchema = {
	$schema: "http://json-schema.org/draft-07/schema#",
	type: "object",
	additionalProperties: false,
	required: ["watchdog_s", "pulse_outputs"],
	properties: {
		watchdog_s: { type: "integer", minimum: 1, maximum: 60 },
		pulse_outputs: lineMap(PULSE_LINES.map((line) => `DIO${line}`)),
		outputs: lineMap(anyLine),
		watchdog_high: { type: "array", uniqueItems: true, items: { type: "string" } },
		inputs: lineMap(anyLine),
		clock_divisor: { enum: CLOCK_DIVISORS },
		watchdog_startup_s: { type: "integer", minimum: 1, maximum: 86_400 * 365 },
	},
} as const;

/** The settings as line numbers. */
export interface Wiring {
	/** NaN in a probe that was not told: it must not be used then. */
	readonly watchdogS: number;
	readonly watchdogStartupS: number;
	readonly divisor: ClockDivisor;
	readonly pulseLines: ReadonlyMap<string, number>;
	/** Without the pulse lines. */
	readonly outputLines: ReadonlyMap<string, number>;
	readonly inputLines: ReadonlyMap<string, number>;
	/** All driven lines. */
	readonly drivenMask: number;
	readonly watchdogHighMask: number;
}

/** Reads what a schema cannot say: each line and each name once, pulse lines where the hardware has them. LAB_FILE_INVALID. */
export function readWiring(settings: LabjackT7Settings): Wiring {
	const problems: Problem[] = [];
	const problem = (path: string, message: string, value: unknown) =>
		problems.push({ severity: "error", code: "LAB_FILE_INVALID", path, message, value });

	const userOfLine = new Map<number, string>();
	const pathOfName = new Map<string, string>();
	const read = (group: "pulse_outputs" | "outputs" | "inputs"): ReadonlyMap<string, number> => {
		const lines = new Map<string, number>();
		for (const [name, label] of Object.entries(settings[group] ?? {})) {
			const path = `${group}.${name}`;
			const line = lineNumber(label);
			if (line === undefined) {
				problem(path, `${label} is not a line of a T7 (DIO0 to DIO${LINE_COUNT - 1}).`, label);
				continue;
			}
			const otherUser = userOfLine.get(line);
			if (otherUser !== undefined) problem(path, `${label} is used by ${otherUser} already.`, label);
			const otherPath = pathOfName.get(name);
			if (otherPath !== undefined) problem(path, `The name ${name} is used at ${otherPath} already.`, name);
			userOfLine.set(line, path);
			pathOfName.set(name, path);
			lines.set(name, line);
		}
		return lines;
	};
	const pulseLines = read("pulse_outputs");
	const outputLines = read("outputs");
	const isToldNothing =
		settings.pulse_outputs === undefined && settings.outputs === undefined && settings.inputs === undefined;
	const inputLines = isToldNothing ? everyLine() : read("inputs");

	for (const [name, line] of pulseLines) {
		if (!PULSE_LINES.includes(line)) {
			problem(`pulse_outputs.${name}`, `DIO${line} cannot make timed pulses; DIO0, 2, 3, 4 and 5 can.`, `DIO${line}`);
		}
	}
	const highLines: number[] = [];
	for (const [index, name] of (settings.watchdog_high ?? []).entries()) {
		const line = outputLines.get(name);
		if (line !== undefined) highLines.push(line);
		else
			problem(`watchdog_high[${index}]`, `${name} is not one of outputs; a pulse output is always driven low.`, name);
	}
	if (problems.length > 0) {
		throw new AdlayerError("LAB_FILE_INVALID", problems[0]!.message, { problems });
	}
	return {
		watchdogS: settings.watchdog_s ?? Number.NaN,
		watchdogStartupS: settings.watchdog_startup_s ?? WATCHDOG_STARTUP_S_DEFAULT,
		divisor: settings.clock_divisor ?? CLOCK_DIVISOR_DEFAULT,
		pulseLines,
		outputLines,
		inputLines,
		drivenMask: maskOf([...pulseLines.values(), ...outputLines.values()]),
		watchdogHighMask: maskOf(highLines),
	};
}

/** A probe that is told no wiring shows every line under its own name. */
const everyLine = (): Map<string, number> => new Map(anyLine.map((label, line) => [label, line]));

function lineNumber(label: string): number | undefined {
	const digits = /^DIO(\d{1,2})$/.exec(label)?.[1];
	if (digits === undefined) return undefined;
	const line = Number(digits);
	return line < LINE_COUNT && String(line) === digits ? line : undefined;
}
