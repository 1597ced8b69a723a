/** Control's counters of wear and use: kept in a state file, brought up to date from the journal, judged by the lab file. */
import { AdlayerError } from "#core/errors.js";
import type { MaintenanceStatus, MaintenanceWarning } from "#record/maintenance.js";
import type { RecordBody, RecordSink } from "#record/records.js";
import { type Counted, Counters, type Counts } from "#src/maintenance/counters.js";

/** What the journal holds beyond the file is counted anew after a crash, so the file need not be newer than this. */
export const SAVE_EVERY_MS = 600_000;
const HOUR_MS = 3_600_000;

/** The optional section `maintenance` of the lab file, SI. */
export interface MaintenanceLimits {
	/** By precursor. */
	readonly pulsesMax: Readonly<Record<string, number>>;
	readonly leftGMin: Readonly<Record<string, number>>;
	readonly pumpHoursMax: number | null;
	readonly basePaMax: number | null;
}

interface CountsFile {
	load(): Counts | undefined;
	save(state: Counts): void;
}

export interface MaintenanceOptions {
	readonly counted: Counted;
	readonly precursors: readonly string[];
	readonly limits: MaintenanceLimits;
	readonly file: CountsFile;
	readonly journal: RecordSink;
}

export class Maintenance {
	private readonly counters: Counters;
	private savedAt: number | undefined;

	constructor(private readonly options: MaintenanceOptions) {
		this.counters = new Counters(options.counted, options.file.load());
	}

	/** Takes the next record; also those of the time before this process, when the file does not know them yet. */
	follow(record: RecordBody, at: { seq: number; t: number; wall: number }): void {
		this.counters.follow(record, at);
		this.savedAt ??= at.t;
		// A record of the time before may have another origin of time.
		if (record.kind === "run-finished" || Math.abs(at.t - this.savedAt) >= SAVE_EVERY_MS) {
			this.savedAt = at.t;
			this.save();
		}
	}

	save(): void {
		this.options.file.save(this.counters.counts());
	}

	/** A new bottle. On the disk when it returns. */
	async changeBottle({ precursor, grams, by }: { precursor: string; grams: number; by: string }): Promise<void> {
		const { journal, precursors: known } = this.options;
		if (!known.includes(precursor))
			throw new AdlayerError("NOT_FOUND", `The reactor has no precursor ${precursor}; it has ${known.join(", ")}.`);
		if (!(grams > 0 && grams <= 100_000))
			throw new AdlayerError("USAGE", `A bottle holds more than 0 and at most 100000 g, not ${grams}.`);
		journal.append({ kind: "bottle-changed", precursor, grams, by });
		await journal.synced();
		this.save();
	}

	get status(): MaintenanceStatus {
		const { precursors, limits } = this.options;
		const counts = this.counters.counts();
		const valves = Object.fromEntries(
			precursors.map((precursor) => [
				precursor,
				{ pulses: counts.pulses[precursor] ?? 0, pulsesMax: limits.pulsesMax[precursor] ?? null },
			]),
		);
		const bottles = Object.fromEntries(
			precursors.map((precursor) => {
				const { grams = null, usedMg = 0, changedAt = null, by = null } = counts.bottles[precursor] ?? {};
				const usedG = round(usedMg / 1000, 4);
				const leftG = grams === null ? null : round(grams - usedMg / 1000, 4);
				return [precursor, { grams, usedG, leftG, leftGMin: limits.leftGMin[precursor] ?? null, changedAt, by }];
			}),
		);
		const heaters = Object.entries(counts.heaterMs).map(([zone, ms]) => [zone, round(ms / HOUR_MS, 3)]);
		const status = {
			since: counts.since,
			valves,
			bottles,
			hours: { pump: round(counts.pumpMs / HOUR_MS, 3), heaters: Object.fromEntries(heaters) },
			pumpHoursMax: limits.pumpHoursMax,
			basePressures: counts.basePressures,
		};
		return { ...status, warnings: warningsOf(status, limits) };
	}
}

function warningsOf(
	{ valves, bottles, hours, basePressures }: Omit<MaintenanceStatus, "warnings">,
	limits: MaintenanceLimits,
): MaintenanceWarning[] {
	const warnings: MaintenanceWarning[] = [];
	for (const [precursor, { pulses, pulsesMax }] of Object.entries(valves)) {
		if (pulsesMax === null || pulses < pulsesMax) continue;
		warnings.push({
			what: `valve.${precursor}`,
			message: `The ${precursor} valve has made ${pulses} pulses of ${pulsesMax}.`,
		});
	}
	for (const [precursor, { leftG, leftGMin }] of Object.entries(bottles)) {
		if (leftG === null || leftGMin === null || leftG > leftGMin) continue;
		const message = `The ${precursor} bottle holds ${leftG.toFixed(2)} g, not more than ${leftGMin} g.`;
		warnings.push({ what: `bottle.${precursor}`, message });
	}
	if (limits.pumpHoursMax !== null && hours.pump >= limits.pumpHoursMax)
		warnings.push({
			what: "pump",
			message: `The pump has run ${hours.pump.toFixed(0)} h of ${limits.pumpHoursMax} h.`,
		});
	const last = basePressures.at(-1);
	if (last !== undefined && limits.basePaMax !== null && last.pa > limits.basePaMax) {
		const message = `The last pump-down reached ${last.pa.toPrecision(3)} Pa, not ${limits.basePaMax.toPrecision(3)} Pa.`;
		warnings.push({ what: "base-pressure", message });
	}
	return warnings;
}

const round = (value: number, digits: number): number => Number(value.toFixed(digits));
