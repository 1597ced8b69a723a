/** A zone's test on the reactor: the pure test of `heating`, carried out under permits and undone at its end, however it ends. */
import type { Clock } from "#core/clock.js";
import { AdlayerError, asAdlayerError } from "#core/errors.js";
import { planProblems, type TuneState as TestState, TUNE_START, type TunePlan, tuneStep } from "#heating/tune-test.js";
import type { RecordSink } from "#record/records.js";
import { TUNE_KINDS, type TuneOrder, type TuneProgress, type TuneRow, type TuneState } from "#record/tune.js";
import type { GuardedReactor } from "#safety/guarded-reactor.js";
import { type Declaration, inWords, isGood } from "#safety/interlock.js";
import { RULES } from "#safety/rules.js";
import type { Supervisor } from "#safety/supervisor.js";

/** The test is looked at this often; readings come about once a second. */
const LOOK_EVERY_MS = 200;
/** Rows closer together than this tell nothing new. */
const ROW_EVERY_S = 0.9;
/** A test that nobody has asked about for so long is ended: whoever ordered it is gone. Real time. */
export const FOLLOWED_S = 60;
/** Tries to give the former settings back before the zone is switched off instead. */
const RESTORE_TRIES = 3;
const RESTORE_AGAIN_MS = 1_000;
/** Six hours at a row a second. */
export const TUNE_SECONDS_MAX = 21_600;

export interface ZoneTestDependencies {
	readonly clock: Clock;
	readonly sink: RecordSink;
	readonly reactor: GuardedReactor;
	readonly supervisor: Supervisor;
	/** Lab time per real time. */
	readonly speed: number;
}

/** What is wrong with an order, for this reactor and as it is now; all at once. Throws TUNE_REFUSED. */
export function checkOrder({ reactor, supervisor }: ZoneTestDependencies, order: TuneOrder): void {
	const spec = Object.hasOwn(reactor.spec.zones, order.zone) ? reactor.spec.zones[order.zone] : undefined;
	if (spec === undefined) {
		const zones = Object.keys(reactor.spec.zones).join(", ");
		throw new AdlayerError("TUNE_REFUSED", `There is no zone ${order.zone} in the lab file; there are ${zones}.`);
	}
	const problems: string[] = [];
	const reading = reactor.zone(order.zone);
	const output = reactor.zoneReading(order.zone, "output");
	if (!isGood(reading)) problems.push(`The temperature of zone ${order.zone} is ${reading.quality}.`);
	if (!isGood(output)) problems.push(`Its instrument reports no output power (${output.quality}).`);
	problems.push(...planProblems(planOf(order), isGood(reading) ? reading.value : Number.NEGATIVE_INFINITY));
	if (!(order.limitC < spec.limitC))
		problems.push(`The limit of ${order.limitC} °C is not below the zone's own of ${spec.limitC} °C.`);
	// The foil of an ended run may still lie there: its bound stands until the run is reset.
	const bound = supervisor.view.declaration?.neverAboveC ?? null;
	if (spec.heatsFoil && bound !== null && order.limitC > bound)
		problems.push(`The limit of ${order.limitC} °C is above ${bound} °C, which the last run declared as never above.`);
	if (!(order.secondsMax <= TUNE_SECONDS_MAX))
		problems.push(`A test lasts at most ${TUNE_SECONDS_MAX} s, not ${order.secondsMax} s.`);
	if (!TUNE_KINDS.includes(order.kind))
		problems.push(`There is no test ${order.kind}; there are ${TUNE_KINDS.join(", ")}.`);
	for (const name of ["lowC", "aroundC", "hysteresisC", "cycles", "stepS"] as const)
		if (!Number.isFinite(order[name])) problems.push(`${name} is ${order[name]}: it must be a number.`);
	const chamber = reactor.chamber();
	if (!isGood(chamber)) problems.push(`Chamber pressure is ${inWords(chamber)}: pump down first, as for the anneal.`);
	if (!reactor.isLidClosed) problems.push("The lid is not proven closed.");
	const { latched } = supervisor;
	if (latched.length > 0) problems.push(`Latched: ${latched.join(", ")}.`);
	for (const { text } of RULES["zone-examined"](supervisor, order.zone)) problems.push(text);
	if (problems.length > 0)
		throw new AdlayerError("TUNE_REFUSED", `Zone ${order.zone} is not tested: ${problems.join(" ")}`, {
			context: { problems },
		});
}

