/** A protocol's way through the door: text to protocol, or to all of its problems at once, each with line and column. Pure. */
import { createHash } from "node:crypto";
import type { Problem } from "#core/errors.js";
import { type CellFacts, compile, MissingFact } from "#cycling/compile.js";
import {
	CAPACITY_KEYS,
	CURRENT_KEYS,
	PROTOCOL_ACTIONS,
	type ProtocolFile,
	type ProtocolStep,
} from "#cycling/protocol-file.js";
import { PROTOCOL_SCHEMA } from "#cycling/protocol-schema.js";
import type { CyclerProgram, ProgramStep } from "#device/cycler.js";
import type { Path } from "#recipe/path.js";
import { compileSchema, isRecord, validate } from "#recipe/schema.js";
import { problemAt, readYaml, type YamlDocument } from "#recipe/yaml-document.js";

/** Repeats inside of repeats; cyclers know no more. */
const DEPTH_MAX = 3;
/** Steps of a file: no cycler takes more. */
const STEPS_MAX = 250;

export interface ProtocolCheck {
	/** The protocol's name, or the file name where there is none. */
	readonly protocol: string;
	/** Of the text's UTF-8 bytes, in hexadecimal. */
	readonly sha256: string;
	/** Sorted by place. */
	readonly problems: readonly Problem[];
	/** Undefined when any problem is an error. */
	readonly file: ProtocolFile | undefined;
	/** With the cell's facts filled in; undefined without them where they are needed. */
	readonly program: CyclerProgram | undefined;
	/** What would be needed of a cell to run it. */
	readonly needs: { readonly area: boolean; readonly activeMass: boolean };
	/** Hours when every step is ended by its time or its capacity; null when a step may be ended by voltage alone. */
	readonly nominalHours: number | null;
}

/** Any area and mass: ratios of quantities in the same unit do not depend on them. */
const UNIT_CELL: CellFacts = { areaCm2: 1, activeMassG: 1 };
const validateProtocol = compileSchema(PROTOCOL_SCHEMA);

/** True for a text that says it is a protocol. */
export const isProtocol = (text: string): boolean => {
	const { value } = readYaml(text);
	return isRecord(value) && typeof value.adlayer === "string" && value.adlayer.startsWith("protocol/");
};

export function checkProtocol(text: string, fileName: string, cell?: CellFacts): ProtocolCheck {
	const sha256 = createHash("sha256").update(text).digest("hex");
	const document = readYaml(text);
	const refused = (problems: readonly Problem[], protocol = fileName): ProtocolCheck => ({
		protocol,
		sha256,
		problems,
		file: undefined,
		program: undefined,
		needs: { area: false, activeMass: false },
		nominalHours: null,
	});
	if (document.problems.length > 0) return refused(document.problems);
	const { value } = document;
	const name = isRecord(value) && typeof value.name === "string" && value.name !== "" ? value.name : fileName;
	const findings = validate(validateProtocol, value, document).map(({ problem }) => problem);
	const rules = new Rules(document);
	if (isRecord(value)) rules.judge(value);
	const problems = sorted([...findings, ...rules.problems]);
	if (problems.some(({ severity }) => severity === "error")) return refused(problems, name);
	const file = value as ProtocolFile;
	const needs = {
		area: keysIn(file).some((key) => key.endsWith("_cm2")),
		activeMass: keysIn(file).some((key) => key === "rate_C" || key === "capacity_mAh_per_g"),
	};
	const comparable = compile(file, sha256, cell ?? UNIT_CELL);
	// Quantities in different units can only be compared for a real cell.
	if (cell !== undefined || isOfOneKind(file)) problems.push(...amountProblems(comparable, file, document));
	const nominalHours = hoursOf(comparable.steps, cell !== undefined || isOfOneKind(file));
	if (nominalHours !== null && nominalHours > file.limits.hours) {
		const message = `The steps take ${round(nominalHours)} h by themselves, and limits.hours is ${file.limits.hours}.`;
		const limit = file.limits.hours;
		problems.push(
			problemAt(
				document,
				{ path: ["limits", "hours"] },
				{ severity: "error", code: "PROTOCOL_TOO_LONG", message, value: nominalHours, limit },
			),
		);
	}
	if (problems.some(({ severity }) => severity === "error")) return refused(sorted(problems), name);
	const known = cell ?? (needs.area || needs.activeMass ? undefined : UNIT_CELL);
	const program = known === undefined ? undefined : compile(file, sha256, known);
	return { protocol: name, sha256, problems: sorted(problems), file, program, needs, nominalHours };
}

/** As `compile`, with a cell that lacks a fact as a problem. */
export function programFor(
	check: ProtocolCheck,
	cell: CellFacts,
): { readonly program: CyclerProgram } | { readonly problem: Problem } {
	try {
		return { program: compile(check.file!, check.sha256, cell) };
	} catch (thrown) {
		if (!(thrown instanceof MissingFact)) throw thrown;
		const message = `${check.protocol} uses ${thrown.key}, and the cell's ${thrown.fact} is not known.`;
		return { problem: { severity: "error", code: "CELL_FACT_MISSING", message } };
	}
}

