/** Moves zone setpoints along ramps, so that no controller ever sees a step it would overshoot. */
import type { Clock, Timer } from "#core/clock.js";
import { GuidedHeating, type Heater } from "#recipe/engine/guided-heating.js";
import type { GuardedReactor } from "#safety/guarded-reactor.js";
import { isGood } from "#safety/interlock.js";

/** Setpoints move this often; at 10 degC/min a step is 0.3 degC. */
const STEP_MS = 2_000;

export interface Ramp {
	readonly toC: number;
	readonly rampCPerMin: number;
	/** From this distance below the target on, the slower rate holds; 0 for none. */
	readonly approachFromC: number;
	readonly approachCPerMin: number;
	/** Never above this on the way, where the zone's heater is known; the zone's own limit when absent. */
	readonly neverAboveC?: number | undefined;
	/** The temperature is guided for as long as it is wanted, where the zone's heater is known. */
	readonly holds?: boolean;
}

/** Heaters that are known, and whom to tell when one is not what it was. */
export interface KnownHeaters {
	readonly heaters: Readonly<Record<string, Heater>>;
	onMismatch(zone: string, reason: string): void;
	/** A new way begins. */
	onBegin(zone: string): void;
}

interface Active extends Ramp {
	setpointC: number;
	timer: Timer;
}

export class Ramps {
	private readonly active = new Map<string, Active>();
	private readonly ordered = new Map<string, Ramp>();
	/** Zones whose ramp waits for the end of a pause. */
	private readonly suspended = new Set<string>();
	/** Counts halts, so that a ramp whose first setpoint is on its way does not outlive one. */
	private halts = 0;
	private readonly guided = new Map<string, GuidedHeating>();

	constructor(
		private readonly clock: Clock,
		private readonly reactor: GuardedReactor,
		/** A setpoint could not be moved; the ramp has stopped. */
		private readonly onFailure: (zone: string, thrown: unknown) => void,
		private readonly known?: KnownHeaters,
	) {}

	/** The last ramp ordered for each zone that the recipe wants heated, whatever has become of it. */
	get orders(): ReadonlyMap<string, Ramp> {
		return this.ordered;
	}

	/** What the steps before an interruption had ordered; nothing moves until `startAgain`. */
	takeUp(orders: ReadonlyMap<string, Ramp>): void {
		for (const [zone, ramp] of orders) this.ordered.set(zone, ramp);
	}

	/** Starts from where the zone is now. A lower target is set at once: the plant cools no faster than it can. */
	async start(zone: string, ramp: Ramp, reason: string, signal: AbortSignal): Promise<void> {
		signal.throwIfAborted();
		this.halt(zone);
		this.ordered.set(zone, ramp);
		const reading = this.reactor.zone(zone);
		const from = isGood(reading) ? Math.min(reading.value, ramp.toC) : ramp.toC;
		const { halts } = this;
		await this.reactor.setZone(zone, from, `${reason}: ramp to ${ramp.toC} °C`);
		if (halts !== this.halts || this.ordered.get(zone) !== ramp) return;
		if (from < ramp.toC && (await this.guide(zone, ramp))) return;
		if (halts !== this.halts || this.ordered.get(zone) !== ramp) return;
		if (from < ramp.toC) this.active.set(zone, { ...ramp, setpointC: from, timer: this.schedule(zone) });
	}

	/** All ramps that were ordered, again from where each zone is now. */
	async startAgain(reason: string, signal: AbortSignal): Promise<void> {
		for (const [zone, ramp] of [...this.ordered]) await this.start(zone, { ...ramp }, reason, signal);
		signal.throwIfAborted();
	}

	/** Leaves every setpoint where it is. */
	haltAll(): void {
		this.halts += 1;
		for (const zone of [...this.active.keys(), ...this.guided.keys()]) this.halt(zone);
	}

	/** Every setpoint stays where it is until `resume`. */
	suspend(): void {
		for (const [zone, { timer }] of this.active) {
			timer.cancel();
			this.suspended.add(zone);
		}
	}

	/** What was suspended goes on from the setpoint where it stands; what was halted or ordered anew meanwhile does not. */
	resume(): void {
		for (const zone of this.suspended) {
			const ramp = this.active.get(zone);
			if (ramp !== undefined) ramp.timer = this.schedule(zone);
		}
		this.suspended.clear();
	}

	/** The recipe wants no zone heated any more. */
	forget(): void {
		this.haltAll();
		this.ordered.clear();
	}

	private halt(zone: string): void {
		this.active.get(zone)?.timer.cancel();
		this.active.delete(zone);
		this.suspended.delete(zone);
		this.guided.get(zone)?.halt();
		this.guided.delete(zone);
	}

	/** True when a known heater takes the way from here, or the order has been overtaken meanwhile. */
	private async guide(zone: string, ramp: Ramp): Promise<boolean> {
		const { known, clock, reactor, halts } = this;
		const heater = known?.heaters[zone];
		if (known === undefined || heater === undefined) return false;
		const { limitC } = reactor.spec.zones[zone]!;
		const guided = await GuidedHeating.begin({
			clock,
			reactor,
			zone,
			heater,
			task: {
				targetC: ramp.toC,
				neverAboveC: Math.min(limitC, ramp.neverAboveC ?? limitC),
				rampCPerMin: ramp.rampCPerMin,
				stageLimitC: limitC - heater.resolutionC,
			},
			holds: ramp.holds === true,
			onMismatch: (reason) => {
				this.guided.delete(zone);
				known.onMismatch(zone, reason);
			},
			onFailure: (thrown) => {
				this.guided.delete(zone);
				this.onFailure(zone, thrown);
			},
		});
		if (guided === undefined) return false;
		if (halts !== this.halts || this.ordered.get(zone) !== ramp) {
			guided.halt();
			return true;
		}
		known.onBegin(zone);
		this.guided.set(zone, guided);
		return true;
	}

	private schedule(zone: string): Timer {
		const now = this.clock.nowMs();
		return this.clock.setTimer((Math.floor(now / STEP_MS + 1e-9) + 1) * STEP_MS - now, () => void this.step(zone));
	}

	private async step(zone: string): Promise<void> {
		const ramp = this.active.get(zone);
		if (ramp === undefined) return;
		const rate = ramp.toC - ramp.setpointC > ramp.approachFromC ? ramp.rampCPerMin : ramp.approachCPerMin;
		ramp.setpointC = Math.min(ramp.toC, ramp.setpointC + (rate * STEP_MS) / 60_000);
		try {
			await this.reactor.setZone(zone, ramp.setpointC);
		} catch (thrown) {
			// One that was halted meanwhile fails nobody.
			if (this.active.get(zone) !== ramp) return;
			this.halt(zone);
			this.onFailure(zone, thrown);
			return;
		}
		if (this.active.get(zone) !== ramp) return;
		if (ramp.setpointC >= ramp.toC) this.active.delete(zone);
		else if (!this.suspended.has(zone)) ramp.timer = this.schedule(zone);
	}
}
