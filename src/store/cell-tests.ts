import type { Pool } from "pg";
import type {
	CellTestHistory,
	CellTestPoint,
	StoredCellTest,
	StoredCellTestDetail,
	StoredHalfCycle,
	UnconcludedCellTest,
} from "#record/cell-test-history.js";
import type { CellTestRow, CellTestState } from "#record/cell-tests.js";
import type { Database } from "./database.js";
import type { CellTest } from "./generated/client.js";
import { type Piece, TestPictures } from "./test-pictures.js";

/** More in one answer would be a download, not a page. */
const ROWS_MAX = 10_000;

/** The battery tests, as the database has them. */
export class StoreCellTests implements CellTestHistory {
	private readonly pictures = new TestPictures();

	constructor(private readonly database: Database) {}

	cellTests({ limit, before, cell }: { limit: number; before?: number; cell?: string }): Promise<StoredCellTest[]> {
		return this.database.ask(async (prisma, pool) => {
			const ofCell = cell === undefined ? {} : { cell };
			const latestFirst = [{ orderedAt: "desc" }, { number: "desc" }] as const;
			const tests = await prisma.cellTest.findMany({
				where: { ...ofCell, ...(before === undefined ? {} : { orderedAt: { lt: new Date(before) } }) },
				orderBy: [...latestFirst],
				take: Math.min(limit, ROWS_MAX),
			});
			const { orderedAt, number } = tests.at(-1) ?? {};
			// A page ends between two instants, for the next is asked for by one.
			if (orderedAt !== undefined && number !== undefined) {
				const where = { ...ofCell, orderedAt, number: { lt: number } };
				tests.push(...(await prisma.cellTest.findMany({ where, orderBy: [...latestFirst] })));
			}
			const last = await lastSeqs(
				pool,
				tests.map(({ number }) => number),
			);
			return tests.map((test) => summaryOf(test, last.get(test.number) ?? 0));
		});
	}

	cellTest(id: string): Promise<StoredCellTestDetail | undefined> {
		return this.database.ask(async (prisma, pool) => {
			const test = await prisma.cellTest.findUnique({ where: { cellTest: id } });
			if (test === null) return undefined;
			const protocol = await prisma.cellProtocol.findUnique({ where: { sha256: test.protocolSha256 } });
			const gaps = await prisma.cellTestGap.findMany({ where: { test: test.number }, orderBy: { fromSeq: "asc" } });
			const last = await lastSeqs(pool, [test.number]);
			return {
				...summaryOf(test, last.get(test.number) ?? 0),
				protocolText: protocol?.text ?? "",
				currentSign: test.currentSign,
				gaps: gaps.map(({ fromSeq, toSeq }) => ({ fromSeq, toSeq })),
			};
		});
	}

	unconcludedCellTests(limit: number): Promise<UnconcludedCellTest[]> {
		return this.database.ask(async (_prisma, pool) => {
			const { rows } = await pool.query(
				`SELECT cell_test AS "cellTest", state, NOT EXISTS (
					SELECT FROM cell_tests later
					WHERE later.cycler = test.cycler AND later.channel = test.channel AND later.started_at > test.started_at
				) AS "isLastOfChannel"
				FROM cell_tests test WHERE concluded_at IS NULL ORDER BY ended_at IS NOT NULL, number LIMIT $1`,
				[limit],
			);
			return rows as UnconcludedCellTest[];
		});
	}

	cellTestsWithoutItem(limit: number): Promise<string[]> {
		return this.database.ask(async (_prisma, pool) => {
			const { rows } = await pool.query(
				`SELECT cell_test AS id FROM cell_tests test WHERE concluded_at IS NOT NULL AND started_at IS NOT NULL
				AND EXISTS (SELECT FROM lab_items WHERE (barcode = cell OR id = cell) AND kind = 'cell' AND withdrawn_at IS NULL)
				AND NOT EXISTS (SELECT FROM lab_items WHERE id = cell_test) ORDER BY number LIMIT $1`,
				[limit],
			);
			return (rows as { id: string }[]).map(({ id }) => id);
		});
	}

	async concludeCellTest(id: string): Promise<void> {
		await this.database.ask((_prisma, pool) =>
			pool.query("UPDATE cell_tests SET concluded_at = now() WHERE cell_test = $1 AND ended_at IS NOT NULL", [id]),
		);
	}

