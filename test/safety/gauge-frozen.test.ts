import { beforeEach, describe, expect, it } from "vitest";
import { interlocksOf } from "#safety/interlocks/index.js";
import { Latch } from "#safety/latch.js";
import { REACTOR, Scene } from "./support.js";

const SIGNAL = REACTOR.pressures.chamber;

let scene: Scene;
let latch: Latch;

beforeEach(() => {
	scene = new Scene();
	latch = new Latch(interlocksOf(REACTOR).find(({ id }) => id === "gauge-frozen")!);
});

/** Readings of the gauge for so long, four a second, each judged. */
function reads(pa: number, seconds: number): void {
	for (let i = 0; i < seconds * 4; i += 1) {
		scene.after(250).reads(SIGNAL, pa);
		scene.history.push(SIGNAL, scene.nowMs, pa);
		latch.judge(scene);
	}
}

function silentFor(seconds: number): void {
	for (let i = 0; i < seconds; i += 1) {
		scene.after(1_000).goesStale(SIGNAL);
		latch.judge(scene);
	}
}

function disturb(): void {
	scene.history.disturb(SIGNAL, scene.nowMs);
}

describe("a gauge that has been found frozen", () => {
	beforeEach(() => {
		reads(91, 1);
		reads(90, 5);
		disturb();
		reads(90, 12);
		expect(latch.state).toBe("tripped");
	});

	it("stays so when it comes back after a gap with the same value, until a value differs", () => {
		silentFor(5);
		reads(90, 60);
		expect(latch.state).toBe("tripped");
		silentFor(5);
		reads(90, 1);
		expect(latch.state).toBe("tripped");
		reads(90.01, 1);
		expect(latch.state).toBe("cleared");
	});

	it("is well when it comes back after a gap with another value", () => {
		silentFor(5);
		reads(80, 1);
		expect(latch.state).toBe("cleared");
	});

	it("stays so when something else is to move it meanwhile", () => {
		silentFor(5);
		reads(90, 1);
		disturb();
		reads(90, 2);
		expect(latch.state).toBe("tripped");
	});

	it("stays so over a restart of control until a value differs", () => {
		const { finding, interlock } = latch;
		scene = new Scene();
		latch = new Latch(interlock);
		latch.restore(finding!);
		reads(90, 60);
		expect(latch.state).toBe("tripped");
		disturb();
		reads(90, 2);
		expect(latch.state).toBe("tripped");
		reads(91, 1);
		expect(latch.state).toBe("cleared");
	});
});

it("is found frozen although its readings have gaps", () => {
	reads(90, 5);
	disturb();
	for (let i = 0; i < 4; i += 1) {
		reads(90, 3);
		silentFor(1);
	}
	reads(90, 1);
	expect(latch.state).toBe("tripped");
});

it("owes nothing for what happened before its first reading", () => {
	disturb();
	reads(90, 60);
	expect(latch.state).toBe("clear");
});
