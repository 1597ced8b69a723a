/** One battery test behind a bridge, followed as the engine of tests follows it, on a cell whose voltage tells the time. */
import { AdlayerError } from "#core/errors.js";
import type { Cycler, CyclerProgram, CyclerRow } from "#device/cycler.js";
import { type DriverRig, driverRig, RIGS } from "./driver-rigs.js";

export const CHANNEL = "a1";
export const ROWS = 24;
const OHM = 100;
const CURRENT_A = 0.001;
/** So slow that it changes no charge, and so fast that no two readings are equal. */
const DRIFT_V_PER_S = 1e-5;
/** 5 s each way, twice, after 4 s of rest. */
const PROGRAM: CyclerProgram = {
	protocol: "sweep",
	sha256: "0".repeat(64),
	cell: "symmetric",
	steps: [
		{ kind: "rest", ends: { timeS: 4 } },
		{
			kind: "repeat",
			times: 2,
			steps: [
				{ kind: "constant-current", currentA: CURRENT_A, ends: { timeS: 5 } },
				{ kind: "constant-current", currentA: -CURRENT_A, ends: { timeS: 5 } },
			],
		},
	],
	limits: { voltageVMin: -2, voltageVMax: 2, currentAMax: 0.002, capacityAhMax: 0.002 },
	recordS: 1,
};
const POLL_MS = 1_000;
const SECOND_TEST_MS = 3_000;
const ATTEMPTS_MAX = 12;
const TEST_MS_MAX = 600_000;
/** Of a value's way from the cell to the driver. */
const TICK_MS = 300;
const ROW_MS_MAX = 2;
const EPSILON = 1e-9;

export class BatteryTest {
	readonly rig: DriverRig;
	readonly rows: CyclerRow[] = [];
	/** What was untrue, or done twice. */
	readonly wrong: string[] = [];
	/** Tests that the cycler has begun, by its own word. */
	readonly begun = new Set<string>();
	private readonly cycler: Cycler;
	private readonly staleMs: number;
	private cellMs = 0;

