/** Requests to the service. A refusal is thrown as `Refused` with the service's own words. */

const PREFIX = "/api/v1";
/** A question that a dead connection swallowed is given up, so that it can be asked anew. */
const ANSWER_MS = 30_000;

export class Refused extends Error {
	constructor(problem) {
		super(problem.detail ?? "The service refused.");
		this.code = problem.code ?? "";
		this.hint = problem.hint ?? "";
		this.problems = problem.problems ?? [];
	}
}

export const get = (path) => ask(path, { method: "GET", signal: AbortSignal.timeout(ANSWER_MS) });

export const post = (path, body) =>
	ask(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });

async function ask(path, options) {
	const reply = await fetch(`${PREFIX}${path}`, options);
	const body = await reply.json();
	if (!reply.ok) throw new Refused(body);
	return body;
}

/** One sentence on what went wrong; `instead` is what to do when the service cannot be reached at all. */
export function inWords(error, instead = "") {
	if (error instanceof Refused) return `${error.message} ${error.hint}`.trim();
	return `The service did not answer. ${instead}`.trim();
}
