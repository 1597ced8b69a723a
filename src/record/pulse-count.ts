/** What the pulses of one run come to: counted by whoever gives them, and from the journal by whoever comes after. */
import type { PulseIntended, PulseRecord } from "#record/records.js";

/** Why a half-cycle is to be done again. */
export type Doubt = "unknown" | "left-nothing";

export class PulseCount {
	/** Highest number given to a pulse. */
	pulses = 0;
	/** Pulses whose fate nobody knows, and half-cycles that were done again. */
	unknown = 0;
	repeated = 0;
	/** Largest |confirmed - commanded|, ms. */
	worstErrorMs: number | null = null;
	/** By index of its step: why the last pulse is to be repeated. */
	readonly inDoubt = new Map<number, Doubt>();
	/** Cycles that went on after a dose that left nothing. */
	readonly missed = new Set<number>();
	private readonly stepOf = new Map<number, number>();
	/** By precursor: cycles whose dose left nothing, which one dose alone does not prove. */
	private readonly suspected = new Map<string, number[]>();

	intended({ pulse, index }: Pick<PulseIntended, "pulse" | "index">): void {
		this.pulses = Math.max(this.pulses, pulse);
		if (index !== undefined) this.stepOf.set(pulse, index);
	}

	/** Gives the cycles that are found out to have gone on after a dose that left nothing. */
	ended({
		pulse,
		precursor,
		cycle,
		fate,
		issuedT,
		confirmedMs,
		commandedMs,
		trend,
	}: Omit<PulseRecord, "kind">): readonly number[] {
		const index = this.stepOf.get(pulse);
		this.stepOf.delete(pulse);
		const hasStarted = issuedT !== null || fate === "delivered";
		if (index !== undefined && hasStarted && this.inDoubt.delete(index)) this.repeated += 1;
		if (fate === "unknown") {
			this.unknown += 1;
			if (index !== undefined) this.inDoubt.set(index, "unknown");
		}
		if (fate === "delivered" && confirmedMs !== null)
			this.worstErrorMs = Math.max(this.worstErrorMs ?? 0, Math.abs(confirmedMs - commandedMs));
		if (trend === undefined) return [];
		const found = trend.repeat ? (this.suspected.get(precursor) ?? []) : [];
		if (trend.repeat) {
			if (index !== undefined) this.inDoubt.set(index, "left-nothing");
			for (const suspected of found) this.missed.add(suspected);
		}
		if (trend.repeat || trend.leftNothing === 0) this.suspected.delete(precursor);
		else if (cycle !== undefined) this.suspected.set(precursor, [...(this.suspected.get(precursor) ?? []), cycle]);
		return found;
	}
}
