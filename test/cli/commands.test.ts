import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { exitCodeOf } from "#cli/exit-codes.js";
import type { StartOptions } from "#cli/launcher.js";
import type { CommandHandler } from "#control-link/messages.js";
import { ControlServer } from "#control-link/server.js";
import { ERROR_CODES, type ErrorCode } from "#core/error-codes.js";
import { AdlayerError } from "#core/errors.js";
import { STATUS } from "./status-fixture.js";
import { adlayer } from "./support.js";

const closers: (() => unknown)[] = [];
afterEach(async () => {
	for (const close of closers.splice(0).reverse()) await close();
});

function folder(): string {
	const made = mkdtempSync(join(tmpdir(), "adl-"));
	closers.push(() => rmSync(made, { recursive: true, force: true }));
	return made;
}

/** Control's own socket, with no service and no database behind it. */
async function control(handle: (command: string, args: never) => unknown) {
	const data = folder();
	const handler = (async ({ command, args }) => ({
		seq: 1,
		result: handle(command, args as never) as never,
	})) as CommandHandler;
	const server = await ControlServer.listen({ socketPath: join(data, "control.sock"), handle: handler });
	closers.push(() => server.close());
	return data;
}

describe("exit codes", () => {
	it("have one of the six meanings for every error code", () => {
		const codes = Object.keys(ERROR_CODES) as ErrorCode[];
		for (const code of codes) expect([1, 2, 3, 4, 5]).toContain(exitCodeOf(code));
		const table = {
			USAGE: 2,
			CONTROL_UNREACHABLE: 3,
			LINK_UNREACHABLE: 3,
			IDENTITY_MISMATCH: 4,
			RUN_ACTIVE: 5,
			PERMIT_REFUSED: 5,
			RECIPE_INVALID: 5,
			INTERNAL: 1,
		};
		for (const [code, exit] of Object.entries(table)) expect(exitCodeOf(code as ErrorCode), code).toBe(exit);
	});
});

describe("arguments", () => {
	it.each([
		[["explode"]],
		[["run"]],
		[["start", "--speed", "fast"]],
		[["start", "--port", "99999"]],
		[["check", "x.yaml", "--set", "cycles"]],
		[["status", "--nonsense"]],
	])("that cannot be read are a usage error: %j", async (args) => {
		const { code, json, stdout } = await adlayer([...args, "--json"]);
		expect(code).toBe(2);
		expect(json).toMatchObject({ ok: false, error: { code: "USAGE" } });
		expect(stdout.trim().split("\n")).toHaveLength(1);
	});

	it("are refused in one sentence, not in the same one twice", async () => {
		const { stderr } = await adlayer(["probe", "pfeiffer-tpg362", "tcp://127.0.0.1:1", "--option", "nonsense=1"]);
		expect(stderr.match(/Unknown key "nonsense"/g)).toHaveLength(1);
	});

	it("give help and version with exit code 0", async () => {
		expect((await adlayer(["--help"])).stdout).toContain("demo");
		expect((await adlayer(["--version"])).stdout).toMatch(/^\d+\.\d+\.\d+/);
		expect((await adlayer(["run", "--help"])).code).toBe(0);
	});

	it("name ADLAYER_PORT when it is no port", async () => {
		const { code, json } = await adlayer(["run", "li", "--json"], { env: { ADLAYER_PORT: "x" } });
		expect(code).toBe(2);
		expect(json.error.message).toContain("ADLAYER_PORT");
	});
});

