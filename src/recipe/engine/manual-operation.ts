/**
 * The reactor moved by hand while no run owns it: one act at a time, through the permits that bind a run, until it is put to
 * rest by a person, by time, or by the end of control.
 */
import type { Clock, Timer } from "#core/clock.js";
import { AdlayerError, asAdlayerError } from "#core/errors.js";
import { Doses, EVIDENCE_MS, wasRefused } from "#recipe/engine/doses.js";
import { type ManualOrder, orderInWords } from "#recipe/engine/manual-order.js";
import { Ramps } from "#recipe/engine/ramps.js";
import type { PulseStep } from "#recipe/plan.js";
import type { ManualCommanded, RecordSink } from "#record/records.js";
import type { ManualStatus } from "#record/status.js";
import type { GuardedReactor } from "#safety/guarded-reactor.js";
import { type Declaration, isGood } from "#safety/interlock.js";
import type { Supervisor } from "#safety/supervisor.js";

export interface ManualParts {
	readonly clock: Clock;
	readonly sink: RecordSink;
	readonly reactor: GuardedReactor;
	readonly supervisor: Supervisor;
}

export interface ManualCommand {
	readonly order: ManualOrder;
	readonly by: string;
	/** Id of the command, for the record. */
	readonly id: string;
	/** No zone that heats the foil may read this or more, degC; required to heat such a zone. */
	readonly neverAboveC?: number;
}

/** What came of an order: the width that the timer made, for a dose. */
export interface ManualDone {
	readonly order: string;
	readonly pulse?: number;
	readonly confirmedMs?: number;
}

interface Session {
	by: string;
	order: string;
	atWall: number;
	restAtWall: number;
	/** Monotonic; the wall clock, which people see, may jump. */
	restAtMs: number;
	neverAboveC: number | null;
	idle: Timer | undefined;
	isEnding: boolean;
}

export class ManualOperation {
	private session: Session | undefined;
	private readonly doses: Doses;
	/** One for each zone: a person moves them one by one. */
	private readonly ramps = new Map<string, Ramps>();
	private interrupt = new AbortController();
	private atWork: string | undefined;
	private evidence: Timer | undefined;
	private pulses = 0;

	constructor(private readonly on: ManualParts) {
		this.doses = new Doses(on.clock, on.reactor, on.sink, null);
	}

	/** True from the first command until the reactor is at rest. */
	get isActive(): boolean {
		return this.session !== undefined;
	}

	get status(): ManualStatus | null {
		const { session } = this;
		if (session === undefined) return null;
		const { by, order, atWall: at, restAtWall: restAt, neverAboveC } = session;
		return { by, order, at, restAt, neverAboveC };
	}

	/**
	 * Does one order. Rejects with MANUAL_NOT_ALLOWED, PERMIT_REFUSED or USAGE when nothing was moved; after any other failure
	 * the reactor goes to rest.
	 */
	async perform(command: ManualCommand): Promise<ManualDone> {
		const { reactor, supervisor } = this.on;
		const order = orderInWords(command.order);
		this.refuse(command, order);
		const before = supervisor.view.declaration;
		const former = this.session === undefined ? undefined : { ...this.session };
		this.atWork = order;
		this.begin(command, order, before);
		this.tell(command, order, "ordered");
		const { signal } = this.interrupt;
		try {
			reactor.run = null;
			reactor.by = command.by;
			const done = await this.act(command.order, signal);
			this.tell(command, order, "done");
			return { order, ...done };
		} catch (thrown) {
			const { code, message } = asAdlayerError(thrown);
			const isRefused = wasRefused(thrown) || code === "USAGE";
			this.tell(command, order, isRefused ? "refused" : "failed", message);
			if (signal.aborted) throw thrown;
			if (isRefused) this.takeBack(former, before);
			else await this.rest(`${order} by ${command.by} failed: ${message}`);
			throw thrown;
		} finally {
			this.atWork = undefined;
		}
	}

