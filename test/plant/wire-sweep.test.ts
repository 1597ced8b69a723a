/** A sample of what `npm run bench -- wire` does in full. */
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { driverNames } from "#drivers/index.js";
import { loadLabFile } from "#src/config.js";
import { sweepCycler } from "../support/cycler-sweep.js";
import { RIGS } from "../support/driver-rigs.js";
import { sweepDriver } from "../support/driver-sweep.js";
import { sweepPlant } from "../support/plant-sweep.js";
import { realReplug } from "../support/real-replug.js";

const SEED = 7;
const LABS = resolve(import.meta.dirname, "../../recipes/labs");

describe("a spoilt frame", () => {
	it("is tried with every driver of the list", () => {
		expect([...new Set(RIGS.map(({ driver }) => driver))].sort()).toEqual([...driverNames].sort());
	});

	it.each(RIGS)("gives $name a right value or an error, and the next poll is right", async (kind) => {
		const sweep = await sweepDriver({ kind, seed: SEED, perFrame: 1, perConnectingFrame: 1 });
		expect(sweep.violations).toEqual([]);
		expect(sweep.injections).toBeGreaterThan(10);
		if (kind.checksum !== null) expect(sweep.undetectable).toEqual([]);
	});

	it("lets a battery test behind a bridge have each row once, and each is right", async () => {
		const sweep = await sweepCycler({ seed: SEED, perFrame: 2, perAct: 2 });
		expect(sweep.violations).toEqual([]);
		expect(Object.keys(sweep.counts).sort()).toEqual([
			"bit",
			"bridge-dies",
			"broker-cut",
			"doubled",
			"garbage",
			"late",
			"lost",
			"swapped",
		]);
	});

	it("lets a run recover or trips it with the dosing valves shut, and no untrue value stays in the journal", async () => {
		const lab = loadLabFile(resolve(LABS, "simulated.lab.yaml"));
		const sweep = await sweepPlant({
			lab,
			seed: SEED,
			perRun: 20,
			injections: 20,
			acts: 2,
		});
		expect(sweep.violations).toEqual([]);
		expect(sweep.injections).toBe(20);
		expect(sweep.untouched).toEqual([]);
		expect(sweep.tripped).toBeGreaterThan(0);
		expect(sweep.recovered).toBeGreaterThan(0);
	});
});

describe.skipIf(process.platform === "win32")("a real pty and a real socket", () => {
	it("unplugged is a fault, and plugged in again is read on", async () => {
		const { recovered, lines, faults } = await realReplug(["stage", "io"]);
		expect(Object.keys(faults).map((name) => name.split(", ")[1])).toEqual(["modbus-rtu", "modbus-tcp"]);
		expect(recovered).toBe(lines);
	});
});
