import { beforeEach, describe, expect, it } from "vitest";
import { caseNamed } from "./cases.js";
import { Progress } from "./progress.js";

describe("the progress of the sweep", () => {
	const cases = ["whole-1", "whole-2", "ten-1", "ten-2", "ten-3", "ten-4"].map(caseNamed);
	let nowMs: number;
	let written: string[];
	const progress = (isTTY: boolean) =>
		new Progress(cases, 2, { isTTY, write: (text: string) => written.push(text) }, () => nowMs);
	beforeEach(() => {
		nowMs = 0;
		written = [];
	});

	it("says what is done, what has failed, and what is left by the time that each kind of case takes", () => {
		const shown = progress(false);
		nowMs = 60_000;
		shown.finished("whole", 60_000, false);
		shown.finished("ten", 10_000, true);
		// One of 60 s and three of 10 s, by two workers.
		expect(shown.line).toBe("2 of 6 cases, 1 failed, 1:00 min gone, about 0:45 min left");
	});

	it("writes a plain line now and then where there is no terminal, and one at the end", () => {
		const shown = progress(false);
		for (const { kind } of cases) {
			nowMs += 12_000;
			shown.finished(kind, 12_000, false);
		}
		expect(written.map((text) => text.split(",")[0])).toEqual(["3 of 6 cases", "6 of 6 cases"]);
		expect(written.join("")).not.toContain("\r");
	});

	it("draws its line anew in a terminal", () => {
		const shown = progress(true);
		nowMs = 1_000;
		shown.finished("ten", 1_000, false);
		expect(written).toEqual([`\r\x1b[K${shown.line}`]);
	});
});
