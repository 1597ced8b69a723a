import pg from "pg";
import type { Clock } from "#core/clock.js";
import type { Batch, JournalReader } from "#journal/reader.js";
import type { RefusedRecords } from "./refused-records.js";
import { BatchWriter, PositionMoved } from "./write-batch.js";

const BACKOFF_FIRST_MS = 250;
const BACKOFF_LAST_MS = 5000;
/** A live journal is taken over in small transactions, four a second at most. */
const REST_MS = 200;
/**
 * The reader's acknowledgement lets the writer delete, so it must stand for rows that no crash can take back: this often
 * a commit waits for the database's disk, and is then acknowledged.
 */
const ACKNOWLEDGE_EVERY_MS = 1000;
const LAG_EVERY_MS = 1000;
const CONNECT_TIMEOUT_MS = 5000;
/** One statement that takes longer is at work, or the server hangs: another connection tells which. */
const QUIET_MS_MAX = 10_000;
const QUIET_LOOK_MS = 2_000;
/** A server that hangs does not say goodbye either. */
const FAREWELL_MS_MAX = 1_000;
/** Classes of SQLSTATE that tell of the data, not of the server: data exception, integrity constraint, beyond a limit of PostgreSQL. */
const DATA_ERROR = /^(22|23|54)/;

export interface IngesterHealth {
	readonly state: "ready" | "unavailable" | "starting";
	/** What is wrong, when something is. */
	readonly detail: string;
	/** Records in the journal that are not in the database yet. */
	readonly lagRecords: number;
	/** Records that the database refused and that were passed over; they are kept beside the journal. */
	readonly refusedRecords: number;
}

export interface IngesterOptions {
	readonly reader: JournalReader;
	/** The database, or undefined while there is none; asked before each connection. */
	readonly url: () => string | undefined;
	readonly clock: Clock;
	/** Keeps what the database refuses. */
	readonly refused: RefusedRecords;
	/** Brings the schema up to date; called once per connection, before anything else. */
	readonly prepare?: (url: string) => Promise<unknown>;
	/** Told of each batch once it is in the database. */
	readonly taken?: (batch: Batch) => void;
}

/**
 * Takes the journal over into the database, from the position that the database itself remembers: nothing is lost or
 * doubled, whatever is killed when. It never throws; while the database is away it tries again and says so in `health`.
 */
export class Ingester {
	private readonly stopping = new AbortController();
	private running: Promise<void> | undefined;
	private state: IngesterHealth["state"] = "starting";
	private detail = "";
	private seq = 0;
	private lagRecords = 0;
	private lagMeasuredMs = Number.NEGATIVE_INFINITY;
	private rowsWritten = 0;
	private progressMs = 0;

	constructor(private readonly options: IngesterOptions) {}

	/** Begins to work in the background. */
	start(): void {
		this.running ??= this.run();
	}

	/** Ends after the present batch. */
	async stop(): Promise<void> {
		this.stopping.abort();
		await this.running;
	}

	health(): IngesterHealth {
		const { state, detail, lagRecords } = this;
		return { state, detail, lagRecords, refusedRecords: this.options.refused.count };
	}

	/** Number of the last record taken over. */
	get position(): number {
		return this.seq;
	}

	/** Rows of samples written in this life. */
	get sampleRows(): number {
		return this.rowsWritten;
	}

	private async run(): Promise<void> {
		const { signal } = this.stopping;
		let waitMs = BACKOFF_FIRST_MS;
		while (!signal.aborted) {
			const reached = this.seq;
			try {
				await this.connectAndFollow(signal);
			} catch (error) {
				this.state = "unavailable";
				this.detail = describe(error);
			}
			this.measureLag();
			if (this.seq > reached) waitMs = BACKOFF_FIRST_MS;
			await this.rest(waitMs);
			waitMs = Math.min(waitMs * 2, BACKOFF_LAST_MS);
		}
	}

	private async connectAndFollow(signal: AbortSignal): Promise<void> {
		const url = this.options.url();
		if (url === undefined) throw new Error("There is no database yet.");
		await this.options.prepare?.(url);
		const client = new pg.Client({
			connectionString: url,
			connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
			keepAlive: true,
			application_name: "adlayer-ingest",
		});
		client.on("error", () => {});
		await client.connect();
		const watching = new AbortController();
		let isHung = false;
		void this.hung(url, watching.signal).catch(() => {
			isHung = true;
			// Ends what is under way with an error.
			return client.end();
		});
		try {
			await this.follow(new BatchWriter(client), signal);
		} catch (cause) {
			throw isHung ? new Error("The database does not answer any more.", { cause }) : cause;
		} finally {
			watching.abort();
			await Promise.race([client.end().catch(() => {}), this.options.clock.sleep(FAREWELL_MS_MAX)]);
		}
	}

