/** Campaigns: runs in a queue, each for one foil. Control keeps them; a person launches each run. */

/** `waiting` may be launched; `failed` was stopped, aborted or lost and may be retried. */
export type CampaignRunState = "waiting" | "running" | "done" | "failed" | "skipped" | "cancelled";
export type CampaignState = "open" | "paused" | "over";

export interface CampaignRun {
	/** Its number in the campaign, from 1; it keeps it whatever the order. */
	readonly entry: number;
	/** File name of the recipe. */
	readonly recipe: string;
	readonly set: Readonly<Record<string, number | string>>;
	/** Name of the sample, which names the foil that must be loaded. */
	readonly sample: string;
	readonly product: string;
	/** What is coated. */
	readonly material: string;
	readonly plannedS: number;
	/** Precursor that leaves its bottle, mg. */
	readonly precursorMg: Readonly<Record<string, number>>;
	/** What the person who launches must acknowledge. */
	readonly acknowledgements: readonly { readonly code: string; readonly reason: string }[];
	readonly state: CampaignRunState;
	/** The last run that was launched for it. */
	readonly run: string | null;
}

export interface CampaignTotals {
	readonly runs: number;
	readonly totalS: number;
	readonly pulses: Readonly<Record<string, number>>;
	readonly precursorMg: Readonly<Record<string, number>>;
}

export interface CampaignSummary {
	readonly campaign: string;
	readonly name: string;
	readonly title: string;
	readonly by: string;
	/** Unix ms. */
	readonly createdAt: number;
	readonly state: CampaignState;
	readonly totals: CampaignTotals;
	readonly counts: Readonly<Record<CampaignRunState, number>>;
}

export interface CampaignDetail extends CampaignSummary {
	/** In the order of the queue. */
	readonly runs: readonly CampaignRun[];
}

/** The run that the queue offers. */
export interface NextRun {
	readonly campaign: string;
	readonly entry: number;
	readonly recipe: string;
	readonly sample: string;
	readonly material: string;
	/** What must be in the chamber, one sentence. */
	readonly mustBeLoaded: string;
	readonly plannedS: number;
	readonly precursorMg: Readonly<Record<string, number>>;
	readonly acknowledgements: CampaignRun["acknowledgements"];
}

export interface CampaignsStatus {
	/** Oldest first. */
	readonly campaigns: readonly CampaignSummary[];
	/** Null when nothing waits, or every queue that has something is paused. */
	readonly next: NextRun | null;
}

export const CAMPAIGN_COMMANDS = ["launch", "skip", "retry", "reorder", "pause", "resume", "cancel"] as const;
export type CampaignCommand = (typeof CAMPAIGN_COMMANDS)[number];

export interface CampaignOrder {
	readonly campaign: string;
	readonly command: CampaignCommand;
	readonly by: string;
	/** Which run: of launch, skip and retry. */
	readonly entry?: number;
	/** Every waiting run by its number, in the new order. */
	readonly order?: readonly number[];
	/** Of launch: the sample whose foil lies in the chamber. */
	readonly loaded?: string;
	/** Of launch, for the record. */
	readonly barcode?: string;
	readonly acknowledge?: readonly string[];
}
