import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach } from "vitest";
import { SteppedClock } from "#core/clock.js";
import { JournalWriter } from "#journal/writer.js";
import type { NoteRecord, RunCreated, SampleRecord } from "#record/records.js";

const folders: string[] = [];
afterEach(() => {
	for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

export function temporaryFolder(): string {
	const folder = mkdtempSync(join(tmpdir(), "adlayer-test-"));
	folders.push(folder);
	return folder;
}

export const WALL_MS = Date.UTC(2026, 0, 15, 8);

export function steppedClock(): SteppedClock {
	return new SteppedClock({ wallStartMs: WALL_MS });
}

export function openWriter(
	dir: string,
	options: Partial<Parameters<typeof JournalWriter.open>[0]> = {},
): JournalWriter {
	return JournalWriter.open({
		dir,
		clock: steppedClock(),
		station: "sim1",
		boot: "boot-1",
		measureDisk: async () => 0.1,
		...options,
	});
}

export function note(message: string): NoteRecord {
	return { kind: "note", level: "info", run: null, code: "TEST", message };
}

export function sample(value: number | null, instrument = "gauge"): SampleRecord {
	return {
		kind: "sample",
		instrument,
		values: { chamber: value },
		...(value === null ? { fault: { chamber: "sensor off" } } : {}),
	};
}

export function runCreated(run: string): RunCreated {
	return {
		kind: "run-created",
		run,
		recipe: "al2o3",
		recipeVersion: "1",
		recipeText: "recipe: al2o3\n",
		recipeSha256: "00",
		parameters: { cycles: 20 },
		sample: "Li-1",
		product: "Li@20Al2O3",
		operator: "test",
		acknowledged: ["LITHIUM"],
		labFileText: "adlayer: lab/1\n",
		labFileSha256: "11",
		softwareVersion: "0.1.0",
		simulated: true,
		material: "Li",
		meltingPointC: 180.5,
		neverAboveC: 160,
		plan: {
			totalS: 600,
			steps: 4,
			cycles: 20,
			phases: [{ name: "deposition", seconds: 600 }],
			pulses: { TMA: 20, H2O: 20 },
			thicknessNm: 2,
		},
	};
}
