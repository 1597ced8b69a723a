import { ControlLoop, type Tuning } from "#drivers/eurotherm-3216/control-loop.js";
import type { TestData } from "#heating/response.js";
import { TUNE_START, type TunePlan, tuneStep } from "#heating/tune-test.js";
import { Reactor, type ReactorTruth, STEP_S } from "./reactor.js";

const STEPS_PER_SECOND = 1 / STEP_S;
/** What the instrument comes with. */
export const DEFAULT_TUNING: Tuning = { proportionalBandC: 8, integralS: 150, derivativeS: 0 };
export const toTenths = (degC: number): number => Math.round(degC * 10) / 10;

/** The relay test of the bench: rests at 120 degC, then swings about 140. The stage is empty then: there is no foil to melt. */
const PLAN: TunePlan = {
	kind: "relay",
	actuator: "power",
	low: 0,
	high: 100,
	watchS: 300,
	aroundC: 138,
	hysteresisC: 1,
	cycles: 4,
	stepS: 0,
	limits: { degCMax: 175, secondsMax: 7200, silenceSMax: 10, answerSMax: 300 },
};

/** Runs the tune's own test on a true reactor; undefined when it aborted. */
export function tuneReactor(truth: ReactorTruth, restC: number, wallC: number): TestData | string {
	const reactor = new Reactor(truth, restC, wallC, "tune");
	const loop = new ControlLoop();
	const setpointC = toTenths(restC);
	let percent = reactor.holdingPercent(restC);
	loop.preload(percent, setpointC, restC, DEFAULT_TUNING);
	const timeS: number[] = [];
	const powerPercent: number[] = [];
	const temperatureC: number[] = [];
	let state = TUNE_START;
	for (let second = 0; ; second += 1) {
		const readingC = toTenths(reactor.sense());
		const step = tuneStep(PLAN, state, { atS: second, temperatureC: readingC, outputPercent: percent });
		state = step.state;
		if (state.phase === "aborted") return state.reason ?? "aborted";
		if (state.phase === "done") return { timeS, powerPercent, temperatureC };
		timeS.push(second);
		temperatureC.push(readingC);
		if (step.command.kind === "set") percent = step.command.value;
		powerPercent.push(Math.round(percent * 10) / 10);
		for (let i = 0; i < STEPS_PER_SECOND; i += 1) {
			if (step.command.kind === "leave") percent = loop.step(setpointC, reactor.sense(), STEP_S, DEFAULT_TUNING, 100);
			reactor.step(percent);
		}
	}
}
