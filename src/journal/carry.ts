/** Follows the records for what must be known after a crash: the open run, the last doses, the pulses in the balance. */
import type { AlarmRecord, InterlockRecord, JournalRecord } from "#record/records.js";
import type { Carry, IntendedPulse, LastDose } from "./segments.js";

/** More than can be in the balance at once; older ones were given up by whoever announced them. */
const INTENDED_MAX = 32;
/** More than a reactor has alarms; the header of a segment must hold them. */
const ALARMS_MAX = 64;

export class CarryTracker implements Carry {
	openRun: { run: string; seq: number } | null = null;
	readonly lastDose: Record<string, LastDose> = {};
	intended: IntendedPulse[] = [];
	leakCheck?: { readonly wall: number; readonly passed: boolean };
	manual?: { readonly by: string; readonly order: string };
	cellTestsSeq?: number;
	private readonly latched = new Map<string, InterlockRecord>();
	private readonly alarmed = new Map<string, AlarmRecord>();

	constructor(from?: Carry) {
		if (from === undefined) return;
		this.openRun = from.openRun;
		this.intended = [...from.intended];
		if (from.leakCheck !== undefined) this.leakCheck = from.leakCheck;
		if (from.manual !== undefined) this.manual = from.manual;
		if (from.cellTestsSeq !== undefined) this.cellTestsSeq = from.cellTestsSeq;
		Object.assign(this.lastDose, from.lastDose);
		for (const interlock of from.interlocks ?? []) this.latched.set(interlock.interlock, interlock);
		for (const alarm of from.alarms ?? []) this.alarmed.set(alarm.alarm, alarm);
	}

	get interlocks(): InterlockRecord[] {
		return [...this.latched.values()];
	}

	get alarms(): AlarmRecord[] {
		return [...this.alarmed.values()];
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
			case "manual-command":
				// One that ends manual operation is followed by the record of its end.
				if (record.command !== "safe") this.manual = { by: record.by, order: record.order };
				break;
			case "manual-ended":
				delete this.manual;
				break;
			case "cell-test-ordered":
				this.cellTestsSeq ??= record.seq;
				break;
			case "cell-test-positions":
				this.cellTestsSeq = record.seq;
				break;
			case "interlock": {
				const { seq: _seq, t: _t, wall: _wall, ...interlock } = record;
				if (record.state === "reset") this.latched.delete(record.interlock);
				else this.latched.set(record.interlock, interlock);
				break;
			}
			case "alarm": {
				const { seq: _seq, t: _t, wall: _wall, ...alarm } = record;
				if (record.state === "normal") this.alarmed.delete(record.alarm);
				else if (this.alarmed.size < ALARMS_MAX || this.alarmed.has(record.alarm))
					this.alarmed.set(record.alarm, alarm);
				break;
			}
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
			...(this.manual === undefined ? {} : { manual: this.manual }),
			...(this.cellTestsSeq === undefined ? {} : { cellTestsSeq: this.cellTestsSeq }),
			interlocks: this.interlocks,
			alarms: this.alarms,
		};
	}
}
