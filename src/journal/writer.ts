import { randomUUID } from "node:crypto";
import { closeSync, fdatasync, fsync, mkdirSync, openSync, rmSync, truncateSync, writeSync } from "node:fs";
import { promisify } from "node:util";
import type { Clock, Timer } from "#core/clock.js";
import { AdlayerError } from "#core/errors.js";
import { JOURNAL_SCHEMA, type JournalRecord, type RecordBody, type RecordSink } from "#record/records.js";
import { acknowledgedByAll } from "./acknowledgement.js";
import { CarryTracker } from "./carry.js";
import { type DiskState, diskState, measureUsedFraction } from "./disk.js";
import { jsonLine, recordLine } from "./line.js";
import { BEAT_MS, bootId, JournalLock } from "./lock.js";
import { recoverEnd } from "./recover.js";
import { listSegments, type SegmentHeader, segmentFile } from "./segments.js";

export const SEGMENT_BYTES_MAX = 64 * 1024 * 1024;
export const SYNC_INTERVAL_MS = 100;
const DISK_INTERVAL_MS = 10_000;
/** Simulated time stands still for a disk that is slow; one that hangs must be seen to. */
const DISK_PATIENCE_MS = 10_000;
/** Acknowledged segments are deleted, but the newest ones stay for whoever looks at what just happened. */
const SEGMENTS_KEPT = 2;
/** Samples are written together; a poll's line has some hundred bytes. */
const BUFFER_BYTES = 32 * 1024;
/** What may wait in memory while the disk refuses: many minutes of events. */
const WAITING_BYTES_MAX = 16 * 1024 * 1024;
/** One sample in this many is kept when the disk is nearly full. */
const THINNED_TO_ONE_IN = 20;
/**
 * When the machine itself went down, lines that readers have already seen may never have reached the disk. Their numbers
 * must not be given to other records: numbering goes on this much further, far more than is written between two syncs.
 */
export const SEQ_GAP_AFTER_REBOOT = 100_000;

export interface JournalOptions {
	readonly dir: string;
	readonly clock: Clock;
	/** For the rhythm of syncing and tidying, which the disk needs in real time; `clock` when absent. */
	readonly diskClock?: Clock;
	readonly station: string;
	/** Bytes after which a new segment begins. */
	readonly segmentBytes?: number;
	/** Names the journal when it is made. */
	readonly newId?: () => string;
	/** Fraction of the disk in use, 0 to 1. */
	readonly measureDisk?: () => Promise<number>;
	/** Names the present boot of the machine. */
	readonly boot?: string | null;
}

interface Waiter {
	readonly seq: number;
	resolve(): void;
	reject(error: Error): void;
}

const sync = promisify(fdatasync);
const syncFolder = promisify(fsync);

/**
 * The append-only journal on disk. Events go to the operating system as they are appended, samples in small batches; all
 * of it is synced off the main thread every 100 ms, and at once for whoever awaits `synced`.
 */
export class JournalWriter implements RecordSink {
	readonly journal: string;
	private readonly boot: string | null;
	private readonly lock: JournalLock;
	private readonly tracker: CarryTracker;
	private fd: number;
	private segmentBytes = 0;
	/** Sequence number of the last record; 0 before the first. */
	lastSeq: number;
	private syncedSeq: number;
	private pending = Buffer.alloc(0);
	private buffered = "";
	private bufferedBytes = 0;
	private readonly retired: number[] = [];
	private syncing: Promise<void> | undefined;
	private syncingSinceMs: number | undefined;
	/** A new file is on the disk only when its folder is. */
	private isFolderDirty = false;
	private waiters: Waiter[] = [];
	private readonly timers: (Timer | undefined)[] = [];
	private disk: DiskState = diskState(null);
	private thinned = 0;
	private failure: AdlayerError | undefined;
	private isClosed = false;

	private constructor(
		private readonly options: JournalOptions,
		lock: JournalLock,
	) {
		this.lock = lock;
		const { dir } = options;
		this.boot = options.boot === undefined ? bootId() : options.boot;
		const found = recoverEnd(dir);
		this.journal = found?.header.journal ?? (options.newId ?? randomUUID)();
		this.tracker = found?.tracker ?? new CarryTracker();
		this.lastSeq = found?.lastSeq ?? 0;
		if (found !== undefined) truncateSync(found.file, found.goodBytes);
		if (found !== undefined && this.boot !== null && found.header.boot === this.boot) {
			this.fd = openSync(found.file, "a");
			this.segmentBytes = found.goodBytes;
		} else {
			if (found !== undefined) this.lastSeq += SEQ_GAP_AFTER_REBOOT;
			this.fd = this.beginSegment();
		}
		this.syncedSeq = this.lastSeq;
		if (found !== undefined && found.tornBytes > 0) {
			this.append({
				kind: "note",
				level: "warning",
				run: this.tracker.openRun?.run ?? null,
				code: "JOURNAL_TORN_LINE",
				message: `The last write before the restart was incomplete: ${found.tornBytes} bytes after record ${found.lastSeq} were cut off.`,
			});
		}
	}
	/**
	 * Opens the journal in `dir`, or makes it. Cuts a torn last line and says so in a note. Throws JOURNAL_LOCKED when
	 * another process writes it, JOURNAL_CORRUPT when a line before the last does not fit its checksum.
	 */
	static open(options: JournalOptions): JournalWriter {
		mkdirSync(options.dir, { recursive: true });
		const lock = JournalLock.take(options.dir);
		try {
			const writer = new JournalWriter(options, lock);
			writer.every(SYNC_INTERVAL_MS, () => writer.syncInBackground());
			writer.every(BEAT_MS, () => lock.beat());
			writer.every(DISK_INTERVAL_MS, () => void writer.tidy());
			void writer.measureDisk();
			return writer;
		} catch (error) {
			lock.release();
			throw error;
		}
	}

