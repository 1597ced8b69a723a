/**
 * The row "512 channels at 1 Hz logged by one service": a simulated lab of cyclers over their own wires, control, service and
 * embedded PostgreSQL as real processes. Half of the channels are on Neware servers over TCP, half on MQTT bridges.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as rest } from "node:timers/promises";
import pg from "pg";
import { ControlClient } from "#control-link/client.js";
import { SystemClock } from "#core/clock.js";
import { dataFolder } from "#src/processes/files.js";
import { startEmbeddedPostgres } from "#store/embedded-postgres.js";
import { labTextAnywhere } from "../../support/lab-text.js";
import { RealSystem } from "../../support/real-system.js";
import type { CyclingPart } from "../cycling.js";
import { atLeast, atMost, equals } from "../report.js";

const CHANNELS = 512;
const CHANNELS_A_CYCLER = 64;
const WINDOW_S = 60;
/** Starts take a while; logging is looked at once all channels have rows. */
const START_S_MAX = 300;
const SETTLE_S = 10;
/** A row is on record this long after its second at the latest. */
const LAG_S_MAX = 10;
/** After a death, and to be level again after both. */
const DEAD_S = 10;
const CATCH_UP_S_MAX = 90;
const LABS = resolve(import.meta.dirname, "../../../recipes/labs");
const AREA_CM2 = 1.131;

const PROTOCOL = `adlayer: protocol/1
name: bench-1hz
title: Half-cycles logged every second
version: "1"
cell: symmetric
window: { min_V: -2, max_V: 2 }
limits: { hours: 100, current_mA_per_cm2: 1.2, capacity_mAh_per_cm2: 1.2 }
record_s: 1
steps:
  - repeat:
      times: 1000
      steps:
        - constant_current: { current_mA_per_cm2: 1, until: { time_s: 60 } }
        - constant_current: { current_mA_per_cm2: -1, until: { time_s: 60 } }
`;

/** Cyclers take turns between the two wires. */
function labText(folder: string): string {
	let cyclers = "";
	let cells = "";
	for (let n = 0; n < CHANNELS / CHANNELS_A_CYCLER; n += 1) {
		const isNeware = n % 2 === 0;
		const name = `${isNeware ? "neware" : "bridge"}_${n}`;
		const channels = Array.from({ length: CHANNELS_A_CYCLER }, (_, at) => {
			const place = isNeware ? `at: ${30 + n}-${1 + Math.floor(at / 8)}-${1 + (at % 8)}` : `topic: "${at + 1}"`;
			cells += `      ${name}.c${at}: { couple: Li-Li, finish: bare, foil_um: 350, area_cm2: ${AREA_CM2} }\n`;
			return `        c${at}: { ${place}, voltage_V: { min: -5, max: 5 }, current_A_max: 0.01 }\n`;
		}).join("");
		const own = isNeware
			? `      time_zone: Etc/UTC\n      steps_folder: { here: ${folder}, there: 'C:\\adlayer' }\n`
			: "      stale_s: 10\n";
		cyclers += `  ${name}:\n    driver: ${isNeware ? "neware-bts8" : "mqtt-cycler"}\n    address: simulated:${name}\n    poll_ms: 10000\n    stale_ms: 60000\n    settings:\n${own}      channels:\n${channels}`;
	}
	return labTextAnywhere(join(LABS, "simulated.lab.yaml"))
		.replace(
			"  foil: Li\n",
			`  foil: Li\n  cells:\n    twin: ${resolve(LABS, "../twins/cells.twin.yaml")}\n    in:\n${cells}`,
		)
		.replace("\nreactor:\n", `\n${cyclers}\nreactor:\n`);
}

/** User and system time of a process and those that it started, s. */
function cpuS(pid: number): number {
	const own = (id: number): number => {
		const fields = readFileSync(`/proc/${id}/stat`, "utf8").split(") ")[1]!.split(" ");
		// utime, stime, and those of children that have ended: fields 14 to 17 of proc(5), in ticks of 10 ms.
		return [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at]), 0) / 100;
	};
	const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean);
	return own(pid) + children.reduce((sum, child) => sum + cpuS(Number(child)), 0);
}

interface Row {
	readonly tests: number;
	readonly rows: number;
	/** Numbers that are missing, of all tests. */
	readonly holes: number;
	/** Seconds of test without a row, or with two, of the worst test: there is one for each. */
	readonly astray: number;
	/** Age of the last row of the channel that is furthest behind. */
	readonly behindS: number;
	/** Of the channel that is least behind: what all have in common, such as a lab whose time waits for a busy machine. */
	readonly leastBehindS: number;
}

