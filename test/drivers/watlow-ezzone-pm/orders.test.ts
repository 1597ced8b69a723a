/** What a PM was ordered against what it does: nothing heats it but an order, and nobody is overruled at its front. */
import { describe, expect, it } from "vitest";
import { MODE, wordsFromFloat } from "#drivers/watlow-ezzone-pm/registers.js";
import { sealWithCrc } from "#transport/crc16.js";
import { Bench } from "./bench.js";

const OFF = "6@1880=003e";
const AUTO = "6@1880=000a";
const CONTROL_MODE = 1880;
const OUTPUT = 1908;
const SETPOINT = 2160;
const ACTIVE_SETPOINT = 2172;

const READ = 3;
const WRITE_ONE = 6;
const WRITE_MANY = 16;

const inCelsius = (simulator: Bench["simulator"]) => void Object.assign(simulator, { unit: "C" });
const inEeprom = (simulator: Bench["simulator"]) => void Object.assign(simulator, { unit: "C", savesWrites: true });
const sealed = (bytes: Iterable<number>) => sealWithCrc(Uint8Array.from([...bytes, 0, 0]));
const setpointsWritten = (bench: Bench) => bench.writes.filter((write) => write.startsWith(`16@${SETPOINT}`)).length;

/** What stands between the driver and the instrument: gives the reply, or undefined to let the request through. */
function between(bench: Bench, reply: (bytes: Uint8Array, register: number) => Uint8Array | undefined): void {
	const receive = bench.simulator.receive.bind(bench.simulator);
	bench.simulator.receive = (bytes, connection) => {
		const instead = reply(bytes, (bytes[2]! << 8) | bytes[3]!);
		if (instead === undefined) receive(bytes, connection);
		else connection.send(instead);
	};
}

/** Acknowledges writes to a register, and does not take them. */
function ignore(bench: Bench, ignored: number): void {
	between(bench, (bytes, register) => {
		if (register !== ignored) return undefined;
		if (bytes[1] === WRITE_ONE) return bytes;
		return bytes[1] === WRITE_MANY ? sealed(bytes.subarray(0, 6)) : undefined;
	});
}

/** Reports a number of its own while it has one. */
function report(bench: Bench, at: number, value: () => number | undefined): void {
	between(bench, (bytes, register) => {
		const told = bytes[1] === READ && register === at ? value() : undefined;
		if (told === undefined) return undefined;
		return sealed([1, READ, 4, ...wordsFromFloat(told, "low-first").flatMap((word) => [word >> 8, word & 0xff])]);
	});
}

describe("ordering a PM to heat", () => {
	it("takes both ends of the range", async () => {
		const bench = await new Bench().connected();
		expect(await bench.set(0)).toBe(0);
		expect(await bench.set(200)).toBeCloseTo(200, 3);
	});

	it("has failed, and switches nothing on, when the set point does not come back as it was sent", async () => {
		const bench = await new Bench({}, inCelsius).connected();
		ignore(bench, SETPOINT);
		await expect(bench.set(120)).rejects.toMatchObject({
			code: "READBACK_MISMATCH",
			context: { sentC: 120, backC: 0 },
		});
		expect(bench.writes).not.toContain(AUTO);
	});

	it("has failed when it does not go to auto", async () => {
		const bench = await new Bench().connected();
		ignore(bench, CONTROL_MODE);
		await expect(bench.set(120)).rejects.toMatchObject({ code: "READBACK_MISMATCH", context: { mode: MODE.off } });
		expect((await bench.pollFor(3)).remote!.value).toBe(0);
	});

	it("writes the same set point again to one that has another by now", async () => {
		const bench = await new Bench({}, inCelsius).connected();
		await bench.set(100);
		bench.simulator.setAtFront({ setpointC: 40 });
		expect(await bench.set(100)).toBe(100);
		expect((await bench.pollFor(3)).setpoint).toEqual({ value: 100, quality: "good" });
	});

	it("sends no set point any more once it has been made safe while it looked", async () => {
		const bench = await new Bench().connected();
		await bench.set(100);
		await bench.pollFor(3);
		const before = setpointsWritten(bench);
		const setting = bench.device.set!("setpoint", 150).catch((error: { code: string }) => error.code);
		await bench.run(bench.device.makeSafe());
		expect(await bench.run(setting)).toBe("DEVICE_NOT_READY");
		expect(setpointsWritten(bench)).toBe(before);
		expect(bench.writes.at(-1)).toBe(OFF);
	});
});