/** What the schema cannot say. Works on what may be broken. */
class Rules {
	readonly problems: Problem[] = [];
	private steps = 0;
	private window: { min: number; max: number } | undefined;

	constructor(private readonly document: YamlDocument) {}

	judge(file: Record<string, unknown>): void {
		this.judgeWindow(file);
		const { limits } = file;
		if (isRecord(limits)) {
			this.exactlyOne(["limits"], limits, CURRENT_KEYS, "a limit of the current");
			this.exactlyOne(["limits"], limits, CAPACITY_KEYS, "a limit of the capacity of a step");
		}
		this.judgeSteps(file.steps, ["steps"], 0);
		if (this.steps > STEPS_MAX) {
			const message = `The protocol has ${this.steps} steps; the most that cyclers take are ${STEPS_MAX}.`;
			this.add(["steps"], "PROTOCOL_TOO_MANY_STEPS", message, this.steps, STEPS_MAX);
		}
		if (usesRate(file) && file.rate_mAh_per_g === undefined) {
			this.add([], "RATE_UNDEFINED", "Rates in C are used, and rate_mAh_per_g does not say what 1 C is.");
		}
	}

	private judgeWindow(file: Record<string, unknown>): void {
		const { window, cell } = file;
		if (!isRecord(window) || typeof window.min_V !== "number" || typeof window.max_V !== "number") return;
		const { min_V: min, max_V: max } = window;
		if (min >= max) {
			this.add(["window", "min_V"], "WINDOW_EMPTY", `The window from ${min} to ${max} V is empty.`, min, max);
			return;
		}
		this.window = { min, max };
		if (cell === "symmetric" && !(min < 0 && max > 0)) {
			const message = `A symmetric cell goes to both sides of 0 V, and the window is ${min} to ${max} V.`;
			this.add(["window"], "WINDOW_ONE_SIDED", message, min, 0);
		}
	}

	private judgeSteps(steps: unknown, path: Path, depth: number): void {
		if (!Array.isArray(steps)) return;
		for (const [index, step] of steps.entries()) if (isRecord(step)) this.judgeStep(step, [...path, index], depth);
	}

	private judgeStep(step: Record<string, unknown>, path: Path, depth: number): void {
		this.steps += 1;
		this.exactlyOne(path, step, PROTOCOL_ACTIONS, "an action");
		const { constant_current: cc, constant_voltage: cv, repeat } = step;
		if (isRecord(cc)) {
			this.exactlyOne([...path, "constant_current"], cc, CURRENT_KEYS, "a current");
			for (const key of CURRENT_KEYS) {
				if (cc[key] === 0) {
					this.add([...path, "constant_current", key], "CURRENT_ZERO", "A current of 0 is a rest: write rest.", 0);
				}
			}
			this.judgeUntil(cc.until, [...path, "constant_current", "until"], false);
		}
		if (isRecord(cv)) {
			this.exactlyOne([...path, "constant_voltage"], cv, CURRENT_KEYS, "a largest current");
			this.inWindow([...path, "constant_voltage", "voltage_V"], cv.voltage_V);
			this.judgeUntil(cv.until, [...path, "constant_voltage", "until"], true);
		}
		if (!isRecord(repeat)) return;
		if (depth >= DEPTH_MAX) {
			const message = `Repeats are ${depth + 1} deep here; ${DEPTH_MAX} are the most.`;
			this.add([...path, "repeat"], "REPEAT_TOO_DEEP", message, depth + 1, DEPTH_MAX);
		}
		this.judgeSteps(repeat.steps, [...path, "repeat", "steps"], depth + 1);
	}

	private judgeUntil(until: unknown, path: Path, isVoltage: boolean): void {
		if (!isRecord(until)) return;
		if (Object.keys(until).length === 0) this.add(path, "STEP_WITHOUT_END", "Nothing ends this step.");
		this.atMostOne(path, until, CAPACITY_KEYS, "capacities");
		this.atMostOne(path, until, CURRENT_KEYS, "currents");
		this.inWindow([...path, "voltage_V"], until.voltage_V);
		const [current] = CURRENT_KEYS.filter((key) => until[key] !== undefined);
		if (!isVoltage && current !== undefined) {
			const message = "A constant current does not fall: it cannot end by current.";
			this.add([...path, current], "END_NEVER_COMES", message);
		}
		if (isVoltage && until.voltage_V !== undefined) {
			const message = "A constant voltage does not move: it cannot end by voltage.";
			this.add([...path, "voltage_V"], "END_NEVER_COMES", message);
		}
	}

