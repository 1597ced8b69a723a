/** Battery tests, straight from control: shown, ordered, stopped. */
import { readFileSync } from "node:fs";
import { controlLink, type DataOption } from "#cli/commands/status.js";
import type { CliContext, Outcome } from "#cli/context.js";
import { AdlayerError } from "#core/errors.js";
import type { CellTestSummary } from "#record/cell-tests.js";

export interface StartTestOptions extends DataOption {
	readonly cell: string;
	readonly cycler: string;
	readonly channel?: string;
	readonly areaCm2?: number;
	readonly massG?: number;
	readonly operator?: string;
	readonly attendedBy?: string;
}

export async function cellTests(context: CliContext, options: DataOption): Promise<Outcome> {
	const link = controlLink(context, options);
	const first = await link.request("cell-tests", {});
	const tests = [...first.tests];
	while (tests.length < first.total) {
		const more = await link.request("cell-tests", { offset: tests.length });
		if (more.tests.length === 0) break;
		tests.push(...more.tests);
	}
	for (const test of tests) context.out.line(lineOf(test));
	if (tests.length === 0) context.out.line("No battery test.");
	context.out.result({ ok: true, tests });
	return 0;
}

export async function startTest(context: CliContext, file: string, options: StartTestOptions): Promise<Outcome> {
	const { cell, cycler, channel, areaCm2, massG, attendedBy } = options;
	const ordered = await controlLink(context, options).request("start-cell-test", {
		cell,
		cycler,
		protocolText: read(file),
		operator: options.operator ?? context.userName,
		...(channel === undefined ? {} : { channel }),
		...(areaCm2 === undefined ? {} : { areaCm2 }),
		...(massG === undefined ? {} : { activeMassG: massG }),
		...(attendedBy === undefined ? {} : { attendedBy }),
	});
	context.out.line(lineOf(ordered));
	context.out.result({ ok: true, ...ordered });
	return 0;
}

export async function stopTest(context: CliContext, cellTest: string, options: DataOption): Promise<Outcome> {
	const link = controlLink(context, options);
	const stopped = await link.request("stop-cell-test", { cellTest, by: context.userName });
	context.out.line(
		stopped.state === "running" || stopped.state === "starting"
			? `Test ${cellTest} is ${stopped.state} and will be stopped within seconds.`
			: `Test ${cellTest} is ${stopped.state}.`,
	);
	context.out.result({ ok: true, ...stopped });
	return 0;
}

function lineOf({ cellTest, cell, cycler, channel, protocol, state, rows, lastRow, cause }: CellTestSummary): string {
	const place = channel === null ? cycler : `${cycler}.${channel}`;
	const values =
		lastRow === null
			? ""
			: `: ${rows} rows, cycle ${lastRow.cycle}, ${(lastRow.testS / 3_600).toFixed(2)} h, ${lastRow.voltageV.toFixed(4)} V, ${(lastRow.currentA * 1_000).toFixed(3)} mA`;
	return `${cellTest} ${cell} on ${place}, ${protocol}: ${state}${values}${cause === undefined ? "" : ` (${cause})`}`;
}

function read(file: string): string {
	try {
		return readFileSync(file, "utf8");
	} catch (cause) {
		throw new AdlayerError("USAGE", `The protocol ${file} cannot be read: ${(cause as Error).message}.`, { cause });
	}
}
