import { finished, Readable } from "node:stream";
import type { FastifyReply } from "fastify";
import type { AppDeps } from "#api/ports.js";
import type { RouteGroup } from "#api/route-group.js";
import { routeSchema } from "#api/route-schema.js";
import { found, recordOf } from "#api/routes/cell-tests.js";
import { historyOf } from "#api/routes/runs.js";
import { string } from "#api/schemas.js";
import { AdlayerError } from "#core/errors.js";
import { fileName } from "#export/package.js";
import { batchRecordOf, type PackageFacts, packageFiles, RUN_FORMATS, type RunFormat } from "#export/run-package.js";
import { bdfFile, bdfNameOf, TEST_FORMATS, type TestFacts, type TestFormat, testFiles } from "#export/test-package.js";
import { zipOf } from "#export/zip.js";
import type { DescentTree } from "#record/descent.js";

/** At a time: each asks the database again and again for as long as its reader takes. */
const EXPORTS_MAX = 2;
/** A run coats a handful of foils. */
const SAMPLES_MAX = 50;

/** A turn is taken before the database is asked, and given back when the answer is over or never was. */
class Turns {
	private taken = 0;

	async during(make: () => Promise<Readable>): Promise<Readable> {
		if (this.taken >= EXPORTS_MAX)
			throw new AdlayerError("SERVICE_BUSY", `${this.taken} exports are being made; there may be ${EXPORTS_MAX}.`);
		this.taken += 1;
		try {
			const stream = await make();
			finished(stream, () => {
				this.taken -= 1;
			});
			return stream;
		} catch (thrown) {
			this.taken -= 1;
			throw thrown;
		}
	}
}

const attachment = (name: string) => ["Content-Disposition", `attachment; filename="${name}"`] as const;

export function exportRoutes(group: RouteGroup): void {
	const turns = new Turns();
	runExport(group, turns);
	testExport(group, turns);
}

function runExport({ api, deps }: RouteGroup, turns: Turns): void {
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
		const name = fileName(params.id);
		const isRecord = format === "b2mml";
		const stream = await turns.during(async () => {
			const facts = await packageFacts(deps, params.id);
			return isRecord ? Readable.from([batchRecordOf(facts)]) : zipOf(packageFiles(facts, format), facts.at);
		});
		return reply
			.type(isRecord ? "application/xml; charset=utf-8" : "application/zip")
			.header(...attachment(`${name}.${isRecord ? "xml" : "zip"}`))
			.send(stream);
	});
}

function testExport({ api, deps }: RouteGroup, turns: Turns): void {
	const institution = {
		type: "string",
		pattern: "^[A-Za-z0-9][A-Za-z0-9.-]*$",
		maxLength: 100,
		description: "Names the file as the format's rule has it: Institution__Cell__YYYYMMDD_XXX; absent: after the test",
	};
	const send = async (id: string, format: TestFormat, of: string | undefined, reply: FastifyReply) => {
		let name = "";
		const stream = await turns.during(async () => {
			const facts = await testFacts(deps, id, of);
			name = facts.bdfName;
			if (format !== "bdf") return zipOf(await testFiles(facts, format), facts.at);
			return Readable.from((await bdfFile(facts, name)).bytes(), { objectMode: false });
		});
		return reply
			.type(format === "bdf" ? "text/csv" : "application/zip")
			.header(...attachment(format === "bdf" ? `${name}.bdf.csv` : `${fileName(id)}.zip`))
			.send(stream);
	};
	const errors = ["NOT_FOUND", "DATABASE_UNAVAILABLE", "SERVICE_BUSY"] as const;

	const packageSchema = routeSchema({
		tag: "cell-tests",
		summary: "A battery test as a package of files",
		description:
			"`ro-crate` (RO-Crate 1.2 with a Data Package v2, tables as CSV), `csv` and `parquet` (Data Package v2) answer a zip archive that is made while it is read, with the test in the Battery Data Format; `bdf` answers that file alone, as CSV. A connection that breaks before the archive's end leaves an archive that cannot be opened: ask again.",
		params: { id: string },
		query: { format: { type: "string", enum: TEST_FORMATS, default: "ro-crate" }, institution },
		answer: { type: "string", format: "binary" },
		contentTypes: ["application/zip", "text/csv"],
		errors,
	});
	type Packaged = { Params: { id: string }; Querystring: { format: TestFormat; institution?: string } };
	api.get<Packaged>("/cell-tests/:id/export", { schema: packageSchema }, ({ params, query }, reply) =>
		send(params.id, query.format, query.institution, reply),
	);

	const bdfSchema = routeSchema({
		tag: "cell-tests",
		summary: "The whole battery test as a file of the Battery Data Format (CSV); positive current charges",
		params: { id: string },
		query: { institution },
		answer: string,
		contentTypes: ["text/csv"],
		errors,
	});
	type Bdf = { Params: { id: string }; Querystring: { institution?: string } };
	api.get<Bdf>("/cell-tests/:id/bdf", { schema: bdfSchema }, ({ params, query }, reply) =>
		send(params.id, "bdf", query.institution, reply),
	);
}

async function packageFacts(deps: AppDeps, run: string): Promise<PackageFacts> {
	const archive = await historyOf(deps).archive(run);
	if (archive === undefined)
		throw new AdlayerError("RUN_NOT_FOUND", `There is no run ${run}.`, {
			hint: "The database knows a run a second after its launch.",
		});
	return { archive, descent: await descentOfRun(deps, run), at: deps.clock.wallMs(), softwareVersion: deps.version };
}

async function testFacts(deps: AppDeps, id: string, institution: string | undefined): Promise<TestFacts> {
	const history = recordOf(deps.cellTests);
	const test = found(id, await history.cellTest(id));
	return {
		test,
		history,
		verdict: (await deps.verdictOf(id)) ?? null,
		descent: await deps.descent?.tree("test", id),
		bdfName: await bdfNameOf(history, test, institution),
		simulated: deps.live.simulated,
		at: deps.clock.wallMs(),
		softwareVersion: deps.version,
	};
}

async function descentOfRun({ descent }: AppDeps, run: string): Promise<DescentTree[]> {
	if (descent === null) return [];
	const samples = await descent.list("sample", { parent: run, limit: SAMPLES_MAX });
	const trees = await Promise.all(samples.map(({ id }) => descent.tree("sample", id)));
	return trees.filter((tree) => tree !== undefined);
}
