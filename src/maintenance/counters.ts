/** Counting from the journal's records: pulses, grams, hours, base pressure. Pure; the same records give the same counts. */
import type { RecordBody } from "#record/records.js";

/** As it is kept in its state file. Milligrams and milliseconds, so that sums stay exact. */
export interface Counts {
	/** Up to which record of the journal everything is in here. */
	readonly seq: number;
	readonly since: number;
	/** Of each precursor's dosing valve. */
	readonly pulses: Readonly<Record<string, number>>;
	readonly bottles: Readonly<Record<string, Bottle>>;
	readonly pumpMs: number;
	readonly heaterMs: Readonly<Record<string, number>>;
	readonly basePressures: readonly { readonly at: number; readonly run: string; readonly pa: number }[];
}

interface Bottle {
	readonly grams: number | null;
	readonly usedMg: number;
	readonly changedAt: number | null;
	readonly by: string | null;
}

/** What the lab file says of the reactor. */
export interface Counted {
	/** By precursor. */
	readonly mgPerMs: Readonly<Record<string, number>>;
	/** `instrument.signal`; `level` is that of a running pump. */
	readonly pump: { readonly signal: string; readonly level: 0 | 1 };
	readonly chamber: string;
	/** Instrument of the heater, by zone. Hours are counted where it says its output. */
	readonly heaters: Readonly<Record<string, string>>;
}

/** Between samples further apart nobody knows what was: such time is not counted. */
const GAP_MS_MAX = 60_000;
const BASE_PRESSURES_KEPT = 100;

export class Counters {
	private readonly pulses: Record<string, number>;
	private readonly bottles: Record<string, Bottle>;
	private readonly heaterMs: Record<string, number>;
	private pumpMs: number;
	private basePressures: Counts["basePressures"];
	private seq: number;
	private since: number | undefined;
	/** Lowest chamber pressure of the pump-down that is under way, Pa. */
	private pumping: { run: string; pa: number } | undefined;
	/** When each thing was last seen running, or not. */
	private readonly last = new Map<string, { t: number; isOn: boolean }>();
	private readonly pump: readonly [instrument: string, signal: string];
	private readonly chamber: readonly [instrument: string, signal: string];
	private readonly zoneOf: ReadonlyMap<string, string>;

	constructor(
		private readonly counted: Counted,
		from?: Counts,
	) {
		this.pulses = { ...from?.pulses };
		this.bottles = { ...from?.bottles };
		this.heaterMs = { ...from?.heaterMs };
		this.pumpMs = from?.pumpMs ?? 0;
		this.basePressures = from?.basePressures ?? [];
		this.seq = from?.seq ?? 0;
		this.since = from?.since;
		this.pump = parts(counted.pump.signal);
		this.chamber = parts(counted.chamber);
		this.zoneOf = new Map(Object.entries(counted.heaters).map(([zone, instrument]) => [instrument, zone]));
	}

	/** `t` is control's monotonic time in ms. A record that is counted already is left. */
	follow(record: RecordBody, { seq, t, wall }: { seq: number; t: number; wall: number }): void {
		if (seq <= this.seq) return;
		this.seq = seq;
		this.since ??= wall;
		switch (record.kind) {
			case "sample":
				this.sampled(record.instrument, record.values, t);
				return;
			case "pulse": {
				if (record.fate === "not-delivered") return;
				const { precursor, commandedMs, confirmedMs } = record;
				this.pulses[precursor] = (this.pulses[precursor] ?? 0) + 1;
				const mg = (confirmedMs ?? commandedMs) * (this.counted.mgPerMs[precursor] ?? 0);
				const bottle = this.bottles[precursor] ?? { grams: null, usedMg: 0, changedAt: null, by: null };
				this.bottles[precursor] = { ...bottle, usedMg: bottle.usedMg + mg };
				return;
			}
			case "bottle-changed":
				this.bottles[record.precursor] = { grams: record.grams, usedMg: 0, changedAt: wall, by: record.by };
				return;
			case "step-started":
				this.pumping = record.type === "pump-down" ? { run: record.run, pa: Number.POSITIVE_INFINITY } : undefined;
				return;
			case "step-ended": {
				const { pumping } = this;
				this.pumping = undefined;
				if (pumping === undefined || record.outcome !== "done" || !Number.isFinite(pumping.pa)) return;
				const next = [...this.basePressures, { at: wall, ...pumping }];
				this.basePressures = next.slice(-BASE_PRESSURES_KEPT);
				return;
			}
			default:
		}
	}

	counts(): Counts {
		const { seq, since, pumpMs, basePressures } = this;
		return {
			seq,
			since: since ?? 0,
			pulses: { ...this.pulses },
			bottles: { ...this.bottles },
			pumpMs,
			heaterMs: { ...this.heaterMs },
			basePressures,
		};
	}

	private sampled(instrument: string, values: Readonly<Record<string, number | null>>, t: number): void {
		if (instrument === this.pump[0]) {
			const isOn = values[this.pump[1]] === this.counted.pump.level;
			this.pumpMs += this.ranMs("pump", isOn, t);
		}
		if (instrument === this.chamber[0] && this.pumping !== undefined) {
			const pa = values[this.chamber[1]];
			if (typeof pa === "number") this.pumping.pa = Math.min(this.pumping.pa, pa);
		}
		const zone = this.zoneOf.get(instrument);
		const { output } = values;
		if (zone === undefined || typeof output !== "number") return;
		this.heaterMs[zone] = (this.heaterMs[zone] ?? 0) + this.ranMs(`heater.${zone}`, output > 0, t);
	}

	/** Time since the last look in which it ran at both ends. */
	private ranMs(what: string, isOn: boolean, t: number): number {
		const before = this.last.get(what);
		this.last.set(what, { t, isOn });
		if (before === undefined || !before.isOn || !isOn) return 0;
		const ms = t - before.t;
		return ms > 0 && ms <= GAP_MS_MAX ? ms : 0;
	}
}

function parts(signal: string): readonly [string, string] {
	const dot = signal.indexOf(".");
	return [signal.slice(0, dot), signal.slice(dot + 1)];
}
