/** The status page: three small files, read once, served from memory. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { FastifyInstance } from "fastify";

const FILES = [
	{ path: "/", file: "index.html", type: "text/html; charset=utf-8" },
	{ path: "/page.js", file: "page.js", type: "text/javascript; charset=utf-8" },
	{ path: "/page.css", file: "page.css", type: "text/css; charset=utf-8" },
] as const;

const SECURITY_POLICY = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

export async function pageRoutes(app: FastifyInstance, folder: string): Promise<void> {
	for (const { path, file, type } of FILES) {
		const content = await readFile(join(folder, file));
		app.get(path, { schema: { hide: true } }, async (_request, reply) =>
			reply
				.type(type)
				.header("Cache-Control", "no-cache")
				.header("Content-Security-Policy", SECURITY_POLICY)
				.header("X-Content-Type-Options", "nosniff")
				.send(content),
		);
	}
}
