import { createServer, type Socket } from "node:net";
import { AdlayerError, asAdlayerError } from "#core/errors.js";
import { JsonLines } from "#transport/pace-client.js";
import type { TwinTruth } from "#twin/twin.js";
import { listenLocal } from "./local-socket.js";
import type { SimulatedLab } from "./simulated-lab.js";

/** Questions and faults for a running lab, one JSON object a line; each is answered by one line. */
export type LabRequest =
	| { readonly ask: "truth" }
	| { readonly fault: "power-cycle"; readonly instrument: string }
	| { readonly fault: "silence"; readonly instrument: string; readonly on: boolean }
	| { readonly fault: "pump-stopped" | "lid-open" | "carrier-lost" | "glovebox-leak"; readonly on: boolean };

export type LabReply = { readonly truth: TwinTruth } | { readonly ok: true } | { readonly error: object };

const REQUEST_CHARS_MAX = 4096;

type Fault = (lab: SimulatedLab, request: { instrument: string; on: boolean }) => void;

const FAULTS: Readonly<Record<string, Fault>> = {
	"power-cycle": (lab, { instrument }) => lab.powerCycle(instrument),
	silence: (lab, { instrument, on }) => lab.silence(instrument, on),
	"pump-stopped": (lab, { on }) => lab.twin.setPump(!on),
	"lid-open": (lab, { on }) => lab.twin.setLid(!on),
	"carrier-lost": (lab, { on }) => lab.twin.setCarrierSupply(!on),
	"glovebox-leak": (lab, { on }) => {
		lab.twin.glovebox.isLeaking = on;
	},
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
		const { ask, fault, instrument, on } = (message ?? {}) as Record<string, unknown>;
		if (ask === "truth") return { truth: lab.truth() };
		const act = typeof fault === "string" && Object.hasOwn(FAULTS, fault) ? FAULTS[fault] : undefined;
		if (act === undefined) {
			throw new AdlayerError("USAGE", `The lab answers ask: truth and fault: ${Object.keys(FAULTS).join(", ")}.`);
		}
		act(lab, { instrument: String(instrument ?? ""), on: on !== false });
		return { ok: true };
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
