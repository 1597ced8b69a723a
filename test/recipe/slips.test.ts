/** Recipes that try to get past a rule by the letter: each is refused, and what is honest next to it is not. */
import { describe, expect, it } from "vitest";
import { check, edit, errors, lab, recipeText } from "./support.js";

const LI = recipeText("li-two-step");
const NA = recipeText("na-two-step");
const UNLOAD = recipeText("unload");
const T = "- pulse: { precursor: TMA, ms: 15 }";
const H = "- pulse: { precursor: H2O, ms: 15 }";
const P = "- purge: { for_s: 15 }";
const HOT_STAGE = (toC: number) =>
	edit(
		UNLOAD,
		["material: none", "material: Li\nfoil_never_above_degC: 180"],
		[
			"      - flow: { sccm: 20 }\n",
			`      - flow: { sccm: 20 }\n      - heat: { stage: { to_degC: ${toC}, ramp_degC_per_min: 1 } }\n`,
		],
		[
			"  - phase: fill\n    steps:\n",
			"  - phase: fill\n    steps:\n      - cool: { zone: stage, below_degC: 35, timeout_s: 14400 }\n",
		],
	);

const COLD_WALL = edit(
	NA,
	["wall: { to_degC: 65", "wall: { to_degC: 55"],
	["overrides:\n", "overrides:\n  - code: PURGE_COLDER_THAN_TABLE\n    reason: measured on this reactor\n"],
);
const EMPTY_LOOPS = `      - repeat: { times: 10000, steps: [${Array(10).fill("{ wait: { for_s: 1 } }").join(", ")}] }\n`;

const CASES: readonly { says: string; bad: string; code: string; at: object; good: string }[] = [
	{
		says: "zones that count as stabilised within a band as wide as their way",
		bad: edit(LI, ["within_degC: 1, for_s: 300", "within_degC: 50, for_s: 300"]),
		code: "DOSE_BEFORE_STABILISE",
		at: { path: "steps[1].steps[0].repeat.steps[0].pulse", value: ["tma_line", "wall", "stage"] },
		good: edit(LI, ["within_degC: 1, for_s: 300", "within_degC: 5, for_s: 10"]),
	},
	{
		says: "zones that count as stabilised at the first glance",
		bad: edit(LI, ["for_s: 300, timeout_s: 5400", "for_s: 0, timeout_s: 5400"]),
		code: "DOSE_BEFORE_STABILISE",
		at: { limit: { within_degC: 5, for_s: 10 } },
		good: edit(LI, [
			"      - stabilise",
			"      - stabilise: { zones: [stage], within_degC: 20, for_s: 0, timeout_s: 5400 }\n      - stabilise",
		]),
	},
	{
		says: "no purge at all in a chamber colder than any purge is known for",
		bad: edit(COLD_WALL, ["for_s: 30 }", "for_s: 0 }"]),
		code: "PURGE_TOO_SHORT",
		at: { path: "steps[1].steps[0].repeat.steps[3].purge.for_s", value: 0, limit: 30 },
		good: COLD_WALL,
	},
	{
		says: "water from a line that is emptied over lithium near its melting point",
		bad: HOT_STAGE(176),
		code: "H2O_NEAR_MELTING",
		at: { path: "steps[1].steps[3].line_evacuate", value: 176, limit: 175.5 },
		good: HOT_STAGE(175),
	},
	{
		says: "an anneal that counts far from its temperature",
		bad: edit(LI, ["within_degC: 0.5\n", "within_degC: 5.1\n"]),
		code: "VALUE_OUT_OF_RANGE",
		at: { path: "steps[2].steps[0].anneal.within_degC", limit: 5 },
		good: LI,
	},
	{
		says: "an anneal of no time",
		bad: edit(LI, ["for_s: 1800", "for_s: 0"]),
		code: "VALUE_OUT_OF_RANGE",
		at: { path: "steps[2].steps[0].anneal.for_s", limit: 0 },
		good: LI,
	},
	{
		says: "a hold above the melting point, which has no end",
		bad: edit(NA, ["material: Na\n", "material: Na\nhold_degC: 97.8\n"]),
		code: "FOIL_ABOVE_MELTING",
		at: { path: "hold_degC", value: 97.8, limit: 97.8 },
		good: edit(NA, ["material: Na\n", "material: Na\nhold_degC: 90\n"]),
	},
	{
		says: "a chamber opened over a hot foil",
		bad: edit(UNLOAD, ["foil_below_degC: 40", "foil_below_degC: 51"]),
		code: "BACKFILL_HOT",
		at: { path: "steps[2].steps[3].backfill.foil_below_degC", value: 51, limit: 50 },
		good: edit(UNLOAD, ["foil_below_degC: 40", "foil_below_degC: 50"]),
	},
	{
		says: "an override whose reason says nothing",
		bad: edit(NA, [/reason: .*/.exec(NA)![0], 'reason: " . "']),
		code: "VALUE_NOT_ALLOWED",
		at: { path: "overrides[0].reason" },
		good: edit(NA, [/reason: .*/.exec(NA)![0], "reason: as published"]),
	},
	{
		says: "an override with two reasons",
		bad: edit(NA, ["overrides:\n", "overrides:\n  - code: ANNEAL_ABOVE_MELTING\n    reason: as published\n"]),
		code: "VALUE_NOT_ALLOWED",
		at: { path: "overrides[1].code" },
		good: NA,
	},
	{
		says: "numbers that another YAML reads otherwise",
		bad: `%YAML 1.1\n---\n${edit(LI, ["ms: 15 }", "ms: 017 }"])}`,
		code: "YAML_INVALID",
		at: { line: 1, value: "1.1", limit: "1.2" },
		good: `%YAML 1.2\n---\n${LI}`,
	},
	{
		says: "a text that a tag makes a number",
		bad: edit(LI, ["ms: 15 }", 'ms: !!int "15" }']),
		code: "YAML_TAG",
		at: { line: 33, value: "tag:yaml.org,2002:int" },
		good: LI,
	},
	{
		says: "many repeats, each of which is short enough",
		bad: edit(LI, ["      - flow: { sccm: 0 }\n", `      - flow: { sccm: 0 }\n${EMPTY_LOOPS.repeat(20)}`]),
		code: "PLAN_TOO_LONG",
		at: { path: "steps[0].steps[1].repeat.times", limit: 100_000 },
		good: LI,
	},
];

