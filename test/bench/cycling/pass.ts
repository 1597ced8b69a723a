/** Child process: one file through layout, reader, conditioner and analysis in pieces of given sizes; reports to its parent. */
import { createHash } from "node:crypto";
import { openSync, readSync } from "node:fs";
import { CyclingAnalysis } from "#analysis/analysis.js";
import { Conditioner } from "#analysis/condition.js";
import { DelimitedReader } from "#analysis/formats/delimited.js";
import { HEAD_BYTES_MAX, layoutOf } from "#analysis/formats/layout.js";
import type { PassReport } from "./analysis.js";

const [path, pieceText] = process.argv.slice(2) as [string, string];
const pieces = JSON.parse(pieceText) as number[];
const file = openSync(path, "r");
const buffer = new Uint8Array(1 << 20);
const head = new Uint8Array(HEAD_BYTES_MAX);
const layout = layoutOf(head.subarray(0, readSync(file, head, 0, head.length, 0)));
const rssBefore = process.memoryUsage.rss();
let rssMax = rssBefore;
const analysis = new CyclingAnalysis();
const { defects } = analysis;
const sign = { positiveCurrent: "charge", unsigned: false } as const;
const conditioner = new Conditioner({ sign, defects, sink: (rows) => analysis.push(rows) });
const reader = new DelimitedReader({ layout, defects, sink: (rows) => conditioner.push(rows) });

let cpuUs = 0;
let wallMs = 0;
let position = 0;
for (let n = 0; ; n += 1) {
	const bytes = readSync(file, buffer, 0, Math.min(buffer.length, pieces[n % pieces.length]!), position);
	const cpu = process.cpuUsage();
	const wall = performance.now();
	if (bytes === 0) reader.end();
	else reader.push(buffer.subarray(0, bytes));
	wallMs += performance.now() - wall;
	const used = process.cpuUsage(cpu);
	cpuUs += used.user + used.system;
	position += bytes;
	if (n % 64 === 0) rssMax = Math.max(rssMax, process.memoryUsage.rss());
	if (bytes === 0) break;
}
conditioner.end();
const result = analysis.result();
rssMax = Math.max(rssMax, process.memoryUsage.rss());
const report: PassReport = {
	cpuS: cpuUs / 1e6,
	wallS: wallMs / 1_000,
	rows: reader.counts.rowsUsed,
	rssGrowthMb: (rssMax - rssBefore) / 1e6,
	sha256: createHash("sha256").update(JSON.stringify(result)).digest("hex"),
	verdict: result.verdict.kind,
};
process.send!(report);
