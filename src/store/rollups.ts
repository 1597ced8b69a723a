/**
 * Samples gathered into ever wider pieces of time, so that a look at weeks costs as little as one at minutes. The widths lie
 * on the grid of the Unix epoch, each a multiple of the one before.
 */
import type { ClientBase } from "pg";

/** Widths of the pieces, in ms. */
export const ROLLUP_WIDTHS_MS: readonly number[] = [10, 60, 600, 3_600, 21_600, 86_400].map((s) => s * 1_000);

/** Samples that trickle in are left until there are enough for few rows to be made of many. */
const ROLL_AFTER_MS = 60_000;
/** A batch over more time than this brings its finest pieces along: reading them back from the samples would cost more. */
const DENSE_MS = 600_000;
/** A batch stamped further ahead than this is the work of a clock that is wrong. */
const AHEAD_MS_MAX = 3_600_000;
/** Time that one transaction rolls up, so that none takes long. */
const CHUNK_MS = 21_600_000;

const EPOCH = "timestamptz 'epoch'";
const FINEST_MS = ROLLUP_WIDTHS_MS[0]!;
const NEXT_MS = ROLLUP_WIDTHS_MS[1]!;
const NONE: readonly number[] = [];
const ONLY_FINEST: readonly number[] = [FINEST_MS];

export const floorTo = (timeMs: number, widthMs: number): number => Math.floor(timeMs / widthMs) * widthMs;

/** The time of a batch's samples, Unix ms. */
export interface Span {
	readonly oldestMs: number;
	readonly newestMs: number;
}

/**
 * The rollups of one station, as they are made: the finest from the samples or along with them, each wider one from the
 * finer. Rows of one piece of time add up, so that what comes late is simply added.
 */
export class Rollups {
	/** Up to where (Unix ms) each width has been made; the finest is the furthest. */
	private readonly upTo = new Map<number, number>();
	private isLoaded = false;
	private newestMs = Number.NEGATIVE_INFINITY;
	/** Where the finest width will stand with the batch that is being written. */
	private claimMs: number | undefined;

	constructor(
		private readonly client: ClientBase,
		private readonly station: string,
	) {}

	/** Before a batch is written, outside a transaction. The first samples of a station say where its rollups begin. */
	async expect(span: Span, wallMs: number): Promise<void> {
		if (!this.isLoaded) await this.load(span.oldestMs);
		this.claimMs = undefined;
		if (span.newestMs - span.oldestMs >= DENSE_MS && span.newestMs <= wallMs + AHEAD_MS_MAX) {
			const tail = floorTo(this.newestMs, FINEST_MS) + FINEST_MS;
			for (let from = this.upTo.get(FINEST_MS)!; from < tail; from = this.upTo.get(FINEST_MS)!)
				await this.rollUpTo(Math.min(tail, from + CHUNK_MS));
			this.claimMs = Math.max(tail, floorTo(span.newestMs, FINEST_MS) + FINEST_MS);
		}
		this.newestMs = Math.max(this.newestMs, span.newestMs);
	}

	/** The widths into whose rollups a sample of this time goes as it is written. */
	goesInto(timeMs: number): readonly number[] {
		if (timeMs >= Math.max(this.upTo.get(FINEST_MS)!, this.claimMs ?? 0)) return NONE;
		if (timeMs >= this.upTo.get(NEXT_MS)!) return ONLY_FINEST;
		return ROLLUP_WIDTHS_MS.filter((widthMs) => widthMs === FINEST_MS || timeMs < this.upTo.get(widthMs)!);
	}

	/** In the batch's transaction. */
	async claim(): Promise<void> {
		if (this.claimMs !== undefined) await this.move(FINEST_MS, this.upTo.get(FINEST_MS)!, this.claimMs);
	}

	/** After the batch's commit. */
	claimed(): void {
		if (this.claimMs !== undefined) this.upTo.set(FINEST_MS, this.claimMs);
		this.claimMs = undefined;
	}

	/**
	 * Rolls up what has become old enough, a bounded piece in each transaction. Samples stamped with a later time than
	 * `wallMs` are left until then.
	 */
	async roll(wallMs: number): Promise<void> {
		if (!this.isLoaded) return;
		for (;;) {
			const from = this.upTo.get(FINEST_MS)!;
			const end = Math.max(from, floorTo(Math.min(this.newestMs, wallMs), FINEST_MS));
			const isWiderDue = ROLLUP_WIDTHS_MS.some(
				(widthMs, at) =>
					at > 0 && floorTo(this.upTo.get(ROLLUP_WIDTHS_MS[at - 1]!)!, widthMs) > this.upTo.get(widthMs)!,
			);
			if (end - from < ROLL_AFTER_MS && !isWiderDue) return;
			await this.rollUpTo(end - from < ROLL_AFTER_MS ? from : Math.min(end, from + CHUNK_MS));
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
		await this.move(widthMs, from, to);
	}

	private async move(widthMs: number, from: number, to: number): Promise<void> {
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
		this.newestMs = await this.newestNotRolled();
		this.isLoaded = true;
	}

	/** Time of the newest sample that no rollup has yet, -Infinity when all have. */
	private async newestNotRolled(): Promise<number> {
		const { rows } = await this.client.query(
			"SELECT max(time) AS newest FROM samples WHERE time >= $1 AND signal_id IN (SELECT id FROM signals WHERE station = $2)",
			[new Date(this.upTo.get(FINEST_MS)!), this.station],
		);
		const { newest } = rows[0] as { newest: Date | null };
		return newest?.getTime() ?? Number.NEGATIVE_INFINITY;
	}
}
