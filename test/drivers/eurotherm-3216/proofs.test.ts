/** What a 3216 must have shown before it counts as set, safe or let go, and what is done when it does not show it. */
import { describe, expect, it } from "vitest";
import { Bench } from "./bench.js";

const connected = async (...of: ConstructorParameters<typeof Bench>) => {
	const bench = new Bench(...of);
	await bench.run(bench.device.connect());
	bench.requests.length = 0;
	return bench;
};
const set = (bench: Bench, degC: number) => bench.run(bench.device.set!("setpoint", degC));
const writes = (bench: Bench) => bench.requests.filter((request) => request.startsWith("6@"));

/** Acknowledges writes to a register, and does not take them. */
function ignore(bench: Bench, register: number): void {
	const receive = bench.simulator.receive.bind(bench.simulator);
	bench.simulator.receive = (bytes, connection) => {
		const isIgnored = bytes[1] === 6 && ((bytes[2]! << 8) | bytes[3]!) === register;
		if (isIgnored) connection.send(bytes);
		else receive(bytes, connection);
	};
}

describe("a setpoint of a 3216", () => {
	it("is bounded by the configured range, as its signal says", async () => {
		const bench = await connected();
		expect(bench.device.signals.setpoint!.settable).toEqual({ min: 0, max: 200 });
		expect(await set(bench, 0)).toBe(0);
		expect(await set(bench, 200)).toBe(200);
	});

	it("that does not stand in register 26 after it was written is none", async () => {
		const bench = await connected();
		ignore(bench, 26);
		await expect(set(bench, 120)).rejects.toMatchObject({
			code: "READBACK_MISMATCH",
			context: { sentC: 120, backC: 0 },
		});
		expect(writes(bench)).toEqual(["6@26=1200"]);
	});

	it("selects remote once, with the configured value first, and not again while it is followed", async () => {
		const bench = new Bench({ remote_select: 0 });
		bench.simulator.remoteSelect = 0;
		await bench.run(bench.device.connect());
		bench.requests.length = 0;
		await set(bench, 120);
		expect(writes(bench)).toEqual(["6@26=1200", "6@276=0"]);
		await bench.pollFor(3);
		bench.requests.length = 0;
		await set(bench, 121);
		expect(writes(bench)).toEqual(["6@26=1210"]);
		expect(bench.simulator.remoteSelect).toBe(0);
	});

	it("selects remote again after a loss in which the instrument has lost power", async () => {
		const bench = await connected();
		await set(bench, 120);
		await bench.run(bench.device.close());
		bench.simulator.powerCycle();
		await bench.run(bench.device.connect());
		await set(bench, 120);
		expect(await bench.pollFor(3)).toMatchObject({ setpoint: { value: 120, quality: "good" }, remote: { value: 1 } });
	});

	it("that is also the local one proves nothing: the next one finds out what selects remote", async () => {
		const bench = new Bench();
		bench.simulator.localSetpointsC[0] = 20;
		bench.simulator.remoteSelect = 0;
		await bench.clock.advance(250);
		await bench.run(bench.device.connect());
		await set(bench, 20);
		await set(bench, 120);
		expect(await bench.pollFor(3)).toMatchObject({ setpoint: { value: 120, quality: "good" } });
	});

	it("is not in doubt while the controller has not had its time to follow", async () => {
		const bench = await connected();
		await set(bench, 120);
		await bench.pollFor(2);
		await set(bench, 121);
		expect((await bench.run(bench.device.poll())).setpoint).toEqual({ value: 120, quality: "good" });
	});

	it.each([
		["the instrument has lost power", 0, (bench: Bench) => bench.simulator.powerCycle()],
		["the remote setpoint has failed, and the local one is the same", 40, () => {}],
	])("is nobody's any more after a loss in which %s", async (_what, localC, happens) => {
		const bench = new Bench();
		bench.simulator.localSetpointsC[0] = localC;
		await bench.run(bench.device.connect());
		await set(bench, 40);
		await bench.run(bench.device.close());
		happens(bench);
		await bench.clock.advance(6000);
		await bench.run(bench.device.connect());
		expect(await bench.pollFor(3)).toMatchObject({
			setpoint: { value: localC, quality: "good" },
			remote: { value: 0 },
		});
	});
});

