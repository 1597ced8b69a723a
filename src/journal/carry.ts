/** Follows the records for what must be known after a crash: the open run, the last doses, the pulses in the balance. */
import type { JournalRecord } from "#record/records.js";
import type { Carry, IntendedPulse, LastDose } from "./segments.js";

/** More than can be in the balance at once; older ones were given up by whoever announced them. */
const INTENDED_MAX = 32;

export class CarryTracker implements Carry {
	openRun: { run: string; seq: number } | null = null;
	readonly lastDose: Record<string, LastDose> = {};
	intended: IntendedPulse[] = [];
	leakCheck?: { readonly wall: number; readonly passed: boolean };

	constructor(from?: Carry) {
		if (from === undefined) return;
		this.openRun = from.openRun;
		this.intended = [...from.intended];
		if (from.leakCheck !== undefined) this.leakCheck = from.leakCheck;
		Object.assign(this.lastDose, from.lastDose);
	}

	follow(record: JournalRecord): void {
		switch (record.kind) {
			case "run-created":
				this.openRun = { run: record.run, seq: record.seq };
				break;
			case "run-finished":
				if (this.openRun?.run === record.run) this.openRun = null;
				break;
			case "pulse-intended": {
				const { kind: _kind, t: _t, ...pulse } = record;
				this.intended.push(pulse);
				if (this.intended.length > INTENDED_MAX) this.intended.shift();
				break;
			}
			case "pulse":
				this.intended = this.intended.filter((pulse) => pulse.pulse !== record.pulse || pulse.run !== record.run);
				if (record.fate === "not-delivered") break;
				this.lastDose[record.precursor] = { seq: record.seq, wall: record.wall, fate: record.fate };
				break;
			case "leak-check":
				this.leakCheck = { wall: record.wall, passed: record.passed };
				break;
			default:
		}
	}

	/** A copy that later records do not change. */
	snapshot(): Carry {
		return {
			openRun: this.openRun,
			lastDose: { ...this.lastDose },
			intended: [...this.intended],
			...(this.leakCheck === undefined ? {} : { leakCheck: this.leakCheck }),
		};
	}
}
