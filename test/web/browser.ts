/** The browser that the page's tests run in. */
import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, it } from "vitest";

const CHROMIUM = process.env.CHROMIUM_PATH ?? "/usr/bin/chromium";
const MISSING = `There is no browser at ${CHROMIUM}: install Debian's chromium (apt-get install chromium), or set CHROMIUM_PATH.`;
const FLAGS = [
	"--headless",
	"--no-sandbox",
	"--disable-gpu",
	"--disable-quic",
	"--no-first-run",
	"--disable-background-networking",
	"--disable-component-update",
	"--disable-sync",
];

/** For a test that looks at a page beside other things; undefined, with the reason printed, where there is no browser. */
export async function browserIfAny(): Promise<Browser | undefined> {
	if (existsSync(CHROMIUM)) return chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
	if (process.env.ADLAYER_TEST_ALL === "1") throw new Error(MISSING);
	console.warn(`The page is not looked at. ${MISSING}`);
	return undefined;
}

/**
 * A group of tests with one browser. Without a browser they are skipped with the reason printed; in CI they fail, since
 * nobody would notice there.
 */
export function describeInBrowser(name: string, tests: (browser: () => Browser) => void): void {
	if (existsSync(CHROMIUM)) {
		describe(name, () => {
			let browser: Browser;
			beforeAll(async () => {
				browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
			});
			afterAll(() => browser?.close());
			tests(() => browser);
		});
		return;
	}
	if (process.env.ADLAYER_TEST_ALL === "1") {
		it(`${name} (needs a browser)`, () => {
			throw new Error(MISSING);
		});
		return;
	}
	console.warn(`Skipped: ${name}. ${MISSING}`);
	describe.skip(name, () => tests(() => undefined as never));
}
