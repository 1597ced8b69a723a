/** The doses of each precursor against doses of their kind: a bottle that runs low, a valve that sticks, a purge that is too short. */
import { doseKind, newestKind } from "#record/dose-kind.js";
import type { Alarms } from "#safety/alarms.js";
import { type DoseEvidence, LOW_SHARE, PulseTrend, REFERENCE_DOSES, type Verdict } from "#safety/pulse-trend.js";

export interface TrendDose {
	readonly precursor: string;
	readonly widthMs: number;
	readonly carrierSccm: number;
	readonly effective: DoseEvidence;
}

export interface Judged {
	/** So many in a row, this the last, left nothing; 0 while nothing is known to compare with. */
	readonly leftNothing: number;
	/** What was seen where these are too many to go on. */
	readonly said: string | undefined;
	/** Area that is usual for its kind, and the least that is not yet alarmed, Pa s; null while not known. */
	readonly usualPaS: number | null;
	readonly lowPaS: number | null;
}

const UNKNOWN: Judged = { leftNothing: 0, said: undefined, usualPaS: null, lowPaS: null };

/** So many doses one after the other that leave nothing, of whatever kind: the valve has not opened. */
const STUCK_DOSES = 2;
/** What the doses of a kind told stands until so many of the precursor were of other kinds. */
const CURRENT_DOSES = REFERENCE_DOSES;

interface Kind {
	readonly trend: PulseTrend;
	verdict: Verdict | undefined;
	/** Number of its newest dose among those of its precursor. */
	atDose: number;
}

/** The doses of one precursor. */
interface Course {
	readonly kinds: Map<string, Kind>;
	doses: number;
	/** Doses in a row that left nothing, and the last of them with what is usual. */
	leftNothing: number;
	readonly missing: { readonly areaPaS: number; readonly usualPaS: number }[];
}

export class PulseTrends {
	private readonly courses = new Map<string, Course>();

	constructor(private readonly alarms: Alarms) {}

	/** A delivered dose. One of another width or at another flow has a trend of its own. */
	seen(dose: TrendDose): Judged {
		const { usualPaS } = this.follow(dose);
		const said = this.tell(dose.precursor);
		if (usualPaS === undefined) return UNKNOWN;
		const { leftNothing } = this.course(dose.precursor);
		return { leftNothing, said, usualPaS, lowPaS: LOW_SHARE * usualPaS };
	}

	/** Doses from before this process, oldest first: what they told is told again. */
	recall(doses: readonly TrendDose[]): void {
		for (const dose of doses) this.follow(dose);
		for (const precursor of this.courses.keys()) this.tell(precursor);
	}

	private follow({ precursor, widthMs, carrierSccm, effective }: TrendDose): Verdict {
		const course = this.course(precursor);
		const begin = (): Kind => ({ trend: new PulseTrend(precursor), verdict: undefined, atDose: 0 });
		const kind = newestKind(course.kinds, doseKind(precursor, widthMs, carrierSccm), begin);
		course.doses += 1;
		kind.atDose = course.doses;
		const verdict = kind.trend.seen(effective);
		kind.verdict = verdict;
		const { usualPaS } = verdict;
		// A dose that cannot be compared neither proves the valve nor accuses it.
		if (usualPaS === undefined) return verdict;
		course.leftNothing = verdict.leftNothing ? course.leftNothing + 1 : 0;
		course.missing.push({ areaPaS: effective.areaPaS, usualPaS });
		if (course.missing.length > STUCK_DOSES) course.missing.shift();
		return verdict;
	}

	/** Raises and clears the alarms of a precursor; gives what is said of a valve that has not opened. */
	private tell(precursor: string): string | undefined {
		const course = this.course(precursor);
		const current = [...course.kinds.values()].filter(({ atDose }) => course.doses - atDose < CURRENT_DOSES).reverse();
		const newest = (what: "unseen" | "low" | "risen") =>
			current.map(({ verdict }) => verdict?.[what]).find((sentence) => sentence !== undefined);
		const stuck = course.leftNothing >= STUCK_DOSES ? this.stuckInWords(precursor, course) : undefined;
		this.follows(`valve-sticking.${precursor}`, stuck ?? newest("unseen"));
		this.follows(`bottle-low.${precursor}`, stuck === undefined ? newest("low") : undefined);
		this.follows(`purge-insufficient.${precursor}`, newest("risen"));
		return stuck;
	}

	private stuckInWords(precursor: string, { missing }: Course): string {
		const areasPaS = missing.map(({ areaPaS }) => areaPaS.toFixed(2)).join(" and ");
		const usualPaS = [...new Set(missing.map((each) => each.usualPaS.toFixed(2)))].join(" and ");
		const others = [...this.courses].filter(([of, { leftNothing }]) => of !== precursor && leftNothing > 0);
		const common =
			others.length === 0
				? ""
				: ` Nor did the last of ${others.map(([of]) => of).join(", ")} leave anything: it may be the gauge, the air or the valves' supply rather than one valve.`;
		return `The last doses of ${precursor} left ${areasPaS} Pa s; ${usualPaS} Pa s are usual.${common}`;
	}

	private follows(alarm: string, message: string | undefined): void {
		this.alarms.follow(message !== undefined, { alarm, message: message ?? "" });
	}

	private course(precursor: string): Course {
		const known = this.courses.get(precursor);
		if (known !== undefined) return known;
		const course: Course = { kinds: new Map(), doses: 0, leftNothing: 0, missing: [] };
		this.courses.set(precursor, course);
		return course;
	}
}
