import { describe, expect, it } from "vitest";
import { Prng } from "#core/prng.js";
import { proposedSettings } from "#heating/controller-settings.js";
import { identify } from "#heating/identify.js";
import { every, heaterTest } from "./support.js";

const HEATER = { gainCPerPercent: 2, timeConstantS: 600, deadTimeS: 20 };
const step = (atS: number) => (atS < 200 ? 10 : 60);
const relay = (atS: number) => (Math.floor(atS / 150) % 2 === 0 ? 20 : 80);

/** Least squares by brute force: a shrinking grid over time constant and dead time, the closed form of a step's response. */
function bruteForce(
	timeS: readonly number[],
	degC: readonly number[],
	stepS: number,
	beforePercent: number,
	jump: number,
) {
	let centre = { timeConstantS: 700, deadTimeS: 40 };
	let [spanT, spanD] = [600, 40];
	let best = { cost: Number.POSITIVE_INFINITY, gain: 0, ...centre };
	for (let round = 0; round < 14; round += 1) {
		for (let a = -8; a <= 8; a += 1) {
			for (let b = -8; b <= 8; b += 1) {
				const timeConstantS = centre.timeConstantS + (a / 8) * spanT;
				const deadTimeS = centre.deadTimeS + (b / 8) * spanD;
				if (timeConstantS <= 0 || deadTimeS < 0) continue;
				let [n, sx, sxx, sy, sxy, syy] = [0, 0, 0, 0, 0, 0];
				timeS.forEach((atS, i) => {
					const x = beforePercent + jump * (1 - Math.exp(-Math.max(0, atS - stepS - deadTimeS) / timeConstantS));
					const y = degC[i]!;
					n += 1;
					sx += x;
					sxx += x * x;
					sy += y;
					sxy += x * y;
					syy += y * y;
				});
				const gain = (n * sxy - sx * sy) / (n * sxx - sx * sx);
				const rest = (sy - gain * sx) / n;
				const cost = syy - gain * sxy - rest * sy;
				if (cost < best.cost) best = { cost, gain, timeConstantS, deadTimeS };
			}
		}
		centre = best;
		spanT *= 0.55;
		spanD *= 0.55;
	}
	return best;
}

