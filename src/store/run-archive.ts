/** One run out of the database in pieces: each question is short, and no transaction stays open while a reader is slow. */
import type { Pool } from "pg";
import type { PulseRow, RunDetail } from "#record/history.js";
import type { JournalRecord } from "#record/records.js";
import type {
	ArchivedInstrument,
	ArchivedPhase,
	ArchivedPoll,
	ArchivedRun,
	ArchivedSignal,
	ArchivedStep,
	RunArchive,
} from "#record/run-archive.js";
import type { Database } from "./database.js";
import type { Pulse, Run, Step } from "./generated/client.js";

/** So much of a run's samples is asked for at once: of one instrument at 10 polls a second, 9000 rows a signal. */
const WINDOW_MS = 15 * 60_000;
const ROWS_AT_ONCE = 2_000;

/** What the rows of a run become; the store's history has the forms. */
export interface ArchiveForms {
	detail(row: Run): Omit<RunDetail, "steps" | "anneals">;
	step(row: Step): RunDetail["steps"][number];
	pulse(row: Pulse): PulseRow;
}

interface SignalOf extends ArchivedSignal {
	readonly id: number;
}

/** Undefined when there is no such run. */
export async function runArchive(
	database: Database,
	id: string,
	anneals: RunDetail["anneals"],
	forms: ArchiveForms,
): Promise<RunArchive | undefined> {
	const row = await database.ask((prisma) => prisma.run.findUnique({ where: { run: id } }));
	if (row === null) return undefined;
	const run: ArchivedRun = {
		...forms.detail(row),
		anneals,
		station: row.station,
		recipeVersion: row.recipeVersion,
		labFileText: row.labFileText,
		material: row.material,
		meltingPointC: row.meltingPointC,
		neverAboveC: row.neverAboveC,
		plan: row.plan as unknown as ArchivedRun["plan"],
		peakFoilUncertaintyC: row.peakFoilUncertaintyC,
	};
	const { instruments, signals } = await instrumentsOf(database, row.station);
	return {
		run,
		instruments,
		phases: await phasesOf(database, id),
		doses: await dosesOf(database, id),
		polls: (instrument) => polls(database, row, signals.get(instrument.instrument) ?? []),
		steps: () => steps(database, id, forms),
		pulses: () => pulses(database, id, forms),
		events: () => events(database, row),
	};
}

async function instrumentsOf(
	database: Database,
	station: string,
): Promise<{ instruments: ArchivedInstrument[]; signals: Map<string, SignalOf[]> }> {
	return database.ask(async (prisma) => {
		const identities = new Map(
			(await prisma.instrument.findMany({ where: { station } })).map((each) => [each.instrument, each]),
		);
		const signals = new Map<string, SignalOf[]>();
		for (const { id, name, unit, description } of await prisma.signal.findMany({
			where: { station },
			orderBy: { name: "asc" },
		})) {
			const dot = name.indexOf(".");
			const instrument = name.slice(0, dot);
			const of = signals.get(instrument) ?? [];
			of.push({ id, name: name.slice(dot + 1), unit, description });
			signals.set(instrument, of);
		}
		const instruments = [...signals].map(([instrument, of]): ArchivedInstrument => {
			const known = identities.get(instrument);
			return {
				instrument,
				driver: known?.driver ?? null,
				manufacturer: known?.manufacturer ?? null,
				model: known?.model ?? null,
				serial: known?.serial ?? null,
				firmware: known?.firmware ?? null,
				signals: of.map(({ name, unit, description }) => ({ name, unit, description })),
			};
		});
		return { instruments, signals };
	});
}

function phasesOf(database: Database, run: string): Promise<ArchivedPhase[]> {
	return database.ask(async (_prisma, pool) => {
		const { rows } = await pool.query(
			`SELECT phase, min(started_at) AS started, max(ended_at) AS ended, count(*)::int AS steps
			FROM steps WHERE run = $1 GROUP BY phase ORDER BY min(started_seq)`,
			[run],
		);
		return (rows as { phase: string; started: Date; ended: Date | null; steps: number }[]).map((row) => ({
			phase: row.phase,
			startedAt: row.started.getTime(),
			endedAt: row.ended?.getTime() ?? null,
			steps: row.steps,
		}));
	});
}

function dosesOf(database: Database, run: string): Promise<RunArchive["doses"]> {
	return database.ask(async (_prisma, pool) => {
		const { rows } = await pool.query(
			"SELECT precursor, fate, count(*)::int AS count FROM pulses WHERE run = $1 GROUP BY 1, 2 ORDER BY 1, 2",
			[run],
		);
		return rows as { precursor: string; fate: string; count: number }[];
	});
}

