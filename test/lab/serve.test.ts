import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { SerialPort } from "serialport";
import { afterEach, describe, expect, it } from "vitest";
import type { AcceptClient } from "#lab/line-host.js";
import { loadOpenPty, openPtyHost } from "#lab/pty-host.js";
import { type ServedLab, serveLab } from "#lab/serve.js";
import { newLab, PLAN } from "./support.js";

const ALL_BYTES = Uint8Array.from({ length: 256 }, (_, value) => value);
const openPty = await loadOpenPty();
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
	for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function until(condition: () => boolean): Promise<void> {
	for (let i = 0; i < 6000 && !condition(); i += 1) await sleep(5);
	expect(condition()).toBe(true);
}

async function served(mode: "pty" | "tcp", plan = PLAN): Promise<ServedLab> {
	const lab = await serveLab(newLab({ plan }), { mode, advance: () => {} });
	cleanups.push(() => lab.close());
	return lab;
}

function collect(on: (listener: (bytes: Uint8Array) => void) => void): () => number[] {
	const received: number[] = [];
	on((bytes) => received.push(...bytes));
	return () => received;
}

async function openPort(path: string): Promise<SerialPort> {
	const port = new SerialPort({ path, baudRate: 9600, autoOpen: false });
	await new Promise<void>((resolve, reject) => port.open((error) => (error ? reject(error) : resolve())));
	return port;
}

const closePort = (port: SerialPort) => new Promise<void>((resolve) => port.close(() => resolve()));

