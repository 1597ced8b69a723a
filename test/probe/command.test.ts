/** What the command says and with which exit code, whatever is at the other end. */
import { closeSync, mkdtempSync, openSync, rmSync, symlinkSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { CommandHandler } from "#control-link/messages.js";
import { ControlServer } from "#control-link/server.js";
import { driverNamed, driverNames } from "#drivers/index.js";
import { STATUS } from "../cli/status-fixture.js";
import { closeEmulators, gaugeController, lineInstrument, modbusTcp, servePty, serveTcp } from "./emulators.js";
import { probe } from "./support.js";

const closers: (() => unknown)[] = [];
afterEach(async () => {
	for (const close of closers.splice(0).reverse()) await close();
	await closeEmulators();
});

const GAUGE = {
	AYT: "TPG362,PTG28290,44990000,010400,010100",
	TID: "CMR,TPR",
	UNI: "0",
	PRX: "0,1.0000E+00,0,1.0000E+00",
};

describe("arguments of a probe", () => {
	it("name the drivers, the schemes and the options that there are", async () => {
		const unknown = await probe("tpg", "tcp://127.0.0.1:1");
		expect(unknown.code).toBe(2);
		for (const name of driverNames) expect(unknown.json.error?.message).toContain(name);
		const scheme = await probe("pfeiffer-tpg362", "modbus-tcp://127.0.0.1:1");
		expect(scheme.code).toBe(2);
		expect(scheme.json.error).toMatchObject({
			code: "ADDRESS_INVALID",
			message: expect.stringContaining("accepts serial, tcp"),
		});
	});

	it("are refused all at once, before anything is opened", async () => {
		const { code, json } = await probe(
			"eurotherm-3216",
			"modbus-tcp://127.0.0.1:1",
			...["decimals=7", "remote_select=maybe", "colour=red", "nonsense"].flatMap((option) => ["--option", option]),
		);
		expect(code).toBe(2);
		const { message, hint } = json.error!;
		for (const said of ["decimals is 7", "remote_select", '"colour"', "nonsense"]) expect(message).toContain(said);
		expect(hint).toContain("setpoint_degC_max");
	});

	it("know what can be set, and its range, before anything is opened", async () => {
		const gauge = await probe("pfeiffer-tpg362", "tcp://127.0.0.1:1", "--set", "channel_1=3", "--unguarded");
		expect([gauge.code, gauge.json.error?.code]).toEqual([2, "SIGNAL_UNKNOWN"]);
		const heater = await probe(
			"eurotherm-3216",
			"modbus-tcp://127.0.0.1:1",
			...["decimals=1", "setpoint_degC_min=0", "setpoint_degC_max=200"].flatMap((option) => ["--option", option]),
			...["--set", "setpoint=200.1", "--unguarded"],
		);
		expect([heater.code, heater.json.error?.code]).toEqual([5, "SETPOINT_OUT_OF_RANGE"]);
	});
});

describe("every driver", () => {
	it.each(["eurotherm-3216", "labjack-t7", "pfeiffer-tpg362", "alicat-mc"])(
		"%s can be probed without an option, by reading alone",
		(name) => {
			const driver = driverNamed(name)!;
			expect(driver.probeSettings).toBeDefined();
		},
	);
});

describe("a probe of nobody", () => {
	it("is unreachable where nobody listens, with what to try", async () => {
		const server = createServer();
		const port = await new Promise<number>((resolve) => {
			server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port));
		});
		await new Promise((resolve) => server.close(resolve));
		const { code, json } = await probe("labjack-t7", `modbus-tcp://127.0.0.1:${port}`);
		expect(code).toBe(3);
		expect(json).toMatchObject({
			ok: false,
			error: { code: "LINK_UNREACHABLE", hint: expect.stringContaining("host and port") },
		});
		expect((await probe("alicat-mc", "serial:/dev/no-such-port")).code).toBe(3);
	});

	it.each(["pfeiffer-tpg362", "alicat-mc"])(
		"is unreachable where %s is silent, and says baud and cable",
		async (driver) => {
			const { path } = servePty(() => {});
			const { code, json } = await probe(driver, `serial:${path}?baud=19200`);
			expect(code).toBe(3);
			expect(json.error?.code).toBe("DEVICE_SILENT");
			expect(json.error?.hint).toContain("19200 baud");
		},
		20_000,
	);

	it.each(["eurotherm-3216", "labjack-t7"])(
		"is unreachable where %s is silent on Modbus TCP",
		async (driver) => {
			const { port } = await serveTcp(() => () => {});
			const { code, json } = await probe(driver, `modbus-tcp://127.0.0.1:${port}`);
			expect([code, json.error?.code]).toEqual([3, "DEVICE_SILENT"]);
		},
		20_000,
	);

	it.each(["pfeiffer-tpg362", "alicat-mc", "labjack-t7"])(
		"ends in time when %s is fed bytes that never end",
		async (driver) => {
			const { port } = await serveTcp(
				() => () => {},
				(socket) => {
					const drip = setInterval(() => socket.write("7"), 30);
					closers.push(() => clearInterval(drip));
				},
			);
			const started = Date.now();
			const scheme = driver === "labjack-t7" ? "modbus-tcp" : "tcp";
			const { code, json } = await probe(driver, `${scheme}://127.0.0.1:${port}`, "--within", "3");
			expect([1, 3]).toContain(code);
			expect(json.ok).toBe(false);
			expect(Date.now() - started).toBeLessThan(6_000);
		},
		20_000,
	);
});

