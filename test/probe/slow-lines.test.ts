/** Far ends that answer late, and those that say no more than that they are not what is asked for. */
import { afterAll, describe, expect, it } from "vitest";
import { closeEmulators, lineEnded, modbusTcp, serveTcp } from "./emulators.js";
import { probe } from "./support.js";

afterAll(closeEmulators);

type Serve = ReturnType<Parameters<typeof serveTcp>[0]>;

const later = (ms: number, make: () => Serve) => (): Serve => {
	const serve = make();
	return (bytes, send) => serve(bytes, (reply) => setTimeout(() => send(reply), ms));
};

const TRANSDUCER: Readonly<Record<string, string>> = {
	"@253MF?": "@253ACKMKS;FF",
	"@253MD?": "@253ACK925;FF",
	"@253DT?": "@253ACKMICROPIRANI;FF",
	"@253SN?": "@253ACK11350123456;FF",
	"@253FV?": "@253ACK1.09;FF",
	"@253RSD?": "@253ACKON;FF",
	"@253PR4?": "@253ACK1.234E-3;FF",
	"@253U?": "@253ACKTORR;FF",
	"@253T?": "@253ACKO;FF",
};

describe.concurrent("a look", () => {
	it("waits longer for an answer than control does, and says that control would not", async () => {
		const transducer = lineEnded(";FF", () => (line) => TRANSDUCER[line], "");
		const { port } = await serveTcp(later(220, transducer));
		const { code, json } = await probe("mks-900", `tcp://127.0.0.1:${port}`);
		expect(code).toBe(0);
		expect(json.identity.serial).toBe("11350123456");
		expect(json.readings.pressure).toMatchObject({ quality: "good" });
		expect(json.warnings).toEqual([expect.stringMatching(/^An answer took \d+ ms to begin; control waits 200 ms/)]);
	}, 30_000);

	it("says of a server whose answers come after the next question that it is too late, not something else", async () => {
		let first: Buffer | undefined;
		const lateByOne = (): Serve => {
			const serve = modbusTcp({ words: () => 0 })();
			return (bytes, send) =>
				serve(bytes, (reply) => {
					if (first !== undefined) send(first);
					first = Buffer.from(reply);
				});
		};
		const { port } = await serveTcp(lateByOne);
		const { code, json } = await probe("eurotherm-3216", `modbus-tcp://127.0.0.1:${port}`, "--option", "decimals=1");
		expect(code).toBe(1);
		expect(json.error).toMatchObject({
			code: "REPLY_INVALID",
			message: expect.stringContaining("too late"),
			hint: expect.stringContaining("It answers, but too late"),
		});
	}, 30_000);

	it("reads the name of an ADAM-6052 by function 04 where a server in between knows that alone", async () => {
		const words = new Map([
			[210, 0x6052],
			[211, 0x5000],
		]);
		const { port } = await serveTcp(modbusTcp({ words, functions: [4], coils: (address) => address === 3 }));
		const { code, json } = await probe("adam-6052", `modbus-tcp://127.0.0.1:${port}`);
		expect(code).toBe(0);
		expect(json).toMatchObject({ identityConfirmed: true, identity: { model: "ADAM-6052" } });
		expect(json.readings.DI3!.value).toBe(1);
	}, 30_000);

	it("takes no word of a server that is no ADAM-6052 for its overloaded outputs", async () => {
		const { port } = await serveTcp(modbusTcp({ words: () => 17, coils: () => true }));
		const { code, json } = await probe("adam-6052", `modbus-tcp://127.0.0.1:${port}`);
		expect(code).toBe(0);
		expect(json.identityConfirmed).toBe(false);
		expect(json.readings.DI0).toMatchObject({ value: 1, quality: "good" });
	}, 30_000);

	it("says why a server with the test register of a LabJack alone is not confirmed", async () => {
		const words = (address: number) => (address === 55_100 ? 0x0011 : address === 55_101 ? 0x2233 : 0);
		const { port } = await serveTcp(modbusTcp({ words }));
		const { code, json } = await probe("labjack-t7", `modbus-tcp://127.0.0.1:${port}`);
		expect(code).toBe(0);
		expect(json.identityConfirmed).toBe(false);
		expect(json.warnings).toContain("Its PRODUCT_ID (60000) reads 0, a T7's is 7.");
	}, 30_000);

	it("shows the speed of a pump that has no on/off state, and does not confirm it", async () => {
		const answers: Readonly<Record<string, string>> = {
			"1230001002=?101": "1231001006NO_DEF185\r",
			"1230030902=?112": "1231030906000633037\r",
		};
		const { port } = await serveTcp(lineEnded("\r", () => (line) => answers[line], ""));
		const options = ["role=pump", "rs485_address=123", "running_above_hz=50"];
		const { code, json } = await probe(
			"pfeiffer-pvp",
			`tcp://127.0.0.1:${port}`,
			...options.flatMap((option) => ["--option", option]),
		);
		expect(code).toBe(0);
		expect(json.identityConfirmed).toBe(false);
		expect(json.readings.speed!.value).toBe(633);
		expect(json.readings.running!.value).toBeNull();
		expect(json.warnings.join(" ")).toContain("no on/off state (010)");
	}, 30_000);

	it("says at every reading of a cycler's server that it sees no cycler", async () => {
		const xml = (body: string) =>
			`<?xml version="1.0" encoding="UTF-8"?>\r\n<bts version="1.0">\r\n${body}</bts>\n\n#\r\n`;
		const connected = xml("<cmd>connect_resp</cmd><result>ok</result>");
		const empty = xml('<cmd>getdevinfo_resp</cmd><middle count="0">\r\n</middle>');
		const { port } = await serveTcp(
			lineEnded("#\r\n", () => (request) => (request.includes("<cmd>connect</cmd>") ? connected : empty), ""),
		);
		const { code, json } = await probe("neware-bts8", `tcp://127.0.0.1:${port}`);
		expect(code).toBe(0);
		expect(json.identityConfirmed).toBe(false);
		expect(json.readings.running).toMatchObject({ value: null, detail: "BTS sees no cycler" });
	}, 30_000);

	it("says of a broker what is to be tried there, and nothing of serial lines", async () => {
		const options = [
			"stale_s=5",
			'signals={"o2":{"gas":"O2","topic":"o2","payload":"number","ppm_per_unit":1,"ppm_min":0,"ppm_max":9}}',
		];
		const { code, json } = await probe(
			"mqtt-atmosphere",
			"mqtt://127.0.0.1:1/box",
			...options.flatMap((option) => ["--option", option]),
		);
		expect(code).toBe(3);
		expect(json.error!.hint).toMatch(/broker.*topics.*below the prefix.*--within/);
		expect(json.error!.hint).not.toContain("letter");
	}, 30_000);

	it("passes over the greeting of a serial server before the identity of a 2400", async () => {
		const identity = "KEITHLEY INSTRUMENTS INC.,MODEL 2400,1163289,C30   Mar 17 2006 09:29:29/A02  /K/J\r";
		const answers: Readonly<Record<string, string>> = { "*IDN?": identity, ":OUTP:SMOD?": "HIMP\r", ":OUTP?": "0\r" };
		const { port } = await serveTcp(
			lineEnded("\r", () => (line) => answers[line.trim()], ""),
			(socket) => socket.write("Welcome to the terminal server\r\n"),
		);
		const { code, json } = await probe("keithley-2400", `tcp://127.0.0.1:${port}`);
		expect(code).toBe(0);
		expect(json).toMatchObject({ identityConfirmed: true, identity: { model: "MODEL 2400", serial: "1163289" } });
	}, 30_000);
});