describe.skipIf(openPty === undefined)("a line on a pty", () => {
	function host() {
		const received: number[] = [];
		let send: (bytes: Uint8Array) => void = () => {};
		const folder = mkdtempSync(join(tmpdir(), "lines-"));
		cleanups.push(() => rmSync(folder, { recursive: true }));
		const accept: AcceptClient = (sender) => {
			send = sender;
			return { receive: (bytes) => received.push(...bytes), close: () => {} };
		};
		const line = openPtyHost(openPty!, "test", accept, folder);
		cleanups.push(() => line.close());
		return { line, received, send: (bytes: Uint8Array) => send(bytes) };
	}

	it("passes all 256 byte values both ways through a serial port, also after it is opened again", async () => {
		const { line, received, send } = host();
		for (let round = 1; round <= 3; round += 1) {
			const port = await openPort(line.place);
			const client = collect((listener) => port.on("data", listener));
			port.write(Buffer.from(ALL_BYTES));
			await until(() => received.length >= 256 * round);
			send(ALL_BYTES);
			await until(() => client().length >= 256);
			await closePort(port);
			expect(client()).toEqual([...ALL_BYTES]);
			expect(received.slice(-256)).toEqual([...ALL_BYTES]);
			expect(received.length).toBe(256 * round);
		}
	});

	it("is raw for a client that does not set the line up itself: no echo, no translation", async () => {
		const { line, received, send } = host();
		const descriptor = openSync(line.place, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
		cleanups.push(() => closeSync(descriptor));
		send(ALL_BYTES);
		const buffer = Buffer.alloc(1024);
		let length = 0;
		await until(() => {
			try {
				length += readSync(descriptor, buffer, length, 1024 - length, null);
			} catch {
				// Nothing there yet.
			}
			return length >= 256;
		});
		expect([...buffer.subarray(0, length)]).toEqual([...ALL_BYTES]);
		writeSync(descriptor, ALL_BYTES);
		await until(() => received.length >= 256);
		await sleep(20);
		expect(received).toEqual([...ALL_BYTES]);
	});

	it("serves serial instruments on ptys and network instruments on TCP", async () => {
		const { addresses } = await served("pty");
		const device = /^modbus-rtu:(\/\S+\/heaters)\?unit=1&baud=9600$/.exec(addresses.get("stage") ?? "");
		expect(device, addresses.get("stage")).not.toBeNull();
		expect(addresses.get("wall")).toBe(`modbus-rtu:${device![1]}?unit=2&baud=9600`);
		expect(addresses.get("gauge")).toMatch(/^serial:\/\S+\/gauge\?baud=9600$/);
		expect(addresses.get("carrier")).toMatch(/^serial:\/\S+\/carrier\?baud=19200$/);
		expect(addresses.get("io")).toMatch(/^modbus-tcp:\/\/127\.0\.0\.1:\d+$/);
		const port = await openPort(device![1]!);
		cleanups.push(() => closePort(port));
		const client = collect((listener) => port.on("data", listener));
		port.write(Buffer.from([0x75, 2]));
		await until(() => client().length >= 9);
		expect(String.fromCharCode(...client())).toBe("wall 22.0");
	});
});

describe("a lab with a folder for its lines", () => {
	it("is found under the same addresses after a restart", async () => {
		const linesFolder = mkdtempSync(join(tmpdir(), "adlayer-lines-"));
		cleanups.push(() => rmSync(linesFolder, { recursive: true }));
		const options = { mode: openPty === undefined ? "tcp" : "pty", advance: () => {}, linesFolder } as const;
		const first = await serveLab(newLab(), options);
		await first.close();
		const second = await serveLab(newLab(), options);
		cleanups.push(() => second.close());
		expect([...second.addresses]).toEqual([...first.addresses]);
		const device = /^serial:(\S+)\?/.exec(second.addresses.get("gauge")!)?.[1];
		if (device === undefined) return;
		const port = await openPort(device);
		await closePort(port);
	});

	it("takes another port when that of the last start is taken", async () => {
		const linesFolder = mkdtempSync(join(tmpdir(), "adlayer-lines-"));
		cleanups.push(() => rmSync(linesFolder, { recursive: true }));
		const options = { mode: "tcp", advance: () => {}, linesFolder } as const;
		const first = await serveLab(newLab(), options);
		cleanups.push(() => first.close());
		const second = await serveLab(newLab(), options);
		cleanups.push(() => second.close());
		expect(second.addresses.get("io")).not.toBe(first.addresses.get("io"));
	});
});

describe("an unplugged cable", () => {
	it.each(["pty", "tcp"] as const)(
		"on %s cannot be opened until it is plugged in again at the same place",
		async (mode) => {
			const lab = newLab();
			const server = await serveLab(lab, { mode, advance: () => {} });
			cleanups.push(() => server.close());
			const address = server.addresses.get("stage")!;
			const open = mode === "pty" ? serialClient(address) : tcpClient(address);
			const first = await open();
			expect(await first.ask(0x75, 1)).toBe("stage 22.0");
			lab.faults.begin({ kind: "unplugged", target: "wall" });
			await until(first.isBroken);
			await expect(open()).rejects.toThrow();
			lab.faults.clear();
			const again = await opened(open);
			expect(await again.ask(0x75, 1)).toBe("stage 22.0");
			again.close();
		},
	);
});

interface LineClient {
	ask(...bytes: number[]): Promise<string>;
	isBroken(): boolean;
	close(): void;
}

function serialClient(address: string): () => Promise<LineClient> {
	return async () => {
		const port = await openPort(/^modbus-rtu:([^?]+)/.exec(address)![1]!);
		port.on("error", () => {});
		const received = collect((listener) => port.on("data", listener));
		return {
			ask: (...bytes) => answer(received, () => port.write(Buffer.from(bytes))),
			// Not every hang-up wakes the reader; whoever writes learns of it.
			isBroken: () => {
				if (port.isOpen) port.write(Buffer.of(0));
				return !port.isOpen;
			},
			close: () => port.close(),
		};
	};
}

function tcpClient(address: string): () => Promise<LineClient> {
	return async () => {
		const socket = createConnection(Number(/:(\d+)\?/.exec(address)![1]), "127.0.0.1");
		await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
		const received = collect((listener) => socket.on("data", listener));
		return {
			ask: (...bytes) => answer(received, () => socket.write(Uint8Array.from(bytes))),
			isBroken: () => socket.closed,
			close: () => socket.destroy(),
		};
	};
}

async function answer(received: () => number[], send: () => void): Promise<string> {
	send();
	await until(() => received().length >= 10);
	return String.fromCharCode(...received());
}

async function opened(open: () => Promise<LineClient>): Promise<LineClient> {
	for (let i = 0; i < 200; i += 1) {
		const client = await open().catch(() => undefined);
		if (client !== undefined) return client;
		await sleep(10);
	}
	throw new Error("The line did not come back.");
}

describe("lines on TCP", () => {
	it("serves serial instruments as on a serial server", async () => {
		const { addresses } = await served("tcp");
		expect(addresses.get("stage")).toMatch(/^modbus-rtu\+tcp:\/\/127\.0\.0\.1:\d+\?unit=1$/);
		expect(addresses.get("gauge")).toMatch(/^tcp:\/\/127\.0\.0\.1:\d+$/);
		const port = Number(/:(\d+)\?/.exec(addresses.get("stage")!)![1]);
		const socket = createConnection(port, "127.0.0.1");
		cleanups.push(() => socket.destroy());
		const client = collect((listener) => socket.on("data", listener));
		socket.write(Uint8Array.of(0x75, 1));
		await until(() => client().length >= 10);
		expect(String.fromCharCode(...client())).toBe("stage 22.0");
	});

	it("serves an instrument where the lab file says, and reports a port that is taken", async () => {
		const first = await served("tcp");
		const taken = first.addresses.get("io")!;
		const fixed = {
			...PLAN,
			instruments: PLAN.instruments.map((each) => (each.name === "io" ? { ...each, address: taken } : each)),
		};
		await expect(served("tcp", fixed)).rejects.toMatchObject({ code: "LINK_UNREACHABLE" });
		await first.close();
		cleanups.length = 0;
		const second = await served("tcp", fixed);
		expect(second.addresses.get("io")).toBe(taken);
	});
});
