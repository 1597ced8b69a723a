/** Moves zone setpoints along ramps, so that no controller ever sees a step it would overshoot. */
import type { Clock, Timer } from "#core/clock.js";
import { plannedRamp } from "#recipe/engine/anneal-records.js";
import { GuidedHeating } from "#recipe/engine/guided-heating.js";
import { ZoneMemory } from "#recipe/engine/zone-memory.js";
import type { Heater } from "#recipe/heater.js";
import type { HeatingStatus } from "#record/status.js";
import type { GuardedReactor } from "#safety/guarded-reactor.js";
import { isGood } from "#safety/interlock.js";

/** Setpoints move this often; at 10 degC/min a step is 0.3 degC. */
const STEP_MS = 2_000;
/** A zone this near to its target has arrived. */
const ARRIVED_C = 0.5;
/** A zone this far above its setpoint that is given power and does not cool is not led by it: its controller's integral has run away. */
const AHEAD_C = 0.5;
const AHEAD_PERCENT = 5;
/** The setpoint then goes down, twice as far with every step that is not heeded. */
const TAKE_BACK_C = 1;
/** A zone that is this share of what it may be astray below its setpoint, and still rises, heats as fast as it can: it is waited for. */
const BEHIND_SHARE = 0.75;
/** It rises when it made this share of the ramp in the last such time; one that creeps is astray. */
const RISING_SHARE = 0.25;
const RISING_MS = 30_000;

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
	/** How far the last step took the setpoint back; 0 while the zone is led. */
	takenBackC: number;
	/** What the zone read at the last step. */
	lastC: number;
	/** What it read when the present stretch of RISING_MS began, and whether it rose in the one before. */
	stretchC: number;
	stretchMs: number;
	rises: boolean;
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
	private readonly memory: ZoneMemory;

	constructor(
		private readonly clock: Clock,
		private readonly reactor: GuardedReactor,
		/** A setpoint could not be moved; the ramp has stopped. */
		private readonly onFailure: (zone: string, thrown: unknown) => void,
		private readonly known?: KnownHeaters,
	) {
		this.memory = new ZoneMemory(reactor, known?.heaters ?? {});
	}

	/** Called at every poll. */
	sampled(): void {
		this.memory.sampled();
	}

	/** The last ramp ordered for each zone that the recipe wants heated, whatever has become of it. */
	get orders(): ReadonlyMap<string, Ramp> {
		return this.ordered;
	}

	/** What the steps before an interruption had ordered; nothing moves until `startAgain`. */
	takeUp(orders: ReadonlyMap<string, Ramp>): void {
		for (const [zone, ramp] of orders) this.ordered.set(zone, ramp);
	}

	/** Zones on their way, with the time that is left as ramp or model foretell it. */
	get heating(): HeatingStatus[] {
		const zones: HeatingStatus[] = [];
		for (const [zone, { toC }] of this.ordered) {
			const reading = this.reactor.zone(zone);
			if (!isGood(reading) || reading.value >= toC - ARRIVED_C) continue;
			const ramp = this.active.get(zone);
			const remainingS =
				ramp === undefined
					? this.guided.get(zone)?.secondsFrom(reading.value)
					: plannedRamp(Math.min(reading.value, ramp.setpointC), ramp, ARRIVED_C).seconds;
			if (remainingS !== undefined) zones.push({ zone, targetC: toC, remainingS: Math.round(remainingS) });
		}
		return zones;
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
		if (from >= ramp.toC) return;
		this.active.set(zone, {
			...ramp,
			setpointC: from,
			takenBackC: 0,
			lastC: from,
			stretchC: from,
			stretchMs: this.clock.nowMs(),
			rises: true,
			timer: this.schedule(zone),
		});
	}

	/** All ramps that were ordered, again from where each zone is now. */
	async startAgain(reason: string, signal: AbortSignal): Promise<void> {
		for (const [zone, ramp] of [...this.ordered]) await this.start(zone, { ...ramp }, reason, signal);
		signal.throwIfAborted();
	}

	/** Leaves every setpoint where it is. */
	haltAll(): void {
		this.halts += 1;
		for (const zone of [...this.active.keys(), ...this.guided.keys(), ...this.suspended]) this.halt(zone);
	}

	/** Every zone on its way stays where it is until `resume`; one that has arrived is held as before. */
	async suspend(reason: string): Promise<void> {
		for (const [zone, { timer }] of this.active) {
			timer.cancel();
			this.suspended.add(zone);
		}
		await Promise.all([...this.guided.keys()].map((zone) => this.suspendGuided(zone, reason)));
	}

	/** What was suspended goes on from where it stands; what was halted or ordered anew meanwhile does not. */
	async resume(reason: string, signal: AbortSignal): Promise<void> {
		const zones = [...this.suspended];
		this.suspended.clear();
		for (const zone of zones) {
			const ramp = this.active.get(zone);
			if (ramp !== undefined) ramp.timer = this.schedule(zone);
			else await this.start(zone, { ...this.ordered.get(zone)! }, reason, signal);
		}
	}

	/** A guided setpoint leads its zone by the power that it asks for: it is taken back to where the zone is. */
	private async suspendGuided(zone: string, reason: string): Promise<void> {
		const { toC } = this.ordered.get(zone)!;
		const reading = this.reactor.zone(zone);
		if (!isGood(reading) || reading.value >= toC - ARRIVED_C) return;
		this.halt(zone);
		this.suspended.add(zone);
		try {
			await this.reactor.setZone(zone, reading.value, reason);
		} catch (thrown) {
			this.onFailure(zone, thrown);
		}
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
			before: this.memory.of(zone),
			withinC: ARRIVED_C,
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

	private nextSetpoint(zone: string, ramp: Active): number {
		const reading = this.reactor.zone(zone);
		const output = this.reactor.zoneReading(zone, "output");
		const cools = !isGood(reading) || reading.value < ramp.lastC;
		if (isGood(reading)) ramp.lastC = reading.value;
		const isAhead = !cools && ramp.lastC > ramp.setpointC + AHEAD_C;
		if (isAhead && isGood(output) && output.value > AHEAD_PERCENT) {
			ramp.takenBackC = Math.max(TAKE_BACK_C, 2 * ramp.takenBackC);
			return Math.max(this.reactor.lowestSetpointC(zone), ramp.setpointC - ramp.takenBackC);
		}
		ramp.takenBackC = 0;
		if (isGood(reading)) {
			this.followRise(ramp, reading.value);
			if (this.isBehind(zone, ramp, reading.value)) return ramp.setpointC;
		}
		const rate = ramp.toC - ramp.setpointC > ramp.approachFromC ? ramp.rampCPerMin : ramp.approachCPerMin;
		return Math.min(ramp.toC, ramp.setpointC + (rate * STEP_MS) / 60_000);
	}

	/** At the end of each stretch: whether the zone rose in it. */
	private followRise(ramp: Active, readC: number): void {
		const now = this.clock.nowMs();
		if (now - ramp.stretchMs < RISING_MS) return;
		ramp.rises = readC - ramp.stretchC >= (RISING_SHARE * ramp.rampCPerMin * (now - ramp.stretchMs)) / 60_000;
		ramp.stretchC = readC;
		ramp.stretchMs = now;
	}

	private isBehind(zone: string, ramp: Active, readC: number): boolean {
		const { followC } = this.reactor.spec.zones[zone]!.heater;
		return ramp.rises && ramp.setpointC - readC > BEHIND_SHARE * followC;
	}

	private async step(zone: string): Promise<void> {
		const ramp = this.active.get(zone);
		if (ramp === undefined) return;
		ramp.setpointC = this.nextSetpoint(zone, ramp);
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
