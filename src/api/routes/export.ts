import { finished } from "node:stream";
import type { AppDeps } from "#api/ports.js";
import type { RouteGroup } from "#api/route-group.js";
import { routeSchema } from "#api/route-schema.js";
import { historyOf } from "#api/routes/runs.js";
import { string } from "#api/schemas.js";
import { AdlayerError } from "#core/errors.js";
import { batchRecordOf, type PackageFacts, packageFiles, RUN_FORMATS, type RunFormat } from "#export/run-package.js";
import { zipOf } from "#export/zip.js";
import type { DescentTree } from "#record/descent.js";

/** At a time: each asks the database again and again for as long as its reader takes. */
const EXPORTS_MAX = 2;
/** A run coats a handful of foils. */
const SAMPLES_MAX = 50;

export function exportRoutes({ api, deps }: RouteGroup): void {
	let running = 0;
	const schema = routeSchema({
		tag: "runs",
		summary: "A run as a package of files",
		description:
			"`ro-crate` (RO-Crate 1.2 with a Data Package v2, tables as CSV), `csv` and `parquet` (Data Package v2) answer a zip archive that is made while it is read; `b2mml` answers the batch record as XML (B2MML-BatchML V0600). A connection that breaks before the archive's end leaves an archive that cannot be opened: ask again.",
		params: { id: string },
		query: { format: { type: "string", enum: RUN_FORMATS, default: "ro-crate" } },
		answer: { type: "string", format: "binary" },
		contentTypes: ["application/zip", "application/xml"],
		errors: ["RUN_NOT_FOUND", "DATABASE_UNAVAILABLE", "SERVICE_BUSY"],
	});
	type Route = { Params: { id: string }; Querystring: { format: RunFormat } };
	api.get<Route>("/runs/:id/export", { schema }, async ({ params, query: { format } }, reply) => {
		if (running >= EXPORTS_MAX)
			throw new AdlayerError("SERVICE_BUSY", `${running} runs are being exported; there may be ${EXPORTS_MAX}.`);
		const facts = await packageFacts(deps, params.id);
		const name = fileName(params.id);
		if (format === "b2mml")
			return reply
				.type("application/xml; charset=utf-8")
				.header("Content-Disposition", `attachment; filename="${name}.xml"`)
				.send(batchRecordOf(facts));
		const archive = zipOf(packageFiles(facts, format), facts.at);
		running += 1;
		finished(archive, () => {
			running -= 1;
		});
		return reply
			.type("application/zip")
			.header("Content-Disposition", `attachment; filename="${name}.zip"`)
			.send(archive);
	});
}

const fileName = (run: string): string => run.replace(/[^A-Za-z0-9._-]/g, "_");

async function packageFacts(deps: AppDeps, run: string): Promise<PackageFacts> {
	const archive = await historyOf(deps).archive(run);
	if (archive === undefined)
		throw new AdlayerError("RUN_NOT_FOUND", `There is no run ${run}.`, {
			hint: "The database knows a run a second after its launch.",
		});
	return { archive, descent: await descentOfRun(deps, run), at: deps.clock.wallMs(), softwareVersion: deps.version };
}

async function descentOfRun({ descent }: AppDeps, run: string): Promise<DescentTree[]> {
	if (descent === null) return [];
	const samples = await descent.list("sample", { parent: run, limit: SAMPLES_MAX });
	const trees = await Promise.all(samples.map(({ id }) => descent.tree("sample", id)));
	return trees.filter((tree) => tree !== undefined);
}
