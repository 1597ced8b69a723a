import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { LabFacts } from "#recipe/lab-facts.js";
import { RULE_CODES } from "#recipe/rule-codes.js";
import { check, codes, edit, errors, lab, recipeText } from "./support.js";

const LI = recipeText("li-two-step");
const AL = recipeText("li-al2o3");
const IN = recipeText("li-in-situ");
const NA = recipeText("na-two-step");
const PUMP = "      - pump_down: { below_torr: 0.1, timeout_s: 900 }\n";
const PURGE_TMA = "            - purge: { for_s: 5 }\n";
const COOL = LI.slice(LI.indexOf("  - phase: cool"));
const nitrogen: LabFacts = { ...lab, carrier: { ...lab.carrier, gas: "N2" } };
const withStage = (stage: Partial<LabFacts["zones"][string]>): LabFacts => ({
	...lab,
	zones: { ...lab.zones, stage: { ...lab.zones.stage!, ...stage } },
});

interface Case {
	code: string;
	says: string;
	/** Refused or flagged, with where and the numbers. */
	bad: string;
	at: { path: string; value?: unknown; limit?: unknown };
	/** Next to it, and accepted. */
	good: string;
	lab?: LabFacts;
	goodLab?: LabFacts;
}

const HEAT = "steps[0].steps[3].heat";
const CYCLE = "steps[1].steps[0].repeat.steps";
const ANNEAL = "steps[2].steps[0].anneal";

