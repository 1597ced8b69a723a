import {
	type AlarmChange,
	type AlarmQuery,
	annealFacts,
	type History,
	type HistoryPoint,
	type PulseRow,
	type RunDetail,
	type RunSummary,
} from "#record/history.js";
import type { AnnealRecorded, JournalRecord, PulseRecord, RecordBase, RunState, StepEnded } from "#record/records.js";
import type { RunArchive } from "#record/run-archive.js";
import type { Database } from "./database.js";
import type { PrismaClient, Pulse, Run, Step } from "./generated/client.js";
import { runArchive } from "./run-archive.js";
import { signalHistory } from "./signal-history.js";

/** More rows than this in one answer would be a download, not a page. */
const ROWS_MAX = 10_000;

const SUMMARY_COLUMNS = {
	run: true,
	recipe: true,
	recipeSha256: true,
	sample: true,
	product: true,
	operator: true,
	simulated: true,
	state: true,
	createdAt: true,
	endedAt: true,
	cyclesOrdered: true,
	cyclesComplete: true,
	cyclesRepeated: true,
	cyclesUnknown: true,
	worstPulseErrorMs: true,
	peakFoilC: true,
	durationS: true,
	plannedS: true,
} as const;

/** The past, as the database has it. */
export class StoreHistory implements History {
	/** `station` chooses between reactors that have signals of the same name. */
	constructor(
		private readonly database: Database,
		private readonly station?: string,
	) {}

	runs({ limit, before }: { limit: number; before?: number }): Promise<RunSummary[]> {
		return this.database.ask(async (prisma) => {
			const rows = await prisma.run.findMany({
				select: SUMMARY_COLUMNS,
				...(before === undefined ? {} : { where: { createdAt: { lt: new Date(before) } } }),
				orderBy: [{ createdAt: "desc" }, { createdSeq: "desc" }],
				take: Math.min(limit, ROWS_MAX),
			});
			return rows.map(summary);
		});
	}

	run(run: string): Promise<RunDetail | undefined> {
		return this.database.ask(async (prisma) => {
			const row = await prisma.run.findUnique({ where: { run } });
			if (row === null) return undefined;
			const steps = await prisma.step.findMany({
				where: { run, outcome: { not: null } },
				orderBy: { startedSeq: "asc" },
			});
			return { ...detail(row), anneals: await anneals(prisma, run), steps: steps.map(stepRow) };
		});
	}

	async archive(run: string): Promise<RunArchive | undefined> {
		const ended = await this.database.ask((prisma) => anneals(prisma, run));
		return runArchive(this.database, run, ended, { detail, step: stepRow, pulse: pulseRow });
	}

	pulses(run: string): Promise<PulseRow[]> {
		return this.database.ask(async (prisma) =>
			(await prisma.pulse.findMany({ where: { run }, orderBy: { seq: "asc" } })).map(pulseRow),
		);
	}

	events(run: string, { afterSeq, limit }: { afterSeq: number; limit: number }): Promise<JournalRecord[]> {
		return this.database.ask(async (prisma) => {
			const rows = await prisma.event.findMany({
				select: { body: true },
				where: { run, seq: { gt: BigInt(Math.trunc(afterSeq)) } },
				orderBy: { seq: "asc" },
				take: Math.min(limit, ROWS_MAX),
			});
			return rows.map(({ body }) => body as unknown as JournalRecord);
		});
	}

	alarms({ limit, before, alarm }: AlarmQuery): Promise<AlarmChange[]> {
		return this.database.ask(async (_prisma, pool) => {
			const { rows } = await pool.query(
				`SELECT body FROM events WHERE kind = 'alarm' AND at < coalesce($1::timestamptz, 'infinity')
				AND ($2::text IS NULL OR journal IN (SELECT journal FROM journal_position WHERE station = $2))
				AND ($3::text IS NULL OR body->>'alarm' = $3) ORDER BY at DESC, seq DESC LIMIT $4`,
				[
					before === undefined ? null : new Date(before).toISOString(),
					this.station ?? null,
					alarm ?? null,
					Math.min(limit, ROWS_MAX),
				],
			);
			return (rows as { body: AlarmChange }[]).map(({ body }) => body);
		});
	}

	signal(id: string, query: { from: number; to: number; points: number }): Promise<HistoryPoint[]> {
		return this.database.ask((_prisma, pool) => signalHistory(pool, id, query, this.station));
	}

