/** Every failure of the REST interface as RFC 9457 problem+json, from one place. */

import type { FastifyError, FastifyInstance } from "fastify";
import { ERROR_CODES, type ErrorCode } from "#core/error-codes.js";
import { AdlayerError, type Problem } from "#core/errors.js";

export const PROBLEM_TYPE = "application/problem+json";

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
		const path = `${part}${found.instancePath.replaceAll("/", ".")}`;
		const extra = found.params.additionalProperty;
		const allowed = found.params.allowedValues;
		return {
			severity: "error",
			code: "USAGE",
			path,
			message: `${path} ${found.message ?? "is not valid"}${extra === undefined ? "" : `: ${String(extra)}`}.`,
			...(allowed === undefined ? {} : { limit: allowed }),
		};
	});
	const count = problems.length;
	const message = count === 1 ? problems[0]!.message : `The request has ${count} problems.`;
	return new AdlayerError("USAGE", message, { problems });
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
