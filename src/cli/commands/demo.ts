/** The whole system on this machine without hardware: starts everything, runs one coating, says what came of it. */
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Followed, type LaunchOptions, launchAndFollow } from "#cli/commands/run.js";
import { interruption, systemLines } from "#cli/commands/start.js";
import type { CliContext, Outcome } from "#cli/context.js";
import type { RunningSystem } from "#cli/launcher.js";
import { RestClient } from "#cli/rest-client.js";
import { renderSummary } from "#cli/summary.js";
import { asAdlayerError } from "#core/errors.js";

/** The main job of the product: two-step coating of lithium foil, 200 cycles. */
export const DEMO_RECIPE = "li-two-step";
/** Lab time per real time: a coating of some hours in a few minutes. */
export const DEMO_SPEED = 1000;
/** Instruments may still be connecting when the service already answers. */
const READY_MS_MAX = 60_000;
const READY_EVERY_MS = 500;
const NOT_YET = new Set(["DEVICE_NOT_READY", "CONTROL_UNREACHABLE"]);

export interface DemoOptions extends LaunchOptions {
	readonly speed: number;
	readonly recipe: string;
	readonly lab?: string;
	readonly data?: string;
	readonly port?: number;
	readonly keep?: boolean;
}

export async function demo(context: CliContext, options: DemoOptions): Promise<Outcome> {
	const { out, launcher, clock } = context;
	const startAll = await launcher();
	const dataDir = options.data ?? (await mkdtemp(join(tmpdir(), "adlayer-demo-")));
	const system = await startAll({
		simulate: true,
		speed: options.speed,
		dataDir,
		...(options.lab === undefined ? {} : { labFile: options.lab }),
		port: options.port ?? 0,
		log: (line) => out.log(line),
	});
	try {
		for (const line of systemLines(system)) out.line(line);
		const rest = new RestClient(system.url, clock);
		const followed = await launchWhenReady(context, rest, options);
		return await conclude(context, system, followed, options);
	} finally {
		await system.stop();
	}
}

async function conclude(
	context: CliContext,
	system: RunningSystem,
	followed: Followed,
	options: DemoOptions,
): Promise<Outcome> {
	const { out, interrupted } = context;
	const { result, meltingPointC } = followed;
	const truth = await system.labTruth();
	out.line();
	for (const line of renderSummary({ result, simulated: system.simulated, truth, meltingPointC, system }))
		out.line(line);
	const { url, dataDir, mqttUrl } = system;
	out.result({ ...result, simulated: system.simulated, truth, url, dataDir, mqttUrl });
	if (options.keep) {
		out.line("Everything stays up; interrupt (Ctrl-C) to end it.");
		await interruption(interrupted);
	}
	return result.ok ? 0 : 1;
}

async function launchWhenReady(context: CliContext, rest: RestClient, options: DemoOptions): Promise<Followed> {
	const { clock, interrupted } = context;
	const endMs = clock.nowMs() + READY_MS_MAX;
	for (;;) {
		try {
			return await launchAndFollow(context, rest, options.recipe, options);
		} catch (thrown) {
			const error = asAdlayerError(thrown);
			if (!NOT_YET.has(error.code) || clock.nowMs() > endMs || interrupted.aborted) throw error;
			await clock.sleep(READY_EVERY_MS, interrupted).catch(() => {});
		}
	}
}
