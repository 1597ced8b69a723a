/** The launcher: starts what the lab file asks for, one process each, and restarts what dies. */
import { type ChildProcess, fork } from "node:child_process";
import { closeSync, openSync, renameSync, statSync } from "node:fs";
import { setPriority } from "node:os";
import { join, resolve } from "node:path";
import type { LabTruth, RunningSystem, StartOptions } from "#cli/launcher.js";
import { DEFAULT_PORT } from "#cli/places.js";
import { AdlayerError } from "#core/errors.js";
import { askTruth } from "#lab/ask-lab.js";
import { loadLabFile } from "#src/config.js";
import { dataFolder, makeFolder, ROOT, SIMULATED_LAB_FILE } from "#src/processes/files.js";
import { PROCESS_VARIABLE, type ProcessName } from "#src/processes/main.js";
import type { ProcessOptions } from "#src/processes/process.js";

/** The launcher's own view: as the command line sees it, and the process ids by name as they are now. */
export interface StartedSystem extends RunningSystem {
	pids(): Record<string, number>;
}

/** So that neither service nor database can starve control. */
const SERVICE_NICE = 10;

const LOG_BYTES_MAX = 10 * 1024 * 1024;
const READY_MS_MAX = 60_000;
const STOP_MS_MAX = 20_000;
/** Waits before a dead process is started again: doubled each time, until it has lived for a minute. */
const RESTART_MS_FIRST = 250;
const RESTART_MS_LAST = 10_000;
const HEALTHY_AFTER_MS = 60_000;

/** Starts everything; rejects with the first process's own error when one cannot start. */
export async function startAll(options: StartOptions): Promise<StartedSystem> {
	const labFile = resolve(options.labFile ?? SIMULATED_LAB_FILE);
	const lab = loadLabFile(labFile);
	if (options.simulate && !lab.simulated)
		throw new AdlayerError(
			"USAGE",
			`${labFile} describes real hardware; a lab file with a simulation section can be simulated.`,
		);
	const speed = options.speed ?? 1;
	if (!(speed > 0 && Number.isFinite(speed)))
		throw new AdlayerError("USAGE", `Speed ${speed} is not a positive number.`);
	if (speed !== 1 && !lab.simulated)
		throw new AdlayerError("USAGE", `Speed ${speed} needs a simulated lab; ${labFile} describes real hardware.`);
	const dataDir = resolve(options.dataDir);
	makeFolder(join(dataDir, "logs"));
	const handedDown: ProcessOptions = { dataDir, labFile, speed, port: options.port ?? DEFAULT_PORT };
	const { log } = options;
	const names: ProcessName[] = lab.simulated ? ["lab", "control", "service"] : ["control", "service"];
	const keepers = new Map(names.map((name) => [name, new Keeper(name, handedDown, log)]));
	const stop = async () => {
		// The service first, control before the lab: control brings the instruments to rest while they are there.
		for (const name of [...names].reverse()) await keepers.get(name)!.stop();
	};
	try {
		let ready: Record<string, unknown> = {};
		for (const name of names) ready = await keepers.get(name)!.start();
		const { url, mqttUrl } = ready as { url: string; mqttUrl: string };
		return {
			url,
			mqttUrl,
			dataDir,
			speed,
			simulated: lab.simulated,
			pids: () => Object.fromEntries([...keepers].map(([name, keeper]) => [name, keeper.pid])),
			labTruth: async () =>
				lab.simulated ? truthOf(await askTruth(dataFolder(dataDir).truthSocket), lab.content.simulation!.foil) : null,
			stop,
		};
	} catch (thrown) {
		await stop();
		throw thrown;
	}
}

function truthOf(
	{ thicknessNm, interlayerNm, lithiatedFraction, peakFoilC, melted }: Awaited<ReturnType<typeof askTruth>>,
	foil: string,
): LabTruth {
	return { thicknessNm, interlayerNm, lithiatedFraction, peakFoilC, melted, foil };
}

/** Keeps one process alive. */
class Keeper {
	private child: ChildProcess | undefined;
	private isStopping = false;
	private restartMs = RESTART_MS_FIRST;

	constructor(
		private readonly name: ProcessName,
		private readonly options: ProcessOptions,
		private readonly log: (line: string) => void,
	) {}

	get pid(): number {
		return this.child?.pid ?? 0;
	}

	/** Resolves with what the process says when it is ready. */
	start(): Promise<Record<string, unknown>> {
		const logFile = join(this.options.dataDir, "logs", `${this.name}.log`);
		keepSmall(logFile);
		const output = openSync(logFile, "a");
		const child = fork(join(ROOT, "dist/src/processes/main.js"), [], {
			env: { ...process.env, [PROCESS_VARIABLE]: JSON.stringify({ name: this.name, options: this.options }) },
			stdio: ["ignore", output, output, "ipc"],
			// Processes run what is built, however the launcher itself was started.
			execArgv: [],
			// Ctrl-C reaches the launcher alone, which then stops them in order.
			detached: true,
		});
		closeSync(output);
		this.child = child;
		if (this.name === "service" && child.pid !== undefined) setPriority(child.pid, SERVICE_NICE);
		const startedMs = performance.now();
		return new Promise((resolve, reject) => {
			const late = setTimeout(() => {
				child.kill("SIGKILL");
				reject(
					new AdlayerError(
						"INTERNAL",
						`The ${this.name} process was not ready within ${READY_MS_MAX / 1_000} s; see ${logFile}.`,
					),
				);
			}, READY_MS_MAX);
			let isReady = false;
			child.on(
				"message",
				(message: { ready?: Record<string, unknown>; failed?: Parameters<typeof AdlayerError.fromJSON>[0] }) => {
					if (message.ready !== undefined) {
						isReady = true;
						clearTimeout(late);
						resolve(message.ready);
					} else if (message.failed !== undefined) reject(AdlayerError.fromJSON(message.failed));
				},
			);
			child.on("error", reject);
			child.on("exit", (code, signal) => {
				clearTimeout(late);
				this.child = undefined;
				if (!isReady)
					reject(
						new AdlayerError(
							"INTERNAL",
							`The ${this.name} process ended before it was ready (${signal ?? code}); see ${logFile}.`,
						),
					);
				else if (!this.isStopping) this.restart(signal ?? String(code), performance.now() - startedMs);
			});
		});
	}

	async stop(): Promise<void> {
		this.isStopping = true;
		const { child } = this;
		if (child === undefined || child.exitCode !== null) return;
		const exited = new Promise((resolve) => child.once("exit", resolve));
		child.kill("SIGTERM");
		const late = setTimeout(() => child.kill("SIGKILL"), STOP_MS_MAX);
		await exited;
		clearTimeout(late);
	}

	private restart(cause: string, livedMs: number): void {
		if (livedMs > HEALTHY_AFTER_MS) this.restartMs = RESTART_MS_FIRST;
		this.log(`The ${this.name} process ended (${cause}); starting it again.`);
		setTimeout(() => {
			if (this.isStopping) return;
			Promise.resolve()
				.then(() => this.start())
				.catch((thrown: Error) => {
					this.log(`The ${this.name} process could not be started again: ${thrown.message}`);
					if (!this.isStopping) this.restart("failed start", 0);
				});
		}, this.restartMs);
		this.restartMs = Math.min(RESTART_MS_LAST, this.restartMs * 2);
	}
}

/** A log that has grown too long makes room at the next start; one older file is kept. */
function keepSmall(file: string): void {
	if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > LOG_BYTES_MAX) renameSync(file, `${file}.1`);
}
