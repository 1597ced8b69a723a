/** A database and a broker beside the product, as a site may run them; the processes of the product find them in the environment. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SystemClock } from "#core/clock.js";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "#store/embedded-postgres.js";
import { MOSQUITTO, Mosquitto } from "./mosquitto.js";

export class OutsideServices {
	private readonly clock = new SystemClock();

	private constructor(
		/** Gone in the end. */
		readonly folder: string,
		private running: EmbeddedPostgres,
		/** Undefined where Mosquitto is not installed. */
		readonly broker: Mosquitto | undefined,
	) {
		process.env.DATABASE_URL = running.url;
		if (broker !== undefined) process.env.MQTT_URL = broker.url;
	}

	static async started(): Promise<OutsideServices> {
		const folder = mkdtempSync(join(tmpdir(), "adlayer-outside-"));
		const postgres = await startEmbeddedPostgres({ folder, clock: new SystemClock() });
		return new OutsideServices(folder, postgres, MOSQUITTO === undefined ? undefined : await Mosquitto.started());
	}

	get databaseUrl(): string {
		return this.running.url;
	}

	killDatabase(): void {
		process.kill(this.running.pid, "SIGKILL");
	}

	/** On the same port as before, with what it had stored. */
	async restartDatabase(): Promise<void> {
		await this.running.exited;
		const { folder, clock, running } = this;
		this.running = await startEmbeddedPostgres({ folder, clock, preferredPort: running.port });
	}

	async stop(): Promise<void> {
		delete process.env.DATABASE_URL;
		delete process.env.MQTT_URL;
		await this.running.stop();
		this.broker?.stop();
		rmSync(this.folder, { recursive: true, force: true });
	}
}
