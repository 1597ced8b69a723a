import { describe, expect, it } from "vitest";
import { planProblems, TUNE_START, type TunePlan, type TuneSample, tuneStep } from "#heating/tune-test.js";

const PLAN: TunePlan = {
	kind: "relay",
	actuator: "power",
	low: 0,
	high: 80,
	watchS: 30,
	aroundC: 130,
	hysteresisC: 1,
	cycles: 3,
	stepS: 0,
	limits: { degCMax: 160, secondsMax: 3600, silenceSMax: 10, answerSMax: 200 },
};

/** A first-order zone under the test; `disturb` changes what the test is told. */
function run(plan: TunePlan, disturb: (sample: TuneSample) => TuneSample = (sample) => sample) {
	let state = TUNE_START;
	let degC = 120;
	let percent = 49;
	const commands: unknown[] = [];
	for (let atS = 0; atS < 5000; atS += 1) {
		const step = tuneStep(plan, state, disturb({ atS, temperatureC: degC, outputPercent: percent }));
		state = step.state;
		commands.push(step.command.kind === "set" ? step.command.value : step.command.kind);
		if (step.command.kind === "restore") return { state, commands, atS, progress: step.progress };
		if (step.command.kind === "set") percent = step.command.value;
		degC += (22 + 2 * percent - degC) / 600;
	}
	throw new Error("the test did not end");
}

describe("a relay test", () => {
	it("watches, swings about its middle, and gives the instrument its settings back", () => {
		const { state, commands } = run(PLAN);
		expect(state).toMatchObject({ phase: "done", swings: 3, reason: null });
		expect(commands.slice(0, 30)).toEqual(Array(30).fill("leave"));
		const changes = commands.filter((each, i) => each !== commands[i - 1]);
		expect(changes).toEqual(["leave", 80, 0, 80, 0, 80, 0, "restore"]);
	});

	it.each([
		["at the operator's word", { abort: true }, /operator ended/],
		["at the operator's temperature limit", { temperatureC: 160 }, /160 °C; the operator's limit/],
	])("is aborted at once %s", (_what, change, reason) => {
		const { state, atS } = run(PLAN, (sample) => (sample.atS === 100 ? { ...sample, ...change } : sample));
		expect(state.phase).toBe("aborted");
		expect(state.reason).toMatch(reason);
		expect(atS).toBe(100);
	});

	it("is aborted without good readings, with a heater that does not answer, and when it lasts too long", () => {
		const silent = run(PLAN, (sample) => (sample.atS >= 50 ? { ...sample, temperatureC: null } : sample));
		expect(silent.state.reason).toMatch(/no good reading for 11 s/);
		const dead = run(PLAN, (sample) => ({ ...sample, temperatureC: 120 }));
		expect(dead.state.reason).toMatch(/not moved by 0.5 °C within 200 s/);
		const long = run({ ...PLAN, limits: { ...PLAN.limits, secondsMax: 60 } });
		expect(long.state.reason).toMatch(/longer than 60 s/);
	});

	it("goes on asking for the former settings once it has ended", () => {
		const { state } = run(PLAN);
		const again = tuneStep(PLAN, state, { atS: 9999, temperatureC: 100, outputPercent: 10 });
		expect(again).toMatchObject({ command: { kind: "restore" }, state: { phase: "done" } });
	});
});

it("a step test holds the high side for its time, by setpoint where power cannot be commanded", () => {
	const plan: TunePlan = { ...PLAN, kind: "step", actuator: "setpoint", low: 120, high: 140, stepS: 300 };
	let state = TUNE_START;
	const kinds: string[] = [];
	for (let atS = 0; atS <= 330; atS += 1) {
		const step = tuneStep(plan, state, { atS, temperatureC: 120 + atS / 20, outputPercent: 60 });
		state = step.state;
		kinds.push(step.command.kind === "set" ? `${step.command.actuator} ${step.command.value}` : step.command.kind);
	}
	expect(kinds.filter((each, i) => each !== kinds[i - 1])).toEqual(["leave", "setpoint 140", "restore"]);
});

it("a plan is refused with everything that is wrong with it", () => {
	const plan: TunePlan = {
		...PLAN,
		low: 90,
		high: 80,
		cycles: 1,
		aroundC: 170,
		limits: { ...PLAN.limits, secondsMax: 10 },
	};
	const problems = planProblems(plan, 165);
	expect(problems).toHaveLength(5);
	expect(problems.join(" ")).toMatch(/not above the low side.*switches at 171 °C.*2 whole swings.*10 s.*165 °C/s);
	expect(planProblems(PLAN, 120)).toEqual([]);
});
