/** The cases of the sweep, by name: `ten-17` is the fault plan of seed 17 on ten cycles. */
import { drive, killAtRandom, killAtRecord, type Outcome, RAMP, recordsOf, TEN, WHOLE } from "./drive.js";
import { healthy } from "./healthy.js";

/** The short run that control is killed in at every record, and how often it is killed in the long ones. */
const SHORT_CYCLES = 1;
const KILLS_PER_LONG_RUN = 20;

const PERFORM = {
	/** A fault plan on ten cycles. */
	ten: (seed: number) => drive(seed, TEN),
	/** A fault plan on a whole shipped recipe. */
	whole: (seed: number) => drive(seed, WHOLE, { cycles: 50 }),
	/** A fault plan on the way up to the anneal. */
	ramp: (seed: number) => drive(seed, RAMP, { cycles: 1 }),
	/** Control killed at the nth record that is not a sample. */
	record: (n: number) => killAtRecord(n, SHORT_CYCLES),
	/** Control killed again and again at random instants of one long run. */
	instants: (seed: number) => killAtRandom(seed, KILLS_PER_LONG_RUN),
	/** A shipped recipe without any fault. */
	healthy,
};

export type Kind = keyof typeof PERFORM;

export interface Case {
	readonly name: string;
	readonly kind: Kind;
	readonly number: number;
}

export function caseNamed(name: string): Case {
	const [, kind, number] = /^([a-z]+)-(\d+)$/.exec(name) ?? [];
	if (kind === undefined || !Object.hasOwn(PERFORM, kind))
		throw new Error(`There is no case ${name}; they are called ${Object.keys(PERFORM).join("-N, ")}-N.`);
	return { name, kind: kind as Kind, number: Number(number) };
}

export const performCase = ({ kind, number }: Case): Promise<Outcome> => PERFORM[kind](number);

/** Long ones first, so that both workers end together. */
export async function sweep(counts: {
	readonly plans: number;
	readonly whole: number;
	readonly ramp: number;
	readonly instants: number;
	/** At most so many of the short run's records; all without it. */
	readonly records?: number;
	readonly healthy: number;
	/** The first seed of everything that is seeded. */
	readonly first: number;
}): Promise<Case[]> {
	const from = (first: number, kind: Kind, count: number) =>
		Array.from({ length: count }, (_, index) => caseNamed(`${kind}-${first + index}`));
	const seeded = (kind: Kind, count: number) => from(counts.first, kind, count);
	const records = counts.records === 0 ? 0 : await recordsOf(SHORT_CYCLES);
	return [
		...seeded("instants", counts.instants),
		...seeded("healthy", counts.healthy),
		...seeded("whole", counts.whole),
		...seeded("ramp", counts.ramp),
		...from(1, "record", Math.min(counts.records ?? records, records)),
		...seeded("ten", counts.plans),
	];
}
