/** `adlayer campaign`: series of runs in a queue, each launched by a person. */
import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { collect } from "#cli/arguments.js";
import type { CliContext, Outcome } from "#cli/context.js";
import { serviceUrl } from "#cli/places.js";
import type { Perform } from "#cli/program.js";
import { duration } from "#cli/progress.js";
import { RestClient } from "#cli/rest-client.js";
import { AdlayerError, type Problem } from "#core/errors.js";
import { readCampaign } from "#recipe/campaign-document.js";
import { parseSampleName } from "#recipe/sample-name.js";
import { readYaml } from "#recipe/yaml-document.js";
import type { CampaignDetail, CampaignSummary, CampaignsStatus, NextRun } from "#record/campaigns.js";

interface Common {
	readonly url?: string;
	readonly by?: string;
}

interface CreateOptions extends Common {
	readonly metal?: string;
	readonly film: string[];
	readonly recipe: string[];
	readonly cycles?: number[];
	readonly name?: string;
	readonly check?: boolean;
}

interface LaunchOptions extends Common {
	readonly loaded?: string;
	readonly barcode?: string;
	readonly ack: string[];
}

/** Adds `campaign create|list|show|next|launch|skip|retry|reorder|pause|resume|cancel`; `campaign FILE` creates. */
export function addCampaign(program: Command, perform: Perform): void {
	const campaign = program.command("campaign").description("series of runs in a queue, each launched by a person");
	const command = (text: string, description: string, isDefault = false): Command =>
		campaign
			.command(text, { isDefault })
			.description(description)
			.option("--json", "the last line of stdout is one JSON object")
			.option("--url <url>", "the service (default: this machine at ADLAYER_PORT)");
	const changing = (text: string, description: string, isDefault = false): Command =>
		command(text, description, isDefault).option("--by <name>", "who does this (default: the system's user name)");

	changing("create [file]", "make a campaign of a document, or of --metal, --film and --cycles", true)
		.option("--metal <name>", "the material, e.g. Li")
		.option("--film <film>", "product as in a sample's name, e.g. Al2O3 or LiAlOx-ex; may be repeated", collect, [])
		.option("--recipe <name>", "a recipe in place of --film; may be repeated", collect, [])
		.option("--cycles <list>", "numbers of cycles, with commas", cycles)
		.option("--name <name>", "name of the campaign")
		.option("--check", "check everything and make nothing")
		.action((file: string | undefined, options: CreateOptions) => perform((context) => create(context, file, options)));
	command("list", "all campaigns, and the run that is next").action((options: Common) =>
		perform((context) => listAll(context, options)),
	);
	command("show <campaign>", "one campaign with its runs").action((id: string, options: Common) =>
		perform((context) => show(context, id, options)),
	);
	command("next", "what must be loaded for the next run").action((options: Common) =>
		perform((context) => next(context, options)),
	);
	changing("launch", "launch the next run for the foil that is loaded")
		.option("--loaded <sample>", "name of the sample that lies in the chamber")
		.option("--barcode <code>", "the foil's, for the record")
		.option("--ack <code>", "acknowledge a condition that the queue names; may be repeated", collect, [])
		.action((options: LaunchOptions) => perform((context) => launch(context, options)));
	for (const [name, what] of [
		["skip", "leave a waiting run out"],
		["retry", "let a failed or skipped run wait again"],
	] as const)
		changing(`${name} <campaign> <entry>`, what).action((id: string, entry: string, options: Common) =>
			perform((context) => order(context, id, { command: name, entry: whole(entry) }, options)),
		);
	changing("reorder <campaign> <entries...>", "every waiting run by its number, in the new order").action(
		(id: string, entries: string[], options: Common) =>
			perform((context) => order(context, id, { command: "reorder", order: entries.map(whole) }, options)),
	);
	for (const [name, what] of [
		["pause", "offer no run of the campaign"],
		["resume", "offer its runs again"],
		["cancel", "cancel every run that waits"],
	] as const)
		changing(`${name} <campaign>`, what).action((id: string, options: Common) =>
			perform((context) => order(context, id, { command: name }, options)),
		);
}

