/** The recent past of one signal: read from the service once, continued by each state. Times are lab time, Unix ms. */

/** As many points as a chart has room for. */
export const POINTS = 240;
/** Points further apart than so many buckets, or than so much real time, are not joined: nothing is known in between. */
const GAP_BUCKETS = 5;
const GAP_REAL_MS = 5_000;

export class TrendData {
	points = [];

	constructor({ spanMs, speed }) {
		this.spanMs = spanMs;
		this.bucketMs = spanMs / POINTS;
		this.gapMs = Math.max(GAP_BUCKETS * this.bucketMs, GAP_REAL_MS * speed);
	}

	/** Takes over what the service has stored; newer points that came meanwhile stay. */
	load(stored) {
		const known = stored.filter(({ mean }) => mean !== null);
		const lastAt = known.at(-1)?.at ?? Number.NEGATIVE_INFINITY;
		this.points = [...known, ...this.points.filter(({ at }) => at > lastAt)];
	}

	/** The newest value; one that is not good leaves a gap. */
	add({ at, value, quality }) {
		const last = this.points.at(-1);
		if (quality !== "good" || value === null) {
			if (last !== undefined && last.mean !== null) this.points.push({ at: last.at, min: null, max: null, mean: null });
			return;
		}
		if (last !== undefined && at <= last.at) return;
		if (last !== undefined && last.mean !== null && sameBucket(last.at, at, this.bucketMs)) {
			last.min = Math.min(last.min, value);
			last.max = Math.max(last.max, value);
			last.mean = value;
		} else this.points.push({ at, min: value, max: value, mean: value });
		const begin = at - this.spanMs;
		while (this.points.length > 0 && this.points[0].at < begin) this.points.shift();
	}

	/** Runs of points that belong together, gaps between them. */
	stretches() {
		const found = [];
		let current = [];
		for (const point of this.points) {
			const isJoined = point.mean !== null && (current.length === 0 || point.at - current.at(-1).at <= this.gapMs);
			if (!isJoined && current.length > 0) {
				found.push(current);
				current = [];
			}
			if (point.mean !== null) current.push(point);
		}
		if (current.length > 0) found.push(current);
		return found;
	}
}

const sameBucket = (a, b, bucketMs) => Math.floor(a / bucketMs) === Math.floor(b / bucketMs);