const CASES: Case[] = [
	{
		code: "PURGE_TOO_SHORT",
		says: "a purge after water shorter than the interpolated minimum",
		bad: edit(LI, ["12.5", "12.1"]),
		at: { path: `${CYCLE}[3].purge.for_s`, value: 12.1, limit: 12.17 },
		good: edit(LI, ["12.5", "12.17"]),
	},
	{
		code: "PURGE_TOO_SHORT",
		says: "a purge after TMA shorter than the minimum",
		bad: edit(LI, ["for_s: 5 }", "for_s: 4.9 }"]),
		at: { path: `${CYCLE}[1].purge.for_s`, value: 4.9, limit: 5 },
		good: LI,
	},
	{
		code: "PURGE_TOO_SHORT",
		says: "a purge that is long enough for the stage but not for a colder wall",
		bad: edit(LI, ["wall: { to_degC: 120", "wall: { to_degC: 110"]),
		at: { path: `${CYCLE}[3].purge.for_s`, value: 12.5, limit: 16.52 },
		good: edit(LI, ["wall: { to_degC: 120", "wall: { to_degC: 110"], ["12.5", "16.52"]),
	},
	{
		code: "PURGE_MISSING",
		says: "TMA followed by water",
		bad: edit(LI, [PURGE_TMA, ""]),
		at: { path: `${CYCLE}[0].pulse`, value: "pulse H2O", limit: "purge" },
		good: LI,
	},
	{
		code: "PURGE_MISSING",
		says: "water followed by the next cycle's TMA",
		bad: edit(LI, ["            - purge: { for_s: 12.5 }\n", ""]),
		at: { path: `${CYCLE}[2].pulse`, value: "pulse TMA" },
		good: LI,
	},
	{
		code: "PURGE_MISSING",
		says: "a wait in the place of a purge",
		bad: edit(LI, ["purge: { for_s: 5 }", "wait: { for_s: 5 }"]),
		at: { path: `${CYCLE}[0].pulse`, value: "wait" },
		good: edit(LI, [PURGE_TMA, `${PURGE_TMA}            - wait: { for_s: 5 }\n`]),
	},
	{
		code: "PURGE_WITHOUT_PULSE",
		says: "a purge with no pulse before it",
		bad: edit(LI, [PURGE_TMA, PURGE_TMA + PURGE_TMA]),
		at: { path: `${CYCLE}[2].purge` },
		good: LI,
	},
	{
		code: "PULSE_TOO_SHORT",
		says: "a pulse shorter than the valve's shortest",
		bad: edit(LI, ["ms: 15", "ms: 4.9"]),
		at: { path: `${CYCLE}[0].pulse.ms`, value: 4.9, limit: 5 },
		good: edit(LI, ["ms: 15", "ms: 5"]),
	},
	{
		code: "PULSE_TOO_LONG",
		says: "a pulse longer than the valve's longest",
		bad: edit(LI, ["ms: 15", "ms: 201"]),
		at: { path: `${CYCLE}[0].pulse.ms`, value: 201, limit: 200 },
		good: edit(LI, ["ms: 15", "ms: 200"]),
	},
	{
		code: "SETPOINT_OUT_OF_RANGE",
		says: "a setpoint outside the instrument's range",
		bad: edit(LI, ["tma_line: { to_degC: 60", "tma_line: { to_degC: -1"]),
		at: { path: `${HEAT}.tma_line.to_degC`, value: -1, limit: 0 },
		good: LI,
	},
	{
		code: "SETPOINT_OUT_OF_RANGE",
		says: "a hold temperature outside the instrument's range",
		bad: edit(LI, ["material: Li\n", "material: Li\nhold_degC: -5\n"]),
		at: { path: "hold_degC", value: -5, limit: 0 },
		good: edit(LI, ["material: Li\n", "material: Li\nhold_degC: 100\n"]),
	},
	{
		code: "SETPOINT_ABOVE_ZONE_LIMIT",
		says: "a setpoint at the zone's over-temperature limit",
		bad: edit(LI, ["wall: { to_degC: 120", "wall: { to_degC: 150"]),
		at: { path: `${HEAT}.wall.to_degC`, value: 150, limit: 150 },
		good: edit(LI, ["wall: { to_degC: 120", "wall: { to_degC: 149"]),
	},
	{
		code: "RAMP_TOO_FAST",
		says: "a ramp faster than the zone's",
		bad: edit(LI, ["stage: { to_degC: 120, ramp_degC_per_min: 10", "stage: { to_degC: 120, ramp_degC_per_min: 16"]),
		at: { path: `${HEAT}.stage.ramp_degC_per_min`, value: 16, limit: 15 },
		good: edit(LI, ["stage: { to_degC: 120, ramp_degC_per_min: 10", "stage: { to_degC: 120, ramp_degC_per_min: 15"]),
	},
	{
		code: "RAMP_TOO_FAST",
		says: "an approach faster than the ramp before it",
		bad: edit(LI, ["approach_degC_per_min: 1", "approach_degC_per_min: 6"]),
		at: { path: `${ANNEAL}.approach_degC_per_min`, value: 6, limit: 5 },
		good: edit(LI, ["approach_degC_per_min: 1", "approach_degC_per_min: 5"]),
	},
	{
		code: "DOSE_BEFORE_PUMP_DOWN",
		says: "a dose before any pump-down",
		bad: edit(LI, [PUMP, ""]),
		at: { path: `${CYCLE}[0].pulse` },
		good: LI,
	},
	{
		code: "DOSE_WITHOUT_FLOW",
		says: "a dose with the carrier shut",
		bad: edit(LI, ["      - flow: { sccm: 100 }\n", ""]),
		at: { path: `${CYCLE}[0].pulse`, value: 0, limit: 5 },
		good: edit(LI, ["sccm: 100", "sccm: 5"]),
	},
	{
		code: "DOSE_BEFORE_STABILISE",
		says: "a dose before the zones have stabilised",
		bad: edit(LI, [
			"      - stabilise: { zones: [tma_line, wall, stage], within_degC: 1, for_s: 300, timeout_s: 5400 }\n",
			"",
		]),
		at: { path: `${CYCLE}[0].pulse`, value: ["tma_line", "wall", "stage"] },
		good: LI,
	},
	{
		code: "DOSE_BEFORE_STABILISE",
		says: "a dose after a new target without waiting for it",
		bad: edit(LI, [
			"  - phase: deposit\n    steps:\n",
			"  - phase: deposit\n    steps:\n      - heat:\n          stage: { to_degC: 130, ramp_degC_per_min: 5 }\n",
		]),
		at: { path: "steps[1].steps[1].repeat.steps[0].pulse", value: ["stage"] },
		good: LI,
	},
	{
		code: "STABILISE_WITHOUT_SETPOINT",
		says: "a wait for a zone that was not sent anywhere",
		bad: edit(LI, ["          wall: { to_degC: 120, ramp_degC_per_min: 10 }\n", ""]),
		at: { path: "steps[0].steps[4].stabilise.zones[1]", value: "wall" },
		good: LI,
	},
	{
		code: "PUMP_DOWN_WITH_FLOW",
		says: "a pump-down against the carrier",
		bad: edit(LI, ["sccm: 0", "sccm: 20"]),
		at: { path: "steps[0].steps[1].pump_down", value: 20, limit: 0 },
		good: LI,
	},
	{
		code: "PUMP_DOWN_WITH_FLOW",
		says: "a pump-down with a flow that nobody set",
		bad: edit(LI, ["      - flow: { sccm: 0 }\n", ""]),
		at: { path: "steps[0].steps[0].pump_down" },
		good: LI,
	},
	{
		code: "PUMP_DOWN_TOO_HIGH",
		says: "a pump-down that ends above the base pressure",
		bad: edit(LI, ["below_torr: 0.1", "below_torr: 0.2"]),
		at: { path: "steps[0].steps[1].pump_down.below_torr", value: 0.2, limit: 0.1 },
		good: edit(LI, ["below_torr: 0.1", "below_torr: 0.05"]),
	},
	{
		code: "FLOW_OUT_OF_RANGE",
		says: "a flow above the controller's range",
		bad: edit(LI, ["sccm: 100", "sccm: 201"]),
		at: { path: "steps[0].steps[2].flow.sccm", value: 201, limit: 200 },
		good: edit(LI, ["sccm: 100", "sccm: 200"]),
	},
	{
		code: "FLOW_OUT_OF_RANGE",
		says: "a flow below what the controller can hold",
		bad: edit(LI, ["sccm: 100", "sccm: 4"]),
		at: { path: "steps[0].steps[2].flow.sccm", value: 4, limit: 5 },
		good: edit(LI, ["sccm: 100", "sccm: 5"]),
	},
	{
		code: "DOSE_FLOW_NOT_MEASURED",
		says: "a dose at a flow at which the chamber's working pressure was not measured",
		bad: edit(LI, ["sccm: 100", "sccm: 101"]),
		at: { path: `${CYCLE}[0].pulse`, value: 101, limit: 100 },
		good: LI,
		lab: { ...lab, workingFlows: { sccmMin: 20, sccmMax: 100 } },
		goodLab: { ...lab, workingFlows: { sccmMin: 20, sccmMax: 100 } },
	},
	{
		code: "HEATING_ORDER",
		says: "a line no warmer than its bottle",
		bad: edit(LI, ["tma_line: { to_degC: 60", "tma_line: { to_degC: 22"]),
		at: { path: `${CYCLE}[0].pulse.precursor`, value: 22, limit: 22 },
		good: edit(LI, ["tma_line: { to_degC: 60", "tma_line: { to_degC: 23"]),
	},
	{
		code: "HEATING_ORDER",
		says: "a wall no warmer than the line",
		bad: edit(
			LI,
			["tma_line: { to_degC: 60", "tma_line: { to_degC: 119.5"],
			["wall: { to_degC: 120", "wall: { to_degC: 119.5"],
		),
		at: { path: `${CYCLE}[0].pulse.precursor`, value: 119.5, limit: 119.5 },
		good: edit(LI, ["tma_line: { to_degC: 60", "tma_line: { to_degC: 119"]),
	},
	{
		code: "CEILING_BELOW_SETPOINT",
		says: "an anneal whose ceiling is below its setpoint",
		bad: edit(LI, ["180.3", "179.9"]),
		at: { path: `${ANNEAL}.never_above_degC`, value: 179.9, limit: 180 },
		good: edit(LI, ["180.3", "180"]),
	},
	{
		code: "CEILING_BELOW_SETPOINT",
		says: "a deposition above the foil's ceiling",
		bad: edit(AL, ["foil_never_above_degC: 140", "foil_never_above_degC: 119"]),
		at: { path: `${HEAT}.stage.to_degC`, value: 120, limit: 119 },
		good: edit(AL, ["foil_never_above_degC: 140", "foil_never_above_degC: 121"]),
	},
	{
		code: "CEILING_ABOVE_ZONE_LIMIT",
		says: "a ceiling above the zone's own limit",
		bad: NA,
		at: { path: `${ANNEAL}.never_above_degC`, value: 98.5, limit: 98.2 },
		good: NA,
		lab: withStage({ limitC: 98.2 }),
	},
	{
		code: "CEILING_MISSING",
		says: "a metal that melts and no ceiling at all",
		bad: edit(AL, ["foil_never_above_degC: 140\n", ""]),
		at: { path: "foil_never_above_degC", limit: 180.5 },
		good: edit(AL, ["foil_never_above_degC: 140\n", ""], ["material: Li", "material: none"]),
	},
	{
		code: "CEILING_ABOVE_MELTING",
		says: "a ceiling above the melting point",
		bad: edit(AL, ["foil_never_above_degC: 140", "foil_never_above_degC: 180.5"]),
		at: { path: "foil_never_above_degC", value: 180.5, limit: 180.5 },
		good: edit(AL, ["foil_never_above_degC: 140", "foil_never_above_degC: 180.4"]),
	},
	{
		code: "FOIL_ABOVE_MELTING",
		says: "heating the foil to its melting point without an anneal",
		bad: edit(NA, ["stage: { to_degC: 65", "stage: { to_degC: 97.8"]),
		at: { path: `${HEAT}.stage.to_degC`, value: 97.8, limit: 97.8 },
		good: NA,
	},
	{
		code: "ANNEAL_ABOVE_MELTING",
		says: "an anneal allowed up to the melting point without a declaration",
		bad: edit(LI, ["180.3", "180.5"]),
		at: { path: `${ANNEAL}.never_above_degC`, value: 180.5, limit: 180.5 },
		good: edit(LI, ["180.3", "180.4"]),
	},
	{
		code: "ANNEAL_ABOVE_MELTING",
		says: "an anneal above melting without a declaration",
		bad: edit(NA, [
			"overrides:\n  - code: ANNEAL_ABOVE_MELTING\n    reason: the process is defined at 98 °C, 0.2 °C above melting\n",
			"",
		]),
		at: { path: `${ANNEAL}.at_degC`, value: 98, limit: 97.8 },
		good: NA,
	},
	{
		code: "ANNEAL_ZONE",
		says: "an anneal of a zone that does not heat the foil",
		bad: edit(LI, ["zone: stage\n          at_degC: 180\n", "zone: wall\n          at_degC: 140\n"]),
		at: { path: `${ANNEAL}.zone`, value: "wall" },
		good: LI,
	},
	{
		code: "H2O_NEAR_MELTING",
		says: "water within 5 °C of melting without an override",
		bad: edit(IN, [
			"overrides:\n  - code: H2O_NEAR_MELTING\n    reason: the corroded layer is what this comparison sample is about\n",
			"",
		]),
		at: { path: `${CYCLE}[2].pulse`, value: 180, limit: 175.5 },
		good: IN,
	},
	{
		code: "H2O_ABOVE_MELTING",
		says: "water on molten metal, declared or not",
		bad: edit(IN, ["stage: { to_degC: 180", "stage: { to_degC: 180.5"]),
		at: { path: `${CYCLE}[2].pulse`, value: 180.5, limit: 180.5 },
		good: IN,
	},
	{
		code: "COOL_UNREACHABLE",
		says: "cooling below the surroundings",
		bad: edit(LI, ["below_degC: 60", "below_degC: 22"]),
		at: { path: "steps[3].steps[0].cool.below_degC", value: 22, limit: 22 },
		good: edit(LI, ["below_degC: 60", "below_degC: 23"]),
	},
	{
		code: "HEATERS_LEFT_ON",
		says: "an end with the heaters on",
		bad: edit(LI, [COOL, ""]),
		at: { path: "steps", value: ["tma_line", "wall", "stage"] },
		good: LI,
	},
	{
		code: "TIMEOUT_TOO_SHORT",
		says: "a time-out shorter than the step takes",
		bad: edit(LI, ["timeout_s: 14400", "timeout_s: 855"]),
		at: { path: "steps[3].steps[0].cool.timeout_s", value: 855, limit: 856 },
		good: edit(LI, ["timeout_s: 14400", "timeout_s: 856"]),
	},
	{
		code: "ZONE_UNKNOWN",
		says: "a zone that the lab does not have",
		bad: edit(LI, ["zone: stage, below", "zone: oven, below"]),
		at: { path: "steps[3].steps[0].cool.zone", value: "oven", limit: ["stage", "wall", "tma_line"] },
		good: LI,
	},
	{
		code: "PRECURSOR_UNKNOWN",
		says: "a precursor that the lab does not have",
		bad: edit(LI, ["precursor: TMA", "precursor: DEZ"]),
		at: { path: `${CYCLE}[0].pulse.precursor`, value: "DEZ", limit: ["TMA", "H2O"] },
		good: LI,
	},
	{
		code: "PRODUCT_PRECURSORS",
		says: "a precursor that the film is not made of",
		bad: edit(LI, ["precursor: TMA", "precursor: DEZ"]),
		at: { path: `${CYCLE}[0].pulse.precursor`, value: "DEZ" },
		good: LI,
	},
	{
		code: "PRODUCT_ROUTE",
		says: "an -ex sample without an anneal",
		bad: edit(AL, ["film: Al2O3, suffix: none", "film: LiAlOx, suffix: ex"]),
		at: { path: "product.suffix", value: "ex" },
		good: LI,
	},
	{
		code: "PRODUCT_ROUTE",
		says: "a suffix that the film does not have",
		bad: edit(AL, ["suffix: none", "suffix: in"]),
		at: { path: "product.suffix", value: "in", limit: ["none"] },
		good: AL,
	},
	{
		code: "PRODUCT_METAL",
		says: "a film on a metal it is not made on",
		bad: edit(LI, ["film: LiAlOx, suffix: ex", "film: NaAlOx, suffix: none"]),
		at: { path: "product.film", value: "NaAlOx", limit: ["Na"] },
		good: LI,
	},
	{
		code: "PRODUCT_WITHOUT_CYCLES",
		says: "a recipe that deposits nothing",
		bad: edit(
			LI,
			[LI.slice(LI.indexOf("  - phase: deposit"), LI.indexOf("  - phase: anneal")), ""],
			[
				"parameters:\n  cycles: { title: Deposition cycles, unit: cycles, min: 1, max: 500, default: 200, integer: true }\n",
				"",
			],
		),
		at: { path: "steps", value: 0, limit: 1 },
		good: LI,
	},
	{
		code: "PURGE_COLDER_THAN_TABLE",
		says: "a deposition colder than any known purge",
		bad: edit(NA, ["wall: { to_degC: 65", "wall: { to_degC: 50"]),
		at: { path: `${CYCLE}[1].purge.for_s`, value: 50, limit: 58 },
		good: edit(
			NA,
			["wall: { to_degC: 65", "wall: { to_degC: 50"],
			["overrides:\n", "overrides:\n  - code: PURGE_COLDER_THAN_TABLE\n    reason: measured on this reactor\n"],
		),
	},
	{
		code: "MATERIAL_UNKNOWN",
		says: "a material without data",
		bad: edit(LI, ["material: Li", "material: Rb"]),
		at: { path: "material", value: "Rb" },
		good: LI,
	},
	{
		code: "FILM_UNKNOWN",
		says: "a film without data",
		bad: edit(LI, ["film: LiAlOx", "film: LiPON"]),
		at: { path: "product.film", value: "LiPON" },
		good: LI,
	},
	{
		code: "PLAN_TOO_LONG",
		says: "more steps than can be run",
		bad: edit(
			LI,
			["times: $cycles", "times: 10000"],
			[
				"            - pulse: { precursor: TMA, ms: 15 }\n",
				`${"            - wait: { for_s: 1 }\n".repeat(10)}            - pulse: { precursor: TMA, ms: 15 }\n`,
			],
		),
		at: { path: "steps[1].steps[0].repeat.times", value: 140_005, limit: 100_000 },
		good: edit(LI, ["times: $cycles", "times: 10000"]),
	},
];

