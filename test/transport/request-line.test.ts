import { describe, expect, it } from "vitest";
import { settled } from "#core/clock.js";
import { AdlayerError } from "#core/errors.js";
import type { LineRequest } from "#core/wire.js";
import { OPEN_TIMEOUT_MS, QUEUE_REQUESTS_MAX, RECEIVE_BYTES_MAX } from "#transport/line.js";
import { requestLine } from "#transport/request-line.js";
import { ascii, FarEnd, outcome } from "./scripted-far-end.js";

/** A command whose reply is one line of text ended by CR; a question mark first means that it was not understood. */
const ask = (command: string, more: Partial<LineRequest<string>> = {}): LineRequest<string> => ({
	bytes: ascii(`${command}\r`),
	title: command,
	parse(received) {
		const end = received.indexOf(13);
		if (end < 0) return undefined;
		const reply = Buffer.from(received.subarray(0, end)).toString("latin1");
		if (reply.startsWith("?")) throw new AdlayerError("REPLY_INVALID", `Refused with ${reply}.`);
		if (reply.startsWith("E")) throw new AdlayerError("SETPOINT_OUT_OF_RANGE", `Error ${reply}.`);
		return { reply, taken: end + 1 };
	},
	...more,
});

const timing = { timeoutMs: 100, retries: 2 };
const setUp = (more: object = {}) => {
	const far = new FarEnd();
	return { far, line: requestLine({ name: "gauge", open: far.open, clock: far.clock, timing, ...more }) };
};

