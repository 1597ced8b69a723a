/**
 * Control's campaigns: queues of runs that wait for a person. Nothing here starts by itself: the foil has to be loaded, and
 * whoever has loaded it launches the run that the queue offers by naming the sample. Every change is in the state file and
 * the journal before it is told.
 */

import type { Clock } from "#core/clock.js";
import { AdlayerError, type Problem } from "#core/errors.js";
import type { LabFacts } from "#recipe/lab-facts.js";
import type { Library } from "#recipe/library.js";
import type { CampaignDetail, CampaignOrder, CampaignRun, CampaignsStatus, NextRun } from "#record/campaigns.js";
import type { RecordBody, RecordSink } from "#record/records.js";
import { planCampaign } from "#src/campaign/plan-campaign.js";
import {
	type Campaign,
	commanded,
	entryOf,
	nextOf,
	type QueueCommand,
	stateOf,
	summaryOf,
	withRun,
} from "#src/campaign/queue.js";

/** Campaigns that are over are forgotten beyond this many; the journal has them. */
const KEPT_MAX = 50;

/** A file that is whole or as it was: `save` returns when the new content is on the disk. */
export interface StateFile<State> {
	load(): State | undefined;
	save(state: State): void;
}

/** A state file that lasts as long as the process. */
export function memoryState<State>(state?: State): StateFile<State> {
	let held = state;
	return {
		load: () => held,
		save: (next) => {
			held = next;
		},
	};
}

/** What a run's own record says it was launched for. */
interface OpenRun {
	readonly run: string;
	readonly created: { readonly sample: string; readonly recipeText: string };
}

export interface CampaignsOptions {
	readonly clock: Clock;
	readonly journal: RecordSink;
	readonly station: string;
	readonly library: Library;
	readonly lab: LabFacts;
	readonly file: StateFile<readonly Campaign[]>;
	/** Run that the last control process left open. */
	readonly openRun: OpenRun | undefined;
	/** Launches as any launch: everything is checked anew. */
	readonly launch: (
		args: {
			recipe: string;
			recipeText: string;
			set: Record<string, number | string>;
			sample: string;
			operator: string;
			acknowledge: string[];
		},
		id: string,
	) => Promise<{ run: string }>;
}

export interface Launched {
	readonly campaign: CampaignDetail;
	/** Of a launch. */
	readonly run: string | null;
}

export class Campaigns {
	private all: readonly Campaign[];

	constructor(private readonly options: CampaignsOptions) {
		this.all = options.file.load() ?? [];
		for (const campaign of this.all) this.takeUp(campaign, options.openRun);
	}

	/** A run whose end nobody saw is not taken for a good one; its record tells. */
	private takeUp(campaign: Campaign, openRun: OpenRun | undefined): void {
		const underWay = campaign.runs.find(({ state }) => state === "running");
		if (underWay === undefined || (underWay.run !== null && underWay.run === openRun?.run)) return;
		// Control may have ended after the launch, before the run's name was kept here.
		const isLaunched =
			underWay.run === null &&
			openRun?.created.sample === underWay.sample &&
			openRun.created.recipeText === campaign.recipes[underWay.recipe];
		const change = isLaunched ? { run: openRun.run } : { state: "failed" as const };
		this.keep(withRun(campaign, underWay.entry, change));
		if (isLaunched) this.tell(campaign.campaign, underWay, openRun.run);
	}

	get status(): CampaignsStatus {
		return { campaigns: this.all.map(summaryOf), next: this.next ?? null };
	}

	detail(campaign: string): CampaignDetail {
		const found = this.find(campaign);
		return { ...summaryOf(found), runs: found.runs };
	}

