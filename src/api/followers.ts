/** All listeners on server-sent events: run events with resume, and the state a few times a second. */

import type { FastifyReply } from "fastify";
import { EventStream } from "#api/event-stream.js";
import { runOf } from "#api/live-run.js";
import type { AppDeps, AppLimits } from "#api/ports.js";
import type { Timer } from "#core/clock.js";
import { AdlayerError } from "#core/errors.js";
import type { JournalRecord } from "#record/records.js";

/** Rows asked of the database at a time while a listener is brought up to the present. */
const PAGE_RECORDS = 1_000;
/** Wait for a database that is behind the journal, and how often. */
const BEHIND_MS = 250;
const BEHIND_TRIES_MAX = 40;

export class Followers {
	private readonly streams = new Set<EventStream>();
	private readonly statusStreams = new Set<EventStream>();
	private statusTimer: Timer | undefined;

	constructor(
		private readonly deps: AppDeps,
		private readonly limits: AppLimits,
	) {}

	get count(): number {
		return this.streams.size;
	}

	/**
	 * Sends all events of a run after `afterSeq`, then every new one, each once and in order. What the ring no longer holds
	 * comes from the database. Rejects before anything is sent with DATABASE_UNAVAILABLE or SERVICE_BUSY.
	 */
	async followRun(reply: FastifyReply, run: string, afterSeq: number): Promise<void> {
		this.refuseWhenFull();
		const { live } = this.deps;
		const start = live.startIndex(run, afterSeq);
		const first = start === undefined ? await this.page(run, afterSeq) : undefined;
		const stream = this.open(reply);
		if (first === undefined) this.pump(stream, run, start!);
		else await this.catchUp(stream, run, first).catch(() => stream.close());
	}

	/** Sends the state now and then as it changes; a listener that is slow gets fewer, never older ones. */
	followStatus(reply: FastifyReply): void {
		this.refuseWhenFull();
		const stream = this.open(reply);
		this.statusStreams.add(stream);
		stream.send({ event: "status", data: JSON.stringify(this.deps.live.status()) });
		if (this.statusTimer === undefined) this.tick();
	}

	/** Ends every stream, for the shutdown of the service. */
	close(): void {
		this.statusTimer?.cancel();
		this.statusTimer = undefined;
		for (const stream of [...this.streams]) stream.close();
	}

	private refuseWhenFull(): void {
		const { followersMax } = this.limits;
		if (this.streams.size < followersMax) return;
		throw new AdlayerError("SERVICE_BUSY", `The service already has ${followersMax} followers.`);
	}

	private open(reply: FastifyReply): EventStream {
		reply.hijack();
		const stream: EventStream = new EventStream(reply.raw, {
			clock: this.deps.clock,
			heartbeatMs: this.limits.heartbeatMs,
			stalledMsMax: this.limits.stalledMsMax,
			headers: this.deps.live.simulated ? { "adlayer-simulated": "true" } : {},
			onClose: () => {
				this.streams.delete(stream);
				this.statusStreams.delete(stream);
			},
		});
		this.streams.add(stream);
		return stream;
	}

	/** From the ring to the listener, as fast as it takes it. A listener that the ring overtakes is dropped and may resume. */
	private pump(stream: EventStream, run: string, start: number): void {
		const { live } = this.deps;
		let index = start;
		const advance = () => {
			while (stream.ready && index < live.events.end) {
				const record = live.events.at(index);
				if (record === undefined) {
					stream.drop();
					return;
				}
				index += 1;
				if (runOf(record) === run) sendRecord(stream, record);
			}
		};
		const unsubscribe = live.subscribe(advance);
		stream.onDrain(() => {
			if (stream.isOpen) advance();
			else unsubscribe();
		});
		advance();
	}

	private async catchUp(stream: EventStream, run: string, first: Page): Promise<void> {
		const { live, clock } = this.deps;
		let page = first;
		for (let behind = 0; behind < BEHIND_TRIES_MAX && stream.isOpen; ) {
			for (const record of page.records) {
				if (!sendRecord(stream, record)) await stream.drainedOnce();
				if (!stream.isOpen) return;
			}
			const start = live.startIndex(run, page.through);
			if (start !== undefined) {
				this.pump(stream, run, start);
				return;
			}
			const next = await this.page(run, page.through);
			if (next.through === page.through) {
				behind += 1;
				await clock.sleep(BEHIND_MS);
			}
			page = next;
		}
		stream.close();
	}

	/** The next events from the database, and up to which sequence number nothing of the run is missing then. */
	private async page(run: string, afterSeq: number): Promise<Page> {
		const { history, health } = this.deps;
		if (history === null) {
			throw new AdlayerError(
				"DATABASE_UNAVAILABLE",
				`Events of run ${run} after ${afterSeq} are only in the database.`,
			);
		}
		// Read before the rows: whatever was stored up to then is among them.
		const { journal, database } = health();
		const stored = database.state === "ready" ? journal.lastSeq - database.lagRecords : 0;
		const found = await history.events(run, { afterSeq, limit: PAGE_RECORDS });
		const last = found.at(-1)?.seq ?? afterSeq;
		const records = found.filter((record) => runOf(record) === run);
		return { records, through: found.length < PAGE_RECORDS ? Math.max(last, stored) : last };
	}

	private tick(): void {
		this.statusTimer = this.deps.clock.setTimer(this.limits.statusEveryMs, () => {
			this.statusTimer = undefined;
			if (this.statusStreams.size === 0) return;
			const data = JSON.stringify(this.deps.live.status());
			for (const stream of [...this.statusStreams]) if (stream.ready) stream.send({ event: "status", data });
			this.tick();
		});
	}
}

interface Page {
	readonly records: readonly JournalRecord[];
	readonly through: number;
}

function sendRecord(stream: EventStream, record: JournalRecord): boolean {
	return stream.send({ event: record.kind, id: record.seq, data: JSON.stringify(record) });
}
