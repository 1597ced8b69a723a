/** Mosquitto as the external broker of a test, on a port of its own. It keeps nothing on disk: killed, it has lost its memory. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Path of the program; undefined where it is not installed, which ADLAYER_TEST_ALL=1 does not allow. */
export const MOSQUITTO = ["mosquitto", "/usr/sbin/mosquitto"].find(
	(path) => spawnSync(path, ["-h"]).error === undefined,
);
if (MOSQUITTO === undefined && process.env.ADLAYER_TEST_ALL === "1")
	throw new Error("mosquitto is missing: apt-get install mosquitto");

export class Mosquitto {
	private child: ChildProcess | undefined;

	private constructor(
		private readonly folder: string,
		readonly url: string,
	) {
		this.start();
	}

	static async started(): Promise<Mosquitto> {
		const folder = mkdtempSync(join(tmpdir(), "adlayer-mosquitto-"));
		const port = await freePort();
		writeFileSync(join(folder, "mosquitto.conf"), `listener ${port} 127.0.0.1\nallow_anonymous true\n`);
		return new Mosquitto(folder, `mqtt://127.0.0.1:${port}`);
	}

	/** On the same port as before. */
	start(): void {
		this.child = spawn(MOSQUITTO!, ["-c", join(this.folder, "mosquitto.conf")], { stdio: "ignore" });
	}

	kill(): void {
		this.child?.kill("SIGKILL");
	}

	stop(): void {
		this.kill();
		rmSync(this.folder, { recursive: true, force: true });
	}
}

export async function freePort(): Promise<number> {
	const server = createServer();
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	const { port } = server.address() as AddressInfo;
	await new Promise((resolve) => server.close(resolve));
	return port;
}