/**
 * One test under way. It moves nothing but the setpoint of the zone's own controller: should control die, the instrument's
 * remote time-out takes the heat away as in a run, which its manual mode would not.
 */
export class ZoneTest {
	private test: TestState = TUNE_START;
	private fraction = 0;
	private stage: TuneState = "testing";
	private reason: string | null = null;
	private restored: boolean | null = null;
	/** An interlock or a failure: what stands then is the safe state, not the former settings. */
	private madeSafe = false;
	private readonly rows: TuneRow[] = [];
	private readonly neighbours: readonly string[];
	private readonly stopping = new AbortController();
	private readonly startMs: number;
	private followedMs: number;
	private readonly declared: Declaration | null;
	/** Resolves once the former settings are back. */
	readonly settled: Promise<void>;

	/** `checkOrder` has passed. */
	constructor(
		private readonly on: ZoneTestDependencies,
		readonly tune: string,
		readonly order: TuneOrder,
		private readonly by: string,
	) {
		const { clock, reactor, supervisor } = on;
		this.startMs = clock.nowMs();
		this.followedMs = this.startMs;
		this.neighbours = Object.keys(reactor.spec.zones)
			.filter((zone) => zone !== order.zone)
			.sort();
		this.declared = supervisor.view.declaration;
		// The melt guard and the lid's interlock watch over the test as they do over a run.
		supervisor.declare({ neverAboveC: order.limitC, meltingPointC: null, purgeMinimumS: {} });
		this.record("started", `${order.kind} test, ${order.lowC} to ${order.highC} °C, never above ${order.limitC} °C`);
		this.settled = this.run();
	}

	get isOver(): boolean {
		return this.stage === "done" || this.stage === "aborted";
	}

	/** Names of the columns of `rows`. */
	get columns(): readonly string[] {
		return ["time_s", "power_percent", "temperature_degC", ...this.neighbours.map((zone) => `${zone}_degC`)];
	}

	/** Ends it at once; `settled` says when the former settings are back. */
	abort(cause: string): void {
		if (this.stage !== "testing") return;
		this.reason ??= cause;
		this.stopping.abort();
	}

	/** An interlock has tripped: the reactor is on its way to its safe state, which stands. */
	tripped(cause: string): void {
		this.madeSafe = true;
		this.abort(`Interlock ${cause}`);
	}

	/** Whoever asks follows the test. */
	follow(): void {
		this.followedMs = this.on.clock.nowMs();
	}

	get progress(): TuneProgress {
		const reading = this.on.reactor.zone(this.order.zone);
		return {
			tune: this.tune,
			zone: this.order.zone,
			state: this.stage,
			phase: this.stage === "aborted" ? "aborted" : this.test.phase,
			progress: this.fraction,
			temperatureC: isGood(reading) ? reading.value : null,
			reason: this.reason,
			restored: this.restored,
			rows: this.rows.length,
		};
	}

	rowsFrom(index: number, count: number): TuneRow[] {
		return this.rows.slice(index, index + count);
	}

	private async run(): Promise<void> {
		let giveBack: ((reason: string) => Promise<void>) | undefined;
		try {
			giveBack = await this.on.reactor.rememberZone(this.order.zone);
			this.on.reactor.letLead(this.order.zone, true);
			await this.carryOut();
		} catch (thrown) {
			if (!this.stopping.signal.aborted) this.reason ??= asAdlayerError(thrown).message;
		}
		this.stage = "restoring";
		const moved = this.test.phase !== "watching" || this.hasSet;
		this.restored = this.madeSafe ? false : !moved || (await this.giveBack(giveBack));
		this.on.reactor.letLead(this.order.zone, false);
		this.stage = this.reason === null ? "done" : "aborted";
		this.fraction = 1;
		this.on.supervisor.declare(this.declared);
		const restored = this.restored ? "former settings given back" : "the zone is off";
		this.record(this.stage, `${this.reason ?? `${this.rows.length} rows`}; ${restored}`);
	}

