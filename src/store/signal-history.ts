/** One signal's past in as many points as a screen shows, from rollups as wide as the points allow and samples at the edges. */
import type { Pool } from "pg";
import type { HistoryPoint } from "#record/history.js";
import { floorTo, ROLLUP_WIDTHS_MS } from "./rollups.js";

const POINTS_MAX = 10_000;

/** A stretch of time, Unix ms, answered by rollups of one width; 0 for the samples themselves. */
export interface Stretch {
	readonly widthMs: number;
	readonly from: number;
	readonly to: number;
}

type Query = { readonly from: number; readonly to: number; readonly points: number };

/** `station` chooses between reactors that have signals of the same name. */
export async function signalHistory(
	pool: Pool,
	name: string,
	{ from, to, points }: Query,
	station?: string,
): Promise<HistoryPoint[]> {
	const { rows: known } = await pool.query(
		`SELECT id, width_s, up_to FROM signals LEFT JOIN rollup_position USING (station)
		WHERE id = (SELECT id FROM signals WHERE name = $1 AND ($2::text IS NULL OR station = $2) ORDER BY id DESC LIMIT 1)`,
		[name, station ?? null],
	);
	const signal = known as { id: number; width_s: number | null; up_to: Date | null }[];
	if (signal.length === 0) return [];
	const upTo = new Map(signal.map(({ width_s, up_to }) => [(width_s ?? 0) * 1_000, up_to?.getTime() ?? 0]));
	const { bucketMs, originMs, widthMs } = buckets({ from, to, points });
	const stretches = cover({ from, to, widthMs }, (width) => upTo.get(width) ?? Number.NEGATIVE_INFINITY);
	const { rows } = await pool.query(
		`SELECT extract(epoch FROM date_bin($2::bigint * interval '1 microsecond', start, $3::timestamptz))::float8 * 1000 AS start,
			min(min) AS min, max(max) AS max, sum(sum) / nullif(sum(samples), 0) AS mean
		FROM (${stretches.map(source).join(" UNION ALL ")}) AS pieces GROUP BY 1 ORDER BY 1`,
		[signal[0]!.id, Math.round(bucketMs * 1_000), new Date(originMs)],
	);
	type Row = { start: number; min: number | null; max: number | null; mean: number | null };
	return (rows as Row[]).map(({ start, min, max, mean }) => ({
		at: Math.round(Math.min(to, Math.max(from, start + bucketMs / 2))),
		min,
		max,
		mean,
	}));
}

/** At most `points` buckets over the time asked for, and the widest rollups that fit into them without straddling. */
export function buckets({ from, to, points }: Query): { bucketMs: number; originMs: number; widthMs: number } {
	const count = Math.max(1, Math.min(Math.trunc(points), POINTS_MAX));
	const spanMs = to - from;
	const widthMs = ROLLUP_WIDTHS_MS.findLast((width) => width * count <= spanMs) ?? 0;
	if (widthMs === 0 || count === 1)
		return { bucketMs: Math.max(0.001, Math.ceil((spanMs * 1_000) / count) / 1_000), originMs: from, widthMs };
	// One bucket is spared for the grid's beginning before `from`.
	const bucketMs = Math.ceil(spanMs / (count - 1) / widthMs) * widthMs;
	return { bucketMs, originMs: floorTo(from, widthMs), widthMs };
}

/**
 * Lays rollups of `widthMs` over the time, as far as they are made, and finer ones over what is left at both ends, down to
 * the samples.
 */
export function cover(
	{ from, to, widthMs }: { from: number; to: number; widthMs: number },
	upTo: (widthMs: number) => number,
): Stretch[] {
	if (from >= to) return [];
	if (widthMs === 0) return [{ widthMs, from, to }];
	const finer = ROLLUP_WIDTHS_MS[ROLLUP_WIDTHS_MS.indexOf(widthMs) - 1] ?? 0;
	const begin = Math.ceil(from / widthMs) * widthMs;
	const end = Math.min(floorTo(to, widthMs), upTo(widthMs));
	if (begin >= end) return cover({ from, to, widthMs: finer }, upTo);
	return [
		...cover({ from, to: begin, widthMs: finer }, upTo),
		{ widthMs, from: begin, to: end },
		...cover({ from: end, to, widthMs: finer }, upTo),
	];
}

/** The stretch as SQL: numbers of our own only, and $1 the signal. */
function source({ widthMs, from, to }: Stretch): string {
	const within = (column: string) =>
		`signal_id = $1 AND ${column} >= '${timestamp(from)}' AND ${column} < '${timestamp(to)}'`;
	return widthMs === 0
		? `SELECT time AS start, value AS min, value AS max, value AS sum, (value IS NOT NULL)::int AS samples FROM samples WHERE ${within("time")}`
		: `SELECT start, min, max, sum, samples FROM rollups WHERE width_s = ${widthMs / 1_000} AND ${within("start")}`;
}

const timestamp = (timeMs: number): string => new Date(timeMs).toISOString();
