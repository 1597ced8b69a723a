import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import { decodeReply, decodeState, encodeCommand, PAYLOAD_BYTES_MAX, sealed } from "#drivers/mqtt-cycler/codec.js";
import { mqttCycler } from "#drivers/mqtt-cycler/index.js";
import { changed, PROGRAM, Rig, ROWS, SETTINGS } from "./rig.js";

const rig = () => new Rig().connected();
const isState = (topic: string) => topic === "1/state";

async function allRows(one: Rig, test: string, rowsMax = 50) {
	const rows = [];
	for (let fromSeq = 1; ; fromSeq = rows.at(-1)!.seq + 1) {
		const chunk = await one.run(one.device.rows({ channel: "a1", test, fromSeq, rowsMax }));
		if (chunk.rows.length === 0) return rows;
		rows.push(...chunk.rows);
	}
}

const everyRowOnce = (rows: readonly { seq: number }[], count = ROWS) =>
	expect(rows.map(({ seq }) => seq)).toEqual(Array.from({ length: count }, (_, at) => at + 1));

describe("the bridge contract", () => {
	// Written out as docs/mqtt-cycler.md has it, not made by the encoder.
	const STATE = `{"ts":1767225600000,"status":"working","test_id":"1-17","barcode":"cell-1","seq":4,"row":true,"cycle":1,"step":3,
		"step_type":"cc-charge","step_s":10,"test_s":40,"v":0.1,"i":0.001,"cap_ah":2.8e-6,"energy_wh":2.8e-7,"log_code":null}`;
	const state = (text: string) => decodeState(Buffer.from(text));

	it("is read as the document writes it", () => {
		expect(state(STATE)).toMatchObject({
			value: {
				word: "working",
				activity: "running",
				test: "1-17",
				seq: 4,
				row: { seq: 4, cycle: 1, step: 3, stepType: "cc-charge", stepS: 10, wallMs: 1_767_225_600_000, voltageV: 0.1 },
			},
		});
		expect(state(STATE.replace("working", "pause"))).toMatchObject({ value: { activity: "unknown", word: "pause" } });
	});

	it.each([
		["no JSON", "volt=3", /"volt=3" is not JSON/],
		["a list", "[]", /no JSON object/],
		["a text for a voltage", STATE.replace('"v":0.1', '"v":"0.1"'), /v is "0.1", not a number/],
		["no current", STATE.replace('"i":0.001,', ""), /i is missing/],
		["a broken number of rows", STATE.replace('"seq":4', '"seq":4.5'), /seq is 4.5/],
		["rows without a test", STATE.replace('"1-17"', "null"), /seq is 4 without a test_id/],
		["seconds for ms", STATE.replace("1767225600000", "1767225600"), /ts is 1767225600, not Unix ms/],
		["a row of unknown kind", STATE.replace('"row":true', '"row":1'), /row is 1, not true or false/],
		["a row without a step", STATE.replace('"step":3', '"step":null'), /step is null/],
		["a status with control characters", STATE.replace("working", "work\\u0007ing"), /status is/],
	])("refuses %s", (_what, text, wrong) => {
		expect(state(text)).toEqual({ wrong: expect.stringMatching(wrong) });
	});

	it("bounds its payloads and refuses rows out of order", () => {
		expect(decodeState(new Uint8Array(PAYLOAD_BYTES_MAX + 1))).toEqual({ wrong: expect.stringMatching(/allowed are/) });
		const row = JSON.parse(STATE) as object;
		const reply = (seqs: number[]) =>
			decodeReply(Buffer.from(JSON.stringify({ id: "x", ok: true, rows: seqs.map((seq) => ({ ...row, seq })) })));
		expect(reply([4, 5])).toMatchObject({ value: { rows: [{ seq: 4 }, { seq: 5 }] } });
		expect(reply([5, 5])).toEqual({ wrong: "row 5 comes after row 5" });
		expect(reply([0])).toEqual({ wrong: "rows[0].seq is 0, rows begin with 1" });
	});

	it("sends a program with its schema", () => {
		const sent = JSON.parse(
			Buffer.from(encodeCommand("7", { cmd: "start", barcode: "c", program: PROGRAM })).toString("utf8"),
		);
		expect(sent).toMatchObject({
			id: "7",
			cmd: "start",
			barcode: "c",
			program: { schema: "adlayer-cycler-program/1", recordS: 10, limits: { voltageVMax: 2 } },
		});
	});

	// The checksum is that of Python's zlib.crc32 over the text before it.
	it("holds a message against its checksum where it has one, which ends it", () => {
		const reply = (text: string) => decodeReply(Buffer.from(text));
		expect(reply('{"id":"7","ok":true,"crc":"9f1040ee"}')).toMatchObject({ value: { id: "7", ok: true } });
		expect(reply('{"id":"7","ok":true}')).toMatchObject({ value: { id: "7" } });
		expect(reply('{"id":"6","ok":true,"crc":"9f1040ee"}')).toEqual({
			wrong: expect.stringMatching(/^crc is 9f1040ee, and that of/),
		});
		expect(reply('{"crc":"9f1040ee","id":"7","ok":true}')).toEqual({ wrong: expect.stringMatching(/at the end/) });
		expect(reply('{"id":"7","ok":true,"crc":"9F1040EE"}')).toEqual({ wrong: expect.stringMatching(/8 hexadecimal/) });
		expect(Buffer.from(sealed({ id: "7", ok: true })).toString()).toBe('{"id":"7","ok":true,"crc":"9f1040ee"}');
	});

	it("takes settings that are whole, and no others", () => {
		const valid = new Ajv({ strict: true }).compile(mqttCycler.settingsSchema);
		expect(valid(SETTINGS)).toBe(true);
		expect(valid({ ...SETTINGS, stale_s: undefined })).toBe(false);
		expect(valid({ ...SETTINGS, channels: {} })).toBe(false);
		expect(valid({ ...SETTINGS, more: 1 })).toBe(false);
		expect(valid({ stale_s: 10, channels: { a: { ...SETTINGS.channels.a1!, topic: "a/b" } } })).toBe(false);
		const twice = { stale_s: 10, channels: { a: SETTINGS.channels.a1!, b: SETTINGS.channels.a1! } };
		const mqtt = new Rig().broker.link("x");
		expect(() => mqttCycler.create({ name: "c", settings: twice, clock: new Rig().clock, mqtt })).toThrow(
			/a and b have the same topic, 1/,
		);
	});
});

