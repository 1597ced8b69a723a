import type { CliContext, Outcome } from "#cli/context.js";
import type { RunningSystem } from "#cli/launcher.js";
import { dataFolder, portFrom } from "#cli/places.js";

export interface StartOptions {
	readonly simulate?: boolean;
	readonly speed?: number;
	readonly data?: string;
	readonly lab?: string;
	readonly port?: number;
}

/** Starts all processes and stays until it is interrupted. */
export async function start(context: CliContext, options: StartOptions): Promise<Outcome> {
	const { out, env, interrupted, launcher } = context;
	const startAll = await launcher();
	const port = portFrom(options.port, env);
	const system = await startAll({
		simulate: options.simulate ?? false,
		dataDir: dataFolder(options.data, env),
		log: (line) => out.log(line),
		...(options.speed === undefined ? {} : { speed: options.speed }),
		...(options.lab === undefined ? {} : { labFile: options.lab }),
		...(port === undefined ? {} : { port }),
	});
	for (const line of systemLines(system)) out.line(line);
	const { url, dataDir, mqttUrl, simulated, speed } = system;
	out.result({ ok: true, url, dataDir, mqttUrl, simulated, speed });
	await interruption(interrupted);
	await system.stop();
	return 0;
}

export function systemLines({ url, dataDir, mqttUrl, simulated, speed }: RunningSystem): string[] {
	return [
		simulated ? `SIMULATED lab at speed ×${speed}` : "Control of real hardware",
		`Page  ${url}/`,
		`REST  ${url}/docs`,
		`MQTT  ${mqttUrl}`,
		`Data  ${dataDir}`,
	];
}

export function interruption(interrupted: AbortSignal): Promise<void> {
	if (interrupted.aborted) return Promise.resolve();
	return new Promise((resolve) => {
		// A pending promise alone does not keep a process alive, should all else that runs be elsewhere.
		const alive = setInterval(() => {}, 60_000);
		interrupted.addEventListener(
			"abort",
			() => {
				clearInterval(alive);
				resolve();
			},
			{ once: true },
		);
	});
}
