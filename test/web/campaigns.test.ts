import { afterEach, expect, it } from "vitest";
import { AdlayerError } from "#core/errors.js";
import { CAMPAIGN_DOCUMENT } from "../api/world.js";
import { describeInBrowser } from "./browser.js";
import { aRun, Station, text, type Visit, visit } from "./station.js";

const REFUSAL_LOGGED = /Failed to load resource: the server responded with a status of 4/;
const NEXT = {
	campaign: "sim1-series-20261122",
	entry: 1,
	recipe: "li",
	sample: "Li@25LiAlOx-ex",
	material: "Li",
	mustBeLoaded: "The chamber must hold the Li foil of sample Li@25LiAlOx-ex, and nothing else.",
	plannedS: 5_400,
	precursorMg: { TMA: 7.5, H2O: 4.65 },
	acknowledgements: [
		{ code: "MELTING_NOT_EXCLUDED", reason: "Melting cannot be excluded." },
		{ code: "N2_ABOVE_160C", reason: "Nitride may form." },
	],
};
const SUMMARY = {
	campaign: NEXT.campaign,
	name: "series",
	title: "Cycle series",
	by: "mk",
	createdAt: 0,
	state: "open",
	totals: { runs: 2, totalS: 12_000, pulses: { TMA: 75, H2O: 75 }, precursorMg: { TMA: 22.5, H2O: 14 } },
	counts: { waiting: 2, running: 0, done: 0, failed: 0, skipped: 0, cancelled: 0 },
};
const QUEUE = { campaigns: [SUMMARY], next: NEXT };
const RUNS = [NEXT, { ...NEXT, entry: 2, sample: "Li@50LiAlOx-ex", acknowledgements: [] }];

