/** Instruments beside the five of the shipped lab, in a lab file of their own. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { LiveState } from "#api/live-state.js";
import { SystemClock } from "#core/clock.js";
import { serveLab } from "#lab/serve.js";
import { parseLabFile } from "#src/config.js";
import { parseAddress } from "#transport/address.js";
import { BrokerLink, type MqttAddress } from "#transport/mqtt.js";
import { SHORT_RECIPE } from "../recipe/short-recipe.js";
import { VirtualPlant } from "../support/virtual-plant.js";

const FILE = resolve(import.meta.dirname, "../../recipes/labs/simulated.lab.yaml");
const TEXT = readFileSync(FILE, "utf8");

const PUMP = `  pump:
    driver: pfeiffer-pvp
    address: simulated:pump
    poll_ms: 1000
    stale_ms: 5000
    settings: { role: pump, rs485_address: 2, running_above_hz: 50, readings: [power] }
`;
const QCM = `  qcm:
    driver: inficon-sqm160
    address: simulated:qcm
    poll_ms: 500
    stale_ms: 3000
    settings: { channels: { film: 1 }, thickness_unit: angstrom }
`;

const ATMOSPHERE = `  glovebox:
    driver: mqtt-atmosphere
    address: simulated:glovebox
    poll_ms: 1000
    stale_ms: 5000
    settings:
      stale_s: 20
      signals:
        oxygen: { gas: O2, topic: o2, payload: number, ppm_per_unit: 1, ppm_min: 0, ppm_max: 1000 }
        water: { gas: H2O, topic: air/h2o, payload: json, value: /value, time: /at, time_form: iso, ppm_per_unit: 0.001, ppm_min: 0, ppm_max: 1000 }
`;

/** The shipped lab with more instruments in front of the reactor's roles. */
const withInstruments = (added: string, change = (text: string) => text) =>
	parseLabFile(change(TEXT.replace("\nreactor:\n", `\n${added}\nreactor:\n`).replace("\n\n  ", "\n  ")), FILE);
const withQcm = (text: string) => text.replace("\n  limits:", "\n  qcm: { thickness: qcm.film_thickness }\n  limits:");

let plant: VirtualPlant | undefined;
afterEach(async () => {
	await plant?.stop();
	plant = undefined;
});

const launchShort = (on: VirtualPlant) => on.launch("short.recipe.yaml", { recipeText: SHORT_RECIPE });

describe("a pump that says itself that it runs", () => {
	const lab = withInstruments(PUMP, (text) =>
		text.replace(
			"{ signal: io.pump_running, safe_level: 0, broken_wire_level: 1 }",
			"{ signal: pump.running, safe_level: 1, broken_wire_level: 0 }",
		),
	);

	it("is a proof for the interlocks, and its loss holds the run", async () => {
		plant = await new VirtualPlant({ lab }).ready();
		expect(plant.control.status.signals["pump.running"]).toMatchObject({ value: 1, unit: "bool", quality: "good" });
		await launchShort(plant);
		await plant.clock.advance(60_000);
		expect(plant.runState).toBe("running");
		plant.truth();
		plant.lab.twin.setPump(false);
		await plant.until("held", 30);
		expect(plant.control.status.interlocks.find(({ interlock }) => interlock === "pump-lost")?.state).toBe("tripped");
	});

	it("counts as lost when it falls silent", async () => {
		plant = await new VirtualPlant({ lab }).ready();
		await launchShort(plant);
		await plant.clock.advance(60_000);
		plant.lab.silence("pump", true);
		await plant.until("held", 30);
		expect(plant.control.status.signals["pump.running"]?.quality).not.toBe("good");
	});

	it("is refused where only what it was told is given", () => {
		const told = () => withInstruments(PUMP, (text) => text.replace("io.pump_running", "pump.on"));
		expect(told).toThrow(/pump.on is no state of 0 or 1 but a setpoint/);
	});
});

