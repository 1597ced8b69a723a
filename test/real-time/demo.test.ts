import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const ADLAYER = resolve(import.meta.dirname, "../../bin/adlayer.js");
const CYCLES = 3;

interface Ended {
	readonly code: number | null;
	readonly stdout: string;
	readonly stderr: string;
}

function adlayer(...args: string[]): Promise<Ended> {
	return new Promise((done, fail) => {
		const child = spawn(process.execPath, [ADLAYER, ...args], { stdio: ["ignore", "pipe", "pipe"] });
		let stdout = "";
		let stderr = "";
		child.stdout.on("data", (chunk) => {
			stdout += chunk;
		});
		child.stderr.on("data", (chunk) => {
			stderr += chunk;
		});
		child.on("error", fail);
		child.on("close", (code) => done({ code, stdout, stderr }));
	});
}

describe("the demo, with three cycles", () => {
	const data = mkdtempSync(join(tmpdir(), "adlayer-demo-test-"));
	let ended: Ended;

	beforeAll(async () => {
		ended = await adlayer("demo", "--set", `cycles=${CYCLES}`, "--data", data, "--json");
	});

	afterAll(() => rmSync(data, { recursive: true, force: true }));

	it("coats the foil through real ports and processes and ends with 0", () => {
		expect(ended, ended.stderr).toMatchObject({ code: 0 });
		const result = JSON.parse(ended.stdout.trimEnd().split("\n").at(-1)!) as Record<string, unknown>;
		expect(result).toMatchObject({
			ok: true,
			simulated: true,
			state: "complete",
			product: "Li@3LiAlOx-ex",
			cycles: { ordered: CYCLES, complete: CYCLES, repeated: 0, unknown: 0 },
			truth: { foil: "Li", melted: false },
		});
		expect(result.rows).toBeGreaterThan(10_000);
		expect((result.truth as { peakFoilC: number }).peakFoilC).toBeLessThan(180.3);
	});

	it("says SIMULATED, shows its way and where to look", () => {
		expect(ended.stderr).toMatch(/SIMULATED/);
		for (const phase of ["prepare", "anneal", "cool"]) expect(ended.stderr).toContain(phase);
		expect(ended.stderr).toContain("melting point");
		expect(ended.stderr).toContain(data);
	});

	it("leaves no process behind", async () => {
		const status = await adlayer("status", "--data", data, "--json");
		expect(status.code).toBe(3);
		expect(JSON.parse(status.stdout.trimEnd().split("\n").at(-1)!)).toMatchObject({
			ok: false,
			error: { code: "CONTROL_UNREACHABLE" },
		});
	});
});
