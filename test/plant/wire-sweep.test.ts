/** A sample of what `npm run bench -- wire` does in full. */
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { driverNames } from "#drivers/index.js";
import { loadLabFile } from "#src/config.js";
import { RIGS } from "../support/driver-rigs.js";
import { sweepDriver } from "../support/driver-sweep.js";
import { sweepPlant } from "../support/plant-sweep.js";
import { realReplug } from "../support/real-replug.js";

const SEED = 7;
const LABS = resolve(import.meta.dirname, "../../recipes/labs");

/** Its messages come whole from a broker; those that are wrong, doubled, late or missing are in its own tests. */
const WHOLE_MESSAGES = "mqtt-cycler";

describe("a spoilt frame", () => {
	it("is tried with every driver of the list", () => {
		const swept = driverNames.filter((name) => name !== WHOLE_MESSAGES);
		expect([...new Set(RIGS.map(({ driver }) => driver))].sort()).toEqual([...swept].sort());
	});

	it.each(RIGS)("gives $name a right value or an error, and the next poll is right", async (kind) => {
		const sweep = await sweepDriver({ kind, seed: SEED, perFrame: 1, perConnectingFrame: 1 });
		expect(sweep.violations).toEqual([]);
		expect(sweep.injections).toBeGreaterThan(10);
		if (kind.checksum !== null) expect(sweep.undetectable).toEqual([]);
	});

	it("lets a run recover or trips it with the dosing valves shut, and no untrue value stays in the journal", async () => {
		const lab = loadLabFile(resolve(LABS, "simulated.lab.yaml"));
		const sweep = await sweepPlant({
			lab,
			seed: SEED,
			perRun: 20,
			injections: 20,
			acts: 2,
			wallMsMax: Number.POSITIVE_INFINITY,
		});
		expect(sweep.violations).toEqual([]);
		expect(sweep.injections).toBeGreaterThan(10);
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
