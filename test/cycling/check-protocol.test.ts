import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { checkProtocol, isProtocol, programFor } from "#cycling/check-protocol.js";
import { PROTOCOL_SCHEMA } from "#cycling/protocol-schema.js";
import { rangeRefusals } from "#device/cycler-refusals.js";
import { decodeSteps, encodeSteps } from "#drivers/neware-bts8/steps.js";
import { adlayer } from "../cli/support.js";

const FOLDER = join(import.meta.dirname, "../../recipes/protocols");
const SHIPPED = readdirSync(FOLDER);
const read = (file: string): string => readFileSync(join(FOLDER, file), "utf8");
/** A 16 mm electrode; 5 mg of active mass. */
const CELL = { areaCm2: 2.01, activeMassG: 0.005 };

const GOOD = `adlayer: protocol/1
name: test
title: A test
version: "1"
cell: symmetric
window: { min_V: -1, max_V: 1 }
limits: { hours: 10, current_A: 0.002, capacity_Ah: 0.002 }
record_s: 1
steps:
  - rest: { for_s: 60 }
  - repeat:
      times: 2
      steps:
        - constant_current: { current_A: 0.001, until: { capacity_Ah: 0.001, voltage_V: 1 } }
        - constant_current: { current_A: -0.001, until: { time_s: 3600 } }
`;
const found = (text: string): [string, number | undefined, number | undefined][] =>
	checkProtocol(text, "test.yaml").problems.map(({ code, line, column }) => [code, line, column]);

describe("the shipped protocols", () => {
	it("are those of the paper's table", () => {
		expect(SHIPPED.map((file) => file.replace(".protocol.yaml", ""))).toEqual([
			"li-350um-1ma",
			"li-350um-3ma",
			"li-40um-1ma",
			"li-40um-3ma",
			"li-film-1ma",
			"li-film-5ma",
			"li-lfp",
			"li-o2-0.1ma",
			"na-1ma",
			"na-3ma",
		]);
	});

	it.each(SHIPPED)("%s is accepted, by editors too, and says what it needs of a cell", (file) => {
		const text = read(file);
		const check = checkProtocol(text, file);
		expect(check.problems).toEqual([]);
		expect(`${check.protocol}.protocol.yaml`).toBe(file);
		expect(check.needs).toEqual({ area: file !== "li-lfp.protocol.yaml", activeMass: file === "li-lfp.protocol.yaml" });
		expect(check.nominalHours).toBeGreaterThan(120);
		const valid = new Ajv({ strict: false }).compile(
			JSON.parse(readFileSync(join(FOLDER, "../protocol.schema.json"), "utf8")) as object,
		);
		expect(valid(parse(text))).toBe(true);
	});

	it.each(SHIPPED)("%s becomes steps that a Neware cycler reads back as the same", (file) => {
		const { program } = checkProtocol(read(file), file, CELL);
		const steps = decodeSteps(encodeSteps(program!, "cell", { guid: "g", date: "20260101000000" }))!;
		expect(steps.voltageVMin).toBe(program!.limits.voltageVMin);
		const currents = steps.steps.flatMap((step) => (step.kind === "cc" ? [step.currentA] : []));
		const asked = JSON.stringify(program!.steps)
			.match(/"currentA":-?[\d.e-]+/g)!
			.map((text) => Number(text.split(":")[1]));
		expect(currents).toEqual(asked.map((current) => expect.closeTo(current, 9)));
	});

	it("scale with the cell: mA cm-2 by its area, C by its active mass", () => {
		const { program: symmetric } = checkProtocol(read("li-350um-3ma.protocol.yaml"), "", CELL);
		expect(symmetric!.steps[1]).toMatchObject({
			times: 600,
			steps: [
				{ currentA: expect.closeTo(0.00603, 9), ends: { capacityAh: expect.closeTo(0.00201, 9), voltageV: 2 } },
				{ currentA: expect.closeTo(-0.00603, 9), ends: { voltageV: -2 } },
			],
		});
		const { program: full } = checkProtocol(read("li-lfp.protocol.yaml"), "", CELL);
		expect(full!.steps[2]).toMatchObject({ steps: [{ currentA: expect.closeTo(0.005 * 0.17, 9) }, {}] });
	});
});

