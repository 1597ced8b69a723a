import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CyclingAnalysis } from "#analysis/analysis.js";
import { Prng } from "#core/prng.js";
import { analysed, arch, bdfOf, chunkOf, flat, fullCellRows, read, symmetricRows } from "./support.js";

const verdictOf = (cell: Parameters<typeof symmetricRows>[0], options = {}) =>
	analysed(symmetricRows(cell), options).verdict;

describe("a symmetric cell's overpotential", () => {
	it("is the median between 20 and 80 % of the charge, whatever ripples, peaks and rests there are", () => {
		const { halfCycles, cycles, chemistry } = analysed(
			symmetricRows({
				halfCycles: 10,
				levelV: () => 0.05,
				shape: (part) => (part < 0.2 ? 4 : part > 0.8 ? 3 : 1),
				noiseV: 0.002,
				restRows: 20,
			}),
		);
		expect(chemistry).toBe("symmetric");
		for (const { overpotentialV, initialPeakV } of halfCycles) {
			expect(Math.abs(overpotentialV! - 0.05)).toBeLessThan(0.001);
			expect(Math.abs(initialPeakV)).toBeGreaterThan(0.19);
		}
		expect(
			cycles.every(
				({ coulombicEfficiency, energyEfficiency }) => coulombicEfficiency === null && energyEfficiency === null,
			),
		).toBe(true);
	});

	it("is as right in a half-cycle of 100,000 rows with a ripple in step with the rows", () => {
		const rows = symmetricRows({
			halfCycles: 2,
			rowsEach: 100_000,
			intervalS: 1,
			noiseV: 0,
			levelV: () => 0.05,
			shape: (part) =>
				1 + (Math.round(part * 100_000) % 2 === 0 ? 0.01 : -0.01) * (Math.round(part * 100_000) % 4 < 2 ? 1 : 0.5),
		});
		const { halfCycles } = analysed(rows, {}, [4_096]);
		expect(Math.abs(halfCycles[0]!.overpotentialV! - 0.05)).toBeLessThan(0.00051);
	});

	it("has a trend that a failure does not bend", () => {
		const levelV = (half: number): number => (half < 60 ? 0.05 + half * 1e-4 : 0.005);
		const shape = (part: number, half: number): number => (half < 60 ? arch(part) : 1);
		const { trendVPerH } = analysed(symmetricRows({ halfCycles: 80, levelV, shape }));
		expect(trendVPerH).toBeCloseTo(1e-4 * arch(0.5), 5);
	});

	it("takes rows that come once an hour, throughout or in a long rest, for no interruptions", () => {
		const hourly = symmetricRows({ halfCycles: 6, levelV: () => 0.05, rowsEach: 10, intervalS: 3_600, shape: flat });
		expect(analysed(hourly)).toMatchObject({ interruptions: { count: 0 }, defects: [] });
		expect(analysed(hourly).hours).toBeCloseTo(59, 9);
		const rows = symmetricRows({ halfCycles: 4, levelV: () => 0.05, shape: flat });
		const end = rows.at(-1)!;
		const rest = Array.from({ length: 12 }, (_, n) => ({ ...end, t: end.t + (n + 1) * 3_600, i: 0 }));
		const rested = analysed([...rows, ...rest], {}, [7, 1, 90]);
		expect(rested).toMatchObject({ interruptions: { count: 0, hours: 0 }, defects: [] });
		expect(rested.hours).toBeCloseTo(end.t / 3_600 + 12, 9);
	});

	it("counts cycles by turns where one number stands for two of them and more", () => {
		const rows = symmetricRows({ halfCycles: 4, levelV: () => 0.05 }).map((row) => ({ ...row, cycle: 0 }));
		const { cycles, defects } = analysed(rows);
		expect(cycles.map(({ cycle }) => cycle)).toEqual([1, 2]);
		expect(defects.map(({ code }) => code)).toEqual(["CYCLE_NUMBER_UNUSABLE"]);
	});

	it("counts hours with rests and without interruptions", () => {
		const rows = symmetricRows({ halfCycles: 8, levelV: () => 0.05, restRows: 30 });
		const late = rows.map((row, n) => (n < 200 ? row : { ...row, t: row.t + 36_000 }));
		const { hours, interruptions, defects } = analysed(late);
		expect(interruptions.count).toBe(1);
		expect(hours).toBeCloseTo((rows.at(-1)!.t - 60) / 3_600, 1);
		expect(defects.map(({ code }) => code)).toEqual(["INTERRUPTION"]);
	});
});

