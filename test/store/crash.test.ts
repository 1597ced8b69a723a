import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readAcknowledgement } from "#journal/acknowledgement.js";
import type { JournalWriter } from "#journal/writer.js";
import type { Store } from "#store/open.js";
import {
	audit,
	clock,
	count,
	openTestStore,
	openWriter,
	query,
	removeFolders,
	temporaryFolder,
	until,
} from "./support.js";

const folder = temporaryFolder();
let writer: JournalWriter;
let store: Store;
let dataFolder: string | undefined;
let number = 0;

function countOn(howMany: number): void {
	for (let index = 0; index < howMany; index += 1) count(writer, ++number);
}

function childrenOf(pid: number): number[] {
	return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number);
}

async function allThere(): Promise<void> {
	await writer.synced();
	await until(() => store.ingester.position === writer.lastSeq);
	expect(await audit(store.url()!)).toEqual({
		samples: number,
		distinct: number,
		highest: number,
		events: Math.floor(number / 10),
		counted: number,
	});
}

beforeAll(async () => {
	writer = openWriter(join(folder, "journal"));
	store = openTestStore(folder);
	await until(() => store.health().state === "ready");
	dataFolder = store.embedded!.dataFolder;
});

afterAll(async () => {
	await store?.close();
	await writer?.close();
	removeFolders(folder, dataFolder);
});

describe("nothing is lost or doubled", () => {
	it("when PostgreSQL is killed in the middle, again and again", async () => {
		for (let round = 0; round < 3; round += 1) {
			const old = store.embedded!.pid!;
			const written = store.ingester.position;
			countOn(60_000);
			await until(() => store.ingester.position > written);
			process.kill(old, "SIGKILL");
			countOn(1000);
			await until(() => store.embedded!.pid !== undefined && store.embedded!.pid !== old);
			await until(() => store.health().state === "ready");
		}
		await allThere();
	});

	it("when PostgreSQL hangs without ending: that is told as away, and taken up when it goes on", async () => {
		const { pid } = store.embedded!;
		const processes = [pid!, ...childrenOf(pid!)];
		for (const each of processes) process.kill(each, "SIGSTOP");
		try {
			countOn(1_000);
			await until(() => store.health().state === "unavailable");
			expect(store.health().detail).toContain("does not answer");
		} finally {
			for (const each of processes) process.kill(each, "SIGCONT");
		}
		await until(() => store.health().state === "ready");
		await allThere();
	});

	it("when the ingesting process is killed in the middle", async () => {
		await store.ingester.stop();
		const url = store.url()!;
		let child: ChildProcess | undefined;
		const position = async () =>
			Number((await query<{ seq: string }>(url, "SELECT seq FROM journal_position"))[0]!.seq);
		for (let round = 0; round < 2; round += 1) {
			const before = await position();
			countOn(200_000);
			await writer.synced();
			child = spawn(
				process.execPath,
				[
					"--conditions=source",
					"--import",
					"tsx",
					join(import.meta.dirname, "ingest-child.ts"),
					join(folder, "journal"),
					url,
				],
				{ stdio: "inherit" },
			);
			const ended = new Promise((resolve) => child!.once("exit", resolve));
			await until(async () => (await position()) > before);
			child.kill("SIGKILL");
			await ended;
			expect(await position()).toBeLessThan(writer.lastSeq);
		}
		await store.close();
		store = openTestStore(folder);
		await allThere();
	});

	it("and the reader acknowledges what is safe, at rest all of it", async () => {
		await until(() => readAcknowledgement(join(folder, "journal"), "store")?.seq === writer.lastSeq);
	});

	it("when two take the same journal over at once", async () => {
		const second = openTestStore(folder, { databaseUrl: store.url()! });
		for (let round = 0; round < 10; round += 1) {
			countOn(500);
			await clock.sleep(30);
		}
		await allThere();
		await second.close();
	});
});

describe("the embedded server", () => {
	it("ends in order when the process that started it is killed, and its data are there again", async () => {
		await store.close();
		const script = `
			import { SystemClock } from "#core/clock.js";
			import { startEmbeddedPostgres } from "#store/embedded-postgres.js";
			const server = await startEmbeddedPostgres({ folder: ${JSON.stringify(join(folder, "postgres"))}, clock: new SystemClock() });
			console.log(JSON.stringify({ pid: server.pid }));
			setInterval(() => {}, 1000);`;
		const child = spawn(
			process.execPath,
			["--conditions=source", "--import", "tsx", "--input-type=module", "-e", script],
			{ stdio: ["ignore", "pipe", "inherit"] },
		);
		const line = await new Promise<string>((resolve) => child.stdout.once("data", (data) => resolve(String(data))));
		const { pid } = JSON.parse(line) as { pid: number };
		expect(existsSync(`/proc/${pid}`)).toBe(true);
		child.kill("SIGKILL");
		await until(() => !existsSync(`/proc/${pid}`));
		expect(readFileSync(join(dataFolder!, "postgres.log"), "utf8").trimEnd()).toMatch(/database system is shut down$/);
		store = openTestStore(folder);
		await until(() => store.health().state === "ready");
		await allThere();
	});

	it("that was left running is taken over", async () => {
		const { startEmbeddedPostgres } = await import("#store/embedded-postgres.js");
		const again = await startEmbeddedPostgres({ folder: join(folder, "postgres"), clock });
		expect(again).toMatchObject({ adopted: true, pid: store.embedded!.pid, url: store.url() });
	});
});
