/** The last minutes of the signals that interlocks judge by their course, not by their value alone. */

/** The longest window that a lab file may ask for, with room for the poll before it. */
const KEPT_MS = 1_900_000;
/** A gauge at 50 Hz fills it in 80 s, more than a dose needs; a temperature at 1 Hz never. */
const POINTS_MAX = 4_096;

interface Course {
	readonly times: number[];
	readonly values: number[];
	/** The newest value, also over a gap. */
	newest: number | undefined;
	/** Two readings, one after the other, have differed. */
	hasMoved: boolean;
	/** When something happened that must have changed it and has not. */
	owedSinceMs: number | undefined;
}

export class SignalHistory {
	private readonly courses = new Map<string, Course>();

	/**
	 * A new reading; null when it is not good, which ends the course: no rate and no level is concluded over a gap. A change
	 * that is owed stays owed until a value differs.
	 */
	push(signal: string, atMs: number, value: number | null): void {
		const course = this.course(signal);
		const { times, values } = course;
		if (value === null) {
			times.length = 0;
			values.length = 0;
			return;
		}
		if (times.at(-1) === atMs) return;
		if (course.newest !== undefined && course.newest !== value) {
			course.hasMoved = true;
			course.owedSinceMs = undefined;
		}
		course.newest = value;
		times.push(atMs);
		values.push(value);
		if (times.length <= POINTS_MAX && times[0]! >= atMs - 2 * KEPT_MS) return;
		const first = Math.max(
			times.findIndex((time) => time >= atMs - KEPT_MS),
			times.length - POINTS_MAX / 2,
		);
		times.splice(0, first);
		values.splice(0, first);
	}

	/** Something happens now that this signal must show. */
	disturb(signal: string, nowMs: number): void {
		const course = this.course(signal);
		if (course.values.length > 0) course.owedSinceMs ??= nowMs;
	}

	/** Whether its value has ever differed from the one before. */
	hasMoved(signal: string): boolean {
		return this.course(signal).hasMoved;
	}

	/** Since when a change is owed; undefined while none is. */
	owedSinceMs(signal: string): number | undefined {
		return this.course(signal).owedSinceMs;
	}

	/** Least and greatest value in the window that ends now; undefined when good readings do not span it. */
	range(signal: string, fromMs: number): { readonly least: number; readonly greatest: number } | undefined {
		const { times, values } = this.course(signal);
		if (times.length === 0 || times[0]! > fromMs) return undefined;
		let least = Number.POSITIVE_INFINITY;
		let greatest = Number.NEGATIVE_INFINITY;
		for (let i = times.length - 1; i >= 0; i -= 1) {
			least = Math.min(least, values[i]!);
			greatest = Math.max(greatest, values[i]!);
			if (times[i]! <= fromMs) break;
		}
		return { least, greatest };
	}

	/** Rise from the window's beginning to the newest reading; undefined when good readings do not span it. */
	rise(signal: string, fromMs: number): number | undefined {
		const { times, values } = this.course(signal);
		if (times.length === 0 || times[0]! > fromMs) return undefined;
		// The newest reading that is not after the window's beginning.
		let at = 0;
		let end = times.length;
		while (end - at > 1) {
			const middle = (at + end) >> 1;
			if (times[middle]! <= fromMs) at = middle;
			else end = middle;
		}
		return values.at(-1)! - values[at]!;
	}

	/** Mean of the readings in the window; undefined without any. */
	mean(signal: string, fromMs: number): number | undefined {
		const { times, values } = this.course(signal);
		let sum = 0;
		let count = 0;
		for (let i = times.length - 1; i >= 0 && times[i]! > fromMs; i -= 1) {
			sum += values[i]!;
			count += 1;
		}
		return count === 0 ? undefined : sum / count;
	}

	private course(signal: string): Course {
		const known = this.courses.get(signal);
		if (known !== undefined) return known;
		const course: Course = {
			times: [],
			values: [],
			newest: undefined,
			hasMoved: false,
			owedSinceMs: undefined,
		};
		this.courses.set(signal, course);
		return course;
	}
}