describe("the verdict on a symmetric cell", () => {
	const stable = { halfCycles: 120, levelV: () => 0.05 };

	it("is none where nothing happened, for any seed", () => {
		fc.assert(
			fc.property(fc.integer({ min: 1, max: 1e6 }), fc.double({ min: 0.003, max: 0.3, noNaN: true }), (seed, level) => {
				expect(verdictOf({ ...stable, seed, levelV: () => level, noiseV: level / 50 }).kind).toBe("none");
			}),
			{ numRuns: 20 },
		);
	});

	const seeds = { numRuns: 12 };
	const anySeed = fc.integer({ min: 1, max: 1e6 });
	const part = (min: number, max: number) => fc.double({ min, max, noNaN: true });

	it("is none where the overpotential swings with the day, for any phase", () => {
		fc.assert(
			fc.property(anySeed, part(0.03, 0.14), part(0, 6), (seed, swing, phase) => {
				const levelV = (half: number): number => 0.08 * (1 + swing * Math.sin(phase + (half * Math.PI) / 12));
				expect(verdictOf({ ...stable, halfCycles: 160, seed, levelV }).kind).toBe("none");
			}),
			seeds,
		);
	});

	it("is none where the overpotential falls to a part of itself bit by bit, flat or not: a short is there at once", () => {
		fc.assert(
			fc.property(anySeed, part(0.01, 0.06), part(0.25, 0.6), fc.boolean(), (seed, step, end, isFlat) => {
				const levelV = (half: number): number => 0.1 * Math.max(end, (1 - step) ** Math.max(0, half - 30));
				expect(verdictOf({ ...stable, halfCycles: 160, seed, levelV, shape: isFlat ? flat : arch }).kind).toBe("none");
			}),
			seeds,
		);
	});

	it("is none where half-cycles scatter by themselves, and where noise is as large as a fifth of the level", () => {
		fc.assert(
			fc.property(anySeed, part(0.005, 0.03), (seed, spread) => {
				const random = new Prng(seed);
				const levels = Array.from({ length: 160 }, () => 0.05 * (1 + spread * random.normal()));
				expect(verdictOf({ ...stable, halfCycles: 160, seed, levelV: (half) => levels[half]! }).kind).toBe("none");
				expect(verdictOf({ ...stable, halfCycles: 160, seed, noiseV: 0.01 }).kind).toBe("none");
			}),
			seeds,
		);
	});

	it("is none where the first half-cycles happen to differ little, and later ones as their noise is", () => {
		for (const seed of [999_993, 2_143_212, 3_102_290])
			expect(verdictOf({ ...stable, halfCycles: 60, seed, noiseV: 0.01 }).kind, `seed ${seed}`).toBe("none");
	});

	it("dates a short from its own fall, not from a shallower one before", () => {
		fc.assert(
			fc.property(anySeed, fc.integer({ min: 3, max: 16 }), (seed, later) => {
				const levelV = (half: number): number => (half < 30 ? 0.08 : half < 30 + later ? 0.064 : 0.006);
				const shape = (along: number, half: number): number => (half < 30 + later ? arch(along) : 1);
				const verdict = verdictOf({ ...stable, seed, levelV, shape });
				expect(verdict.kind).toBe("short");
				expect(Math.abs(verdict.atHours! - (30 + later))).toBeLessThan(1.02);
			}),
			seeds,
		);
	});

	it("is none for the early decline of activation", () => {
		expect(verdictOf({ ...stable, levelV: (half) => 0.05 + 0.25 * Math.exp(-half / 2) }).kind).toBe("none");
		expect(verdictOf({ ...stable, levelV: (half) => 0.05 + 0.15 * Math.exp(-half / 6) }).kind).toBe("none");
	});

	it("is none for a slow rise that stays below five times the baseline", () =>
		expect(verdictOf({ ...stable, levelV: (half) => 0.05 + half * 0.001 }).kind).toBe("none"));

	it("is short when the voltage falls by half, flat, and stays, at the half-cycle in which it fell", () => {
		const cell = {
			...stable,
			levelV: (half: number) => (half < 70 ? 0.06 : 0.008),
			shape: (part: number, half: number) => (half < 70 ? arch(part) : flat()),
		};
		const { kind, atHours, atCycle } = verdictOf(cell);
		expect(kind).toBe("short");
		expect(atHours).toBeCloseTo(70, 0);
		expect(atCycle).toBe(36);
	});

	it("is short when it collapses within a half-cycle", () => {
		const shape = (part: number, half: number): number =>
			half > 50 || (half === 50 && part > 0.55) ? 0.1 : arch(part);
		const { kind, atHours } = verdictOf({ ...stable, levelV: () => 0.06, shape });
		expect(kind).toBe("short");
		expect(Math.abs(atHours! - 50.5)).toBeLessThan(1.02);
	});

	it("is none when the fall comes with another current, or lasts for two half-cycles only, then soft short", () => {
		const rows = symmetricRows({ ...stable, halfCycles: 60 });
		const slower = symmetricRows({ ...stable, halfCycles: 60, currentA: 3e-4, levelV: () => 0.015 }).map((row) => ({
			...row,
			t: row.t + 60 * 3_600,
			cycle: row.cycle + 30,
			step: row.step + 60,
		}));
		expect(analysed([...rows, ...slower]).verdict.kind).toBe("none");
		expect(verdictOf({ ...stable, levelV: (half) => (half === 60 || half === 61 ? 0.02 : 0.06) }).kind).toBe(
			"soft-short",
		);
	});

	it("is soft short for an abrupt drop of more than a tenth that recovers", () => {
		const { kind, atHours } = verdictOf({ ...stable, levelV: (half) => (half >= 40 && half < 44 ? 0.041 : 0.05) });
		expect(kind).toBe("soft-short");
		expect(atHours).toBeCloseTo(40, 0);
	});

	it("is polarisation above five times the baseline, or above the protocol's limit, for three half-cycles", () => {
		const rising = { ...stable, levelV: (half: number) => 0.05 * 1.05 ** Math.max(0, half - 20) };
		const crossing = 20 + Math.log(5) / Math.log(1.05);
		expect(verdictOf(rising)).toMatchObject({ kind: "polarisation", atHours: expect.closeTo(Math.ceil(crossing), 0) });
		expect(verdictOf(rising, { limitV: 0.1 })).toMatchObject({ kind: "polarisation", atHours: expect.closeTo(35, 0) });
		expect(verdictOf({ ...stable, levelV: (half) => (half === 60 || half === 61 ? 0.5 : 0.05) }).kind).toBe("none");
	});

	it("is depletion when half-cycles end early although the middle is as before", () => {
		const before = symmetricRows({ ...stable, halfCycles: 40 });
		const after = symmetricRows({ ...stable, halfCycles: 10, rowsEach: 40, levelV: () => 0.07 }).map((row) => ({
			...row,
			t: row.t + 40 * 3_600,
			cycle: row.cycle + 20,
			step: row.step + 40,
		}));
		expect(analysed([...before, ...after]).verdict).toMatchObject({
			kind: "depletion",
			atHours: expect.closeTo(40, 0),
		});
	});
});

