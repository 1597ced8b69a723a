/**
 * A program as a step file of BTS 8 (XML on the BTS computer's disk), and back for the simulator. Sources: step files that
 * BTS wrote, in public repositories (EmpaEconversion/aurora-unicycler `_formats/neware.py`; step files with `Cap` and
 * negative protection limits, version 18): currents in mA, voltages in 0.1 mV, times in ms, capacities in mA s.
 */
import { XMLParser, XMLValidator } from "fast-xml-parser";
import type { CyclerProgram, ProgramStep, StepEnds } from "#device/cycler.js";
import { escapeXml } from "./codec.js";

/** 1 CC charge, 2 CC discharge, 3 CV charge, 4 rest, 5 cycle, 6 end, 19 CV discharge. */
const TYPE = { charge: 1, discharge: 2, "cv-charge": 3, rest: 4, cycle: 5, end: 6, "cv-discharge": 19 } as const;

const mA = (ampere: number): string => trimmed(ampere * 1e3);
const tenthMillivolt = (volt: number): string => trimmed(volt * 1e4);
const ms = (seconds: number): string => trimmed(seconds * 1e3);
const mAs = (ampereHours: number): string => trimmed(ampereHours * 3.6e6);
const trimmed = (value: number): string => String(Number(value.toFixed(6)));
const tag = (name: string, value: string | undefined): string =>
	value === undefined ? "" : `<${name} Value="${value}" />`;
const mapped = (value: number | undefined, unit: (value: number) => string): string | undefined =>
	value === undefined ? undefined : unit(value);

/** `guid` names the file; `date` is its time of writing as BTS has it: 20251228222905. */
export function encodeSteps(program: CyclerProgram, barcode: string, file: { guid: string; date: string }): string {
	const flat: string[] = [];
	const add = (type: number, body: string): number => {
		const id = flat.length + 1;
		flat.push(`<Step${id} Step_ID="${id}" Step_Type="${type}">${body}</Step${id}>`);
		return id;
	};
	const addAll = (steps: readonly ProgramStep[]): void => {
		for (const step of steps) {
			if (step.kind === "repeat") {
				const first = flat.length + 1;
				addAll(step.steps);
				add(
					TYPE.cycle,
					`<Limit><Other>${tag("Start_Step", `${first}`)}${tag("Cycle_Count", `${step.times}`)}</Other></Limit>`,
				);
			} else add(typeOf(step), `<Limit><Main>${mainOf(step)}</Main></Limit>`);
		}
	};
	addAll(program.steps);
	add(TYPE.end, "");
	const { limits } = program;
	const protect =
		`<Volt>${tag("Upper", tenthMillivolt(limits.voltageVMax))}${tag("Lower", tenthMillivolt(limits.voltageVMin))}</Volt>` +
		`<Curr>${tag("Upper", mA(limits.currentAMax))}${tag("Lower", mA(-limits.currentAMax))}</Curr>` +
		`<Cap>${tag("Upper", mAs(limits.capacityAhMax))}</Cap>`;
	return (
		`<?xml version="1.0" encoding="utf-8"?>\r\n<root><config type="Step File" version="17" ` +
		`client_version="BTS Client 8.0.0.478(2024.06.24)(R3)" date="${file.date}" Guid="${file.guid}">` +
		`<Head_Info><Operate Value="66" /><Scale Value="1" /><Start_Step Value="1" Hide_Ctrl_Step="0" />` +
		`<Creator Value="adlayer" /><Remark Value="${escapeXml(barcode)}" /><RateType Value="103" /></Head_Info>` +
		`<Whole_Prt><Protect><Main>${protect}</Main></Protect>` +
		`<Record><Main>${tag("Time", ms(program.recordS))}</Main></Record></Whole_Prt>` +
		`<Step_Info Num="${flat.length}">${flat.join("")}</Step_Info>` +
		`<SMBUS><SMBUS_Info Num="0" AdjacentInterval="0" /></SMBUS></config></root>\r\n`
	);
}

function typeOf(step: Exclude<ProgramStep, { kind: "repeat" }>): number {
	switch (step.kind) {
		case "rest":
			return TYPE.rest;
		case "constant-current":
			return step.currentA > 0 ? TYPE.charge : TYPE.discharge;
		case "constant-voltage":
			return step.direction === "charge" ? TYPE["cv-charge"] : TYPE["cv-discharge"];
	}
}

function mainOf(step: Exclude<ProgramStep, { kind: "repeat" }>): string {
	const { timeS, capacityAh, voltageV, currentA } = step.ends;
	const own =
		step.kind === "constant-current"
			? tag("Curr", mA(Math.abs(step.currentA)))
			: step.kind === "constant-voltage"
				? tag("Curr", mA(step.currentAMax)) + tag("Volt", tenthMillivolt(step.voltageV))
				: "";
	return (
		own +
		tag("Time", mapped(timeS, ms)) +
		tag("Cap", mapped(capacityAh, mAs)) +
		tag("Stop_Volt", mapped(voltageV, tenthMillivolt)) +
		tag("Stop_Curr", mapped(currentA, mA))
	);
}