async function create(context: CliContext, file: string | undefined, options: CreateOptions): Promise<Outcome> {
	const { out, userName } = context;
	const rest = client(context, options);
	const hasFlags = options.metal !== undefined || options.film.length + options.recipe.length > 0;
	if ((file === undefined) !== hasFlags)
		throw new AdlayerError("USAGE", "Give a campaign file, or --cycles with --recipe or with --metal and --film.");
	const campaignText = file === undefined ? await madeOf(rest, options) : read(file);
	const { campaign, problems } = await rest.post<{ campaign: CampaignDetail; problems: Problem[] }>("/campaigns", {
		campaignText,
		recipes: file === undefined ? {} : recipesBeside(file, campaignText),
		by: options.by ?? userName,
		check: options.check ?? false,
	});
	for (const { line, severity, code, message } of problems)
		out.line(`${file ?? "campaign"}:${line ?? 1}: ${severity} ${code}: ${message}`);
	for (const line of detailLines(campaign)) out.line(line);
	out.line(options.check ? "Nothing was made: --check." : `Campaign ${campaign.campaign} waits for its first foil.`);
	out.result({ ok: true, created: options.check !== true, ...campaign, problems });
	return 0;
}

async function listAll(context: CliContext, options: Common): Promise<Outcome> {
	const { campaigns, next } = await client(context, options).get<CampaignsStatus>("/campaigns");
	if (campaigns.length === 0) context.out.line("There are no campaigns.");
	for (const each of campaigns) context.out.line(summaryLine(each));
	for (const line of nextLines(next)) context.out.line(line);
	context.out.result({ ok: true, campaigns, next });
	return 0;
}

async function show(context: CliContext, id: string, options: Common): Promise<Outcome> {
	const path = `/campaigns/${encodeURIComponent(id)}`;
	const { campaign } = await client(context, options).get<{ campaign: CampaignDetail }>(path);
	for (const line of detailLines(campaign)) context.out.line(line);
	context.out.result({ ok: true, ...campaign });
	return 0;
}

async function next(context: CliContext, options: Common): Promise<Outcome> {
	const { next } = await client(context, options).get<CampaignsStatus>("/campaigns");
	for (const line of nextLines(next)) context.out.line(line);
	context.out.result({ ok: true, next });
	return 0;
}

/** One confirmation: the sample's name. Without it this only says what it would launch. */
async function launch(context: CliContext, options: LaunchOptions): Promise<Outcome> {
	const { out } = context;
	const { next } = await client(context, options).get<CampaignsStatus>("/campaigns");
	if (next === null) throw new AdlayerError("CAMPAIGN_COMMAND_REFUSED", "No campaign has a run that waits.");
	for (const line of nextLines(next)) out.line(line);
	if (options.loaded === undefined)
		throw new AdlayerError("USAGE", `Nothing was launched: name the sample in the chamber, --loaded ${next.sample}.`);
	return order(
		context,
		next.campaign,
		{
			command: "launch",
			entry: next.entry,
			loaded: options.loaded,
			acknowledge: options.ack,
			...(options.barcode === undefined ? {} : { barcode: options.barcode }),
		},
		options,
	);
}

async function order(context: CliContext, id: string, body: object, options: Common): Promise<Outcome> {
	const { campaign, run } = await client(context, options).post<{ campaign: CampaignDetail; run: string | null }>(
		`/campaigns/${encodeURIComponent(id)}/commands`,
		{ ...body, by: options.by ?? context.userName },
	);
	context.out.line(summaryLine(campaign));
	if (run !== null) context.out.line(`Run ${run} is launched; adlayer status shows it.`);
	context.out.result({ ok: true, run, ...campaign });
	return 0;
}

const client = ({ env, clock }: CliContext, { url }: Common): RestClient => new RestClient(serviceUrl(url, env), clock);

/** The document that the flags stand for. */
async function madeOf(rest: RestClient, { metal, film, recipe, cycles, name }: CreateOptions): Promise<string> {
	const missing = [
		...(cycles === undefined ? ["--cycles"] : []),
		...(film.length > 0 && metal === undefined ? ["--metal"] : []),
		...(film.length + recipe.length === 0 ? ["--film or --recipe"] : []),
	];
	if (missing.length > 0) throw new AdlayerError("USAGE", `Also needed: ${missing.join(", ")}.`);
	const recipes = [...recipe];
	if (film.length > 0) {
		const known = await productsOf(rest);
		for (const wanted of film) {
			const making = known.filter(({ product }) => product === `${metal} ${wanted}`).map((each) => each.recipe);
			if (making.length !== 1) {
				const found = making.length === 0 ? "no recipe makes" : `${making.join(" and ")} make`;
				throw new AdlayerError(
					"USAGE",
					`Of the service's recipes with a parameter cycles, ${found} ${wanted} on ${metal}.`,
					{
						hint: "Say which with --recipe.",
					},
				);
			}
			recipes.push(making[0]!);
		}
	}
	return JSON.stringify(
		{
			adlayer: "campaign/1",
			name: name ?? `${metal ?? recipes[0]}-series`.slice(0, 64),
			title: `${cycles!.join(", ")} cycles of ${recipes.join(", ")}`.slice(0, 120),
			series: recipes.map((each) => ({ recipe: each, vary: { cycles } })),
		},
		null,
		"\t",
	);
}

