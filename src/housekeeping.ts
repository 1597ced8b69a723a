/** Alarms of what control itself stands on: its journal, the journal's disk, the machine's clock; and of what wears out. */
import type { Clock, Timer } from "#core/clock.js";
import type { AdlayerError } from "#core/errors.js";
import { DISK_ALARM_FRACTION, type DiskState } from "#journal/disk.js";
import type { Alarms } from "#safety/alarms.js";

const EVERY_MS = 1_000;
/** A sync takes milliseconds; one under way for this long will not end. */
const SYNC_HANGS_MS = 5_000;
/** More than a clock that is being adjusted moves in a second. */
const CLOCK_JUMP_MS = 1_000;
/** The disk is measured every 10 s. */
const DISK_UNKNOWN_MS = 60_000;
/** The disk must be this much emptier before it counts as no longer filling. */
const DISK_DEADBAND_FRACTION = 0.02;

/** How a journal fares with its disk: why it takes nothing any more, and for how long a sync has been under way. */
export interface JournalHealth {
	readonly failure: AdlayerError | undefined;
	readonly syncingMs: number;
}

export interface HousekeepingParts {
	readonly clock: Clock;
	readonly alarms: Alarms;
	/** Undefined for a journal that needs no disk. */
	journalHealth(): JournalHealth | undefined;
	readonly disk: (() => DiskState) | undefined;
	/** Wall clock of the last record of the time before this process, Unix ms; undefined when there was none. */
	readonly lastWallMs?: number | undefined;
	/** What is due for maintenance, a sentence each. */
	maintenanceDue(): readonly string[];
}

export class Housekeeping {
	private timer: Timer | undefined;
	/** Wall clock minus monotonic time, as last seen. */
	private wallMinusMs: number | undefined;
	private diskKnownMs: number;

	constructor(private readonly on: HousekeepingParts) {
		this.diskKnownMs = on.clock.nowMs();
	}

	/** Looks now and then again and again. */
	start(): void {
		this.timer = this.on.clock.setTimer(EVERY_MS, () => this.start());
		this.lookAtMaintenance();
		this.lookAtClock();
		this.lookAtDisk();
		this.lookAtJournal();
	}

	stop(): void {
		this.timer?.cancel();
	}

	private lookAtMaintenance(): void {
		const due = this.on.maintenanceDue();
		this.on.alarms.follow(due.length > 0, { alarm: "maintenance", message: due.join(" ") });
	}

	private lookAtClock(): void {
		const { clock, alarms } = this.on;
		const wallMinusMs = clock.wallMs() - clock.nowMs();
		const jumpedMs = this.wallMinusMs === undefined ? this.sinceFormerMs() : wallMinusMs - this.wallMinusMs;
		this.wallMinusMs = wallMinusMs;
		const way = jumpedMs < 0 ? "back" : "ahead";
		alarms.follow(Math.abs(jumpedMs) > CLOCK_JUMP_MS, {
			alarm: "clock.jumped",
			message: `The wall clock has jumped ${way} by ${(Math.abs(jumpedMs) / 1_000).toFixed(1)} s.`,
		});
	}

	/** A clock that is behind the last record was set back while control was away; one ahead may have been away as long. */
	private sinceFormerMs(): number {
		const { clock, lastWallMs } = this.on;
		return lastWallMs === undefined ? 0 : Math.min(0, clock.wallMs() - lastWallMs);
	}

	private lookAtDisk(): void {
		const { alarms, clock, disk } = this.on;
		if (disk === undefined) return;
		const used = disk().usedFraction;
		if (used === null) {
			const message = "How full the journal's disk is cannot be measured.";
			if (clock.nowMs() - this.diskKnownMs >= DISK_UNKNOWN_MS) alarms.raise({ alarm: "disk.filling", message });
			return;
		}
		this.diskKnownMs = clock.nowMs();
		const isFilling = used >= DISK_ALARM_FRACTION - (alarms.isActive("disk.filling") ? DISK_DEADBAND_FRACTION : 0);
		const message = `The journal's disk is ${(used * 100).toFixed(0)} % full; the alarm is at ${DISK_ALARM_FRACTION * 100} %.`;
		alarms.follow(isFilling, { alarm: "disk.filling", message });
	}

	private lookAtJournal(): void {
		const health = this.on.journalHealth();
		if (health === undefined) return;
		const hangs = health.syncingMs >= SYNC_HANGS_MS;
		const message =
			health.failure?.message ??
			`A sync of the journal has been under way for ${(health.syncingMs / 1_000).toFixed(0)} s.`;
		this.on.alarms.follow(health.failure !== undefined || hangs, { alarm: "journal.failed", message });
	}
}