	counts(run?: string): Promise<{ samples: number; pulses: number; steps: number; events: number }> {
		return this.database.ask(async (prisma, pool) => {
			const where = run === undefined ? {} : { run };
			const [pulses, steps, events] = await Promise.all([
				prisma.pulse.count({ where }),
				prisma.step.count({ where }),
				prisma.event.count({ where }),
			]);
			// All samples are counted as they come; those of a run are the ones of its station in its time.
			const { rows } =
				run === undefined
					? await pool.query("SELECT coalesce(sum(samples), 0)::float8 AS samples FROM journal_position")
					: await pool.query(
							`SELECT count(*)::float8 AS samples FROM runs JOIN samples ON time >= created_at AND time <= coalesce(ended_at, 'infinity')
							WHERE run = $1 AND signal_id IN (SELECT id FROM signals WHERE signals.station = runs.station)`,
							[run],
						);
			return { samples: (rows[0] as { samples: number }).samples, pulses, steps, events };
		});
	}
}

type SummaryRow = Pick<Run, keyof typeof SUMMARY_COLUMNS>;

function summary(row: SummaryRow): RunSummary {
	const { cyclesOrdered, cyclesComplete, cyclesRepeated, cyclesUnknown, createdAt, endedAt, ...same } = row;
	return {
		run: same.run,
		recipe: same.recipe,
		recipeSha256: same.recipeSha256,
		sample: same.sample,
		product: same.product,
		operator: same.operator,
		simulated: same.simulated,
		state: same.state as RunState,
		createdAt: createdAt.getTime(),
		endedAt: endedAt?.getTime() ?? null,
		cycles:
			cyclesOrdered === null
				? null
				: {
						ordered: cyclesOrdered,
						complete: cyclesComplete ?? 0,
						repeated: cyclesRepeated ?? 0,
						unknown: cyclesUnknown ?? 0,
					},
		worstPulseErrorMs: same.worstPulseErrorMs,
		peakFoilC: same.peakFoilC,
		durationS: same.durationS,
		plannedS: same.plannedS,
	};
}

const detail = (row: Run): Omit<RunDetail, "steps" | "anneals"> => ({
	...summary(row),
	recipeText: row.recipeText,
	parameters: row.parameters as Record<string, number | string>,
	labFileSha256: row.labFileSha256,
	softwareVersion: row.softwareVersion,
	acknowledged: row.acknowledged,
});

async function anneals(prisma: PrismaClient, run: string): Promise<RunDetail["anneals"]> {
	const rows = await prisma.event.findMany({
		select: { body: true },
		where: { run, kind: "anneal" },
		orderBy: { seq: "asc" },
	});
	return rows.map(({ body }) => annealFacts(body as unknown as AnnealRecorded & RecordBase));
}

function stepRow(row: Step): RunDetail["steps"][number] {
	return {
		run: row.run,
		index: row.index,
		type: row.type,
		phase: row.phase,
		...(row.cycle === null ? {} : { cycle: row.cycle }),
		outcome: row.outcome as StepEnded["outcome"],
		plannedS: row.plannedS,
		actualS: row.actualS ?? 0,
		...(row.detail === null ? {} : { detail: row.detail }),
		title: row.title,
		startedAt: row.startedAt.getTime(),
		endedAt: row.endedAt?.getTime() ?? row.startedAt.getTime(),
	};
}

function pulseRow(row: Pulse): PulseRow {
	const { baselinePa, peakPa, areaPaS, filmBeforeNm, filmAfterNm } = row;
	return {
		run: row.run,
		pulse: row.pulse,
		precursor: row.precursor,
		valve: row.valve,
		...(row.cycle === null ? {} : { cycle: row.cycle }),
		commandedMs: row.commandedMs,
		dueT: row.dueMs,
		issuedT: row.issuedMs,
		confirmedMs: row.confirmedMs,
		effective: baselinePa === null || peakPa === null || areaPaS === null ? null : { baselinePa, peakPa, areaPaS },
		...(filmBeforeNm === null && filmAfterNm === null
			? {}
			: { film: { beforeNm: filmBeforeNm, afterNm: filmAfterNm } }),
		fate: row.fate as PulseRecord["fate"],
		at: row.at.getTime(),
	};
}