	/** Everything to its safe state; resolves when that has been tried. The reactor is then free for a run. */
	async rest(cause: string): Promise<void> {
		const { session } = this;
		const { supervisor, sink } = this.on;
		if (session !== undefined) session.isEnding = true;
		session?.idle?.cancel();
		this.cut(new AdlayerError("MANUAL_NOT_ALLOWED", `The reactor goes to rest: ${cause}`));
		await supervisor.makeSafe("trip", cause);
		await this.doses.giveUp().catch(() => {});
		if (session === undefined || this.session !== session) return;
		supervisor.declare(null);
		this.session = undefined;
		sink.append({ kind: "manual-ended", cause });
	}

	/** An interlock has tripped: the safe state is under way. The bounds stand until the reactor is put to rest. */
	tripped(cause: string): void {
		if (this.session !== undefined) this.cut(new AdlayerError("INTERLOCK_TRIPPED", `Interlock ${cause}`));
	}

	/** A new reading has come from the plant. */
	sampled(): void {
		if (this.session === undefined) return;
		const chamber = this.on.reactor.chamber();
		this.doses.trace.push(
			isGood(chamber) ? chamber.atMs : this.on.clock.nowMs(),
			isGood(chamber) ? chamber.value : null,
		);
	}

	/** Forgets the timers without moving anything: control goes. */
	stop(): void {
		this.session?.idle?.cancel();
		this.cut(new AdlayerError("MANUAL_NOT_ALLOWED", "Control is stopping."));
	}

	private cut(reason: AdlayerError): void {
		this.interrupt.abort(reason);
		this.interrupt = new AbortController();
		for (const ramps of this.ramps.values()) ramps.forget();
		// A dose under way is given up by whoever waits for it.
		if (this.atWork !== undefined) return;
		this.evidence?.cancel();
		this.doses.settle();
	}

	private refuse({ order, neverAboveC }: ManualCommand, words: string): void {
		const { reactor, supervisor } = this.on;
		const against = (message: string) => new AdlayerError("MANUAL_NOT_ALLOWED", `${words} is refused: ${message}`);
		if (reactor.spec.manual === undefined)
			throw against("the lab file has no reactor.manual, which bounds what is done by hand.");
		if (this.atWork !== undefined) throw against(`${this.atWork} is still under way.`);
		if (this.session?.isEnding === true) throw against("the reactor is on its way to rest.");
		if (!reactor.isLidClosed) throw against("the lid is not proven closed.");
		const bound = this.session?.neverAboveC ?? supervisor.view.declaration?.neverAboveC ?? null;
		const heatsFoil =
			order.move === "zone" && order.targetC !== null && reactor.spec.zones[order.zone]!.heatsFoil === true;
		if (!heatsFoil) {
			if (neverAboveC !== undefined)
				throw new AdlayerError("USAGE", "never-above goes with a zone that heats the foil, and with its temperature.");
			return;
		}
		if (neverAboveC === undefined)
			throw new AdlayerError(
				"USAGE",
				`Zone ${order.zone} heats the foil, and what is loaded is not known here: give the temperature that it must never reach.`,
				{
					hint: `adlayer set ${order.zone}=${order.targetC} --never-above N, below the melting point of what is loaded.`,
				},
			);
		if (bound !== null && neverAboveC > bound)
			throw against(`${neverAboveC} °C is above the bound of ${bound} °C that stands; adlayer safe ends it.`);
		const hottest = reactor.hottestFoilZone();
		if (hottest !== undefined && hottest.celsius >= neverAboveC)
			throw against(`a zone that heats the foil reads ${hottest.celsius.toFixed(1)} °C, not below ${neverAboveC} °C.`);
	}

	private begin({ by, neverAboveC }: ManualCommand, order: string, before: Declaration | null): void {
		const { clock, reactor, supervisor } = this.on;
		const { idleS, purgeS } = reactor.spec.manual!;
		const bound = neverAboveC ?? this.session?.neverAboveC ?? before?.neverAboveC ?? null;
		if (this.session === undefined || bound !== this.session.neverAboveC)
			supervisor.declare({ neverAboveC: bound, meltingPointC: null, purgeMinimumS: purgeS });
		this.session?.idle?.cancel();
		this.session = {
			by,
			order,
			atWall: clock.wallMs(),
			restAtWall: clock.wallMs() + idleS * 1_000,
			restAtMs: clock.nowMs() + idleS * 1_000,
			neverAboveC: bound,
			idle: this.idleTimer(idleS * 1_000),
			isEnding: false,
		};
	}