describe("a 3216 that is made safe", () => {
	it("in automatic mode is written nothing but its setpoint", async () => {
		const bench = await connected();
		await set(bench, 150);
		bench.requests.length = 0;
		await bench.run(bench.device.makeSafe());
		expect(writes(bench)).toEqual(["6@26=0"]);
	});

	it("holds its safe setpoint again when the line was busy for longer than its time-out", async () => {
		const bench = await connected({ safe_setpoint_degC: 10 });
		await set(bench, 150);
		await bench.run(bench.device.makeSafe());
		await bench.clock.advance(6000);
		expect(await bench.pollFor(3)).toMatchObject({ setpoint: { value: 10, quality: "good" } });
		await set(bench, 120);
		await bench.clock.advance(6000);
		await bench.pollFor(10);
		expect(bench.heaterPercent).toBe(0);
	});

	it("overrules a change of its setpoint that is under way, though remote was proven before", async () => {
		const bench = await connected();
		await set(bench, 120);
		await bench.pollFor(2);
		const setting = set(bench, 150);
		setting.catch(() => {});
		await bench.run(bench.device.makeSafe());
		await expect(setting).rejects.toMatchObject({ code: expect.stringMatching(/DEVICE_NOT_READY|READBACK_MISMATCH/) });
		expect(await bench.pollFor(10)).toMatchObject({ setpoint: { value: 0 }, output: { value: 0 } });
	});

	it("is refreshed no more when it could not be made safe, so that its own time-out does it", async () => {
		const bench = await connected();
		await set(bench, 150);
		ignore(bench, 26);
		await expect(bench.run(bench.device.makeSafe())).rejects.toMatchObject({ code: "READBACK_MISMATCH" });
		bench.requests.length = 0;
		await bench.pollFor(6);
		expect(writes(bench)).toEqual([]);
		expect(bench.heaterPercent).toBe(0);
	});

	it("is not safe while it works on to a temperature above the local setpoint that the lab file allows", async () => {
		const bench = await connected();
		await set(bench, 150);
		bench.simulator.setpointRateCPerMin = 5;
		await expect(bench.run(bench.device.makeSafe())).rejects.toMatchObject({
			code: "READBACK_MISMATCH",
			message: expect.stringMatching(
				/^stage still works to 1\d\d(\.\d)? degC after its safe setpoint of 0 degC was sent\.$/,
			),
		});
	});

	it.each([
		[40, {}],
		[55, { local_setpoint_degC_max: 55 }],
	])("is safe at a local setpoint of %s degC, which the lab file allows", async (localC, settings) => {
		const bench = new Bench(settings);
		bench.simulator.localSetpointsC[0] = localC;
		await bench.clock.advance(250);
		await bench.run(bench.device.connect());
		await bench.run(bench.device.makeSafe());
		expect(await bench.pollFor(2)).toMatchObject({ setpoint: { value: localC }, remote: { value: 0 } });
	});

	it("in manual mode is not safe while its output stays", async () => {
		const bench = await connected();
		await bench.run(bench.modbus.writeRegister(273, 1));
		await bench.run(bench.modbus.writeRegister(3, 800));
		await bench.clock.advance(250);
		ignore(bench, 3);
		await expect(bench.run(bench.device.makeSafe())).rejects.toMatchObject({
			code: "READBACK_MISMATCH",
			message: "stage is in manual mode and still heats with 80 %.",
		});
	});
});

describe("giving a 3216 back", () => {
	const given = async () => {
		const bench = await connected();
		const giveBack = await bench.run(bench.device.loop!.remember());
		await set(bench, 120);
		return { bench, giveBack };
	};

	it.each([0, 2, 5, 10, 20, 100, 300])("ends when it is made safe %s ms after it has begun", async (afterMs) => {
		const bench = new Bench();
		bench.simulator.localSetpointsC[0] = 35;
		await bench.clock.advance(250);
		await bench.run(bench.device.connect());
		const giveBack = await bench.run(bench.device.loop!.remember());
		await set(bench, 120);
		bench.requests.length = 0;
		const giving = giveBack();
		giving.catch(() => {});
		await bench.clock.advance(afterMs);
		await bench.run(bench.device.makeSafe());
		await expect(bench.run(giving)).rejects.toMatchObject({ code: "DEVICE_NOT_READY" });
		expect(writes(bench).at(-1)).toBe("6@26=0");
	});

	it("has failed when it did not take back what selects its setpoint", async () => {
		const { bench, giveBack } = await given();
		ignore(bench, 276);
		await expect(bench.run(giveBack())).rejects.toMatchObject({
			code: "READBACK_MISMATCH",
			message: "stage works to 0 degC (register 276: 1) instead of its former 0 degC (0).",
		});
	});

	it("has failed when it works to another setpoint than before", async () => {
		const { bench, giveBack } = await given();
		bench.simulator.localSetpointsC[0] = 35;
		await expect(bench.run(giveBack())).rejects.toMatchObject({
			code: "READBACK_MISMATCH",
			context: { workingC: 35, formerC: 0 },
		});
	});
});

describe("a temperature of a 3216", () => {
	it("is one from the lower end of the input range to the upper, and none beyond", async () => {
		const bench = await connected();
		for (const [stageC, quality, detail] of [
			[-200, "good", undefined],
			[-200.1, "fault", "outside the input range"],
			[1372, "good", undefined],
			[1372.1, "fault", "outside the input range"],
			[1460, "fault", "over range"],
		] as const) {
			bench.stageC = stageC;
			bench.simulator.advance(bench.clock.nowMs() + 250);
			const { temperature } = await bench.run(bench.device.poll());
			expect(temperature, `${stageC} degC`).toMatchObject(
				detail === undefined
					? { quality, value: stageC }
					: { quality, value: null, detail: expect.stringContaining(detail) },
			);
			await bench.clock.advance(250);
		}
	});
});
