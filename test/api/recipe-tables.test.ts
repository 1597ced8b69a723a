import { afterEach, expect, it } from "vitest";
import { recipeText } from "../recipe/support.js";
import { world } from "./world.js";

let opened: Awaited<ReturnType<typeof world>>;
afterEach(() => opened.app.close());

const MAPPING = {
	adlayer: "savannah/1",
	flow: { 0: "carrier" },
	heater: { 12: "wall", 13: "stage", 17: "tma_line" },
	valve: { 0: "TMA", 1: "H2O" },
	recipe: {
		material: "Li",
		product: { film: "Al2O3", suffix: "none" },
		foil_never_above_degC: 140,
		ramp_degC_per_min: 10,
		stabilise: { within_degC: 1, for_s: 300, timeout_s: 5400 },
		pump_down: { below_torr: 0.1, timeout_s: 900 },
		cool: { zone: "stage", below_degC: 60, timeout_s: 14_400 },
	},
};

async function open() {
	opened = await world();
	return async (path: string, payload: object) => {
		const answer = await opened.app.inject({ method: "POST", url: `/api/v1/recipes/${path}`, payload });
		return { status: answer.statusCode, body: answer.json() };
	};
}

it("a recipe goes out as a table and comes in again as it was, by bytes and by text", async () => {
	const post = await open();
	const recipe = recipeText("li-al2o3");
	const out = await post("export", { recipeText: recipe, set: { cycles: 30 }, mapping: MAPPING, lineBase: 1 });
	expect(out).toMatchObject({ status: 200, body: { lines: 12, lineBase: 1 } });
	expect(out.body.text).toContain("heater\t17\t60\t°C\r\n");
	expect(out.body.text).toMatch(/goto\t8\t30\tcycles\r\n$/);
	const bytes = Buffer.from(out.body.base64, "base64");
	expect(bytes.toString("latin1")).toBe(out.body.text);
	for (const table of [{ tableBase64: out.body.base64 }, { table: out.body.text }]) {
		const back = await post("import", { ...table, mapping: MAPPING, lineBase: 1 });
		expect(back).toMatchObject({ status: 200, body: { ok: true, lineBase: 1, blankLines: "counted", problems: [] } });
		const again = await post("export", { recipeText: back.body.text, mapping: MAPPING, lineBase: 1 });
		expect(again.body.base64).toBe(out.body.base64);
	}
});

it("a table that cannot be translated is refused by its lines", async () => {
	const post = await open();
	const table = "flow\t0\t20\tsccm\r\nplasma\t300\tWatts\r\nwait\t\tsoon\r\n";
	const { status, body } = await post("import", { table, mapping: MAPPING, lineBase: 0 });
	expect(status).toBe(422);
	expect(body).toMatchObject({ code: "TABLE_INVALID" });
	expect(body.problems.map(({ line, code }: { line: number; code: string }) => `${line} ${code}`)).toEqual([
		"2 TABLE_UNTRANSLATABLE",
		"3 TABLE_FIELD",
	]);
	expect((await post("import", { table, mapping: { adlayer: "savannah/1", vent: 1 } })).body.problems).toMatchObject([
		{ code: "KEY_UNKNOWN", path: "vent" },
	]);
});

it("a recipe that a table has no words for is refused by its steps", async () => {
	const post = await open();
	const { status, body } = await post("export", {
		recipeText: recipeText("leak-check"),
		mapping: MAPPING,
		lineBase: 0,
	});
	expect(status).toBe(422);
	expect(body.problems[0]).toMatchObject({
		code: "TABLE_CANNOT_SAY",
		line: expect.any(Number),
		path: expect.any(String),
	});
});

it("says which of the two forms is missing, or that there are both", async () => {
	const post = await open();
	for (const [payload, path] of [
		[{ mapping: MAPPING }, "body.table"],
		[{ table: "a", tableBase64: "YQ==", mapping: MAPPING }, "body.table"],
		[{ tableBase64: "not base 64", mapping: MAPPING }, "body.tableBase64"],
		[{ table: "wait\t\t1" }, "body.mapping"],
	] as const) {
		const { status, body } = await post("import", payload);
		expect([status, body.code, body.problems[0].path]).toEqual([400, "USAGE", path]);
	}
});
