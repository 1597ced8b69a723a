import { afterEach, expect, it } from "vitest";
import { AdlayerError } from "#core/errors.js";
import type { CellTestHistory, CellTestPoint, CellTestVerdict, StoredHalfCycle } from "#record/cell-test-history.js";
import type { CellTestRow, CellTestSummary } from "#record/cell-tests.js";
import type { Descent } from "#record/descent.js";
import { describeInBrowser } from "./browser.js";
import { Station, text, type Visit, visit } from "./station.js";

const ROW: CellTestRow = {
	seq: 420,
	cycle: 12,
	step: 3,
	stepType: "CC charge",
	stepS: 600,
	testS: 90_000,
	wallMs: 0,
	voltageV: 0.0512,
	currentA: 0.003_393,
	capacityAh: 5e-4,
	energyWh: 1e-5,
};
const RUNNING: CellTestSummary = {
	cellTest: "sim1-test-1",
	cell: "C-77",
	state: "running",
	cycler: "neware",
	channel: "1-1",
	cyclerTest: "27-1-1-9",
	protocol: "li-40um-3ma",
	protocolSha256: "ab",
	areaCm2: 1.131,
	activeMassG: null,
	operator: "mk",
	attendedBy: null,
	rows: 420,
	lastRow: ROW,
};
const QUEUED: CellTestSummary = {
	...RUNNING,
	cellTest: "sim1-test-2",
	cell: "C-78",
	state: "queued",
	rows: 0,
	lastRow: null,
};
const ENDED: CellTestSummary = {
	...RUNNING,
	cellTest: "sim1-test-0",
	cell: "C-bare",
	channel: "1-2",
	state: "protected",
	cause: "the cycler says protected",
};
const WELL: CellTestVerdict = { kind: "none", atHours: null, atCycle: null, halfCycles: 23, throughSeq: 420 };
const SHORT: CellTestVerdict = { kind: "short", atHours: 18.54, atCycle: 9, halfCycles: 20, throughSeq: 400 };
const VERDICTS: Record<string, CellTestVerdict> = { "sim1-test-1": WELL, "sim1-test-0": SHORT };

const POINTS: CellTestPoint[] = Array.from({ length: 50 }, (_, n) => ({
	fromSeq: n + 1,
	toSeq: n + 1,
	cycle: n >> 2,
	testS: n * 1_800,
	voltageVMin: n % 4 < 2 ? 0.05 : -0.06,
	voltageVMax: n % 4 < 2 ? 0.06 : -0.05,
	currentAMean: 0.003,
}));
const HALVES = Array.from({ length: 23 }, (_, index) => ({
	index,
	direction: index % 2 === 0 ? "charge" : "discharge",
	startH: index,
	endH: index + 1,
	capacityAh: 0.001,
	energyWh: 0,
	meanCurrentA: 0.003,
	medianV: 0.05,
	lowV: 0.05,
	highV: 0.05,
	peakV: 0.05,
	endV: 0.05,
	cycle: index >> 1,
	firstSeq: 1,
	resume: null,
})) as StoredHalfCycle[];

/** The record's side as far as the page asks for it. */
const cellTests = {
	cellTestPoints: async () => POINTS,
	halfCycles: async (_id: string, { fromIndex }: { fromIndex: number }) => HALVES.slice(fromIndex),
} as unknown as CellTestHistory;
const CELL = {
	id: "cell-12",
	kind: "cell",
	barcode: "C-79",
	number: 12,
	body: { areaCm2: 1.131, positive: { material: "LiFePO4", activeMassMg: 4.5 } },
	revision: 1,
	createdAt: 0,
	createdBy: "mk",
	withdrawn: null,
};
const descent = {
	withBarcode: async (barcode: string) => (barcode === CELL.barcode ? CELL : undefined),
} as unknown as Descent;

const REFUSAL_LOGGED = /Failed to load resource: the server responded with a status of 4/;