describe("mqtt-cycler", () => {
	it("runs a program to its end, and gives every row once without asking for any", async () => {
		const one = await rig();
		const { test } = await one.start();
		expect(one.sent("start")).toHaveLength(1);
		await one.clock.advance(60_000);
		const running = (await one.device.status()).a1!;
		expect(running).toMatchObject({ activity: "running", barcode: "cell-1", stepType: "cc-charge", currentA: 0.001 });
		expect((await one.device.poll()).running).toEqual({ value: 1, quality: "good" });
		await one.clock.advance(1_300_000);
		expect((await one.device.extents()).a1).toEqual({ test, rows: ROWS });
		expect((await one.device.status()).a1!.activity).toBe("finished");
		everyRowOnce(await allRows(one, test));
		expect(one.sent("rows")).toEqual([]);
		expect(one.device.currentSign).toBe("charge-positive");
	});

	it("fetches rows that it has missed, and drops those that come twice", async () => {
		const one = await rig();
		const { test } = await one.start();
		let rows = 0;
		one.spoil = (topic, payload) => {
			if (!isState(topic) || !Buffer.from(payload).includes('"row":true')) return [payload];
			rows += 1;
			if (rows % 5 === 0) return [];
			return rows % 3 === 0 ? [payload, payload] : [payload];
		};
		await one.clock.advance(1_300_000);
		everyRowOnce(await allRows(one, test));
		expect(one.sent("rows").length).toBeGreaterThan(5);
	});

	it("fetches all rows of a test that ran while nobody listened", async () => {
		const one = await rig();
		const { test } = await one.start();
		await one.device.close();
		await one.clock.advance(1_300_000);
		await one.connected();
		everyRowOnce(await allRows(one, test, 40));
		expect(one.sent("rows")).toHaveLength(Math.ceil(ROWS / 40));
	});

	it("calls a gap what the bridge does not give even when asked for alone, and goes on after it", async () => {
		const one = await rig();
		const { test } = await one.start();
		await one.device.close();
		await one.clock.advance(300_000);
		one.spoil = (topic, payload) => {
			if (!topic.endsWith("/cmd/reply")) return [payload];
			const { rows } = JSON.parse(Buffer.from(payload).toString("utf8")) as { rows?: { seq: number }[] };
			return [
				rows === undefined ? payload : changed(payload, { rows: rows.filter(({ seq }) => seq !== 4 && seq !== 5) }),
			];
		};
		await one.connected();
		const chunk = await one.run(one.device.rows({ channel: "a1", test, fromSeq: 1, rowsMax: 10 }));
		expect(chunk.rows.map(({ seq }) => seq)).toEqual([1, 2, 3, 6, 7, 8, 9, 10]);
		expect(chunk.gaps).toEqual([{ fromSeq: 4, toSeq: 5 }]);
	});

	it("gives no rows of another test, and refuses those that come in its place", async () => {
		const one = await rig();
		const { test } = await one.start();
		await one.clock.advance(60_000);
		const request = { channel: "a1", test: "other", fromSeq: 1, rowsMax: 10 };
		expect(await one.device.rows(request)).toEqual({ rows: [], gaps: [] });
		await one.device.close();
		await one.clock.advance(60_000);
		await one.connected();
		one.spoil = (topic, payload) => [topic.endsWith("/cmd/reply") ? changed(payload, { test_id: "other" }) : payload];
		await expect(one.run(one.device.rows({ ...request, test, fromSeq: 8 }))).rejects.toMatchObject({
			code: "REPLY_INVALID",
		});
	});

	it("does not believe a retained state until a fresh one comes", async () => {
		const one = new Rig();
		await one.clock.advance(2_000);
		one.spoil = (topic, payload) => (isState(topic) ? [] : [payload]);
		const { warnings } = await one.run(one.device.connect());
		expect(warnings).toContainEqual(expect.stringMatching(/a1: a retained state of unknown age/));
		await one.clock.advance(1_500);
		expect((await one.device.poll()).a1_voltage).toMatchObject({ value: null, quality: "fault" });
		expect(Object.keys(await one.device.status())).toEqual(["a2"]);
		await expect(one.start()).rejects.toMatchObject({ code: "CHANNEL_BUSY" });
		one.spoil = (_topic, payload) => [payload];
		await one.clock.advance(1_500);
		expect((await one.device.poll()).a1_voltage).toEqual({ value: 0, quality: "good" });
	});

	it("shows a malformed state as a fault with its detail, and recovers with the next sound one", async () => {
		const one = await rig();
		one.spoil = (topic, payload) => [isState(topic) ? changed(payload, { v: "high" }) : payload];
		await one.clock.advance(1_500);
		const values = await one.device.poll();
		expect(values.a1_voltage).toEqual({ value: null, quality: "fault", detail: 'v is "high", not a number' });
		expect(values.a2_voltage).toMatchObject({ quality: "good" });
		one.spoil = (_topic, payload) => [payload];
		await one.clock.advance(1_500);
		expect((await one.device.poll()).a1_voltage).toMatchObject({ quality: "good" });
	});

	it("calls a channel stale that says nothing, or whose rows became fewer", async () => {
		const one = await rig();
		await one.start();
		await one.clock.advance(60_000);
		one.spoil = (topic, payload) => [isState(topic) ? changed(payload, { seq: 1, row: false }) : payload];
		await one.clock.advance(11_500);
		expect((await one.device.poll()).a1_current).toMatchObject({
			quality: "fault",
			detail: expect.stringMatching(/1[12] s old, allowed are 10 s: seq went back from \d+ to 1/),
		});
		expect(Object.keys(await one.device.extents())).toEqual(["a2"]);
	});

	it("counts the age of a state that was held back from when it was measured", async () => {
		const one = await rig();
		const { test } = await one.start();
		let held: Uint8Array | undefined;
		one.spoil = (topic, payload) => {
			if (topic !== "1/state") return [payload];
			if (Buffer.from(payload).includes('"row":true')) held ??= payload;
			return [];
		};
		await one.clock.advance(45_000);
		one.broker.publish("lab/c1/1/state", held!);
		await one.clock.advance(100);
		expect((await one.device.poll()).a1_voltage).toMatchObject({
			quality: "fault",
			detail: expect.stringMatching(/^the last state is 3\d s old, allowed are 10 s/),
		});
		one.spoil = (_topic, payload) => [payload];
		await one.clock.advance(1_500);
		expect((await one.device.poll()).a1_voltage).toMatchObject({ quality: "good" });
		expect((await one.device.extents()).a1).toMatchObject({ test });
	});

	it("needs no clock that agrees, and is back two minutes after the bridge's was set back", async () => {
		const one = await rig();
		const setBy = (offMs: number) => {
			one.spoil = (topic, payload) =>
				isState(topic) ? [changed(payload, { ts: (one.clock.wallMs() as number) + offMs })] : [payload];
		};
		setBy(7_200_000);
		await one.clock.advance(130_000);
		expect((await one.device.poll()).a1_voltage).toMatchObject({ quality: "good" });
		setBy(3_600_000);
		await one.clock.advance(2_000);
		expect((await one.device.poll()).a1_voltage).toMatchObject({ quality: "fault" });
		await one.clock.advance(125_000);
		expect((await one.device.poll()).a1_voltage).toMatchObject({ quality: "good" });
	});

	it("is silent while the bridge is offline, and lost without the broker", async () => {
		const one = await rig();
		const { test } = await one.start();
		one.simulator.powerCycle();
		await one.clock.advance(100);
		await expect(one.device.poll()).rejects.toMatchObject({ code: "DEVICE_SILENT" });
		await expect(one.device.status()).rejects.toMatchObject({ code: "DEVICE_SILENT" });
		await one.clock.advance(7_000);
		expect((await one.device.status()).a1!.activity).toBe("stopped");
		expect((await one.device.extents()).a1!.test).toBe(test);
		one.broker.stop();
		await one.clock.advance(100);
		await expect(one.device.poll()).rejects.toMatchObject({ code: "LINK_LOST" });
		one.broker.start();
		await one.connected();
		expect((await one.device.poll()).a1_voltage).toMatchObject({ quality: "good" });
	});

	it("says which channels and which bridge it waits for", async () => {
		const one = new Rig((topic, payload) => (topic === "2/state" ? [] : [payload]));
		await expect(one.run(one.device.connect())).rejects.toMatchObject({
			code: "DEVICE_SILENT",
			message: expect.stringMatching(/state of a2 \(no state has come\) within 10 s/),
		});
		one.spoil = (topic, payload) => [topic === "online" ? Buffer.from("offline") : payload];
		one.simulator.powerCycle();
		await expect(one.run(one.device.connect())).rejects.toMatchObject({ message: expect.stringMatching(/offline/) });
	});

	it("starts once, and looks when the answer is lost", async () => {
		const one = await rig();
		one.spoil = (topic, payload) => (topic.endsWith("/cmd/reply") ? [] : [payload]);
		const { test } = await one.start();
		expect(test).toMatch(/^1-/);
		expect(one.sent("start")).toHaveLength(1);
	});

	it("says so when a start was not heard, refused, or answered without a test", async () => {
		const one = await rig();
		one.hears = () => false;
		await expect(one.start()).rejects.toMatchObject({ code: "DEVICE_SILENT" });
		one.hears = () => true;
		one.spoil = (topic, payload) => [
			topic.endsWith("/cmd/reply") ? changed(payload, { ok: false, error: "door open" }) : payload,
		];
		await expect(one.start("a1", "c")).rejects.toMatchObject({
			code: "CYCLER_REFUSED",
			message: expect.stringContaining("door open"),
		});
		one.hears = ({ id }) => {
			one.broker.publish("lab/c1/2/cmd/reply", Buffer.from(JSON.stringify({ id, ok: true, test_id: "z" })));
			return false;
		};
		one.spoil = (_topic, payload) => [payload];
		const full = { ...PROGRAM, cell: "full" as const, limits: { ...PROGRAM.limits, voltageVMin: 0 } };
		const start = one.run(one.device.start({ channel: "a2", barcode: "c", program: full }));
		await expect(start).rejects.toMatchObject({ code: "READBACK_MISMATCH" });
	});

	it("refuses what a channel cannot do or is not free for, before a byte is sent", async () => {
		const one = await rig();
		expect(one.device.refusals("a2", PROGRAM).map(({ message }) => message)).toEqual(
			expect.arrayContaining([expect.stringMatching(/no negative range/)]),
		);
		await expect(one.start("a2")).rejects.toMatchObject({ code: "CYCLER_REFUSED" });
		await expect(one.start("b9")).rejects.toMatchObject({ code: "CYCLER_REFUSED" });
		await one.start();
		await expect(one.start()).rejects.toMatchObject({ code: "CHANNEL_BUSY" });
		expect(one.sent("start")).toHaveLength(1);
	});

	it("stops a test and sees that it has stopped; one at rest is left alone", async () => {
		const one = await rig();
		await one.run(one.device.stop("a1"));
		expect(one.sent("stop")).toEqual([]);
		await one.start();
		await one.run(one.device.stop("a1"));
		expect((await one.device.status()).a1!.activity).toBe("stopped");
		await one.start("a1", "cell-2");
		one.hears = ({ cmd }) => cmd !== "stop";
		await expect(one.run(one.device.stop("a1"))).rejects.toMatchObject({
			code: "CYCLER_REFUSED",
			message: expect.stringMatching(/still runs/),
		});
	});

	it("does a command that comes twice once", async () => {
		const one = await rig();
		await one.start();
		const again = encodeCommand(String(one.sent("start")[0]!.id), { cmd: "start", barcode: "x", program: PROGRAM });
		const { test } = (await one.device.extents()).a1!;
		const replies: string[] = [];
		one.broker.observe((topic, payload) => {
			if (topic.endsWith("/cmd/reply")) replies.push(Buffer.from(payload).toString("utf8"));
		});
		one.broker.publish("lab/c1/1/cmd", again);
		await one.clock.advance(2_000);
		expect((await one.device.extents()).a1!.test).toBe(test);
		expect(JSON.parse(replies[0]!)).toMatchObject({ ok: true, test_id: test });
	});
});
