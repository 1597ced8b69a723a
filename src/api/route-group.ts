import type { FastifyInstance } from "fastify";
import type { Followers } from "#api/followers.js";
import type { AppDeps } from "#api/ports.js";

export const API_PREFIX = "/api/v1";

/** What a route file gets. */
export interface RouteGroup {
	readonly api: FastifyInstance;
	readonly deps: AppDeps;
	readonly followers: Followers;
}