	cellTestRows(id: string, { fromSeq, limit }: { fromSeq: number; limit: number }): Promise<CellTestRow[] | undefined> {
		return this.of(id, async (number, pool) => {
			const { rows } = await pool.query(
				`SELECT seq, cycle, step, step_type AS "stepType", step_s AS "stepS", test_s AS "testS", extract(epoch FROM time)::float8 * 1000 AS "wallMs",
					voltage_v AS "voltageV", current_a AS "currentA", capacity_ah AS "capacityAh", energy_wh AS "energyWh"
				FROM cell_test_rows WHERE test = $1 AND seq >= $2 ORDER BY seq LIMIT $3`,
				[number, Math.trunc(fromSeq), Math.min(limit, ROWS_MAX)],
			);
			// The clock's milliseconds went through microseconds.
			return (rows as CellTestRow[]).map((row) => ({ ...row, wallMs: Math.round(row.wallMs * 1_000) / 1_000 }));
		});
	}

	cellTestPoints(id: string, points: number): Promise<CellTestPoint[] | undefined> {
		return this.of(id, async (number, pool) => {
			const last = (await lastSeqs(pool, [number])).get(number) ?? 0;
			const asked = { points: Math.max(1, Math.min(points, ROWS_MAX)), last };
			return this.pictures.of(number, asked, async (fromSeq, width) => {
				const { rows } = await pool.query(
					`SELECT min(seq) AS "fromSeq", max(seq) AS "toSeq", min(cycle) AS cycle, min(test_s) AS "testS", min(voltage_v) AS "voltageVMin",
						max(voltage_v) AS "voltageVMax", avg(current_a) AS "currentAMean", count(*)::int AS rows
					FROM cell_test_rows WHERE test = $1 AND seq >= $2 GROUP BY (seq - 1) / $3::int ORDER BY 1`,
					[number, fromSeq, width],
				);
				return rows as Piece[];
			});
		});
	}

	halfCycles(
		id: string,
		{ fromIndex, limit }: { fromIndex: number; limit: number },
	): Promise<StoredHalfCycle[] | undefined> {
		return this.database.ask(async (prisma) => {
			const test = await prisma.cellTest.findUnique({ where: { cellTest: id }, select: { number: true } });
			if (test === null) return undefined;
			const halves = await prisma.cellTestHalfCycle.findMany({
				where: { test: test.number, index: { gte: fromIndex } },
				orderBy: { index: "asc" },
				take: Math.min(limit, ROWS_MAX),
			});
			return halves.map(({ test: _test, ...half }) => half as StoredHalfCycle);
		});
	}

	async saveHalfCycles(id: string, halfCycles: readonly StoredHalfCycle[]): Promise<void> {
		await this.database.ask(async (prisma) => {
			const test = await prisma.cellTest.findUnique({ where: { cellTest: id }, select: { number: true } });
			if (test === null) return;
			await prisma.cellTestHalfCycle.createMany({
				data: halfCycles.map((half) => ({ ...half, test: test.number, resume: half.resume as object })),
				skipDuplicates: true,
			});
		});
	}

	async dropHalfCycles(id: string, fromIndex: number): Promise<void> {
		await this.of(id, async (number, pool) => {
			await pool.query("DELETE FROM cell_test_half_cycles WHERE test = $1 AND index >= $2", [number, fromIndex]);
		});
	}

	/** Undefined when there is no such test. */
	private of<T>(id: string, ask: (number: number, pool: Pool) => Promise<T>): Promise<T | undefined> {
		return this.database.ask(async (_prisma, pool) => {
			const { rows } = await pool.query("SELECT number FROM cell_tests WHERE cell_test = $1", [id]);
			const found = rows[0] as { number: number } | undefined;
			return found === undefined ? undefined : ask(found.number, pool);
		});
	}
}

async function lastSeqs(pool: Pool, numbers: readonly number[]): Promise<Map<number, number>> {
	const { rows } = await pool.query(
		"SELECT number, (SELECT max(seq) FROM cell_test_rows WHERE test = number) AS last FROM unnest($1::int[]) AS number",
		[numbers],
	);
	return new Map((rows as { number: number; last: number | null }[]).map(({ number, last }) => [number, last ?? 0]));
}

function summaryOf(test: CellTest, rows: number): StoredCellTest {
	return {
		cellTest: test.cellTest,
		cell: test.cell,
		cycler: test.cycler,
		channel: test.channel,
		cyclerTest: test.cyclerTest,
		protocol: test.protocol,
		protocolSha256: test.protocolSha256,
		areaCm2: test.areaCm2,
		activeMassG: test.activeMassG,
		operator: test.operator,
		attendedBy: test.attendedBy,
		state: test.state as CellTestState,
		cause: test.cause,
		orderedAt: test.orderedAt.getTime(),
		startedAt: test.startedAt?.getTime() ?? null,
		endedAt: test.endedAt?.getTime() ?? null,
		rows,
	};
}
