/**
 * What the wire can do to a conversation, in full: every driver with one frame spoilt at a time, and runs of the whole plant
 * on both shipped labs. After each: the right value or an error; in the plant recovery, or a trip with the dosing valves shut.
 */
import { resolve } from "node:path";
import { driverNames } from "#drivers/index.js";
import { loadLabFile } from "#src/config.js";
import { sweepCycler } from "../support/cycler-sweep.js";
import { RIGS } from "../support/driver-rigs.js";
import { sweepDriver } from "../support/driver-sweep.js";
import { sweepPlant } from "../support/plant-sweep.js";
import { realReplug } from "../support/real-replug.js";
import { atLeast, type BenchResult, equals } from "./report.js";

const LABS = resolve(import.meta.dirname, "../../recipes/labs");
/** Splits and bits of each frame that are tried: all of a poll, a set and a pulse, and so many of those that come at connecting. */
const PER_FRAME = Number(process.env.WIRE_PER_FRAME ?? Number.POSITIVE_INFINITY);
const PER_CONNECTING_FRAME = 8;
/** A driver with very long replies takes no more of them than this. */
const PER_FRAME_MAX = 400;
/** Fixed: a slow machine takes longer, and does no less. */
const PLANT_INJECTIONS = { "simulated.lab.yaml": 700, "second-sources.lab.yaml": 150 } as const;
const CYCLER_PER_FRAME = 150;
const CYCLER_PER_ACT = 60;
const INJECTIONS_MIN = 20_000;
const SHOWN_MAX = 20;

export async function wire(seed: number): Promise<BenchResult> {
	const drivers = [];
	for (const kind of RIGS) {
		const perFrame = Math.min(PER_FRAME, PER_FRAME_MAX);
		const sweep = await sweepDriver({ kind, seed, perFrame, perConnectingFrame: PER_CONNECTING_FRAME });
		drivers.push({ name: kind.name, checksum: kind.checksum, ...sweep });
		console.error(`${kind.name}: ${sweep.injections} injections, ${sweep.violations.length} violations`);
	}
	const test = await sweepCycler({ seed, perFrame: CYCLER_PER_FRAME, perAct: CYCLER_PER_ACT });
	drivers.push({ name: "mqtt-cycler, a test", checksum: "CRC-32", ...test });
	console.error(`mqtt-cycler, a test: ${test.injections} injections, ${test.violations.length} violations`);
	const plants = [];
	for (const [file, wanted] of Object.entries(PLANT_INJECTIONS)) {
		const lab = loadLabFile(resolve(LABS, file));
		const sweep = await sweepPlant({ lab, seed, perRun: 100, injections: wanted, acts: 20 });
		plants.push({ name: file, wanted, ...sweep });
		console.error(`${file}: ${sweep.injections} injections, ${sweep.violations.length} violations`);
	}
	const real = await realReplug();
	const swept = [...drivers, ...plants];
	for (const { name, violations } of swept)
		for (const { injection, problem } of violations.slice(0, SHOWN_MAX))
			console.error(`FAILED ${name}, seed ${seed}: ${injection}: ${problem}`);
	const sum = (numbers: readonly number[]) => numbers.reduce((total, n) => total + n, 0);
	return {
		bars: [
			atLeast("wire.injections", sum(swept.map(({ injections }) => injections)), "1", INJECTIONS_MIN),
			equals("wire.driver-violations", sum(drivers.map(({ violations }) => violations.length)), "1", 0),
			equals("wire.plant-violations", sum(plants.map(({ violations }) => violations.length)), "1", 0),
			equals("wire.drivers", new Set(RIGS.map(({ driver }) => driver)).size, "1", driverNames.length),
			equals("wire.drivers-never-spoilt", drivers.filter(({ injections }) => injections === 0).length, "1", 0),
			...plants.map(({ name, injections, wanted }) =>
				equals(`wire.plant-injections.${name.split(".")[0]}`, injections, "1", wanted),
			),
			equals("wire.plant-drivers-never-spoilt", sum(plants.map(({ untouched }) => untouched.length)), "1", 0),
			equals("wire.real-replugs-recovered", real.recovered, "1", real.lines),
		],
		detail: {
			undetectable: {
				meaning:
					"A wrong bit in a protocol without a checksum of its own gave a wrong good value for one poll; the next was right.",
				injections: sum(swept.map(({ undetectable }) => undetectable.length)),
			},
			drivers: drivers.map(shortened),
			plants: plants.map(shortened),
			real,
		},
	};
}

/** Findings as a count with the first few. */
function shortened<T extends { violations: readonly object[]; undetectable: readonly object[] }>(sweep: T) {
	const { violations, undetectable, ...rest } = sweep;
	return {
		...rest,
		violations: { count: violations.length, first: violations.slice(0, SHOWN_MAX) },
		undetectable: { count: undetectable.length, first: undetectable.slice(0, 5) },
	};
}
