import { Prng } from "#core/prng.js";
import type { TestData } from "#heating/response.js";

export interface PlainHeater {
	readonly gainCPerPercent: number;
	readonly timeConstantS: number;
	readonly deadTimeS: number;
	readonly lagS?: number;
	readonly ambientC?: number;
}

/** A heater's test by small Euler steps, independent of the product's mathematics. */
export function heaterTest(
	heater: PlainHeater,
	options: {
		readonly timeS: readonly number[];
		readonly power: (atS: number) => number;
		readonly noiseC?: number;
		readonly resolutionC?: number;
		readonly startC?: number;
		readonly driftCPerH?: number;
		readonly seed?: number;
	},
): TestData {
	const { gainCPerPercent, timeConstantS, deadTimeS, lagS = 0, ambientC = 22 } = heater;
	const random = new Prng(options.seed ?? 1, "heater test");
	const stepS = 0.05;
	let stageC = options.startC ?? ambientC + gainCPerPercent * options.power(options.timeS[0]!);
	let sensorC = stageC;
	let nowS = options.timeS[0]!;
	const temperatureC = options.timeS.map((untilS) => {
		while (nowS < untilS - 1e-9) {
			const dt = Math.min(stepS, untilS - nowS);
			const restC = ambientC + ((options.driftCPerH ?? 0) * nowS) / 3600;
			const power = options.power(Math.max(options.timeS[0]!, nowS - deadTimeS));
			stageC += (dt / timeConstantS) * (restC + gainCPerPercent * power - stageC);
			sensorC = lagS > 0 ? sensorC + (dt / lagS) * (stageC - sensorC) : stageC;
			nowS += dt;
		}
		const noisy = sensorC + (options.noiseC ?? 0) * random.normal();
		const resolution = options.resolutionC ?? 0;
		return resolution > 0 ? Math.round(noisy / resolution) * resolution : noisy;
	});
	return { timeS: options.timeS, powerPercent: options.timeS.map(options.power), temperatureC };
}

export const every = (stepS: number, untilS: number): number[] =>
	Array.from({ length: Math.floor(untilS / stepS) + 1 }, (_, i) => i * stepS);
