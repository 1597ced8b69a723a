import { Transition, type ZoneState } from "./zone-model.js";

/** A test of one zone: rows of time, the power given from then on, the temperature read then. */
export interface TestData {
	readonly timeS: readonly number[];
	readonly powerPercent: readonly number[];
	readonly temperatureC: readonly number[];
	/** Temperatures of other zones at the same times, by name. */
	readonly neighboursC?: Readonly<Record<string, readonly number[]>>;
}

export interface Dynamics {
	readonly timeConstantS: number;
	readonly lagS: number;
	readonly deadTimeS: number;
}

/** An input as steps: its value from each time on. */
export interface Steps {
	readonly atS: readonly number[];
	readonly value: readonly number[];
}

/** The input with repetitions left out. */
export function stepsOf(timeS: readonly number[], value: readonly number[]): Steps {
	const kept = value.map((each, i) => ({ atS: timeS[i]!, each })).filter(({ each }, i) => each !== value[i - 1]);
	return { atS: kept.map(({ atS }) => atS), value: kept.map(({ each }) => each) };
}

/** Output of the dynamics with unit gain at `timeS`, at rest with the first value until then. Exact between the steps. */
export function respond(timeS: readonly number[], { atS, value }: Steps, dynamics: Dynamics): Float64Array {
	const { timeConstantS, lagS, deadTimeS } = dynamics;
	const out = new Float64Array(timeS.length);
	const state: ZoneState = { stageC: value[0]!, sensorC: value[0]! };
	const known = new Map<number, Transition>();
	const advance = (seconds: number, drive: number) => {
		const key = Math.round(seconds * 1e6);
		let transition = known.get(key);
		if (transition === undefined) {
			transition = new Transition(timeConstantS, lagS, seconds);
			if (known.size < 256) known.set(key, transition);
		}
		transition.step(state, drive);
	};
	let place = 0;
	let nowS = timeS[0]!;
	out[0] = state.sensorC;
	for (let i = 1; i < timeS.length; i += 1) {
		const untilS = timeS[i]!;
		while (place + 1 < atS.length && atS[place + 1]! + deadTimeS <= untilS) {
			const edgeS = atS[place + 1]! + deadTimeS;
			if (edgeS > nowS) {
				advance(edgeS - nowS, value[place]!);
				nowS = edgeS;
			}
			place += 1;
		}
		if (untilS > nowS) advance(untilS - nowS, value[place]!);
		nowS = untilS;
		out[i] = state.sensorC;
	}
	return out;
}
