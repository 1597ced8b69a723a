import type { ClientBase } from "pg";

const DAY_MS = 86_400_000;

/** Makes the daily partitions (UTC) of the samples as they are needed. Nothing to do where Timescale does it. */
export class Partitions {
	private readonly days = new Set<number>();
	/** Days written to since their index was last told. */
	private readonly written = new Set<number>();
	private isPartitioned: boolean | undefined;

	constructor(private readonly client: ClientBase) {}

	/** Sees to it that there is a place for samples at each of these Unix times in ms. */
	async cover(timesMs: readonly number[]): Promise<void> {
		let last = Number.NaN;
		for (const timeMs of timesMs) {
			const day = Math.floor(timeMs / DAY_MS);
			if (day === last) continue;
			last = day;
			if (!this.days.has(day)) await this.add(day);
			this.written.add(day);
		}
	}

	/**
	 * Brings the block range indexes up to what was written: PostgreSQL does so by itself only now and then, and until it
	 * does, whoever looks reads all of what is not summarised.
	 */
	async summarise(): Promise<void> {
		if (this.isPartitioned !== true) return;
		for (const day of this.written) {
			await this.client.query(
				`SELECT brin_summarize_new_values(indexrelid) FROM pg_index JOIN pg_class ON oid = indexrelid
				WHERE indrelid = to_regclass($1) AND relam = (SELECT oid FROM pg_am WHERE amname = 'brin')`,
				[partitionName(day)],
			);
		}
		this.written.clear();
	}

	private async add(day: number): Promise<void> {
		if (this.isPartitioned === undefined) {
			const { rows } = await this.client.query(
				"SELECT relkind = 'p' AS partitioned FROM pg_class WHERE oid = 'samples'::regclass",
			);
			this.isPartitioned = (rows[0] as { partitioned: boolean }).partitioned;
		}
		if (this.isPartitioned) {
			const from = new Date(day * DAY_MS).toISOString();
			const to = new Date((day + 1) * DAY_MS).toISOString();
			await this.client.query(
				`CREATE TABLE IF NOT EXISTS "${partitionName(day)}" PARTITION OF samples FOR VALUES FROM ('${from}') TO ('${to}')`,
			);
		}
		this.days.add(day);
	}
}

function partitionName(day: number): string {
	return `samples_${new Date(day * DAY_MS).toISOString().slice(0, 10).replaceAll("-", "")}`;
}
