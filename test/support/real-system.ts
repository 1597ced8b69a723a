/** The whole system as real processes over real ptys and sockets, for what only real time can show. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as rest } from "node:timers/promises";
import type { StartOptions } from "#cli/launcher.js";
import { ControlClient } from "#control-link/client.js";
import { SystemClock } from "#core/clock.js";
import { JournalReader } from "#journal/reader.js";
import type { JournalRecord } from "#record/records.js";
import type { ControlStatus } from "#record/status.js";
import { dataFolder } from "#src/processes/files.js";
import { type StartedSystem, startAll } from "#src/start.js";

export class RealSystem<System extends StartedSystem = StartedSystem> {
	readonly control: ControlClient;
	private constructor(
		readonly dataDir: string,
		readonly system: System,
		readonly log: string[],
	) {
		this.control = new ControlClient(dataFolder(dataDir).controlSocket);
	}

	/** Starts the simulated lab, control and service on a fresh data folder, from dist. */
	static async start(options: { speed: number; labFile?: string; port?: number }): Promise<RealSystem> {
		return RealSystem.startedBy(startAll, options);
	}

	/** The same by another launcher. */
	static async startedBy<System extends StartedSystem>(
		start: (options: StartOptions) => Promise<System>,
		options: { speed: number; labFile?: string; port?: number },
	): Promise<RealSystem<System>> {
		const dataDir = mkdtempSync(join(tmpdir(), "adlayer-real-"));
		const log: string[] = [];
		const system = await start({ simulate: true, port: 0, ...options, dataDir, log: (line) => log.push(line) });
		return new RealSystem(dataDir, system, log);
	}

	status(): Promise<ControlStatus> {
		return this.control.request("status", {});
	}

	/** Waits in real time until the condition on control's own status holds; fails after `limitMs`. */
	async until(condition: (status: ControlStatus) => boolean, limitMs: number, everyMs = 100): Promise<ControlStatus> {
		for (const endMs = performance.now() + limitMs; ; await rest(everyMs)) {
			const status = await this.status().catch(() => undefined);
			if (status !== undefined && condition(status)) return status;
			if (performance.now() > endMs)
				throw new Error(
					`Not within ${limitMs / 1_000} s; the run: ${JSON.stringify(status?.run)}; log: ${this.log.join(" | ")}`,
				);
		}
	}

	instrumentsReady(limitMs: number): Promise<ControlStatus> {
		return this.until(
			({ instruments }) => Object.values(instruments).every(({ state }) => state === "ready"),
			limitMs,
			20,
		);
	}

	async launch(recipeFile: string, set: Record<string, number> = {}): Promise<string> {
		return this.launchText(recipeFile, readFileSync(recipeFile, "utf8"), set);
	}

	async launchText(recipe: string, recipeText: string, set: Record<string, number> = {}): Promise<string> {
		const { run } = await this.control.request("launch", {
			recipe,
			recipeText,
			set,
			operator: "bench",
			acknowledge: [],
		});
		return run;
	}

	/** Everything in the journal until now. */
	async journal(): Promise<JournalRecord[]> {
		const reader = new JournalReader({
			dir: dataFolder(this.dataDir).journal,
			name: "test",
			clock: new SystemClock(),
			from: { journal: "", seq: 0 },
		});
		const records: JournalRecord[] = [];
		for (let batch = await reader.read(); batch !== undefined; batch = await reader.read())
			records.push(...batch.lines.map(({ record }) => record));
		await reader.close();
		return records;
	}

	/** What launcher and processes said, for the message of a failing test. */
	story(): string {
		const logs = join(this.dataDir, "logs");
		return [
			...this.log,
			...readdirSync(logs).map((name) => `${name}:\n${readFileSync(join(logs, name), "utf8")}`),
		].join("\n");
	}

	async stop(): Promise<void> {
		await this.system.stop();
		rmSync(this.dataDir, { recursive: true, force: true });
	}
}