	constructor(seed: number) {
		const kind = RIGS.find(({ name }) => name === "mqtt-cycler")!;
		this.rig = driverRig(kind, seed);
		this.cycler = this.rig.device.cycler!;
		this.staleMs = (kind.settings.stale_s as number) * 1_000;
		const startMs = this.rig.clock.nowMs();
		this.rig.world.drivenCell = (drive, durationS) => {
			this.cellMs += durationS * 1_000;
			const currentA = typeof drive === "object" && "currentA" in drive ? drive.currentA : 0;
			return { voltageV: OHM * currentA + (DRIFT_V_PER_S * (startMs + this.cellMs)) / 1_000, currentA };
		};
		this.rig.broker.observe((topic, payload) => {
			const test = /"test_id":"([^"]+)"/.exec(Buffer.from(payload).toString("latin1"))?.[1];
			if (topic.endsWith("/state") && test !== undefined) this.begun.add(test);
		});
	}

	/** From the start to the last row, then a second test that is stopped. Throws when one of it cannot be reached any more. */
	async whole(): Promise<void> {
		await this.connected();
		const test = await this.started("cell-1");
		await this.followed(test);
		const { size } = this.begun;
		if (size !== 1) this.wrong.push(`one test was ordered, ${size} were begun`);
		await this.started("cell-2");
		await this.rig.clock.advance(SECOND_TEST_MS);
		await this.tried("stop", () => this.cycler.stop(CHANNEL));
		if (this.begun.size !== size + 1)
			this.wrong.push(`a second test was ordered, ${this.begun.size - size} were begun`);
		await this.rig.clock.advance(POLL_MS);
		const activity = await this.tried("its state", async () => {
			const status = (await this.cycler.status())[CHANNEL];
			if (status === undefined) throw new Error("not known");
			return status.activity;
		});
		if (activity !== "stopped" && activity !== "finished") this.wrong.push(`it is ${activity} after its stop`);
	}

	/** Of a start without an answer the cycler itself is asked, as the engine does. */
	private async started(barcode: string): Promise<string> {
		return this.tried(`start ${barcode}`, async () => {
			const { barcode: had } = (await this.cycler.status())[CHANNEL] ?? {};
			const { test } = (await this.cycler.extents())[CHANNEL] ?? {};
			if (had === barcode && typeof test === "string") return test;
			return (await this.cycler.start({ channel: CHANNEL, barcode, program: PROGRAM })).test;
		});
	}

	private async followed(test: string): Promise<void> {
		const { clock } = this.rig;
		for (const endMs = clock.nowMs() + TEST_MS_MAX; clock.nowMs() < endMs; await clock.advance(POLL_MS)) {
			try {
				this.compare(await this.rig.run(this.rig.device.poll()));
			} catch {
				await this.connected();
				continue;
			}
			const done = await this.rig.run(this.takeRows(test)).catch((thrown: unknown) => {
				if (thrown instanceof AdlayerError) return false;
				throw thrown;
			});
			if (done) return;
		}
		throw new Error(`after ${TEST_MS_MAX / 1_000} s there are ${this.rows.length} rows, and the test has not ended`);
	}

	/** Whether all rows of a test that has ended are there. */
	private async takeRows(test: string): Promise<boolean> {
		const extent = (await this.cycler.extents())[CHANNEL];
		const status = (await this.cycler.status())[CHANNEL];
		if (extent === undefined || status === undefined) return false;
		if (extent.test !== test) throw new Error(`the test is ${extent.test}, not ${test}`);
		const { rows, gaps } = await this.cycler.rows({
			channel: CHANNEL,
			test,
			fromSeq: this.rows.length + 1,
			rowsMax: 10,
		});
		for (const { fromSeq, toSeq } of gaps) this.wrong.push(`rows ${fromSeq} to ${toSeq} are called lost`);
		for (const row of rows) this.take(row);
		return status.activity !== "running" && this.rows.length === extent.rows;
	}

	private take(row: CyclerRow): void {
		if (row.seq !== this.rows.length + 1) this.wrong.push(`row ${row.seq} comes after row ${this.rows.length}`);
		this.rows.push(row);
		const offMs =
			row.wallMs - this.rig.clock.wallMs() + this.rig.clock.nowMs() - this.takenMs(row.voltageV, row.currentA);
		if (Math.abs(offMs) > ROW_MS_MAX) this.wrong.push(`row ${row.seq} is ${offMs.toFixed(0)} ms beside its time`);
	}

	private compare(values: Readonly<Record<string, { readonly value: number | null; readonly quality: string }>>): void {
		const voltage = values[`${CHANNEL}_voltage`];
		const current = values[`${CHANNEL}_current`];
		if (voltage?.quality !== "good" || current?.quality !== "good") return;
		// At the end of a test the last voltage stands beside no current.
		const drivenA = Math.round(voltage.value! / (OHM * CURRENT_A)) * CURRENT_A;
		if (current.value !== drivenA && current.value !== 0)
			this.wrong.push(`${current.value} A is given as good at ${voltage.value} V`);
		const ageMs = this.rig.clock.nowMs() - this.takenMs(voltage.value!, drivenA);
		if (ageMs < -1 || ageMs > this.staleMs + TICK_MS)
			this.wrong.push(`${voltage.value} V is given as good, and is ${(ageMs / 1_000).toFixed(1)} s old`);
	}

	/** When the cell had this voltage at this current, by the rig's clock. */
	private takenMs(voltageV: number, currentA: number): number {
		return ((voltageV - OHM * currentA) / DRIFT_V_PER_S) * 1_000;
	}

	/** After an error the connection is made anew. */
	private async tried<T>(what: string, act: () => Promise<T>): Promise<T> {
		for (let attempt = 1; ; attempt += 1) {
			try {
				return await this.rig.run(act());
			} catch (thrown) {
				if (attempt === ATTEMPTS_MAX) throw new Error(`${what}: ${(thrown as Error).message}`);
				await this.rig.clock.advance(POLL_MS);
				await this.rig.run(this.rig.device.poll()).catch(() => this.connected());
			}
		}
	}

	private async connected(): Promise<void> {
		for (let attempt = 1; ; attempt += 1) {
			try {
				await this.rig.run(this.rig.device.connect());
				return;
			} catch (thrown) {
				if (attempt === ATTEMPTS_MAX) throw thrown;
				await this.rig.clock.advance(POLL_MS);
			}
		}
	}
}

/** What differs from an undisturbed test; both have all rows. */
export function differences(rows: readonly CyclerRow[], undisturbed: readonly CyclerRow[]): string[] {
	const found: string[] = [];
	const isNear = (a: number, b: number, relative: number) => Math.abs(a - b) <= relative * Math.abs(b) + EPSILON;
	for (const [at, row] of rows.entries()) {
		const right = undisturbed[at];
		const isSame =
			right !== undefined &&
			row.cycle === right.cycle &&
			row.step === right.step &&
			row.stepType === right.stepType &&
			row.currentA === right.currentA &&
			isNear(row.stepS, right.stepS, 1e-6) &&
			isNear(row.capacityAh, right.capacityAh, 1e-3) &&
			isNear(row.energyWh, right.energyWh, 0.02);
		if (!isSame) found.push(`row ${row.seq} is ${JSON.stringify(row)}, right is ${JSON.stringify(right)}`);
	}
	if (rows.length !== undisturbed.length) found.push(`${rows.length} rows, right are ${undisturbed.length}`);
	return found;
}
