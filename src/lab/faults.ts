import { AdlayerError, type Problem } from "#core/errors.js";
import { FAULT_KINDS, type FaultKind, type FaultValue, type TargetKind } from "./fault-kinds.js";
import type { SimulatedLab } from "./simulated-lab.js";

/** A fault as it is asked for. Everything is checked before anything is done. */
export interface FaultRequest {
	readonly kind: string;
	/** By the lab file's names; kinds that concern the reactor as a whole take none. */
	readonly target?: string;
	/** In the kind's own unit. */
	readonly value?: number;
	/** Lab time after which it ends by itself, s; until it is cleared when absent. */
	readonly forS?: number;
	/** For faults by chance; the lab's own when absent. */
	readonly seed?: number;
}

export interface ActiveFault {
	readonly kind: string;
	readonly target: string | null;
	readonly value: number | null;
	readonly unit: string | null;
	/** Lab time. */
	readonly sinceS: number;
	/** Lab time; null: until it is cleared. */
	readonly untilS: number | null;
}

/** A kind with what it can be done to in this lab. */
export interface FaultOffer {
	readonly kind: string;
	readonly title: string;
	readonly of: TargetKind;
	readonly targets: readonly string[];
	readonly value: FaultValue | null;
}

/** A whole day of faults is a mistake, not a test. */
const FOR_S_MAX = 86_400;

interface Running {
	readonly shown: ActiveFault;
	readonly end: () => void;
	readonly untilMs: number;
}

/** The faults of one lab: begun, listed, cleared, and ended when their time is over. */
export class LabFaults {
	private readonly running = new Map<string, Running>();

	constructor(
		private readonly lab: SimulatedLab,
		private readonly targets: Readonly<Record<TargetKind, readonly string[]>>,
		private readonly seed: number,
	) {}

	get offers(): readonly FaultOffer[] {
		return Object.entries(FAULT_KINDS).map(([kind, { title, of, value }]) => ({
			kind,
			title,
			of,
			targets: this.targets[of],
			value: value ?? null,
		}));
	}

	get active(): readonly ActiveFault[] {
		return [...this.running.values()].map(({ shown }) => shown);
	}

	/** When the next one ends by itself, lab time in ms; Infinity when none does. */
	get nextEndMs(): number {
		let nextMs = Number.POSITIVE_INFINITY;
		for (const { untilMs } of this.running.values()) nextMs = Math.min(nextMs, untilMs);
		return nextMs;
	}

	/** Throws USAGE with all problems at once. One that excludes an active one on the same target takes its place. */
	begin(request: FaultRequest): ActiveFault {
		const problems: Problem[] = [];
		const kind = this.kindOf(request.kind, problems);
		if (kind !== undefined) {
			this.checkTarget(request, kind, true, problems);
			checkValue(request, kind, problems);
		}
		checkForS(request.forS, problems);
		checkSeed(request.seed, problems);
		refuse(problems);
		const { kind: name, target = "", value = kind!.value?.otherwise ?? 0, forS, seed = this.seed } = request;
		const slot = `${kind!.slot ?? name} ${target}`;
		this.endAt(slot);
		const sinceMs = this.lab.nowMs;
		const end = kind!.begin({ lab: this.lab, target, value, seed });
		const untilMs = forS === undefined ? Number.POSITIVE_INFINITY : sinceMs + forS * 1000;
		const shown: ActiveFault = {
			kind: name,
			target: target === "" ? null : target,
			value: kind!.value === undefined ? null : value,
			unit: kind!.value?.unit ?? null,
			sinceS: sinceMs / 1000,
			untilS: forS === undefined ? null : untilMs / 1000,
		};
		if (kind!.isMomentary && forS === undefined) end();
		else this.running.set(slot, { shown, end, untilMs });
		return shown;
	}

