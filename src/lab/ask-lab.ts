import { connect } from "node:net";
import { AdlayerError } from "#core/errors.js";
import type { TwinTruth } from "#twin/twin.js";
import type { LabRequest } from "./lab-socket.js";

/** A lab in the same machine answers within milliseconds; this much only when the machine is overloaded. */
const ANSWER_MS_MAX = 5000;

/** Asks a running lab what really happened. Rejects with LINK_UNREACHABLE or DEVICE_SILENT. */
export async function askTruth(path: string): Promise<TwinTruth> {
	const { truth } = (await askLab(path, { ask: "truth" })) as { truth: TwinTruth };
	return truth;
}

/** One request to the lab's socket; gives its answer. Rejects with what the lab refused, LINK_UNREACHABLE or DEVICE_SILENT. */
export function askLab(path: string, request: LabRequest): Promise<object> {
	return new Promise((resolve, reject) => {
		const socket = connect(path);
		let received = "";
		socket.setEncoding("utf8");
		socket.setTimeout(ANSWER_MS_MAX, () => {
			reject(
				new AdlayerError("DEVICE_SILENT", `The simulated lab at ${path} did not answer within ${ANSWER_MS_MAX} ms.`),
			);
			socket.destroy();
		});
		socket.on("error", (cause) => {
			reject(new AdlayerError("LINK_UNREACHABLE", `The simulated lab at ${path} cannot be reached.`, { cause }));
		});
		socket.on("close", () =>
			reject(new AdlayerError("LINK_UNREACHABLE", `The simulated lab at ${path} closed without an answer.`)),
		);
		socket.on("data", (text: string) => {
			received += text;
			const end = received.indexOf("\n");
			if (end < 0) return;
			const reply = JSON.parse(received.slice(0, end)) as { error?: Parameters<typeof AdlayerError.fromJSON>[0] };
			if (reply.error === undefined) resolve(reply);
			else reject(AdlayerError.fromJSON(reply.error));
			socket.destroy();
		});
		socket.write(`${JSON.stringify(request)}\n`);
	});
}
