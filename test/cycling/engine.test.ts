import { describe, expect, it } from "vitest";
import { CellTestBook } from "#cycling/book.js";
import { CellTests } from "#cycling/engine.js";
import { withTestTime } from "#cycling/test-time.js";
import { MemoryJournal } from "#journal/memory.js";
import type { CellTestRow } from "#record/cell-tests.js";
import { Rig, SETTINGS, whole } from "../drivers/neware-bts8/rig.js";

const PROTOCOL = `adlayer: protocol/1
name: short
title: Short half-cycles
version: "1"
cell: symmetric
window: { min_V: -2, max_V: 2 }
limits: { hours: 2, current_mA_per_cm2: 2, capacity_mAh_per_cm2: 1 }
record_s: 10
steps:
  - repeat:
      times: 3
      steps:
        - constant_current: { current_mA_per_cm2: 1, until: { time_s: 300 } }
        - constant_current: { current_mA_per_cm2: -1, until: { time_s: 300 } }
`;
const ROWS = 3 * 2 * 30;

const ORDER = {
	cycler: "cycler",
	channel: null,
	protocolText: PROTOCOL,
	areaCm2: 1.5,
	activeMassG: null,
	operator: "A. Person",
};

/** Eight channels, all with a negative range. */
const channels = Object.fromEntries(
	Array.from({ length: 8 }, (_, at) => [
		`c${at + 1}`,
		{ at: `21-1-${at + 1}`, voltage_V: { min: -5, max: 5 }, current_A_max: 0.006 },
	]),
);

class Lab {
	readonly rig = new Rig({ settings: { channels }, simulated: { ...SETTINGS, channels } });
	readonly journal = new MemoryJournal(this.rig.clock);
	private ids = 0;
	tests = this.restarted();

	/** Control came up again: everything it knows is in the journal, of which the last records may not have reached the disk. */
	restarted(lostRecords = 0): CellTests {
		this.journal.records.splice(this.journal.records.length - lostRecords, lostRecords);
		const book = new CellTestBook();
		for (const record of this.journal.records) book.follow(record);
		this.tests = new CellTests({
			cyclers: { cycler: this.rig.device },
			sink: this.journal,
			clock: this.rig.clock,
			newId: () => {
				this.ids += 1;
				return `test-${this.ids}`;
			},
			book,
		});
		return this.tests;
	}

	order(cell: string, more: Partial<Parameters<CellTests["order"]>[0]> = {}): string {
		return this.tests.order({ ...ORDER, cell, ...more });
	}

	async rounds(seconds: number, everyS = 30): Promise<void> {
		for (let at = 0; at < seconds; at += everyS) {
			await this.rig.clock.advance(everyS * 1_000);
			await this.rig.run(this.tests.round(), 600_000);
		}
	}

	states(cellTest: string): string[] {
		return this.journal.records.flatMap((record) =>
			record.kind === "cell-test-state" && record.cellTest === cellTest ? [record.to] : [],
		);
	}

	rows(cellTest: string): CellTestRow[] {
		return this.journal.records.flatMap((record) =>
			record.kind === "cell-test-rows" && record.cellTest === cellTest ? record.rows : [],
		);
	}
}

async function lab(): Promise<Lab> {
	const made = new Lab();
	await made.rig.run(made.rig.device.connect());
	return made;
}

const everyRowOnce = (rows: readonly CellTestRow[]): void => {
	expect(rows.map(({ seq }) => seq)).toEqual(Array.from({ length: ROWS }, (_, at) => at + 1));
};

