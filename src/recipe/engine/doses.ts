/** One dose after the other: intent to disk, arming, start, confirmation, pressure evidence, and the record of its fate. */
import type { Clock } from "#core/clock.js";
import { AdlayerError } from "#core/errors.js";
import { PressureTrace } from "#recipe/engine/pressure-trace.js";
import type { DoseStep } from "#recipe/plan.js";
import { PulseCount } from "#record/pulse-count.js";
import type { PulseRecord, RecordSink } from "#record/records.js";
import type { GuardedReactor } from "#safety/guarded-reactor.js";
import { isGood } from "#safety/interlock.js";

/** After the nominal end of a pulse its registers are read back; the timer and the valve driver need this long. */
const CONFIRM_AFTER_MS = 3;
/** Read-backs before a pulse that does not end counts as unknown. */
const CONFIRM_TRIES = 5;
/** A disk takes some ten milliseconds; one that takes this long is broken. */
const SYNC_MS_MAX = 10_000;
/** A dose's evidence is looked for in this time after its start; later pressure belongs to the purge. */
export const EVIDENCE_MS = 5_000;

interface OpenDose {
	readonly step: DoseStep;
	readonly pulse: number;
	armed: boolean;
	dueMs: number;
	issuedMs: number | null;
	confirmedMs: number | null;
	/** Commanded when it was given. */
	carrierSccm: number;
	fate: PulseRecord["fate"];
	filmBeforeNm: number | null;
}

export class Doses {
	readonly trace = new PressureTrace();
	private open: OpenDose | undefined;
	/** What was seen when the last dose, as the one before, left nothing; undefined when it left something, or that is not known yet. */
	leftNothing: string | undefined;

	constructor(
		private readonly clock: Clock,
		private readonly reactor: GuardedReactor,
		private readonly sink: RecordSink,
		/** Null for doses by hand. */
		private readonly run: string | null,
		/** Of the doses so far; goes on where the run's records end. */
		readonly count = new PulseCount(),
	) {}

	/** Writes and syncs the intent and arms the hardware; part of the purge before. Nothing opens. */
	async prepare(step: DoseStep, signal: AbortSignal): Promise<void> {
		this.settle();
		this.leftNothing = undefined;
		const pulse = this.count.pulses + 1;
		const dose: OpenDose = {
			step,
			pulse,
			armed: false,
			dueMs: this.clock.nowMs(),
			issuedMs: null,
			confirmedMs: null,
			carrierSccm: 0,
			fate: "not-delivered",
			filmBeforeNm: null,
		};
		this.open = dose;
		this.count.intended({ pulse, index: step.index });
		this.sink.append({
			kind: "pulse-intended",
			run: this.run,
			pulse,
			precursor: step.precursor,
			valve: step.precursor,
			commandedMs: step.widthMs,
			...(step.cycle === undefined ? {} : { cycle: step.cycle }),
			index: step.index,
		});
		await this.intentSynced(signal);
		dose.armed = true;
		await this.reactor.armDose(step.precursor, step.widthMs);
		signal.throwIfAborted();
	}

	/** Starts the prepared dose and sees it to its end. PULSE_UNCONFIRMED when the instrument does not prove that it ended. */
	async fire(step: DoseStep, dueMs: number, signal: AbortSignal): Promise<void> {
		const wasPrepared = this.open?.step === step && this.open.armed && this.open.issuedMs === null;
		if (!wasPrepared) await this.prepare(step, signal);
		const dose = this.open!;
		signal.throwIfAborted();
		dose.dueMs = wasPrepared ? dueMs : this.clock.nowMs();
		dose.filmBeforeNm = this.filmNm(Number.NEGATIVE_INFINITY);
		dose.carrierSccm = this.reactor.carrierCommandedSccm;
		// From the permit on the valve may open: until the read-back says otherwise nobody knows how it went.
		const fired = this.reactor.fireDose(step.precursor, step.widthMs);
		dose.fate = "unknown";
		try {
			dose.issuedMs = (await fired).acknowledgedMs;
		} catch (thrown) {
			if (wasRefused(thrown)) dose.fate = "not-delivered";
			throw thrown;
		}
		signal.throwIfAborted();
		await this.clock.sleep(step.widthMs + CONFIRM_AFTER_MS, signal);
		for (let tries = 1; ; tries += 1) {
			const confirmed = await this.reactor.confirmDose(step.precursor, dose.issuedMs + step.widthMs);
			signal.throwIfAborted();
			if (confirmed.completed) {
				dose.confirmedMs = confirmed.widthMs;
				dose.fate = "delivered";
				return;
			}
			if (tries === CONFIRM_TRIES) {
				throw new AdlayerError(
					"PULSE_UNCONFIRMED",
					`The ${step.widthMs} ms pulse of ${step.precursor} is not proven to have ended after ${tries} read-backs.`,
					{
						context: { precursor: step.precursor, widthMs: step.widthMs, tries },
					},
				);
			}
			await this.clock.sleep(CONFIRM_AFTER_MS, signal);
		}
	}

	/** Width of the present dose by the timer's own registers; null while it is not proven over. */
	get confirmedMs(): number | null {
		return this.open?.confirmedMs ?? null;
	}