const AUDIT = `SELECT count(*)::int AS tests, sum(n)::int AS rows, sum(last - n)::int AS holes, max(abs(seconds - n))::float8 AS astray, extract(epoch FROM clock_timestamp() - min(latest))::float8 AS "behindS", extract(epoch FROM clock_timestamp() - max(latest))::float8 AS "leastBehindS"
	FROM (SELECT count(*) AS n, max(seq) AS last, max(test_s) AS seconds, max(time) AS latest
		FROM cell_test_rows GROUP BY test) AS each`;

/** The service is killed, then control; both are started again by the launcher and catch up. */
async function afterDeaths(system: RealSystem, audit: () => Promise<Row>): Promise<Row> {
	for (const name of ["service", "control"] as const) {
		process.kill(system.system.pids()[name]!, "SIGKILL");
		await rest(DEAD_S * 1_000);
	}
	const sinceMs = performance.now();
	for (;;) {
		const row = await audit();
		if (row.behindS <= LAG_S_MAX || performance.now() - sinceMs > CATCH_UP_S_MAX * 1_000) return row;
		await rest(1_000);
	}
}

export async function loggingPart(): Promise<CyclingPart> {
	const folder = mkdtempSync(join(tmpdir(), "adlayer-logging-"));
	const labFile = join(folder, "bench.lab.yaml");
	writeFileSync(labFile, labText(folder));
	const postgres = await startEmbeddedPostgres({ folder: join(folder, "postgres"), clock: new SystemClock() });
	process.env.DATABASE_URL = postgres.url;
	const system = await RealSystem.start({ speed: 1, labFile });
	const client = new pg.Client({ connectionString: postgres.url });
	try {
		await client.connect();
		await system.instrumentsReady(60_000);
		const control = new ControlClient(dataFolder(system.dataDir).controlSocket, new SystemClock());
		for (let n = 0; n < CHANNELS; n += 1) {
			const cycler = Math.floor(n / CHANNELS_A_CYCLER);
			await control.request("start-cell-test", {
				cell: `B-${n}`,
				cycler: `${cycler % 2 === 0 ? "neware" : "bridge"}_${cycler}`,
				protocolText: PROTOCOL,
				areaCm2: AREA_CM2,
				operator: "bench",
			});
		}
		const audit = async (): Promise<Row> => (await client.query(AUDIT)).rows[0] as Row;
		const startedMs = performance.now();
		while ((await audit()).tests < CHANNELS) {
			if (performance.now() - startedMs > START_S_MAX * 1_000)
				throw new Error(`Only ${(await audit()).tests} tests have rows. ${system.log.join(" | ")}`);
			await rest(1_000);
		}
		await rest(SETTLE_S * 1_000);
		const look = () => ({
			atMs: performance.now(),
			control: cpuS(system.system.pids().control!),
			service: cpuS(system.system.pids().service!),
			lab: cpuS(system.system.pids().lab!),
			postgres: cpuS(postgres.pid),
		});
		const [before, rowsBefore] = [look(), await audit()];
		await rest(WINDOW_S * 1_000);
		const [after, rowsAfter] = [look(), await audit()];
		const seconds = (after.atMs - before.atMs) / 1_000;
		const again = await afterDeaths(system, audit);
		const share = (name: "control" | "service" | "lab" | "postgres") => (after[name] - before[name]) / seconds;
		const rate = (rowsAfter.rows - rowsBefore.rows) / seconds;
		return {
			bars: [
				atLeast("512 channels: channels logged", rowsAfter.tests, "1", CHANNELS),
				atLeast("512 channels: rows a second and channel", rate / CHANNELS, "1/s", 0.98),
				equals("512 channels: rows missing", rowsAfter.holes, "1", 0),
				atMost("512 channels: seconds without their one row", rowsAfter.astray, "s", 1),
				atMost("512 channels: furthest behind", rowsAfter.behindS, "s", LAG_S_MAX),
				atMost("512 channels: CPU of control and service", share("service") + share("control"), "s/s", 0.25),
				equals("512 channels: rows missing after kill -9 of service and control", again.holes, "1", 0),
				atMost("512 channels: seconds without their one row after it", again.astray, "s", 1),
				atMost("512 channels: furthest behind after it", again.behindS, "s", LAG_S_MAX),
			],
			detail: {
				windowS: seconds,
				rows: rowsAfter.rows,
				rowsPerS: rate,
				leastBehindS: { before: rowsBefore.leastBehindS, after: rowsAfter.leastBehindS },
				cpuPerS: {
					service: share("service"),
					control: share("control"),
					postgres: share("postgres"),
					lab: share("lab"),
				},
				loadAverage: loadavg(),
				cpus: cpus().length,
			},
		};
	} finally {
		delete process.env.DATABASE_URL;
		await client.end().catch(() => {});
		await system.stop();
		await postgres.stop();
		rmSync(folder, { recursive: true, force: true });
	}
}
