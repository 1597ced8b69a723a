import { beforeEach, describe, expect, it } from "vitest";
import { Disturbances } from "#safety/disturbances.js";
import { SignalHistory } from "#safety/signal-history.js";
import { Scene } from "./support.js";

const SIGNAL = "gauge.chamber";

let history: SignalHistory;

beforeEach(() => {
	history = new SignalHistory();
});

describe("the course of a signal", () => {
	it("is known only where readings span the window", () => {
		for (const atMs of [1_000, 2_000, 3_000]) history.push(SIGNAL, atMs, atMs / 1_000);
		expect(history.range(SIGNAL, 1_000)).toEqual({ least: 1, greatest: 3 });
		expect(history.rise(SIGNAL, 1_000)).toBe(2);
		expect(history.range(SIGNAL, 999)).toBeUndefined();
		expect(history.rise(SIGNAL, 999)).toBeUndefined();
		expect(history.mean(SIGNAL, 3_000)).toBeUndefined();
	});

	it("begins anew after a gap: no rate and no level goes over it", () => {
		history.push(SIGNAL, 1_000, 20);
		history.push(SIGNAL, 2_000, null);
		history.push(SIGNAL, 3_000, 90);
		expect(history.range(SIGNAL, 1_000)).toBeUndefined();
		expect(history.rise(SIGNAL, 1_000)).toBeUndefined();
		expect(history.mean(SIGNAL, 0)).toBe(90);
	});

	it("owes a change since the first thing that must have moved it, however many follow", () => {
		history.push(SIGNAL, 1_000, 90);
		for (const atMs of [2_000, 5_000, 8_000]) {
			history.disturb(SIGNAL, atMs);
			history.push(SIGNAL, atMs, 90);
		}
		expect(history.owedSinceMs(SIGNAL)).toBe(2_000);
		history.push(SIGNAL, 9_000, 90.1);
		expect(history.owedSinceMs(SIGNAL)).toBeUndefined();
	});
});

describe("what must move the chamber's pressure", () => {
	/** Whether a change is owed after it. */
	function owes(change: (scene: Scene) => void, before: (scene: Scene) => void = () => {}): boolean {
		const scene = new Scene().ran(SIGNAL, () => 90);
		before(scene);
		const disturbances = new Disturbances(scene, scene.history);
		disturbances.look();
		expect(scene.history.owedSinceMs(SIGNAL)).toBeUndefined();
		change(scene);
		disturbances.look();
		return scene.history.owedSinceMs(SIGNAL) !== undefined;
	}

	it("is another flow, more or less", () => {
		expect(owes(({ commanded }) => (commanded.carrierSccm = 110))).toBe(true);
		expect(owes(({ commanded }) => (commanded.carrierSccm = 0))).toBe(true);
		expect(owes(({ commanded }) => (commanded.carrierSccm = 104))).toBe(false);
	});

	it("is a dose", () => {
		expect(owes((scene) => scene.doses.started("TMA", scene.nowMs, 15, { baselinePa: 90, carrierSccm: 100 }))).toBe(
			true,
		);
	});

	it("is a stop valve that opens over a chamber with gas in it", () => {
		const shut = ({ commanded }: Scene) => {
			commanded.stopValve = "shut";
		};
		const open = ({ commanded }: Scene) => {
			commanded.stopValve = "open";
		};
		expect(owes(open, shut)).toBe(true);
		expect(owes(open, (scene) => shut(scene.ran(SIGNAL, () => 12)))).toBe(false);
		expect(owes(open)).toBe(false);
	});
});