	/** When the present dose ended, monotonic ms. */
	get lastEndMs(): number | undefined {
		const issuedMs = this.open?.issuedMs;
		return issuedMs == null ? undefined : issuedMs + this.open!.step.widthMs;
	}

	/** From when on the present dose has all its evidence, monotonic ms; film is weighed as late as can be. */
	get evidentMs(): number | undefined {
		if (this.reactor.filmThickness() !== undefined) return undefined;
		const issuedMs = this.open?.issuedMs;
		return issuedMs == null ? undefined : issuedMs + EVIDENCE_MS;
	}

	/** Ends what was only prepared, and records it as not delivered. Rejects when the hardware could not be disarmed. */
	async giveUp(): Promise<void> {
		const dose = this.open;
		const issuedMs = dose?.issuedMs ?? Number.NEGATIVE_INFINITY;
		this.record(this.clock.nowMs() >= issuedMs + EVIDENCE_MS);
		this.leftNothing = undefined;
		if (dose?.armed === true && dose.issuedMs === null) await this.reactor.disarm(dose.step.precursor);
	}

	/** Records the present dose with its evidence; what was only intended is recorded as not delivered. */
	settle(): PulseRecord["effective"] {
		return this.record(true);
	}

	/** `isWhole`: its evidence is all that there will be, and it is like that of the doses before. */
	private record(isWhole: boolean): PulseRecord["effective"] {
		const dose = this.open;
		if (dose === undefined) return null;
		this.open = undefined;
		const { step, fate } = dose;
		const effective = dose.issuedMs === null ? null : this.trace.evidence(dose.issuedMs, dose.issuedMs + EVIDENCE_MS);
		// Behind a shut stop valve, from a shut bottle, or by hand, a pulse is not like the others.
		const isOrdinary = this.run !== null && step.type === "pulse" && step.isFromShutBottle !== true;
		const isCompared = isOrdinary && isWhole && fate === "delivered" && effective !== null;
		const trend = isCompared ? this.compare(dose, effective) : undefined;
		const record: PulseRecord = {
			kind: "pulse",
			run: this.run,
			pulse: dose.pulse,
			precursor: step.precursor,
			valve: step.precursor,
			...(step.cycle === undefined ? {} : { cycle: step.cycle }),
			commandedMs: step.widthMs,
			dueT: dose.dueMs,
			issuedT: dose.issuedMs,
			confirmedMs: dose.confirmedMs,
			effective,
			...(this.reactor.filmThickness() === undefined
				? {}
				: { film: { beforeNm: dose.filmBeforeNm, afterNm: this.filmNm(this.endMs(dose)) } }),
			fate,
			...(trend === undefined ? {} : { trend }),
		};
		this.sink.append(record);
		const missed = this.count.ended(record);
		if (this.leftNothing !== undefined && missed.length > 0)
			this.leftNothing += notMadeUpInWords(step.precursor, missed);
		return effective;
	}

	private compare(
		{ step: { precursor, widthMs }, carrierSccm }: OpenDose,
		effective: NonNullable<PulseRecord["effective"]>,
	): PulseRecord["trend"] {
		const { said, ...seen } = this.reactor.doseSeen({ precursor, widthMs, carrierSccm, effective });
		this.leftNothing = said;
		return { carrierSccm, repeat: said !== undefined, ...seen };
	}

	/** The good thickness that was read after a time. */
	private filmNm(afterMs: number): number | null {
		const reading = this.reactor.filmThickness();
		return reading !== undefined && isGood(reading) && reading.atMs > afterMs ? reading.value : null;
	}

	/** Infinite for a dose that never started. */
	private endMs({ issuedMs, step }: OpenDose): number {
		return issuedMs === null ? Number.POSITIVE_INFINITY : issuedMs + step.widthMs;
	}

	/** A disk that hangs holds up neither a hold nor the run for ever: JOURNAL_FAILED after SYNC_MS_MAX. */
	private async intentSynced(signal: AbortSignal): Promise<void> {
		const waiting = new AbortController();
		const stopWaiting = () => waiting.abort();
		signal.addEventListener("abort", stopWaiting, { once: true });
		const outOfTime = this.clock.sleep(SYNC_MS_MAX, waiting.signal).then(
			() => {
				throw new AdlayerError(
					"JOURNAL_FAILED",
					`The intent of a pulse did not reach the disk within ${SYNC_MS_MAX / 1_000} s; it is not given.`,
				);
			},
			() => signal.throwIfAborted(),
		);
		try {
			await Promise.race([this.sink.synced(), outOfTime]);
		} finally {
			signal.removeEventListener("abort", stopWaiting);
			outOfTime.catch(() => {});
			waiting.abort();
		}
		signal.throwIfAborted();
	}
}

function notMadeUpInWords(precursor: string, cycles: readonly number[]): string {
	const [which, have, count] = cycles.length === 1 ? ["Cycle", "has", "counts"] : ["Cycles", "have", "count"];
	return ` ${which} ${cycles.join(", ")} ${have} gone on without ${precursor}: that is not made up, and ${count} as not complete.`;
}

/** Refusals that come before a byte has left. */
export function wasRefused(thrown: unknown): boolean {
	const code = thrown instanceof AdlayerError ? thrown.code : undefined;
	return code === "PERMIT_REFUSED" || code === "DEVICE_NOT_READY" || code === "OUTPUT_BUSY";
}