async function* polls(database: Database, run: Run, signals: readonly SignalOf[]): AsyncGenerator<ArchivedPoll[]> {
	const ids = signals.map(({ id }) => id);
	const column = new Map(ids.map((id, at) => [id, at]));
	const span = await database.ask((_prisma, pool) => spanOf(pool, run));
	for (let fromMs = span.fromMs; fromMs <= span.toMs; fromMs += WINDOW_MS) {
		const toMs = Math.min(span.toMs, fromMs + WINDOW_MS - 1);
		const rows = await database.ask((_prisma, pool) => samples(pool, ids, fromMs, toMs));
		if (rows.length === 0) continue;
		const batch: ArchivedPoll[] = [];
		let values: (number | null)[] = [];
		let atMs = Number.NaN;
		let taken = new Set<number>();
		for (const [at, signal, value, quality] of rows) {
			const place = column.get(signal)!;
			// The values of one poll have one time; two polls may, too.
			if (at !== atMs || taken.has(place)) {
				atMs = at;
				taken = new Set();
				values = ids.map(() => null);
				batch.push({ at, values });
			}
			taken.add(place);
			values[place] = quality === 0 ? value : null;
		}
		yield batch;
	}
}

/** From the run's creation to its end; of an open run to its last record. */
async function spanOf(pool: Pool, run: Run): Promise<{ fromMs: number; toMs: number; lastSeq: bigint }> {
	const fromMs = run.createdAt.getTime();
	const { rows } = await pool.query("SELECT at, seq FROM events WHERE run = $1 ORDER BY seq DESC LIMIT 1", [run.run]);
	const [last] = rows as { at: Date; seq: string }[];
	return {
		fromMs,
		toMs: (run.endedAt ?? last?.at ?? run.createdAt).getTime(),
		lastSeq: BigInt(last?.seq ?? run.createdSeq),
	};
}

type SampleRow = [atMs: number, signal: number, value: number | null, quality: number];

async function samples(pool: Pool, ids: readonly number[], fromMs: number, toMs: number): Promise<SampleRow[]> {
	const { rows } = await pool.query({
		text: `SELECT round(extract(epoch FROM time) * 1000)::float8, signal_id, value, quality FROM samples
			WHERE signal_id = ANY($1) AND time >= $2 AND time <= $3 ORDER BY time`,
		values: [ids, new Date(fromMs), new Date(toMs)],
		rowMode: "array",
	});
	return rows as unknown as SampleRow[];
}

async function* steps(database: Database, run: string, forms: ArchiveForms): AsyncGenerator<ArchivedStep[]> {
	for await (const rows of pages(
		(after) =>
			database.ask((prisma) =>
				prisma.step.findMany({
					where: { run, startedSeq: { gt: after } },
					orderBy: { startedSeq: "asc" },
					take: ROWS_AT_ONCE,
				}),
			),
		({ startedSeq }) => startedSeq,
	))
		yield rows.map((row) => ({ ...forms.step(row), path: row.path }));
}

async function* pulses(database: Database, run: string, forms: ArchiveForms): AsyncGenerator<PulseRow[]> {
	for await (const rows of pages(
		(after) =>
			database.ask((prisma) =>
				prisma.pulse.findMany({ where: { run, seq: { gt: after } }, orderBy: { seq: "asc" }, take: ROWS_AT_ONCE }),
			),
		({ seq }) => seq,
	))
		yield rows.map(forms.pulse);
}

/** Records of the station that belong to no run, but tell what happened to one. */
const STATION_KINDS = ["alarm", "interlock", "instrument", "actuation", "manual-command", "note", "control-started"];

async function* events(database: Database, run: Run): AsyncGenerator<JournalRecord[]> {
	const { lastSeq } = await database.ask((_prisma, pool) => spanOf(pool, run));
	for await (const rows of pages(
		(after) =>
			database.ask((prisma) =>
				prisma.event.findMany({
					where: {
						journal: run.journal,
						seq: { gt: after, lte: lastSeq },
						OR: [{ run: run.run }, { run: null, kind: { in: STATION_KINDS } }],
					},
					orderBy: { seq: "asc" },
					take: ROWS_AT_ONCE,
				}),
			),
		({ seq }) => seq,
		run.createdSeq - 1n,
	))
		yield rows.map(({ body }) => body as unknown as JournalRecord);
}

/** Page after page, each from where the one before ended. */
async function* pages<Row>(
	ask: (after: bigint) => Promise<Row[]>,
	place: (row: Row) => bigint,
	from = -1n,
): AsyncGenerator<Row[]> {
	for (let after = from; ; ) {
		const rows = await ask(after);
		if (rows.length > 0) yield rows;
		if (rows.length < ROWS_AT_ONCE) return;
		after = place(rows.at(-1)!);
	}
}
