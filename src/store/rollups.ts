/**
 * Samples gathered into ever wider pieces of time, so that a look at weeks costs as little as one at minutes. The widths lie
 * on the grid of the Unix epoch, each a multiple of the one before.
 */
import type { ClientBase } from "pg";

/** Widths of the pieces, in ms. */
export const ROLLUP_WIDTHS_MS: readonly number[] = [10, 60, 600, 3_600, 21_600, 86_400].map((s) => s * 1_000);

/** Rolling up waits until so much of the past has come in that few rows are made of many. */
const ROLL_AFTER_MS = 60_000;
/** Time that one transaction rolls up, so that none takes long. */
const CHUNK_MS = 21_600_000;

const EPOCH = "timestamptz 'epoch'";

export const floorTo = (timeMs: number, widthMs: number): number => Math.floor(timeMs / widthMs) * widthMs;

/** The rollups of one station, as they are made. */
export class Rollups {
	/** Up to where (Unix ms) each width has been made; the finest is the furthest. */
	private readonly upTo = new Map<number, number>();
	private isLoaded = false;
	private newestMs = Number.NEGATIVE_INFINITY;

	constructor(
		private readonly client: ClientBase,
		private readonly station: string,
	) {}

	/**
	 * Sees the times of samples about to be written; the first ones of a station say where its rollups begin. Must be
	 * called before `made`, outside a transaction.
	 */
	async expect(oldestMs: number, newestMs: number): Promise<void> {
		if (!this.isLoaded) await this.load(oldestMs);
		this.newestMs = Math.max(this.newestMs, newestMs);
	}

	/** The widths whose rollups have been made for this time already: a sample that comes late belongs into them. */
	made(timeMs: number): readonly number[] {
		if (timeMs >= this.upTo.get(ROLLUP_WIDTHS_MS[0]!)!) return NONE;
		return ROLLUP_WIDTHS_MS.filter((widthMs) => timeMs < this.upTo.get(widthMs)!);
	}

	/**
	 * Rolls up what has become old enough, a bounded piece in each transaction. `nowMs` is the wall time: samples stamped
	 * with a later one are left until then.
	 */
	async roll(nowMs: number): Promise<void> {
		if (!this.isLoaded) return;
		const [finestMs] = ROLLUP_WIDTHS_MS as [number];
		for (;;) {
			const from = this.upTo.get(finestMs)!;
			const end = floorTo(Math.min(this.newestMs, nowMs), finestMs);
			if (end - from < ROLL_AFTER_MS) return;
			await this.rollUpTo(Math.min(end, from + CHUNK_MS));
			if (end - from <= CHUNK_MS) return;
		}
	}

	private async rollUpTo(end: number): Promise<void> {
		const reached = new Map<number, number>();
		await this.client.query("BEGIN");
		try {
			let finerMs: number | undefined;
			for (const widthMs of ROLLUP_WIDTHS_MS) {
				const from = this.upTo.get(widthMs)!;
				const to = floorTo(finerMs === undefined ? end : reached.get(finerMs)!, widthMs);
				reached.set(widthMs, Math.max(from, to));
				if (to > from) await this.make(widthMs, finerMs, from, to);
				finerMs = widthMs;
			}
			await this.client.query("SET LOCAL synchronous_commit = off");
			await this.client.query("COMMIT");
		} catch (error) {
			await this.client.query("ROLLBACK").catch(() => {});
			throw error;
		}
		for (const [widthMs, upTo] of reached) this.upTo.set(widthMs, upTo);
	}

	/** One width from the next finer one, the finest from the samples. */
	private async make(widthMs: number, finerMs: number | undefined, from: number, to: number): Promise<void> {
		const source =
			finerMs === undefined
				? `SELECT signal_id, time AS start, (value IS NOT NULL)::int AS samples, value AS sum, value AS min, value AS max
					FROM samples WHERE time >= $1 AND time < $2`
				: `SELECT signal_id, start, samples, sum, min, max
					FROM rollups WHERE width_s = ${finerMs / 1_000} AND start >= $1 AND start < $2`;
		await this.client.query(
			`INSERT INTO rollups (signal_id, width_s, start, samples, sum, min, max)
			SELECT signal_id, ${widthMs / 1_000}, date_bin(interval '${widthMs} ms', start, ${EPOCH}) AS bin, sum(samples), sum(sum), min(min), max(max)
			FROM (${source} AND signal_id IN (SELECT id FROM signals WHERE station = $3)) AS source
			GROUP BY signal_id, bin`,
			[new Date(from), new Date(to), this.station],
		);
		const moved = await this.client.query(
			"UPDATE rollup_position SET up_to = $4 WHERE station = $1 AND width_s = $2 AND up_to = $3",
			[this.station, widthMs / 1_000, new Date(from), new Date(to)],
		);
		if (moved.rowCount !== 1) throw new Error(`Another process is rolling up the samples of ${this.station}.`);
	}

	private async load(oldestMs: number): Promise<void> {
		const starts = ROLLUP_WIDTHS_MS.map((widthMs) => new Date(floorTo(oldestMs, widthMs)));
		await this.client.query(
			`INSERT INTO rollup_position (station, width_s, up_to)
			SELECT $1, * FROM unnest($2::int[], $3::timestamptz[]) ON CONFLICT DO NOTHING`,
			[this.station, ROLLUP_WIDTHS_MS.map((widthMs) => widthMs / 1_000), starts],
		);
		const { rows } = await this.client.query("SELECT width_s, up_to FROM rollup_position WHERE station = $1", [
			this.station,
		]);
		for (const { width_s, up_to } of rows as { width_s: number; up_to: Date }[])
			this.upTo.set(width_s * 1_000, up_to.getTime());
		this.isLoaded = true;
	}
}

const NONE: readonly number[] = [];
