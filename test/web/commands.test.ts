import { afterEach, expect, it } from "vitest";
import { AdlayerError } from "#core/errors.js";
import { runState } from "../api/world.js";
import { describeInBrowser } from "./browser.js";
import { aRun, Station, type StationOptions, text, type Visit, visit } from "./station.js";

/** What the browser itself logs of an answer that refuses. */
const REFUSAL_LOGGED = /Failed to load resource: the server responded with a status of 4/;

describeInBrowser("commands from the page", (browser) => {
	let station: Station;
	let seen: Visit;
	const open = async (prepare: (station: Station) => void, options: StationOptions = {}) => {
		station = await Station.start(options);
		prepare(station);
		seen = await visit(browser(), station);
		await station.pass(500);
		await text(seen.page, "#station", "sim1");
		return seen.page;
	};
	const commands = () => station.control.asked.map(({ command, args, options }) => ({ command, args, options }));
	afterEach(async () => {
		await seen.page.context().close();
		await station.close();
		expect(seen.errors).toEqual([]);
	});

	it("asks before a hold, sends nothing on Back, and sends it once on a double press", async () => {
		const page = await open(aRun);
		station.control.answer = () => ({ run: "r1", state: "holding" });
		await page.click("#hold");
		await text(page, "#question", "Hold the run?");
		await page.click("#no");
		await page.click("#hold");
		await page.keyboard.press("Escape");
		expect(await page.locator("#confirm").isVisible()).toBe(false);
		expect(commands()).toEqual([]);
		await page.click("#hold");
		await page.dblclick("#yes");
		await text(page, "#answer", "Hold: done, the run is holding.");
		expect(commands()).toEqual([{ command: "command", args: { run: "r1", command: "hold", by: "page" }, options: {} }]);
	});

	it("puts the operator's name on record and remembers it", async () => {
		const page = await open(aRun);
		station.control.answer = () => ({ run: "r1", state: "aborting" });
		await page.fill("#operator", "mk");
		await page.press("#operator", "Tab");
		await page.reload();
		await station.pass(500);
		await text(page, "#state", "running");
		await page.click("#abort");
		await text(page, "#question", "Abort the run?");
		await page.click("#yes");
		await text(page, "#answer", "Abort: done");
		expect(commands()).toMatchObject([{ args: { command: "abort", by: "mk" } }]);
	});

	it("offers what the state allows, and guards what goes on against a state that changed meanwhile", async () => {
		const page = await open(aRun);
		const enabled = () =>
			page.locator("#run-buttons button:enabled").evaluateAll((buttons) => buttons.map((button) => button.textContent));
		await expect.poll(enabled).toEqual(["Pause", "Hold", "Stop", "Abort"]);
		const become = async (from: string, to: string) => {
			station.write(runState(from, to));
			await station.pass(500);
			await text(page, "#state", to);
			return enabled();
		};
		expect(await become("running", "holding")).toEqual(["Stop", "Abort"]);
		expect(await become("holding", "held")).toEqual(["Restart", "Stop", "Abort"]);
		await text(page, "#choices-cause", "Now held.");
		station.control.answer = () => ({ run: "r1", state: "restarting" });
		await page.click('#choices-list [data-command="restart"]');
		await text(page, "#question", "Restart the run?");
		await page.click("#yes");
		await text(page, "#answer", "Restart: done");
		expect(commands()).toEqual([
			{ command: "command", args: { run: "r1", command: "restart", by: "page" }, options: { ifState: "held" } },
		]);
		expect(await become("held", "paused")).toEqual(["Resume", "Hold", "Stop", "Abort"]);
		expect(await become("paused", "aborting")).toEqual([]);
	});

	it("shows a refusal in the service's own words", async () => {
		const page = await open(aRun);
		station.control.answer = () => {
			throw new AdlayerError("COMMAND_NOT_ALLOWED", "An anneal cannot be paused.");
		};
		await page.click("#pause");
		await page.click("#yes");
		await text(page, "#answer", "Pause failed: An anneal cannot be paused.");
		expect(seen.errors.splice(0)).toEqual([expect.stringMatching(REFUSAL_LOGGED)]);
	});

	it("shows an alarm with what to do, and acknowledges it", async () => {
		const page = await open(aRun);
		await text(page, "#no-alarms", "No alarms.");
		station.write(station.alarm("carrier-lost", "unacknowledged"));
		await station.pass(500);
		await text(page, "#alarms", /high · carrier-lost The carrier flow is 0 sccm. Check the gas supply. \(active, 09:/);
		station.control.answer = () => ({ alarm: "carrier-lost", state: "acknowledged" });
		await page.getByRole("button", { name: "Acknowledge" }).click();
		await expect
			.poll(commands)
			.toEqual([{ command: "acknowledge-alarm", args: { alarm: "carrier-lost", by: "page" }, options: undefined }]);
		station.write(station.alarm("carrier-lost", "acknowledged", "page"));
		await station.pass(500);
		await text(page, "#alarms", "active, acknowledged");
		expect(await page.getByRole("button", { name: "Acknowledge" }).count()).toBe(0);
		station.write(station.alarm("carrier-lost", "normal"));
		await station.pass(500);
		await text(page, "#no-alarms", "No alarms.");
	});

	it("shows a tripped interlock, and resets it only when its cause is gone", async () => {
		const page = await open(aRun);
		const trip = {
			kind: "interlock",
			interlock: "lid-open",
			value: 0,
			limit: 1,
			unit: "bool",
			effect: "trip",
		} as const;
		station.write({ ...trip, state: "tripped", cause: "The lid contact is open." });
		await station.pass(500);
		await text(page, "#tripped", "interlock tripped · lid-open The lid contact is open.");
		expect(await page.getByRole("button", { name: "Reset" }).count()).toBe(0);
		station.write({ ...trip, state: "cleared", cause: "The lid contact is open." });
		await station.pass(500);
		station.control.answer = () => ({ interlock: "lid-open", state: "clear" });
		await page.getByRole("button", { name: "Reset" }).click();
		await expect.poll(commands).toMatchObject([{ command: "reset-interlock", args: { interlock: "lid-open" } }]);
	});

	it("starts a run once everything asked for is given", async () => {
		const sets: object[] = [];
		const page = await open(() => {}, {
			deps: {
				check: ({ fileName, set }) => {
					sets.push(set);
					const isInRange = Number(set.cycles) <= 500;
					const problem = {
						severity: "error",
						code: "X",
						line: null,
						column: null,
						path: null,
						value: 1,
						limit: 1,
					} as const;
					const dryRun = {
						totalS: 3_725,
						steps: 4,
						pulses: { TMA: 7, H2O: 7 },
						precursorMg: { TMA: 2, H2O: 1.24 },
						tmaMg: 2,
						thicknessNm: 0.8,
						phases: [],
					};
					return {
						ok: isInRange,
						recipe: fileName,
						sha256: "ab",
						problems: isInRange ? [] : [{ ...problem, message: "Parameter cycles is outside its range." }],
						acknowledgements: [{ code: "MELTING_NOT_EXCLUDED", reason: "Melting cannot be excluded." }],
						dryRun: isInRange ? dryRun : null,
					};
				},
			},
		});
		station.control.answer = () => ({ run: "r7", state: "running", product: "Li@7Al2O3", sample: "S7" });
		const start = page.locator("#launch-now");
		await page.click("#launch");
		await text(page, "#recipe", "Lithium foil (li)");
		await text(page, "#parameters", "1 to 500 cycles");
		await text(page, "#check", "1:02:05 planned · 7 TMA and 7 H2O pulses");
		await page.fill('[name="cycles"]', "900");
		await page.clock.fastForward(1_000);
		await text(page, "#check", "Parameter cycles is outside its range.");
		await page.fill('[name="cycles"]', "6");
		await page.getByRole("button", { name: "more" }).click();
		await page.clock.fastForward(1_000);
		await text(page, "#check", "1:02:05 planned");
		await text(page, "#launch-missing", "Still needed: the operator's name and the acknowledgements above.");
		await page.fill("#launch-operator", "mk");
		expect(await start.isDisabled()).toBe(true);
		await page.getByRole("checkbox").check();
		await page.fill("#sample", "S7");
		await start.dblclick();
		await text(page, "#answer", "Run r7 is started.");
		expect(await page.locator("#launcher").isVisible()).toBe(false);
		const cycles = Number((sets.at(-1) as { cycles: number }).cycles);
		expect(cycles).toBe(16);
		expect(commands()).toMatchObject([
			{
				command: "launch",
				args: {
					recipe: "li.recipe.yaml",
					set: { cycles },
					operator: "mk",
					sample: "S7",
					acknowledge: ["MELTING_NOT_EXCLUDED"],
				},
			},
		]);
	});
});
