import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import { SteppedClock } from "#core/clock.js";
import type { Device } from "#device/contract.js";
import type { AtmosphereSettings } from "#drivers/mqtt-atmosphere/config.js";
import { mqttAtmosphere } from "#drivers/mqtt-atmosphere/index.js";
import { MemoryBroker } from "#transport/memory-mqtt.js";

const WALL_MS = Date.UTC(2026, 0, 1);
const SETTINGS: AtmosphereSettings = {
	stale_s: 30,
	signals: {
		oxygen: { gas: "O2", topic: "o2", payload: "number", ppm_per_unit: 1, ppm_min: 0, ppm_max: 1_000 },
		water: {
			gas: "H2O",
			topic: "air",
			payload: "json",
			value: "/h2o",
			time: "/at",
			time_form: "unix_ms",
			ppm_per_unit: 1,
			ppm_min: 0,
			ppm_max: 1_000,
		},
	},
};

class Rig {
	readonly clock = new SteppedClock({ wallStartMs: WALL_MS });
	readonly broker = new MemoryBroker();
	readonly device: Device;

	constructor(settings: AtmosphereSettings = SETTINGS) {
		this.device = mqttAtmosphere.create({ name: "box", settings, clock: this.clock, mqtt: this.broker.link("box") });
	}

	oxygen(payload: string, retain = false): void {
		this.broker.publish("box/o2", Buffer.from(payload), { retain });
	}

	water(ppm: number, options: { ageMs?: number; retain?: boolean } = {}): void {
		const at = this.clock.wallMs() - (options.ageMs ?? 0);
		this.broker.publish("box/air", Buffer.from(JSON.stringify({ h2o: ppm, at })), { retain: options.retain ?? false });
	}

	/** Connected, with a fresh value of each. */
	async connected(): Promise<this> {
		const connecting = this.device.connect();
		await this.clock.advance(10);
		this.oxygen("0.4");
		this.water(0.2);
		await this.clock.advance(10);
		expect(await connecting).toMatchObject({ confirmed: true, warnings: [] });
		return this;
	}

	async poll() {
		await this.clock.advance(1);
		return this.device.poll();
	}
}

const good = (value: number) => ({ value, quality: "good" });
const fault = (detail: RegExp) => ({ value: null, quality: "fault", detail: expect.stringMatching(detail) });

