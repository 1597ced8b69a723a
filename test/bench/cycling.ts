/** The battery cycler's bench: each part gives its bars; parts are added to PARTS. */
import type { Bar, Bench, BenchResult } from "./report.js";

export interface CyclingPart {
	readonly bars: readonly Bar[];
	readonly detail: object;
}

/** By name, one after the other, loaded when its turn comes. */
const PARTS: Record<string, () => Promise<(seed: number) => Promise<CyclingPart>>> = {
	analysis: async () => (await import("./cycling/analysis.js")).analysisPart,
	"neware-faults": async () => (await import("./cycling/neware-faults.js")).newareFaultsPart,
	live: async () => (await import("./cycling/live.js")).livePart,
	logging: async () => (await import("./cycling/logging.js")).loggingPart,
	paper: async () => (await import("./cycling/paper.js")).paperPart,
};

export const cycling: Bench = async (seed): Promise<BenchResult> => {
	const bars: Bar[] = [];
	const detail: Record<string, object> = {};
	for (const [name, load] of Object.entries(PARTS)) {
		const part = await (await load())(seed);
		bars.push(...part.bars);
		detail[name] = part.detail;
	}
	return { bars, detail };
};
