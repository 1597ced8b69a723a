/** One dose after the other: intent to disk, arming, start, confirmation, pressure evidence, and the record of its fate. */
import type { Clock } from "#core/clock.js";
import type { PulseRecord, RecordSink } from "#record/records.js";
import type { PulseStep } from "#recipe/plan.js";
import { PressureTrace } from "#recipe/engine/pressure-trace.js";
import type { GuardedReactor } from "#safety/guarded-reactor.js";

/** After the nominal end of a pulse its registers are read back; the timer and the valve driver need this long. */
const CONFIRM_AFTER_MS = 3;
/** Read-backs before a pulse that does not end counts as unknown. */
const CONFIRM_TRIES = 5;
/** A dose's evidence is looked for in this time after its start; later pressure belongs to the purge. */
const EVIDENCE_MS = 5_000;

interface OpenDose {
	readonly step: PulseStep;
	readonly pulse: number;
	armed: boolean;
	dueMs: number;
	issuedMs: number | null;
	confirmedMs: number | null;
	fate: PulseRecord["fate"];
}

export class Doses {
	readonly trace = new PressureTrace();
	/** Largest |confirmed - commanded| so far, ms. */
	worstErrorMs: number | null = null;
	/** What became of the last recorded dose. */
	lastFate: PulseRecord["fate"] | undefined;
	private open: OpenDose | undefined;
	private count: number;

	constructor(
		private readonly clock: Clock,
		private readonly reactor: GuardedReactor,
		private readonly sink: RecordSink,
		private readonly run: string,
		pulsesBefore = 0,
	) {
		this.count = pulsesBefore;
	}

	/** Writes and syncs the intent and arms the hardware; part of the purge before. Nothing opens. */
	async prepare(step: PulseStep): Promise<void> {
		if (this.open?.step === step && this.open.issuedMs === null) return;
		this.settle();
		this.count += 1;
		const dose: OpenDose = { step, pulse: this.count, armed: false, dueMs: 0, issuedMs: null, confirmedMs: null, fate: "not-delivered" };
		this.open = dose;
		this.sink.append({
			kind: "pulse-intended",
			run: this.run,
			pulse: dose.pulse,
			precursor: step.precursor,
			valve: step.precursor,
			commandedMs: step.widthMs,
			...(step.cycle === undefined ? {} : { cycle: step.cycle }),
		});
		await this.sink.synced();
		await this.reactor.armDose(step.precursor, step.widthMs);
		dose.armed = true;
	}

	/** Starts the prepared dose and sees it to its end. */
	async fire(step: PulseStep, dueMs: number, signal: AbortSignal): Promise<void> {
		const prepared = this.open?.step === step && this.open.armed;
		if (!prepared) await this.prepare(step);
		const dose = this.open!;
		signal.throwIfAborted();
		dose.dueMs = prepared ? dueMs : this.clock.nowMs();
		// From the permit on the valve may open: until the read-back says otherwise nobody knows how it went.
		const fired = this.reactor.fireDose(step.precursor, step.widthMs);
		dose.fate = "unknown";
		try {
			dose.issuedMs = (await fired).acknowledgedMs;
		} catch (thrown) {
			if (isRefusal(thrown)) dose.fate = "not-delivered";
			throw thrown;
		}
		await this.clock.sleep(step.widthMs + CONFIRM_AFTER_MS, signal);
		for (let tries = 1; ; tries += 1) {
			const confirmed = await this.reactor.confirmDose(step.precursor, dose.issuedMs + step.widthMs);
			signal.throwIfAborted();
			if (confirmed.completed) {
				dose.confirmedMs = confirmed.widthMs;
				dose.fate = "delivered";
				this.worstErrorMs = Math.max(this.worstErrorMs ?? 0, Math.abs(confirmed.widthMs - step.widthMs));
				return;
			}
			if (tries === CONFIRM_TRIES) return;
			await this.clock.sleep(CONFIRM_AFTER_MS, signal);
		}
	}

	/** When the last dose ended by its confirmation, monotonic ms. */
	get lastEndMs(): number | undefined {
		const dose = this.open;
		return dose?.issuedMs == null ? undefined : dose.issuedMs + dose.step.widthMs;
	}

	/** Records the present dose with the evidence there is by now; what was only intended is recorded as not delivered. */
	settle(): void {
		const dose = this.open;
		if (dose === undefined) return;
		this.open = undefined;
		this.lastFate = dose.fate;
		const { step } = dose;
		this.sink.append({
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
			effective: dose.issuedMs === null ? null : this.trace.evidence(dose.issuedMs, dose.issuedMs + EVIDENCE_MS),
			fate: dose.fate,
		});
	}
}

function isRefusal(thrown: unknown): boolean {
	return thrown instanceof Error && "code" in thrown && (thrown.code === "PERMIT_REFUSED" || thrown.code === "DEVICE_NOT_READY");
}