describe("mqtt-atmosphere", () => {
	it("takes a declaration that is whole, and no other", () => {
		const valid = new Ajv({ strict: true, strictRequired: false }).compile(mqttAtmosphere.settingsSchema);
		const { oxygen, water } = SETTINGS.signals as { oxygen: object; water: object };
		const declared = (signals: object) => valid({ stale_s: 30, signals });
		expect(valid(SETTINGS)).toBe(true);
		expect(declared({ oxygen: { ...oxygen, value: "/o2" } })).toBe(false);
		expect(
			declared({ water: { gas: "H2O", topic: "a", payload: "json", ppm_per_unit: 1, ppm_min: 0, ppm_max: 1 } }),
		).toBe(false);
		expect(declared({ oxygen: { ...oxygen, topic: "box/+" } })).toBe(false);
		expect(declared({ oxygen: { ...oxygen, ppm_per_unit: 0 } })).toBe(false);
		expect(declared({ water: { ...water, unit: "/unit" } })).toBe(false);
		expect(valid({ signals: SETTINGS.signals })).toBe(false);
		const upsideDown = { stale_s: 30, signals: { oxygen: { ...SETTINGS.signals.oxygen!, ppm_min: 2, ppm_max: 1 } } };
		expect(() => new Rig(upsideDown)).toThrow(/not above/);
	});

	it("gives what the messages say", async () => {
		const rig = await new Rig().connected();
		expect(await rig.poll()).toEqual({ oxygen: good(0.4), water: good(0.2) });
		rig.oxygen("0.6");
		expect((await rig.poll()).oxygen).toEqual(good(0.6));
	});

	it("does not trust a retained number of unknown age until a fresh one comes", async () => {
		const rig = new Rig();
		rig.oxygen("0.4", true);
		rig.water(0.2, { retain: true });
		expect((await rig.device.inspect!()).confirmed).toBe(true);
		expect(await rig.poll()).toEqual({ oxygen: fault(/unknown age/), water: good(0.2) });
		rig.oxygen("0.4");
		expect((await rig.poll()).oxygen).toEqual(good(0.4));
	});

	it("is not connected before the fresh one has come: at a sound monitor no value is ever at fault", async () => {
		const rig = new Rig();
		rig.oxygen("0.4", true);
		rig.water(0.2, { retain: true });
		let isConnected = false;
		const connecting = rig.device.connect().then((found) => {
			isConnected = true;
			return found;
		});
		await rig.clock.advance(29_000);
		expect(isConnected).toBe(false);
		rig.oxygen("0.4", true);
		await rig.clock.advance(1);
		expect(await connecting).toMatchObject({ confirmed: true, warnings: [] });
		expect((await rig.poll()).oxygen).toEqual(good(0.4));
	});

	it("is connected with what there is when nothing fresh comes for as long as a value may be old", async () => {
		const rig = new Rig();
		rig.oxygen("0.4", true);
		rig.water(0.2, { retain: true });
		const connecting = rig.device.connect();
		await rig.clock.advance(30_000);
		expect(await connecting).toMatchObject({ confirmed: true, warnings: [expect.stringContaining("unknown age")] });
		expect((await rig.poll()).oxygen).toEqual(fault(/unknown age/));
	});

	it("trusts a retained message as long as its time stamp proves that it is young", async () => {
		const rig = new Rig();
		rig.oxygen("0.4", true);
		rig.water(0.2, { ageMs: 29_000, retain: true });
		await rig.device.inspect!();
		expect((await rig.poll()).water).toEqual(good(0.2));
		await rig.clock.advance(1_000);
		expect((await rig.poll()).water).toEqual(fault(/30 s old, allowed are 30 s/));
	});

	it("gives a fault for a value that became old, and for a message that was old when it came", async () => {
		const rig = await new Rig().connected();
		await rig.clock.advance(29_900);
		expect((await rig.poll()).oxygen).toEqual(good(0.4));
		await rig.clock.advance(100);
		expect(await rig.poll()).toEqual({ oxygen: fault(/old/), water: fault(/old/) });
		const late = new Rig();
		late.oxygen("0.4", true);
		late.water(0.2, { ageMs: 60_000, retain: true });
		await late.device.inspect!();
		expect((await late.poll()).water).toEqual(fault(/60 s old/));
	});

	it("keeps the newer of two values, whatever order they come in", async () => {
		const rig = await new Rig().connected();
		await rig.clock.advance(10_000);
		rig.water(0.3, { ageMs: 1_000 });
		rig.water(0.9, { ageMs: 8_000 });
		rig.water(0.9, { ageMs: 8_000, retain: true });
		expect((await rig.poll()).water).toEqual(good(0.3));
		await rig.clock.advance(28_000);
		expect((await rig.poll()).water).toEqual(good(0.3));
		await rig.clock.advance(1_100);
		expect((await rig.poll()).water).toEqual(fault(/30 s old/));
	});

	it("hears its own topics and no other", async () => {
		const rig = await new Rig().connected();
		for (const topic of ["box/o2/raw", "box/O2", "box2/o2", "o2", "box/h2o"])
			rig.broker.publish(topic, Buffer.from("7"));
		expect(await rig.poll()).toEqual({ oxygen: good(0.4), water: good(0.2) });
	});

	it("does not trust seconds that are given as milliseconds", async () => {
		const rig = new Rig();
		const at = Math.floor(rig.clock.wallMs() / 1_000);
		rig.oxygen("0.4", true);
		rig.broker.publish("box/air", Buffer.from(JSON.stringify({ h2o: 0.2, at })), { retain: true });
		await rig.device.inspect!();
		expect((await rig.poll()).water).toEqual(fault(/s old, allowed are 30 s/));
	});

	it("does not trust a clock that is ahead", async () => {
		const rig = await new Rig().connected();
		rig.water(0.2, { ageMs: -4_000 });
		expect((await rig.poll()).water).toEqual(good(0.2));
		rig.water(0.2, { ageMs: -60_000 });
		expect((await rig.poll()).water).toEqual(fault(/60 s in the future/));
	});

	it.each(["", "off", "{}", "\u0000\u0001", "9".repeat(70_000)])(
		"gives a fault for the payload %.10j and reads on",
		async (payload) => {
			const rig = await new Rig().connected();
			rig.oxygen(payload);
			expect(await rig.poll()).toMatchObject({ oxygen: { value: null, quality: "fault" }, water: good(0.2) });
			rig.oxygen("0.5");
			expect((await rig.poll()).oxygen).toEqual(good(0.5));
		},
	);

	it("gives a fault for what is not plausible", async () => {
		const rig = await new Rig().connected();
		rig.oxygen("20900");
		expect((await rig.poll()).oxygen).toEqual(fault(/20900 ppm is not plausible \(0 to 1000 ppm\)/));
	});

	it("is not confirmed by payloads of another form", async () => {
		const rig = new Rig();
		rig.oxygen("on", true);
		rig.broker.publish("box/air", Buffer.from("off"), { retain: true });
		expect(await rig.device.connect()).toMatchObject({ confirmed: false, warnings: [/no number/, /not JSON/] });
	});

	it("says which topic stayed silent", async () => {
		const rig = new Rig();
		rig.oxygen("0.4", true);
		const refused = expect(rig.device.connect()).rejects.toMatchObject({
			code: "DEVICE_SILENT",
			message: "No message for box came within 30 s on air.",
		});
		await rig.clock.advance(30_000);
		await refused;
	});

	it("is looked at with some of its signals where the rest stays silent, and says which; with none it is silent", async () => {
		const rig = new Rig();
		rig.oxygen("0.4", true);
		const looking = rig.device.inspect!();
		await rig.clock.advance(8_000);
		expect(await looking).toMatchObject({
			confirmed: true,
			warnings: [expect.stringContaining("unknown age"), "water: no message has come on air."],
		});
		const late = new Rig();
		const lateLook = late.device.inspect!();
		await late.clock.advance(20_000);
		late.oxygen("0.6");
		await late.clock.advance(1);
		expect(await lateLook).toMatchObject({ warnings: ["water: no message has come on air."] });
		const mute = new Rig();
		const refused = expect(mute.device.inspect!()).rejects.toMatchObject({ code: "DEVICE_SILENT" });
		await mute.clock.advance(30_000);
		await refused;
	});

	it("loses its values with the broker, and has them back after a new connection", async () => {
		const rig = await new Rig().connected();
		rig.broker.stop();
		await expect(rig.poll()).rejects.toMatchObject({ code: "LINK_LOST" });
		await expect(rig.device.connect()).rejects.toMatchObject({ code: "LINK_UNREACHABLE" });
		rig.broker.start();
		await rig.connected();
		expect(await rig.poll()).toEqual({ oxygen: good(0.4), water: good(0.2) });
	});

	it("hears doubled messages once and nothing after it was closed", async () => {
		const rig = await new Rig().connected();
		rig.oxygen("0.5");
		rig.oxygen("0.5");
		expect((await rig.poll()).oxygen).toEqual(good(0.5));
		await rig.device.close();
		rig.oxygen("0.9");
		await expect(rig.poll()).rejects.toMatchObject({ code: "LINK_LOST" });
	});
});
