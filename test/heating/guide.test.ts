import { describe, expect, it } from "vitest";
import { Prng } from "#core/prng.js";
import { proposedSettings } from "#heating/controller-settings.js";
import { type GuideOptions, type GuideState, HeatGuide } from "#heating/heat-guide.js";
import { planHeating } from "#heating/plan-heating.js";

const MODEL = { gainCPerPercent: 2, timeConstantS: 600, lagS: 8, deadTimeS: 20, restC: 22 };
const OPTIONS: GuideOptions = {
	model: MODEL,
	foil: { offsetC: -0.4, offsetBoundC: 0.08, lagS: 30, lagBoundS: 6 },
	task: { targetC: 180, neverAboveC: 180.3, rampCPerMin: 10, stageLimitC: 190 },
	instrument: { ...proposedSettings(MODEL), resolutionC: 0.1, powerMaxPercent: 100, noiseC: 0.05 },
};

interface Plant {
	gainCPerPercent: number;
	timeConstantS: number;
	readonly deadTimeS: number;
}

/** A zone with a PI controller in front, second by second; `meddle` may change the plant on the way. */
function heat(
	options: GuideOptions,
	plant: Plant,
	seconds: number,
	meddle: (atS: number, plant: Plant) => void = () => {},
) {
	const { foil, instrument } = options;
	const random = new Prng(5);
	let [stageC, sensorC, foilC] = [120, 120, 120 + foil.offsetC];
	let percent = 49;
	let setpointC = 120;
	const perC = 100 / instrument.proportionalBandC;
	let integral = percent - perC * (0.8 * setpointC - sensorC);
	const pending = Array<number>(plant.deadTimeS).fill(percent);
	const guide = new HeatGuide(options, { atS: 0, readingC: 120, outputPercent: percent, setpointC });
	const seen = {
		states: new Set<GuideState>(),
		peakC: 0,
		setpointMaxC: 0,
		mismatch: undefined as string | undefined,
		mismatchS: 0,
	};
	for (let atS = 0; atS < seconds; atS += 1) {
		meddle(atS, plant);
		const readingC = Math.round((sensorC + 0.05 * random.normal()) * 10) / 10;
		const guidance = guide.step({ atS, readingC, outputPercent: Math.round(percent * 10) / 10 });
		setpointC = guidance.setpointC;
		seen.states.add(guidance.state);
		if (guidance.mismatch !== undefined && seen.mismatch === undefined) {
			seen.mismatch = guidance.mismatch;
			seen.mismatchS = atS;
		}
		const direct = perC * (0.8 * setpointC - sensorC);
		const change = (perC * (setpointC - sensorC)) / instrument.integralS;
		if (!((direct + integral > 100 && change > 0) || (direct + integral < 0 && change < 0))) integral += change;
		percent = Math.min(100, Math.max(0, direct + integral));
		pending.push(percent);
		stageC += (22 + plant.gainCPerPercent * pending.shift()! - stageC) / plant.timeConstantS;
		sensorC += (stageC - sensorC) / 8;
		foilC += (stageC + foil.offsetC - foilC) / 30;
		seen.peakC = Math.max(seen.peakC, foilC);
		seen.setpointMaxC = Math.max(seen.setpointMaxC, setpointC);
	}
	return { ...seen, foilC, setpointC, stageC };
}

describe("the guide", () => {
	it("brings the foil to its target without overshoot, no setpoint at the never-above limit", () => {
		const { peakC, foilC, states, setpointMaxC, mismatch } = heat(OPTIONS, { ...MODEL }, 2400);
		expect(mismatch).toBeUndefined();
		expect([...states]).toEqual(["heating", "holding"]);
		expect(peakC).toBeLessThan(180.1);
		expect(Math.abs(foilC - 180)).toBeLessThan(0.1);
		expect(setpointMaxC + OPTIONS.foil.offsetC).toBeLessThanOrEqual(180.2 + 1e-9);
	});

	it.each([
		["gives half the heat", { gainCPerPercent: 1 }],
		["gives half as much heat again", { gainCPerPercent: 3 }],
		["is twice as heavy", { timeConstantS: 1200 }],
		["is half as heavy", { timeConstantS: 300 }],
	])("says so and stays where it is when the plant %s from mid-ramp on", (_what, change) => {
		const run = heat(OPTIONS, { ...MODEL }, 2400, (atS, plant) => {
			if (atS === 150) Object.assign(plant, change);
		});
		expect(run.mismatch).toMatch(/than its model/);
		expect(run.mismatchS - 150).toBeLessThan(200);
		expect(run.states.has("holding")).toBe(false);
		expect(run.peakC).toBeLessThan(180.3);
		expect(run.setpointC).toBeLessThan(175);
	});

	it("takes heat away while the peak ahead lies above the limit", () => {
		const guide = new HeatGuide(OPTIONS, { atS: 0, readingC: 178, outputPercent: 95, setpointC: 180 });
		// Full power is under way and the stage rises at 0.2 °C/s: more than a dead time may bear.
		let last = guide.step({ atS: 1, readingC: 178.2, outputPercent: 100 });
		for (let atS = 2; atS < 12; atS += 1) last = guide.step({ atS, readingC: 178 + 0.2 * atS, outputPercent: 100 });
		expect(last.peakAheadC).toBeGreaterThan(180.3);
		expect(last.state).toMatch(/back-off|mismatch/);
		expect(last.setpointC).toBeLessThan(180);
	});

	it("learns from samples before the way begins, without holding them against the model", () => {
		const before = Array.from({ length: 60 }, (_, atS) => ({ atS, readingC: 118 + 0.13 * atS, outputPercent: 88 }));
		const start = { atS: 60, readingC: 125.8, outputPercent: 88, setpointC: 125 };
		const guide = HeatGuide.knowing(OPTIONS, before, start);
		expect(guide.step({ atS: 61, readingC: 125.9, outputPercent: 88 }).mismatch).toBeUndefined();
	});
});

describe("the plan", () => {
	it("predicts the time that the way then takes", () => {
		const outcome = planHeating(OPTIONS, 119.6);
		if (!outcome.ok) throw new Error(outcome.problems.join());
		const { seconds, foilPeakC, trajectory } = outcome.plan;
		expect(foilPeakC).toBeLessThan(180.1);
		let arrivedS = 0;
		for (const length of [seconds * 0.9, seconds * 1.1]) {
			const { foilC } = heat(OPTIONS, { ...MODEL }, Math.round(length));
			if (foilC > 179.5) arrivedS = length;
			else expect(length).toBeLessThan(seconds);
		}
		expect(arrivedS).toBeGreaterThan(0);
		expect(trajectory.every((point, i) => i === 0 || point.atS > trajectory[i - 1]!.atS)).toBe(true);
		expect(Math.max(...trajectory.map(({ setpointC }) => setpointC))).toBeLessThan(180.3 + 0.4);
	});

	it("is refused with every reason when the heater is too weak and the target too near to its limit", () => {
		const weak = { ...OPTIONS, model: { ...MODEL, gainCPerPercent: 1.5 }, task: { ...OPTIONS.task, targetC: 180.25 } };
		const outcome = planHeating(weak, 120);
		expect(outcome.ok).toBe(false);
		if (!outcome.ok) expect(outcome.problems.join(" ")).toMatch(/needs 105.8 % of power.*is not below 180.3 °C/s);
	});
});