describe("a line in other hands", () => {
	async function controlHolding(address: string): Promise<string> {
		const data = mkdtempSync(join(tmpdir(), "adl-"));
		closers.push(() => rmSync(data, { recursive: true, force: true }));
		const gauge = { driver: "pfeiffer-tpg362", address, state: "ready" as const };
		const status = { ...STATUS, instruments: { gauge } };
		const handle = (async () => ({ seq: 1, result: status as never })) as CommandHandler;
		const server = await ControlServer.listen({ socketPath: join(data, "control.sock"), handle });
		closers.push(() => server.close());
		return data;
	}

	it("is left alone while control holds it, by whatever name, and used when control holds another", async () => {
		const { port, received } = await serveTcp(gaugeController({ answers: GAUGE }));
		const data = await controlHolding(`tcp://localhost:${port}`);
		const held = await probe("pfeiffer-tpg362", `tcp://127.0.0.1:${port}`, "--data", data);
		expect([held.code, held.json.error?.code]).toEqual([5, "LINE_HELD"]);
		expect(held.json.error?.message).toContain("gauge");
		expect(received).toEqual([]);
		const elsewhere = await controlHolding("tcp://127.0.0.1:1");
		expect((await probe("pfeiffer-tpg362", `tcp://127.0.0.1:${port}`, "--data", elsewhere)).code).toBe(0);
	});

	it("is known by another name of the same port", async () => {
		const { path, received } = servePty(() => {});
		const link = join(mkdtempSync(join(tmpdir(), "adl-")), "by-id");
		symlinkSync(path, link);
		const data = await controlHolding(`serial:${link}`);
		const { code } = await probe("pfeiffer-tpg362", `serial:${path}`, "--data", data);
		expect(code).toBe(5);
		expect(received).toEqual([]);
	});

	it("is not touched while control cannot be asked", async () => {
		const data = mkdtempSync(join(tmpdir(), "adl-"));
		const mute = createServer((socket) => void socket.resume());
		await new Promise<void>((resolve) => mute.listen(join(data, "control.sock"), resolve));
		closers.push(() => new Promise((resolve) => mute.close(resolve)));
		const { port } = await serveTcp(gaugeController({ answers: GAUGE }));
		const { code, json } = await probe("pfeiffer-tpg362", `tcp://127.0.0.1:${port}`, "--data", data);
		expect([code, json.error?.code]).toEqual([5, "LINE_HELD"]);
	});

	it("is refused when another program has locked the port", async () => {
		const { path } = servePty(gaugeController({ answers: GAUGE })());
		const { SerialPort } = await import("serialport");
		const other = new SerialPort({ path, baudRate: 9600, autoOpen: false });
		await new Promise<void>((resolve, reject) => other.open((error) => (error == null ? resolve() : reject(error))));
		const handle = openSync(path, "r+");
		const { code, json } = await probe("pfeiffer-tpg362", `serial:${path}`);
		expect([code, json.error?.code]).toEqual([5, "LINE_HELD"]);
		closeSync(handle);
		await new Promise((resolve) => other.close(resolve));
	});
});