	private idleTimer(afterMs: number): Timer {
		const { idleS } = this.on.reactor.spec.manual!;
		return this.on.clock.setTimer(
			Math.max(0, afterMs),
			() => void this.rest(`nobody has given a command by hand for ${idleS} s`),
		);
	}

	/** A refused order has moved nothing: neither its bound nor its time counts. */
	private takeBack(former: Session | undefined, before: Declaration | null): void {
		const { supervisor, sink, clock } = this.on;
		const refused = this.session;
		if (refused === undefined || refused.isEnding) return;
		refused.idle?.cancel();
		if (former === undefined || former.neverAboveC !== refused.neverAboveC) supervisor.declare(before);
		this.session =
			former === undefined ? undefined : { ...former, idle: this.idleTimer(former.restAtMs - clock.nowMs()) };
		if (former === undefined) sink.append({ kind: "manual-ended", cause: "the first command was refused" });
	}

	private async act(order: ManualOrder, signal: AbortSignal): Promise<Omit<ManualDone, "order">> {
		const { reactor } = this.on;
		switch (order.move) {
			case "carrier":
				await reactor.setCarrier(order.sccm, "by hand");
				break;
			case "stop-valve":
				await reactor.setStopValve(order.open, "by hand");
				break;
			case "zone":
				if (order.targetC === null) {
					this.rampsOf(order.zone).forget();
					await reactor.switchZoneOff(order.zone, "by hand");
				} else await this.heat(order.zone, order.targetC, signal);
				break;
			case "dose":
				return this.dose(order.precursor, order.widthMs, signal);
		}
		signal.throwIfAborted();
		return {};
	}

	/** Along the zone's own steepest ramp. The whole way is asked for before its first degree. */
	private async heat(zone: string, toC: number, signal: AbortSignal): Promise<void> {
		const { reactor } = this.on;
		const rampCPerMin = reactor.spec.zones[zone]!.rampCPerMinMax;
		reactor.permitZone(zone, toC);
		const ramp = { toC, rampCPerMin, approachFromC: 0, approachCPerMin: rampCPerMin };
		await this.rampsOf(zone).start(zone, ramp, "by hand", signal);
	}

	private rampsOf(zone: string): Ramps {
		const known = this.ramps.get(zone);
		if (known !== undefined) return known;
		const ramps = new Ramps(this.on.clock, this.on.reactor, (_zone, thrown) => {
			void this.rest(`the setpoint of zone ${zone} could not be moved: ${asAdlayerError(thrown).message}`);
		});
		this.ramps.set(zone, ramps);
		return ramps;
	}

	private async dose(precursor: string, widthMs: number, signal: AbortSignal): Promise<Omit<ManualDone, "order">> {
		const { clock, reactor } = this.on;
		// What would be refused at the valve is refused before an intent is written, and before the dose before has all its evidence.
		reactor.permitDose(precursor, widthMs);
		this.evidence?.cancel();
		this.pulses += 1;
		try {
			await this.doses.fire(stepOf(precursor, widthMs), clock.nowMs(), signal);
		} catch (thrown) {
			await this.doses.giveUp().catch(() => {});
			throw thrown;
		}
		const pulse = this.pulses;
		const { confirmedMs } = this.doses;
		this.evidence = clock.setTimer(EVIDENCE_MS, () => this.doses.settle());
		return { pulse, ...(confirmedMs === null ? {} : { confirmedMs }) };
	}

	private tell(
		{ order, by, id }: ManualCommand,
		words: string,
		outcome: ManualCommanded["outcome"],
		detail?: string,
	): void {
		const { session } = this;
		this.on.sink.append({
			kind: "manual-command",
			command: order.move === "dose" ? "dose" : "set",
			order: words,
			by,
			id,
			outcome,
			...(detail === undefined ? {} : { detail }),
			neverAboveC: session?.neverAboveC ?? null,
			restAt: session?.restAtWall ?? null,
		});
	}
}

/** A dose by hand as the step that it would be in a recipe. */
function stepOf(precursor: string, widthMs: number): PulseStep {
	const title = `Pulse ${precursor} ${widthMs} ms by hand`;
	return { type: "pulse", index: -1, path: "", phase: "by hand", title, plannedS: widthMs / 1_000, precursor, widthMs };
}