/** What the service's recipes make, as `metal film[-ex|-in]`; those with a parameter `cycles` only. */
async function productsOf(rest: RestClient): Promise<{ recipe: string; product: string }[]> {
	const { recipes } = await rest.get<{ recipes: { name: string }[] }>("/recipes");
	const read = recipes.map(async ({ name: recipe }) => {
		const { text } = await rest.get<{ text: string }>(`/recipes/${encodeURIComponent(recipe)}`);
		const { value } = readYaml(text);
		const { material, product, parameters } = value as Record<string, { film?: string; suffix?: string } & string>;
		if (product?.film === undefined || !Object.hasOwn(parameters ?? {}, "cycles")) return [];
		const ending = product.suffix === "none" ? "" : `-${product.suffix}`;
		const name = `${material}@1${product.film}${ending}`;
		return parseSampleName(name) === undefined ? [] : [{ recipe, product: `${material} ${product.film}${ending}` }];
	});
	return (await Promise.all(read)).flat();
}

/** Recipes that the document names and that lie as files beside it, as `NAME` or `NAME.recipe.yaml`. */
function recipesBeside(file: string, text: string): Record<string, string> {
	const beside: Record<string, string> = {};
	for (const recipe of new Set(readCampaign(text).runs.map((run) => run.recipe))) {
		const path = [recipe, `${recipe}.recipe.yaml`]
			.map((name) => join(dirname(file), name))
			.find((candidate) => basename(candidate) !== basename(file) && existsSync(candidate));
		if (path !== undefined) beside[recipe] = read(path);
	}
	return beside;
}

function read(file: string): string {
	try {
		return readFileSync(file, "utf8");
	} catch (cause) {
		const why = (cause as NodeJS.ErrnoException).code ?? String(cause);
		throw new AdlayerError("USAGE", `The file ${file} cannot be read (${why}).`, { cause });
	}
}

function cycles(text: string): number[] {
	const numbers = text.split(",").map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
	if (numbers.every((number) => Number.isInteger(number) && number > 0)) return numbers;
	throw new InvalidArgumentError("Numbers of cycles are whole numbers above 0, with commas between them.");
}

function whole(text: string): number {
	const number = Number(text);
	if (Number.isInteger(number) && number > 0) return number;
	throw new AdlayerError("USAGE", `A run of a campaign is named by its number, not ${text}.`);
}

function summaryLine({ campaign, state, title, counts }: CampaignSummary): string {
	const told = Object.entries(counts).filter(([, count]) => count > 0);
	return `${campaign} [${state}] ${title}: ${told.map(([name, count]) => `${count} ${name}`).join(", ")}`;
}

function detailLines(campaign: CampaignDetail): string[] {
	const { totals, runs } = campaign;
	const mg = Object.entries(totals.precursorMg).map(([name, value]) => `${value.toFixed(0)} mg ${name}`);
	return [
		summaryLine(campaign),
		`${totals.runs} runs, ${duration(totals.totalS)} in all, ${mg.join(", ")}`,
		...runs.map(({ entry, sample, recipe, plannedS, state, run, acknowledgements }) => {
			const codes = acknowledgements.map(({ code }) => code).join(" ");
			return `${String(entry).padStart(4)}  ${state.padEnd(9)} ${sample.padEnd(24)} ${recipe}  ${duration(plannedS)}  ${run ?? ""}${codes === "" ? "" : ` acknowledge ${codes}`}`.trimEnd();
		}),
	];
}

function nextLines(next: NextRun | null): string[] {
	if (next === null) return ["No run waits."];
	const { campaign, entry, sample, recipe, plannedS, mustBeLoaded, acknowledgements } = next;
	const acks = acknowledgements.map(({ code }) => ` --ack ${code}`).join("");
	return [
		`Next: ${sample} (${campaign} run ${entry}, ${recipe}, ${duration(plannedS)}).`,
		mustBeLoaded,
		...acknowledgements.map(({ code, reason }) => `To be acknowledged, ${code}: ${reason}`),
		`When it is: adlayer campaign launch --loaded ${sample}${acks}`,
	];
}