describe("what a probe says", () => {
	it("is one line for people where many readings are missing for one reason, and each reading for programs", async () => {
		const { port } = await serveTcp(modbusTcp({ words: () => 0 }));
		const { adlayer } = await import("../cli/support.js");
		const address = `modbus-tcp://127.0.0.1:${port}`;
		const { stdout } = await adlayer(["probe", "labjack-t7", address]);
		expect(stdout).toMatch(/DIO0 to DIO22 \(23\) +fault: DIO_STATE reads words 0, 0/);
		expect(stdout.match(/DIO_STATE/g)).toHaveLength(1);
		const { json } = await probe("labjack-t7", address);
		expect(Object.keys(json.readings)).toHaveLength(23);
	});

	it("is for people what it is for programs", async () => {
		const { port } = await serveTcp(gaugeController({ answers: GAUGE }));
		const { adlayer } = await import("../cli/support.js");
		const { code, stdout } = await adlayer(["probe", "pfeiffer-tpg362", `tcp://127.0.0.1:${port}`]);
		expect(code).toBe(0);
		expect(stdout).toContain("Pfeiffer Vacuum TPG362, serial number 44990000, firmware 010400");
		expect(stdout).toMatch(/channel_1 +100 Pa/);
	});

	it("is a report with its error when the readings fail after the identity", async () => {
		const serve = lineInstrument({ A: "A +014.62 +021.89 +000.00 +000.00 +078.95     N2\r" });
		let frames = 0;
		const { port } = await serveTcp(() => {
			const inner = serve();
			return (bytes, send) => {
				if (bytes.toString("latin1") === "A\r") frames += 1;
				if (frames < 2) inner(bytes, send);
			};
		});
		const { code, json } = await probe("alicat-mc", `tcp://127.0.0.1:${port}`);
		expect(code).toBe(3);
		expect(json).toMatchObject({ ok: false, identityConfirmed: false, error: { code: "DEVICE_SILENT" } });
		expect(json.readings.pressure).toMatchObject({ value: null, quality: "fault" });
	});

	it("names a write that the instrument did not take over", async () => {
		const words = new Map([
			[55_100, 0x11],
			[55_101, 0x2233],
			[60_000, 0x40e0],
			[60_001, 0],
			[60_002, 0],
			[60_003, 0],
			[60_004, 0x3f83],
			[60_005, 0xeab3],
			[60_028, 0],
			[60_029, 1],
			[2_800, 0],
			[2_801, 0],
			[6_000, 0],
			[6_001, 0],
		]);
		const { port } = await serveTcp(modbusTcp({ words }));
		const { code, json } = await probe(
			"labjack-t7",
			`modbus-tcp://127.0.0.1:${port}`,
			"--option",
			"outputs.x=DIO3",
			"--set",
			"x=1",
			"--unguarded",
		);
		expect(code).toBe(1);
		expect(json.set).toEqual([{ signal: "x", requested: 1, readBack: null, ok: false }]);
		expect(json.error?.code).toBe("READBACK_MISMATCH");
	});
});