describe("battery tests", () => {
	it("run from the queue to their end, with every row in the record once", async () => {
		const one = await lab();
		const id = one.order("cell-1");
		await one.rounds(2_000);
		expect(one.states(id)).toEqual(["starting", "running", "finished"]);
		everyRowOnce(one.rows(id));
		expect(one.tests.open).toEqual([]);
		const last = one.rows(id).at(-1)!;
		expect(last.testS).toBeCloseTo(1_800, 6);
		expect(last.currentA).toBeCloseTo(-0.0015, 9);
	});

	it("wait for a channel, and take the next one that is free", async () => {
		const one = await lab();
		const ids = Array.from({ length: 10 }, (_, at) => one.order(`cell-${at + 1}`));
		await one.rounds(90);
		expect(one.tests.open.map(({ state }) => state).filter((state) => state === "queued")).toHaveLength(2);
		expect(new Set(one.tests.open.map(({ channel }) => channel).filter((channel) => channel !== null)).size).toBe(8);
		await one.rounds(4_200);
		for (const id of ids) everyRowOnce(one.rows(id));
	});

	it.each([0, 1, 2, 3, 5])(
		"go on after restarts in any moment, %i records of which were lost each time",
		async (lost) => {
			const one = await lab();
			const id = one.order("cell-1");
			for (let turn = 0; turn < 70; turn += 1) {
				await one.rounds(30);
				const isStarted = one.states(id).includes("running");
				if (isStarted && one.tests.open.length > 0) {
					const rowRecords = one.journal.records.length - 3;
					one.restarted(Math.min(lost, Math.max(0, rowRecords)));
				}
			}
			everyRowOnce(one.rows(id));
			expect(one.states(id)).toEqual(["starting", "running", "finished"]);
		},
	);

	it.each([0, 1, 2, 3, 4])(
		"come to the same end when control died right at it, %i records of which were lost",
		async (lost) => {
			const one = await lab();
			const id = one.order("cell-1");
			while (!one.states(id).includes("finished")) await one.rounds(30);
			one.restarted(lost);
			await one.rounds(120);
			one.restarted();
			await one.rounds(120);
			expect(one.states(id)).toEqual(["starting", "running", "finished"]);
			everyRowOnce(one.rows(id));
			expect(one.tests.open).toEqual([]);
			expect(one.rig.sent.filter((text) => text.includes("<cmd>start</cmd>"))).toHaveLength(1);
		},
	);

	it("are found again when control died between the start and its answer", async () => {
		const one = await lab();
		const id = one.order("cell-1");
		await one.rounds(30);
		expect(one.states(id)).toEqual(["starting", "running"]);
		one.restarted(1);
		await one.rounds(2_000);
		expect(one.states(id)).toEqual(["starting", "running", "finished"]);
		expect(one.rig.sent.filter((text) => text.includes("<cmd>start</cmd>"))).toHaveLength(1);
		everyRowOnce(one.rows(id));
	});

	it("go on while the cycler is away, and are caught up with", async () => {
		const one = await lab();
		const id = one.order("cell-1");
		await one.rounds(60);
		one.rig.fate = () => ({ pieces: [] });
		await one.rounds(600);
		one.rig.fate = (bytes, index) => (index % 7 === 3 ? { pieces: [], cut: true } : whole(bytes));
		await one.rounds(2_400);
		expect(one.states(id)).toEqual(["starting", "running", "finished"]);
		everyRowOnce(one.rows(id));
	});

	it("are remembered from their positions alone", async () => {
		const one = await lab();
		const id = one.order("cell-1");
		await one.rounds(600);
		const at = one.journal.records.findLastIndex(({ kind }) => kind === "cell-test-positions");
		expect(at).toBeGreaterThan(0);
		const before = one.rows(id);
		const kept = one.journal.records.splice(0, at);
		one.restarted();
		await one.rounds(2_000);
		one.journal.records.unshift(...kept);
		expect(one.rows(id).slice(0, before.length)).toEqual(before);
		everyRowOnce(one.rows(id));
	});

	it("are stopped on request, and out of the queue at once", async () => {
		const one = await lab();
		const [running, queued] = [one.order("cell-1", { channel: "c1" }), one.order("cell-2", { channel: "c1" })];
		await one.rounds(120);
		one.tests.stop(queued, "not needed");
		expect(one.states(queued)).toEqual(["stopped"]);
		one.tests.stop(running, "by A. Person");
		await one.rounds(120);
		expect(one.states(running)).toEqual(["starting", "running", "stopped"]);
		expect(one.journal.records.at(-1)).toMatchObject({ to: "stopped", cause: "by A. Person" });
	});

	it("are lost when somebody else starts another test on the channel", async () => {
		const one = await lab();
		const id = one.order("cell-1", { channel: "c1" });
		await one.rounds(120);
		const electronics = one.rig.simulator.electronicsOf("21-1-1")!;
		electronics.stop(0);
		electronics.start([...one.rig.disk.values()][0]!, { barcode: "other", testid: 77, wallMs: 0 });
		await one.rounds(60);
		expect(one.states(id)).toEqual(["starting", "running", "lost"]);
	});

	it("are refused at once, with every reason, when the protocol, the cell or the channel does not do", async () => {
		const one = await lab();
		expect(() => one.order("c", { protocolText: PROTOCOL.replace("min_V: -2", "min_V: 2") })).toThrowError(
			expect.objectContaining({ code: "PROTOCOL_INVALID" }),
		);
		expect(() => one.order("c", { areaCm2: null })).toThrowError(
			expect.objectContaining({ message: expect.stringContaining("the cell's area is not known") }),
		);
		expect(() => one.order("c", { areaCm2: 100 })).toThrowError(
			expect.objectContaining({ code: "CYCLER_REFUSED", message: expect.stringContaining("needs 0.1 A") }),
		);
		expect(() => one.order("c", { cycler: "none" })).toThrowError(expect.objectContaining({ code: "CYCLER_REFUSED" }));
		one.order("c");
		expect(() => one.order("c")).toThrowError(expect.objectContaining({ code: "CHANNEL_BUSY" }));
		expect(one.journal.records).toHaveLength(1);
	});

	it("end at the hours of their limits, whatever the cycler does", async () => {
		const one = await lab();
		// The cell never comes to 2 V.
		const endless = PROTOCOL.replace("hours: 2", "hours: 0.1").replace("time_s: 300", "voltage_V: 2");
		const id = one.order("cell-1", { protocolText: endless });
		await one.rounds(600);
		expect(one.states(id)).toEqual(["starting", "running", "stopped"]);
		const end = one.journal.records.find((record) => record.kind === "cell-test-state" && record.to === "stopped");
		expect(end).toMatchObject({ cause: expect.stringContaining("limits.hours is 0.1") });
	});
});

describe("test time", () => {
	const row = (seq: number, step: number, stepS: number) => ({
		seq,
		cycle: 1,
		step,
		stepType: "cc",
		stepS,
		wallMs: 0,
		voltageV: 0,
		currentA: 0,
		capacityAh: 0,
		energyWh: 0,
	});

	it("goes on through steps, and starts anew in each", () => {
		let last: CellTestRow | null = null;
		const times = [row(1, 1, 10), row(2, 1, 20), row(3, 2, 5), row(4, 2, 15), row(5, 1, 10)].map((each) => {
			last = withTestTime(each, last);
			return last.testS;
		});
		expect(times).toEqual([10, 20, 25, 35, 45]);
	});
});
