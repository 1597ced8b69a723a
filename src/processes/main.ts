/** The entry of every process; the launcher forks it, the command line calls it. */
import { AdlayerError } from "#core/errors.js";
import { type ProcessOptions, runProcess, type Started } from "#src/processes/process.js";

export type ProcessName = "lab" | "control" | "service";

/** Each process loads only its own rooms. */
const START: Record<ProcessName, () => Promise<(options: ProcessOptions) => Promise<Started>>> = {
	lab: async () => (await import("#src/processes/lab.js")).startLabProcess,
	control: async () => (await import("#src/processes/control.js")).startControl,
	service: async () => (await import("#src/processes/service.js")).startService,
};

/** Name of the environment variable by which the launcher says what to run, as JSON {name, options}. */
export const PROCESS_VARIABLE = "ADLAYER_PROCESS";

export async function runNamed(name: ProcessName, options: ProcessOptions): Promise<void> {
	if (!Object.hasOwn(START, name)) throw new AdlayerError("USAGE", `There is no process ${name}.`);
	await runProcess(name, options, await START[name]());
}

const ordered = process.env[PROCESS_VARIABLE];
if (ordered !== undefined) {
	// Not for children of this process.
	delete process.env[PROCESS_VARIABLE];
	const { name, options } = JSON.parse(ordered) as { name: ProcessName; options: ProcessOptions };
	await runNamed(name, options);
}