describe("a PM whose set points wear its EEPROM", () => {
	it("is raised when the configured time has passed since the last write, and then once", async () => {
		const bench = await new Bench({ setpoint_write_s_min: 20 }, inEeprom).connected();
		await bench.set(100);
		await bench.set(110);
		await bench.pollFor(19);
		expect(setpointsWritten(bench)).toBe(1);
		await bench.pollFor(3);
		expect(setpointsWritten(bench)).toBe(2);
		expect(await bench.pollFor(60)).toMatchObject({ setpoint: { value: 110, quality: "good" } });
		expect(setpointsWritten(bench)).toBe(2);
	});

	it("is not switched on by what waited when it was switched off at its front meanwhile", async () => {
		const bench = await new Bench({}, inEeprom).connected();
		await bench.set(100);
		await bench.set(110);
		bench.simulator.setAtFront({ mode: MODE.off });
		await bench.clock.advance(10_000);
		await expect(bench.poll()).rejects.toMatchObject({ code: "READBACK_MISMATCH" });
		await bench.run(bench.device.connect());
		await bench.pollFor(30);
		expect(bench.heaterPercent).toBe(0);
		expect(bench.writes.filter((write) => write === AUTO)).toHaveLength(1);
	});

	it("is not switched on by what waited when it has lost what it was ordered", async () => {
		const bench = await new Bench({}, inEeprom).connected();
		await bench.set(100);
		await bench.set(110);
		bench.simulator.setAtFront({ mode: MODE.off });
		await bench.run(bench.device.connect());
		await bench.pollFor(30);
		expect(bench.heaterPercent).toBe(0);
		expect(bench.writes.filter((write) => write === AUTO)).toHaveLength(1);
	});
});

describe("a PM that is watched", () => {
	it("goes on with what it was ordered after a loss in which it went on", async () => {
		const bench = await new Bench({}, inCelsius).connected();
		await bench.set(100);
		await bench.run(bench.device.close());
		await bench.clock.advance(60_000);
		await bench.run(bench.device.connect());
		expect(await bench.pollFor(3)).toMatchObject({ setpoint: { value: 100, quality: "good" }, remote: { value: 1 } });
	});

	it("is not judged by a poll that meets an order under way", async () => {
		for (let exchanges = 1; exchanges <= 7; exchanges += 1) {
			const bench = await new Bench({}, inCelsius).connected();
			await bench.set(60);
			await bench.pollFor(3);
			bench.requests.length = 0;
			const setting = bench.device.set!("setpoint", 150);
			while (bench.requests.length < exchanges) await Promise.resolve();
			const polled = bench.device.poll();
			await bench.run(setting);
			expect((await bench.run(polled)).setpoint!.quality).toBe("good");
		}
	});

	it("is not judged before it has had its time to follow", async () => {
		const bench = await new Bench({}, inCelsius).connected();
		await bench.set(150);
		await bench.pollFor(3);
		report(bench, ACTIVE_SETPOINT, () => 150);
		await bench.set(60);
		expect((await bench.poll()).setpoint).toEqual({ value: 150, quality: "good" });
		await bench.clock.advance(1000);
		await expect(bench.poll()).rejects.toMatchObject({ message: expect.stringContaining("works to 150.0 degC") });
	});

	it("is a fault when it works to more than its set point says", async () => {
		const bench = await new Bench({}, inCelsius).connected();
		await bench.set(100);
		await bench.pollFor(3);
		report(bench, ACTIVE_SETPOINT, () => 150);
		await expect(bench.poll()).rejects.toMatchObject({ code: "READBACK_MISMATCH", context: { highestC: 150 } });
	});

	it("is a fault when it heats more than its heater stands, though nothing was ordered", async () => {
		const bench = await new Bench({ output_percent_max: 60 }).connected();
		bench.simulator.setAtFront({ mode: MODE.auto, setpointC: 180 });
		await bench.clock.advance(500);
		await expect(bench.poll()).rejects.toMatchObject({
			code: "DEVICE_MISCONFIGURED",
			context: { outputPercent: 100, outputMax: 60 },
		});
	});

	it("may be worked by hand at its front while nothing was ordered", async () => {
		const bench = await new Bench({}, inCelsius).connected();
		bench.simulator.setAtFront({ mode: MODE.manual, setpointC: 80 });
		expect(await bench.pollFor(3)).toMatchObject({ setpoint: { value: 80, quality: "good" }, remote: { value: 0 } });
	});

	it("says that it is off when it was switched off at its front alone", async () => {
		const bench = await new Bench().connected();
		await bench.set(100);
		await bench.pollFor(3);
		bench.simulator.setAtFront({ mode: MODE.off });
		expect(await bench.poll()).toMatchObject({
			setpoint: { quality: "fault", detail: expect.stringContaining("is off, not in auto") },
			remote: { value: 0 },
		});
	});
});

describe("a PM that is made safe", () => {
	it("is given a second for its output to go to 0", async () => {
		const bench = await new Bench().connected();
		await bench.set(150);
		await bench.pollFor(5);
		const offAtMs = bench.clock.nowMs() + 800;
		report(bench, OUTPUT, () => (bench.clock.nowMs() < offAtMs ? 30 : undefined));
		await bench.run(bench.device.makeSafe());
		expect(bench.clock.nowMs()).toBeGreaterThanOrEqual(offAtMs);
	});

	it("is not safe while it says that it heats, though it says that it is off", async () => {
		const bench = await new Bench().connected();
		await bench.set(150);
		report(bench, OUTPUT, () => 30);
		await expect(bench.run(bench.device.makeSafe())).rejects.toMatchObject({
			code: "READBACK_MISMATCH",
			context: { mode: MODE.off, outputPercent: 30 },
		});
	});
});