describeInBrowser("campaigns on the page", (browser) => {
	let station: Station;
	let seen: Visit;
	const open = async (queue: object = QUEUE, prepare: (station: Station) => void = () => {}) => {
		station = await Station.start({});
		prepare(station);
		station.control.queue = queue;
		seen = await visit(browser(), station);
		await station.pass(500);
		await text(seen.page, "#station", "sim1");
		await look();
		return seen.page;
	};
	/** The page looks for campaigns every five seconds, and when it hears of control again after such a time. */
	const look = async () => {
		await seen.page.clock.fastForward(5_000);
		await station.pass(500);
		await expect.poll(() => seen.page.locator("#plan").isEnabled()).toBe(true);
	};
	const orders = () => station.control.asked.map(({ command, args }) => ({ command, args }));
	afterEach(async () => {
		await seen.page.context().close();
		await station.close();
		expect(seen.errors).toEqual([]);
	});

	it("planned: shows what it would do, makes it only with a name, once", async () => {
		const page = await open({ campaigns: [], next: null });
		await text(page, "#queue-none", "Nothing waits.");
		station.control.answer = () => ({ campaign: { ...SUMMARY, runs: RUNS }, problems: [] });
		await page.click("#plan");
		await text(
			page,
			"#plan-summary",
			"2 runs, each launched by a person · 3:20:00 in all · 75 TMA (0.0225 g) and 75 H2O",
		);
		await text(
			page,
			"#plan-runs",
			"Li@25LiAlOx-ex li, 1:30:00 · to be acknowledged: MELTING_NOT_EXCLUDED, N2_ABOVE_160C",
		);
		const make = page.locator("#plan-make");
		expect(await make.isDisabled()).toBe(true);
		await page.fill("#plan-name", "M. Keller");
		station.control.queue = QUEUE;
		await make.dblclick();
		await text(page, "#queue-answer", "Cycle series: 2 runs wait.");
		await text(page, "#queue-sample", "Next: Li@25LiAlOx-ex, 1:30:00");
		const [checked, made, ...more] = orders();
		expect(checked).toMatchObject({ command: "create-campaign", args: { check: true } });
		expect(made).toMatchObject({
			command: "create-campaign",
			args: {
				check: false,
				by: "M. Keller",
				document: CAMPAIGN_DOCUMENT.text,
				recipes: { li: expect.stringContaining("adlayer: recipe/1") },
			},
		});
		expect(more).toEqual([]);
	});

	it("that cannot run shows every problem, and is not made", async () => {
		const page = await open({ campaigns: [], next: null });
		station.control.answer = () => {
			const problems = ["li:3 steps: too hot.", "li:9 steps: too cold."].map((message) => ({
				severity: "error" as const,
				code: "X",
				message,
			}));
			throw new AdlayerError("CAMPAIGN_INVALID", "The campaign has 2 problem(s).", { problems });
		};
		await page.click("#plan");
		await text(page, "#plan-problems", "li:3 steps: too hot. li:9 steps: too cold.");
		await page.fill("#plan-name", "mk");
		expect(await page.locator("#plan-make").isDisabled()).toBe(true);
		await page.click("#plan-back");
		expect(seen.errors.splice(0)).toEqual([expect.stringMatching(REFUSAL_LOGGED)]);
	});

	it("launch the next run when its foil is loaded, everything accepted once, and somebody named", async () => {
		const page = await open();
		await text(page, "#campaigns", "Cycle series: 0 of 2 over, 2 waiting");
		await page.click("#queue-launch");
		await text(page, "#next-title", "Launch Li@25LiAlOx-ex");
		await text(page, "#next-summary", "li · 1:30:00 planned · 7.5 mg TMA · 4.65 mg H2O");
		const launch = page.locator("#next-launch");
		for (const act of [
			() => page.check("#next-loaded"),
			() => page.check('#next-acknowledgements input[value="MELTING_NOT_EXCLUDED"]'),
			() => page.check('#next-acknowledgements input[value="N2_ABOVE_160C"]'),
			() => page.fill("#next-name", "M. Keller"),
		]) {
			expect(await launch.isDisabled()).toBe(true);
			await act();
		}
		await page.fill("#next-barcode", "F-17");
		station.control.answer = () => ({ campaign: { ...SUMMARY, runs: RUNS }, run: "r9" });
		await launch.dblclick();
		await text(page, "#queue-answer", "Run r9 is started.");
		expect(orders()).toEqual([
			{
				command: "command-campaign",
				args: {
					campaign: NEXT.campaign,
					command: "launch",
					by: "M. Keller",
					entry: 1,
					loaded: NEXT.sample,
					barcode: "F-17",
					acknowledge: ["MELTING_NOT_EXCLUDED", "N2_ABOVE_160C"],
				},
			},
		]);
	});

	it("say why a launch is refused, and ask everything anew", async () => {
		const page = await open();
		await page.click("#queue-launch");
		await page.check("#next-loaded");
		for (const box of await page.locator("#next-acknowledgements input").all()) await box.check();
		await page.fill("#next-name", "mk");
		station.control.answer = () => {
			throw new AdlayerError("LEAK_CHECK_MISSING", "No leak check has passed in the last 24 h.");
		};
		await page.click("#next-launch");
		await text(page, "#next-answer", "No leak check has passed in the last 24 h.");
		expect(seen.errors.splice(0)).toEqual([expect.stringMatching(REFUSAL_LOGGED)]);
		await page.click("#next-back");
		await page.click("#queue-launch");
		expect(await page.locator("#next-loaded").isChecked()).toBe(false);
		expect(await page.locator("#next-acknowledgements input:checked").count()).toBe(0);
	});

	it("offer no launch beside a run, and are paused, skipped and cancelled by a person", async () => {
		const page = await open(QUEUE, aRun);
		await text(page, "#queue-sample", NEXT.sample);
		expect(await page.locator("#queue-launch").isDisabled()).toBe(true);
		await page.fill("#operator", "mk");
		await page.press("#operator", "Tab");
		station.control.answer = () => ({ campaign: SUMMARY, run: null });
		await page.click("#queue-skip");
		await text(page, "#question", "Skip Li@25LiAlOx-ex?");
		await page.click("#yes");
		await text(page, "#queue-answer", "Li@25LiAlOx-ex is skipped.");
		station.control.queue = { campaigns: [{ ...SUMMARY, state: "paused" }], next: null };
		await page.click('#campaigns [data-command="pause"]');
		await text(page, "#campaigns", "2 waiting, paused");
		expect(await page.locator("#queue-next").isVisible()).toBe(false);
		await page.click('#campaigns [data-command="resume"]');
		await text(page, "#queue-answer", "Resumed.");
		await page.click('#campaigns [data-command="cancel"]');
		await text(page, "#consequence", "2 waiting runs of Cycle series are given up for good.");
		station.control.queue = { campaigns: [{ ...SUMMARY, state: "over" }], next: null };
		await page.click("#yes");
		await text(page, "#queue-none", "Nothing waits.");
		expect(orders().map(({ args }) => args)).toEqual([
			{ campaign: NEXT.campaign, command: "skip", entry: 1, by: "mk" },
			{ campaign: NEXT.campaign, command: "pause", by: "mk" },
			{ campaign: NEXT.campaign, command: "resume", by: "mk" },
			{ campaign: NEXT.campaign, command: "cancel", by: "mk" },
		]);
	});
});
