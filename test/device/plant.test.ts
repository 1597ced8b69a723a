import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SteppedClock } from "#core/clock.js";
import { AdlayerError } from "#core/errors.js";
import { CONNECT_HANGS_MS, Plant, type PlantInstrument, POLL_HANGS_MS } from "#device/plant.js";
import { FakeDevice } from "../safety/fake-plant.js";

let clock: SteppedClock;
let device: FakeDevice;
let plant: Plant;
let told: string[];

beforeEach(() => {
	clock = new SteppedClock({ wallStartMs: 0 });
	device = new FakeDevice({ value: 7 });
	told = [];
	const spec: PlantInstrument = {
		name: "gauge",
		driver: "fake",
		address: "fake:",
		pollMs: 250,
		staleMs: 2_000,
		device,
		counters: { exchanges: 0, retries: 0, timeouts: 0 },
	};
	plant = new Plant(clock, [spec], {
		sample: () => {},
		instrument: (name, state, { error, warnings = [] }) =>
			told.push([name, state, ...(error === undefined ? [] : [error.code]), ...warnings].join(" ")),
	});
});
afterEach(() => plant.stop());

const silent = () => new AdlayerError("DEVICE_SILENT", "No answer.");

describe("the plant", () => {
	it("connects, polls on its grid, and gives good readings", async () => {
		plant.start();
		await clock.advance(10_000);
		expect(told).toEqual(["gauge ready"]);
		expect(device.polls).toBe(41);
		expect(plant.reading("gauge.value")).toMatchObject({ value: 7, quality: "good" });
	});

	it("shows nothing as good before the first connection, nor after a fault", async () => {
		expect(plant.reading("gauge.value")).toMatchObject({ value: null, quality: "stale" });
		plant.start();
		await clock.advance(1_000);
		device.silence = silent();
		await clock.advance(300);
		expect(plant.reading("gauge.value")).toMatchObject({ value: 7, quality: "stale" });
		expect(() => plant.device("gauge")).toThrowError(
			expect.objectContaining({ code: "DEVICE_NOT_READY", message: "Instrument gauge is at fault: No answer." }),
		);
	});

	it("tries again every second, tells a lasting fault once, and identifies anew", async () => {
		plant.start();
		await clock.advance(1_000);
		device.silence = silent();
		await clock.advance(20_000);
		device.silence = undefined;
		await clock.advance(2_000);
		expect(told).toEqual(["gauge ready", "gauge fault DEVICE_SILENT", "gauge ready"]);
		expect(device.connects).toBeGreaterThanOrEqual(15);
	});

	it("tells the next reason why an instrument is refused once the first is corrected", async () => {
		const faults: string[] = [];
		const refusing = new Plant(clock, plant.instruments, {
			sample: () => {},
			instrument: (_name, _state, { error }) => faults.push(error?.message ?? "ready"),
		});
		device.silence = new AdlayerError("DEVICE_MISCONFIGURED", "SP.HI is 200 degC.");
		refusing.start();
		await clock.advance(5_000);
		device.silence = new AdlayerError("DEVICE_MISCONFIGURED", "SP1 is 60 degC.");
		await clock.advance(5_000);
		device.silence = undefined;
		await clock.advance(2_000);
		expect(faults).toEqual(["SP.HI is 200 degC.", "SP1 is 60 degC.", "ready"]);
		await refusing.stop();
	});

	it("passes on what a driver warns of at the connection, as long as that stands", async () => {
		device.warnings = ["It is in manual mode."];
		plant.start();
		await clock.advance(1_000);
		device.silence = silent();
		await clock.advance(2_000);
		device.silence = undefined;
		device.warnings = [];
		await clock.advance(2_000);
		expect(told).toEqual(["gauge ready It is in manual mode.", "gauge fault DEVICE_SILENT", "gauge ready"]);
	});

	it("lets a value go stale by its age alone", async () => {
		plant.start();
		await clock.advance(1_000);
		device.hangs = true;
		await clock.advance(2_000);
		expect(plant.reading("gauge.value").quality).toBe("good");
		await clock.advance(250);
		expect(plant.reading("gauge.value").quality).toBe("stale");
	});

	it("gives up a poll that hangs, and connects anew", async () => {
		plant.start();
		await clock.advance(1_000);
		device.hangs = true;
		await clock.advance(POLL_HANGS_MS + 1_500);
		expect(told).toEqual(["gauge ready", "gauge fault DEVICE_SILENT"]);
		device.hangs = false;
		await clock.advance(CONNECT_HANGS_MS);
		expect(told.at(-1)).toBe("gauge ready");
	});

	it("refuses what cannot say what it is", async () => {
		device.confirmed = false;
		plant.start();
		await clock.advance(3_000);
		expect(told).toEqual(["gauge fault IDENTITY_UNKNOWN"]);
	});

	it("refuses another model that has taken the instrument's place, and takes the first one back", async () => {
		plant.start();
		await clock.advance(1_000);
		device.silence = silent();
		await clock.advance(1_000);
		device.model = "M2";
		device.silence = undefined;
		await clock.advance(5_000);
		expect(told.at(-1)).toBe("gauge fault IDENTITY_MISMATCH");
		expect(() => plant.deviceToMakeSafe("gauge")).toThrowError(expect.objectContaining({ code: "DEVICE_NOT_READY" }));
		device.model = "M1";
		await clock.advance(5_000);
		expect(told.at(-1)).toBe("gauge ready");
	});

	it("takes a spare of the same model, and goes on warning that it is another one", async () => {
		plant.start();
		await clock.advance(1_000);
		device.silence = silent();
		await clock.advance(1_000);
		device.serial = "2";
		device.silence = undefined;
		await clock.advance(5_000);
		const warnings = [expect.stringMatching(/^Its serial number is 2; at this start of control it was 1:/)];
		expect(plant.instrument("gauge")).toMatchObject({ state: "ready", identity: { serial: "2" }, warnings });
		device.silence = silent();
		await clock.advance(1_000);
		device.silence = undefined;
		await clock.advance(5_000);
		expect(plant.instrument("gauge")).toMatchObject({ state: "ready", warnings });
		device.silence = silent();
		await clock.advance(1_000);
		device.serial = "1";
		device.silence = undefined;
		await clock.advance(5_000);
		expect(plant.instrument("gauge")).toMatchObject({ state: "ready", warnings: [] });
	});

	it("hands a device at fault to the safe state, but not one never identified", async () => {
		expect(() => plant.deviceToMakeSafe("gauge")).toThrowError(expect.objectContaining({ code: "DEVICE_NOT_READY" }));
		plant.start();
		await clock.advance(1_000);
		device.silence = silent();
		await clock.advance(1_000);
		expect(plant.deviceToMakeSafe("gauge")).toBe(device);
	});

	it("knows no signal or instrument that is not there", () => {
		expect(() => plant.reading("gauge.other")).toThrowError(expect.objectContaining({ code: "SIGNAL_UNKNOWN" }));
		expect(() => plant.device("other")).toThrowError(expect.objectContaining({ code: "SIGNAL_UNKNOWN" }));
	});

	it("stops although a poll hangs", async () => {
		plant.start();
		await clock.advance(1_000);
		device.hangs = true;
		await clock.advance(500);
		await plant.stop();
	});
});