	/** Rejects when nothing goes on any more and the server does not answer on another connection either. */
	private async hung(url: string, signal: AbortSignal): Promise<void> {
		const { clock } = this.options;
		this.progressMs = clock.nowMs();
		while (!signal.aborted) {
			await clock.sleep(QUIET_LOOK_MS, signal).catch(() => {});
			if (signal.aborted || clock.nowMs() - this.progressMs < QUIET_MS_MAX) continue;
			await ask(url);
		}
	}

	private async follow(writer: BatchWriter, signal: AbortSignal): Promise<void> {
		const { reader, clock } = this.options;
		let journal: string | undefined;
		let acknowledged = 0;
		let acknowledgedMs = clock.nowMs();
		let ahead: Promise<Batch | undefined> | undefined;
		try {
			while (!signal.aborted) {
				this.progressMs = clock.nowMs();
				const found = journal === undefined ? await reader.identify() : undefined;
				if (found !== undefined) journal = await this.resume(writer, found);
				this.state = "ready";
				this.detail = "";
				const batch = journal === undefined ? undefined : await (ahead ?? reader.read());
				ahead = undefined;
				const isDue = clock.nowMs() - acknowledgedMs >= ACKNOWLEDGE_EVERY_MS;
				if (batch === undefined) {
					if (isDue && journal !== undefined && this.seq > acknowledged) {
						await writer.makeDurable(journal);
						acknowledged = this.seq;
						reader.acknowledge(acknowledged);
					}
					this.measureLag();
					await this.rest(REST_MS);
					continue;
				}
				if (batch.journal !== journal) {
					journal = undefined;
					continue;
				}
				if (this.lagRecords > 2 * batch.lines.length) {
					// There is more: it is read while the database is at work.
					ahead = reader.read();
					ahead.catch(() => {});
				}
				await this.writeOrPassOver(writer, batch, isDue);
				if (isDue) {
					acknowledged = this.seq;
					reader.acknowledge(acknowledged);
					acknowledgedMs = clock.nowMs();
				}
				await writer.tidy(clock.wallMs());
				this.measureLag();
				if (this.lagRecords < batch.lines.length) await this.rest(REST_MS);
			}
		} finally {
			// The reader does one thing at a time.
			await ahead?.catch(() => {});
		}
	}

	private async resume(
		writer: BatchWriter,
		{ journal, station }: { journal: string; station: string },
	): Promise<string> {
		this.seq = await writer.position(journal, station);
		await this.options.reader.seek({ journal, seq: this.seq });
		return journal;
	}

	/**
	 * A record that the database refuses for what it holds would stop everything behind it for good: the batch is halved
	 * until that record stands alone, and it is kept apart and passed over.
	 */
	private async writeOrPassOver(writer: BatchWriter, batch: Batch, isDurable: boolean): Promise<void> {
		try {
			const { samples } = await writer.write(batch, {
				afterSeq: this.seq,
				isDurable,
				wallMs: this.options.clock.wallMs(),
			});
			this.rowsWritten += samples;
			this.options.taken?.(batch);
		} catch (error) {
			if (!isOfTheData(error)) throw error;
			const { lines } = batch;
			if (lines.length === 1) {
				this.options.refused.keep(batch.journal, lines[0]!.record, describe(error));
				return;
			}
			const middle = lines.length >> 1;
			await this.writeOrPassOver(writer, { ...batch, lines: lines.slice(0, middle) }, isDurable);
			await this.writeOrPassOver(writer, { ...batch, lines: lines.slice(middle) }, isDurable);
			return;
		}
		this.seq = batch.lines.at(-1)!.record.seq;
	}

	private measureLag(): void {
		const nowMs = this.options.clock.nowMs();
		if (nowMs - this.lagMeasuredMs < LAG_EVERY_MS) return;
		this.lagMeasuredMs = nowMs;
		this.lagRecords = Math.max(0, this.options.reader.endSeq() - this.seq);
	}

	private async rest(ms: number): Promise<void> {
		await this.options.clock.sleep(ms, this.stopping.signal).catch(() => {});
	}
}

/** The database refuses what a record holds, or it cannot even be written for it. */
function isOfTheData(error: unknown): boolean {
	return (
		error instanceof TypeError ||
		error instanceof RangeError ||
		DATA_ERROR.test((error as { code?: string } | undefined)?.code ?? "")
	);
}

async function ask(url: string): Promise<void> {
	const client = new pg.Client({
		connectionString: url,
		connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
		query_timeout: CONNECT_TIMEOUT_MS,
		application_name: "adlayer-ingest",
	});
	client.on("error", () => {});
	try {
		await client.connect();
		await client.query("SELECT 1");
	} finally {
		client.end().catch(() => {});
	}
}

function describe(error: unknown): string {
	if (error instanceof PositionMoved) return "Another process is taking the same journal over.";
	if (error instanceof AggregateError && error.errors.length > 0) return describe(error.errors[0]);
	return error instanceof Error ? error.message : String(error);
}
