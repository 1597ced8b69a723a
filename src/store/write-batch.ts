/** One batch of the journal into the database: all rows and the position they stand for, in one transaction. */
import { finished } from "node:stream/promises";
import type { ClientBase } from "pg";
import { from as copyFrom } from "pg-copy-streams";
import type { Batch } from "#journal/reader.js";
import type { JournalRecord, PulseRecord, RecordBase } from "#record/records.js";
import { CellTestNumbers, CellTestTables } from "./cell-test-tables.js";
import { CopyRows, uuidBytes } from "./copy-rows.js";
import { Partitions } from "./partitions.js";
import { Rollups, type Span } from "./rollups.js";
import { RunTables } from "./run-tables.js";
import { SampleRows } from "./sample-rows.js";
import { SignalIds } from "./signal-ids.js";

/** The position in the database was not the one expected: another writer was there. Nothing was written. */
export class PositionMoved extends Error {}

export interface BatchOptions {
	/** The position in the database before this batch. */
	readonly afterSeq: number;
	/** Waits until the batch is on the database's disk; otherwise it may take the database 0.6 s more. */
	readonly isDurable: boolean;
	/** Unix ms. */
	readonly wallMs: number;
}

/** Four batches a second come from a live journal. */
const SUMMARISE_EVERY_BATCHES = 20;

/** Writes batches over one connection. Ids and partitions it knows are forgotten with it. */
export class BatchWriter {
	private readonly signals: SignalIds;
	private readonly partitions: Partitions;
	private readonly rollups = new Map<string, Rollups>();
	private readonly cellTests: CellTestNumbers;
	private batchesSinceSummary = 0;

	constructor(private readonly client: ClientBase) {
		this.signals = new SignalIds(client);
		this.partitions = new Partitions(client);
		this.cellTests = new CellTestNumbers(client);
	}

	/** The number up to which the journal has been taken over; 0 for one never seen. */
	async position(journal: string, station: string): Promise<number> {
		await this.client.query(
			"INSERT INTO journal_position (journal, station, seq, updated_at) VALUES ($1, $2, 0, now()) ON CONFLICT DO NOTHING",
			[journal, station],
		);
		const { rows } = await this.client.query("SELECT seq FROM journal_position WHERE journal = $1", [journal]);
		return Number((rows[0] as { seq: string }).seq);
	}

	/** Returns when everything written so far is on the database's disk: a commit that waits takes those before it along. */
	async makeDurable(journal: string): Promise<void> {
		await this.client.query("UPDATE journal_position SET updated_at = now() WHERE journal = $1", [journal]);
	}

	/** Writes the batch; throws PositionMoved, or what the database says, with nothing written. */
	async write(batch: Batch, options: BatchOptions): Promise<{ samples: number }> {
		const { samples, pieces, rollups, events, pulses, tables, cellTests, times } = await this.prepare(
			batch,
			options.wallMs,
		);
		// Partitions and the numbers of signals are kept, whatever becomes of the batch.
		await this.partitions.cover(times);
		const { client } = this;
		await client.query("BEGIN");
		try {
			// The journal is the truth: a commit lost in a crash of the database takes its position with it and is made again.
			if (!options.isDurable) await client.query("SET LOCAL synchronous_commit = off");
			const last = batch.lines.at(-1)!.record.seq;
			const moved = await client.query(
				"UPDATE journal_position SET seq = $2, samples = samples + $4, updated_at = now() WHERE journal = $1 AND seq = $3",
				[batch.journal, last, options.afterSeq, samples.rows],
			);
			if (moved.rowCount !== 1) throw new PositionMoved();
			await this.copy("samples (signal_id, time, value, quality)", samples);
			await this.copy("rollups (signal_id, width_s, start, samples, sum, min, max)", pieces);
			await rollups?.claim();
			await this.copy("events (journal, seq, at, kind, run, body)", events);
			await this.copy(
				"pulses (journal, seq, run, pulse, precursor, valve, cycle, commanded_ms, due_ms, issued_ms, confirmed_ms, baseline_pa, peak_pa, area_pa_s, fate, at, film_before_nm, film_after_nm)",
				pulses,
			);
			await tables.write(client);
			await cellTests.write(client, this.cellTests, (target, rows) => this.copy(target, rows));
			await client.query("COMMIT");
		} catch (error) {
			this.cellTests.forget();
			await client.query("ROLLBACK").catch(() => {});
			throw error;
		}
		rollups?.claimed();
		return { samples: samples.rows };
	}

