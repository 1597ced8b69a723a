/** A battery test of the database as the text of a BDF file, page by page. */
import { type BdfColumn, BdfRows, BdfSurvey } from "#analysis/bdf.js";
import { RowChunk, STEP_KIND } from "#analysis/rows.js";
import type { CellTestHistory } from "#record/cell-test-history.js";
import type { CellTestRow } from "#record/cell-tests.js";

/** Fits a chunk. */
const ROWS_A_PAGE = 4_000;
const MS_PER_S = 1_000;

/** Two passes: the first tells which columns there can be. What comes while the test runs on is left out. */
export async function* bdfText(history: CellTestHistory, cellTest: string): AsyncIterable<string> {
	const survey = new BdfSurvey();
	let lastSeq = 0;
	for await (const rows of pages(history, cellTest, Number.POSITIVE_INFINITY)) {
		survey.push(chunkOf(rows));
		lastSeq = rows.at(-1)!.seq;
	}
	const { columns } = survey;
	yield `${columns.join(",")}\n`;
	const made = new BdfRows();
	for await (const rows of pages(history, cellTest, lastSeq)) yield textOf(made, columns, rows);
}

function textOf(made: BdfRows, columns: readonly BdfColumn[], rows: readonly CellTestRow[]): string {
	let text = "";
	for (const row of made.of(chunkOf(rows))) text += `${columns.map((column) => String(row[column])).join(",")}\n`;
	return text;
}

async function* pages(history: CellTestHistory, cellTest: string, throughSeq: number): AsyncIterable<CellTestRow[]> {
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
		chunk.line[n] = row.seq;
		chunk.testTimeS[n] = row.testS;
		chunk.voltageV[n] = row.voltageV;
		chunk.currentA[n] = row.currentA;
		chunk.cycle[n] = row.cycle;
		chunk.step[n] = row.step;
		chunk.stepKind[n] = row.currentA > 0 ? STEP_KIND.charge : row.currentA < 0 ? STEP_KIND.discharge : STEP_KIND.rest;
		chunk.unixTimeS[n] = row.wallMs / MS_PER_S;
	}
	chunk.count = rows.length;
	return chunk;
}