describe("status, hold and abort", () => {
	it("ask control itself, with no service and no database", async () => {
		const asked: unknown[] = [];
		const data = await control((command, args) => {
			asked.push([command, args]);
			return command === "status" ? STATUS : { run: "sim1-1", state: "aborting" };
		});
		const env = { ADLAYER_DATA: data };
		const status = await adlayer(["status", "--json"], { env });
		expect(status.code).toBe(0);
		expect(status.json).toMatchObject({ ok: true, station: "sim1", run: { state: "running" } });
		expect(status.stderr).toContain("SIMULATED");
		const abort = await adlayer(["abort", "--json"], { env });
		expect(abort.json).toEqual({ ok: true, run: "sim1-1", state: "aborting" });
		const hold = await adlayer(["hold", "--data", data]);
		expect(hold.stdout).toBe("Run sim1-1 is aborting.\n");
		expect(asked.slice(1)).toMatchObject([
			["command", { command: "abort", by: expect.any(String) }],
			["command", { command: "hold" }],
		]);
	});

	it("orders, shows and stops battery tests", async () => {
		const asked: [string, unknown][] = [];
		const test = { cellTest: "t-9", cell: "C-77", state: "queued", cycler: "cycler", channel: null, protocol: "p" };
		const shown = { ...test, rows: 0, lastRow: null };
		const data = await control((command, args) => {
			asked.push([command, args]);
			return command === "cell-tests" ? { tests: [shown], total: 1 } : shown;
		});
		const file = join(folder(), "p.yaml");
		writeFileSync(file, "adlayer: protocol/1");
		const order = ["--cell", "C-77", "--cycler", "cycler", "--area-cm2", "1.27", "--operator", "mk"];
		const ordered = await adlayer(["cycling", "start", file, ...order, "--data", data, "--json"]);
		expect(ordered.json).toEqual({ ok: true, ...shown });
		expect((await adlayer(["cycling", "tests", "--data", data])).stdout).toContain("t-9 C-77 on cycler, p: queued");
		expect((await adlayer(["cycling", "stop", "t-9", "--data", data])).code).toBe(0);
		expect(asked).toMatchObject([
			["start-cell-test", { cell: "C-77", protocolText: "adlayer: protocol/1", areaCm2: 1.27, operator: "mk" }],
			["cell-tests", {}],
			["stop-cell-test", { cellTest: "t-9" }],
		]);
		const unread = await adlayer(["cycling", "start", `${file}x`, ...order, "--data", data, "--json"]);
		expect(unread.code).toBe(2);
	});

	it("list instruments with their values, a silent one with its reason", async () => {
		const chamber = { value: null, unit: "Pa", quality: "fault", detail: "sensor error", at: 0, seq: 3 } as const;
		const data = await control(() => ({ ...STATUS, signals: { ...STATUS.signals, "gauge.chamber": chamber } }));
		const { stdout } = await adlayer(["status"], { env: { ADLAYER_DATA: data } });
		expect(stdout).toContain("stage [eurotherm-3216] ready: temperature 119.83 degC, setpoint 120 degC");
		expect(stdout).toContain(
			"gauge [pfeiffer-tpg362] fault (DEVICE_SILENT: No answer. Check power.): chamber fault (sensor error)",
		);
		expect(stdout).toContain("Warning: It is in manual mode.");
	});

	it("pass on a refusal as exit code 5", async () => {
		const data = await control(() => {
			throw new AdlayerError("COMMAND_NOT_ALLOWED", "The run is complete.");
		});
		const { code, json } = await adlayer(["hold", "--json", "--data", data]);
		expect(code).toBe(5);
		expect(json).toMatchObject({ ok: false, error: { code: "COMMAND_NOT_ALLOWED", message: "The run is complete." } });
	});

	it("say that control is unreachable, exit code 3", async () => {
		const { code, json, stderr } = await adlayer(["abort", "--json"], { env: { ADLAYER_DATA: folder() } });
		expect(code).toBe(3);
		expect(json.error.code).toBe("CONTROL_UNREACHABLE");
		expect(stderr).toContain(json.error.hint);
	});
});

describe("check", () => {
	it("runs a shipped recipe dry", async () => {
		const { code, json } = await adlayer(["check", "recipes/li-two-step.recipe.yaml", "--set", "cycles=25", "--json"]);
		expect(code).toBe(0);
		expect(json).toMatchObject({ ok: true, recipe: "li-two-step", dryRun: { pulses: { TMA: 25, H2O: 25 } } });
		expect(json.sha256).toMatch(/^[0-9a-f]{64}$/);
	});

	it("lists every problem with its place and answers exit code 1", async () => {
		const file = join(folder(), "bad.recipe.yaml");
		writeFileSync(file, "adlayer: recipe/1\nname: bad\nnonsense: 1\n");
		const people = await adlayer(["check", file]);
		expect(people.code).toBe(1);
		expect(people.stdout).toMatch(/bad\.recipe\.yaml:3:1: error/);
		const { code, json } = await adlayer(["check", file, "--json"]);
		expect(code).toBe(1);
		expect(json).toMatchObject({ ok: false, dryRun: null });
		expect((json.problems as object[]).length).toBeGreaterThan(1);
	});

	it("says that a file is not there, and that a lab file cannot be read", async () => {
		expect((await adlayer(["check", "/none.yaml", "--json"])).json.error.code).toBe("RECIPE_NOT_FOUND");
		const lab = await adlayer(["check", "recipes/li-two-step.recipe.yaml", "--lab", "/none.yaml", "--json"]);
		expect(lab.code).toBe(2);
		expect(lab.json.error.code).toBe("LAB_FILE_INVALID");
	});
});

describe("start", () => {
	it("starts everything as asked, says where it is, and stops it when interrupted", async () => {
		const interrupting = new AbortController();
		let asked: StartOptions | undefined;
		let stopped = false;
		const launcher = async () => async (options: StartOptions) => {
			asked = options;
			setTimeout(() => interrupting.abort(), 20);
			return {
				url: "http://127.0.0.1:9",
				dataDir: options.dataDir,
				mqttUrl: "mqtt://127.0.0.1:1",
				simulated: true,
				speed: options.speed ?? 1,
				labTruth: async () => null,
				stop: async () => {
					stopped = true;
				},
			};
		};
		const args = ["start", "--simulate", "--speed", "20", "--data", "/tmp/d", "--port", "0", "--json"];
		const { code, json, stderr } = await adlayer(args, { launcher, interrupted: interrupting.signal });
		expect(code).toBe(0);
		expect(asked).toMatchObject({ simulate: true, speed: 20, dataDir: "/tmp/d", port: 0 });
		expect(json).toEqual({
			ok: true,
			url: "http://127.0.0.1:9",
			dataDir: "/tmp/d",
			mqttUrl: "mqtt://127.0.0.1:1",
			simulated: true,
			speed: 20,
		});
		expect(stderr).toContain("SIMULATED lab at speed ×20");
		expect(stopped).toBe(true);
	});

	it("passes on why it could not", async () => {
		const launcher = async () => async () => {
			throw new AdlayerError("JOURNAL_LOCKED", "Another process writes here.");
		};
		const { code, json } = await adlayer(["start", "--json"], { launcher });
		expect(code).toBe(5);
		expect(json.error.code).toBe("JOURNAL_LOCKED");
	});
});

