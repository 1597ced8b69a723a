import { afterEach, expect, it } from "vitest";
import type { RecordBody } from "#record/records.js";
import { pulse, runFinished, runState, sample, stepStarted, WALL_START } from "../api/world.js";
import { describeInBrowser } from "./browser.js";
import { aRun, STALE_MS, Station, type StationOptions, signal, text, type Visit, visit } from "./station.js";

describeInBrowser("the status page", (browser) => {
	let station: Station;
	let seen: Visit;
	const open = async (options: StationOptions = {}, prepare: (station: Station) => void = () => {}) => {
		station = await Station.start(options);
		prepare(station);
		seen = await visit(browser(), station);
		await station.pass(500);
		await text(seen.page, "#station", "sim1");
		return seen.page;
	};
	afterEach(async () => {
		await seen.page.context().close();
		await station.close();
		expect(seen.errors).toEqual([]);
	});

	it("says SIMULATED in a simulated lab, in the band and in the title", async () => {
		const page = await open();
		await text(page, "#simulated", "SIMULATED");
		expect(await page.locator("#simulated").isVisible()).toBe(true);
		expect(await page.title()).toContain("SIMULATED");
	});

	it("does not say it on real hardware", async () => {
		const page = await open({ simulated: false });
		expect(await page.locator("#simulated").isVisible()).toBe(false);
		expect(await page.title()).toBe("no run – sim1");
	});

	it("counts the signals of an instrument that has hundreds, and lists those that are not good", async () => {
		const names = Array.from({ length: 512 }, (_, n) => `ch_${n + 1}_voltage`);
		const page = await open({ signals: names.map((name) => signal(`cycler.${name}`, "V")) }, (station) => {
			const volts = Object.fromEntries(names.map((name, n) => [name, n === 3 ? null : 0.05]));
			station.readings = { ...station.readings, cycler: volts };
		});
		const card = page.locator("#instruments article", { hasText: "512 signals" });
		await expect.poll(() => card.locator(".note").innerText()).toBe("512 signals, 1 of them not good");
		expect(await card.locator("dl div").allInnerTexts()).toEqual(["ch_4_voltage\nfault"]);
	});

	it("shows the reactor in the units of its operators, and follows every change", async () => {
		const page = await open();
		await text(page, '[data-tile="Stage"]', "120.0 °C target 120.0 °C");
		await text(page, '[data-tile="Chamber"]', "0.644 Torr");
		await text(page, '[data-tile="Carrier"]', "100.0 sccm target 100.0 sccm");
		await text(page, '[data-switch="Pump"]', "running");
		await text(page, '[data-switch="Lid"]', "closed");
		await text(page, '[data-switch="Stop valve"]', "open");
		await text(page, '[data-switch="TMA valve"]', "shut");
		await text(page, '[data-signal="io.lid_closed"]', "lid_closed safe, reads 0");
		station.readings.stage = { temperature: 121.3, setpoint: 125 };
		station.readings.io = { TMA: 1, H2O: 0, stop: 0, pump_running: 0, lid_closed: 1 };
		await station.pass(500);
		await text(page, '[data-tile="Stage"]', "121.3 °C target 125.0 °C");
		await text(page, '[data-switch="Pump"]', "stopped");
		await text(page, '[data-switch="Lid"]', "open");
		await text(page, '[data-signal="io.lid_closed"]', "lid_closed NOT SAFE, reads 1");
		await text(page, '[data-signal="io.pump_running"]', "pump_running NOT SAFE, reads 0");
		await text(page, '[data-switch="Stop valve"]', "shut");
		await text(page, '[data-switch="TMA valve"]', "open");
	});

	it("shows the run: state, step, phases, cycle, times, melting point", async () => {
		const page = await open({}, aRun);
		await text(page, "#product", "Li@3LiAlOx-ex");
		await text(page, "#state", /^running$/);
		await text(page, "#step", "Purge TMA 5 s");
		await text(page, '#phases [aria-current="step"]', "deposit");
		await text(page, '#phases [data-stage="done"]', "✓ heat");
		await text(page, '[data-figure="Cycle"]', "1 / 3");
		await text(page, '[data-figure="Time left"]', /0:01:30 ends 09:01:3\d/);
		await text(page, '[data-tile="Stage"]', "melts at 180.5 °C, 60.5 °C away");
		station.write(stepStarted({ index: 2, cycle: 3, title: "Purge H2O 12 s" }));
		await station.pass(500);
		await text(page, '[data-figure="Cycle"]', "2 / 3");
		station.write(runFinished());
		station.write(runState("running", "complete"));
		await station.pass(500);
		await text(page, "#state", /^complete$/);
		await text(page, '[data-figure="Cycle"]', "3 / 3");
		expect(await page.locator("#launch").isVisible()).toBe(true);
	});

	it("shows each precursor's last pulse, those before the visit and those after", async () => {
		const page = await open({}, (prepared) => {
			aRun(prepared);
			prepared.write(pulse(1, 1, "TMA", 15.02));
			prepared.write(pulse(2, 1, "H2O", 14.97));
		});
		await text(page, '[data-precursor="TMA"]', "15.02 ms ordered 15 ms");
		await text(page, '[data-precursor="H2O"]', "14.97 ms ordered 15 ms");
		station.write(pulse(3, 2, "TMA", 15.11));
		await station.pass(500);
		await text(page, '[data-precursor="TMA"]', /15\.11 ms .* 2 delivered/);
		station.write(pulse(4, 2, "H2O", null));
		await station.pass(500);
		await text(page, '[data-precursor="H2O"]', /unknown .* 1 doubtful/);
		await text(page, '[data-figure="Worst pulse error"]', "0.110 ms");
	});

	it("draws what each dose left in the chamber against what is usual and where the alarm begins", async () => {
		const left = (number: number, areaPaS: number, usualPaS: number | null) =>
			({
				...pulse(number, number, "TMA", 15),
				effective: { baselinePa: 85, peakPa: 5, areaPaS },
				trend: { carrierSccm: 100, leftNothing: 0, repeat: false, usualPaS, lowPaS: usualPaS && 0.7 * usualPaS },
			}) as RecordBody;
		const page = await open({}, (prepared) => {
			aRun(prepared);
			prepared.write(left(1, 4, null));
			prepared.write(left(2, 4.2, null));
		});
		const chart = page.locator('[data-precursor="TMA"] svg');
		await chart.locator("path.measured").waitFor({ state: "attached" });
		expect(await chart.locator("path.target").count()).toBe(0);
		station.write(left(3, 4.1, 4));
		station.write(left(4, 2, 4));
		await station.pass(500);
		const heights = async (line: string) =>
			((await chart.locator(`path.${line}`).getAttribute("d")) ?? "")
				.slice(1)
				.split("L")
				.map((point) => Number(point.split(" ")[1]));
		// The first point twice.
		await expect.poll(() => heights("measured")).toHaveLength(5);
		const areas = await heights("measured");
		const [usual, low] = [(await heights("target"))[0]!, (await heights("limit"))[0]!];
		expect(usual).toBeLessThan(low);
		expect(areas.at(-2)).toBeLessThan(usual);
		expect(areas.at(-1)).toBeGreaterThan(low);
	});

	it("counts each pulse once though the service answers late, after the page could have asked again", async () => {
		let asked = 0;
		let answer = () => {};
		const answered = new Promise<void>((resolve) => {
			answer = resolve;
		});
		const page = await open({
			delay: async (path) => {
				if (!path.endsWith("/pulses")) return;
				asked += 1;
				await answered;
			},
		});
		aRun(station);
		station.write(pulse(1, 1, "TMA", 15));
		for (let states = 0; states < 3; states += 1) {
			await station.pass(500);
			await text(page, "#clock", new Date(station.clock.wallMs()).toISOString().slice(11, 19));
			await page.clock.fastForward(6_000);
		}
		answer();
		await text(page, '[data-precursor="TMA"]', "1 delivered");
		station.write(pulse(2, 2, "TMA", 15.02));
		await station.pass(500);
		await text(page, '[data-precursor="TMA"]', "15.02 ms ordered 15 ms");
		await text(page, '[data-precursor="TMA"]', "2 delivered");
		expect(asked).toBe(1);
	});

	it("never shows a stale or faulty value as a number, but says what it was last", async () => {
		const page = await open();
		delete station.readings.gauge;
		station.readings.stage = { temperature: null, setpoint: 120 };
		await station.pass(STALE_MS - 500);
		await text(page, '[data-tile="Chamber"]', "0.644 Torr");
		await station.pass(1_000);
		await text(page, '[data-tile="Chamber"]', /Chamber stale last 0\.644 Torr at 09:00:\d\d/);
		await text(page, '[data-tile="Stage"]', "Stage fault");
		await text(page, '[data-signal="gauge.chamber"]', /chamber stale/);
		await text(page, '[data-tile="Carrier"]', "100.0 sccm");
		station.write(station.instrument("carrier", "fault"));
		await station.pass(500);
		await text(page, '[data-tile="Carrier"]', "Carrier stale last 100.0 sccm");
		await text(page, '#instruments [data-state="fault"]', "carrier fault");
		await text(page, "#instruments", "The instrument carrier does not answer.");
		const detail = "above the gauge's measuring range (overrange)";
		station.write({ ...sample("gauge", { chamber: null }), fault: { chamber: detail } } as RecordBody);
		station.readings = {};
		await station.pass(500);
		await text(page, '[data-tile="Chamber"]', `Chamber fault ${detail}`);
		await text(page, '[data-signal="gauge.chamber"]', `chamber fault ${detail}`);
		station.readings.gauge = { chamber: 133.322 };
		await station.pass(500);
		await text(page, '[data-tile="Chamber"]', "1.00 Torr");
	});

	it("says so when control itself has fallen silent behind a service that goes on", async () => {
		const page = await open({}, aRun);
		await page.clock.fastForward(4_000);
		await station.controlSilent(5_000);
		await text(page, "#lost", "Control is silent since 09:00:01");
		await text(page, "#state", "was running");
		await text(page, '[data-tile="Stage"]', "stale");
		expect(await page.locator("#pause").isDisabled()).toBe(true);
		expect(await page.locator("#hold").isDisabled()).toBe(false);
		await station.pass(500);
		await expect.poll(() => page.locator("#lost").isVisible()).toBe(false);
		await text(page, "#state", /^running$/);
	});

	it("draws the stored past and goes on with what comes", async () => {
		const page = await open({}, (prepared) => {
			aRun(prepared);
			prepared.history.points = Array.from({ length: 30 }, (_, index) => ({
				at: WALL_START - (30 - index) * 15_000,
				min: 90 + index,
				max: 92 + index,
				mean: 91 + index,
			}));
		});
		const line = () => page.locator("#charts figure").first().locator("path.measured").first().getAttribute("d");
		await station.pass(500);
		await page.clock.fastForward(2_000);
		await station.pass(500);
		await expect.poll(async () => (await line())?.split("L").length ?? 0).toBeGreaterThan(29);
		await text(page, "#charts", "melts at 180.5 °C");
		await page.getByRole("button", { name: "10 min" }).click();
		await text(page, '#windows [aria-pressed="true"]', "10 min");
	});
});