	/** Checks all of it; with `check` nothing is made of it. Throws CAMPAIGN_INVALID with every problem. */
	async create(args: {
		document: string;
		recipes: Record<string, string>;
		by: string;
		check: boolean;
	}): Promise<{ campaign: CampaignDetail; problems: readonly Problem[] }> {
		const { clock, journal, library, lab, station } = this.options;
		const breathe = () => new Promise<void>((resolve) => setImmediate(resolve));
		const { document, recipes, by } = args;
		const plan = await planCampaign({ document, recipes, library, lab, breathe });
		const errors = plan.problems.filter(({ severity }) => severity === "error");
		if (errors.length > 0) {
			throw new AdlayerError(
				"CAMPAIGN_INVALID",
				`The campaign has ${errors.length} problem(s); the first: ${errors[0]!.message}`,
				{ problems: [...plan.problems] },
			);
		}
		const createdAt = clock.wallMs();
		const day = new Date(createdAt).toISOString().slice(0, 10).replaceAll("-", "");
		const stem = `${station}-${plan.name}-${day}`;
		let id = stem;
		for (let nth = 2; this.all.some(({ campaign }) => campaign === id); nth += 1) id = `${stem}-${nth}`;
		const { name, title, runs, totals } = plan;
		const used = new Set(runs.map(({ recipe }) => recipe));
		const made: Campaign = {
			campaign: id,
			name,
			title,
			by,
			createdAt,
			isPaused: false,
			totals,
			recipes: Object.fromEntries(Object.entries(recipes).filter(([recipe]) => used.has(recipe))),
			runs,
		};
		if (!args.check) {
			this.save([...this.all, made]);
			journal.append({
				kind: "campaign-created",
				campaign: id,
				name,
				title,
				by,
				runs: runs.map(({ entry, recipe, set, sample }) => ({ entry, recipe, set, sample })),
			});
			await journal.synced();
		}
		return { campaign: { ...summaryOf(made), runs }, problems: plan.problems };
	}

	async command(order: CampaignOrder, id: string): Promise<Launched> {
		const campaign = this.find(order.campaign);
		refuseNeedless(order);
		if (order.command === "launch") return this.launch(campaign, order, id);
		const next = commanded(campaign, queueCommand(order));
		this.keep(next);
		this.options.journal.append({
			kind: "campaign-changed",
			campaign: campaign.campaign,
			command: order.command,
			by: order.by,
			entry: order.entry ?? null,
			...(order.order === undefined ? {} : { order: [...order.order] }),
		});
		await this.options.journal.synced();
		return { campaign: this.detail(campaign.campaign), run: null };
	}

	/** Sees how launched runs end. */
	follow(record: RecordBody): void {
		if (record.kind !== "run-finished") return;
		for (const campaign of this.all) {
			const entry = campaign.runs.find(({ run, state }) => run === record.run && state === "running");
			if (entry === undefined) continue;
			const state = record.state === "complete" ? "done" : "failed";
			this.keep(withRun(campaign, entry.entry, { state }));
			this.tell(campaign.campaign, { ...entry, state }, record.run);
			return;
		}
	}

	private get next(): NextRun | undefined {
		for (const campaign of this.all) {
			const run = nextOf(campaign);
			if (run === undefined) continue;
			const { entry, recipe, sample, material, plannedS, precursorMg, acknowledgements } = run;
			const what = material === "none" ? "the substrate" : `the ${material} foil`;
			const mustBeLoaded = `The chamber must hold ${what} of sample ${sample}, and nothing else.`;
			return {
				campaign: campaign.campaign,
				entry,
				recipe,
				sample,
				material,
				mustBeLoaded,
				plannedS,
				precursorMg,
				acknowledgements,
			};
		}
		return undefined;
	}