describe("a request line", () => {
	it("opens with the first request and gives its reply", async () => {
		const { far, line } = setUp();
		far.answer = () => far.send(ascii("1.0E-3\r"));
		expect(far.opened).toBe(0);
		expect(await line.request(ask("PR1"))).toBe("1.0E-3");
		expect(far.opened).toBe(1);
		expect(line.counters).toEqual({ exchanges: 1, retries: 0, timeouts: 0 });
	});

	it("takes a reply split at every byte", async () => {
		const { far, line } = setUp();
		far.answer = () => {
			for (const byte of ascii("1.0E-3\r")) far.send(Uint8Array.of(byte));
		};
		expect(await line.request(ask("PR1"))).toBe("1.0E-3");
	});

	it("sends one request at a time, first come first served", async () => {
		const { far, line } = setUp();
		const a = outcome(line.request(ask("A")));
		const b = outcome(line.request(ask("B")));
		await settled();
		expect(far.requests).toHaveLength(1);
		far.send(ascii("for A\r"));
		await settled();
		expect(a.value).toBe("for A");
		expect(far.requests).toHaveLength(2);
		far.send(ascii("for B\r"));
		await settled();
		expect(b.value).toBe("for B");
	});

	it("asks again after silence, at most as often as told, then says DEVICE_SILENT", async () => {
		const { far, line } = setUp();
		const reply = outcome(line.request(ask("PR1")));
		await far.clock.advance(5000);
		expect(reply).toMatchObject({ code: "DEVICE_SILENT", message: "gauge did not answer PR1 within 100 ms." });
		// Each time-out is followed by one more of silence.
		expect(far.atMs).toEqual([0, 200, 400]);
		expect(line.counters).toEqual({ exchanges: 0, retries: 2, timeouts: 3 });
	});

	it("heeds a request's own time-out and retries", async () => {
		const { far, line } = setUp();
		const reply = outcome(line.request(ask("PR1", { timeoutMs: 1000, retries: 0 })));
		await far.clock.advance(999);
		expect(reply.done).toBe(false);
		await far.clock.advance(1);
		expect(reply.code).toBe("DEVICE_SILENT");
		expect(far.requests).toHaveLength(1);
	});

	it("never takes a late reply for the answer to a later request", async () => {
		for (const lateMs of [101, 130, 150, 199]) {
			const { far, line } = setUp();
			far.answer = (_request, index) => {
				if (index === 0) far.sendLater(lateMs, ascii("late A\r"));
				else far.send(ascii("for B\r"));
			};
			const a = outcome(line.request(ask("A", { retries: 0 })));
			const b = outcome(line.request(ask("B")));
			await far.clock.advance(500);
			expect(a.code).toBe("DEVICE_SILENT");
			expect(b.value).toBe("for B");
		}
	});

	it("comes back in step with a question of its own after a time-out, where the driver knows one", async () => {
		const { far, line } = setUp({ resynchronise: () => ask("WHO") });
		far.answer = (request, index) => {
			if (index > 0) far.send(ascii(Buffer.from(request).toString("latin1").startsWith("WHO") ? "me\r" : "for B\r"));
		};
		const a = outcome(line.request(ask("A", { retries: 0 })));
		const b = outcome(line.request(ask("B")));
		await far.clock.advance(500);
		expect([a.code, b.value]).toEqual(["DEVICE_SILENT", "for B"]);
		expect(far.requests.map((request) => Buffer.from(request).toString("latin1"))).toEqual(["A\r", "WHO\r", "B\r"]);
		expect(line.counters).toEqual({ exchanges: 1, retries: 0, timeouts: 1 });
	});

	it("gives up coming back in step when only that question is met with silence", async () => {
		const { far, line } = setUp({ resynchronise: () => ask("WHO") });
		far.answer = (request, index) => {
			if (index > 0 && !Buffer.from(request).toString("latin1").startsWith("WHO")) far.send(ascii("for B\r"));
		};
		const a = outcome(line.request(ask("A")));
		await far.clock.advance(1000);
		expect(a.code).toBe("DEVICE_SILENT");
		expect(await line.request(ask("B"))).toBe("for B");
	});

	it("discards what came before the request was sent", async () => {
		const { far, line } = setUp();
		await line.open();
		far.send(ascii("power-up banner\r"));
		await settled();
		far.answer = () => far.send(ascii("1\r"));
		const reply = outcome(line.request(ask("PR1")));
		await far.clock.advance(50);
		expect(reply.value).toBe("1");
	});

	it("does not take the second copy of a doubled reply for the next answer", async () => {
		const { far, line } = setUp();
		far.answer = (_request, index) => far.send(ascii(index === 0 ? "first\rfirst\r" : "second\r"));
		const one = outcome(line.request(ask("A")));
		const two = outcome(line.request(ask("B")));
		await far.clock.advance(50);
		expect([one.value, two.value]).toEqual(["first", "second"]);
	});

	it("discards, waits and asks again after an invalid reply", async () => {
		const { far, line } = setUp();
		far.answer = (_request, index) => far.send(ascii(index === 0 ? "?SYNTAX\r" : "1\r"));
		const reply = outcome(line.request(ask("PR1")));
		await far.clock.advance(300);
		expect(reply.value).toBe("1");
		expect(line.counters).toEqual({ exchanges: 1, retries: 1, timeouts: 0 });
	});

	it("passes an instrument's refusal on at once", async () => {
		const { far, line } = setUp();
		far.answer = () => far.send(ascii("E12\r"));
		const reply = outcome(line.request(ask("SP 900")));
		await settled();
		expect(reply.code).toBe("SETPOINT_OUT_OF_RANGE");
		expect(far.requests).toHaveLength(1);
	});

	it("goes on at once after a refusal", async () => {
		const { far, line } = setUp();
		far.answer = (_request, index) => far.send(ascii(index === 0 ? "E12\r" : "1\r"));
		await expect(line.request(ask("SP 900"))).rejects.toMatchObject({ code: "SETPOINT_OUT_OF_RANGE" });
		expect(await line.request(ask("PR1"))).toBe("1");
	});

	it("calls bytes without an end REPLY_INVALID and shows them", async () => {
		const { far, line } = setUp();
		far.answer = () => far.send(ascii("AB"));
		const request = line.request(ask("PR1", { retries: 0 }));
		const reply = outcome(request);
		await far.clock.advance(100);
		expect(reply.code).toBe("REPLY_INVALID");
		await expect(request).rejects.toMatchObject({ context: { received: "41 42" } });
	});

	it("bounds what it receives", async () => {
		const { far, line } = setUp();
		far.answer = () => {
			for (let sent = 0; sent <= RECEIVE_BYTES_MAX; sent += 65_536) far.send(new Uint8Array(65_536));
		};
		const reply = outcome(line.request(ask("PR1", { retries: 0 })));
		await far.clock.advance(1);
		expect(reply.code).toBe("REPLY_INVALID");
	});

	it("bounds its queue", async () => {
		const { line } = setUp();
		const replies = Array.from({ length: QUEUE_REQUESTS_MAX + 2 }, () => outcome(line.request(ask("A"))));
		await settled();
		expect(replies.filter((reply) => reply.code === "LINE_BUSY")).toHaveLength(1);
	});

	it("says LINK_UNREACHABLE when the port does not open, and tries anew with the next request", async () => {
		const { far, line } = setUp();
		far.refuse = true;
		await expect(line.request(ask("A"))).rejects.toMatchObject({ code: "LINK_UNREACHABLE" });
		await expect(line.open()).rejects.toMatchObject({ code: "LINK_UNREACHABLE" });
		far.refuse = false;
		far.answer = () => far.send(ascii("1\r"));
		expect(await line.request(ask("A"))).toBe("1");
	});

	it("gives up a port that never opens", async () => {
		const far = new FarEnd();
		const line = requestLine({ name: "gauge", open: () => new Promise(() => {}), clock: far.clock, timing });
		const opened = outcome(line.open());
		expect(far.clock.expecting).toBe(1);
		await far.clock.advance(OPEN_TIMEOUT_MS);
		expect(opened.code).toBe("LINK_UNREACHABLE");
		expect(far.clock.expecting).toBe(0);
	});

	it("fails with LINK_LOST at once when the plug is pulled, and opens anew with the next request", async () => {
		const { far, line } = setUp();
		const reply = outcome(line.request(ask("A")));
		await settled();
		await far.cut();
		await settled();
		expect(reply.code).toBe("LINK_LOST");
		far.answer = () => far.send(ascii("1\r"));
		const again = outcome(line.request(ask("B")));
		await far.clock.advance(200);
		expect(again.value).toBe("1");
		expect(far.opened).toBe(2);
	});

	it("opens a dead port anew after three silent requests, for ports that never tell of their end", async () => {
		const { far, line } = setUp();
		for (let i = 0; i < 3; i += 1) {
			const reply = outcome(line.request(ask("A", { retries: 0 })));
			await far.clock.advance(200);
			expect(reply.code).toBe("DEVICE_SILENT");
		}
		far.answer = () => far.send(ascii("1\r"));
		expect(await line.request(ask("B"))).toBe("1");
		expect(far.opened).toBe(2);
	});

	it("holds simulated time while a reply is awaited, and only then", async () => {
		const { far, line } = setUp();
		const answered = outcome(line.request(ask("A")));
		await settled();
		expect(far.clock.expecting).toBe(1);
		far.send(ascii("1\r"));
		await settled();
		expect(answered.value).toBe("1");
		expect(far.clock.expecting).toBe(0);
		outcome(line.request(ask("B", { retries: 0 })));
		await far.clock.advance(100);
		expect(far.clock.expecting).toBe(0);
		outcome(line.request(ask("C")));
		await far.clock.advance(100);
		expect(far.clock.expecting).toBe(1);
		await line.close();
		expect(far.clock.expecting).toBe(0);
	});

	it("sends without waiting for a reply, in turn", async () => {
		const { far, line } = setUp();
		const reply = outcome(line.request(ask("A")));
		const sent = outcome(line.send(ascii("\x03")));
		await settled();
		expect(sent.done).toBe(false);
		far.send(ascii("1\r"));
		await settled();
		expect([reply.value, sent.done, far.requests.length]).toEqual(["1", true, 2]);
	});

	it("drains until the line is quiet, or until its limit", async () => {
		const { far, line } = setUp();
		await line.open();
		for (const ms of [10, 20, 30]) far.sendLater(ms, ascii("noise"));
		const drained = outcome(line.drain(15, 1000));
		await far.clock.advance(44);
		expect(drained.done).toBe(false);
		await far.clock.advance(1);
		expect(drained.done).toBe(true);
		const babble = () => {
			far.send(ascii("x"));
			far.clock.setTimer(5, babble);
		};
		babble();
		const limited = outcome(line.drain(15, 100));
		await far.clock.advance(100);
		expect(limited.done).toBe(true);
	});

	it("ends what is under way when it is closed, and opens again when asked", async () => {
		const { far, line } = setUp();
		const active = outcome(line.request(ask("A")));
		const waiting = outcome(line.request(ask("B")));
		await settled();
		await line.close();
		await settled();
		expect([active.code, waiting.code]).toEqual(["LINK_LOST", "LINK_LOST"]);
		expect(far.isOpen).toBe(false);
		await line.open();
		expect(far.opened).toBe(2);
	});

	it("waits for a reply that is still coming, beyond the time-out", async () => {
		const { far, line } = setUp();
		far.answer = () => {
			for (const [at, byte] of [...ascii("1.0E-3\r")].entries()) far.sendLater(40 * (at + 1), Uint8Array.of(byte));
		};
		const reply = outcome(line.request(ask("PR1")));
		await far.clock.advance(280);
		expect(reply.value).toBe("1.0E-3");
		expect(line.counters).toEqual({ exchanges: 1, retries: 0, timeouts: 0 });
	});

	it("ends a reply that goes on for ever after four time-outs, and says how long it waited", async () => {
		const { far, line } = setUp();
		far.answer = () => {
			for (let at = 1; at < 100; at += 1) far.sendLater(20 * at, ascii("x"));
		};
		const reply = outcome(line.request(ask("PR1", { retries: 0 })));
		await far.clock.advance(399);
		expect(reply.done).toBe(false);
		await far.clock.advance(1);
		expect(reply.code).toBe("REPLY_INVALID");
		expect(reply.message).toContain("within 400 ms");
	});

	it("waits no longer than its time-out for the rest of a reply that stopped", async () => {
		const { far, line } = setUp();
		far.answer = () => far.send(ascii("1.0"));
		const reply = outcome(line.request(ask("PR1", { retries: 0 })));
		await far.clock.advance(100);
		expect(reply.code).toBe("REPLY_INVALID");
	});

	it("asks again on a new connection where the far end hangs up, for a look alone", async () => {
		const { far, line } = setUp({ timing: { ...timing, isLook: true } });
		far.answer = (_request, index) => {
			if (index === 0) void far.cut();
			else far.send(ascii("1.0E-3\r"));
		};
		expect(await line.request(ask("PR1"))).toBe("1.0E-3");
		expect(far.opened).toBe(2);
		expect(line.counters).toEqual({ exchanges: 1, retries: 1, timeouts: 0, breaks: 1, slowestMs: 0 });

		const control = setUp();
		control.far.answer = () => void control.far.cut();
		const reply = outcome(control.line.request(ask("PR1")));
		await settled();
		expect(reply.code).toBe("LINK_LOST");
	});

	it("in a look notes the longest wait for an answer to begin, and not that for a question with a time-out of its own", async () => {
		const { far, line } = setUp({ timing: { ...timing, isLook: true } });
		const waits = [30, 70, 50, 90];
		far.answer = (_request, index) => far.sendLater(waits[index]!, ascii("1\r"));
		const done = Promise.all([
			...["A", "B", "C"].map((text) => line.request(ask(text))),
			line.request(ask("D", { timeoutMs: timing.timeoutMs * 2 })),
		]);
		await far.clock.advance(1_000);
		await done;
		expect(line.counters.slowestMs).toBe(70);
	});

	it("in a look waits for the answers to all attempts of a question, however late, before the next one", async () => {
		const { far, line } = setUp({ timing: { ...timing, isLook: true } });
		far.answer = (request, index) =>
			far.sendLater(index === 1 ? 265 : 250, ascii(`for ${Buffer.from(request).toString("latin1")}`));
		const first = outcome(line.request(ask("A")));
		const second = outcome(line.request(ask("B")));
		await far.clock.advance(1000);
		expect([first.value, second.value]).toEqual(["for A", "for B"]);
		expect(far.atMs).toEqual([0, 200, 485, 685]);
	});

	it("asks an instrument again that says it is busy, and gives its word when it stays so", async () => {
		const { far, line } = setUp();
		const busy = (until: number) =>
			ask("PR1", {
				parse: () => {
					if (far.requests.length <= until)
						throw new AdlayerError("MODBUS_EXCEPTION", "Busy.", { context: { isBusy: true } });
					return { reply: "at last", taken: 1 };
				},
			});
		far.answer = () => far.send(ascii("!"));
		const reply = outcome(line.request(busy(2)));
		await far.clock.advance(200);
		expect(reply.value).toBe("at last");
		expect(far.atMs).toEqual([0, 100, 200]);
		const never = outcome(line.request(busy(99)));
		await far.clock.advance(1000);
		expect(never.code).toBe("MODBUS_EXCEPTION");
	});
});
