import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { read } from "../support.js";

const threeLevel = `Cycle Index,Chg. Cap.(Ah),DChg. Cap.(Ah)
,Step Index,Step Number,Step Type,Step Time
,,DataPoint,Time,Total Time,Current(A),Voltage(V),Capacity(Ah),Energy(Wh),Date
1,0.02256,0.33067,1,1,Rest,00:00:20,0.0
,,1,00:00:00,00:00:00,0.00000,4.3185,0.0,0.0,2026-03-06 12:37:25
,,2,00:00:20,00:00:20,0.00000,4.3186,0.0,0.0,2026-03-06 12:37:27
,2,2,CC Chg,00:02:51,0.02256
,,12,00:00:00,00:00:20,0.50000,4.3734,0.0,0.0,2026-03-06 12:37:45
,,13,00:00:30,00:00:50,0.47417,4.4530,0.003952875,0.01751,2026-03-06 12:38:15
,,14,00:01:30,00:01:50,0.47417,4.4736,0.0118,0.02691,2026-03-06 12:38:31
,3,3,CC DChg,00:05:00,0.00000
,,22,00:00:00,00:01:50,-0.50000,4.2375,0.0,0.0,2026-03-06 12:40:36
,,23,00:01:00,00:02:50,-0.50000,4.1375,0.008,0.0,2026-03-06 12:40:36
2,1,1
,1,4,CC Chg,00:02:51,0.02256
,,24,00:00:00,00:02:50,0.50000,4.3734,0.0,0.0,2026-03-06 12:37:45
,,25,00:01:00,00:03:50,0.50000,4.3834,0.0083,0.0,2026-03-06 12:37:45
`;
const mpt = `EC-Lab ASCII FILE\nNb header lines : 4                          \n\nmode\tox/red\tNs\ttime/s\tEwe/V\t<I>/mA\tfreq/Hz\t(Q-Qo)/mA.h\n${Array.from({ length: 40 }, (_, n) => `1\t1\t0\t${n}E+001\t3,${400 + (n % 20)}E+000\t${n % 20 < 10 ? "" : "-"}1,0E-001\t0\t0\n`).join("")}`;

describe("damaged bytes end in a result or an error that names the place", () => {
	it.each(Object.entries({ threeLevel, mpt }))("of %s", (_name, text) => {
		const bytes = new TextEncoder().encode(text);
		const change = fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 255 }));
		fc.assert(
			fc.property(fc.array(change, { maxLength: 30 }), fc.nat(bytes.length), (changes, length) => {
				const damaged = bytes.slice(0, length);
				for (const [at, byte] of changes) if (at < length) damaged[at] = byte;
				try {
					read(damaged, { pieces: [97] });
				} catch (thrown) {
					expect(thrown).toMatchObject({ code: "CYCLING_FILE_REFUSED" });
				}
			}),
			{ numRuns: 200 },
		);
	});

	it("of none: both are read", () => {
		const three = read(threeLevel);
		expect(three.rows.map(({ cycle, step }) => `${cycle}:${step}`)).toEqual([
			"1:1",
			"1:1",
			"1:2",
			"1:2",
			"1:2",
			"1:3",
			"1:3",
			"2:1",
			"2:1",
		]);
		expect(three.result.halfCycles.map(({ capacityAh }) => capacityAh)).toEqual([0.0118, 0.008, 0.0083]);
		expect(read(mpt).result.halfCycles.length).toBe(4);
	});
});
