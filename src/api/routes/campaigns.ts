import type { AppDeps } from "#api/ports.js";
import { usage } from "#api/problem.js";
import { API_PREFIX, type RouteGroup } from "#api/route-group.js";
import { envelope, routeSchema, strictBody } from "#api/route-schema.js";
import { boolean, by, integer, list, plainName, ref, shape, string } from "#api/schemas.js";
import { CAMPAIGN_SCHEMA, readCampaign } from "#recipe/campaign-document.js";
import { CAMPAIGN_COMMANDS, type CampaignOrder } from "#record/campaigns.js";

interface CreateBody {
	campaign?: object;
	campaignText?: string;
	recipes?: Record<string, string>;
	by: string;
	check?: boolean;
}

const detail = { type: "object", description: "Name, totals, counts and every run in the order of the queue" };
const name = { type: "string", minLength: 1, maxLength: 200 };

export function campaignRoutes({ api, deps }: RouteGroup): void {
	const createSchema = routeSchema({
		tag: "campaigns",
		summary: "Make a campaign: runs in a queue, each launched by a person",
		description:
			"Give `campaign` or `campaignText` (YAML). Every run is checked and run dry first; all problems come together, and nothing is made of a campaign that has one. With `check` nothing is made at all. `recipes` are texts by name for recipes that this service does not have.",
		body: strictBody(
			{
				campaign: { type: "object", description: "The document as JSON" },
				campaignText: { type: "string", minLength: 1, maxLength: 60_000, description: "The document as YAML" },
				recipes: {
					type: "object",
					maxProperties: 20,
					additionalProperties: { type: "string", minLength: 1, maxLength: 60_000 },
				},
				by,
				check: boolean,
			},
			["by"],
			{
				by: "mk",
				campaign: {
					adlayer: "campaign/1",
					name: "li-series",
					title: "Cycle series",
					series: [{ recipe: "li-al2o3", vary: { cycles: [25, 50] } }],
				},
			},
		),
		ok: 201,
		answer: envelope({ campaign: detail, problems: list(ref("Found")) }),
		errors: ["CAMPAIGN_INVALID", "MESSAGE_TOO_LARGE", "CONTROL_UNREACHABLE", "ORIGIN_REFUSED"],
	});
	api.post<{ Body: CreateBody }>("/campaigns", { schema: createSchema }, async ({ body }, reply) => {
		if ((body.campaign === undefined) === (body.campaignText === undefined))
			throw usage("body.campaign", "The body needs either campaign (JSON) or campaignText (YAML).");
		const document = body.campaignText ?? JSON.stringify(body.campaign, null, "\t");
		const recipes = await recipesOf(deps, document, body.recipes ?? {});
		const check = body.check ?? false;
		const made = await deps.control.request("create-campaign", { document, recipes, by: body.by, check });
		if (check) reply.code(200);
		else reply.code(201).header("Location", `${API_PREFIX}/campaigns/${encodeURIComponent(made.campaign.campaign)}`);
		return { simulated: deps.live.simulated, ...made };
	});

	const listSchema = routeSchema({
		tag: "campaigns",
		summary: "All campaigns, and the run that the queue offers next",
		description:
			"`next` says what must be in the chamber and what must be acknowledged; it is null when nothing waits.",
		answer: envelope({ campaigns: list({ type: "object" }), next: { type: ["object", "null"] } }),
		errors: ["CONTROL_UNREACHABLE"],
	});
	api.get("/campaigns", { schema: listSchema }, async () => ({
		simulated: deps.live.simulated,
		...(await deps.control.request("campaigns", {})),
	}));

	const oneSchema = routeSchema({
		tag: "campaigns",
		summary: "One campaign with its runs",
		params: { id: name },
		answer: envelope({ campaign: detail }),
		errors: ["NOT_FOUND", "CONTROL_UNREACHABLE"],
	});
	api.get<{ Params: { id: string } }>("/campaigns/:id", { schema: oneSchema }, async ({ params }) => ({
		simulated: deps.live.simulated,
		campaign: await deps.control.request("campaign", { campaign: params.id }),
	}));

	const commandSchema = routeSchema({
		tag: "campaigns",
		summary: "Launch the next run, or change the queue",
		description:
			"`launch` takes `entry`, the sample that is `loaded`, and what must be acknowledged; `skip` and `retry` take `entry`; `reorder` takes `order`, every waiting run once; `pause`, `resume` and `cancel` take nothing. A run never starts without this call.",
		params: { id: name },
		body: strictBody(
			{
				command: { type: "string", enum: [...CAMPAIGN_COMMANDS] },
				by,
				entry: { type: "integer", minimum: 1 },
				order: { type: "array", maxItems: 100, items: integer },
				loaded: { ...plainName, description: "The sample in the chamber" },
				barcode: { ...plainName, description: "Of the foil, for the record" },
				acknowledge: { type: "array", items: { type: "string", maxLength: 100 }, maxItems: 100 },
			},
			["command", "by"],
			{ command: "launch", entry: 1, loaded: "Li@25Al2O3", by: "mk" },
		),
		answer: envelope({ campaign: detail, run: { type: ["string", "null"] } }),
		errors: [
			"NOT_FOUND",
			"CAMPAIGN_COMMAND_REFUSED",
			"SAMPLE_NOT_LOADED",
			"RUN_ACTIVE",
			"ACKNOWLEDGEMENT_MISSING",
			"RECIPE_INVALID",
			"CONTROL_UNREACHABLE",
			"ORIGIN_REFUSED",
		],
	});
	type Route = { Params: { id: string }; Body: Omit<CampaignOrder, "campaign"> };
	api.post<Route>("/campaigns/:id/commands", { schema: commandSchema }, async ({ params, body }) => ({
		simulated: deps.live.simulated,
		...(await deps.control.request("command-campaign", { ...body, campaign: params.id })),
	}));

	const documentsSchema = routeSchema({
		tag: "campaigns",
		summary: "The campaign documents of this service, to be checked and made",
		answer: envelope({ documents: list(shape({ name: string, fileName: string, title: string, text: string })) }),
	});
	api.get("/campaigns/documents", { schema: documentsSchema }, async () => {
		const entries = await deps.campaignDocuments.list();
		const read = await Promise.all(entries.map((entry) => deps.campaignDocuments.read(entry.name)));
		return { simulated: deps.live.simulated, documents: read.filter((document) => document !== undefined) };
	});

	const schemaSchema = routeSchema({
		tag: "campaigns",
		summary: "The JSON Schema of a campaign's document",
		answer: shape({ type: string }),
	});
	api.get("/campaigns/schema", { schema: schemaSchema }, async () => CAMPAIGN_SCHEMA);
}

/** Texts of the recipes that the document names, from the body or the shelf; one that is nowhere is the check's to refuse. */
async function recipesOf(deps: AppDeps, document: string, given: Record<string, string>) {
	const recipes: Record<string, string> = {};
	for (const recipe of new Set(readCampaign(document).runs.map((run) => run.recipe))) {
		const text = Object.hasOwn(given, recipe) ? given[recipe] : (await deps.recipes.read(recipe))?.text;
		if (text !== undefined) recipes[recipe] = text;
	}
	return recipes;
}
