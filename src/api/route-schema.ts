import { boolean, ref, shape } from "#api/schemas.js";
import type { ErrorCode } from "#core/error-codes.js";
import { ERROR_CODES } from "#core/error-codes.js";

interface RouteText {
	readonly tag: string;
	readonly summary: string;
	readonly description?: string;
	readonly params?: Record<string, object>;
	readonly query?: Record<string, object>;
	/** Names in `query` that must be given. */
	readonly queryRequired?: readonly string[];
	readonly body?: object;
	/** Status and body of the answer. */
	readonly ok?: number;
	readonly answer: object;
	readonly example?: unknown;
	readonly contentTypes?: readonly string[];
	/** Codes this route is known to fail with; every route may also fail with USAGE and INTERNAL. */
	readonly errors?: readonly ErrorCode[];
}

/** A route's schema for fastify and for the OpenAPI document, with its error forms by status. */
export function routeSchema(route: RouteText) {
	const params = route.params ?? {};
	const query = route.query ?? {};
	const response: Record<string, object> = {
		[route.ok ?? 200]: {
			description: "Done",
			content: Object.fromEntries(
				(route.contentTypes ?? ["application/json"]).map((type) => [
					type,
					{
						schema: type === "text/event-stream" ? { type: "string" } : route.answer,
						...(route.example === undefined || type === "text/event-stream" ? {} : { example: route.example }),
					},
				]),
			),
		},
	};
	for (const [status, codes] of byStatus(["USAGE", "INTERNAL", ...(route.errors ?? [])])) {
		const code = codes[0]!;
		response[status] = {
			description: codes.join(", "),
			content: {
				"application/problem+json": {
					schema: ref("Problem"),
					example: {
						type: `/docs#${code}`,
						title: ERROR_CODES[code].meaning,
						status,
						detail: ERROR_CODES[code].meaning,
						code,
						hint: ERROR_CODES[code].next,
					},
				},
			},
		};
	}
	return {
		tags: [route.tag],
		summary: route.summary,
		...(route.description === undefined ? {} : { description: route.description }),
		...(Object.keys(params).length === 0 ? {} : { params: { ...shape(params), additionalProperties: false } }),
		querystring: {
			type: "object",
			properties: query,
			required: route.queryRequired ?? [],
			additionalProperties: false,
		},
		...(route.body === undefined ? {} : { body: route.body }),
		response,
	};
}

function byStatus(codes: readonly ErrorCode[]): Map<number, ErrorCode[]> {
	const statuses = new Map<number, ErrorCode[]>();
	for (const code of new Set(codes)) {
		const status = ERROR_CODES[code].http;
		statuses.set(status, [...(statuses.get(status) ?? []), code]);
	}
	return statuses;
}

/** A body whose unknown members are refused. */
export function strictBody(properties: Record<string, object>, required: readonly string[], example: unknown): object {
	return { type: "object", properties, required, additionalProperties: false, examples: [example] };
}

/** What every list says besides its items. */
export const envelope = (properties: Record<string, object>) =>
	shape({ simulated: { ...boolean, description: "True when no real hardware is behind this" }, ...properties });
