/** The real thing: a pty through the operating system's serial driver, and TCP sockets. Times are real and generous. */
import { createServer, type Server, type Socket } from "node:net";
import * as nodePty from "@lydell/node-pty";
import modbusSerial from "modbus-serial";
import { afterEach, describe, expect, it } from "vitest";
import { SystemClock } from "#core/clock.js";
import { parseAddress } from "#transport/address.js";
import { RtuSlave } from "#transport/modbus-slave.js";
import { Ports } from "#transport/ports.js";

const clock = new SystemClock();
const timing = { timeoutMs: 2000, retries: 2 };
const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
	for (const end of cleanUp.splice(0).reverse()) await end();
});

/** The instrument's end of a new pty, and the path that the program opens. The opener's own slave handle would steal bytes. */
function pty() {
	const { open } = nodePty as unknown as { open(options: object): { _slave: Socket; _pty: string; master: Socket } };
	const terminal = open({ encoding: null });
	terminal._slave.destroy();
	terminal.master.on("error", () => {});
	cleanUp.push(() => terminal.master.destroy());
	return { path: terminal._pty, master: terminal.master };
}

const listen = (server: Server) =>
	new Promise<number>((resolve) => {
		server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port));
	});

const connect = (text: string, schemes: string[], shorter = timing) => {
	const made = new Ports(clock).connect({ name: "dev", address: parseAddress(text), schemes, timing: shorter });
	cleanUp.push(() => (made.modbus ?? made.line)?.close());
	return made;
};

describe.skipIf(process.platform === "win32")("a serial port", () => {
	it("carries Modbus RTU, also after it was closed and opened again", async () => {
		const { path, master } = pty();
		const slave = new RtuSlave(1, {
			readHolding: (address, count) => Array.from({ length: count }, (_, i) => address + i),
		});
		const connection = { send: (bytes: Uint8Array) => master.write(bytes), state: undefined };
		master.on("data", (bytes: Buffer) => slave.receive(bytes, connection));
		const { modbus } = connect(`modbus-rtu:${path}?unit=1`, ["modbus-rtu"]);
		for (let i = 0; i < 20; i += 1) expect(await modbus!.readHolding(i, 3)).toEqual([i, i + 1, i + 2]);
		await modbus!.close();
		expect(await modbus!.readHolding(7, 1)).toEqual([7]);
		expect(modbus!.counters.exchanges).toBe(21);
	});

	it("fails within its time-outs when the other end dies", async () => {
		const { path, master } = pty();
		const { modbus } = connect(`modbus-rtu:${path}?unit=1`, ["modbus-rtu"], { timeoutMs: 100, retries: 1 });
		await modbus!.open();
		master.destroy();
		const code = await modbus!.readHolding(0, 1).then(
			() => "answered",
			(error) => error.code,
		);
		expect(["LINK_LOST", "DEVICE_SILENT"]).toContain(code);
	});

	it("that does not exist is LINK_UNREACHABLE", async () => {
		const { line } = connect("serial:/dev/no-such-port", ["serial"]);
		await expect(line!.open()).rejects.toMatchObject({
			code: "LINK_UNREACHABLE",
			context: { path: "/dev/no-such-port" },
		});
	});
});

describe("a TCP connection", () => {
	it("exchanges with an independent Modbus TCP server", async () => {
		const words = new Map<number, number>([[10, 0x1234]]);
		const server = new modbusSerial.ServerTCP(
			{
				getHoldingRegister: (address: number) => words.get(address) ?? 0,
				getInputRegister: (address: number) => address,
				getCoil: (address: number) => address % 2 === 1,
				getDiscreteInput: (address: number) => address % 3 === 0,
				setRegister: (address: number, value: number) => {
					words.set(address, value);
				},
			},
			{ host: "127.0.0.1", port: 0, unitID: 1 },
		);
		cleanUp.push(() => new Promise((resolve) => server.close(resolve)));
		const inner = (server as unknown as { _server: Server })._server;
		await new Promise<void>((resolve) => {
			if (inner.listening) resolve();
			else inner.once("listening", () => resolve());
		});
		const { port } = inner.address() as { port: number };
		const { modbus } = connect(`modbus-tcp://127.0.0.1:${port}`, ["modbus-tcp"]);
		expect(await modbus!.readHolding(10, 2)).toEqual([0x1234, 0]);
		expect(await modbus!.readInput(3, 2)).toEqual([3, 4]);
		expect(await modbus!.readCoils(0, 3)).toEqual([false, true, false]);
		expect(await modbus!.readDiscrete(0, 4)).toEqual([true, false, false, true]);
		await modbus!.writeRegister(11, 0xbeef);
		await modbus!.writeRegisters(12, [1, 2]);
		expect(await modbus!.readHolding(10, 4)).toEqual([0x1234, 0xbeef, 1, 2]);
	});

	it("opens anew after the server dropped it", async () => {
		const sockets: Socket[] = [];
		const server = createServer((socket) => {
			sockets.push(socket);
			socket.on("error", () => {});
			socket.on("data", (bytes) => socket.write(bytes));
		});
		const port = await listen(server);
		cleanUp.push(() => {
			for (const socket of sockets) socket.destroy();
			return new Promise((resolve) => server.close(resolve));
		});
		const { line } = connect(`tcp://127.0.0.1:${port}`, ["tcp"]);
		const echo = () =>
			line!.request({
				bytes: Buffer.from("hello"),
				title: "hello",
				parse: (received) => (received.length < 5 ? undefined : { reply: Buffer.from(received).toString(), taken: 5 }),
			});
		expect(await echo()).toBe("hello");
		const lost = line!.request({ bytes: new Uint8Array(0), title: "wait", parse: () => undefined });
		sockets[0]?.destroy();
		await expect(lost).rejects.toMatchObject({ code: "LINK_LOST" });
		expect(await echo()).toBe("hello");
		expect(sockets).toHaveLength(2);
	});

	it("to nobody is LINK_UNREACHABLE", async () => {
		const server = createServer();
		const port = await listen(server);
		await new Promise((resolve) => server.close(resolve));
		const { line } = connect(`tcp://127.0.0.1:${port}`, ["tcp"]);
		await expect(line!.open()).rejects.toMatchObject({ code: "LINK_UNREACHABLE" });
	});
});
