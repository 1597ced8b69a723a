/** The anneals of a run: their minutes counted and kept on record as they go, and what each was when it is over. */
import { type AnnealCount, AnnealCounts } from "#recipe/engine/anneal-count.js";
import { AnnealRecords, plannedRamp } from "#recipe/engine/anneal-records.js";
import { type Heater, type PlannedWay, plannedWay } from "#recipe/heater.js";
import type { AnnealStep, Plan } from "#recipe/plan.js";
import type { RecordSink } from "#record/records.js";
import type { GuardedReactor } from "#safety/guarded-reactor.js";
import { isGood } from "#safety/interlock.js";

/** An anneal's minutes are recorded after so many more seconds in band: a crash loses few of them. */
const RECORD_S = 10;

export interface AnnealsDependencies {
	readonly run: string;
	readonly sink: RecordSink;
	readonly reactor: GuardedReactor;
	readonly plan: Plan;
	readonly heaters: Readonly<Record<string, Heater>>;
}

export class Anneals {
	private readonly counts = new AnnealCounts();
	private readonly records: AnnealRecords;
	/** Seconds of each anneal as last recorded, by index of its step. */
	private readonly recordedS = new Map<number, number>();

	constructor(private readonly on: AnnealsDependencies) {
		this.records = new AnnealRecords(on.reactor, on.plan, (record) =>
			on.sink.append({ kind: "anneal", run: on.run, ...record }),
		);
	}

	/** Goes on where the run's records end. */
	takeUp(known: ReadonlyMap<number, { readonly inBandS: number; readonly maximumC: number | null }>): void {
		this.counts.takeUp(this.ordered, known);
		for (const [index, { inBandS }] of known) this.recordedS.set(index, inBandS);
	}

	/** The count of an anneal, which begins with its first execution. */
	begin(order: AnnealStep): AnnealCount {
		const reading = this.on.reactor.zone(order.zone);
		this.records.begin(order, isGood(reading) ? this.plannedWay(order, reading.value) : undefined);
		return this.counts.of(order.index, order);
	}

	/** New readings may have come; `nowMs` is the time of what is not good. */
	sampled(nowMs: number): void {
		this.records.sampled(nowMs);
		this.counts.push((zone) => {
			const reading = this.on.reactor.zone(zone);
			return { atMs: reading.atMs, celsius: isGood(reading) ? reading.value : null };
		});
		this.recordMinutes();
	}

	/** The anneal's time is over. */
	end({ index }: AnnealStep): void {
		this.records.end(index);
	}

	/** The run is over: what was begun is put on record as it is. */
	endAll(): void {
		this.records.endAll();
	}

	get inBandS(): number {
		return this.counts.inBandS;
	}

	/** Null where the plan has no anneal. */
	get status(): { readonly inBandS: number; readonly orderedS: number } | null {
		const { ordered } = this;
		if (ordered.length === 0) return null;
		return { inBandS: this.inBandS, orderedS: ordered.reduce((sum, step) => sum + step.forS, 0) };
	}

	/** Null before the first anneal has begun. */
	get summary(): AnnealCounts["summary"] {
		return this.counts.summary;
	}

	private get ordered(): readonly AnnealStep[] {
		return this.on.plan.steps.filter((step): step is AnnealStep => step.type === "anneal");
	}

	private recordMinutes(): void {
		const { sink, run } = this.on;
		for (const [index, { done, inBandS, maximumC }] of this.counts.all) {
			const recordedS = this.recordedS.get(index) ?? 0;
			const isEnd = done && recordedS < inBandS;
			if (inBandS - recordedS < RECORD_S && !isEnd) continue;
			this.recordedS.set(index, inBandS);
			const highest = Number.isFinite(maximumC) ? maximumC : null;
			sink.append({ kind: "anneal-progress", run, index, inBandS, maximumC: highest });
		}
	}

	private plannedWay(order: AnnealStep, fromC: number): PlannedWay | undefined {
		const { atC: toC, rampCPerMin, approachFromC, approachCPerMin, bandC, neverAboveC, zone } = order;
		const { heaters, reactor } = this.on;
		const heater = heaters[zone];
		if (heater === undefined) return plannedRamp(fromC, { toC, rampCPerMin, approachFromC, approachCPerMin }, bandC);
		const stageLimitC = reactor.spec.zones[zone]!.limitC;
		return plannedWay(heater, { targetC: toC, neverAboveC, rampCPerMin, stageLimitC }, fromC, bandC);
	}
}
