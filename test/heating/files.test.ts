import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { AdlayerError } from "#core/errors.js";
import { parseModelFile } from "#heating/model-file.js";
import { readTestFile } from "#heating/test-file.js";
import { adlayer } from "../cli/support.js";
import { every, heaterTest } from "./support.js";

const folders: string[] = [];
afterEach(() => {
	for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});
function fileWith(name: string, text: string): string {
	const folder = mkdtempSync(join(tmpdir(), "adl-tune-"));
	folders.push(folder);
	writeFileSync(join(folder, name), text);
	return join(folder, name);
}

const DATA = heaterTest(
	{ gainCPerPercent: 2, timeConstantS: 600, deadTimeS: 20 },
	{ timeS: every(5, 3000), power: (atS) => (atS < 200 ? 10 : 60), noiseC: 0.1, resolutionC: 0.1 },
);
const rows = (cells: (i: number) => readonly (string | number)[], delimiter: string) =>
	DATA.timeS.map((_, i) => cells(i).join(delimiter));
const PLAIN = [
	"time_s,power_percent,temperature_degC",
	...rows((i) => [DATA.timeS[i]!, DATA.powerPercent[i]!, DATA.temperatureC[i]!.toFixed(1)], ","),
].join("\n");
const comma = (value: number, digits: number) => value.toFixed(digits).replace(".", ",");

describe("the table of a test", () => {
	it.each([
		["without header", PLAIN.split("\n").slice(1).join("\n")],
		[
			"with semicolons, decimal commas, minutes and °F, in German",
			[
				"\uFEFFZeit [min];Leistung (%);Temperatur °F",
				...rows(
					(i) => [comma(DATA.timeS[i]! / 60, 5), DATA.powerPercent[i]!, comma(DATA.temperatureC[i]! * 1.8 + 32, 2)],
					";",
				),
			].join("\r\n"),
		],
		[
			"with tabs, kelvin and another order of columns",
			[
				"T [K]\tsetpoint temp\toutput\ttime/s",
				...rows((i) => [DATA.temperatureC[i]! + 273.15, 150, DATA.powerPercent[i]!, DATA.timeS[i]!], "\t"),
			]
				.join("\n")
				.replace("T [K]", "temperature [K]"),
		],
		[
			"with times of day",
			[
				"timestamp,output,PV",
				...rows(
					(i) => [new Date(1.7e12 + DATA.timeS[i]! * 1000).toISOString(), DATA.powerPercent[i]!, DATA.temperatureC[i]!],
					",",
				),
			].join("\n"),
		],
	])("is read %s", (_what, text) => {
		const { data, defectRows } = readTestFile(text);
		expect(defectRows).toBe(0);
		expect(data.timeS.length).toBe(DATA.timeS.length);
		expect(data.timeS[100]!).toBeCloseTo(500, 1);
		expect(data.powerPercent[100]).toBe(60);
		expect(data.temperatureC[100]!).toBeCloseTo(DATA.temperatureC[100]!, 1);
	});

	it("takes columns, units and full power from flags", () => {
		const text = [
			"a,b,c",
			...rows((i) => [DATA.temperatureC[i]!, DATA.powerPercent[i]! * 4, DATA.timeS[i]! * 1000], ","),
		].join("\n");
		const { data } = readTestFile(text, { time: "c", power: "2", temperature: "a", timeUnit: "ms", powerFull: 400 });
		expect(data.timeS[10]).toBeCloseTo(50, 6);
		expect(data.powerPercent[100]).toBe(60);
	});

	it("leaves defective rows out and names each by row and column", () => {
		const lines = PLAIN.split("\n");
		lines[10] = "45,60,";
		lines[20] = "x,60,99";
		lines[30] = lines[29]!;
		lines[40] = "195,160,99";
		lines[50] = "245,60,5000";
		const { defects, defectRows, data } = readTestFile(lines.join("\n"));
		expect(defectRows).toBe(5);
		expect(data.timeS.length).toBe(DATA.timeS.length - 5);
		expect(defects.map(({ row, code }) => [row, code])).toEqual([
			[11, "CELL_MISSING"],
			[21, "NOT_A_NUMBER"],
			[31, "TIME_NOT_RISING"],
			[41, "POWER_OUT_OF_RANGE"],
			[51, "TEMPERATURE_IMPOSSIBLE"],
		]);
		expect(defects[1]).toMatchObject({ column: "time_s", message: 'Row 21: time "x" is no number.' });
	});

	it("is refused with all reasons when its columns cannot be told, or too much is defective", () => {
		const problems = (text: string, options = {}): string => {
			try {
				readTestFile(text, options);
			} catch (thrown) {
				return (thrown as AdlayerError).problems.map(({ message }) => message).join(" ");
			}
			return "";
		};
		expect(problems("a,b,c\n1,2,3\n")).toMatch(/No header says time.*No header says power.*No header says temperature/);
		expect(problems("time,power,temp1,temp2\n1,2,3,4\n")).toMatch(/Several headers say temperature: temp1, temp2/);
		expect(problems("time_s,power_W,temp\n1,2,3\n")).toMatch(/is in W: say what full power is/);
		expect(problems("time,power,temp\n1,2,x\n2,y,3\n3,4,5\n")).toMatch(/2 of 3 rows are defective/);
		expect(problems("nothing here")).toMatch(/1 rows with content/);
		expect(problems("time power temp\n1 2 3\n")).toMatch(/no three columns/);
		expect(problems(PLAIN, { power: "heat" })).toMatch(/no column heat for the power/);
	});
});

