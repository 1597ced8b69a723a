/** What a campaign's commands do to its queue. Pure: a campaign and a command to the next campaign, or a refusal. */
import { AdlayerError } from "#core/errors.js";
import type {
	CampaignRun,
	CampaignRunState,
	CampaignState,
	CampaignSummary,
	CampaignTotals,
} from "#record/campaigns.js";

/** As control keeps it, in its state file too. */
export interface Campaign {
	readonly campaign: string;
	readonly name: string;
	readonly title: string;
	readonly by: string;
	readonly createdAt: number;
	readonly isPaused: boolean;
	readonly totals: CampaignTotals;
	/** Recipe texts by file name, as they were when the campaign was made. */
	readonly recipes: Readonly<Record<string, string>>;
	/** In the order of the queue. */
	readonly runs: readonly CampaignRun[];
}

export type QueueCommand =
	| { readonly command: "skip" | "retry"; readonly entry: number }
	| { readonly command: "reorder"; readonly order: readonly number[] }
	| { readonly command: "pause" | "resume" | "cancel" };

/** From which states each command takes a run, and to which. */
const MOVES = {
	skip: { from: ["waiting"], to: "skipped" },
	retry: { from: ["failed", "skipped"], to: "waiting" },
} as const satisfies Record<string, { from: readonly CampaignRunState[]; to: CampaignRunState }>;

/** Throws CAMPAIGN_COMMAND_REFUSED, or NOT_FOUND for an entry that is not there. */
export function commanded(campaign: Campaign, order: QueueCommand): Campaign {
	switch (order.command) {
		case "skip":
		case "retry": {
			const { from, to } = MOVES[order.command];
			const run = entryOf(campaign, order.entry);
			if (!(from as readonly string[]).includes(run.state))
				throw refused(campaign, `run ${order.entry} (${run.sample}) is ${run.state}, not ${from.join(" or ")}`);
			return withRun(campaign, order.entry, { state: to });
		}
		case "reorder":
			return reordered(campaign, order.order);
		case "pause":
		case "resume": {
			const isPaused = order.command === "pause";
			if (stateOf(campaign) === "over") throw refused(campaign, "it is over");
			return { ...campaign, isPaused };
		}
		case "cancel": {
			if (stateOf(campaign) === "over") throw refused(campaign, "it is over");
			const runs = campaign.runs.map((run) =>
				run.state === "waiting" ? { ...run, state: "cancelled" as const } : run,
			);
			return { ...campaign, isPaused: false, runs };
		}
	}
}

/** The waiting runs take each other's places; the others stay where they are. */
function reordered(campaign: Campaign, order: readonly number[]): Campaign {
	const waiting = campaign.runs.filter(({ state }) => state === "waiting");
	const known = waiting.map(({ entry }) => entry);
	const isWhole = order.length === known.length && new Set(order).size === order.length;
	if (!isWhole || !order.every((entry) => known.includes(entry)))
		throw refused(campaign, `the order must name each waiting run once: ${known.join(", ") || "none waits"}`);
	const queue = order.map((entry) => entryOf(campaign, entry));
	return { ...campaign, runs: campaign.runs.map((run) => (run.state === "waiting" ? queue.shift()! : run)) };
}

/** The first that waits, unless the queue is paused or one of its runs is under way. */
export function nextOf(campaign: Campaign): CampaignRun | undefined {
	if (campaign.isPaused) return undefined;
	return campaign.runs.find(({ state }) => state === "waiting");
}

export function stateOf({ runs, isPaused }: Campaign): CampaignState {
	const isOpen = runs.some(({ state }) => state === "waiting" || state === "running");
	return !isOpen ? "over" : isPaused ? "paused" : "open";
}

export function summaryOf(campaign: Campaign): CampaignSummary {
	const { name, title, by, createdAt, totals, runs } = campaign;
	const counts = { waiting: 0, running: 0, done: 0, failed: 0, skipped: 0, cancelled: 0 };
	for (const { state } of runs) counts[state] += 1;
	return { campaign: campaign.campaign, name, title, by, createdAt, state: stateOf(campaign), totals, counts };
}

export function entryOf(campaign: Campaign, entry: number): CampaignRun {
	const found = campaign.runs.find((run) => run.entry === entry);
	if (found !== undefined) return found;
	throw new AdlayerError("NOT_FOUND", `Campaign ${campaign.campaign} has no run ${entry}.`);
}

export function withRun(campaign: Campaign, entry: number, change: Partial<CampaignRun>): Campaign {
	const runs = campaign.runs.map((run) => (run.entry === entry ? { ...run, ...change } : run));
	return { ...campaign, runs };
}

const refused = (campaign: Campaign, why: string): AdlayerError =>
	new AdlayerError("CAMPAIGN_COMMAND_REFUSED", `Campaign ${campaign.campaign}: ${why}.`);
