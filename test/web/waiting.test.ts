import { afterEach, expect, it } from "vitest";
import { AdlayerError } from "#core/errors.js";
import { runState, WALL_START } from "../api/world.js";
import { describeInBrowser } from "./browser.js";
import { aRun, Station, text, type Visit, visit } from "./station.js";

const REFUSAL_LOGGED = /Failed to load resource: the server responded with a status of 4/;
const QUESTION = {
	kind: "prompt-asked",
	run: "r1",
	prompt: "hand-valves",
	text: "Shut the hand valve of each precursor.",
	confirm: "Both hand valves are shut",
	timeoutS: 3_600,
	onTimeout: "hold",
} as const;

describeInBrowser("what the run waits for", (browser) => {
	let station: Station;
	let seen: Visit;
	const open = async () => {
		station = await Station.start({});
		aRun(station);
		seen = await visit(browser(), station);
		await station.pass(500);
		await text(seen.page, "#station", "sim1");
		return seen.page;
	};
	const write = async (...records: Parameters<Station["write"]>[0][]) => {
		for (const record of records) station.write(record);
		await station.pass(500);
	};
	const commands = () => station.control.asked.map(({ command, args }) => ({ command, args }));
	afterEach(async () => {
		await seen.page.context().close();
		await station.close();
		expect(seen.errors).toEqual([]);
	});

	it("asks the run's question with a button for gloved fingers, which wants a name", async () => {
		const page = await open();
		expect(await page.locator("#prompt").isVisible()).toBe(false);
		await write(QUESTION);
		await text(page, "#prompt-text", "Shut the hand valve of each precursor.");
		await text(page, "#prompt-limit", /Without an answer by \d\d:\d\d:\d\d the run is held\./);
		const button = page.locator("#prompt-confirm");
		await text(page, "#prompt-confirm", "Both hand valves are shut");
		expect((await button.boundingBox())!.height).toBeGreaterThanOrEqual(64);
		expect(await button.isDisabled()).toBe(true);
		await page.fill("#prompt-name", "the operator");
		station.control.answer = () => ({ run: "r1", state: "running", prompt: "hand-valves" });
		await button.dblclick();
		await text(page, "#prompt-answer", "Confirmed.");
		expect(commands()).toEqual([
			{ command: "confirm", args: { run: "r1", prompt: "hand-valves", by: "the operator" } },
		]);
		await write({ kind: "prompt-answered", run: "r1", prompt: "hand-valves", confirmed: QUESTION.confirm, by: "mk" });
		await expect.poll(() => page.locator("#prompt").isVisible()).toBe(false);
	});

	it("says why an answer does not count yet", async () => {
		const page = await open();
		await write(QUESTION);
		await page.fill("#prompt-name", "mk");
		station.control.answer = () => {
			throw new AdlayerError("COMMAND_NOT_ALLOWED", "The lid is not proven closed; close it, then confirm.");
		};
		await page.click("#prompt-confirm");
		await text(page, "#prompt-answer", "The lid is not proven closed; close it, then confirm.");
		expect(seen.errors.splice(0)).toEqual([expect.stringMatching(REFUSAL_LOGGED)]);
	});

	it("offers a held run's choices with their consequences and the cause", async () => {
		const page = await open();
		await write(runState("running", "holding"), runState("holding", "held"));
		await text(page, "#choices-cause", "Now held.");
		expect(await page.locator("#choices-list button").allTextContents()).toEqual(["Restart", "Stop", "Abort"]);
		await text(page, "#choices-list", "Temperatures are proven again");
		station.control.answer = () => ({ run: "r1", state: "restarting" });
		await page.click('#choices-list [data-command="restart"]');
		await text(page, "#question", "Restart the run?");
		await page.click("#yes");
		await text(page, "#answer", "Restart: done");
		expect(commands()).toEqual([{ command: "command", args: { run: "r1", command: "restart", by: "page" } }]);
		await write(runState("held", "restarting"));
		await expect.poll(() => page.locator("#choices").isVisible()).toBe(false);
	});

	it("shows what the next dose waits for by itself, and until when", async () => {
		const page = await open();
		const conditions = [
			{
				condition: "carrier",
				reason: "Carrier flow is 85.0 sccm, 100 sccm are ordered.",
				value: 85,
				threshold: 95,
				unit: "sccm",
			},
		] as const;
		const suspension = { kind: "suspension", run: "r1", conditions, until: WALL_START + 600_000 } as const;
		await write({ ...suspension, state: "began" });
		await text(page, "#suspension-list", "Carrier flow is 85.0 sccm, 100 sccm are ordered. back past 95.0 sccm");
		await text(page, "#suspension-limit", /It goes on by itself; at \d\d:\d\d:\d\d the run is held for you\./);
		await write({ ...suspension, state: "ended" });
		await expect.poll(() => page.locator("#suspension").isVisible()).toBe(false);
	});
});
