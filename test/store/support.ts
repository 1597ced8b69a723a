import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { type Clock, SystemClock } from "#core/clock.js";
import { JournalReader } from "#journal/reader.js";
import { JournalWriter } from "#journal/writer.js";
import { openStore, type Store } from "#store/open.js";

export const clock: Clock = new SystemClock();

export function temporaryFolder(): string {
	return mkdtempSync(join(tmpdir(), "adlayer-store-"));
}

export function removeFolders(...folders: (string | undefined)[]): void {
	for (const folder of folders) if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
}

export function openWriter(dir: string, station = "sim1"): JournalWriter {
	return JournalWriter.open({ dir, clock, station, measureDisk: async () => 0.1 });
}

export const refusedFile = (folder: string): string => join(folder, "refused-records.jsonl");

export function openTestStore(folder: string, options: { journal?: string; databaseUrl?: string } = {}): Store {
	const reader = new JournalReader({ dir: options.journal ?? join(folder, "journal"), name: "store", clock });
	return openStore({
		reader,
		clock,
		embeddedFolder: join(folder, "postgres"),
		refusedFile: refusedFile(folder),
		...(options.databaseUrl === undefined ? {} : { databaseUrl: options.databaseUrl }),
	});
}

/** Waits in real time, for what runs in other processes. */
export async function until(condition: () => boolean | Promise<boolean>, limitMs = 30_000): Promise<void> {
	const deadlineMs = clock.nowMs() + limitMs;
	while (!(await condition())) {
		if (clock.nowMs() > deadlineMs)
			throw new Error(`The condition did not come true within ${limitMs / 1000} s: ${condition}`);
		await clock.sleep(20);
	}
}

export async function query<Row>(url: string, sql: string, values: unknown[] = []): Promise<Row[]> {
	const client = new pg.Client({ connectionString: url });
	client.on("error", () => {});
	await client.connect();
	try {
		return (await client.query(sql, values)).rows as Row[];
	} finally {
		await client.end();
	}
}

/** What is in the database of a journal whose samples carry a number that rises by one: each exactly once, none missing. */
export async function audit(
	url: string,
): Promise<{ samples: number; distinct: number; highest: number; events: number; counted: number }> {
	const [row] = await query<Record<string, string>>(
		url,
		`SELECT count(*) AS samples, count(DISTINCT value) AS distinct, coalesce(max(value), 0) AS highest,
			(SELECT count(*) FROM events WHERE kind = 'note') AS events, (SELECT sum(samples) FROM journal_position) AS counted
		FROM samples JOIN signals ON id = signal_id WHERE name = 'counter.count'`,
	);
	const { samples, distinct, highest, events, counted } = row!;
	return {
		samples: Number(samples),
		distinct: Number(distinct),
		highest: Number(highest),
		events: Number(events),
		counted: Number(counted),
	};
}

/** One poll with the next number, and now and then a note. */
export function count(writer: JournalWriter, number: number): void {
	writer.append({ kind: "sample", instrument: "counter", values: { count: number } });
	if (number % 10 === 0) writer.append({ kind: "note", level: "info", run: null, code: "TEN", message: `${number}` });
}
