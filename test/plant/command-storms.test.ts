import { describe, expect, it } from "vitest";
import { AdlayerError } from "#core/errors.js";
import { Prng } from "#core/prng.js";
import type { RunCommand } from "#record/records.js";
import { Story } from "./stories.js";

const SEEDS = Array.from({ length: 12 }, (_, index) => index + 1);
const COMMANDS: readonly RunCommand[] = ["pause", "resume", "hold", "restart", "stop", "abort"];
/** The two that end a run come seldom, so that much happens before. */
const WEIGHTS = [2, 5, 2, 6, 0.05, 0.05];
const TRANSIENT = new Set(["pausing", "holding", "stopping", "aborting", "restarting"]);

function choose(prng: Prng): RunCommand {
	let rest = prng.uniform() * WEIGHTS.reduce((sum, weight) => sum + weight, 0);
	for (const [index, weight] of WEIGHTS.entries()) {
		rest -= weight;
		if (rest < 0) return COMMANDS[index]!;
	}
	return "hold";
}

/** Commands at random instants, often several at once, through a whole run. */
async function storm(seed: number): Promise<Story> {
	const prng = new Prng(seed, "command storm");
	const story = await Story.launched({ seed });
	const isOver = () => ["complete", "stopped", "aborted"].includes(story.runState!);
	for (let rounds = 0; !isOver() && rounds < 60; rounds += 1) {
		// Long waits and short ones: into steps, and into the milliseconds of an exchange.
		await story.clock.advance(prng.uniform() < 0.5 ? prng.uniform() * 200_000 : prng.uniform() * 30);
		for (let burst = prng.uniform() < 0.3 ? 3 : 1; burst > 0; burst -= 1) {
			await story.command(choose(prng)).catch((thrown) => {
				if (!(thrown instanceof AdlayerError) || thrown.code !== "COMMAND_NOT_ALLOWED") throw thrown;
			});
		}
	}
	return story;
}

describe("a storm of commands", () => {
	it.each(SEEDS)("with seed %i harms nothing, loses nothing, and ends as it is told", async (seed) => {
		const story = await storm(seed);
		// Left alone, every transient state ends by itself.
		await story.clock.advanceUntil(
			() => !TRANSIENT.has(story.runState!) || story.runState === "restarting",
			20_000_000,
		);
		if (story.runState === "held") await story.command("restart");
		if (story.runState === "paused") await story.command("resume");
		await story.clock.advanceUntil(() => story.run.remainingS === 0, 40_000_000);
		await story.forS(60);

		expect(story.violations).toEqual([]);
		expect(story.latched).toEqual([]);
		expect(story.reactor).toEqual({ precursors: [], stopOpen: true, sccm: 100 });
		expect(story.setpointsC).toEqual({ stage: 0, wall: 0, tma_line: 0 });

		const finished = story.records("run-finished");
		expect(finished).toHaveLength(1);
		const pulses = story.records("pulse");
		expect(pulses.map(({ pulse }) => pulse)).toEqual(story.records("pulse-intended").map(({ pulse }) => pulse));
		const of = (fate: string) => pulses.filter((pulse) => pulse.fate === fate).length;
		const { doses } = story.truth();
		const opened = Object.values(doses).reduce((sum, count) => sum + count, 0);
		expect(opened).toBeGreaterThanOrEqual(of("delivered"));
		expect(opened).toBeLessThanOrEqual(of("delivered") + of("unknown"));
		const { cycles } = finished[0]!;
		expect(cycles.unknown).toBe(of("unknown"));
		expect(cycles.repeated).toBeLessThanOrEqual(cycles.unknown);
		if (finished[0]!.state === "complete") expect(cycles.complete).toBe(4);
		const started = story.records("step-started").length;
		expect(story.records("step-ended")).toHaveLength(started);
		await story.stop();
	});
});
