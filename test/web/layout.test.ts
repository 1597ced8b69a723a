import type { Page } from "playwright-core";
import { afterEach, expect, it } from "vitest";
import { describeInBrowser } from "./browser.js";
import { aRun, Station, text, type Visit, visit } from "./station.js";

/** Smallest thing that a glove presses reliably, CSS pixels. */
const TOUCH_PX = 48;
const SCREENS = [
	{ name: "a tablet lying", width: 1024, height: 768 },
	{ name: "a tablet standing", width: 768, height: 1024 },
	{ name: "a desktop", width: 1600, height: 1000 },
	{ name: "a telephone", width: 390, height: 844 },
];

/** What can be pressed on the screen now, with its size; a checkbox counts with the label around it. */
async function pressable(page: Page): Promise<{ what: string; width: number; height: number }[]> {
	const found = [];
	for (const element of await page
		.locator("button, a, select, summary, input:not([type=checkbox]), label.acknowledge")
		.all()) {
		const box = await element.boundingBox();
		if (box === null) continue;
		const what = await element.evaluate((node) => `${node.nodeName} ${node.textContent}`);
		found.push({ what, width: Math.round(box.width), height: Math.round(box.height) });
	}
	return found;
}

describeInBrowser("the page's layout", (browser) => {
	let station: Station;
	let seen: Visit;
	afterEach(async () => {
		await seen.page.context().close();
		await station.close();
		expect(seen.errors).toEqual([]);
	});

	for (const { name, ...viewport } of SCREENS) {
		it(`fits ${name}, with everything pressable large enough for gloves`, async () => {
			station = await Station.start();
			aRun(station);
			station.write(station.alarm("carrier-lost", "unacknowledged"));
			seen = await visit(browser(), station, { viewport });
			const { page } = seen;
			await station.pass(500);
			await text(page, "#alarms", "carrier-lost");
			const small = (await pressable(page)).filter(({ width, height }) => width < TOUCH_PX || height < TOUCH_PX);
			expect(small).toEqual([]);
			const overflowPx = await page.evaluate(
				"document.documentElement.scrollWidth - document.documentElement.clientWidth",
			);
			expect(overflowPx).toBe(0);
			for (const id of ["#hold", "#abort", "#state"]) {
				const box = await page.locator(id).boundingBox();
				expect(box!.y + box!.height, `${id} is on the first screen`).toBeLessThan(viewport.height);
			}
		});
	}

	it("does not move a button when an alarm comes", async () => {
		station = await Station.start();
		aRun(station);
		seen = await visit(browser(), station, { viewport: SCREENS[1]! });
		const { page } = seen;
		await station.pass(500);
		await text(page, "#state", "running");
		const before = await page.locator("#abort").boundingBox();
		station.write(station.alarm("carrier-lost", "unacknowledged"));
		await station.pass(500);
		await text(page, "#alarms", "carrier-lost");
		expect(await page.locator("#abort").boundingBox()).toEqual(before);
	});

	it("has a reference of the REST interface at /docs that opens without a complaint", async () => {
		station = await Station.start();
		seen = await visit(browser(), station, { path: "docs" });
		const { page } = seen;
		await text(page, "h1", "REST interface");
		await text(page, "#RUN_ACTIVE", "RUN_ACTIVE");
		await page.getByRole("link", { name: "runs", exact: true }).click();
		expect(page.url()).toContain("#runs");
		const overflowPx = await page.evaluate(
			"document.documentElement.scrollWidth - document.documentElement.clientWidth",
		);
		expect(overflowPx).toBe(0);
	});
});
