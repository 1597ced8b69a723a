/**
 * The row "live analysis of a running test": how soon a verdict is there after its data, through a journal on the disk and an
 * embedded PostgreSQL; and what a row costs late in a long test beside what it costs early.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as rest } from "node:timers/promises";
import { SystemClock } from "#core/clock.js";
import { JournalReader } from "#journal/reader.js";
import { JournalWriter } from "#journal/writer.js";
import type { CellTestRow } from "#record/cell-tests.js";
import { cellFacts } from "#src/cell-facts.js";
import { RunningVerdicts } from "#src/verdicts/running-verdicts.js";
import { TestAnalysis } from "#src/verdicts/test-analysis.js";
import { openStore } from "#store/open.js";
import type { CyclingPart } from "../cycling.js";
import { atMost, equals, median, quantile } from "../report.js";

const PROTOCOL = readFileSync(
	resolve(import.meta.dirname, "../../../recipes/protocols/li-40um-3ma.protocol.yaml"),
	"utf8",
);
/** One row a second; a half-cycle has so many. */
const ROWS_A_HALF = 60;
const TESTS = 24;
/** Half-cycles before the cell is short. */
const SOUND = 40;
const SHORT_MAX = 10;
const LONG_HALVES = 4_000;

/** A cell of 30 mV that falls to 3 mV: nothing of the twin, so that the moment of the evidence is known. */
function rowAt(n: number, soundHalves: number): CellTestRow {
	const half = Math.floor(n / ROWS_A_HALF);
	const sign = half % 2 === 0 ? 1 : -1;
	const stepS = (n % ROWS_A_HALF) + 1;
	const level = half < soundHalves ? 0.03 : 0.003;
	return {
		seq: n + 1,
		cycle: 1 + Math.floor(half / 2),
		step: 1 + (half % 2),
		stepType: sign > 0 ? "cc" : "dc",
		stepS,
		testS: n + 1,
		wallMs: Date.UTC(2026, 0, 1) + n * 1_000,
		voltageV: sign * (level + 1e-5 * ((n * 7919) % 13)),
		currentA: sign * 3.393e-3,
		capacityAh: (3.393e-3 * stepS) / 3_600,
		energyWh: 0,
	};
}

/** Rows until the evaluation itself sees the short, the last of them the one that shows it. */
function rowsUntilVerdict(): number {
	const analysis = new TestAnalysis(cellFacts(PROTOCOL));
	for (let n = 0; n < (SOUND + SHORT_MAX) * ROWS_A_HALF; n += 1) {
		analysis.push([rowAt(n, SOUND)]);
		if (analysis.verdict.kind === "short") return n + 1;
	}
	throw new Error(`No short within ${SHORT_MAX} half-cycles: ${JSON.stringify(analysis.verdict)}`);
}

/** From the record with the row that completes the evidence to the verdict, for tests side by side, ms. */
async function latencies(): Promise<number[]> {
	const folder = mkdtempSync(join(tmpdir(), "adlayer-live-"));
	const clock = new SystemClock();
	const writer = JournalWriter.open({ dir: join(folder, "journal"), clock, station: "sim1" });
	const found = new Map<string, number>();
	const verdicts: { running?: RunningVerdicts } = {};
	const store = openStore({
		embeddedFolder: join(folder, "postgres"),
		refusedFile: join(folder, "refused-records.jsonl"),
		reader: new JournalReader({ dir: join(folder, "journal"), name: "store", clock }),
		clock,
		taken: ({ lines }) => verdicts.running?.take(lines.map(({ record }) => record)),
	});
	verdicts.running = new RunningVerdicts({
		history: store.cellTests,
		factsOf: cellFacts,
		changed: ({ cellTest, verdict }) => {
			if (verdict?.kind === "short" && !found.has(cellTest)) found.set(cellTest, performance.now());
		},
		ended: async () => {},
		failed: (message) => console.error(message),
	});
	try {
		while (store.health().state !== "ready") await rest(50);
		const ids = Array.from({ length: TESTS }, (_, n) => `t-${n}`);
		for (const cellTest of ids) {
			writer.append({
				kind: "cell-test-ordered",
				cellTest,
				cell: cellTest,
				cycler: "bench",
				channel: "c",
				protocol: "li-40um-3ma",
				protocolText: PROTOCOL,
				protocolSha256: "00",
				areaCm2: 1.131,
				activeMassG: null,
				operator: "bench",
				attendedBy: null,
			});
			writer.append({
				kind: "cell-test-state",
				cellTest,
				from: "queued",
				to: "running",
				cause: "",
				channel: "c",
				cyclerTest: "x",
			});
		}
		const evidence = rowsUntilVerdict();
		const took: number[] = [];
		const tell = (cellTest: string, from: number, to: number) => {
			const rows = Array.from({ length: to - from }, (_, n) => rowAt(from + n, SOUND));
			for (let at = 0; at < rows.length; at += 250)
				writer.append({
					kind: "cell-test-rows",
					cellTest,
					rows: rows.slice(at, at + 250),
					currentSign: "charge-positive",
					gaps: [],
				});
		};
		for (const cellTest of ids) tell(cellTest, 0, evidence - 1);
		await writer.synced();
		while (store.ingester.position < writer.lastSeq) await rest(50);
		await verdicts.running.settled();
		for (const cellTest of ids) {
			const toldMs = performance.now();
			tell(cellTest, evidence - 1, evidence);
			while (!found.has(cellTest) && performance.now() - toldMs < 30_000) await rest(5);
			took.push((found.get(cellTest) ?? Number.POSITIVE_INFINITY) - toldMs);
		}
		return took;
	} finally {
		const dataFolder = store.embedded?.dataFolder;
		await store.close();
		await writer.close();
		rmSync(folder, { recursive: true, force: true });
		if (dataFolder !== undefined) rmSync(dataFolder, { recursive: true, force: true });
	}
}

/** CPU of a half-cycle of rows, each with its verdict, us: early and late in one long test. */
function costs(): { earlyUs: number; lateUs: number; verdictsOnNothing: number } {
	const analysis = new TestAnalysis(cellFacts(PROTOCOL));
	const took: number[] = [];
	let wrong = 0;
	for (let half = 0; half < LONG_HALVES; half += 1) {
		const rows = Array.from({ length: ROWS_A_HALF }, (_, n) => rowAt(half * ROWS_A_HALF + n, LONG_HALVES));
		const startUs = performance.now() * 1_000;
		for (const row of rows) {
			analysis.push([row]);
			if (analysis.verdict.kind !== "none") wrong += 1;
		}
		took.push((performance.now() * 1_000 - startUs) / ROWS_A_HALF);
	}
	// The first rows are those of a program that is still being compiled.
	const part = LONG_HALVES / 4;
	return { earlyUs: median(took.slice(part, 2 * part)), lateUs: median(took.slice(-part)), verdictsOnNothing: wrong };
}

export async function livePart(): Promise<CyclingPart> {
	const { earlyUs, lateUs, verdictsOnNothing } = costs();
	const took = await latencies();
	return {
		bars: [
			atMost("live analysis: verdict after its data, slowest", Math.max(...took) / 1_000, "s", 2),
			atMost("live analysis: cost of a row in the last quarter over the second", lateUs / earlyUs, "1", 1.5),
			equals("live analysis: verdicts where nothing happened", verdictsOnNothing, "1", 0),
		],
		detail: {
			tests: TESTS,
			medianS: median(took) / 1_000,
			p90S: quantile(took, 0.9) / 1_000,
			earlyUs,
			lateUs,
			halfCycles: LONG_HALVES,
		},
	};
}
