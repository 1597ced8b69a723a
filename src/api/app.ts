/** The REST interface: `buildApp(deps)` gives a fastify instance that is ready for `inject` or `listen`. */
import swagger from "@fastify/swagger";
import { Ajv } from "ajv";
import addFormats from "ajv-formats";
import Fastify, { type FastifyInstance } from "fastify";
import { renderDocs } from "#api/docs-page.js";
import { Followers } from "#api/followers.js";
import { refuseForeignPages } from "#api/origin.js";
import { type AppDeps, LIMITS } from "#api/ports.js";
import { installErrorForms, refuseAddress, usage } from "#api/problem.js";
import { API_PREFIX } from "#api/route-group.js";
import { alarmRoutes } from "#api/routes/alarms.js";
import { campaignRoutes } from "#api/routes/campaigns.js";
import { cellTestRoutes } from "#api/routes/cell-tests.js";
import { cellRoutes } from "#api/routes/cells.js";
import { characterisationRoutes } from "#api/routes/characterisations.js";
import { cyclerRoutes } from "#api/routes/cyclers.js";
import { exportRoutes } from "#api/routes/export.js";
import { fileRoutes } from "#api/routes/files.js";
import { foilLotRoutes } from "#api/routes/foil-lots.js";
import { foilRoutes } from "#api/routes/foils.js";
import { healthRoutes } from "#api/routes/health.js";
import { instrumentRoutes } from "#api/routes/instruments.js";
import { interlockRoutes } from "#api/routes/interlocks.js";
import { barcodeRoutes } from "#api/routes/items.js";
import { maintenanceRoutes } from "#api/routes/maintenance.js";
import { pageRoutes } from "#api/routes/page.js";
import { reactorRoutes } from "#api/routes/reactor.js";
import { recipeTableRoutes } from "#api/routes/recipe-tables.js";
import { recipeRoutes } from "#api/routes/recipes.js";
import { runEventRoutes } from "#api/routes/run-events.js";
import { runRoutes } from "#api/routes/runs.js";
import { sampleRoutes } from "#api/routes/samples.js";
import { signalRoutes } from "#api/routes/signals.js";
import { statusRoutes } from "#api/routes/status.js";
import { testRoutes } from "#api/routes/tests.js";
import { SCHEMAS } from "#api/schemas.js";

/** A socket without traffic is closed after this; streams have a heartbeat well below it. */
const CONNECTION_TIMEOUT_MS = 60_000;
/** A request must have come whole within this. */
const REQUEST_TIMEOUT_MS = 20_000;
const KEEP_ALIVE_MS = 30_000;
/** Longer than any name of ours. */
const PARAM_LENGTH_MAX = 200;

export async function buildApp(deps: AppDeps, options: { logger?: boolean } = {}): Promise<FastifyInstance> {
	const limits = { ...LIMITS, ...deps.limits };
	const app = Fastify({
		logger: options.logger === true ? { level: "warn" } : false,
		bodyLimit: limits.bodyBytesMax,
		connectionTimeout: CONNECTION_TIMEOUT_MS,
		requestTimeout: REQUEST_TIMEOUT_MS,
		keepAliveTimeout: KEEP_ALIVE_MS,
		forceCloseConnections: true,
		routerOptions: { maxParamLength: PARAM_LENGTH_MAX },
		frameworkErrors: refuseAddress,
	});
	installErrorForms(app);
	installChecks(app);
	// A command is JSON or nothing: other types would let a foreign page's plain form through without a preflight.
	app.removeContentTypeParser("text/plain");
	app.addHook("onRequest", refuseForeignPages(deps.hostNames));
	app.addHook("preValidation", async (request) => {
		// No name of ours has one, and a database takes offence at some.
		for (const [name, value] of Object.entries((request.params ?? {}) as Record<string, string>))
			if (/\p{Cc}/u.test(value))
				throw usage(`params.${name}`, `${name} in the path must not contain control characters.`, value);
	});
	app.addHook("onRequest", async (_request, reply) => {
		if (deps.live.simulated) reply.header("Adlayer-Simulated", "true");
	});

	const followers = new Followers(deps, limits);
	app.addHook("preClose", async () => followers.close());

	await app.register(swagger, {
		openapi: {
			openapi: "3.1.0",
			info: { title: "Adlayer", version: deps.version, description: DESCRIPTION },
			tags: TAGS.map(([name, description]) => ({ name, description })),
		},
		refResolver: { buildLocalReference: (json) => String(json.$id) },
	});
	for (const schema of SCHEMAS) app.addSchema(schema);

	await app.register(
		async (api) => {
			const group = { api, deps, followers };
			healthRoutes(group);
			statusRoutes(group);
			recipeRoutes(group);
			recipeTableRoutes(group);
			runRoutes(group);
			runEventRoutes(group);
			exportRoutes(group);
			reactorRoutes(group);
			instrumentRoutes(group);
			signalRoutes(group);
			alarmRoutes(group);
			interlockRoutes(group);
			foilLotRoutes(group);
			foilRoutes(group);
			sampleRoutes(group);
			cellRoutes(group);
			testRoutes(group);
			characterisationRoutes(group);
			barcodeRoutes(group);
			fileRoutes(group);
			campaignRoutes(group);
			maintenanceRoutes(group);
			cellTestRoutes(group);
			cyclerRoutes(group);
			api.get("/openapi.json", { schema: { hide: true } }, async () => app.swagger());
		},
		{ prefix: API_PREFIX },
	);
	let docs: string | undefined;
	app.get("/docs", { schema: { hide: true } }, async (_request, reply) => {
		docs ??= renderDocs(app.swagger());
		return reply.type("text/html; charset=utf-8").send(docs);
	});
	await pageRoutes(app, deps.webFolder);
	await app.ready();
	return app;
}

/** Bodies are taken as they are, addresses are text and are converted; all problems are reported together. */
function installChecks(app: FastifyInstance): void {
	const common = {
		allErrors: true,
		verbose: true,
		removeAdditional: false,
		useDefaults: true,
		allowUnionTypes: true,
	} as const;
	const strict = new Ajv({ ...common, coerceTypes: false });
	const converting = new Ajv({ ...common, coerceTypes: true });
	for (const ajv of [strict, converting]) {
		addFormats.default(ajv);
		for (const schema of SCHEMAS) ajv.addSchema(schema);
	}
	app.setValidatorCompiler(({ schema, httpPart }) =>
		(httpPart === "body" ? strict : converting).compile(schema as object),
	);
	// Answers are typed where they are made; a schema must never cut a field off.
	app.setSerializerCompiler(() => (data) => JSON.stringify(data));
}

const DESCRIPTION =
	"Process control and lab automation for atomic layer deposition. Times are Unix ms, units SI and degC. " +
	"With a simulated lab every answer carries the header Adlayer-Simulated: true.";

const TAGS = [
	["service", "How the service and control are doing"],
	["recipes", "Recipe files and their checks"],
	["runs", "Runs of recipes: launch, command, follow"],
	["campaigns", "Series of runs in a queue, each launched by a person"],
	["reactor", "The reactor by hand, and its safe state"],
	["instruments", "Instruments and their connection"],
	["signals", "Measured and set values, now and in the past"],
	["alarms", "Alarms and interlocks"],
	["descent", "From foil lot to failed cell"],
	["cell-tests", "Battery tests on cyclers: order, follow, stop"],
] as const;
