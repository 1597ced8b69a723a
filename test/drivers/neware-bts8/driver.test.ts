import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import { newareBts8 } from "#drivers/neware-bts8/index.js";
import { PROGRAM, Rig, SETTINGS, whole } from "./rig.js";
import { newareSessionFaults } from "./session-faults.js";

const ORDER = { channel: "a1", barcode: "Li@200LiAlOx-ex #1", program: PROGRAM };

async function started(rig = new Rig()): Promise<{ rig: Rig; test: string }> {
	await rig.run(rig.device.connect());
	const { test } = await rig.run(rig.device.start(ORDER));
	return { rig, test };
}

describe("neware-bts8", () => {
	it("takes channels with their ranges and a time zone, and nothing unknown", () => {
		const valid = new Ajv({ strict: true }).compile(newareBts8.settingsSchema);
		expect(valid(SETTINGS)).toBe(true);
		expect(valid(newareBts8.probeSettings)).toBe(true);
		expect(valid({ channels: {} })).toBe(false);
		expect(valid({ ...SETTINGS, port: 502 })).toBe(false);
		expect(
			valid({ ...SETTINGS, channels: { a: { at: "21-1", voltage_V: { min: 0, max: 5 }, current_A_max: 1 } } }),
		).toBe(false);
	});

	it("identifies the server by its session and its channels", async () => {
		const rig = new Rig();
		expect(await rig.run(rig.device.connect())).toEqual({
			identity: { manufacturer: "Neware", model: "BTS 8 with device 21 of type 27", serial: null, firmware: null },
			confirmed: true,
			warnings: [],
		});
		const { a1_voltage, a1_current, running } = await rig.run(rig.device.poll());
		expect([a1_voltage?.value, a1_current?.value, running?.value]).toEqual([0, 0, 0]);
	});

	it("asks of the channels that are named, and of no other", async () => {
		const rig = new Rig();
		await rig.run(rig.device.connect());
		rig.sent.length = 0;
		const asked = ["b1", "a1"];
		expect(Object.keys(await rig.run(rig.device.status(asked)))).toEqual(["a1", "b1"]);
		expect(Object.keys(await rig.run(rig.device.extents(["b1"])))).toEqual(["b1"]);
		expect(await rig.run(rig.device.status([]))).toEqual({});
		const channelsOf = (text: string) => [...text.matchAll(/devid="21" subdevid="(\d)" chlid="(\d)"/g)].length;
		expect(rig.sent.map(channelsOf)).toEqual([2, 1]);
	});

	it("inspects without naming any channel, writes nothing, and shows all of them", async () => {
		const rig = new Rig({ settings: { channels: {}, time_zone: "UTC" } });
		expect(await rig.run(rig.device.inspect())).toMatchObject({ confirmed: true, warnings: [] });
		const values = await rig.run(rig.device.poll());
		expect(values.channel_21_1_2_voltage).toEqual({ value: 0, quality: "good" });
		expect(Object.keys(rig.device.signals)).toEqual(expect.arrayContaining(Object.keys(values)));
		expect(rig.sent.some((text) => /<cmd>(start|stop|light|clearflag)</.test(text))).toBe(false);
	});

	it("is not confirmed by a server without channels, and refused by one that lacks a channel of the lab file", async () => {
		const empty = new Rig({ settings: { channels: {} }, simulated: { ...SETTINGS, channels: {} } });
		expect(await empty.run(empty.device.inspect())).toMatchObject({ confirmed: false });
		const { b1: _b1, ...fewer } = SETTINGS.channels;
		const lacking = new Rig({ simulated: { ...SETTINGS, channels: fewer } });
		await expect(lacking.run(lacking.device.connect())).rejects.toMatchObject({
			code: "DEVICE_MISCONFIGURED",
			message: "The server has no channel 21-2-1 (b1).",
		});
	});

	it("refuses a time zone that does not exist and a wrong password", async () => {
		const zone = new Rig({ settings: { time_zone: "Mars/Olympus" } });
		await expect(zone.run(zone.device.connect())).rejects.toMatchObject({ code: "DEVICE_MISCONFIGURED" });
		const password = new Rig({ settings: { password: "wrong" } });
		await expect(password.run(password.device.connect())).rejects.toMatchObject({ code: "IDENTITY_MISMATCH" });
	});

	it("starts a test once and finds it by its id", async () => {
		const { rig, test } = await started();
		expect(test).toBe("21-1-1-1");
		const { a1, a2 } = await rig.run(rig.device.status());
		expect(a1).toMatchObject({ activity: "running", barcode: "Li@200LiAlOx-ex #1", stepType: "rest" });
		expect(a2).toMatchObject({ activity: "finished", step: null, stepType: null });
		await expect(rig.run(rig.device.start(ORDER))).rejects.toMatchObject({ code: "CHANNEL_BUSY" });
		expect(rig.sent.filter((text) => text.includes("<cmd>start</cmd>"))).toHaveLength(1);
	});

	it("finds the started test when the answer to start is lost, and starts nothing twice", async () => {
		const rig = new Rig();
		await rig.run(rig.device.connect());
		rig.fate = (bytes) => (Buffer.from(bytes).includes("start_resp") ? { pieces: [], cut: true } : whole(bytes));
		expect(await rig.run(rig.device.start(ORDER))).toEqual({ test: "21-1-1-1" });
		expect(rig.sent.filter((text) => text.includes("<cmd>start</cmd>"))).toHaveLength(1);
	});

	it("refuses a symmetric cell on a channel without a negative range, before a byte is sent", async () => {
		const rig = new Rig();
		await rig.run(rig.device.connect());
		rig.sent.length = 0;
		await expect(rig.run(rig.device.start({ ...ORDER, channel: "a2" }))).rejects.toMatchObject({
			code: "CYCLER_REFUSED",
			message: expect.stringContaining("A symmetric cell goes below 0 V, and cycler.a2 has no negative range"),
		});
		expect(rig.sent).toEqual([]);
	});

	it("refuses a current beyond the channel and a start without a folder for steps, both at once", () => {
		const rig = new Rig();
		const { steps_folder: _folder, ...without } = SETTINGS;
		const device = newareBts8.create({
			name: "cycler",
			settings: without,
			clock: rig.clock,
			line: rig.line,
		});
		const program = { ...PROGRAM, steps: [{ kind: "constant-current", currentA: 1, ends: { timeS: 1 } } as const] };
		expect(device.cycler!.refusals("a1", program).map(({ message }) => message)).toEqual([
			"The protocol needs 1 A, cycler.a1 has 0.006 A.",
			"cycler has no steps_folder: tests cannot be started on it.",
		]);
	});

	it("says that a start was refused, whichever channel the reply names", async () => {
		const rig = new Rig();
		await rig.run(rig.device.connect());
		const read = rig.disk.get.bind(rig.disk);
		rig.disk.get = () => undefined;
		await expect(rig.run(rig.device.start({ ...ORDER, channel: "b1" }))).rejects.toMatchObject({
			code: "CYCLER_REFUSED",
			message: 'cycler.b1: start was answered "false".',
		});
		rig.disk.get = read;
	});

	it("gives every row once, in chunks", async () => {
		const { rig, test } = await started();
		await rig.clock.advance(3_600_000);
		rig.simulator.advance(rig.clock.nowMs());
		const { rows: total } = (await rig.run(rig.device.extents())).a1!;
		const seqs: number[] = [];
		while (seqs.length < total) {
			const fromSeq = seqs.length + 1;
			const { rows, gaps } = await rig.run(rig.device.rows({ channel: "a1", test, fromSeq, rowsMax: 100 }));
			expect(gaps).toEqual([]);
			seqs.push(...rows.map(({ seq }) => seq));
		}
		expect(seqs).toEqual(Array.from({ length: total }, (_, at) => at + 1));
		const { rows } = await rig.run(rig.device.rows({ channel: "a1", test, fromSeq: total + 1, rowsMax: 100 }));
		expect(rows).toEqual([]);
		expect(rig.device.currentSign).toBe("charge-positive");
	});

	it("asks again for rows that are missing inside a chunk, and reports those that do not exist", async () => {
		const { rig, test } = await started();
		await rig.clock.advance(600_000);
		rig.simulator.advance(rig.clock.nowMs());
		let spoilt = 0;
		const without = (numbers: readonly number[]) => (bytes: Uint8Array) => {
			const text = Buffer.from(bytes).toString("utf8");
			spoilt += 1;
			return whole(
				Buffer.from(
					numbers.reduce((rest, seq) => rest.replace(new RegExp(` {4}<data seqid="${seq}" .*\\r\\n`), ""), text),
					"utf8",
				),
			);
		};
		rig.fate = (bytes) => (spoilt === 0 ? without([3, 4])(bytes) : whole(bytes));
		const once = await rig.run(rig.device.rows({ channel: "a1", test, fromSeq: 1, rowsMax: 20 }));
		expect(once.rows.map(({ seq }) => seq)).toEqual(Array.from({ length: 20 }, (_, at) => at + 1));
		expect(once.gaps).toEqual([]);
		rig.fate = without([3, 4]);
		const always = await rig.run(rig.device.rows({ channel: "a1", test, fromSeq: 1, rowsMax: 20 }));
		expect(always.gaps).toEqual([{ fromSeq: 3, toSeq: 4 }]);
		expect(always.rows).toHaveLength(18);
	});

	it("gives no rows of another test than the one that is expected", async () => {
		const { rig } = await started();
		await expect(
			rig.run(rig.device.rows({ channel: "a1", test: "21-1-1-99", fromSeq: 1, rowsMax: 20 })),
		).rejects.toMatchObject({ code: "CYCLER_REFUSED", message: "The channel has test 21-1-1-1 now, not 21-1-1-99." });
	});

	it("stops a test, verifies it, and leaves an idle channel alone", async () => {
		const { rig } = await started();
		await rig.run(rig.device.stop("a1"));
		expect((await rig.run(rig.device.status())).a1).toMatchObject({ activity: "stopped", word: "stop" });
		rig.sent.length = 0;
		await rig.run(rig.device.stop("a1"));
		expect(rig.sent.some((text) => text.includes("<cmd>stop</cmd>"))).toBe(false);
	});

	it("asks channel by channel a server that leaves channels out of its lists", async () => {
		const rig = new Rig();
		rig.fate = (bytes) => {
			const text = Buffer.from(bytes).toString("utf8");
			const many = text.match(/ {4}<inquire .*\r\n/g) ?? [];
			return whole(Buffer.from(many.length > 1 ? text.replace(many[1]!, "") : text, "utf8"));
		};
		await rig.run(rig.device.connect());
		expect(Object.keys(await rig.run(rig.device.status()))).toEqual(["a1", "a2", "b1"]);
	});

	it("surfaces the log and the steps with their codes as they came", async () => {
		const { rig } = await started();
		await rig.clock.advance(700_000);
		rig.simulator.advance(rig.clock.nowMs());
		expect(await rig.run(rig.device.log("a1"))).toMatchObject([{ seq: 1, logCode: "100000" }]);
		expect((await rig.run(rig.device.stepLayer("a1")))[0]).toMatchObject({ steptype: "rest", steptime: "60000" });
		await rig.run(rig.device.light("a1", true));
		await expect(rig.run(rig.device.clearFlag("a1"))).rejects.toMatchObject({ code: "CYCLER_REFUSED" });
	});

	it("reports silence after one time-out and lets go of the socket", async () => {
		const rig = new Rig();
		await rig.run(rig.device.connect());
		rig.fate = () => ({ pieces: [] });
		const beforeMs = rig.clock.nowMs();
		await expect(rig.run(rig.device.poll())).rejects.toMatchObject({ code: "DEVICE_SILENT" });
		expect(rig.clock.nowMs() - beforeMs).toBe(newareBts8.timing.timeoutMs);
		rig.fate = undefined;
		const sockets = rig.sockets;
		await rig.run(rig.device.poll());
		expect(rig.sockets).toBe(sockets + 1);
	});

	it("never hangs, loses or doubles a row, nor starts a test twice, whatever becomes of any reply", async () => {
		const { conversations, ...report } = await newareSessionFaults({ splitStep: 97 });
		expect(conversations).toBeGreaterThan(150);
		expect(report).toMatchObject({
			hung: 0,
			doubledRows: 0,
			lostRows: 0,
			doubledStarts: 0,
			unrecovered: 0,
			failures: [],
		});
	});
});
