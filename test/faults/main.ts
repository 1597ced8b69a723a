/**
 * The fault sweep: seeded plans of faults, control killed at every record and at random instants, healthy runs. Two worker
 * processes; each failure prints its seed and the command that repeats it.
 *
 *   npm run test:faults -- [--plans N] [--whole N] [--ramp N] [--records N] [--instants N] [--healthy N] [--first SEED]
 *                         [--only CASE] [--json]
 */
import { fork } from "node:child_process";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { type Case, caseNamed, performCase, sweep } from "./cases.js";
import type { Outcome } from "./drive.js";
import { Progress } from "./progress.js";

const WORKERS_MAX = 2;

const { values } = parseArgs({
	options: {
		plans: { type: "string", default: "900" },
		whole: { type: "string" },
		ramp: { type: "string", default: "30" },
		records: { type: "string" },
		instants: { type: "string", default: "10" },
		healthy: { type: "string", default: "20" },
		first: { type: "string", default: "1" },
		only: { type: "string" },
		json: { type: "boolean", default: false },
	},
});

if (process.send !== undefined) work();
else await lead();

/** A worker: one case after the other, as it is handed them. */
function work(): void {
	process.on("message", async (name: string) => {
		process.send!({ name, outcome: await outcomeOf(caseNamed(name)) });
	});
	process.send!({ name: "", outcome: null });
}

async function outcomeOf(one: Case): Promise<Outcome> {
	try {
		return await performCase(one);
	} catch (thrown) {
		const broken = [`Thrown: ${thrown instanceof Error ? thrown.stack : String(thrown)}`];
		return { seed: one.number, plan: "", kinds: [], state: "thrown", broken, labS: 0 };
	}
}

async function lead(): Promise<void> {
	const start = performance.now();
	const cases = values.only === undefined ? await sweep(countsAsked()) : [caseNamed(values.only)];
	const workers = Math.min(WORKERS_MAX, cpus().length, cases.length);
	const progress = new Progress(cases, workers, process.stderr, () => performance.now());
	const failed: string[] = [];
	const done: Record<string, number> = {};
	const kinds: Record<string, number> = {};
	const states: Record<string, number> = {};
	let labS = 0;
	const report = ({ name, kind }: Case, outcome: Outcome, ms: number) => {
		done[kind] = (done[kind] ?? 0) + 1;
		for (const fault of new Set(outcome.kinds)) kinds[fault] = (kinds[fault] ?? 0) + 1;
		states[outcome.state] = (states[outcome.state] ?? 0) + 1;
		labS += outcome.labS;
		const hasFailed = outcome.broken.length > 0;
		if (hasFailed) {
			failed.push(name);
			progress.clear();
			console.error(`FAILED ${name} (seed ${outcome.seed}): ${outcome.plan}`);
			for (const text of outcome.broken) console.error(`  ${text}`);
			console.error(`  again: npm run test:faults -- --only ${name}`);
		}
		progress.finished(kind, ms, hasFailed);
	};
	if (values.only === undefined) await handOut(cases, workers, report);
	else {
		const outcome = await outcomeOf(cases[0]!);
		console.error(`${values.only}: ${outcome.plan}; ${outcome.state} after ${outcome.labS.toFixed(0)} s`);
		report(cases[0]!, outcome, performance.now() - start);
	}
	const wallS = (performance.now() - start) / 1_000;
	const summary = { ok: failed.length === 0, cases: done, failed, states, kinds, labHours: labS / 3_600, wallS };
	if (values.json) console.log(JSON.stringify(summary));
	else {
		const counted = (of: Record<string, number>) =>
			Object.entries(of)
				.map(([name, count]) => `${count} ${name}`)
				.join(", ");
		if (Object.keys(kinds).length > 0)
			console.log(`Cases with each of ${Object.keys(kinds).length} kinds of fault: ${counted(kinds)}`);
		console.log(`Runs in the end: ${counted(states)}`);
		console.log(
			`${counted(done)}: ${failed.length} failed, ${(labS / 3_600).toFixed(0)} h of lab time in ${wallS.toFixed(0)} s`,
		);
	}
	process.exit(failed.length === 0 ? 0 : 1);
}

/** How many cases of each kind the command line asks for. */
function countsAsked(): Parameters<typeof sweep>[0] {
	const plans = Number(values.plans);
	const counts = {
		plans,
		whole: Number(values.whole ?? Math.ceil(plans / 9)),
		ramp: Number(values.ramp),
		instants: Number(values.instants),
		healthy: Number(values.healthy),
		first: Number(values.first),
		...(values.records === undefined ? {} : { records: Number(values.records) }),
	};
	if (Object.values(counts).some((count) => !Number.isInteger(count) || count < 0)) {
		console.error(
			"Usage: npm run test:faults -- [--plans N] [--whole N] [--ramp N] [--records N] [--instants N] [--healthy N] [--first SEED] [--only CASE] [--json]",
		);
		process.exit(2);
	}
	return counts;
}

/** Each worker gets its next case when it has done the one before. */
async function handOut(
	cases: readonly Case[],
	workers: number,
	report: (one: Case, outcome: Outcome, ms: number) => void,
): Promise<void> {
	const queue = [...cases].reverse();
	await Promise.all(
		Array.from(
			{ length: workers },
			() =>
				new Promise<void>((resolve, reject) => {
					const child = fork(import.meta.filename, [], { execArgv: process.execArgv, stdio: "inherit" });
					let begunMs = 0;
					child.on("message", ({ name, outcome }: { name: string; outcome: Outcome | null }) => {
						if (outcome !== null) report(caseNamed(name), outcome, performance.now() - begunMs);
						const next = queue.pop();
						begunMs = performance.now();
						if (next !== undefined) child.send(next.name);
						else {
							child.disconnect();
							child.kill();
							resolve();
						}
					});
					child.on("error", reject);
					child.on("exit", (code) => {
						if (code) reject(new Error(`A worker ended with code ${code}.`));
					});
				}),
		),
	);
}