describe("adlayer tune --from", () => {
	it("prints the parameters, writes a model file that can be read back, and a plot", async () => {
		const path = fileWith("stage-test.csv", PLAIN);
		const { code, json } = await adlayer(["tune", "stage", "--from", path, "--json"]);
		expect(code).toBe(0);
		const { model, controller, files, residuals, ok } = json as never as Record<string, Record<string, never>> & {
			ok: boolean;
		};
		expect(ok).toBe(true);
		const value = (name: string) => (model![name] as unknown as { value: number }).value;
		expect(Math.abs(value("gain_degC_per_percent") / 2 - 1)).toBeLessThan(0.05);
		expect(Math.abs(value("time_constant_s") / 600 - 1)).toBeLessThan(0.05);
		expect(Math.abs(value("dead_time_s") / 20 - 1)).toBeLessThan(0.05);
		expect(residuals!.rms_degC).toBeLessThan(0.12);
		const read = parseModelFile(readFileSync(files!.model!, "utf8"));
		expect(read.zone).toBe("stage");
		expect(read.model.gainCPerPercent).toBe(value("gain_degC_per_percent"));
		expect(read.controller.proportionalBandC).toBe(controller!.proportional_band_degC);
		expect(read.date).toMatch(/^\d{4}-\d{2}-\d{2}T/);
		const plot = readFileSync(files!.plot!, "utf8");
		expect(plot).toMatch(/^<svg/);
		expect(plot).toContain("measured - model");
	});

	it("answers 2 for a file that is not there or shows no heater", async () => {
		expect((await adlayer(["tune", "--from", "/nowhere.csv", "--json"])).code).toBe(2);
		const flat = fileWith(
			"flat.csv",
			`time,power,temperature\n${every(1, 50)
				.map((t) => `${t},5,50`)
				.join("\n")}`,
		);
		const { code, json } = await adlayer(["tune", "--from", flat, "--json"]);
		expect(code).toBe(2);
		expect(json.error).toMatchObject({ code: "TUNE_DATA_INVALID" });
		expect(json.error.message).toMatch(/power is 5 % in all rows/);
	});
});

it("a model file with wrong values is refused with every problem", () => {
	const text = "adlayer: heater-model/2\nzone: stage\nmodel:\n  gain_degC_per_percent: { value: -2 }\n";
	expect(() => parseModelFile(text)).toThrow(
		/heater-model\/1.*date is missing.*gain_degC_per_percent.value is -2.*time_constant_s/s,
	);
	expect(() => parseModelFile("a: [")).toThrow(/not valid YAML/);
});