describe("rules refuse", () => {
	for (const { code, says, bad, at, good, lab: facts, goodLab } of CASES) {
		it(`${says} (${code}), and accept what is next to it`, () => {
			const refused = check(bad, { lab: facts ?? lab });
			expect(refused.plan).toBeUndefined();
			expect(refused.problems).toContainEqual(expect.objectContaining({ severity: "error", code, ...at }));
			const problem = refused.problems.find((one) => one.code === code)!;
			expect(problem.line).toBeGreaterThan(0);
			expect(problem.message).toMatch(/^.+\.$/);
			const accepted = check(good, { lab: goodLab ?? lab });
			expect(errors(accepted)).toEqual([]);
			expect(accepted.plan).toBeDefined();
		});
	}
});

describe("launch is asked to acknowledge", () => {
	const acknowledged = (text: string, facts: LabFacts = lab): string[] =>
		check(text, { lab: facts }).acknowledgements.map(({ code }) => code);

	it("nothing for the main recipe on the simulated lab with argon", () => {
		expect(acknowledged(LI)).toEqual([]);
		expect(codes(check(LI))).toEqual([]);
	});

	it("nothing, but says once that no pump can be judged, where the lab file declares no working pressure", () => {
		expect(check(LI, { lab: { ...lab, workingFlows: null } }).problems).toEqual([
			expect.objectContaining({ severity: "warning", code: "WORKING_PRESSURE_UNKNOWN", path: `${CYCLE}[0].pulse` }),
		]);
	});

	it("nitrogen above 160 °C on lithium, at the place that goes there", () => {
		const result = check(LI, { lab: nitrogen });
		expect(result.acknowledgements).toEqual([
			{ code: "N2_ABOVE_160C", reason: expect.stringContaining("180 °C in carrier N2") },
		]);
		expect(result.problems).toEqual([
			expect.objectContaining({
				severity: "warning",
				code: "N2_ABOVE_160C",
				path: `${ANNEAL}.at_degC`,
				value: 180,
				limit: 160,
			}),
		]);
		expect(result.plan?.acknowledgements).toEqual(result.acknowledgements);
		expect(acknowledged(AL, nitrogen)).toEqual([]);
		expect(acknowledged(NA, nitrogen)).toEqual(["ANNEAL_ABOVE_MELTING"]);
	});

	it("that melting is not excluded when the sensor is less certain than the margin", () => {
		expect(acknowledged(LI, withStage({ sensorUncertaintyC: 1.5 }))).toEqual(["MELTING_NOT_EXCLUDED"]);
		expect(acknowledged(LI, withStage({ sensorUncertaintyC: 0.51 }))).toEqual(["MELTING_NOT_EXCLUDED"]);
		expect(acknowledged(LI, withStage({ sensorUncertaintyC: 0.5 }))).toEqual([]);
		expect(check(LI, { lab: withStage({ sensorUncertaintyC: 1.5 }) }).problems[0]).toMatchObject({
			value: 0.5,
			limit: 1.5,
			path: `${ANNEAL}.at_degC`,
		});
	});

	it("compares the margin in decimals, as people write it", () => {
		const close = edit(LI, ["at_degC: 180\n", "at_degC: 180.2\n"]);
		expect(acknowledged(close, withStage({ sensorUncertaintyC: 0.3 }))).toEqual([]);
	});

	it("an anneal above melting that the recipe declares, with its reason", () => {
		expect(check(NA).acknowledgements).toEqual([
			{ code: "ANNEAL_ABOVE_MELTING", reason: expect.stringContaining("the process is defined at 98 °C") },
		]);
	});

	it("water near melting that the recipe declares", () => {
		expect(acknowledged(IN)).toEqual(["H2O_NEAR_MELTING"]);
	});

	it("water from exactly 5 °C below melting on", () => {
		const at = (text: string): string =>
			edit(
				IN,
				["stage: { to_degC: 180", `stage: { to_degC: ${text}`],
				[
					"overrides:\n  - code: H2O_NEAR_MELTING\n    reason: the corroded layer is what this comparison sample is about\n",
					"",
				],
			);
		expect(errors(check(at("175.5")))).toEqual(["H2O_NEAR_MELTING"]);
		expect(errors(check(at("175.4")))).toEqual([]);
	});
});