describe("no way past a rule is", () => {
	it.each(CASES.map((one) => [one.says, one] as const))("%s", (_says, { bad, code, at, good }) => {
		const refused = check(bad);
		expect(refused.plan).toBeUndefined();
		expect(refused.problems).toContainEqual(expect.objectContaining({ code, severity: "error", ...at }));
		expect(errors(check(good))).toEqual([]);
	});

	it("another name for the water bottle", () => {
		const two = { ...lab, precursors: { ...lab.precursors, "H2O-2": lab.precursors.H2O! } };
		const bad = edit(HOT_STAGE(176), ["precursors: [TMA, H2O]", "precursors: [TMA, H2O-2]"]);
		expect(errors(check(bad, { lab: two }))).toContain("H2O_NEAR_MELTING");
	});

	it("an acknowledgement that does not say how hot the foil may get", () => {
		const [one] = check(edit(NA, ["never_above_degC: 98.5", "never_above_degC: 150"])).acknowledgements;
		expect(one!.reason).toContain("The anneal at 98 °C, allowed up to 150 °C, is not below the melting point of Na");
	});
});

/** A repeat of these lines, so many spaces deep. */
const loop = (times: number, lines: readonly string[], indent = 6): string => {
	const space = " ".repeat(indent);
	const inside = lines.map((line) => (line.startsWith(" ") ? line : `${space}      ${line}\n`)).join("");
	return `${space}- repeat:\n${space}    times: ${times}\n${space}    steps:\n${inside}`;
};
const deposited = (steps: string): string =>
	edit(
		LI,
		[LI.slice(LI.indexOf("      - repeat:"), LI.indexOf("  - phase: anneal")), `${steps}\n`],
		[/parameters:\n.*\n/.exec(LI)![0], ""],
	);
const lines = (...steps: readonly string[]): string => steps.map((step) => `      ${step}\n`).join("");

describe("a cycle", () => {
	it.each([
		["doses in any order and number", loop(20, [T, P, T, P, H, P]), 20],
		["that ends as it began is one", loop(20, [T, P, H, P, H, P, T, P]), 20],
		["is a turn of the repeat around half-cycles", loop(20, [loop(4, [T, P], 12), loop(3, [H, P], 12)]), 20],
		["is a turn of the innermost whole repeat", loop(5, [loop(4, [T, P, H, P], 12), "- wait: { for_s: 9 }"]), 20],
	])("%s", (_says, steps, cycles) => {
		const { plan } = check(deposited(steps));
		expect(plan).toMatchObject({ cyclesOrdered: cycles, product: `Li@${cycles}LiAlOx-ex`, thicknessNm: cycles / 4 });
	});

	it.each([
		["of which a turn makes two", loop(20, [T, P, H, P, T, P, H, P]), "CYCLE_TWICE", "steps[1].steps[0].repeat"],
		[
			"whose halves are in two repeats",
			loop(20, [T, P]) + loop(1, [H, P]),
			"CYCLE_UNCOUNTED",
			"steps[1].steps[0].repeat.steps[0].pulse",
		],
		["in no repeat", loop(20, [T, P, H, P]) + lines(T, P, H, P), "CYCLE_UNCOUNTED", "steps[1].steps[1].pulse"],
		[
			"beside other cycles in a turn",
			loop(20, [T, P, H, P, loop(3, [T, P, H, P], 12)]),
			"CYCLE_UNCOUNTED",
			"steps[1].steps[0].repeat.steps[0].pulse",
		],
	])("%s is refused: its sample would have a wrong name", (_says, steps, code, path) => {
		const { plan, problems } = check(deposited(steps));
		expect(plan).toBeUndefined();
		expect(problems).toContainEqual(expect.objectContaining({ code, path, severity: "error" }));
	});

	it("does not count what prepares the surface, and says so", () => {
		const { plan, problems } = check(deposited(loop(10, [T, P]) + loop(20, [T, P, H, P])));
		expect(plan).toMatchObject({ cyclesOrdered: 20, pulses: { TMA: 30, H2O: 20 }, product: "Li@20LiAlOx-ex" });
		expect(problems).toMatchObject([
			{ code: "DOSE_OUTSIDE_CYCLE", severity: "warning", path: "steps[1].steps[0].repeat.steps[0].pulse" },
		]);
	});
});