describe("identification", () => {
	it.each([0.05, 0.3, 1])("agrees within 5 % with brute-force least squares at %f °C of noise", (noiseC) => {
		const timeS = every(5, 3600);
		for (const seed of [1, 2, 3]) {
			const data = heaterTest(HEATER, { timeS, power: step, noiseC, resolutionC: 0.1, seed });
			const { firstOrder } = identify(data);
			const reference = bruteForce(timeS, data.temperatureC, 200, 10, 50);
			expect(firstOrder.gainCPerPercent.value / reference.gain, `seed ${seed}`).toBeCloseTo(1, 1.3);
			expect(Math.abs(firstOrder.gainCPerPercent.value / reference.gain - 1)).toBeLessThan(0.05);
			expect(Math.abs(firstOrder.timeConstantS.value / reference.timeConstantS - 1)).toBeLessThan(0.05);
			expect(Math.abs(firstOrder.deadTimeS.value / reference.deadTimeS - 1), `seed ${seed}`).toBeLessThan(0.05);
		}
	});

	it("finds the truth from a relay test with uneven rows, steps of 0.1 °C and a start that is not at rest", () => {
		const random = new Prng(7);
		let atS = 0;
		const timeS = Array.from({ length: 900 }, () => {
			atS += random.between(0.5, 3.5);
			return atS;
		});
		// The power changes at rows, as the table says.
		const power = (at: number) => relay(timeS.findLast((rowS) => rowS <= at + 1e-9) ?? 0);
		const data = heaterTest(HEATER, { timeS, power, noiseC: 0.05, resolutionC: 0.1, startC: 90 });
		const { chosen } = identify(data);
		expect(Math.abs(chosen.gainCPerPercent.value / 2 - 1)).toBeLessThan(0.05);
		expect(Math.abs(chosen.timeConstantS.value / 600 - 1)).toBeLessThan(0.05);
		expect(Math.abs(chosen.deadTimeS.value / 20 - 1)).toBeLessThan(0.05);
		expect(chosen.residualRmsC).toBeLessThan(0.08);
	});

	it("sees a sensor's lag as a second order, and takes none where there is none", () => {
		const timeS = every(1, 1800);
		const lagging = identify(
			heaterTest({ ...HEATER, lagS: 15 }, { timeS, power: relay, noiseC: 0.05, resolutionC: 0.1 }),
		);
		expect(lagging.chosen.order).toBe(2);
		expect(Math.abs(lagging.chosen.lagS.value / 15 - 1)).toBeLessThan(0.1);
		expect(Math.abs(lagging.chosen.deadTimeS.value / 20 - 1)).toBeLessThan(0.05);
		expect(lagging.firstOrder.deadTimeS.value).toBeGreaterThan(25);
		expect(identify(heaterTest(HEATER, { timeS, power: relay, noiseC: 0.05 })).secondOrder).toBeNull();
	});

	it("tells a drift from the heater's gain", () => {
		const timeS = every(4, 7200);
		const { chosen } = identify(heaterTest(HEATER, { timeS, power: relay, noiseC: 0.05, driftCPerH: 5 }));
		expect(chosen.driftCPerH.value).toBeGreaterThan(3);
		expect(Math.abs(chosen.gainCPerPercent.value / 2 - 1)).toBeLessThan(0.05);
	});

	it("is not led astray by wild readings", () => {
		const timeS = every(4, 3600);
		const data = heaterTest(HEATER, { timeS, power: step, noiseC: 0.1 });
		const temperatureC = data.temperatureC.map((degC, i) => (i % 40 === 7 ? 0 : degC));
		const { chosen } = identify({ ...data, temperatureC });
		expect(Math.abs(chosen.gainCPerPercent.value / 2 - 1)).toBeLessThan(0.05);
		expect(Math.abs(chosen.timeConstantS.value / 600 - 1)).toBeLessThan(0.05);
		expect(chosen.outlierShare).toBeGreaterThan(0.02);
	});

	it("finds how strongly a neighbour pulls", () => {
		const timeS = every(4, 7200);
		const wall = timeS.map((atS) => (atS < 3600 ? 60 : 120));
		const power = (atS: number) => relay(atS);
		// Coupled: rest = 22 + 2 u + 0.1 (wall - T), so everything is divided by 1.1.
		const share = 0.1;
		let stageC = (22 + 2 * power(0) + share * wall[0]!) / (1 + share);
		const temperatureC: number[] = [];
		const random = new Prng(3);
		for (const [i, atS] of timeS.entries()) {
			if (i > 0)
				for (let s = 0; s < 40; s += 1) {
					const nowS = atS - 4 + s * 0.1;
					const drive = 22 + 2 * power(Math.max(0, nowS - 20)) + share * (wall[i - 1]! - stageC) - stageC;
					stageC += (0.1 / 600) * drive;
				}
			temperatureC.push(stageC + 0.05 * random.normal());
		}
		const { chosen } = identify({ timeS, powerPercent: timeS.map(power), temperatureC, neighboursC: { wall } });
		expect(Math.abs(chosen.couplings.wall!.value / share - 1)).toBeLessThan(0.1);
		expect(Math.abs(chosen.gainCPerPercent.value / (2 / 1.1) - 1)).toBeLessThan(0.05);
	});

	it("says how sure it is: the truth lies within four standard deviations", () => {
		const timeS = every(4, 3600);
		for (let seed = 1; seed <= 10; seed += 1) {
			const { firstOrder } = identify(heaterTest(HEATER, { timeS, power: step, noiseC: 0.3, seed }));
			const off = (estimate: { value: number; sigma: number }, truth: number) =>
				Math.abs(estimate.value - truth) / estimate.sigma;
			expect(off(firstOrder.gainCPerPercent, 2), `seed ${seed}`).toBeLessThan(4);
			expect(off(firstOrder.timeConstantS, 600), `seed ${seed}`).toBeLessThan(4);
			expect(off(firstOrder.deadTimeS, 20), `seed ${seed}`).toBeLessThan(4);
		}
	});

	it("refuses data that show no heater, with every reason at once", () => {
		const timeS = every(10, 300);
		const still = { timeS, powerPercent: timeS.map(() => 40), temperatureC: timeS.map(() => 99.9) };
		expect(() => identify(still)).toThrow(/power is 40 % in all rows.*temperature is 99.9 °C in all rows/s);
		const cooling = heaterTest({ ...HEATER, gainCPerPercent: -1 }, { timeS: every(5, 3600), power: step });
		expect(() => identify(cooling)).toThrow(/does not rise with the power/);
	});
});