	/** The run that the queue offers, for the foil that the person names; every launch checks everything once more. */
	private async launch(campaign: Campaign, order: CampaignOrder, id: string): Promise<Launched> {
		const { entry, loaded, barcode } = order;
		if (loaded === undefined || entry === undefined)
			throw new AdlayerError(
				"USAGE",
				"To launch takes entry, the run's number, and loaded, the sample in the chamber.",
			);
		const run = entryOf(campaign, entry);
		const next = nextOf(campaign);
		if (next === undefined || next.entry !== entry) {
			const why =
				next === undefined
					? stateOf(campaign) === "paused"
						? "its queue is paused"
						: "nothing waits in it"
					: `its next run is ${next.entry} (${next.sample}), not ${entry}`;
			throw new AdlayerError("CAMPAIGN_COMMAND_REFUSED", `Campaign ${campaign.campaign}: ${why}.`);
		}
		if (loaded !== run.sample) {
			throw new AdlayerError(
				"SAMPLE_NOT_LOADED",
				`Run ${entry} is for sample ${run.sample}, but ${loaded.slice(0, 60)} is said to be in the chamber.`,
				{ context: { expected: run.sample, loaded } },
			);
		}
		// Kept before it is done: after a crash in between, nobody is offered the same foil as untouched.
		this.keep(withRun(campaign, entry, { state: "running", run: null }));
		const args = {
			recipe: run.recipe,
			recipeText: campaign.recipes[run.recipe]!,
			set: { ...run.set },
			sample: run.sample,
			operator: order.by,
			acknowledge: [...(order.acknowledge ?? [])],
		};
		const launched = await this.options.launch(args, id).catch((refusal: unknown) => {
			this.keep(withRun(this.find(campaign.campaign), entry, { state: run.state, run: run.run }));
			throw refusal;
		});
		this.keep(withRun(this.find(campaign.campaign), entry, { state: "running", run: launched.run }));
		this.tell(campaign.campaign, { ...run, state: "running" }, launched.run, barcode);
		await this.options.journal.synced();
		return { campaign: this.detail(campaign.campaign), run: launched.run };
	}

	private tell(campaign: string, { entry, sample, state }: CampaignRun, run: string, barcode?: string): void {
		const more = barcode === undefined ? {} : { barcode };
		this.options.journal.append({ kind: "campaign-run", campaign, entry, sample, run, state, ...more });
	}

	private find(campaign: string): Campaign {
		const found = this.all.find((each) => each.campaign === campaign);
		if (found !== undefined) return found;
		throw new AdlayerError("NOT_FOUND", `There is no campaign ${campaign}.`);
	}

	private keep(changed: Campaign): void {
		this.save(this.all.map((each) => (each.campaign === changed.campaign ? changed : each)));
	}

	private save(all: readonly Campaign[]): void {
		const over = all.filter((each) => stateOf(each) === "over");
		const forgotten = new Set(over.slice(0, Math.max(0, all.length - KEPT_MAX)));
		const kept = all.filter((each) => !forgotten.has(each));
		this.options.file.save(kept);
		this.all = kept;
	}
}

const TAKES: Readonly<Record<CampaignOrder["command"], readonly (keyof CampaignOrder)[]>> = {
	launch: ["entry", "loaded", "barcode", "acknowledge"],
	skip: ["entry"],
	retry: ["entry"],
	reorder: ["order"],
	pause: [],
	resume: [],
	cancel: [],
};

/** Who cancels with the number of a run means that run, and not all that wait. */
function refuseNeedless(order: CampaignOrder): void {
	const { campaign, command, by, ...given } = order;
	// Another command than these is refused as such.
	if (!Object.hasOwn(TAKES, command)) return;
	const takes: readonly string[] = TAKES[command];
	const needless = Object.keys(given).filter((key) => !takes.includes(key));
	if (needless.length === 0) return;
	const none = takes.length === 0 ? " and would concern the whole queue; to leave one run out is skip" : "";
	throw new AdlayerError("USAGE", `The command ${command} takes no ${needless.join(" and no ")}${none}.`);
}

function queueCommand({ command, entry, order }: CampaignOrder): QueueCommand {
	switch (command) {
		case "skip":
		case "retry":
			if (entry === undefined) throw new AdlayerError("USAGE", `To ${command} takes entry, the run's number.`);
			return { command, entry };
		case "reorder":
			if (order === undefined) throw new AdlayerError("USAGE", "To reorder takes order, every waiting run's number.");
			return { command, order };
		case "pause":
		case "resume":
		case "cancel":
			return { command };
		default:
			throw new AdlayerError("USAGE", `A campaign knows no command ${command}.`);
	}
}
