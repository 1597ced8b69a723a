/** Bytes from the service into a file, with progress for people. */
import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import type { Output } from "#cli/output.js";
import type { Clock } from "#core/clock.js";

/** On a terminal the line is renewed this often; elsewhere a line comes so seldom that a log stays readable. */
const TERMINAL_MS = 250;
const LOG_MS = 10_000;

export interface SaveOptions {
	readonly out: Output;
	readonly clock: Clock;
	readonly label: string;
}

/** Gives the number of bytes. The file must not be there yet. */
export async function saveStream(
	bytes: AsyncIterable<Uint8Array>,
	path: string,
	{ out, clock, label }: SaveOptions,
): Promise<number> {
	const isTerminal = out.people.isTTY === true;
	const startMs = clock.nowMs();
	let saidMs = startMs;
	let received = 0;
	const said = (): string =>
		`${label}: ${(received / 1e6).toFixed(1)} MB in ${((clock.nowMs() - startMs) / 1_000).toFixed(0)} s`;
	async function* watched(): AsyncGenerator<Uint8Array> {
		for await (const part of bytes) {
			received += part.length;
			const nowMs = clock.nowMs();
			if (nowMs - saidMs >= (isTerminal ? TERMINAL_MS : LOG_MS)) {
				saidMs = nowMs;
				out.people.write(isTerminal ? `\r${said().padEnd(out.width - 1)}` : `${said()}\n`);
			}
			yield part;
		}
	}
	try {
		await pipeline(watched(), createWriteStream(path, { flags: "wx" }));
	} finally {
		if (isTerminal && saidMs !== startMs) out.people.write("\n");
	}
	return received;
}
