/** The air of the glovebox around the reactor: a purifier against what leaks in. */

const PURIFIED_OXYGEN_PPM = 0.4;
const PURIFIED_WATER_PPM = 0.2;
/** The purifier turns the box over in this time. */
const PURIFIER_TIME_S = 600;
/** A torn glove: what comes in with room air (21 % oxygen, 1.2 % water). */
const LEAK_OXYGEN_PPM_PER_S = 0.8;
const LEAK_WATER_PPM_PER_S = 0.05;

export class Glovebox {
	oxygenPpm = PURIFIED_OXYGEN_PPM;
	waterPpm = PURIFIED_WATER_PPM;
	isLeaking = false;

	step(seconds: number): void {
		const toOxygen = PURIFIED_OXYGEN_PPM + (this.isLeaking ? LEAK_OXYGEN_PPM_PER_S * PURIFIER_TIME_S : 0);
		const toWater = PURIFIED_WATER_PPM + (this.isLeaking ? LEAK_WATER_PPM_PER_S * PURIFIER_TIME_S : 0);
		if (this.oxygenPpm === toOxygen && this.waterPpm === toWater) return;
		const share = 1 - Math.exp(-seconds / PURIFIER_TIME_S);
		this.oxygenPpm += (toOxygen - this.oxygenPpm) * share;
		this.waterPpm += (toWater - this.waterPpm) * share;
	}
}