describeInBrowser("the page of battery tests", (browser) => {
	let station: Station;
	let seen: Visit;
	const open = async (
		tests: readonly CellTestSummary[],
		path = "tests.html",
		viewport = { width: 1024, height: 768 },
		whenAsked: (id: string) => Promise<void> = async () => {},
	) => {
		const verdict = (id: string) => VERDICTS[id] ?? null;
		const verdictOf = async (id: string) => {
			await whenAsked(id);
			return verdict(id);
		};
		const deps = { cellTests, descent, verdictAtHand: verdict, verdictOf };
		station = await Station.start({ deps });
		station.control.tests = tests;
		station.control.cyclers = { neware: ["1-1", "1-2", "1-3"], smu: ["cell"] };
		seen = await visit(browser(), station, { path, viewport });
		await text(seen.page, "#station", "sim1");
		return seen.page;
	};
	/** The page asks every three seconds. */
	const later = (ms = 3_000) => seen.page.clock.fastForward(ms);
	afterEach(async () => {
		await seen.page.context().close();
		await station.close();
		expect(seen.errors).toEqual([]);
	});

	it("lists every test with its channel, its hours and its verdict, and those that the filter's words are in", async () => {
		const page = await open([RUNNING, QUEUED, ENDED]);
		await text(page, "#tests-count", "2 open, 1 ended");
		expect(await page.locator("#simulated").isVisible()).toBe(true);
		const row = (index: number) => page.locator("#tests-list button").nth(index);
		const words = (index: number) => row(index).locator("b, span").allInnerTexts();
		expect(await words(0)).toEqual([
			"C-77",
			"running",
			"neware, 1-1",
			"li-40um-3ma",
			"25.0 h",
			"cycle 12",
			"0.0512 V",
			"no failure so far",
		]);
		expect(await words(1)).toEqual([
			"C-78",
			"queued",
			"neware, 1-1",
			"li-40um-3ma",
			"–",
			"",
			"–",
			"no verdict at hand",
		]);
		expect((await words(2)).at(-1)).toBe("Short at 18.5 h, cycle 9");
		expect(await row(2).getAttribute("data-verdict")).toBe("failed");
		await page.fill("#tests-filter", "short 1-2");
		expect(await page.locator("#tests-list button").count()).toBe(1);
		station.control.total = 1_200;
		await later();
		await text(page, "#tests-answer", "The first 3 of 1200 tests are shown.");
		await page.fill("#tests-filter", "nobody");
		await text(page, "#tests-none", "No test is like that.");
	});

	it("shows one test with its pictures and its files, by its own address", async () => {
		const page = await open([RUNNING, ENDED]);
		await page.locator("#tests-list button", { hasText: "C-bare" }).click();
		await text(page, "#test-verdict", "Short at 18.5 h, cycle 9");
		await text(page, "#test-cause", "Ended: the cycler says protected");
		expect(page.url()).toContain("#sim1-test-0");
		expect(await page.locator("#test-stop").isVisible()).toBe(false);
		await expect.poll(() => page.locator("#test-charts path.measured").count()).toBe(3);
		expect(await page.locator("#test-charts path.target").count()).toBe(2);
		expect(await page.locator("#test-charts .x-tick").allTextContents()).toContain("10");
		const links = await page
			.locator("#test-files a")
			.evaluateAll((all) => all.map((link) => link.getAttribute("href")));
		expect(links).toContain("/api/v1/cell-tests/sim1-test-0/export?format=ro-crate");
		await page.locator("#test-close").click();
		await expect.poll(() => page.locator("#test").isVisible()).toBe(false);
	});

	it("opens a test at its address, shows its figures, and draws it anew as it goes on", async () => {
		const page = await open([RUNNING], "tests.html#sim1-test-1");
		await text(page, "#test-title", "C-77");
		await text(page, "#test-state", "running");
		await text(page, '[data-figure="Current"] dd', /3\.3930 mA\s*3\.000 mA\/cm²/);
		await text(page, '[data-figure="Cycle"] dd', /12\s*23 half-cycles are over/);
		station.control.tests = [{ ...RUNNING, lastRow: { ...ROW, cycle: 13 } }];
		await later();
		await text(page, '[data-figure="Cycle"] dd', /13/);
	});

	it("shows the test that was asked for last, whichever answer comes last, and draws one anew when it ends", async () => {
		let answer = (): void => {};
		const late = new Promise<void>((resolve) => {
			answer = resolve;
		});
		const asked: string[] = [];
		const page = await open([RUNNING, ENDED], "tests.html", undefined, async (id) => {
			asked.push(id);
			if (id === ENDED.cellTest) await late;
		});
		await page.locator("#tests-list button", { hasText: "C-bare" }).click();
		await expect.poll(() => asked).toEqual([ENDED.cellTest]);
		await page.locator("#tests-list button", { hasText: "C-77" }).click();
		await expect.poll(() => page.locator("#test-charts path.measured").count()).toBe(3);
		const answered = page.waitForResponse(/cell-tests\/sim1-test-0$/);
		answer();
		await answered;
		await text(page, "#test-title", "C-77");
		expect(await page.locator("#test-stop").isEnabled()).toBe(true);
		station.control.tests = [{ ...RUNNING, state: "finished", cause: "finish" }];
		await later();
		await text(page, "#test-state", "finished");
		await expect.poll(() => asked.filter((id) => id === RUNNING.cellTest).length).toBeGreaterThan(1);
	});

	it("stops a test after a question, under the operator's name", async () => {
		const page = await open([RUNNING], "tests.html#sim1-test-1");
		await page.fill("#operator", "ada");
		await page.locator("#test-stop").click();
		await text(page, "#question", "Stop the test of C-77?");
		await page.locator("#no").click();
		expect(station.control.asked).toEqual([]);
		await page.locator("#test-stop").click();
		await page.locator("#yes").click();
		await text(page, "#test-answer", "It is told to stop.");
		expect(station.control.asked).toMatchObject([
			{ command: "stop-cell-test", args: { cellTest: "sim1-test-1", by: "ada" } },
		]);
	});

	it("orders a test with what is registered of the cell, once everything that the protocol needs is there", async () => {
		const page = await open([RUNNING]);
		await page.locator("#order").click();
		await text(page, "#order-missing", /the barcode of the cell, the active mass, above 0, your name/);
		expect(await page.locator("#order-channel option").allInnerTexts()).toEqual([
			"the first free one that can run it",
			"1-1 (after C-77)",
			"1-2",
			"1-3",
		]);
		await page.fill("#order-cell", "C-79");
		await page.clock.fastForward(500);
		await text(page, "#order-known", "Registered as cell-12.");
		expect(await page.inputValue("#order-mass")).toBe("4.5");
		await page.selectOption("#order-channel", "1-3");
		await page.fill("#order-name", "ada");
		station.control.answer = () => {
			throw new AdlayerError("CYCLER_REFUSED", "No channel of neware can run li-lfp: it gives 1 mA at most.");
		};
		await page.locator("#order-now").click();
		await text(page, "#order-answer", /No channel of neware can run li-lfp: it gives 1 mA at most\./);
		const ordered = { ...QUEUED, cellTest: "sim1-test-3", cell: "C-79" };
		station.control.answer = () => ordered;
		station.control.tests = [RUNNING, ordered];
		await page.locator("#order-now").click();
		await text(page, "#test-title", "C-79");
		const [, { command, args }] = station.control.asked as [unknown, { command: string; args: object }];
		expect([command, args]).toMatchObject([
			"start-cell-test",
			{ cell: "C-79", cycler: "neware", channel: "1-3", areaCm2: 1.131, activeMassG: 0.0045, operator: "ada" },
		]);
		expect(seen.errors.splice(0)).toEqual([expect.stringMatching(REFUSAL_LOGGED)]);
	});

	it("takes no number below zero for an area, and says of a cell that nobody has registered what that means", async () => {
		const page = await open([]);
		await text(page, "#tests-none", "No test has been ordered yet.");
		await page.locator("#order").click();
		await page.fill("#order-cell", "C-80");
		await page.clock.fastForward(500);
		await text(page, "#order-known", /Not registered/);
		await page.fill("#order-area", "-1");
		await page.fill("#order-mass", "4.5");
		await page.fill("#order-name", "ada");
		await text(page, "#order-missing", "Still needed: the area, above 0.");
		expect(await page.locator("#order-now").isDisabled()).toBe(true);
		expect(seen.errors.splice(0)).toEqual([expect.stringMatching(REFUSAL_LOGGED)]);
	});

	it("says that what it shows is old when the service is gone, and comes back by itself", async () => {
		const page = await open([RUNNING], "tests.html#sim1-test-1");
		await text(page, "#test-state", "running");
		await station.close();
		await later(3_000);
		await later(12_000);
		await text(page, "#lost", /nothing new is known; the tests go on by themselves/);
		await text(page, "#test-state", "was running");
		expect(await page.locator("#test-stop").isDisabled()).toBe(true);
		expect(await page.locator("#order").isDisabled()).toBe(true);
		await station.listen();
		await later(3_000);
		await text(page, "#test-state", "running");
		await expect.poll(() => page.locator("#lost").isVisible()).toBe(false);
		for (const error of seen.errors.splice(0)) expect(error).toMatch(/ERR_CONNECTION_REFUSED/);
	});

	for (const [name, width, height] of [
		["a tablet lying", 1024, 768],
		["a tablet standing", 768, 1024],
		["a telephone", 390, 844],
	] as const) {
		it(`fits ${name}, with everything pressable large enough for gloves`, async () => {
			const page = await open([RUNNING, ENDED], "tests.html#sim1-test-1", { width, height });
			await text(page, "#test-title", "C-77");
			const small = [];
			for (const element of await page.locator("button, a, select, input").all()) {
				const box = await element.boundingBox();
				if (box !== null && (box.height < 48 || box.width < 48)) small.push(await element.innerText());
			}
			expect(small).toEqual([]);
			const overflowPx = await page.evaluate(
				"document.documentElement.scrollWidth - document.documentElement.clientWidth",
			);
			expect(overflowPx).toBe(0);
		});
	}
});
