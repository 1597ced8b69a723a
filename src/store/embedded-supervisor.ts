import type { Clock } from "#core/clock.js";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "./embedded-postgres.js";

const RETRY_FIRST_MS = 500;
const RETRY_LAST_MS = 10_000;

/** Keeps an embedded PostgreSQL running: started in the background, and again whenever it ends. */
export class EmbeddedSupervisor {
	private readonly stopping = new AbortController();
	private server: EmbeddedPostgres | undefined;
	private port: number | undefined;
	private lastProblem = "";
	private readonly running: Promise<void>;

	constructor(
		private readonly folder: string,
		private readonly clock: Clock,
	) {
		this.running = this.run();
	}

	/** Address of the running server; undefined while there is none. */
	get url(): string | undefined {
		return this.server?.url;
	}

	/** Process id of the running server. */
	get pid(): number | undefined {
		return this.server?.pid;
	}

	/** Where the files really are, once the server has been started. */
	get dataFolder(): string | undefined {
		return this.server?.dataFolder;
	}

	/** Why there is no server. */
	get problem(): string {
		return this.lastProblem;
	}

	/** Ends the server in order. */
	async stop(): Promise<void> {
		this.stopping.abort();
		await this.server?.stop();
		await this.running;
	}

	private async run(): Promise<void> {
		const { signal } = this.stopping;
		let waitMs = RETRY_FIRST_MS;
		while (!signal.aborted) {
			try {
				const server = await startEmbeddedPostgres({
					folder: this.folder,
					clock: this.clock,
					...(this.port === undefined ? {} : { preferredPort: this.port }),
				});
				this.server = server;
				this.port = server.port;
				this.lastProblem = "";
				waitMs = RETRY_FIRST_MS;
				if (signal.aborted) await server.stop();
				await server.exited;
				this.lastProblem = "PostgreSQL ended and is started again.";
			} catch (error) {
				this.lastProblem = error instanceof Error ? error.message : String(error);
			}
			this.server = undefined;
			await this.clock.sleep(waitMs, signal).catch(() => {});
			waitMs = Math.min(waitMs * 2, RETRY_LAST_MS);
		}
	}
}
