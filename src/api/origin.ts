import { isIP } from "node:net";
import type { FastifyRequest } from "fastify";
import { AdlayerError } from "#core/errors.js";

const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * A web page of somewhere else must not command the reactor through a visitor's browser: a command that carries an Origin
 * must come from this service's own page. With `hostNames` given, the Host must also be one of them, localhost or an IP
 * address, so that a foreign name pointed at this machine does not pass for it.
 */
export function refuseForeignPages(hostNames?: readonly string[]) {
	return async (request: FastifyRequest): Promise<void> => {
		if (SAFE_METHODS.has(request.method)) return;
		const host = request.headers.host ?? "";
		const { origin } = request.headers;
		if (origin !== undefined && hostOf(origin) !== host.toLowerCase()) {
			throw new AdlayerError("ORIGIN_REFUSED", `A page of ${origin.slice(0, 100)} may not give commands here.`);
		}
		if (hostNames === undefined) return;
		const name = host
			.replace(/:\d+$/, "")
			.replace(/^\[|\]$/g, "")
			.toLowerCase();
		if (name === "localhost" || isIP(name) !== 0 || hostNames.includes(name)) return;
		throw new AdlayerError("ORIGIN_REFUSED", `This service is not known as ${name.slice(0, 100)}.`);
	};
}

function hostOf(origin: string): string | undefined {
	try {
		return new URL(origin).host.toLowerCase();
	} catch {
		return undefined;
	}
}
