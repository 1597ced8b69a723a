import type { Page } from "playwright-core";
import { afterEach, expect, it } from "vitest";
import { AdlayerError } from "#core/errors.js";
import { WALL_START } from "../api/world.js";
import { describeInBrowser } from "./browser.js";
import { aRun, Station, text, type Visit, visit } from "./station.js";

const REFUSAL_LOGGED = /Failed to load resource: the server responded with a status of 4/;
const TOUCH_PX = 48;

describeInBrowser("silencing an alarm on the page", (browser) => {
	let station: Station;
	let seen: Visit;
	const open = async (viewport?: { width: number; height: number }) => {
		station = await Station.start({});
		aRun(station);
		station.write(station.alarm("carrier-lost", "unacknowledged"));
		seen = await visit(browser(), station, viewport === undefined ? {} : { viewport });
		await station.pass(500);
		await text(seen.page, "#alarms", "carrier-lost");
		return seen.page;
	};
	const commands = () => station.control.asked.map(({ command, args }) => ({ command, args }));
	const choice = (page: Page, name: string) => page.locator("#shelving-times").getByRole("button", { name });
	const shelveButton = "#shelving-now";
	afterEach(async () => {
		await seen.page.context().close();
		await station.close();
		expect(seen.errors).toEqual([]);
	});

	it("asks for how long, why and who, with nothing chosen beforehand, and sends it once", async () => {
		const page = await open();
		await page.getByRole("button", { name: "Silence …" }).click();
		await text(page, "#shelving-title", "Silence the alarm carrier-lost");
		await text(page, "#shelving", "The interlock behind it trips all the same.");
		await text(page, "#shelving-missing", "Still needed: for how long, the reason, your name.");
		expect(await page.locator(shelveButton).isDisabled()).toBe(true);
		await choice(page, "4 h").click();
		await choice(page, "1 h").click();
		expect(await page.locator('#shelving-times [aria-pressed="true"]').allTextContents()).toEqual(["1 h"]);
		await page.fill("#shelving-reason", "  ");
		await page.fill("#shelving-name", "mk");
		await text(page, "#shelving-missing", "Still needed: the reason.");
		await page.fill("#shelving-reason", "flow meter is being exchanged");
		station.control.answer = () => ({ alarm: "carrier-lost", state: "shelved" });
		await page.locator(shelveButton).dblclick();
		await expect.poll(() => page.locator("#shelving").isVisible()).toBe(false);
		expect(commands()).toEqual([
			{
				command: "shelve-alarm",
				args: { alarm: "carrier-lost", by: "mk", reason: "flow meter is being exchanged", for: 3_600 },
			},
		]);
		await page.getByRole("button", { name: "Silence …" }).click();
		expect(await page.locator('#shelving-times [aria-pressed="true"]').count()).toBe(0);
		expect(await page.inputValue("#shelving-reason")).toBe("");
	});

	it.each([
		["until it is gone once", "shelve-alarm", { for: "one-shot" }],
		["out of service", "remove-alarm", {}],
	])("can be %s", async (word, command, more) => {
		const page = await open();
		await page.getByRole("button", { name: "Silence …" }).click();
		await choice(page, word).click();
		await page.fill("#shelving-reason", "known");
		await page.fill("#shelving-name", "mk");
		station.control.answer = () => ({ alarm: "carrier-lost", state: "shelved" });
		await page.click(shelveButton);
		await expect
			.poll(commands)
			.toEqual([{ command, args: { alarm: "carrier-lost", by: "mk", reason: "known", ...more } }]);
	});

	it("stays open with the reason when it is refused", async () => {
		const page = await open();
		await page.getByRole("button", { name: "Silence …" }).click();
		await choice(page, "10 min").click();
		await page.fill("#shelving-reason", "known");
		await page.fill("#shelving-name", "mk");
		station.control.answer = () => {
			throw new AdlayerError("COMMAND_NOT_ALLOWED", "The alarm carrier-lost is out of service.");
		};
		await page.click(shelveButton);
		await text(page, "#shelving-answer", "The alarm carrier-lost is out of service.");
		expect(seen.errors.splice(0)).toEqual([expect.stringMatching(REFUSAL_LOGGED)]);
		await page.click("#shelving-cancel");
		expect(await page.locator("#shelving").isVisible()).toBe(false);
	});

	it("lists what is silenced apart, with who, why and until when, and brings it back", async () => {
		const page = await open();
		expect(await page.locator("#silenced-part").isVisible()).toBe(false);
		const more = { reason: "known", until: WALL_START + 3_600_000 };
		station.write(station.alarm("carrier-lost", "shelved", "mk", more));
		station.write(station.alarm("instrument.gauge", "out-of-service", "ab", { reason: "at the maker's" }));
		await station.pass(500);
		await text(page, "#silenced-title", "Silenced 2");
		await text(page, "#silenced", /carrier-lost .*shelved until 10:00:00: known, mk/);
		await text(page, "#silenced", "out of service: at the maker's, ab");
		await text(page, "#no-alarms", "No alarms.");
		expect(await page.locator("#alarms li").count()).toBe(0);
		station.control.answer = () => ({ alarm: "x", state: "unacknowledged" });
		await page.getByRole("button", { name: "Unshelve" }).click();
		await page.getByRole("button", { name: "Return to service" }).click();
		await expect.poll(commands).toEqual([
			{ command: "unshelve-alarm", args: { alarm: "carrier-lost", by: "page" } },
			{ command: "return-alarm", args: { alarm: "instrument.gauge", by: "page" } },
		]);
		station.write(station.alarm("carrier-lost", "unacknowledged"));
		await station.pass(500);
		await text(page, "#alarms", "carrier-lost");
		await text(page, "#silenced-title", "Silenced 1");
	});

	it.each([
		["a tablet", { width: 1024, height: 768 }],
		["a telephone", { width: 390, height: 844 }],
	])("fits %s, with everything pressable large enough for gloves", async (_name, viewport) => {
		const page = await open(viewport);
		await page.getByRole("button", { name: "Silence …" }).click();
		for (const element of await page.locator("#shelving :is(button, input)").all()) {
			const { width, height } = (await element.boundingBox())!;
			expect(Math.min(width, height), await element.evaluate((node) => node.outerHTML)).toBeGreaterThanOrEqual(
				TOUCH_PX,
			);
		}
		const overflowPx = await page.evaluate(
			"document.documentElement.scrollWidth - document.documentElement.clientWidth",
		);
		expect(overflowPx).toBe(0);
	});
});
