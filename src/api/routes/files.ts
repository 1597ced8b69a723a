import type { Readable } from "node:stream";
import { API_PREFIX, type RouteGroup } from "#api/route-group.js";
import { envelope, routeSchema } from "#api/route-schema.js";
import { filesOf } from "#api/routes/items.js";
import { integer, string } from "#api/schemas.js";
import { AdlayerError } from "#core/errors.js";

const BYTES = "application/octet-stream";

export function fileRoutes({ api, deps }: RouteGroup): void {
	void api.register(async (scope) => {
		// Not gathered in memory: it goes to the disk as it comes.
		scope.addContentTypeParser(BYTES, (_request, payload, done) => done(null, payload));
		const schema = {
			...routeSchema({
				tag: "descent",
				summary: "Store a file, to be named by its SHA-256 in a characterisation",
				description: "The body is the file as application/octet-stream. The same file again answers the same.",
				ok: 201,
				answer: envelope({ sha256: string, bytes: integer }),
				errors: ["MESSAGE_TOO_LARGE", "ORIGIN_REFUSED"],
			}),
			consumes: [BYTES],
		};
		scope.post<{ Body: Readable | undefined }>("/files", { schema }, async ({ body }, reply) => {
			if (body === undefined || typeof body.pipe !== "function")
				throw new AdlayerError("USAGE", `The body must be the file, as ${BYTES}.`);
			const saved = await filesOf(deps).save(body);
			reply.code(201).header("Location", `${API_PREFIX}/files/${saved.sha256}`);
			return { simulated: deps.live.simulated, ...saved };
		});
	});

	const readSchema = routeSchema({
		tag: "descent",
		summary: "A stored file",
		params: { sha256: { type: "string", pattern: "^[0-9a-f]{64}$" } },
		answer: { type: "string", format: "binary" },
		contentTypes: [BYTES],
		errors: ["NOT_FOUND"],
	});
	api.get<{ Params: { sha256: string } }>("/files/:sha256", { schema: readSchema }, async ({ params }, reply) => {
		const { sha256 } = params;
		const files = filesOf(deps);
		const bytes = await files.size(sha256);
		if (bytes === undefined) throw new AdlayerError("NOT_FOUND", `There is no file ${sha256}.`);
		void reply
			.type(BYTES)
			.header("Content-Length", bytes)
			.header("Content-Disposition", `attachment; filename="${sha256}"`)
			.header("X-Content-Type-Options", "nosniff")
			.header("ETag", `"${sha256}"`);
		return reply.send(files.read(sha256));
	});
}
