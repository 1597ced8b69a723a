import { describe, expect, it } from "vitest";
import { Twin } from "#twin/twin.js";
import { benchConstants } from "./support.js";

function coldTwin(options: { seed?: number; spread?: number } = {}): Twin {
	return new Twin({ constants: benchConstants(), foil: "Li", seed: 1, pumped: true, ...options });
}

describe("heat", () => {
	it("stays at ambient without heating", () => {
		const twin = coldTwin();
		twin.advance(3_600_000);
		expect(twin.zoneC("stage")).toBeCloseTo(22, 9);
		expect(twin.foilC).toBeCloseTo(22, 9);
	});

	it("moves only after the dead time, then with the stage's time constant", () => {
		const twin = coldTwin();
		twin.setHeaterPercent("stage", 50);
		twin.advance(8_000);
		expect(twin.zoneC("stage")).toBe(22);
		twin.advance(608_000);
		const rise = twin.zoneC("stage") - 22;
		// 63 % of 2 degC/% times 50 %, less what leaks to the wall.
		expect(rise).toBeGreaterThan(0.95 * 63.2);
		expect(rise).toBeLessThan(63.2);
	});

	it("settles near gain times output", () => {
		const twin = coldTwin();
		twin.setHeaterPercent("stage", 79);
		twin.advance(4 * 3_600_000);
		expect(twin.zoneC("stage")).toBeGreaterThan(22 + 0.95 * 158);
		expect(twin.zoneC("stage")).toBeLessThan(22 + 158);
		expect(twin.zoneC("wall")).toBeGreaterThan(23);
	});

	it("lets the foil follow the stage with a lag of 30 s", () => {
		const twin = coldTwin();
		twin.setHeaterPercent("stage", 100);
		twin.advance(120_000);
		const before = twin.zoneC("stage");
		twin.advance(150_000);
		// On a ramp a first-order lag trails by its time constant.
		expect(twin.foilC).toBeGreaterThan(before - 3);
		expect(twin.foilC).toBeLessThan(twin.zoneC("stage") - 3);
	});

	it("does not depend on how often it is looked at", () => {
		const seldom = coldTwin();
		const often = coldTwin();
		for (const twin of [seldom, often]) twin.setHeaterPercent("stage", 80);
		seldom.advance(600_000);
		for (let ms = 0; ms <= 600_000; ms += 37) often.advance(ms);
		often.advance(600_000);
		expect(often.zoneC("stage")).toBeCloseTo(seldom.zoneC("stage"), 8);
		expect(often.foilC).toBeCloseTo(seldom.foilC, 8);
	});

	it("latches a molten foil and remembers its peak", () => {
		const twin = coldTwin();
		twin.setHeaterPercent("stage", 100);
		twin.advance(1_200_000);
		twin.setHeaterPercent("stage", 0);
		twin.advance(2 * 3_600_000);
		const truth = twin.truth();
		expect(truth.foilC).toBeLessThan(100);
		expect(truth.peakFoilC).toBeGreaterThan(180.5);
		expect(truth.melted).toBe(true);
		expect(truth.violations.map(({ kind }) => kind)).toEqual(["foil-melted"]);
	});

	it("keeps a foil solid below its melting point", () => {
		const twin = coldTwin();
		twin.setHeaterPercent("stage", 75);
		twin.advance(4 * 3_600_000);
		expect(twin.foilC).toBeGreaterThan(160);
		expect(twin.truth().melted).toBe(false);
	});

	it("spreads the reactor by seed and only when asked", () => {
		const heated = (options: { seed: number; spread: number }) => {
			const twin = coldTwin(options);
			twin.setHeaterPercent("stage", 50);
			twin.advance(1_000_000);
			return twin.zoneC("stage");
		};
		expect(heated({ seed: 1, spread: 0 })).toBe(heated({ seed: 2, spread: 0 }));
		expect(heated({ seed: 1, spread: 0.05 })).toBe(heated({ seed: 1, spread: 0.05 }));
		expect(heated({ seed: 1, spread: 0.05 })).not.toBe(heated({ seed: 2, spread: 0.05 }));
	});
});