describe("maintenance and bottle", () => {
	const PRESENT = {
		since: 0,
		valves: { TMA: { pulses: 1200, pulsesMax: 1000 } },
		bottles: { TMA: { grams: 25, usedG: 0.5, leftG: 24.5, leftGMin: 5, changedAt: 1_767_225_600_000, by: "mk" } },
		hours: { pump: 12.5, heaters: { stage: 3 } },
		pumpHoursMax: null,
		basePressures: [{ at: 0, run: "r", pa: 4 }],
		warnings: [{ what: "valve.TMA", message: "The TMA valve has made 1200 pulses of 1000." }],
	};

	it("say what control counted", async () => {
		const data = await control(() => PRESENT);
		const said = await adlayer(["maintenance", "--data", data]);
		expect(said.code).toBe(0);
		expect(said.stdout).toContain("To do: The TMA valve has made 1200 pulses of 1000.");
		expect(said.stdout).toContain("Bottle TMA: 24.50 g left of 25 g (2026-01-01, mk)");
		expect(said.stdout).toContain("Base pressure of the last pump-down: 0.0300 Torr");
		expect((await adlayer(["bottle", "TMA", "--data", data, "--json"])).json).toMatchObject({ ok: true, leftG: 24.5 });
	});

	it("tell of a full bottle only with its grams", async () => {
		const asked: unknown[] = [];
		const data = await control((command, args) => {
			asked.push([command, args]);
			return PRESENT;
		});
		const changed = ["bottle", "TMA", "--data", data, "--changed"];
		expect((await adlayer([...changed])).code).toBe(2);
		expect((await adlayer(["bottle", "TMA", "--data", data, "--grams", "25"])).code).toBe(2);
		expect((await adlayer([...changed, "--grams", "0"])).code).toBe(2);
		expect(asked).toEqual([]);
		expect((await adlayer([...changed, "--grams", "25", "--by", "mk"])).code).toBe(0);
		expect(asked).toEqual([["change-bottle", { precursor: "TMA", grams: 25, by: "mk" }]]);
	});
});

describe("recipe import and export", () => {
	const MAPS = [
		"flow.0=carrier",
		"heater.12=wall",
		"heater.13=stage",
		"heater.17=tma_line",
		"valve.0=TMA",
		"valve.1=H2O",
	];
	const flags = MAPS.flatMap((map) => ["--map", map]);

	it("take a recipe to a table and back, and refuse with everything that nobody has said", async () => {
		const here = folder();
		const mapping = join(here, "tool.yaml");
		writeFileSync(
			mapping,
			[
				"adlayer: savannah/1",
				"recipe:",
				"  material: Li",
				"  product: { film: Al2O3, suffix: none }",
				"  foil_never_above_degC: 140",
				"  ramp_degC_per_min: 10",
				"  stabilise: { within_degC: 1, for_s: 300, timeout_s: 5400 }",
				"  pump_down: { below_torr: 0.1, timeout_s: 900 }",
				"  cool: { zone: stage, below_degC: 60, timeout_s: 14400 }",
			].join("\n"),
		);
		const table = join(here, "t.txt");
		const recipe = join(here, "t.recipe.yaml");
		const how = ["--mapping", mapping, ...flags, "--line-base", "1", "--json"];
		const out = await adlayer(["recipe", "export", "recipes/li-al2o3.recipe.yaml", ...how, "--out", table]);
		expect(out.code, out.stderr).toBe(0);
		expect(out.json).toMatchObject({ ok: true, lines: 12, lineBase: 1 });
		const back = await adlayer(["recipe", "import", table, ...how, "--out", recipe]);
		expect(back.code, back.stderr).toBe(0);
		expect(back.json).toMatchObject({ ok: true, recipe, problems: [] });
		expect((await adlayer(["check", recipe])).code).toBe(0);

		const bare = await adlayer(["recipe", "import", table, "--json"]);
		expect(bare.code).toBe(5);
		expect(bare.json.error.code).toBe("TABLE_INVALID");
		expect((bare.json.error as unknown as { problems: object[] }).problems).toHaveLength(11);
	});

	it("say which file cannot be read", async () => {
		const { code, json } = await adlayer(["recipe", "import", "nowhere.txt", "--json"]);
		expect(code).toBe(2);
		expect(json.error.message).toContain("nowhere.txt");
	});
});
