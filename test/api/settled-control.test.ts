import { expect, it } from "vitest";
import { SettledControl } from "#api/settled-control.js";
import { SteppedClock } from "#core/clock.js";
import { controlStarted, liveState, Recorder, runCreated } from "./world.js";

function behind() {
	const clock = new SteppedClock({ wallStartMs: 0 });
	const live = liveState(clock);
	const recorder = new Recorder();
	live.apply(recorder.write(controlStarted));
	const created = recorder.write(runCreated("r7"));
	const control = {
		requestWithSeq: async () => ({ seq: created.seq, result: { run: "r7" } as never }),
	};
	return { clock, live, created, settled: new SettledControl(control, live, clock) };
}

it("a launch is answered when the run can be asked for", async () => {
	const { live, created, settled } = behind();
	let answered = false;
	const answer = settled.request("launch", {} as never).then(() => {
		answered = true;
		return live.runDetail("r7");
	});
	await new Promise(setImmediate);
	expect(answered).toBe(false);
	live.apply(created);
	expect(await answer).toMatchObject({ run: "r7" });
});

it("a service that is far behind answers all the same, after two seconds", async () => {
	const { clock, settled } = behind();
	let answered = false;
	const answer = settled.request("launch", {} as never).then(() => {
		answered = true;
	});
	await new Promise(setImmediate);
	await clock.advance(1_999);
	expect(answered).toBe(false);
	await clock.advance(2);
	await answer;
});

it("a question waits for nothing", async () => {
	const { settled } = behind();
	await settled.request("campaigns", {});
});
