import { describe, expect, it } from "vitest";
import { Bench } from "./bench.js";

const connected = async () => {
	const bench = new Bench();
	await bench.run(bench.device.connect());
	bench.requests.length = 0;
	return bench;
};
const worksTo = async (bench: Bench) => (await bench.run(bench.device.poll())).setpoint!.value;
const writes = (bench: Bench) => bench.requests.filter((request) => request.startsWith("6@"));

describe("loop settings of a 3216", () => {
	it("are written only where they differ, and read back", async () => {
		const bench = await connected();
		const { loop } = bench.device;
		expect(await bench.run(loop!.settings())).toEqual({ proportionalBandC: 8, integralS: 150, derivativeS: 0 });
		const wanted = { proportionalBandC: 3.6, integralS: 44, derivativeS: 0 };
		expect(await bench.run(loop!.write(wanted))).toEqual(wanted);
		expect(writes(bench)).toEqual(["6@6=36", "6@8=44"]);
		expect(await bench.run(loop!.settings())).toEqual(wanted);
	});

	it("that the instrument does not hold are refused before a byte leaves", async () => {
		const bench = await connected();
		const wrong = { proportionalBandC: 0, integralS: -1, derivativeS: 10_000 };
		await expect(bench.run(bench.device.loop!.write(wrong))).rejects.toMatchObject({
			code: "SETPOINT_OUT_OF_RANGE",
			message: expect.stringMatching(/PB 0 degC.*Ti -1 s.*Td 10000 s/),
		});
		expect(bench.requests).toEqual([]);
	});

	it("of which one is not taken are all put back", async () => {
		const bench = await connected();
		// The instrument is locked at its front for integral times.
		Object.defineProperty(bench.simulator.tuning, "integralS", { get: () => 150, set: () => {} });
		await expect(
			bench.run(bench.device.loop!.write({ proportionalBandC: 3.6, integralS: 44, derivativeS: 0 })),
		).rejects.toMatchObject({ code: "READBACK_MISMATCH", message: expect.stringContaining("Ti (register 8)") });
		expect(await bench.run(bench.device.loop!.settings())).toEqual({
			proportionalBandC: 8,
			integralS: 150,
			derivativeS: 0,
		});
	});
});

describe("giving a 3216 back", () => {
	it("lets an instrument that worked to its local setpoint do so again, and refreshes nothing any more", async () => {
		const bench = await connected();
		const before = await worksTo(bench);
		const giveBack = await bench.run(bench.device.loop!.remember());
		await bench.run(bench.device.set!("setpoint", 120));
		expect(await worksTo(bench)).toBe(120);
		await bench.run(giveBack());
		expect(await worksTo(bench)).toBe(before);
		bench.requests.length = 0;
		await bench.pollFor(10);
		expect(writes(bench)).toEqual([]);
	});

	it("sets a setpoint of its own again", async () => {
		const bench = await connected();
		await bench.run(bench.device.set!("setpoint", 65));
		const giveBack = await bench.run(bench.device.loop!.remember());
		await bench.run(bench.device.set!("setpoint", 120));
		await bench.run(giveBack());
		expect(await worksTo(bench)).toBe(65);
	});

	it("does not revive a remote setpoint that had lapsed", async () => {
		const bench = await connected();
		await bench.run(bench.device.set!("setpoint", 150));
		await bench.run(bench.clock.sleep(20_000));
		// Met anew after the loss, the driver has no setpoint of its own any more.
		await bench.run(bench.device.connect());
		const localC = await worksTo(bench);
		expect(localC).toBeLessThan(50);
		const giveBack = await bench.run(bench.device.loop!.remember());
		await bench.run(bench.device.set!("setpoint", 120));
		await bench.run(giveBack());
		for (let seconds = 0; seconds < 10; seconds += 1) {
			expect(await worksTo(bench)).toBe(localC);
			await bench.run(bench.clock.sleep(1_000));
		}
	});
});