describe("a thickness monitor", () => {
	const lab = withInstruments(QCM, withQcm);

	it("puts the film before a pulse and at the end of its purge into the pulse's record", async () => {
		plant = await new VirtualPlant({ lab }).ready();
		await launchShort(plant);
		await plant.until("complete", 30_000);
		const pulses = plant.records("pulse");
		expect(pulses.length).toBe(8);
		const { thicknessNm } = plant.truth();
		expect(thicknessNm).toBeGreaterThan(0.1);
		for (const { film, precursor } of pulses) {
			expect(film?.beforeNm).not.toBeNull();
			// Film grows where TMA takes the sites, not in the water half of the cycle.
			const grownNm = film!.afterNm! - film!.beforeNm!;
			if (precursor === "TMA") expect(grownNm).toBeGreaterThan(0.05);
			else expect(Math.abs(grownNm)).toBeLessThan(0.03);
		}
		expect(pulses.at(-1)!.film!.afterNm!).toBeCloseTo(thicknessNm, 1);
	});

	it("leaves null where its reading is not good", async () => {
		plant = await new VirtualPlant({ lab }).ready();
		await launchShort(plant);
		await plant.clock.advanceUntil(() => plant!.records("pulse-intended").length === 3, 10_000_000);
		plant.lab.silence("qcm", true);
		await plant.clock.advanceUntil(() => plant!.records("pulse").length === 4, 100_000);
		const films = plant.records("pulse").map(({ film }) => film);
		expect(films[0]?.afterNm).not.toBeNull();
		expect(films[3]).toEqual({ beforeNm: null, afterNm: null });
	});

	it("is asked for in nm", () => {
		const wrong = () => withInstruments(QCM, (text) => withQcm(text).replace("qcm.film_thickness", "qcm.film_rate"));
		expect(wrong).toThrow(/qcm.film_rate is in nm\/s/);
	});

	it("has its signals where all others are: in the declaration, the samples and the live state", async () => {
		plant = await new VirtualPlant({ lab }).ready();
		const live = new LiveState({ clock: plant.clock, station: "sim1", simulated: true, speed: 1, version: "test" });
		live.reachedEnd();
		for (const record of plant.journal.records) live.apply(record);
		expect(live.status().signals["qcm.film_thickness"]).toMatchObject({ unit: "nm", quality: "good" });
		expect(plant.control.status.signals["qcm.film_thickness"]).toMatchObject({ unit: "nm", quality: "good" });
	});
});

describe("a glovebox monitor on MQTT", () => {
	const lab = withInstruments(ATMOSPHERE);

	it("has its signals beside all others, and shows a leak", async () => {
		plant = await new VirtualPlant({ lab }).ready();
		expect(plant.control.status.signals["glovebox.oxygen"]).toMatchObject({ value: 0.4, unit: "ppm", quality: "good" });
		expect(plant.control.status.signals["glovebox.water"]).toMatchObject({ value: 0.2, unit: "ppm", quality: "good" });
		plant.lab.twin.glovebox.isLeaking = true;
		await plant.clock.advance(120_000);
		expect(plant.control.status.signals["glovebox.oxygen"]!.value).toBeGreaterThan(20);
	});

	it("is stale while the broker is away, without holding up anything else", async () => {
		plant = await new VirtualPlant({ lab }).ready();
		plant.lab.broker.stop();
		await plant.clock.advance(10_000);
		const { signals, instruments } = plant.control.status;
		expect(signals["glovebox.oxygen"]?.quality).toBe("stale");
		const hint = expect.stringMatching(/./);
		expect(instruments.glovebox).toMatchObject({ state: "fault", error: { code: "LINK_UNREACHABLE", hint } });
		expect(signals["carrier.flow"]?.quality).toBe("good");
		plant.lab.broker.start();
		await plant.clock.advance(10_000);
		expect(plant.control.status.signals["glovebox.oxygen"]?.quality).toBe("good");
	});

	it("gives a fault when the monitor falls silent behind a living broker", async () => {
		plant = await new VirtualPlant({ lab }).ready();
		plant.lab.silence("glovebox", true);
		await plant.clock.advance(30_000);
		expect(plant.control.status.signals["glovebox.oxygen"]).toMatchObject({ value: null, quality: "fault" });
	});

	it("is reached at a broker of the lab when the lab is served to other processes", async () => {
		plant = await new VirtualPlant({ lab }).ready();
		const served = await serveLab(plant.lab, { mode: "tcp", advance: () => {} });
		const address = parseAddress(served.addresses.get("glovebox")!);
		expect(address).toMatchObject({ scheme: "mqtt", host: "127.0.0.1", prefix: "glovebox" });
		const link = new BrokerLink(address as MqttAddress, new SystemClock());
		await link.open();
		const heard = new Promise<string>((resolve) => {
			void link.subscribe("o2", ({ payload }) => resolve(Buffer.from(payload).toString()));
		});
		expect(await heard).toBe("0.4");
		await link.close();
		await served.close();
	});

	it("gives the same journal for the same seed", async () => {
		const journals: string[] = [];
		for (let round = 0; round < 2; round += 1) {
			const same = await new VirtualPlant({ lab }).ready();
			await same.clock.advance(20_000);
			journals.push(JSON.stringify(same.journal.records));
			await same.stop();
		}
		expect(journals[1]).toBe(journals[0]);
	});
});