	private hasSet = false;

	private async carryOut(): Promise<void> {
		const { clock, reactor, speed } = this.on;
		const { signal } = this.stopping;
		const plan = planOf(this.order);
		let sideC: number | undefined;
		let lastMs = Number.NEGATIVE_INFINITY;
		for (;;) {
			signal.throwIfAborted();
			const reading = reactor.zone(this.order.zone);
			const output = reactor.zoneReading(this.order.zone, "output");
			const isNew = isGood(reading) && isGood(output) && reading.atMs > lastMs;
			if (isNew) {
				lastMs = reading.atMs;
				this.addRow(reading.atMs, output.value);
			}
			const { state, command, progress } = tuneStep(plan, this.test, {
				atS: (isNew ? reading.atMs : clock.nowMs()) / 1_000,
				temperatureC: isNew ? reading.value : null,
				outputPercent: isNew ? output.value : null,
			});
			this.test = state;
			this.fraction = progress;
			if (state.phase === "aborted") this.reason ??= state.reason;
			if (command.kind === "restore") return;
			if (command.kind === "set" && command.value !== sideC) {
				sideC = command.value;
				this.hasSet = true;
				await reactor.setZone(this.order.zone, sideC, `test ${this.tune}: ${state.phase}`);
				signal.throwIfAborted();
			}
			if (clock.nowMs() - this.followedMs > FOLLOWED_S * 1_000 * Math.max(1, speed)) {
				this.reason = `Nobody has asked about the test for ${FOLLOWED_S} s.`;
				return;
			}
			await clock.sleep(LOOK_EVERY_MS, signal);
		}
	}

	private addRow(atMs: number, outputPercent: number): void {
		const atS = Number(((atMs - this.startMs) / 1_000).toFixed(3));
		const last = this.rows.at(-1)?.[0];
		if (last != null && atS - last < ROW_EVERY_S) return;
		const { reactor } = this.on;
		const raw = (zone: string) => {
			const reading = reactor.zoneReading(zone, "temperature");
			return isGood(reading) ? reading.value : null;
		};
		this.rows.push([atS, outputPercent, raw(this.order.zone), ...this.neighbours.map(raw)]);
	}

	/** True when the zone works as it did before; otherwise it is being switched off, until that succeeds. */
	private async giveBack(giveBack: ((reason: string) => Promise<void>) | undefined): Promise<boolean> {
		const { clock, supervisor } = this.on;
		let why = "what it worked to was not known";
		for (let tries = 0; giveBack !== undefined && tries < RESTORE_TRIES && !this.madeSafe; tries += 1) {
			try {
				await giveBack(`test ${this.tune} is over`);
				return true;
			} catch (thrown) {
				why = asAdlayerError(thrown).message;
				await clock.sleep(RESTORE_AGAIN_MS);
			}
		}
		if (!this.madeSafe)
			await supervisor.makeZoneSafe(
				this.order.zone,
				`Its settings from before the test could not be given back: ${why}`,
			);
		return false;
	}

	private record(state: "started" | "done" | "aborted", detail: string): void {
		const { tune, order, by } = this;
		this.on.sink.append({ kind: "tune", tune, zone: order.zone, state, by, detail, order });
	}
}

function planOf(order: TuneOrder): TunePlan {
	const { kind, lowC: low, highC: high, aroundC, hysteresisC, cycles, stepS, watchS } = order;
	const { limitC: degCMax, secondsMax, silenceSMax, answerSMax } = order;
	return {
		kind,
		actuator: "setpoint",
		low,
		high,
		aroundC,
		hysteresisC,
		cycles,
		stepS,
		watchS,
		limits: { degCMax, secondsMax, silenceSMax, answerSMax },
	};
}
