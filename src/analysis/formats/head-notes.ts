/** What a table's head makes worth saying before its first row: what is assumed, and what is put together from what. */
import type { DefectLog } from "#analysis/defects.js";
import type { Layout } from "#analysis/formats/layout.js";

const UNIT_OF = { voltage: "V", current: "A", testTime: "s", stepTime: "s" } as const;

export function noteHead(layout: Layout, defects: DefectLog): void {
	const { columns, headLines, timeFrom } = layout;
	for (const { title } of layout.repeated)
		defects.add(
			"COLUMN_REPEATED",
			headLines,
			title,
			`The title ${title} is there twice with the same cells; the first is used.`,
		);
	if (timeFrom === "stepTime")
		defects.add(
			"TIME_FROM_STEPS",
			headLines,
			columns.stepTime!.title,
			"There is no time of the whole test; it was put together from the times of its steps.",
		);
	if (timeFrom === "date")
		defects.add(
			"TIME_FROM_DATES",
			headLines,
			columns.date!.title,
			"There is no time of the test; it was taken from the dates, and includes whatever interrupted it.",
		);
	for (const role of ["voltage", "current", "testTime", "stepTime"] as const) {
		const column = columns[role];
		const isUsed = role === "voltage" || role === "current" || role === timeFrom;
		if (column === undefined || column.isUnitSaid || !isUsed) continue;
		const message = `The title says no unit; ${UNIT_OF[role]} was taken. If it is another, write it into the title: ${column.title}(...).`;
		defects.add("UNIT_ASSUMED", headLines, column.title, message);
	}
	if (columns.current === undefined)
		defects.add(
			"CURRENT_FROM_CHARGE",
			headLines,
			columns.chargeStep!.title,
			"There is no column of current; it was taken from the charge passed from row to row.",
		);
}