	/** Ends what is active of a kind and target; of everything that is left out, all. Throws USAGE, or NOT_FOUND when a named one is not active. */
	clear(request: { readonly kind?: string; readonly target?: string } = {}): readonly ActiveFault[] {
		const { kind: name, target } = request;
		const problems: Problem[] = [];
		if (name !== undefined) {
			const kind = this.kindOf(name, problems);
			if (kind !== undefined)
				this.checkTarget({ kind: name, ...(target === undefined ? {} : { target }) }, kind, false, problems);
		} else if (target !== undefined) {
			problem(problems, "kind", undefined, `A kind must be given to clear one of ${target}.`);
		}
		refuse(problems);
		const ending = [...this.running].filter(
			([, { shown }]) => (name ?? shown.kind) === shown.kind && (target ?? shown.target) === shown.target,
		);
		if (ending.length === 0 && name !== undefined) {
			const of = target === undefined ? "" : ` of ${target}`;
			throw new AdlayerError("NOT_FOUND", `The fault ${name}${of} is not active.`);
		}
		for (const [slot] of ending) this.endAt(slot);
		return ending.map(([, { shown }]) => shown);
	}

	/** Ends what is over by now. */
	advanceTo(nowMs: number): void {
		for (const [slot, { untilMs }] of this.running) if (untilMs <= nowMs) this.endAt(slot);
	}

	private endAt(slot: string): void {
		const running = this.running.get(slot);
		this.running.delete(slot);
		running?.end();
	}

	private kindOf(name: unknown, problems: Problem[]): FaultKind | undefined {
		if (typeof name === "string" && Object.hasOwn(FAULT_KINDS, name)) return FAULT_KINDS[name];
		const known = Object.keys(FAULT_KINDS).join(", ");
		problem(problems, "kind", name, `There is no fault ${JSON.stringify(name)}; there are ${known}.`);
		return undefined;
	}

	private checkTarget(
		{ kind: name, target }: FaultRequest,
		{ of }: FaultKind,
		isNeeded: boolean,
		problems: Problem[],
	): void {
		const known = this.targets[of];
		if (of === "reactor") {
			if (target !== undefined)
				problem(problems, "target", target, `The fault ${name} concerns the reactor as a whole and takes no target.`);
			return;
		}
		if (target === undefined) {
			if (isNeeded) problem(problems, "target", undefined, `The fault ${name} needs a target: ${known.join(", ")}.`);
			return;
		}
		if (known.includes(target)) return;
		const has = known.length === 0 ? "it has none" : `it has ${known.join(", ")}`;
		problem(problems, "target", target, `This lab has no ${of} ${JSON.stringify(target)}; ${has}.`);
	}
}

function checkValue({ kind: name, value }: FaultRequest, { value: wanted }: FaultKind, problems: Problem[]): void {
	if (wanted === undefined) {
		if (value !== undefined) problem(problems, "value", value, `The fault ${name} takes no value.`);
		return;
	}
	const range = rangeText(wanted);
	if (value === undefined) {
		if (wanted.otherwise === undefined)
			problem(problems, "value", undefined, `The fault ${name} needs a value: ${wanted.description}, ${range}.`);
		return;
	}
	const isLow =
		(wanted.min !== undefined && value < wanted.min) || (wanted.above !== undefined && value <= wanted.above);
	if (typeof value === "number" && Number.isFinite(value) && !isLow && value <= wanted.max) return;
	problem(problems, "value", value, `The value of ${name} is ${JSON.stringify(value)}; it must be ${range}.`);
}

/** "above 0 to 1", "-50 to 1000 %/min". */
export function rangeText({ min, above, max, unit }: FaultValue): string {
	return `${min ?? `above ${above}`} to ${max}${unit === "1" ? "" : ` ${unit}`}`;
}

function checkForS(forS: unknown, problems: Problem[]): void {
	if (forS === undefined || (typeof forS === "number" && forS > 0 && forS <= FOR_S_MAX)) return;
	problem(problems, "forS", forS, `A fault lasts above 0 to ${FOR_S_MAX} s, not ${JSON.stringify(forS)}.`);
}

function checkSeed(seed: unknown, problems: Problem[]): void {
	if (seed === undefined || Number.isSafeInteger(seed)) return;
	problem(problems, "seed", seed, `A seed is a whole number, not ${JSON.stringify(seed)}.`);
}

function problem(problems: Problem[], path: string, value: unknown, message: string): void {
	problems.push({ severity: "error", code: "USAGE", path, value, message });
}

function refuse(problems: Problem[]): void {
	if (problems.length === 0) return;
	throw new AdlayerError("USAGE", problems.map(({ message }) => message).join(" "), { problems });
}
