/** What must have been seen at a real reactor before it doses, and whose record stops to count. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { commissioningFile, commissioningTests, dueTests } from "#src/commissioning.js";
import { loadLabFile, parseLabFile } from "#src/config.js";
import { adlayer } from "./cli/support.js";

const LABS = resolve(import.meta.dirname, "../recipes/labs");
const FILE = join(LABS, "simulated.lab.yaml");
const TEXT = readFileSync(FILE, "utf8");
const REACTOR = [
	"over-temperature-cut-out",
	"precursor-supply",
	"mutual-exclusion",
	"emergency-stop",
	"working-pressure",
	"unpowered",
].map((name) => `reactor.${name}`);

let folder: string;
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), "adl-commission-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("commissioning", () => {
	it.each([
		["simulated", ["stage.fall-back", "wall.fall-back", "tma_line.fall-back", "io.watchdog", "carrier.goes-on"]],
		[
			"second-sources",
			["stage", "wall", "tma_line"]
				.map((zone) => `${zone}.independent-cut-out`)
				.concat("io.watchdog", "carrier.goes-on"),
		],
	])("asks of the %s lab for the dead-man of each instrument, and for what is hardwired", (lab, instruments) => {
		const due = dueTests(loadLabFile(join(LABS, `${lab}.lab.yaml`)), []);
		expect(due.toSorted()).toEqual([...instruments, ...REACTOR].toSorted());
	});

	it("names outputs, lines, times and limits as the lab file has them", () => {
		const tests = commissioningTests(loadLabFile(FILE), []);
		const see = (name: string) => tests.find((test) => test.name === name)!.see;
		expect(see("io.watchdog")).toBe("within 2 s, at the lines: TMA (DIO2), H2O (DIO3) low, stop high");
		expect(see("stage.fall-back")).toContain("within 5 s it works to its local setpoint, 40 degC at most");
	});

	it("is asked for anew where what was tested is another, and there alone", () => {
		const lab = loadLabFile(FILE);
		const records = commissioningTests(lab, []).map(({ name, of }) => ({
			test: name,
			of,
			date: "2026-11-02",
			by: "a",
		}));
		expect(dueTests(lab, records)).toEqual([]);
		const changed = (from: string, to: string) => {
			expect(TEXT).toContain(from);
			return dueTests(parseLabFile(TEXT.replace(from, to), FILE), records);
		};
		expect(changed("title: ", "title: Another ")).toEqual([]);
		expect(changed("watchdog_s: 2", "watchdog_s: 3")).toEqual(["io.watchdog", "reactor.unpowered"]);
		expect(changed("limit_degC: 190", "limit_degC: 188")).toEqual([
			"reactor.over-temperature-cut-out",
			"reactor.emergency-stop",
		]);
	});

	it.each(["", "  ", "a\nb", "x".repeat(101)])("notes nothing down for one whose name is %j", async (by) => {
		const order = ["commission", "--lab", FILE, "--data", folder, "--json", "--seen", "io.watchdog", "--by", by];
		const { code, json } = await adlayer(order);
		expect(code).toBe(2);
		expect(json.error).toMatchObject({
			code: "USAGE",
			message: expect.stringContaining("1 to 100 characters in one line"),
		});
		expect(dueTests(loadLabFile(FILE), commissioningFile(folder).load() ?? [])).toContain("io.watchdog");
	});

	it("lists, notes down with date and name, and is done when nothing is due", async () => {
		const run = (...more: string[]) => adlayer(["commission", "--lab", FILE, "--data", folder, "--json", ...more]);
		const first = await run();
		expect(first.code).toBe(1);
		expect(first.json).toMatchObject({ ok: false, due: 11 });
		expect(first.stderr).toContain("io.watchdog: DUE");
		const wrong = await run("--seen", "io.watchdgo");
		expect([wrong.code, wrong.json.error.code]).toEqual([2, "USAGE"]);
		const names = (first.json.tests as { name: string }[]).flatMap(({ name }) => ["--seen", name]);
		const second = await run("--by", "R. Technician", ...names.slice(0, 2));
		expect(second.json).toMatchObject({
			due: 10,
			tests: [{ by: "R. Technician" }, { by: null }, {}, {}, {}, {}, {}, {}, {}, {}, {}],
		});
		expect((await run(...names.slice(2))).code).toBe(0);
		expect((await run()).json).toMatchObject({ ok: true, due: 0 });
	});

	it("of a record that cannot be read is refused, not begun anew", async () => {
		writeFileSync(join(folder, "commissioning.json"), "{");
		const { code, json } = await adlayer(["commission", "--lab", FILE, "--data", folder, "--json"]);
		expect([code, json.error.code]).toEqual([1, "STATE_FILE_UNREADABLE"]);
	});
});
