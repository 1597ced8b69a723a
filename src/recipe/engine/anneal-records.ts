/** What each anneal of a run was: fed with every reading, put on record when it ends, however it ends. */
import { AnnealRecord } from "#heating/anneal-record.js";
import type { Ramp } from "#recipe/engine/ramps.js";
import type { PlannedWay } from "#recipe/heater.js";
import type { AnnealStep, Plan } from "#recipe/plan.js";
import type { AnnealRecorded } from "#record/records.js";
import type { GuardedReactor } from "#safety/guarded-reactor.js";
import { isGood } from "#safety/interlock.js";

/** Between two readings farther apart than this nothing is known. */
const GAP_S_MAX = 5;
/** Minutes above these distances below the melting point are counted. */
const BELOW_MELTING_C = [0, 1, 2, 5, 10] as const;

/** The way that a ramp plans from a temperature on, until it is within `withinC` of its target. */
export function plannedRamp(fromC: number, ramp: Ramp, withinC: number): PlannedWay {
	const { toC, rampCPerMin, approachFromC, approachCPerMin } = ramp;
	const approachC = Math.max(fromC, toC - approachFromC);
	const fastS = Math.max(0, ((approachC - fromC) / rampCPerMin) * 60);
	const at = (atS: number): number => {
		if (fromC >= toC) return toC;
		if (atS <= fastS) return fromC + (rampCPerMin * atS) / 60;
		return Math.min(toC, approachC + (approachCPerMin * (atS - fastS)) / 60);
	};
	const arriveC = toC - withinC;
	const seconds =
		fromC >= arriveC
			? 0
			: arriveC <= approachC
				? ((arriveC - fromC) / rampCPerMin) * 60
				: fastS + ((arriveC - approachC) / approachCPerMin) * 60;
	return { seconds, at };
}

interface Open {
	readonly step: AnnealStep;
	readonly record: AnnealRecord;
	lastS: number;
}

export class AnnealRecords {
	private readonly open = new Map<number, Open>();
	private readonly recorded = new Set<number>();

	constructor(
		private readonly reactor: GuardedReactor,
		private readonly plan: Pick<Plan, "material" | "neverAboveC">,
		private readonly onRecord: (record: Omit<AnnealRecorded, "kind" | "run">) => void,
	) {}

	/** The anneal's record begins with its first execution and goes on over interruptions. */
	begin(step: AnnealStep, way: PlannedWay | undefined): void {
		if (this.open.has(step.index) || this.recorded.has(step.index)) return;
		const { material, neverAboveC } = this.plan;
		const { meltingPointC } = material;
		const thresholdsC = [
			step.atC - step.bandC,
			step.atC + step.bandC,
			step.neverAboveC,
			...(neverAboveC === null ? [] : [neverAboveC]),
			...(meltingPointC === null ? [] : BELOW_MELTING_C.map((below) => meltingPointC - below)),
		].map((degC) => Number(degC.toFixed(6)));
		const record = new AnnealRecord({
			targetC: step.atC,
			withinC: step.bandC,
			uncertaintyC: this.reactor.spec.zones[step.zone]!.uncertaintyC,
			meltingC: meltingPointC,
			thresholdsC: [...new Set(thresholdsC)].sort((a, b) => a - b),
			gapSMax: GAP_S_MAX,
			...(way === undefined ? {} : { plannedC: (atS: number) => way.at(atS), plannedSeconds: way.seconds }),
		});
		this.open.set(step.index, { step, record, lastS: Number.NEGATIVE_INFINITY });
	}

	/** New readings may have come; `nowMs` is the time of what is not good. */
	sampled(nowMs: number): void {
		for (const each of this.open.values()) {
			const reading = this.reactor.zone(each.step.zone);
			const known = isGood(reading);
			const atS = (known ? reading.atMs : nowMs) / 1_000;
			if (atS <= each.lastS) continue;
			each.lastS = atS;
			each.record.add(atS, known ? reading.value : null);
		}
	}

	/** The anneal's time is over. */
	end(index: number): void {
		const each = this.open.get(index);
		if (each === undefined) return;
		this.open.delete(index);
		this.recorded.add(index);
		const { zone, atC, bandC, forS } = each.step;
		this.onRecord({ index, zone, targetC: atC, withinC: bandC, orderedS: forS, ...each.record.figures() });
	}

	/** The run is over: what was begun is put on record as it is. */
	endAll(): void {
		for (const index of [...this.open.keys()]) this.end(index);
	}
}
