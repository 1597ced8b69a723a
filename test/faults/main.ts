/**
 * The fault sweep: seeded plans of faults, control killed at every record and at random instants, healthy runs. Two worker
 * processes; each failure prints its seed and the command that repeats it.
 *
 *   npm run test:faults -- [--plans N] [--whole N] [--healthy N] [--only CASE]
 */
import { fork } from "node:child_process";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { type Case, caseNamed, performCase, sweep } from "./cases.js";
import type { Outcome } from "./drive.js";

const WORKERS_MAX = 2;

const { values } = parseArgs({
	options: {
		plans: { type: "string", default: "900" },
		whole: { type: "string" },
		healthy: { type: "string", default: "20" },
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
		return { seed: one.number, plan: "", state: "thrown", broken, labS: 0 };
	}
}

async function lead(): Promise<void> {
	const start = performance.now();
	const plans = Number(values.plans);
	const whole = Number(values.whole ?? Math.ceil(plans / 9));
	const counts = { plans, whole, healthy: Number(values.healthy) };
	if (Object.values(counts).some((count) => !Number.isInteger(count) || count < 0)) {
		console.error("Usage: npm run test:faults -- [--plans N] [--whole N] [--healthy N] [--only CASE] [--json]");
		process.exit(2);
	}
	const cases = values.only === undefined ? await sweep(counts) : [caseNamed(values.only)];
	const failed: string[] = [];
	const done: Record<string, number> = {};
	let labS = 0;
	const report = (name: string, outcome: Outcome) => {
		const kind = name.slice(0, name.lastIndexOf("-"));
		done[kind] = (done[kind] ?? 0) + 1;
		labS += outcome.labS;
		if (values.only !== undefined)
			console.error(`${name}: ${outcome.plan}; ${outcome.state} after ${outcome.labS.toFixed(0)} s`);
		if (outcome.broken.length === 0) return;
		failed.push(name);
		console.error(`FAILED ${name} (seed ${outcome.seed}): ${outcome.plan}`);
		for (const text of outcome.broken) console.error(`  ${text}`);
		console.error(`  again: npm run test:faults -- --only ${name}`);
	};
	if (values.only !== undefined) report(values.only, await outcomeOf(cases[0]!));
	else
		await handOut(
			cases.map(({ name }) => name),
			report,
		);
	const wallS = (performance.now() - start) / 1_000;
	const summary = { ok: failed.length === 0, cases: done, failed, labHours: labS / 3_600, wallS };
	if (values.json) console.log(JSON.stringify(summary));
	else
		console.log(
			`${Object.entries(done)
				.map(([kind, count]) => `${count} ${kind}`)
				.join(", ")}: ${failed.length} failed, ${(labS / 3_600).toFixed(0)} h of lab time in ${wallS.toFixed(0)} s`,
		);
	process.exit(failed.length === 0 ? 0 : 1);
}

/** Each worker gets its next case when it has done the one before. */
async function handOut(names: string[], report: (name: string, outcome: Outcome) => void): Promise<void> {
	const queue = [...names].reverse();
	const workers = Math.min(WORKERS_MAX, cpus().length, queue.length);
	await Promise.all(
		Array.from(
			{ length: workers },
			() =>
				new Promise<void>((resolve, reject) => {
					const child = fork(import.meta.filename, [], { execArgv: process.execArgv, stdio: "inherit" });
					child.on("message", ({ name, outcome }: { name: string; outcome: Outcome | null }) => {
						if (outcome !== null) report(name, outcome);
						const next = queue.pop();
						if (next !== undefined) child.send(next);
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
