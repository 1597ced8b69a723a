/** One process of the system alone, for systemd units and containers; it stays until it is told to end. */
import type { CliContext, Outcome } from "#cli/context.js";
import { DEFAULT_PORT, dataFolder, portFrom } from "#cli/places.js";
import { AdlayerError } from "#core/errors.js";

export interface ProcessCommandOptions {
	readonly data?: string;
	readonly lab?: string;
	readonly speed?: number;
	readonly port?: number;
}

export async function runOneProcess(
	context: CliContext,
	name: "lab" | "control" | "service",
	options: ProcessCommandOptions,
): Promise<Outcome> {
	const { lab } = options;
	if (lab === undefined) throw new AdlayerError("USAGE", `adlayer ${name} needs a lab file: --lab FILE.`);
	const { runNamed } = await import("#src/processes/main.js");
	await runNamed(name, {
		dataDir: dataFolder(options.data, context.env),
		labFile: lab,
		speed: options.speed ?? 1,
		port: portFrom(options.port, context.env) ?? DEFAULT_PORT,
	});
	// The process ends itself, in its own order, when it is told to.
	return new Promise<never>(() => {});
}
