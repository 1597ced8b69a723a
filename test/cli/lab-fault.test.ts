import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RunningLab, startLab } from "#lab/start-lab.js";
import { labOptions } from "../lab/support.js";
import { adlayer } from "./support.js";

let folder: string;
let running: RunningLab;
beforeAll(async () => {
	folder = mkdtempSync(join(tmpdir(), "lab-fault-"));
	const sockets = { paceSocket: join(folder, "pace.sock"), labSocket: join(folder, "lab.sock") };
	running = await startLab({ ...labOptions({ pumped: true }), serve: "tcp", speed: 1, ...sockets });
});
afterAll(async () => {
	await running.close();
	rmSync(folder, { recursive: true });
});

const lab = (...args: string[]) => adlayer(["lab", ...args, "--data", folder, "--json"]);

describe("adlayer lab fault", () => {
	it("begins, lists and clears faults of the lab that runs", async () => {
		const begun = await lab("fault", "valve-leak", "TMA", "--value", "0.01", "--for", "600");
		expect(begun.json).toMatchObject({ ok: true, fault: { kind: "valve-leak", target: "TMA", value: 0.01 } });
		await lab("fault", "pump-off");
		expect(running.lab.twin.pumpRunning).toBe(false);
		const listed = await lab("faults");
		expect(listed.code).toBe(0);
		expect(listed.stderr).toContain("valve-leak TMA 0.01 since");
		expect(listed.json).toMatchObject({
			ok: true,
			active: [{ kind: "valve-leak" }, { kind: "pump-off", untilS: null }],
		});
		expect((await lab("fault", "pump-off", "--clear")).json).toMatchObject({ cleared: [{ kind: "pump-off" }] });
		expect(running.lab.twin.pumpRunning).toBe(true);
		expect((await lab("fault", "--clear")).json).toMatchObject({ cleared: [{ kind: "valve-leak" }] });
	});

	it("takes a negative value, and one after an equals sign", async () => {
		const { json } = await lab("fault", "sensor-offset", "stage", "--value", "-5");
		expect(json).toMatchObject({ fault: { value: -5, unit: "degC" } });
		expect((await lab("fault", "sensor-offset", "stage", "--value=-6")).json).toMatchObject({ fault: { value: -6 } });
		await lab("fault", "--clear");
	});

	it("refuses wrong arguments with all problems at once, as usage", async () => {
		const { code, json } = await lab("fault", "valve-leak", "nothing", "--value", "7", "--for", "0");
		expect(code).toBe(2);
		expect(json.error).toMatchObject({
			code: "USAGE",
			problems: [{ path: "target" }, { path: "value" }, { path: "forS" }],
		});
		for (const args of [
			["fault"],
			["fault", "nonsense"],
			["fault", "pump-off", "--value", "x"],
			["fault", "pump-off", "--clear", "--for", "3"],
		]) {
			expect((await lab(...args)).code, args.join(" ")).toBe(2);
		}
		expect(running.lab.faults.active).toEqual([]);
	});

	it("says that there is no lab where none runs", async () => {
		const { code, json } = await adlayer(["lab", "faults", "--data", join(folder, "none"), "--json"]);
		expect(code).toBe(3);
		expect(json.error.code).toBe("LINK_UNREACHABLE");
	});

	it("leaves the lab's own process with its need of a lab file", async () => {
		expect((await adlayer(["lab", "--json"])).json.error).toMatchObject({ code: "USAGE" });
	});
});
