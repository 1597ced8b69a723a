import { expect, it } from "vitest";
import { Bench, type StageConstants } from "./bench.js";

/** Ramps through the driver, one setpoint a second, then holds; gives the highest excess and the last error. */
async function ramp(stage: StageConstants, targetC: number, degCPerMin: number, holdS: number) {
	const bench = new Bench({}, stage);
	await bench.run(bench.device.connect());
	let highestC = 0;
	const rampS = ((targetC - 22) / degCPerMin) * 60;
	for (let second = 1; second <= rampS + holdS; second += 1) {
		if (second <= rampS + 1)
			await bench.run(bench.device.set!("setpoint", Math.min(targetC, 22 + (degCPerMin / 60) * second)));
		await bench.run(bench.device.poll());
		await bench.feed();
		await bench.clock.advance(1000 - (bench.clock.nowMs() % 1000));
		highestC = Math.max(highestC, bench.stageC);
	}
	return { overshootC: highestC - targetC, errorC: bench.stageC - targetC, bench };
}

it.each([
	["the stage at 3 degC/min", { gainCPerPercent: 2, timeConstantS: 600, deadTimeS: 8 }, 120, 3, 0.05],
	[
		"the stage at 15 degC/min, more than it has power for",
		{ gainCPerPercent: 2, timeConstantS: 600, deadTimeS: 8 },
		180,
		15,
		0.05,
	],
	[
		"a stage with 20 s of dead time and 20 % more gain",
		{ gainCPerPercent: 2.4, timeConstantS: 600, deadTimeS: 20 },
		120,
		5,
		0.3,
	],
	["a fast line", { gainCPerPercent: 1.5, timeConstantS: 300, deadTimeS: 5 }, 80, 5, 0.05],
])("brings %s to its setpoint without overshoot", async (_what, stage, targetC, rate, overshootMaxC) => {
	const { overshootC, errorC, bench } = await ramp(stage, targetC, rate, 1200);
	expect(overshootC).toBeLessThan(overshootMaxC);
	expect(Math.abs(errorC)).toBeLessThan(0.1);
	expect(bench.simulator.eepromWrites).toBe(0);
});
