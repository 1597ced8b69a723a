import { afterEach, expect, it } from "vitest";
import { describeInBrowser } from "./browser.js";
import { aRun, Station, text, type Visit, visit } from "./station.js";

/** What the browser itself logs when nobody answers. */
const NOBODY_LOGGED = /net::ERR_|Failed to load resource/;

describeInBrowser("a lost connection", (browser) => {
	let station: Station;
	let seen: Visit;
	afterEach(async () => {
		await seen.page.context().close();
		await station.close();
		expect(seen.errors.filter((error) => !NOBODY_LOGGED.test(error))).toEqual([]);
	});

	it("is shown over everything, leaves no value standing, and ends by itself", async () => {
		station = await Station.start();
		aRun(station);
		seen = await visit(browser(), station);
		const { page } = seen;
		await station.pass(500);
		await text(page, '[data-tile="Stage"]', "120.0 °C");
		expect(await page.locator("#lost").isVisible()).toBe(false);
		await page.click("#hold");

		await station.close();
		await page.clock.fastForward(4_000);
		await text(page, "#lost", "No connection for 4 s. What is shown is old.");
		await text(page, "#lost", "adlayer status, hold, abort");
		await text(page, "#state", "was running");
		await text(page, '[data-tile="Stage"]', /Stage stale last 120\.0 °C/);
		await text(page, '[data-signal="io.TMA"]', "stale");
		const numbers = await page.locator("#reactor .value, #valves b, #instruments dd").allInnerTexts();
		expect(new Set(numbers)).toEqual(new Set(["stale"]));
		await page.click("#yes");
		await text(page, "#answer", "Hold failed: The service did not answer. On the machine itself: adlayer hold");
		await expect.poll(() => page.locator("#pause, #stop, #launch").evaluateAll(allDisabled)).toBe(true);

		await station.listen();
		station.readings.stage = { temperature: 130, setpoint: 130 };
		await station.pass(500);
		await expect
			.poll(async () => {
				await page.clock.fastForward(5_500);
				await station.pass(500);
				return page.locator("#lost").isVisible();
			})
			.toBe(false);
		await text(page, '[data-tile="Stage"]', "130.0 °C");
		await text(page, "#state", /^running$/);
		expect(await page.locator("#pause").isDisabled()).toBe(false);
	});

	it("is noticed also when the stream stays open and says nothing more", async () => {
		station = await Station.start();
		seen = await visit(browser(), station);
		await text(seen.page, "#station", "sim1");
		await seen.page.clock.fastForward(3_500);
		await text(seen.page, "#lost", "No connection for");
	});
});

const allDisabled = (elements: object[]) =>
	elements.every((element) => "disabled" in element && element.disabled === true);
