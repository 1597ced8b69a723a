/** A protocol with a cell's area and active mass filled in. Pure; the protocol has been checked. */
import type { Capacity, Current, ProtocolFile, ProtocolStep, Until } from "#cycling/protocol-file.js";
import type { CyclerProgram, ProgramStep, StepEnds } from "#device/cycler.js";

/** What is known of a cell; null where it has not been measured. */
export interface CellFacts {
	/** Of the smaller electrode. */
	readonly areaCm2: number | null;
	/** Active mass of the electrode that rates refer to. */
	readonly activeMassG: number | null;
}

/** A quantity in a unit that needs a fact which the cell does not have. */
export class MissingFact extends Error {
	constructor(
		readonly fact: "area" | "active mass" | "rate_mAh_per_g",
		readonly key: string,
	) {
		super(`${key} needs the ${fact}`);
	}
}

const MILLI = 1e-3;

/** Throws MissingFact. */
export function ampere(current: Current, protocol: Pick<ProtocolFile, "rate_mAh_per_g">, cell: CellFacts): number {
	if (current.current_A !== undefined) return current.current_A;
	if (current.current_mA_per_cm2 !== undefined) {
		return current.current_mA_per_cm2 * MILLI * demand(cell.areaCm2, "area", "current_mA_per_cm2");
	}
	const perGram = demand(protocol.rate_mAh_per_g ?? null, "rate_mAh_per_g", "rate_C");
	return current.rate_C! * perGram * MILLI * demand(cell.activeMassG, "active mass", "rate_C");
}

/** Throws MissingFact. */
export function ampereHours(capacity: Capacity, cell: CellFacts): number {
	if (capacity.capacity_Ah !== undefined) return capacity.capacity_Ah;
	if (capacity.capacity_mAh_per_cm2 !== undefined) {
		return capacity.capacity_mAh_per_cm2 * MILLI * demand(cell.areaCm2, "area", "capacity_mAh_per_cm2");
	}
	return capacity.capacity_mAh_per_g! * MILLI * demand(cell.activeMassG, "active mass", "capacity_mAh_per_g");
}

function demand(value: number | null, fact: MissingFact["fact"], key: string): number {
	if (value === null) throw new MissingFact(fact, key);
	return value;
}

/** What a cycler is given. Throws MissingFact. */
export function compile(protocol: ProtocolFile, sha256: string, cell: CellFacts): CyclerProgram {
	return {
		protocol: protocol.name,
		sha256,
		cell: protocol.cell,
		steps: protocol.steps.map((step) => compileStep(step, protocol, cell)),
		limits: {
			voltageVMin: protocol.window.min_V,
			voltageVMax: protocol.window.max_V,
			currentAMax: ampere(protocol.limits, protocol, cell),
			capacityAhMax: ampereHours(protocol.limits, cell),
		},
		recordS: protocol.record_s,
	};
}

function compileStep(step: ProtocolStep, protocol: ProtocolFile, cell: CellFacts): ProgramStep {
	if (step.rest !== undefined) return { kind: "rest", ends: { timeS: step.rest.for_s } };
	if (step.constant_current !== undefined) {
		const { until } = step.constant_current;
		const currentA = ampere(step.constant_current, protocol, cell);
		return { kind: "constant-current", currentA, ends: compileEnds(until, protocol, cell) };
	}
	if (step.constant_voltage !== undefined) {
		const { voltage_V, direction, until } = step.constant_voltage;
		const currentAMax = ampere(step.constant_voltage, protocol, cell);
		const ends = compileEnds(until, protocol, cell);
		return { kind: "constant-voltage", voltageV: voltage_V, direction, currentAMax, ends };
	}
	const { times, steps } = step.repeat!;
	return { kind: "repeat", times, steps: steps.map((inner) => compileStep(inner, protocol, cell)) };
}

function compileEnds(until: Until, protocol: ProtocolFile, cell: CellFacts): StepEnds {
	const has = (keys: readonly (keyof Until)[]): boolean => keys.some((key) => until[key] !== undefined);
	return {
		...(until.time_s === undefined ? {} : { timeS: until.time_s }),
		...(until.voltage_V === undefined ? {} : { voltageV: until.voltage_V }),
		...(has(["capacity_Ah", "capacity_mAh_per_cm2", "capacity_mAh_per_g"])
			? { capacityAh: ampereHours(until, cell) }
			: {}),
		...(has(["current_A", "current_mA_per_cm2", "rate_C"]) ? { currentA: ampere(until, protocol, cell) } : {}),
	};
}