describe("controller settings", () => {
	const MODEL = { gainCPerPercent: 2, timeConstantS: 600, lagS: 0, deadTimeS: 20, restC: 22 };

	it("are those of Chien, Hrones and Reswick for load disturbances", () => {
		// Kc = 0.6 tau / (K theta) = 0.6 * 600 / (2 * 20) = 9 %/degC, Ti = 4 theta = 80 s.
		expect(proposedSettings(MODEL)).toMatchObject({ proportionalBandC: 11.1, integralS: 80, derivativeS: 0 });
	});

	it("count the second lag as dead time", () => {
		// 0.6 * 600 / (2 * 36) = 5 %/degC
		expect(proposedSettings({ ...MODEL, lagS: 16 })).toMatchObject({ proportionalBandC: 20, integralS: 144 });
	});

	it("have no longer integral than the heater's time constant", () => {
		expect(proposedSettings({ ...MODEL, timeConstantS: 60 }).integralS).toBe(60);
	});

	it("say their margins, and bear a heater twice as strong whatever its dynamics", () => {
		for (const timeConstantS of [30, 60, 200, 600, 3000])
			for (const lagS of [0, 8, 16]) {
				const { margins } = proposedSettings({ ...MODEL, timeConstantS, lagS });
				expect(margins.gain).toBeGreaterThan(2.2);
				expect(margins.phaseDeg).toBeGreaterThan(30);
			}
	});

	it("stand on margins that a loop in time confirms", () => {
		const { margins, ...settings } = proposedSettings(MODEL);
		expect(endOf({ ...MODEL, gainCPerPercent: 0.95 * margins.gain * MODEL.gainCPerPercent }, settings)).toBeLessThan(1);
		expect(endOf({ ...MODEL, gainCPerPercent: 1.05 * margins.gain * MODEL.gainCPerPercent }, settings)).toBeGreaterThan(
			1,
		);
		expect(endOf({ ...MODEL, deadTimeS: MODEL.deadTimeS + 0.9 * margins.deadTimeS }, settings)).toBeLessThan(1);
		expect(endOf({ ...MODEL, deadTimeS: MODEL.deadTimeS + 1.1 * margins.deadTimeS }, settings)).toBeGreaterThan(1);
	});
});

/** A loop without limits, disturbed once: its largest swing in the last hour of four, over that of the second. */
function endOf(
	{ gainCPerPercent, timeConstantS, deadTimeS }: typeof HEATER,
	{ proportionalBandC, integralS }: { proportionalBandC: number; integralS: number },
): number {
	const stepS = 0.25;
	const pending = Array<number>(Math.round(deadTimeS / stepS)).fill(0);
	const swing = [0, 0, 0, 0];
	let [awayC, integral] = [1, 0];
	for (let atS = 0; atS < 4 * 3600; atS += stepS) {
		integral -= (awayC * stepS) / integralS;
		pending.push((100 / proportionalBandC) * (integral - awayC));
		awayC += (stepS / timeConstantS) * (gainCPerPercent * pending.shift()! - awayC);
		const hour = Math.floor(atS / 3600);
		swing[hour] = Math.max(swing[hour]!, Math.abs(awayC));
	}
	return swing[3]! / swing[1]!;
}
