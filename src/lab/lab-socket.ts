import { createServer, type Socket } from "node:net";
import { AdlayerError, asAdlayerError } from "#core/errors.js";
import { JsonLines } from "#transport/pace-client.js";
import type { Movement } from "#twin/movements.js";
import type { TwinTruth } from "#twin/twin.js";
import type { ActiveFault, FaultOffer, FaultRequest } from "./faults.js";
import { listenLocal } from "./local-socket.js";
import type { SimulatedLab } from "./simulated-lab.js";

/** Questions and faults for a running lab, one JSON object a line; each is answered by one line. */
export type LabRequest =
	| { readonly ask: "truth" | "faults" | "movements" }
	| ({ readonly fault: string } & Omit<FaultRequest, "kind">)
	| { readonly clear: string | null; readonly target?: string };

/** All kinds with their targets in this lab, and what is active at lab time `atS`. */
export interface FaultsReply {
	readonly atS: number;
	readonly kinds: readonly FaultOffer[];
	readonly active: readonly ActiveFault[];
}

/** What really moved and when, and when each instrument last heard anything; all in lab time, which is `atMs` now. */
export interface MovementsReply {
	readonly atMs: number;
	readonly heardMs: Readonly<Record<string, number | null>>;
	readonly movements: readonly Movement[];
}

export type LabReply =
	| { readonly truth: TwinTruth }
	| MovementsReply
	| FaultsReply
	| { readonly fault: ActiveFault }
	| { readonly cleared: readonly ActiveFault[] }
	| { readonly error: object };

const REQUEST_CHARS_MAX = 4096;
const KEYS: Readonly<Record<string, readonly string[]>> = {
	ask: [],
	fault: ["target", "value", "forS", "seed"],
	clear: ["target"],
};

/** Answers on a local socket. `advance` brings the lab to its present first. Rejects with LINK_UNREACHABLE. */
export async function openLabSocket(
	lab: SimulatedLab,
	path: string,
	advance: () => void,
): Promise<{ close(): Promise<void> }> {
	const sockets = new Set<Socket>();
	const answer = (message: unknown): LabReply => {
		advance();
		const request = (message ?? {}) as Readonly<Record<string, unknown>>;
		const what = Object.keys(KEYS).find((key) => Object.hasOwn(request, key));
		const unknown = Object.keys(request).filter((key) => key !== what && !KEYS[what ?? ""]?.includes(key));
		const isKnown = what !== "ask" || ["truth", "faults", "movements"].includes(request.ask as string);
		if (what === undefined || unknown.length > 0 || !isKnown) {
			const wrong = unknown.length > 0 ? ` It does not know ${unknown.join(", ")}.` : "";
			throw new AdlayerError(
				"USAGE",
				`The lab takes ask: truth, ask: faults, ask: movements, fault: KIND and clear: KIND.${wrong}`,
			);
		}
		const { target, value, forS, seed } = request as Omit<FaultRequest, "kind">;
		const on = target === undefined ? {} : { target };
		if (what === "ask") {
			if (request.ask === "truth") return { truth: lab.truth() };
			if (request.ask === "movements")
				return { atMs: lab.nowMs, heardMs: lab.heardMs, movements: lab.twin.movements.list };
			return { atS: lab.nowMs / 1000, kinds: lab.faults.offers, active: lab.faults.active };
		}
		if (what === "clear") {
			const kind = request.clear === null ? {} : { kind: request.clear as string };
			return { cleared: lab.faults.clear({ ...kind, ...on }) };
		}
		const rest = { ...(value === undefined ? {} : { value }), ...(forS === undefined ? {} : { forS }) };
		return {
			fault: lab.faults.begin({
				kind: request.fault as string,
				...on,
				...rest,
				...(seed === undefined ? {} : { seed }),
			}),
		};
	};
	const server = createServer((socket) => {
		sockets.add(socket);
		socket.setEncoding("utf8");
		const lines = new JsonLines(REQUEST_CHARS_MAX);
		const reply = (body: LabReply) => socket.write(`${JSON.stringify(body)}\n`);
		const tried = (make: () => LabReply): LabReply => {
			try {
				return make();
			} catch (failure) {
				return { error: asAdlayerError(failure).toJSON() };
			}
		};
		socket.on("data", (text: string) => {
			try {
				for (const message of lines.push(text)) reply(tried(() => answer(message)));
			} catch (failure) {
				// What is not JSON cannot be told apart into requests any more.
				socket.end(`${JSON.stringify({ error: asAdlayerError(failure).toJSON() })}\n`);
			}
		});
		socket.on("error", () => {});
		socket.on("close", () => sockets.delete(socket));
	});
	await listenLocal(server, path);
	return {
		close: () =>
			new Promise((resolve) => {
				server.close(() => resolve());
				for (const socket of sockets) socket.destroy();
			}),
	};
}
