/** A battery test in the shipped lab of cyclers, as a person runs it: over REST, with every process real. */
import { spawnSync } from "node:child_process";
import { type AddressInfo, createServer } from "node:net";
import { resolve } from "node:path";
import { setTimeout as rest } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CellTestRow } from "#record/cell-tests.js";
import { RealSystem } from "../support/real-system.js";

const ROOT = resolve(import.meta.dirname, "../..");
const PROTOCOL = resolve(ROOT, "recipes/protocols/li-40um-3ma.protocol.yaml");

function freePort(): Promise<number> {
	return new Promise((done) => {
		const server = createServer().listen(0, "127.0.0.1", () => {
			const { port } = server.address() as AddressInfo;
			server.close(() => done(port));
		});
	});
}

describe("a battery test in the simulated lab of cyclers", () => {
	let system: RealSystem;

	beforeAll(async () => {
		// The same port again after the service has died.
		const port = await freePort();
		system = await RealSystem.start({ speed: 200, port, labFile: resolve(ROOT, "recipes/labs/cyclers.lab.yaml") });
		await system.instrumentsReady(60_000);
	});

	afterAll(() => system?.stop());

	async function get<Answer>(path: string): Promise<Answer> {
		const answer = await fetch(`${system.system.url}/api/v1${path}`);
		if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
		return (await answer.json()) as Answer;
	}
	async function post<Answer>(path: string, body: object): Promise<Answer> {
		const answer = await fetch(`${system.system.url}/api/v1${path}`, {
			method: "POST",
			headers: { "content-type": "application/json" },
			body: JSON.stringify(body),
		});
		if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
		return (await answer.json()) as Answer;
	}
	async function until<Answer>(ask: () => Promise<Answer>, holds: (answer: Answer) => boolean): Promise<Answer> {
		let said = "";
		for (const endMs = performance.now() + 90_000; performance.now() < endMs; await rest(300)) {
			try {
				const answer = await ask();
				if (holds(answer)) return answer;
				said = JSON.stringify(answer);
			} catch (thrown) {
				said = (thrown as Error).message;
			}
		}
		throw new Error(`${said.slice(0, 2_000)}\n${system.story()}`);
	}

	it("is ordered for a registered cell, recorded whole through the death of the service, and told in its descent", async () => {
		await until(
			() => get<{ database: { state: string } }>("/health"),
			({ database }) => database.state === "ready",
		);
		const lot = await post<{ id: string }>("/foil-lots", {
			by: "mk",
			supplier: "simulated",
			material: "Li",
			thicknessUm: 40,
		});
		const foil = await post<{ id: string }>("/foils", { by: "mk", lot: lot.id });
		await post("/cells", {
			by: "mk",
			barcode: "C-77",
			working: foil.id,
			counter: foil.id,
			electrolyte: { name: "1 M LiPF6 in EC:DEC" },
			separator: "Celgard 2400",
			areaCm2: 1.131,
			format: "CR2016",
		});
		const ordered = spawnSync(
			process.execPath,
			[
				"bin/adlayer.js",
				"cycling",
				"start",
				PROTOCOL,
				"--cell",
				"C-77",
				"--cycler",
				"neware",
				"--channel",
				"thin_bare_3",
				"--area-cm2",
				"1.131",
				"--data",
				system.dataDir,
				"--json",
			],
			{ cwd: ROOT, encoding: "utf8" },
		);
		const { cellTest } = JSON.parse(ordered.stdout.trim().split("\n").at(-1)!) as { cellTest: string };
		const path = `/cell-tests/${cellTest}`;
		const rows = () => get<{ rows: CellTestRow[] }>(`${path}/rows?limit=10000`);
		const before = await until(rows, (answer) => answer.rows.length >= 5);
		process.kill(system.system.pids().service!, "SIGKILL");
		const after = await until(rows, (answer) => answer.rows.length >= before.rows.length + 20);
		expect(after.rows.map(({ seq }) => seq)).toEqual(after.rows.map((_, at) => at + 1));
		expect(after.rows.slice(0, before.rows.length)).toEqual(before.rows);
		expect(after.rows[9]).toMatchObject({ step: 1, stepType: "rest", testS: 100, currentA: 0 });

		type Told = { state: string; verdict: { kind: string; throughSeq: number } | null };
		const told = await until(
			() => get<Told>(path),
			({ verdict }) => (verdict?.throughSeq ?? 0) >= after.rows.length,
		);
		expect(told).toMatchObject({ state: "running", verdict: { kind: "none" } });

		const bdf = await (await fetch(`${system.system.url}/api/v1${path}/bdf`)).text();
		expect(bdf.split("\n")[0]).toMatch(/^Test Time \/ s,Voltage \/ V,Current \/ A,Unix Time \/ s,Cycle Count \/ 1,/);

		// The end comes while there is no service: the next one makes up for it.
		await post(`${path}/stop`, { by: "mk" });
		process.kill(system.system.pids().service!, "SIGKILL");
		const item = await until(
			() => get<{ cell: string; endedAt?: string; verdict?: { kind: string } }>(`/tests/${cellTest}`),
			({ endedAt }) => endedAt !== undefined,
		);
		expect(item.verdict).toMatchObject({ kind: "none", atHours: null });
		const tree = JSON.stringify(await get(`/foils/${foil.id}/descent`));
		expect(tree).toContain(cellTest);
	});
});
