/** A battery test of the database as a table of the Battery Data Format, page by page. */
import { type BdfColumn, BdfRows, BdfSurvey } from "#analysis/bdf.js";
import { putMeasured, RowChunk, STEP_KIND } from "#analysis/rows.js";
import type { Column, Table } from "#export/table.js";
import type { CellTestHistory } from "#record/cell-test-history.js";
import type { CellTestRow } from "#record/cell-tests.js";

/** Fits a chunk. */
const ROWS_A_PAGE = 4_000;
const MS_PER_S = 1_000;

/** Two passes: the first, made here, tells which columns there can be. What comes while the test runs on is left out. */
export async function bdfTable(history: CellTestHistory, cellTest: string): Promise<Table> {
	const survey = new BdfSurvey();
	let lastSeq = 0;
	for await (const rows of testRows(history, cellTest)) {
		survey.push(chunkOf(rows));
		lastSeq = rows.at(-1)!.seq;
	}
	const { columns } = survey;
	return {
		name: "test",
		title: "The test in the Battery Data Format (ontology 1.3.0): positive current charges",
		columns: columns.map(columnOf),
		async *rows() {
			const made = new BdfRows();
			for await (const rows of testRows(history, cellTest, lastSeq)) {
				const page: number[][] = [];
				for (const row of made.of(chunkOf(rows))) page.push(columns.map((column) => row[column]));
				yield page;
			}
		},
	};
}

/** Labels of the format end in a slash and their unit. */
function columnOf(name: BdfColumn): Column {
	const unit = name.slice(name.lastIndexOf("/ ") + 2);
	return unit === "1" ? { name, type: "integer" } : { name, type: "number", unit };
}

/** A test's rows in pages, through the one with that number. */
export async function* testRows(
	history: CellTestHistory,
	cellTest: string,
	throughSeq = Number.POSITIVE_INFINITY,
): AsyncGenerator<CellTestRow[]> {
	for (let fromSeq = 1; fromSeq <= throughSeq; ) {
		const page = (await history.cellTestRows(cellTest, { fromSeq, limit: ROWS_A_PAGE })) ?? [];
		const rows = page.filter(({ seq }) => seq <= throughSeq);
		if (rows.length === 0) return;
		yield rows;
		fromSeq = rows.at(-1)!.seq + 1;
	}
}

function chunkOf(rows: readonly CellTestRow[]): RowChunk {
	const chunk = new RowChunk();
	chunk.ambientC.fill(Number.NaN);
	chunk.chargeAh.fill(Number.NaN);
	chunk.dischargeAh.fill(Number.NaN);
	for (const [n, row] of rows.entries()) {
		putMeasured(chunk, n, row);
		chunk.stepKind[n] = row.currentA > 0 ? STEP_KIND.charge : row.currentA < 0 ? STEP_KIND.discharge : STEP_KIND.rest;
		chunk.unixTimeS[n] = row.wallMs / MS_PER_S;
	}
	chunk.count = rows.length;
	return chunk;
}
