/** What every process has in common: its options, saying that it is ready, ending in order. */
import { setPriority } from "node:os";
import { asAdlayerError } from "#core/errors.js";

/** Options that the launcher hands down; each process takes what it needs. */
export interface ProcessOptions {
	readonly dataDir: string;
	readonly labFile: string;
	/** Lab time per real time; other than 1 only in a simulated lab. */
	readonly speed: number;
	readonly port: number;
}

const FIRST_PRIORITY = -10;

/**
 * For control, and for the simulated lab that stands for its instruments: before everything else on the machine, where the
 * system lets us. Without the privilege they run at the normal priority and the service below it.
 */
export function runFirst(): void {
	try {
		setPriority(FIRST_PRIORITY);
	} catch {}
}

/** An ending that takes longer than this is cut short. */
const ENDING_MS_MAX = 15_000;

/** A process that has started: what it tells its launcher, and how it ends. */
export interface Started {
	readonly ready: Readonly<Record<string, unknown>>;
	stop(): Promise<void>;
}

/** Runs one process to its end: starts it, reports readiness on the parent's channel and stderr, ends on signals. */
export async function runProcess(
	name: string,
	options: ProcessOptions,
	start: (options: ProcessOptions) => Promise<Started>,
): Promise<void> {
	process.title = `adlayer ${name}`;
	try {
		const started = await start(options);
		let ending = false;
		const end = (cause: string) => {
			if (ending) return;
			ending = true;
			setTimeout(() => process.exit(1), ENDING_MS_MAX).unref();
			started.stop().then(
				() => process.exit(0),
				(thrown) => {
					console.error(`adlayer ${name}: ending after ${cause} failed: ${asAdlayerError(thrown).message}`);
					process.exit(1);
				},
			);
		};
		process.on("SIGTERM", () => end("SIGTERM"));
		process.on("SIGINT", () => end("SIGINT"));
		// A launcher that dies leaves nobody to restart or stop this process.
		process.on("disconnect", () => end("the loss of its launcher"));
		process.send?.({ ready: started.ready });
		console.error(`adlayer ${name}: ready`);
	} catch (thrown) {
		const error = asAdlayerError(thrown);
		process.send?.({ failed: error.toJSON() });
		console.error(`adlayer ${name}: ${error.code}: ${error.message}`);
		for (const problem of error.problems)
			console.error(`  ${problem.line ?? ""}:${problem.column ?? ""} ${problem.message}`);
		// Lets the message to the launcher out first.
		setTimeout(() => process.exit(1), 50);
	}
}
