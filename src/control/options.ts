/** What control is given: its lab, its time, its journal, and what outlasts a process. */
import type { Clock } from "#core/clock.js";
import type { DiskState } from "#journal/disk.js";
import type { InterruptedRun } from "#recipe/engine/interrupted-run.js";
import type { Library } from "#recipe/library.js";
import type { JournalRecord, RecordBody, RecordSink } from "#record/records.js";
import type { SafetyCarry } from "#safety/supervisor.js";
import type { StateFile } from "#src/campaign/campaigns.js";
import type { Campaign } from "#src/campaign/queue.js";
import type { LabFile } from "#src/config.js";
import type { JournalHealth } from "#src/housekeeping.js";
import type { Counts } from "#src/maintenance/counters.js";
import type { ServiceExpected } from "#src/service-watch.js";
import type { MqttOverride, OpenOverride } from "#transport/ports.js";

export interface ControlOptions {
	readonly lab: LabFile;
	readonly library: Library;
	readonly clock: Clock;
	readonly journal: RecordSink & {
		readonly lastSeq: number;
		/** Absent for one that needs no disk. */
		health?(): JournalHealth | undefined;
	};
	readonly version: string;
	/** Lab time per real time. */
	readonly speed: number;
	/** Where each instrument really is, when the lab file says only `simulated:`. */
	readonly addresses?: Readonly<Record<string, string>>;
	readonly open?: OpenOverride;
	readonly mqtt?: MqttOverride;
	/** Names of commissioning tests that are due; absent in a simulated lab, which has none. */
	readonly commissioningDue?: () => readonly string[];
	/** Where the campaigns last beyond this process. */
	readonly campaignFile?: StateFile<readonly Campaign[]>;
	/** Where it lasts that a service is expected, and the time in which the service lives; as `clock` when absent. */
	readonly serviceFile?: StateFile<ServiceExpected>;
	readonly realClock?: Clock;
	/** Where the maintenance counters last, and the records that they may not know yet, oldest first. */
	readonly maintenanceFile?: StateFile<Counts>;
	readonly uncounted?: (afterSeq: number, take: (record: JournalRecord) => void) => void;
	/** What the journal tells of the time before this process; absent when there was none. */
	readonly lastKnown?: InterruptedRun &
		Partial<SafetyCarry> & {
			/** By precursor: the last pulse that was or may have been delivered. */
			readonly lastDose?: Readonly<Record<string, { readonly wall: number; readonly fate: "delivered" | "unknown" }>>;
			/** The last command of manual operation that did not come to rest. */
			readonly manual?: { readonly by: string; readonly order: string };
			/** Records that tell of battery tests that are open. */
			readonly cellTests?: readonly RecordBody[];
		};
	/** How full the journal's disk is. */
	readonly disk?: () => DiskState;
}

/** The journal, and somebody who sees what is written to it once it is. */
export function followed(
	journal: ControlOptions["journal"],
	follow: (record: RecordBody, seq: number) => void,
): ControlOptions["journal"] {
	return {
		get lastSeq() {
			return journal.lastSeq;
		},
		append: (record) => {
			const seq = journal.append(record);
			follow(record, seq);
			return seq;
		},
		synced: () => journal.synced(),
		health: () => journal.health?.(),
	};
}
