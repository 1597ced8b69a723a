import { setTimeout as later } from "node:timers/promises";
import { parquetMetadata, parquetReadObjects } from "hyparquet";
import { describe, expect, it } from "vitest";
import { batchRecord } from "#export/batch-record.js";
import { parquetOf } from "#export/parquet.js";
import { packageFiles } from "#export/run-package.js";
import { csvOf, type Table } from "#export/table.js";
import { zipOf } from "#export/zip.js";
import type { ArchivedPoll, ArchivedRun, RunArchive } from "#record/run-archive.js";
import { runCreated } from "../journal/support.js";

async function* nothing(): AsyncGenerator<never[]> {}

function archiveOf(polls: () => AsyncIterable<readonly ArchivedPoll[]>, run: Partial<ArchivedRun> = {}): RunArchive {
	return {
		run: {
			...runCreated("r1"),
			station: "sim1",
			state: "complete",
			createdAt: 1_000,
			endedAt: 3_600_000,
			cycles: null,
			worstPulseErrorMs: null,
			peakFoilC: null,
			peakFoilUncertaintyC: null,
			durationS: 3_599,
			plannedS: 600,
			anneals: [],
			...run,
		},
		instruments: [
			{
				instrument: "gauge",
				driver: null,
				manufacturer: null,
				model: null,
				serial: null,
				firmware: null,
				signals: [{ name: "pressure", unit: "Pa", description: null }],
			},
		],
		phases: [],
		doses: [],
		polls,
		steps: nothing,
		pulses: nothing,
		events: nothing,
	};
}

const facts = (archive: RunArchive) => ({ archive, descent: [], at: 0, softwareVersion: "0.1.0" });

describe("a package of a run without end", () => {
	it("asks for no more rows than its reader takes, and for none once the reader has gone", async () => {
		let batches = 0;
		const archive = archiveOf(async function* () {
			for (;;) {
				batches += 1;
				yield Array.from({ length: 1_000 }, (_, n) => ({ at: batches * 1_000 + n, values: [Math.sin(batches + n)] }));
			}
		});
		const stream = zipOf(packageFiles(facts(archive), "csv"), 0);
		const reader = stream[Symbol.asyncIterator]();
		/** Until no batch has been asked for during a while. */
		const quiet = async (): Promise<number> => {
			for (let before = -1; before !== batches; await later(100)) {
				before = batches;
				expect(batches).toBeLessThan(500);
			}
			return batches;
		};
		await reader.next();
		const asked = await quiet();
		for (let n = 0; n < 50; n += 1) await reader.next();
		expect(batches).toBeGreaterThan(asked);
		stream.destroy();
		await quiet();
	});
});

const table = (rows: number): Table => ({
	name: "t",
	title: "t",
	columns: [
		{ name: "time", type: "datetime" },
		{ name: "n", type: "integer" },
		{ name: "v / V", type: "number", unit: "V" },
		{ name: "text", type: "string" },
	],
	async *rows() {
		for (let n = 0; n < rows; n += 1_000)
			yield Array.from({ length: Math.min(1_000, rows - n) }, (_, k) => [
				(n + k) * 1_000,
				n + k,
				(n + k) % 7 === 0 ? null : (n + k) / 3,
				(n + k) % 5 === 0 ? null : `r"${n + k}`,
			]);
	},
});

async function gathered(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
	const parts: Uint8Array[] = [];
	for await (const part of bytes) parts.push(part);
	return Buffer.concat(parts);
}

describe("a table as Parquet", () => {
	it.each([0, 1, 150_000])("of %i rows is read back as it was, in several row groups", async (count) => {
		const bytes = await gathered(parquetOf(table(count)));
		const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer;
		const metadata = parquetMetadata(file);
		expect(Number(metadata.num_rows)).toBe(count);
		expect(metadata.row_groups.length).toBe(count > 100_000 ? 3 : Math.min(1, count));
		const rows = count === 0 ? [] : await parquetReadObjects({ file, rowStart: Math.max(0, count - 3) });
		expect(rows).toEqual(
			Array.from({ length: Math.min(3, count) }, (_, k) => {
				const n = Math.max(0, count - 3) + k;
				return {
					time: new Date(n * 1_000),
					n: BigInt(n),
					"v / V": n % 7 === 0 ? null : n / 3,
					text: n % 5 === 0 ? null : `r"${n}`,
				};
			}).map((row) => expect.objectContaining(row)),
		);
	});
});

describe("a table as CSV", () => {
	it("quotes what needs it and leaves empty what is not there", async () => {
		expect((await gathered(csvOf(table(2)))).toString()).toBe(
			'time,n,v / V,text\n1970-01-01T00:00:00.000Z,0,,\n1970-01-01T00:00:01.000Z,1,0.3333333333333333,"r""1"\n',
		);
	});
});

describe("a batch record", () => {
	it("has no character that XML forbids, and no end where there was none", () => {
		const xml = batchRecord(archiveOf(nothing, { operator: 'a\0b <&> "c"', endedAt: null, state: "running" }), {
			lots: [],
		});
		expect(xml).toContain("<ValueString>a\ufffdb &lt;&amp;&gt; &quot;c&quot;</ValueString>");
		expect(xml).not.toContain("ActualEndTime");
		expect(xml).not.toContain("LotID");
	});
});