	/**
	 * Writes a record and returns its number. A sample left out because the disk is nearly full returns the number of the
	 * last record. Throws DISK_FULL when the disk has refused for so long that memory would not hold more.
	 */
	append(body: RecordBody): number {
		const isSample = body.kind === "sample";
		if (isSample && this.isThinnedOut()) return this.lastSeq;
		const seq = this.lastSeq + 1;
		const t = this.options.clock.nowMs();
		const wall = this.options.clock.wallMs();
		const line = recordLine(seq, t, wall, body);
		const bytes = Buffer.byteLength(line);
		if (this.pending.length + this.bufferedBytes + bytes > WAITING_BYTES_MAX)
			throw this.failure ?? diskFull(this.options.dir);
		if (this.segmentBytes > (this.options.segmentBytes ?? SEGMENT_BYTES_MAX)) this.roll();
		this.lastSeq = seq;
		this.buffered += line;
		this.bufferedBytes += bytes;
		this.segmentBytes += bytes;
		if (!isSample) this.tracker.follow({ seq, t, wall, ...body } as JournalRecord);
		if (!isSample || this.bufferedBytes >= BUFFER_BYTES) this.write();
		return seq;
	}

	/** Resolves when everything appended so far is on the disk. Rejects with DISK_FULL or JOURNAL_FAILED when it cannot be. */
	synced(): Promise<void> {
		if (this.syncedSeq >= this.lastSeq && this.failure === undefined) return Promise.resolve();
		const answered = this.options.clock.expectAnswer(DISK_PATIENCE_MS);
		return new Promise<void>((resolve, reject) => {
			this.waiters.push({ seq: this.lastSeq, resolve, reject });
			this.startSync();
		}).finally(answered);
	}

	/** Why the journal takes nothing any more, and for how long a sync has been under way; zero while none is. */
	health(): { readonly failure: AdlayerError | undefined; readonly syncingMs: number } {
		const since = this.syncingSinceMs;
		return { failure: this.failure, syncingMs: since === undefined ? 0 : this.diskNowMs() - since };
	}

	/** How full the disk is and what follows: `alarm` from 70 %, `no-new-runs` from 85 %, `samples-thinned` from 95 %. */
	diskState(): DiskState {
		return this.disk;
	}

	/** Measures the disk now; otherwise it is done every 10 s. */
	async measureDisk(): Promise<DiskState> {
		const measure = this.options.measureDisk ?? (() => measureUsedFraction(this.options.dir));
		// A disk that cannot be measured now is as full as it was.
		this.disk = await measure().then(diskState, () => this.disk);
		return this.disk;
	}

	/** Deletes segments that all registered readers have acknowledged; never the newest ones, nor any from which the open run or the open battery tests are told. */
	deleteAcknowledged(): string[] {
		if (this.isClosed) return [];
		const acknowledged = acknowledgedByAll(this.options.dir, this.journal);
		if (acknowledged === undefined) return [];
		const { openRun, cellTestsSeq } = this.tracker;
		const needed = Math.min(acknowledged + 1, openRun?.seq ?? Infinity, cellTestsSeq ?? Infinity);
		const segments = listSegments(this.options.dir);
		const done = segments.slice(0, -SEGMENTS_KEPT).filter((_, index) => segments[index + 1]!.firstSeq <= needed);
		for (const { file } of done) rmSync(file, { force: true });
		return done.map(({ file }) => file);
	}

	/** Syncs what there is and gives the journal free. */
	async close(): Promise<void> {
		if (this.isClosed) return;
		for (const timer of this.timers) timer?.cancel();
		await this.synced().catch(() => {});
		await this.syncing;
		this.isClosed = true;
		for (const fd of [...this.retired.splice(0), this.fd]) closeSync(fd);
		this.lock.release();
	}

