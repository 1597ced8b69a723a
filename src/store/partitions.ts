import type { ClientBase } from "pg";

const DAY_MS = 86_400_000;

/** Makes the daily partitions (UTC) of the samples as they are needed. Nothing to do where Timescale does it. */
export class Partitions {
	private readonly days = new Set<number>();
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
		}
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
			const name = `samples_${from.slice(0, 10).replaceAll("-", "")}`;
			await this.client.query(
				`CREATE TABLE IF NOT EXISTS "${name}" PARTITION OF samples FOR VALUES FROM ('${from}') TO ('${to}')`,
			);
		}
		this.days.add(day);
	}
}