describe("overrides", () => {
	it("that nothing rests on are named", () => {
		const text = edit(LI, [
			"material: Li\n",
			"material: Li\noverrides:\n  - { code: H2O_NEAR_MELTING, reason: just in case }\n",
		]);
		expect(codes(check(text))).toEqual(["OVERRIDE_UNUSED"]);
	});

	it("of what cannot be overridden do not exist", () => {
		const text = edit(LI, [
			"material: Li\n",
			"material: Li\noverrides:\n  - { code: PURGE_MISSING, reason: no time }\n",
		]);
		expect(check(text).problems[0]).toMatchObject({ code: "VALUE_NOT_ALLOWED", path: "overrides[0].code" });
	});

	it("need a reason", () => {
		expect(
			errors(check(edit(NA, ["    reason: the process is defined at 98 °C, 0.2 °C above melting\n", ""]))),
		).toContain("KEY_MISSING");
	});

	it("let the recipe's own purge stand where the table ends", () => {
		const text = edit(
			NA,
			["wall: { to_degC: 65", "wall: { to_degC: 50"],
			["overrides:\n", "overrides:\n  - code: PURGE_COLDER_THAN_TABLE\n    reason: measured on this reactor\n"],
		);
		expect(check(text).plan?.purgeMinimumS).toEqual({ TMA: 10, H2O: 30 });
	});
});

describe("recipe reference", () => {
	it("has an entry for every code and for none that is not", () => {
		const path = fileURLToPath(new URL("../../docs/recipe-reference.md", import.meta.url));
		const entries = [...readFileSync(path, "utf8").matchAll(/^\| `([A-Z0-9_]+)` *\| (\w+) *\|/gm)].map(
			([, code, effect]) => [code, effect],
		);
		expect(Object.fromEntries(entries)).toEqual(RULE_CODES);
		expect(entries).toHaveLength(Object.keys(RULE_CODES).length);
	});
});
