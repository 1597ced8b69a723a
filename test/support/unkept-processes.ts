/** The processes of one data folder without a launcher that starts again what dies: what is killed stays dead. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import type { StartOptions } from "#cli/launcher.js";
import { ROOT, SIMULATED_LAB_FILE } from "#src/processes/files.js";
import { PROCESS_VARIABLE, type ProcessName } from "#src/processes/main.js";
import type { ProcessOptions } from "#src/processes/process.js";
import type { StartedSystem } from "#src/start.js";

const NAMES = ["lab", "control", "service"] as const satisfies readonly ProcessName[];

export class UnkeptProcesses implements StartedSystem {
	readonly simulated = true;
	url = "";
	mqttUrl = "";
	private readonly children = new Map<ProcessName, ChildProcess>();

	private constructor(private readonly options: ProcessOptions) {}

	static async start({
		dataDir,
		labFile = SIMULATED_LAB_FILE,
		speed = 1,
		port = 0,
	}: StartOptions): Promise<UnkeptProcesses> {
		mkdirSync(join(dataDir, "logs"), { recursive: true });
		const processes = new UnkeptProcesses({ dataDir, labFile, speed, port });
		for (const name of NAMES) await processes.begin(name);
		return processes;
	}

	get dataDir(): string {
		return this.options.dataDir;
	}

	get speed(): number {
		return this.options.speed;
	}

	pids(): Record<string, number> {
		return Object.fromEntries([...this.children].map(([name, { pid }]) => [name, pid ?? 0]));
	}

	/** Resolves when the process is ready; rejects with what it failed of. */
	async begin(name: ProcessName): Promise<void> {
		const output = openSync(join(this.dataDir, "logs", `${name}.log`), "a");
		const child = fork(join(ROOT, "dist/src/processes/main.js"), [], {
			env: { ...process.env, [PROCESS_VARIABLE]: JSON.stringify({ name, options: this.options }) },
			stdio: ["ignore", output, output, "ipc"],
			execArgv: [],
		});
		closeSync(output);
		this.children.set(name, child);
		const ready = await new Promise<Record<string, unknown>>((resolve, reject) => {
			child.on("message", (message: { ready?: Record<string, unknown>; failed?: object }) => {
				if (message.ready !== undefined) resolve(message.ready);
				else reject(new Error(`${name}: ${JSON.stringify(message.failed)}`));
			});
			child.on("exit", (code, signal) => reject(new Error(`${name} ended: ${signal ?? code}`)));
		});
		if (name === "service") Object.assign(this, { url: ready.url, mqttUrl: ready.mqttUrl });
	}

	/** By -9; resolves once the process is gone. */
	async kill(name: ProcessName): Promise<void> {
		await this.end(name, "SIGKILL");
	}

	async labTruth(): Promise<null> {
		return null;
	}

	async stop(): Promise<void> {
		for (const name of [...NAMES].reverse()) await this.end(name, "SIGTERM");
	}

	private async end(name: ProcessName, signal: NodeJS.Signals): Promise<void> {
		const child = this.children.get(name);
		this.children.delete(name);
		if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
		const gone = once(child, "exit");
		child.kill(signal);
		await gone;
	}
}