	private inWindow(path: Path, volt: unknown): void {
		if (typeof volt !== "number" || this.window === undefined) return;
		const { min, max } = this.window;
		if (volt >= min && volt <= max) return;
		const message = `${volt} V is outside the window of ${min} to ${max} V.`;
		this.add(path, "VOLTAGE_OUTSIDE_WINDOW", message, volt, [min, max]);
	}

	private exactlyOne(path: Path, from: Record<string, unknown>, keys: readonly string[], what: string): void {
		const given = keys.filter((key) => from[key] !== undefined);
		if (given.length === 1) return;
		const found = given.length === 0 ? "it has none" : `it has ${given.join(" and ")}`;
		const message = `Here must be exactly one of ${keys.join(", ")} (${what}); ${found}.`;
		this.add(path, "CHOOSE_ONE", message, given, keys);
	}

	private atMostOne(path: Path, from: Record<string, unknown>, keys: readonly string[], what: string): void {
		const given = keys.filter((key) => from[key] !== undefined);
		if (given.length <= 1) return;
		this.add(path, "CHOOSE_ONE", `Two ${what} end this step: ${given.join(" and ")}; keep one.`, given, keys);
	}

	private add(path: Path, code: string, message: string, value?: unknown, limit?: unknown): void {
		const details = { ...(value === undefined ? {} : { value }), ...(limit === undefined ? {} : { limit }) };
		this.problems.push(problemAt(this.document, { path }, { severity: "error", code, message, ...details }));
	}
}

/** Currents and capacities against their limits. */
function amountProblems(program: CyclerProgram, file: ProtocolFile, document: YamlDocument): Problem[] {
	const problems: Problem[] = [];
	const { currentAMax, capacityAhMax } = program.limits;
	const visit = (steps: readonly ProgramStep[], written: readonly ProtocolStep[], path: Path): void => {
		for (const [index, step] of steps.entries()) {
			const here = [...path, index];
			if (step.kind === "repeat") {
				visit(step.steps, written[index]!.repeat!.steps, [...here, "repeat", "steps"]);
				continue;
			}
			const largest =
				step.kind === "constant-current" ? Math.abs(step.currentA) : step.kind === "rest" ? 0 : step.currentAMax;
			const add = (code: string, message: string, value: number, limit: number) =>
				problems.push(problemAt(document, { path: here }, { severity: "error", code, message, value, limit }));
			if (largest > currentAMax * (1 + 1e-9)) {
				const times = round(largest / currentAMax);
				add("CURRENT_ABOVE_LIMIT", `The current is ${times} times that of limits.`, largest, currentAMax);
			}
			const { capacityAh = 0 } = step.ends;
			if (capacityAh > capacityAhMax * (1 + 1e-9)) {
				const times = round(capacityAh / capacityAhMax);
				add("CAPACITY_ABOVE_LIMIT", `The capacity is ${times} times that of limits.`, capacityAh, capacityAhMax);
			}
		}
	};
	visit(program.steps, file.steps, ["steps"]);
	return problems;
}

/** Hours of steps by time or capacity, whichever is sooner; null when one is ended by neither, or cannot be known. */
function hoursOf(steps: readonly ProgramStep[], isComparable: boolean): number | null {
	let hours = 0;
	for (const step of steps) {
		if (step.kind === "repeat") {
			const inner = hoursOf(step.steps, isComparable);
			if (inner === null) return null;
			hours += step.times * inner;
			continue;
		}
		const { timeS, capacityAh } = step.ends;
		const byTime = timeS === undefined ? Number.POSITIVE_INFINITY : timeS / 3_600;
		const byCapacity =
			step.kind === "constant-current" && capacityAh !== undefined && isComparable
				? capacityAh / Math.abs(step.currentA)
				: Number.POSITIVE_INFINITY;
		const own = Math.min(byTime, byCapacity);
		if (!Number.isFinite(own)) return null;
		hours += own;
	}
	return hours;
}

/** All keys of a file, wherever they are. */
function keysIn(value: unknown): string[] {
	if (Array.isArray(value)) return value.flatMap(keysIn);
	if (!isRecord(value)) return [];
	return Object.entries(value).flatMap(([key, inner]) => [key, ...keysIn(inner)]);
}

const usesRate = (file: Record<string, unknown>): boolean => keysIn(file).includes("rate_C");

/** Everything in A and Ah, or by area, or by mass: then no cell is needed to compare. */
function isOfOneKind(file: ProtocolFile): boolean {
	const keys = new Set(keysIn(file));
	const kinds = [
		["current_A", "capacity_Ah"],
		["current_mA_per_cm2", "capacity_mAh_per_cm2"],
		["rate_C", "capacity_mAh_per_g"],
	].filter((kind) => kind.some((key) => keys.has(key)));
	return kinds.length <= 1;
}

const sorted = (problems: readonly Problem[]): Problem[] =>
	[...problems].sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));

const round = (value: number): number => Number(value.toPrecision(4));