/** A flat step as the cycler's electronics run it; a loop jumps back to the step with number `toStep`. */
export type FlatStep =
	| { readonly kind: "rest"; readonly ends: StepEnds }
	| { readonly kind: "cc"; readonly currentA: number; readonly ends: StepEnds }
	| {
			readonly kind: "cv";
			readonly voltageV: number;
			readonly sign: 1 | -1;
			readonly currentAMax: number;
			readonly ends: StepEnds;
	  }
	| { readonly kind: "loop"; readonly toStep: number; readonly times: number }
	| { readonly kind: "end" };

export interface StepFile {
	readonly steps: readonly FlatStep[];
	readonly voltageVMin: number;
	readonly voltageVMax: number;
	readonly recordS: number;
}

/** Without a rule for recording, BTS writes a row every 10 s. */
const RECORD_S = 10;
const parser = new XMLParser({
	ignoreAttributes: false,
	attributeNamePrefix: "",
	parseTagValue: false,
	parseAttributeValue: false,
	processEntities: false,
	maxNestedTags: 16,
});

/** Reads a step file as the cycler does; undefined when it is none or has a step that it cannot run. */
export function decodeSteps(text: string): StepFile | undefined {
	if (text.includes("<!") || XMLValidator.validate(text) !== true) return undefined;
	const config = at(parser.parse(text), "root", "config");
	const info = at(config, "Step_Info");
	if (!isRecord(info)) return undefined;
	const steps: FlatStep[] = [];
	for (let id = 1; isRecord(info[`Step${id}`]); id += 1) {
		const step = decodeStep(info[`Step${id}`] as Record<string, unknown>);
		if (step === undefined || (step.kind === "loop" && (step.toStep < 1 || step.toStep >= id))) return undefined;
		steps.push(step);
	}
	if (steps.at(-1)?.kind !== "end") return undefined;
	const volt = at(config, "Whole_Prt", "Protect", "Main", "Volt");
	const record = value(at(config, "Whole_Prt", "Record", "Main"), "Time");
	return {
		steps,
		voltageVMin: (value(volt, "Lower") ?? Number.NEGATIVE_INFINITY) / 1e4,
		voltageVMax: (value(volt, "Upper") ?? Number.POSITIVE_INFINITY) / 1e4,
		recordS: record === undefined ? RECORD_S : record / 1e3,
	};
}

function decodeStep(step: Record<string, unknown>): FlatStep | undefined {
	const main = at(step, "Limit", "Main");
	const other = at(step, "Limit", "Other");
	const curr = value(main, "Curr");
	const volt = value(main, "Volt");
	const ends: StepEnds = {
		...scaled("timeS", value(main, "Time"), 1e3),
		...scaled("capacityAh", value(main, "Cap"), 3.6e6),
		...scaled("voltageV", value(main, "Stop_Volt"), 1e4),
		...scaled("currentA", value(main, "Stop_Curr"), 1e3),
	};
	switch (Number(step.Step_Type)) {
		case TYPE.rest:
			return { kind: "rest", ends };
		case TYPE.charge:
			return curr === undefined ? undefined : { kind: "cc", currentA: curr / 1e3, ends };
		case TYPE.discharge:
			return curr === undefined ? undefined : { kind: "cc", currentA: -curr / 1e3, ends };
		case TYPE["cv-charge"]:
		case TYPE["cv-discharge"]: {
			const sign = Number(step.Step_Type) === TYPE["cv-charge"] ? 1 : -1;
			const currentAMax = curr === undefined ? Number.POSITIVE_INFINITY : curr / 1e3;
			return volt === undefined ? undefined : { kind: "cv", voltageV: volt / 1e4, sign, currentAMax, ends };
		}
		case TYPE.cycle: {
			const toStep = value(other, "Start_Step");
			const times = value(other, "Cycle_Count");
			return toStep === undefined || times === undefined ? undefined : { kind: "loop", toStep, times };
		}
		case TYPE.end:
			return { kind: "end" };
		default:
			return undefined;
	}
}

const scaled = (name: keyof StepEnds, raw: number | undefined, per: number): StepEnds =>
	raw === undefined ? {} : { [name]: raw / per };

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;

function at(from: unknown, ...path: readonly string[]): unknown {
	return path.reduce<unknown>((here, key) => (isRecord(here) ? here[key] : undefined), from);
}

function value(from: unknown, name: string): number | undefined {
	const text = at(from, name, "Value");
	const number = typeof text === "string" && text.trim() !== "" ? Number(text) : Number.NaN;
	return Number.isFinite(number) ? number : undefined;
}