	/** Makes what was written quick to look at; to be called after each batch. */
	async tidy(wallMs: number): Promise<void> {
		this.batchesSinceSummary += 1;
		if (this.batchesSinceSummary >= SUMMARISE_EVERY_BATCHES) {
			this.batchesSinceSummary = 0;
			await this.partitions.summarise();
		}
		for (const rollups of this.rollups.values()) await rollups.roll(wallMs);
	}

	private async prepare(batch: Batch, wallMs: number) {
		const samples = new SampleRows();
		const events = new CopyRows();
		const pulses = new CopyRows();
		const tables = new RunTables(batch.journal, batch.station);
		const cellTests = new CellTestTables(batch.journal, batch.station);
		const times: number[] = [];
		const journal = uuidBytes(batch.journal);
		for (const { record, raw } of batch.lines) {
			if (record.kind === "sample") {
				times.push(record.wall);
				let ids = this.signals.known(batch.station, record.instrument, record.values);
				ids ??= await this.signals.learn(batch.station, record.instrument, record.values);
				samples.add(record, ids);
				continue;
			}
			if (cellTests.follow(record)) continue;
			addEvent(events, journal, record, raw);
			if (record.kind === "pulse") addPulse(pulses, journal, record);
			if (record.kind === "control-started") await this.signals.declare(record.station, record.signals);
			tables.follow(record);
		}
		const rollups = await this.rollupsFor(batch.station, samples.span, wallMs);
		const pieces = rollups === undefined ? new CopyRows() : samples.encodePieces(rollups);
		return { samples: samples.encode(), pieces, rollups, events, pulses, tables, cellTests, times };
	}

	private async rollupsFor(station: string, span: Span | undefined, wallMs: number): Promise<Rollups | undefined> {
		if (span === undefined) return undefined;
		let rollups = this.rollups.get(station);
		if (rollups === undefined) {
			rollups = new Rollups(this.client, station);
			this.rollups.set(station, rollups);
		}
		await rollups.expect(span, wallMs);
		return rollups;
	}

	private async copy(target: string, rows: CopyRows): Promise<void> {
		if (rows.rows === 0) return;
		const stream = this.client.query(copyFrom(`COPY ${target} FROM STDIN (FORMAT binary)`));
		stream.end(rows.finish());
		await finished(stream);
	}
}

function addEvent(rows: CopyRows, journal: Buffer, record: JournalRecord, raw: Buffer): void {
	rows.row(6);
	rows.uuid(journal);
	rows.int8(record.seq);
	rows.timestamp(record.wall);
	rows.text(record.kind);
	rows.text("run" in record ? record.run : null);
	rows.bytes(raw);
}

function addPulse(rows: CopyRows, journal: Buffer, pulse: PulseRecord & RecordBase): void {
	rows.row(18);
	rows.uuid(journal);
	rows.int8(pulse.seq);
	rows.text(pulse.run);
	rows.int4(pulse.pulse);
	rows.text(pulse.precursor);
	rows.text(pulse.valve);
	rows.int4(pulse.cycle);
	rows.float8(pulse.commandedMs);
	rows.float8(pulse.dueT);
	rows.float8(pulse.issuedT);
	rows.float8(pulse.confirmedMs);
	rows.float8(pulse.effective?.baselinePa);
	rows.float8(pulse.effective?.peakPa);
	rows.float8(pulse.effective?.areaPaS);
	rows.text(pulse.fate);
	rows.timestamp(pulse.wall);
	rows.float8(pulse.film?.beforeNm);
	rows.float8(pulse.film?.afterNm);
}
