import { describe, expect, it } from "vitest";
import { pascalCubicMetrePerSecondFromSccm, torrFromPascal } from "#core/units.js";
import { Twin } from "#twin/twin.js";
import { Vacuum } from "#twin/vacuum.js";
import { benchConstants, pulse, readyTwin } from "./support.js";

const NONE = { tmaPaPerS: 0, h2oPaPerS: 0 };

describe("vacuum", () => {
	it("pumps from atmosphere to below 0.1 Torr within two minutes, but not at once", () => {
		const twin = new Twin({ constants: benchConstants(), foil: "Li", seed: 1 });
		twin.setValve("stop", true, 0);
		twin.advance(10_000);
		expect(torrFromPascal(twin.chamberPa)).toBeGreaterThan(0.1);
		twin.advance(120_000);
		expect(torrFromPascal(twin.chamberPa)).toBeLessThan(0.1);
	});

	it("holds 0.2 to 1.5 Torr at 100 sccm, in proportion to the flow", () => {
		const at100 = readyTwin({ degC: 120, sccm: 100 });
		const at20 = readyTwin({ degC: 120, sccm: 20 });
		expect(torrFromPascal(at100.chamberPa)).toBeGreaterThan(0.2);
		expect(torrFromPascal(at100.chamberPa)).toBeLessThan(1.5);
		expect(at100.chamberPa / at20.chamberPa).toBeCloseTo(5, 0);
		expect(at100.forelinePa).toBeLessThan(at100.chamberPa);
	});

	it("conserves gas: what flows in fills the shut chamber", () => {
		const { vacuum } = benchConstants();
		const perSccm = pascalCubicMetrePerSecondFromSccm(1, 298.15);
		const chamber = new Vacuum({ ...vacuum, leakPaM3PerS: 0 }, perSccm, 10);
		chamber.carrierSccm = 50;
		chamber.carrierTargetSccm = 50;
		for (let i = 0; i < 100; i += 1) chamber.step(0.1, NONE);
		expect(chamber.chamberPa).toBeCloseTo(10 + (10 * 50 * perSccm) / vacuum.chamberM3, 6);
	});

	it("conserves gas between chamber and foreline with the pump's leak shut", () => {
		const constants = { ...benchConstants().vacuum, leakPaM3PerS: 0, stoppedPumpLeakM3PerS: 1e-12 };
		const chamber = new Vacuum(constants, 1, 1000);
		chamber.pumpRunning = false;
		chamber.stopOpen = true;
		const amount = () => chamber.chamberPa * constants.chamberM3 + chamber.forelinePa * constants.forelineM3;
		const before = amount();
		for (let i = 0; i < 60; i += 1) chamber.step(0.5, NONE);
		expect(amount() / before).toBeCloseTo(1, 5);
		expect(chamber.chamberPa).toBeCloseTo(chamber.forelinePa, 2);
	});

	it("is the same in one long step and in many short ones", () => {
		const pressures = (steps: number) => {
			const chamber = new Vacuum(benchConstants().vacuum, 0.002, 1000);
			chamber.stopOpen = true;
			chamber.carrierSccm = chamber.carrierTargetSccm = 100;
			for (let i = 0; i < steps; i += 1) chamber.step(3 / steps, NONE);
			return [chamber.chamberPa, chamber.forelinePa];
		};
		const [coarse, fine] = [pressures(1), pressures(3000)];
		expect(coarse[0]! / fine[0]!).toBeCloseTo(1, 9);
		expect(coarse[1]! / fine[1]!).toBeCloseTo(1, 9);
	});

	it("rises when the stop valve shuts and comes back when it opens", () => {
		const twin = readyTwin({ degC: 120 });
		const flowing = twin.chamberPa;
		twin.setValve("stop", false, twin.nowMs);
		twin.advance(twin.nowMs + 10_000);
		expect(twin.chamberPa).toBeGreaterThan(10 * flowing);
		twin.setValve("stop", true, twin.nowMs);
		twin.advance(twin.nowMs + 20_000);
		expect(twin.chamberPa / flowing).toBeCloseTo(1, 2);
	});

	it("loses its vacuum slowly when the pump stops, and at once when the lid opens", () => {
		const twin = readyTwin({ degC: 22 });
		const flowing = twin.chamberPa;
		twin.setPump(false);
		twin.advance(twin.nowMs + 10_000);
		expect(twin.chamberPa).toBeGreaterThan(2 * flowing);
		expect(twin.chamberPa).toBeLessThan(20_000);
		twin.setLid(false);
		twin.advance(twin.nowMs + 10_000);
		expect(twin.chamberPa).toBeCloseTo(101_325, -2);
		expect(twin.truth().violations.map(({ kind }) => kind)).toEqual(["lid-opened-under-vacuum"]);
	});

	it("stops flowing when the carrier supply is empty", () => {
		const twin = readyTwin({ degC: 22 });
		twin.setCarrierSupply(false);
		twin.advance(twin.nowMs + 5_000);
		expect(twin.carrierSccm).toBeLessThan(0.01);
		expect(torrFromPascal(twin.chamberPa)).toBeLessThan(0.1);
	});

	it.each([
		["TMA", 0.03, 0.08],
		["H2O", 0.08, 0.18],
	])("shows a 15 ms pulse of %s as a bump of %f to %f Torr", (valve, low, high) => {
		const twin = readyTwin({ degC: 120 });
		const before = twin.chamberPa;
		pulse(twin, valve, 15);
		let peakPa = 0;
		for (let i = 0; i < 40; i += 1) {
			twin.advance(twin.nowMs + 5);
			peakPa = Math.max(peakPa, twin.chamberPa - before);
		}
		expect(torrFromPascal(peakPa)).toBeGreaterThan(low);
		expect(torrFromPascal(peakPa)).toBeLessThan(high);
	});

	it("takes from the bottle what reaches the chamber", () => {
		const twin = readyTwin({ degC: 120 });
		const before = twin.bottleGrams("TMA");
		for (let i = 0; i < 10; i += 1) {
			pulse(twin, "TMA", 15);
			twin.advance(twin.nowMs + 10_000);
		}
		const { deliveredMg, doses } = twin.truth();
		expect(doses).toEqual({ TMA: 10, H2O: 0 });
		expect((before - twin.bottleGrams("TMA")) * 1000).toBeCloseTo(deliveredMg.TMA!, 6);
		expect(deliveredMg.TMA! / 10).toBeGreaterThan(0.1);
	});

	it("gives less than ten times for a pulse ten times as long: the headspace empties", () => {
		const delivered = (widthMs: number) => {
			const twin = readyTwin({ degC: 120 });
			pulse(twin, "TMA", widthMs);
			return twin.truth().deliveredMg.TMA!;
		};
		expect(delivered(150)).toBeGreaterThan(3 * delivered(15));
		expect(delivered(150)).toBeLessThan(8 * delivered(15));
	});
});