describe("a protocol", () => {
	it("is told from a recipe by what it says it is", () => {
		expect(isProtocol(GOOD)).toBe(true);
		expect(isProtocol("adlayer: recipe/1\n")).toBe(false);
		expect(isProtocol("{")).toBe(false);
	});

	it("in A and Ah needs nothing of the cell, and its longest time is known", () => {
		const check = checkProtocol(GOOD, "test.yaml");
		expect(check.problems).toEqual([]);
		expect(check.needs).toEqual({ area: false, activeMass: false });
		expect(check.program).toMatchObject({ protocol: "test", cell: "symmetric", recordS: 1 });
		expect(check.nominalHours).toBeCloseTo(4 + 1 / 60, 9);
	});

	it.each(["window", "limits", "record_s", "cell"])("without %s is refused: nothing is assumed in its place", (key) => {
		const text = GOOD.split("\n")
			.filter((line) => !line.startsWith(`${key}:`))
			.join("\n");
		expect(found(text)).toContainEqual(["KEY_MISSING", 1, 1]);
	});

	it("without a limit of current or capacity is refused", () => {
		const text = GOOD.replace(", current_A: 0.002, capacity_Ah: 0.002", "");
		expect(found(text)).toEqual([
			["CHOOSE_ONE", 7, 1],
			["CHOOSE_ONE", 7, 1],
		]);
	});

	it("has all of its problems named at once, each at its place", () => {
		const text = GOOD.replace("max_V: 1 }", "max_V: 1, mid_V: 0 }")
			.replace("for_s: 60", "for_s: -60")
			.replace("voltage_V: 1 }", "voltage_V: 1.5 }")
			.replace("current_A: -0.001, until: { time_s: 3600 }", "until: {}");
		expect(found(text)).toEqual([
			["KEY_UNKNOWN", 6, 32],
			["VALUE_OUT_OF_RANGE", 10, 20],
			["VOLTAGE_OUTSIDE_WINDOW", 14, 89],
			["CHOOSE_ONE", 15, 11],
			["VALUE_NOT_ALLOWED", 15, 31],
			["STEP_WITHOUT_END", 15, 31],
		]);
	});

	it.each([
		["a current above its limit", "current_A: 0.001,", "current_A: 0.003,", "CURRENT_ABOVE_LIMIT"],
		["a capacity above its limit", "capacity_Ah: 0.001,", "capacity_Ah: 0.003,", "CAPACITY_ABOVE_LIMIT"],
		["a current of 0", "current_A: 0.001,", "current_A: 0,", "CURRENT_ZERO"],
		["a one-sided window of a symmetric cell", "min_V: -1", "min_V: 0", "WINDOW_ONE_SIDED"],
		["an empty window", "min_V: -1", "min_V: 1", "WINDOW_EMPTY"],
		["more hours than it may take", "hours: 10", "hours: 3", "PROTOCOL_TOO_LONG"],
		["a rate without its reference", "current_A: 0.001,", "rate_C: 1,", "RATE_UNDEFINED"],
		["two currents", "current_A: 0.001,", "current_A: 0.001, current_mA_per_cm2: 1,", "CHOOSE_ONE"],
		["an end that never comes", "{ time_s: 3600 }", "{ time_s: 3600, current_A: 0.0001 }", "END_NEVER_COMES"],
		[
			"two actions in a step",
			"- rest: { for_s: 60 }",
			"- { rest: { for_s: 60 }, repeat: { times: 1, steps: [] } }",
			"CHOOSE_ONE",
		],
		["another version", "protocol/1", "protocol/2", "VALUE_NOT_ALLOWED"],
	])("with %s is refused", (_what, from, to, code) => {
		expect(GOOD).toContain(from);
		expect(found(GOOD.replace(from, to)).map(([each]) => each)).toContain(code);
	});

	it("is refused for a cell whose area is not known", () => {
		const check = checkProtocol(read("na-1ma.protocol.yaml"), "");
		expect(programFor(check, { areaCm2: null, activeMassG: 0.005 })).toEqual({
			problem: {
				severity: "error",
				code: "CELL_FACT_MISSING",
				message: "na-1ma uses current_mA_per_cm2, and the cell's area is not known.",
			},
		});
	});

	it("is refused by a channel that cannot run it, with every reason", () => {
		const { program } = checkProtocol(GOOD, "");
		const range = { voltageVMin: 0, voltageVMax: 0.5, currentAMax: 0.0005 };
		expect(rangeRefusals("bench.c1", range, program!).map(({ message }) => message)).toEqual([
			"A symmetric cell goes below 0 V, and bench.c1 has no negative range (0 to 0.5 V).",
			"The window begins at -1 V, bench.c1 at 0 V.",
			"The window ends at 1 V, bench.c1 at 0.5 V.",
			"The protocol needs 0.001 A, bench.c1 has 0.0005 A.",
		]);
	});

	it("has a schema for editors that is equal to the program's", () => {
		const file = readFileSync(join(FOLDER, "../protocol.schema.json"), "utf8");
		expect(JSON.parse(file)).toEqual(JSON.parse(JSON.stringify(PROTOCOL_SCHEMA)));
	});
});

describe("adlayer check", () => {
	it("recognises a protocol and says what it needs", async () => {
		const { code, json } = await adlayer(["check", "recipes/protocols/li-lfp.protocol.yaml", "--json"]);
		expect(code).toBe(0);
		expect(json).toMatchObject({
			ok: true,
			protocol: "li-lfp",
			problems: [],
			needs: { area: false, activeMass: true },
		});
	});

	it("judges it for a cell, and refuses what is no fact of one", async () => {
		const file = "recipes/protocols/na-1ma.protocol.yaml";
		expect((await adlayer(["check", file, "--set", "area_cm2=1.27", "--json"])).json).toMatchObject({ ok: true });
		const lacking = await adlayer(["check", file, "--set", "mass_g=0.01", "--json"]);
		expect([lacking.code, lacking.json.ok]).toEqual([1, false]);
		expect((await adlayer(["check", file, "--set", "cycles=3", "--json"])).json.error.code).toBe("USAGE");
		expect((await adlayer(["check", file, "--set", "area_cm2=-1", "--json"])).json.error.code).toBe("USAGE");
	});
});