	/** What cannot be deleted now is tried again; the disk bound tells when that matters. */
	private async tidy(): Promise<void> {
		await this.measureDisk();
		try {
			this.deleteAcknowledged();
		} catch {
			// The folder is momentarily not readable or not writable.
		}
	}

	private every(intervalMs: number, work: () => void): void {
		const clock = this.options.diskClock ?? this.options.clock;
		const slot = this.timers.push(undefined) - 1;
		const arm = () => {
			this.timers[slot] = clock.setTimer(intervalMs, () => {
				arm();
				work();
			});
		};
		arm();
	}

	private isThinnedOut(): boolean {
		if (this.disk.level !== "samples-thinned") return false;
		this.thinned = (this.thinned + 1) % THINNED_TO_ONE_IN;
		return this.thinned !== 0;
	}

	private beginSegment(): number {
		const { dir, station, clock } = this.options;
		const firstSeq = this.lastSeq + 1;
		const header: SegmentHeader = {
			journal: this.journal,
			schema: JOURNAL_SCHEMA,
			firstSeq,
			station,
			createdWall: clock.wallMs(),
			boot: this.boot,
			...this.tracker.snapshot(),
		};
		const line = jsonLine(JSON.stringify(header));
		// A file of that name can only be one whose header was cut short: nothing is in it.
		const fd = openSync(segmentFile(dir, firstSeq), "w");
		writeSync(fd, line);
		this.segmentBytes = Buffer.byteLength(line);
		this.isFolderDirty = true;
		return fd;
	}

	private roll(): void {
		this.write();
		// What the disk has not taken yet belongs to the old segment; the new one begins when it has.
		if (this.pending.length > 0) return;
		try {
			const next = this.beginSegment();
			this.retired.push(this.fd);
			this.fd = next;
		} catch (error) {
			this.noteWriteError(error);
		}
	}

	/** Hands everything to the operating system. What it does not take stays for the next time, in order. */
	private write(): void {
		if (this.bufferedBytes > 0) {
			const fresh = Buffer.from(this.buffered);
			this.pending = this.pending.length === 0 ? fresh : Buffer.concat([this.pending, fresh]);
			this.buffered = "";
			this.bufferedBytes = 0;
		}
		try {
			while (this.pending.length > 0) this.pending = this.pending.subarray(writeSync(this.fd, this.pending));
			if (this.failure?.code === "DISK_FULL") this.failure = undefined;
		} catch (error) {
			this.noteWriteError(error);
		}
	}

	private noteWriteError(error: unknown): void {
		if (this.failure?.code === "JOURNAL_FAILED") return;
		const code = (error as NodeJS.ErrnoException).code;
		this.failure =
			code === "ENOSPC" || code === "EDQUOT" ? diskFull(this.options.dir, error) : failed(this.options.dir, error);
	}

	private diskNowMs(): number {
		return (this.options.diskClock ?? this.options.clock).nowMs();
	}

	private syncInBackground(): void {
		if (this.syncedSeq < this.lastSeq) this.startSync();
	}

	private startSync(): void {
		if (this.syncing !== undefined || this.isClosed) return;
		this.syncingSinceMs = this.diskNowMs();
		this.syncing = this.syncOnce().finally(() => {
			this.syncing = undefined;
			this.syncingSinceMs = undefined;
			if (this.waiters.length > 0) this.startSync();
		});
	}

	private async syncOnce(): Promise<void> {
		this.write();
		const target = this.lastSeq;
		if (this.failure === undefined) {
			const retired = this.retired.splice(0);
			try {
				for (const fd of retired) await sync(fd);
				await sync(this.fd);
				await this.syncFolderOnce();
				this.syncedSeq = target;
			} catch (error) {
				// After a failed sync the system may have dropped what it could not write; trying again would hide that.
				this.failure = failed(this.options.dir, error);
			}
			for (const fd of retired) closeSync(fd);
		}
		const { failure } = this;
		const due = this.waiters.filter((waiter) => failure !== undefined || waiter.seq <= this.syncedSeq);
		this.waiters = this.waiters.filter((waiter) => !due.includes(waiter));
		for (const waiter of due) {
			if (failure === undefined) waiter.resolve();
			else waiter.reject(failure);
		}
	}

	private async syncFolderOnce(): Promise<void> {
		if (!this.isFolderDirty) return;
		this.isFolderDirty = false;
		const fd = openSync(this.options.dir, "r");
		try {
			await syncFolder(fd);
		} finally {
			closeSync(fd);
		}
	}
}

function diskFull(dir: string, cause?: unknown): AdlayerError {
	return new AdlayerError("DISK_FULL", `The disk of the journal in ${dir} takes no more.`, { context: { dir }, cause });
}

function failed(dir: string, cause: unknown): AdlayerError {
	const reason = cause instanceof Error ? cause.message : String(cause);
	return new AdlayerError("JOURNAL_FAILED", `The journal in ${dir} could not be written: ${reason}.`, {
		context: { dir },
		cause,
	});
}
