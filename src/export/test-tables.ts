/** A battery test's rows as tables: as the cycler recorded them, half-cycles, gaps. */
import { testRows } from "#export/bdf-table.js";
import type { Cell, Column, Table } from "#export/table.js";
import type { CellTestHistory, StoredCellTestDetail, StoredHalfCycle } from "#record/cell-test-history.js";

const HALF_CYCLES_A_PAGE = 1_000;

type Of<Row> = readonly [Column, (row: Row) => Cell];

export function testTables(history: CellTestHistory, test: StoredCellTestDetail): Table[] {
	const { cellTest, gaps } = test;
	return [
		{
			name: "rows",
			title: "Rows as the cycler recorded them; positive current charges",
			columns: ROW_COLUMNS,
			async *rows() {
				for await (const rows of testRows(history, cellTest, test.rows))
					yield rows.map((row): Cell[] => [
						row.wallMs,
						row.seq,
						row.cycle,
						row.step,
						row.stepType,
						row.stepS,
						row.testS,
						row.voltageV,
						row.currentA,
						row.capacityAh,
						row.energyWh,
					]);
			},
		},
		{
			name: "half-cycles",
			title: "Half-cycles that are over",
			columns: HALF_CYCLES.map(([column]) => column),
			async *rows() {
				for (let fromIndex = 0; ; ) {
					const page = (await history.halfCycles(cellTest, { fromIndex, limit: HALF_CYCLES_A_PAGE })) ?? [];
					if (page.length === 0) return;
					yield page.map((half) => HALF_CYCLES.map(([, of]) => of(half)));
					fromIndex = page.at(-1)!.index + 1;
				}
			},
		},
		{
			name: "gaps",
			title: "Numbers of rows that the cycler did not give, even when asked again",
			columns: [
				{ name: "from row", type: "integer" },
				{ name: "to row", type: "integer" },
			],
			async *rows() {
				yield gaps.map(({ fromSeq, toSeq }) => [fromSeq, toSeq]);
			},
		},
	];
}

const ROW_COLUMNS: readonly Column[] = [
	{ name: "time", type: "datetime", description: "UTC, by the cycler's clock" },
	{ name: "row", type: "integer", description: "By the cycler, from 1" },
	{ name: "cycle", type: "integer" },
	{ name: "step", type: "integer" },
	{ name: "step type", type: "string", description: "The cycler's own word" },
	{ name: "step time / s", type: "number", unit: "s" },
	{ name: "test time / s", type: "number", unit: "s", description: "Since the test began, without interruptions" },
	{ name: "voltage / V", type: "number", unit: "V" },
	{ name: "current / A", type: "number", unit: "A" },
	{ name: "capacity / Ah", type: "number", unit: "Ah", description: "Of the step" },
	{ name: "energy / Wh", type: "number", unit: "Wh", description: "Of the step" },
];

const HALF_CYCLES: readonly Of<StoredHalfCycle>[] = [
	[{ name: "index", type: "integer", description: "From 0" }, ({ index }) => index],
	[{ name: "direction", type: "string" }, ({ direction }) => direction],
	[{ name: "cycle", type: "integer", description: "As the cycler counts" }, ({ cycle }) => cycle],
	[{ name: "first row", type: "integer" }, ({ firstSeq }) => firstSeq],
	[{ name: "start / h", type: "number", unit: "h" }, ({ startH }) => startH],
	[{ name: "end / h", type: "number", unit: "h" }, ({ endH }) => endH],
	[{ name: "capacity / Ah", type: "number", unit: "Ah" }, ({ capacityAh }) => capacityAh],
	[{ name: "energy / Wh", type: "number", unit: "Wh" }, ({ energyWh }) => energyWh],
	[{ name: "mean current / A", type: "number", unit: "A" }, ({ meanCurrentA }) => meanCurrentA],
	[
		{
			name: "median voltage / V",
			type: "number",
			unit: "V",
			description: "Over 20-80 % of the charge; its size is a symmetric cell's overpotential",
		},
		({ medianV }) => medianV,
	],
	[{ name: "lowest voltage / V", type: "number", unit: "V" }, ({ lowV }) => lowV],
	[{ name: "highest voltage / V", type: "number", unit: "V" }, ({ highV }) => highV],
	[{ name: "peak voltage / V", type: "number", unit: "V", description: "At the beginning" }, ({ peakV }) => peakV],
	[{ name: "end voltage / V", type: "number", unit: "V" }, ({ endV }) => endV],
];
