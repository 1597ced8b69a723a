/** The status page: the files of its folder, read once, served from memory under their own names. */
import { readdir, readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import type { FastifyInstance } from "fastify";

const INDEX = "index.html";
/** Files of other kinds in the folder are not served. */
const TYPES: ReadonlyMap<string, string> = new Map([
	[".html", "text/html; charset=utf-8"],
	[".js", "text/javascript; charset=utf-8"],
	[".css", "text/css; charset=utf-8"],
	[".svg", "image/svg+xml"],
]);

const SECURITY_POLICY = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

export async function pageRoutes(app: FastifyInstance, folder: string): Promise<void> {
	for (const file of await readdir(folder)) {
		const type = TYPES.get(extname(file));
		if (type === undefined) continue;
		const content = await readFile(join(folder, file));
		app.get(file === INDEX ? "/" : `/${file}`, { schema: { hide: true } }, async (_request, reply) =>
			reply
				.type(type)
				.header("Cache-Control", "no-cache")
				.header("Content-Security-Policy", SECURITY_POLICY)
				.header("X-Content-Type-Options", "nosniff")
				.send(content),
		);
	}
}
