/** Tests of zones, one at a time, and the settings that come of them. */
import { AdlayerError } from "#core/errors.js";
import type { TuneOrder, TuneProgress, TuneRow, TuneSettings } from "#record/tune.js";
import { checkOrder, ZoneTest, type ZoneTestDependencies } from "./zone-test.js";

/** Rows in one answer: some 30 KiB. */
const ROWS_PER_ANSWER = 500;
/** A test puts its zone to rest in a second when the instruments answer; nobody waits longer for those that do not. */
const END_MS = 4_000;

export class Tuning {
	/** The last test, whatever has become of it: its rows are kept until the next one. */
	private test: ZoneTest | undefined;

	constructor(private readonly on: ZoneTestDependencies) {}

	get isActive(): boolean {
		return this.test !== undefined && !this.test.isOver;
	}

	/** The test under way. */
	get active(): ZoneTest | undefined {
		return this.isActive ? this.test : undefined;
	}

	/** Throws TUNE_ACTIVE, and TUNE_REFUSED with every reason. */
	start(tune: string, order: TuneOrder, by: string): TuneProgress {
		this.refuseWhileActive();
		checkOrder(this.on, order);
		this.test = new ZoneTest(this.on, tune, order, by);
		return this.test.progress;
	}

	/** Aborts the test under way, and waits for its end as long as instruments that answer need. Throws NOT_FOUND without one. */
	async end(cause: string): Promise<ZoneTest> {
		const { active } = this;
		if (active === undefined) throw new AdlayerError("NOT_FOUND", "No zone is being tested.");
		active.abort(cause);
		await Promise.race([active.settled, this.on.clock.sleep(END_MS)]);
		return active;
	}

	/** How the test goes, with its rows from a number on. Throws NOT_FOUND. */
	follow(tune: string, fromRow: number): TuneProgress & { columns: readonly string[]; data: TuneRow[] } {
		const { test } = this;
		if (test === undefined || test.tune !== tune) throw new AdlayerError("NOT_FOUND", `There is no test ${tune}.`);
		test.follow();
		return { ...test.progress, columns: test.columns, data: test.rowsFrom(fromRow, ROWS_PER_ANSWER) };
	}

	/** The loop settings of a zone as its instrument has them; null where its driver cannot reach them. */
	async settings(zone: string): Promise<TuneSettings | null> {
		return (await this.loop(zone)?.settings()) ?? null;
	}

	/** Writes loop settings to a zone's instrument, read back. Throws TUNE_ACTIVE, TUNE_REFUSED, READBACK_MISMATCH. */
	async apply(zone: string, settings: TuneSettings, by: string): Promise<{ former: TuneSettings; now: TuneSettings }> {
		this.refuseWhileActive();
		const loop = this.loop(zone);
		if (loop === undefined)
			throw new AdlayerError(
				"TUNE_REFUSED",
				`The driver of zone ${zone} cannot write loop settings: set them by hand.`,
			);
		const former = await loop.settings();
		const words = ({ proportionalBandC, integralS, derivativeS }: TuneSettings) =>
			`PB ${proportionalBandC} °C, Ti ${integralS} s, Td ${derivativeS} s`;
		const record = (state: "applying" | "applied", detail: string) =>
			this.on.sink.append({ kind: "tune", tune: this.test?.tune ?? "", zone, state, by, detail });
		record("applying", `${words(settings)}; former: ${words(former)}`);
		await this.on.sink.synced();
		const now = await loop.write(settings);
		record("applied", `read back: ${words(now)}`);
		return { former, now };
	}

	private loop(zone: string) {
		if (!Object.hasOwn(this.on.reactor.spec.zones, zone))
			throw new AdlayerError("TUNE_REFUSED", `There is no zone ${zone} in the lab file.`);
		return this.on.reactor.zoneLoop(zone);
	}

	/** Throws TUNE_ACTIVE. */
	refuseWhileActive(): void {
		const { active } = this;
		if (active !== undefined)
			throw new AdlayerError("TUNE_ACTIVE", `Zone ${active.order.zone} is being tested (${active.tune}).`);
	}
}
