import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { ControlClient } from "#control-link/client.js";
import { type CommandHandler, MESSAGE_BYTES_MAX } from "#control-link/messages.js";
import { ControlServer } from "#control-link/server.js";
import { AdlayerError } from "#core/errors.js";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
	for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function socketPath(): string {
	const folder = mkdtempSync(join(tmpdir(), "adlayer-link-"));
	cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
	return join(folder, "control.sock");
}

async function serve(path: string) {
	const calls: unknown[] = [];
	const handle = (async (request) => {
		calls.push(request);
		if (request.command === "reset-interlock")
			throw new AdlayerError("PERMIT_REFUSED", "Chamber pressure 412 Pa is above 133 Pa.", { context: { pa: 412 } });
		return { seq: calls.length, result: { run: "r1", state: "running", call: calls.length } };
	}) as CommandHandler;
	const server = await ControlServer.listen({ socketPath: path, handle });
	cleanups.push(() => server.close());
	return { server, calls };
}

async function raw(path: string, bytes: string | Buffer): Promise<Record<string, unknown>> {
	const socket = connect(path);
	cleanups.push(() => socket.destroy());
	socket.on("error", () => {});
	socket.write(bytes);
	let text = "";
	while (!text.includes("\n")) text += String((await once(socket, "data"))[0]);
	return JSON.parse(text.slice(0, text.indexOf("\n")));
}

const hold = { command: "hold", by: "test" } as const;

describe("the control link", () => {
	it("does a command and answers with its journal number and result", async () => {
		const path = socketPath();
		const { calls } = await serve(path);
		const client = new ControlClient(path);
		expect(await client.requestWithSeq("command", hold, { ifState: "running" })).toMatchObject({
			seq: 1,
			result: { run: "r1" },
		});
		expect(calls[0]).toMatchObject({ v: 1, command: "command", args: hold, ifState: "running" });
		expect(statSync(path).mode & 0o777).toBe(0o660);
	});

	it("does a repeated id once, and gives the same answer", async () => {
		const path = socketPath();
		const { calls } = await serve(path);
		const client = new ControlClient(path);
		const answers = await Promise.all([1, 2, 3].map(() => client.requestWithSeq("command", hold, { id: "same" })));
		answers.push(await client.requestWithSeq("command", hold, { id: "same" }));
		expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
		expect(calls.length).toBe(1);
		expect(await client.requestWithSeq("command", hold)).toMatchObject({ seq: 2 });
	});

	it("brings control's errors across with code, message and numbers", async () => {
		const path = socketPath();
		await serve(path);
		await expect(
			new ControlClient(path).request("reset-interlock", { interlock: "x", by: "test" }),
		).rejects.toMatchObject({
			code: "PERMIT_REFUSED",
			message: "Chamber pressure 412 Pa is above 133 Pa.",
			context: { pa: 412 },
		});
	});

	it("refuses a message that is too long, at both ends, and lives on", async () => {
		const path = socketPath();
		await serve(path);
		const client = new ControlClient(path);
		const recipe = { recipe: "r", recipeText: "x".repeat(MESSAGE_BYTES_MAX), set: {}, operator: "o", acknowledge: [] };
		await expect(client.request("launch", recipe)).rejects.toMatchObject({ code: "MESSAGE_TOO_LARGE" });
		expect(await raw(path, Buffer.alloc(MESSAGE_BYTES_MAX + 1, "x"))).toMatchObject({
			error: { code: "MESSAGE_TOO_LARGE" },
		});
		expect(await client.request("launch", { ...recipe, recipeText: "x".repeat(60_000) })).toMatchObject({ run: "r1" });
	});

	it.each([
		["not JSON", "}{\n", ""],
		["no object", "[1]\n", ""],
		["null", "null\n", ""],
		["another version", '{"v":2,"id":"a","command":"status","args":{}}\n', "a"],
		["no id", '{"v":1,"command":"status","args":{}}\n', ""],
		["an unknown command", '{"v":1,"id":"b","command":"toString","args":{}}\n', "b"],
		["no arguments", '{"v":1,"id":"c","command":"status"}\n', "c"],
		["broken UTF-8", Buffer.from([0xff, 0xfe, 0x00, 0x0a]), ""],
	])("answers %s with USAGE and lives on", async (_what, bytes, id) => {
		const path = socketPath();
		await serve(path);
		expect(await raw(path, bytes)).toMatchObject({ id, error: { code: "USAGE" } });
		expect(await new ControlClient(path).request("status", {})).toMatchObject({ run: "r1" });
	});

	it("is CONTROL_UNREACHABLE when nobody listens, or nobody answers", async () => {
		const path = socketPath();
		await expect(new ControlClient(path).request("status", {})).rejects.toMatchObject({ code: "CONTROL_UNREACHABLE" });
		const silent = createServer(() => {}).listen(path);
		cleanups.push(() => silent.close());
		await once(silent, "listening");
		await expect(new ControlClient(path).request("status", {}, { timeoutMs: 50 })).rejects.toMatchObject({
			code: "CONTROL_UNREACHABLE",
		});
	});

	it("takes over the socket of a dead process, and leaves that of a live one", async () => {
		const path = socketPath();
		const script = `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
		spawnSync(process.execPath, ["-e", script]);
		expect(existsSync(path)).toBe(true);
		await serve(path);
		await expect(serve(path)).rejects.toMatchObject({ code: "CONTROL_LINK_IN_USE" });
		expect(await new ControlClient(path).request("status", {})).toMatchObject({ run: "r1" });
		const file = socketPath();
		writeFileSync(file, "precious");
		await expect(serve(file)).rejects.toMatchObject({ code: "CONTROL_LINK_IN_USE" });
	});

	it("refuses a path that the system would cut", async () => {
		await expect(serve(join(tmpdir(), "x".repeat(108)))).rejects.toThrow("107");
	});

	it("answers many clients at once and does not mix up their answers", async () => {
		const path = socketPath();
		const { calls } = await serve(path);
		const client = new ControlClient(path);
		const answers = await Promise.all(Array.from({ length: 25 }, () => client.requestWithSeq("command", hold)));
		expect(new Set(answers.map(({ seq }) => seq)).size).toBe(25);
		expect(calls.length).toBe(25);
	});
});
