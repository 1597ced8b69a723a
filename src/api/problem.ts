/** Every failure of the REST interface as RFC 9457 problem+json, from one place. */

import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { SAID_OF_PATTERN } from "#api/schemas.js";
import { ERROR_CODES, type ErrorCode } from "#core/error-codes.js";
import { AdlayerError, type Problem } from "#core/errors.js";

export const PROBLEM_TYPE = "application/problem+json";
/** As much of a refused text as tells which one it was. */
const VALUE_LENGTH_MAX = 200;

export interface ProblemBody {
	/** Where the code is explained. */
	readonly type: string;
	/** The code's meaning in general. */
	readonly title: string;
	readonly status: number;
	/** What happened this time, with the numbers. */
	readonly detail: string;
	readonly code: ErrorCode;
	/** What to do next. */
	readonly hint: string;
	readonly context?: object;
	readonly problems?: readonly Problem[];
}

export function problemFrom(error: AdlayerError, status: number = error.entry.http): ProblemBody {
	return {
		type: `/docs#${error.code}`,
		title: ERROR_CODES[error.code].meaning,
		status,
		detail: error.message,
		code: error.code,
		hint: error.hint,
		...(Object.keys(error.context).length > 0 ? { context: error.context } : {}),
		...(error.problems.length > 0 ? { problems: error.problems } : {}),
	};
}

/** Fastify's own refusals in our terms; anything else unknown is INTERNAL and keeps its details to the log. */
function translate(error: FastifyError): { error: AdlayerError; status?: number } {
	if (error.validation !== undefined) return { error: validationError(error) };
	if (error.code === "FST_ERR_CTP_BODY_TOO_LARGE")
		return { error: new AdlayerError("MESSAGE_TOO_LARGE", `${error.message}.`) };
	const status = error.statusCode;
	if (status !== undefined && status >= 400 && status < 500)
		return { error: new AdlayerError("USAGE", error.message), status };
	const internal = new AdlayerError("INTERNAL", "The service failed on this request.", { cause: error });
	return { error: internal };
}

function validationError(error: FastifyError): AdlayerError {
	const part = error.validationContext ?? "request";
	const problems: Problem[] = (error.validation ?? []).map((found) => {
		const at = `${part}${found.instancePath.replaceAll("/", ".")}`;
		const { additionalProperty: extra, missingProperty: missing, allowedValues, limit = allowedValues } = found.params;
		const member = extra ?? missing;
		const said = SAID_OF_PATTERN[String(found.params.pattern)] ?? found.message ?? "is not valid";
		const { data } = found as { data?: unknown };
		return {
			severity: "error",
			code: "USAGE",
			path: member === undefined ? at : `${at}.${String(member)}`,
			message: `${at} ${said}${extra === undefined ? "" : `: ${String(extra)}`}.`,
			...(member === undefined && isScalar(data) ? { value: shown(data) } : {}),
			...(limit === undefined ? {} : { limit }),
		};
	});
	const count = problems.length;
	const message = count === 1 ? problems[0]!.message : `The request has ${count} problems.`;
	return new AdlayerError("USAGE", message, { problems });
}

/** A refusal of one value of the request, at its place: `query.from`, `body.recipe`. */
export function usage(path: string, message: string, value?: unknown): AdlayerError {
	const details = isScalar(value) ? { value: shown(value) } : {};
	return new AdlayerError("USAGE", message, {
		problems: [{ severity: "error", code: "USAGE", message, path, ...details }],
	});
}

const isScalar = (value: unknown): boolean => value === null || ["string", "number", "boolean"].includes(typeof value);
const shown = (value: unknown): unknown => (typeof value === "string" ? value.slice(0, VALUE_LENGTH_MAX) : value);

/** An address that no route can take: names too long, and escapes that are no text. */
export function refuseAddress(error: FastifyError, _request: FastifyRequest, reply: FastifyReply): void {
	const status = error.statusCode !== undefined && error.statusCode < 500 ? error.statusCode : 400;
	const message = `${error.message.slice(0, VALUE_LENGTH_MAX)}.`;
	void reply
		.code(status)
		.type(PROBLEM_TYPE)
		.send(problemFrom(usage("path", message), status));
}

export function installErrorForms(app: FastifyInstance): void {
	app.setNotFoundHandler((request, reply) => {
		const error = new AdlayerError("NOT_FOUND", `There is nothing at ${request.method} ${request.url.slice(0, 200)}.`);
		void reply.code(404).type(PROBLEM_TYPE).send(problemFrom(error));
	});
	app.setErrorHandler((thrown: FastifyError | AdlayerError, request, reply) => {
		const found = thrown instanceof AdlayerError ? { error: thrown } : translate(thrown);
		const body = problemFrom(found.error, found.status);
		if (body.status >= 500) request.log.error({ err: thrown }, body.detail);
		void reply.code(body.status).type(PROBLEM_TYPE).send(body);
	});
}