describe("a full cell", () => {
	const cycles: [number, number][] = [
		...Array.from({ length: 3 }, (): [number, number] => [1.1e-3, 1e-3]),
		...Array.from({ length: 40 }, (_, n): [number, number] => [1e-3 * 0.99 ** n, 0.99e-3 * 0.99 ** n]),
	];

	it("has capacities, efficiencies, retention with its reference, and an end of life", () => {
		const result = analysed(fullCellRows(cycles));
		expect(result.chemistry).toBe("li-lfp");
		expect(result.cycles[0]).toMatchObject({
			cycle: 1,
			chargeAh: expect.closeTo(1.1e-3, 6),
			coulombicEfficiency: expect.closeTo(1 / 1.1, 3),
		});
		expect(result.cycles[0]!.energyEfficiency).toBeLessThan(result.cycles[0]!.coulombicEfficiency!);
		expect(result.reference).toMatchObject({ cycle: 1, why: "first complete cycle" });
		const expected = cycles.findIndex(([, dischargeAh]) => dischargeAh < 0.8e-3) + 1;
		expect(result.verdict).toMatchObject({ kind: "end-of-life", atCycle: expected });
		expect(result.halfCycles[0]!.overpotentialV).toBeNull();
	});

	it("refers to the first cycle at the test's rate, or to the one asked for", () => {
		const slow = fullCellRows(cycles.slice(0, 3), 1e-4);
		const fast = fullCellRows(cycles.slice(3, 10)).map((row) => ({
			...row,
			t: row.t + slow.at(-1)!.t,
			cycle: row.cycle + 3,
		}));
		expect(analysed([...slow, ...fast]).reference?.cycle).toBe(4);
		expect(analysed([...slow, ...fast], { referenceCycle: 2 }).reference).toMatchObject({ cycle: 2, why: "as asked" });
	});

	it("has charge over discharge as efficiency when it is lithium-oxygen", () => {
		const { cycles: figures, efficiency } = analysed(fullCellRows(cycles.slice(0, 2)), { chemistry: "li-o2" });
		expect(efficiency).toBe("charge / discharge");
		expect(figures[0]!.coulombicEfficiency).toBeCloseTo(1.1, 3);
	});

	it("does not average an efficiency of over 1000 %, and says so", () => {
		const {
			cycles: figures,
			meanCoulombicEfficiency,
			defects,
		} = analysed(
			fullCellRows([
				[5e-5, 1e-3],
				[1e-3, 0.98e-3],
				[1e-3, 0.98e-3],
			]),
		);
		expect(figures[0]!.coulombicEfficiency).toBeNull();
		expect(meanCoulombicEfficiency).toBeCloseTo(0.98, 3);
		expect(defects.map(({ code }) => code)).toContain("EFFICIENCY_ABSURD");
	});

	it("counts cycles itself when the file's number stays the same", () => {
		const result = analysed(fullCellRows(cycles.slice(0, 8)).map((row) => ({ ...row, cycle: 1 })));
		expect(result.cycles.map(({ cycle }) => cycle)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
		expect(result.defects.map(({ code }) => code)).toContain("CYCLE_NUMBER_UNUSABLE");
	});
});

describe("however the data come", () => {
	const rows = symmetricRows({
		halfCycles: 40,
		levelV: (half) => (half < 25 ? 0.05 : 0.01),
		rowsEach: 30,
		restRows: 3,
	});
	const text = bdfOf(rows);

	it("rows in any pieces give the same result", () => {
		const whole = analysed(rows);
		fc.assert(
			fc.property(fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 8 }), (pieces) => {
				expect(analysed(rows, {}, pieces)).toEqual(whole);
			}),
			{ numRuns: 15 },
		);
	});

	it("bytes in any pieces give the same result", () => {
		const whole = read(text).result;
		fc.assert(
			fc.property(fc.array(fc.integer({ min: 1, max: 5_000 }), { minLength: 1, maxLength: 8 }), (pieces) => {
				expect(read(text, { pieces }).result).toEqual(whole);
			}),
			{ numRuns: 15 },
		);
		expect(read(text, { pieces: [1] }).result).toEqual(whole);
	});

	it("asking in between changes nothing of what comes after", () => {
		const asked = new CyclingAnalysis();
		for (let at = 0; at < rows.length; at += 50) {
			asked.push(chunkOf(rows.slice(at, at + 50), at + 1));
			asked.result();
		}
		const { defects: _, ...whole } = analysed(rows);
		expect(asked.result()).toEqual(whole);
	});

	it("damaged bytes end in a result or an error that names the place, never in anything else", () => {
		const bytes = new TextEncoder().encode(text.slice(0, 6_000));
		fc.assert(
			fc.property(
				fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 255 })), { maxLength: 40 }),
				fc.nat(bytes.length),
				(changes, length) => {
					const damaged = bytes.slice(0, length);
					for (const [at, byte] of changes) if (at < length) damaged[at] = byte;
					try {
						read(damaged, { pieces: [997] });
					} catch (thrown) {
						expect(thrown).toMatchObject({ code: "CYCLING_FILE_REFUSED" });
					}
				},
			),
			{ numRuns: 200 },
		);
	});
});
