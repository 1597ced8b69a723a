/** A battery test as a file of the Battery Data Format, or as a package of that file, tables, protocol and what describes them. */
import { bdfName } from "#analysis/bdf.js";
import { AdlayerError } from "#core/errors.js";
import { bdfTable } from "#export/bdf-table.js";
import { describedFiles, documentFile, fileName, type PackageFile, tableFile, textFile } from "#export/package.js";
import { testCrate } from "#export/test-crate.js";
import { testTables } from "#export/test-tables.js";
import type { CellTestHistory, CellTestVerdict, StoredCellTestDetail } from "#record/cell-test-history.js";
import type { DescentTree } from "#record/descent.js";

/** `bdf`: the one file of the format, CSV; `csv`, `parquet`: Data Package v2; `ro-crate`: RO-Crate 1.2 besides. */
export const TEST_FORMATS = ["ro-crate", "csv", "parquet", "bdf"] as const;
export type TestFormat = (typeof TEST_FORMATS)[number];

export interface TestFacts {
	readonly test: StoredCellTestDetail;
	readonly history: CellTestHistory;
	/** From the rows so far; null where there are none. */
	readonly verdict: CellTestVerdict | null;
	/** Of the test's item; absent where the cell is not registered. */
	readonly descent: DescentTree | undefined;
	/** Name of the file in the Battery Data Format, without its ending. */
	readonly bdfName: string;
	readonly simulated: boolean;
	/** Unix ms. */
	readonly at: number;
	readonly softwareVersion: string;
}

/** The test in the Battery Data Format, CSV. */
export const bdfFile = async ({ history, test }: TestFacts, path: string): Promise<PackageFile> =>
	tableFile(await bdfTable(history, test.cellTest), "csv", path);

/** The files in order, to be read in it. */
export async function testFiles(facts: TestFacts, format: Exclude<TestFormat, "bdf">): Promise<PackageFile[]> {
	const { test, history, verdict, at, softwareVersion, simulated } = facts;
	const { protocolText, gaps: _gaps, ...told } = test;
	const encoding = format === "parquet" ? "parquet" : "csv";
	const bdf = tableFile(await bdfTable(history, test.cellTest), encoding, `data/${facts.bdfName}.bdf`);
	const files = [
		bdf,
		...testTables(history, test).map((table) => tableFile(table, encoding)),
		textFile("protocol.yaml", "The protocol as ordered", "application/yaml", protocolText),
		documentFile("test.json", "What was ordered, how it ended, the verdict", () => ({ ...told, verdict, simulated })),
	];
	return describedFiles(files, {
		description: {
			id: test.cellTest,
			title: `Battery test ${test.cellTest} of cell ${test.cell}`,
			description: `Battery test of cell ${test.cell} (protocol ${test.protocol}) on cycler ${test.cycler}${simulated ? ", a simulated lab" : ""}; state ${test.state} at the time of export.`,
			at,
			keywords: ["battery cycling", test.protocol],
			operator: test.operator,
			source: `Adlayer ${softwareVersion}, cycler ${test.cycler}`,
		},
		...(format === "ro-crate" ? { crate: (written) => testCrate(facts, bdf.path, written) } : {}),
	});
}

/** The test's own name, or with an institution the name by the format's rule: numbered among the cell's tests of the day. */
export async function bdfNameOf(
	history: CellTestHistory,
	{ cellTest, cell, startedAt, orderedAt }: StoredCellTestDetail,
	institution: string | undefined,
): Promise<string> {
	if (institution === undefined) return fileName(cellTest);
	const dayOf = (test: { startedAt: number | null; orderedAt: number }) =>
		new Date(test.startedAt ?? test.orderedAt).toISOString().slice(0, 10);
	const day = dayOf({ startedAt, orderedAt });
	const ofDay = (await history.cellTests({ cell, limit: TESTS_OF_A_CELL_MAX })).filter((test) => dayOf(test) === day);
	const number = ofDay.length - ofDay.findIndex((test) => test.cellTest === cellTest);
	const name = bdfName(institution, cell, day, number);
	if (name !== null) return name;
	throw new AdlayerError(
		"USAGE",
		`No BDF file can be named after institution "${institution}", cell "${cell}", date ${day}, number ${number}.`,
		{ hint: "Institution and cell: letters, digits, dot and hyphen, the first a letter or digit." },
	);
}

const TESTS_OF_A_CELL_MAX = 1_000;
