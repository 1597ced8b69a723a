import type { FastifyRequest } from "fastify";

/** True when the caller asks for server-sent events rather than JSON. */
export function wantsStream(request: FastifyRequest): boolean {
	return request.headers.accept?.includes("text/event-stream") ?? false;
}
