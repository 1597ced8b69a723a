/** An interlock in operation: counts what it finds, trips, and stays tripped until it is reset. */
import { asAdlayerError } from "#core/errors.js";
import type { Finding, Interlock, SafetyView } from "#safety/interlock.js";

export type LatchState = "clear" | "tripped" | "cleared";

export class Latch {
	state: LatchState = "clear";
	/** What made it trip; kept until the reset. */
	finding: Finding | undefined;
	/** False when the last judgement could not be made: then the danger is taken for real. */
	couldJudge = true;
	private sinceMs: number | undefined;
	private readings = 0;
	private countedAtMs = Number.NEGATIVE_INFINITY;

	constructor(readonly interlock: Interlock) {}

	/** Tripped in a former process: stays so until the cause is seen to be gone. */
	restore(finding: Finding): void {
		this.state = "tripped";
		this.finding = finding;
	}

	/** Judges the present; gives the new state when it changes. */
	judge(view: SafetyView): LatchState | undefined {
		const finding = this.find(view);
		if (finding === undefined) {
			this.sinceMs = undefined;
			this.readings = 0;
			if (this.state !== "tripped") return undefined;
			this.state = "cleared";
			return this.state;
		}
		const { nowMs } = view;
		this.countReading(view, nowMs);
		this.sinceMs ??= nowMs;
		if (this.state === "tripped") return undefined;
		const { consecutiveReadings, delayMs } = this.interlock;
		if (this.couldJudge && (this.readings < consecutiveReadings || nowMs - this.sinceMs < delayMs)) return undefined;
		this.state = "tripped";
		this.finding = finding;
		return this.state;
	}

	/** Ends a latch whose cause has gone; false when there is none such. */
	reset(): boolean {
		if (this.state !== "cleared") return false;
		this.state = "clear";
		return true;
	}

	private find(view: SafetyView): Finding | undefined {
		try {
			this.couldJudge = true;
			return this.interlock.judge(view, this.state === "tripped");
		} catch (thrown) {
			this.couldJudge = false;
			const cause = `${this.interlock.title} could not be judged: ${asAdlayerError(thrown).message}`;
			return { cause, value: null, limit: null, unit: null };
		}
	}

	/** A reading counts once, however often it is judged; silence counts each time. */
	private countReading(view: SafetyView, nowMs: number): void {
		const { countedSignal } = this.interlock;
		if (countedSignal === undefined || !this.couldJudge) {
			this.readings += 1;
			return;
		}
		const { quality, atMs } = view.reading(countedSignal);
		if (quality === "good" && atMs <= this.countedAtMs) return;
		this.countedAtMs = quality === "good" ? atMs : nowMs;
		this.readings += 1;
	}
}
