import { createInterface } from "node:readline/promises";
import type { CommissioningState, CommissioningTest, OpenCommissioning } from "#cli/commissioning-report.js";
import type { CliContext, Outcome } from "#cli/context.js";
import { dataFolder } from "#cli/places.js";

export interface CommissionOptions {
	readonly lab: string;
	readonly data?: string;
	readonly by?: string;
	readonly seen: readonly string[];
}

/**
 * Walks through what must be seen at a real reactor before it doses, and notes it down with date and name. On a terminal it asks;
 * elsewhere `--seen` says what was. Exit code 1 while something is due.
 */
export async function commission(context: CliContext, options: CommissionOptions): Promise<Outcome> {
	const { out, clock, env, userName } = context;
	const { openCommissioning }: { openCommissioning: OpenCommissioning } = await import("#src/commissioning.js");
	const state = openCommissioning(options.lab, dataFolder(options.data, env));
	const by = options.by ?? userName;
	const note = (names: readonly string[]) => state.seen(names, by, new Date(clock.wallMs()).toISOString());
	if (options.seen.length > 0) note(options.seen);
	else if (out.people.isTTY === true && process.stdin.isTTY === true) await ask(context, state, note);
	const tests = state.tests();
	const due = tests.filter(({ date }) => date === null);
	for (const test of tests) for (const line of linesOf(test)) out.line(line);
	out.line(
		due.length === 0
			? `${state.station} is commissioned: nothing is due.`
			: `${due.length} of ${tests.length} tests are due; --seen NAME notes one down.`,
	);
	out.result({ ok: due.length === 0, station: state.station, simulated: state.simulated, due: due.length, tests });
	return due.length === 0 ? 0 : 1;
}

async function ask(
	{ out, interrupted }: CliContext,
	state: CommissioningState,
	note: (names: readonly string[]) => void,
): Promise<void> {
	const questions = createInterface({ input: process.stdin, output: process.stdout });
	try {
		for (const test of state.tests().filter(({ date }) => date === null)) {
			for (const line of linesOf(test)) out.line(line);
			const answer = await questions.question("Was exactly that seen? (yes, or anything else for not yet) ", {
				signal: interrupted,
			});
			if (answer.trim().toLowerCase() === "yes") note([test.name]);
		}
	} finally {
		questions.close();
	}
}

function linesOf({ name, doThis, see, date, by, before }: CommissioningTest): string[] {
	if (date !== null) return [`${name}: seen ${date.slice(0, 10)} by ${by}`];
	const again = before === undefined ? "" : `, for it was another on ${before.slice(0, 10)}`;
	return [`${name}: DUE${again}`, `  do:  ${doThis}`, `  see: ${see}.`];
}
