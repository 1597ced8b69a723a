/** Ten million rows of a file through reader, conditioner and analysis; and the cost of a running test. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { CyclingAnalysis } from "#analysis/analysis.js";
import { CHUNK_ROWS, RowChunk } from "#analysis/rows.js";
import { Prng } from "#core/prng.js";
import type { CyclingPart } from "../cycling.js";
import { atLeast, atMost, isTrue } from "../report.js";

const ROWS = 10_000_000;
const ROWS_A_HALF = 3_600;
const LIVE_ROWS = 8_000_000;
const LIVE_TURNS = 200;

export interface PassReport {
	/** User and system time of parsing and analysing, without the reads. */
	readonly cpuS: number;
	readonly wallS: number;
	readonly rows: number;
	readonly rssGrowthMb: number;
	readonly sha256: string;
	readonly verdict: string;
}

/** A symmetric cell at 1 Hz whose overpotential grows; written as BDF. */
function writeFile(path: string, seed: number): void {
	const random = new Prng(seed);
	const file = openSync(path, "w");
	let text = "Test Time / s,Voltage / V,Current / A,Cycle Count / 1,Step Count / 1\n";
	for (let n = 0; n < ROWS; n += 1) {
		const half = Math.floor(n / ROWS_A_HALF);
		const sign = half % 2 === 0 ? "" : "-";
		const volts = 0.05 + half * 2e-5 + (random.uniform() - 0.5) * 2e-3;
		text += `${n}.000,${sign}${volts.toFixed(6)},${sign}0.001000,${(half >> 1) + 1},${half + 1}\n`;
		if (text.length > 1 << 20) {
			writeSync(file, text);
			text = "";
		}
	}
	writeSync(file, text);
}

/** One pass in a process of its own, so that its memory is its own. */
async function pass(path: string, pieces: readonly number[]): Promise<PassReport> {
	const child = fork(resolve(import.meta.dirname, "pass.ts"), [path, JSON.stringify(pieces)], {
		execArgv: ["--conditions=source", "--import", "tsx"],
	});
	const [report] = (await once(child, "message")) as [PassReport];
	return report;
}

/** A test that has run for as long as told, and what its next piece costs. */
class RunningTest {
	private readonly analysis = new CyclingAnalysis();
	private readonly chunk = new RowChunk();
	private at = 0;
	readonly rowNs: number[] = [];
	readonly verdictUs: number[] = [];

	constructor(rows: number) {
		for (const column of ["chargeAh", "dischargeAh", "unixTimeS", "ambientC"] as const)
			this.chunk[column].fill(Number.NaN);
		while (this.at < rows) this.goOn();
		this.rowNs.length = 0;
		this.verdictUs.length = 0;
	}

	goOn(): void {
		const { chunk, at } = this;
		for (let n = 0; n < CHUNK_ROWS; n += 1) {
			const half = Math.floor((at + n) / ROWS_A_HALF);
			const sign = half % 2 === 0 ? 1 : -1;
			chunk.line[n] = at + n;
			chunk.testTimeS[n] = at + n;
			chunk.voltageV[n] = sign * (0.05 + ((n * 7_919) % 100) * 1e-5);
			chunk.currentA[n] = sign * 1e-3;
			chunk.cycle[n] = (half >> 1) + 1;
			chunk.step[n] = half;
		}
		chunk.count = CHUNK_ROWS;
		this.at += CHUNK_ROWS;
		const before = process.hrtime.bigint();
		this.analysis.push(chunk);
		const between = process.hrtime.bigint();
		void this.analysis.verdict;
		this.verdictUs.push(Number(process.hrtime.bigint() - between) / 1_000);
		this.rowNs.push(Number(between - before) / CHUNK_ROWS);
	}
}

/** An old test and a young one take turns, so that what else the machine does falls on both. */
function liveCosts(): { youngNs: number; oldNs: number; youngVerdictUs: number; oldVerdictUs: number } {
	const old = new RunningTest(LIVE_ROWS);
	const young = new RunningTest(LIVE_ROWS / 20);
	for (let turn = 0; turn < LIVE_TURNS; turn += 1) for (const test of [old, young]) test.goOn();
	const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1]!;
	return {
		youngNs: median(young.rowNs),
		oldNs: median(old.rowNs),
		youngVerdictUs: median(young.verdictUs),
		oldVerdictUs: median(old.verdictUs),
	};
}

export async function analysisPart(seed: number): Promise<CyclingPart> {
	const dir = mkdtempSync(join(tmpdir(), "adlayer-bench-"));
	try {
		const path = join(dir, "ten-million.bdf.csv");
		writeFile(path, seed);
		const whole = await pass(path, [1 << 20]);
		const again = await pass(path, [1 << 20]);
		const pieces = await pass(path, [7, 65_536, 1_000_003, 4_099, 123]);
		const live = liveCosts();
		const fastest = Math.max(whole.rows / whole.cpuS, again.rows / again.cpuS);
		const rssMb = Math.max(whole.rssGrowthMb, again.rssGrowthMb, pieces.rssGrowthMb);
		return {
			bars: [
				atLeast("cycling.analysis.rate", fastest / 1e6, "Mrow/s", 3),
				atMost("cycling.analysis.memory", rssMb, "MB", 300),
				isTrue(
					"cycling.analysis.all-rows",
					[whole, again, pieces].every(({ rows }) => rows === ROWS),
				),
				isTrue("cycling.analysis.same-in-increments", whole.sha256 === pieces.sha256 && whole.sha256 === again.sha256),
				atMost("cycling.live.cost-late-over-early", live.oldNs / live.youngNs, "1", 1.5),
				atMost("cycling.live.verdict", live.oldVerdictUs / 1e6, "s", 2),
			],
			detail: { whole, again, pieces, live },
		};
	} finally {
		rmSync(dir, { recursive: true, force: true });
	}
}
