/** What a batch of records does to the tables of battery tests: orders, states, gaps, and every row once. */
import type { ClientBase } from "pg";
import type {
	CellTestOrdered,
	CellTestRow,
	CellTestRows,
	CellTestState,
	CellTestStateChanged,
} from "#record/cell-tests.js";
import type { JournalRecord, RecordBase } from "#record/records.js";
import { CopyRows, cleanText } from "./copy-rows.js";

interface Known {
	readonly number: number;
	lastSeq: number;
}

const ENDED: readonly CellTestState[] = ["finished", "stopped", "protected", "refused", "lost"];
/** SQLSTATE foreign_key_violation: what is told of a test that nobody ordered is refused like any other faulty row. */
const FOREIGN_KEY_VIOLATION = "23503";

const ROW_COLUMNS =
	"test, seq, cycle, step, time, test_s, step_s, voltage_v, current_a, capacity_ah, energy_wh, step_type";

/** Numbers of tests, and how far the rows of each are in the table. Kept with a connection. */
export class CellTestNumbers {
	private readonly known = new Map<string, Known>();

	constructor(private readonly client: ClientBase) {}

	/** After a failure nothing is known but what the database says. */
	forget(): void {
		this.known.clear();
	}

	async learn(tests: Iterable<string>): Promise<void> {
		const unknown = [...new Set(tests)].filter((test) => !this.known.has(test));
		if (unknown.length === 0) return;
		const { rows } = await this.client.query(
			`SELECT cell_test, number, coalesce((SELECT max(seq) FROM cell_test_rows WHERE test = number), 0) AS last
			FROM cell_tests WHERE cell_test = ANY($1)`,
			[unknown],
		);
		for (const { cell_test: test, number, last } of rows as { cell_test: string; number: number; last: number }[]) {
			this.known.set(test, { number, lastSeq: last });
		}
	}

	/** Throws what the database throws for a row that refers to nothing. */
	of(test: string): Known {
		const known = this.known.get(test);
		if (known !== undefined) return known;
		throw Object.assign(new Error(`No order of battery test ${test} is on record.`), { code: FOREIGN_KEY_VIOLATION });
	}
}

export class CellTestTables {
	private readonly orders: (CellTestOrdered & RecordBase)[] = [];
	private readonly states: (CellTestStateChanged & RecordBase)[] = [];
	private readonly rows: (CellTestRows & RecordBase)[] = [];

	constructor(
		private readonly journal: string,
		private readonly station: string,
	) {}

	/** True for a record that these tables hold whole, so that it need not be kept as an event. */
	follow(record: JournalRecord): boolean {
		switch (record.kind) {
			case "cell-test-ordered":
				this.orders.push(record);
				return false;
			case "cell-test-state":
				this.states.push(record);
				return false;
			case "cell-test-rows":
				this.rows.push(record);
				return true;
			// Repeats what the other records tell, for control's own restart.
			case "cell-test-positions":
				return true;
			default:
				return false;
		}
	}

	async write(
		client: ClientBase,
		numbers: CellTestNumbers,
		copy: (target: string, rows: CopyRows) => Promise<void>,
	): Promise<void> {
		if (this.orders.length + this.states.length + this.rows.length === 0) return;
		for (const order of this.orders) await this.writeOrder(client, order);
		await numbers.learn([...this.states, ...this.rows].map(({ cellTest }) => cellTest));
		await copy(`cell_test_rows (${ROW_COLUMNS})`, this.encode(numbers));
		await this.writeGaps(client, numbers);
		for (const state of this.states) await writeState(client, state);
	}

	private async writeOrder(client: ClientBase, order: CellTestOrdered & RecordBase): Promise<void> {
		await client.query("INSERT INTO cell_protocols (sha256, name, text) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", [
			order.protocolSha256,
			cleanText(order.protocol),
			cleanText(order.protocolText),
		]);
		await client.query(
			`INSERT INTO cell_tests (cell_test, journal, ordered_seq, station, cell, cycler, channel, protocol, protocol_sha256, area_cm2,
				active_mass_g, operator, attended_by, state, ordered_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 'queued', $14) ON CONFLICT (cell_test) DO NOTHING`,
			[
				order.cellTest,
				this.journal,
				order.seq,
				this.station,
				cleanText(order.cell),
				order.cycler,
				order.channel,
				cleanText(order.protocol),
				order.protocolSha256,
				order.areaCm2,
				order.activeMassG,
				cleanText(order.operator),
				order.attendedBy === null ? null : cleanText(order.attendedBy),
				new Date(order.wall),
			],
		);
	}

	/** Rows of one test together: the index of its piece grows at one place. A row that is there is not written again. */
	private encode(numbers: CellTestNumbers): CopyRows {
		const byTest = new Map<Known, CellTestRow[]>();
		for (const { cellTest, rows } of this.rows) {
			const known = numbers.of(cellTest);
			const own = byTest.get(known) ?? [];
			byTest.set(known, own);
			for (const row of rows) {
				if (row.seq <= known.lastSeq) continue;
				known.lastSeq = row.seq;
				own.push(row);
			}
		}
		const copied = new CopyRows();
		for (const [{ number }, rows] of byTest) for (const row of rows) addRow(copied, number, row);
		return copied;
	}

	private async writeGaps(client: ClientBase, numbers: CellTestNumbers): Promise<void> {
		const gaps = this.rows.flatMap(({ cellTest, gaps }) => gaps.map((gap) => ({ ...gap, cellTest })));
		for (const { cellTest, fromSeq, toSeq } of gaps) {
			await client.query(
				"INSERT INTO cell_test_gaps (test, from_seq, to_seq) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
				[numbers.of(cellTest).number, fromSeq, toSeq],
			);
		}
		const signs = new Map(this.rows.map(({ cellTest, currentSign }) => [cellTest, currentSign]));
		if (signs.size === 0) return;
		await client.query(
			`UPDATE cell_tests SET current_sign = sign FROM unnest($1::text[], $2::text[]) AS told (test, sign)
			WHERE cell_test = test AND current_sign IS DISTINCT FROM sign`,
			[[...signs.keys()], [...signs.values()]],
		);
	}
}

function addRow(copied: CopyRows, test: number, row: CellTestRow): void {
	copied.row(12);
	copied.int4(test);
	copied.int4(row.seq);
	copied.int4(row.cycle);
	copied.int4(row.step);
	copied.timestamp(row.wallMs);
	copied.float8(row.testS);
	copied.float8(row.stepS);
	copied.float8(row.voltageV);
	copied.float8(row.currentA);
	copied.float8(row.capacityAh);
	copied.float8(row.energyWh);
	copied.text(row.stepType);
}

async function writeState(client: ClientBase, record: CellTestStateChanged & RecordBase): Promise<void> {
	const { cellTest, to, cause, channel, cyclerTest, wall } = record;
	await client.query(
		`UPDATE cell_tests SET state = $2, cause = $3, channel = $4, cycler_test = $5,
			started_at = CASE WHEN $2 = 'running' THEN coalesce(started_at, $6) ELSE started_at END,
			ended_at = CASE WHEN $7 THEN $6 END
		WHERE cell_test = $1`,
		[cellTest, to, cleanText(cause), channel, cyclerTest, new Date(wall), ENDED.includes(to)],
	);
}
