/** The safe-state table as actions: what is moved for each effect, tried at once and again until it is where it must be. */
import type { Clock } from "#core/clock.js";
import type { Plant } from "#device/plant.js";
import type { RecordSink } from "#record/records.js";
import type { Actuators } from "#safety/actuators.js";
import type { Alarms } from "#safety/alarms.js";
import { type Effect, isGood, isMade, type SafetyView, valveInstruments } from "#safety/interlock.js";
import { stopValveReasons } from "#safety/rules.js";
import { type SafeOrder, SafeTask } from "#safety/safe-task.js";

/** Where the stop valve and the carrier go, by effect; the precursor valves always shut. */
const TABLE: Record<Effect, { readonly stopOpen: boolean; readonly carrier: "purge" | "zero" }> = {
	trip: { stopOpen: true, carrier: "purge" },
	"carrier-lost": { stopOpen: true, carrier: "zero" },
	"pump-lost": { stopOpen: false, carrier: "zero" },
};

/** From the mildest to the one that overrules the others: without a pump nothing flows, without carrier nothing purges. */
const SEVERITY: readonly Effect[] = ["trip", "carrier-lost", "pump-lost"];

/** The effect that covers both causes at once. */
export function worseEffect(a: Effect, b: Effect | undefined): Effect {
	return b === undefined || SEVERITY.indexOf(a) >= SEVERITY.indexOf(b) ? a : b;
}

/** Nobody waits longer than this for instruments that do not answer; a heater that does answer needs one second. */
const FIRST_TRIES_MS = 5_000;

export interface SafeStateParts {
	readonly clock: Clock;
	readonly plant: Plant;
	readonly actuators: Actuators;
	readonly view: SafetyView;
	readonly alarms: Alarms;
	readonly sink: RecordSink;
}

export class SafeState {
	private readonly precursorTasks: readonly SafeTask[];
	private readonly stopTask: SafeTask;
	private readonly carrierTask: SafeTask;
	private readonly zoneTasks: readonly SafeTask[];
	private readonly tasks: readonly SafeTask[];

	constructor(private readonly on: SafeStateParts) {
		const { reactor } = on.view;
		const { actuators } = on;
		const precursorInstruments = new Set(Object.values(reactor.precursors).map(({ instrument }) => instrument));
		this.precursorTasks = [...precursorInstruments].map((instrument) =>
			this.task(`precursor valves on ${instrument}`, instrument, async ({ cause }) => {
				await actuators.shutPrecursors(instrument, { run: null, reason: cause });
				return true;
			}),
		);
		this.stopTask = this.task("stop valve", reactor.stopValve.instrument, (order) => this.moveStopValve(order));
		this.carrierTask = this.task("carrier", reactor.carrier.instrument, (order, isFirst) =>
			this.moveCarrier(order, isFirst),
		);
		this.zoneTasks = Object.entries(reactor.zones).map(([zone, { instrument }]) =>
			this.task(`zone ${zone}`, instrument, async ({ cause }) => {
				await actuators.switchZoneOff(zone, { run: null, reason: cause });
				return true;
			}),
		);
		this.tasks = [...this.precursorTasks, this.stopTask, this.carrierTask, ...this.zoneTasks];
	}

	/**
	 * Orders everything to its place, all instruments at once. Resolves when each action has been tried, at the latest after
	 * FIRST_TRIES_MS; what failed goes on being tried. Never rejects.
	 */
	enter(effect: Effect, cause: string, keepHeaters: boolean): Promise<void> {
		const order: SafeOrder = { effect, cause };
		const tasks = keepHeaters ? this.tasks.filter((task) => !this.zoneTasks.includes(task)) : this.tasks;
		return this.tried(Promise.all(tasks.map((task) => task.begin(order))));
	}

	/** Switches one zone off, and goes on trying. Resolves as `enter` does. */
	switchZoneOff(zone: string, cause: string): Promise<void> {
		const task = this.zoneTasks.find(({ title }) => title === `zone ${zone}`);
		return this.tried(task?.begin({ effect: "trip", cause }) ?? Promise.resolve());
	}

	/** True while a safe state is ordered for the valves or the carrier. */
	get isStanding(): boolean {
		return this.stopTask.isOrdered || this.carrierTask.isOrdered;
	}

	/** True when a valve could not be brought to where the safe state wants it, by an instrument that is there. */
	get hasUncertainValves(): boolean {
		return [...this.precursorTasks, this.stopTask].some(
			(task) => task.hasFailed && this.on.view.instrumentReady(task.instrument),
		);
	}

	/** True while it is not verified that every precursor valve has been shut as ordered. */
	get isShuttingPrecursors(): boolean {
		return this.precursorTasks.some((task) => task.isUnfinished);
	}

	/** Tries again what is still due; called on each beat of the supervisor. */
	retry(): void {
		for (const task of this.tasks) task.retry();
	}

	/** An instrument is back and may have lost what it was told: everything the standing state wants of it is done anew. */
	instrumentReturned(name: string): void {
		const valvesReturned = valveInstruments(this.on.view.reactor).includes(name);
		for (const task of this.tasks) {
			if (task.instrument === name || (valvesReturned && task === this.carrierTask)) task.again();
		}
	}

	/** A permitted command moves this actuator: the safe state lets go of it. */
	release(title: string): void {
		for (const task of this.tasks) if (task.title === title) task.release();
	}

	private tried(attempts: Promise<unknown>): Promise<void> {
		return new Promise((resolve) => {
			const timer = this.on.clock.setTimer(FIRST_TRIES_MS, resolve);
			void attempts.then(() => {
				timer.cancel();
				resolve();
			});
		});
	}

	/** Ids of the alarms that its actions may raise. */
	get alarms(): readonly string[] {
		return this.tasks.map(({ alarm }) => alarm);
	}

	private task(
		title: string,
		instrument: string,
		act: (order: SafeOrder, isFirst: boolean) => Promise<boolean>,
	): SafeTask {
		const { clock, plant, alarms, sink } = this.on;
		return new SafeTask({
			title,
			instrument,
			act,
			clock,
			alarms,
			sink,
			isConnecting: () => plant.instrument(instrument).state === "connecting",
		});
	}

	/** After the precursors of the same instrument. Where it may not be opened it stays shut until it may. */
	private async moveStopValve(order: SafeOrder): Promise<boolean> {
		const { actuators, view } = this.on;
		const why = { run: null, reason: order.cause };
		for (const task of this.precursorTasks) if (task.instrument === this.stopTask.instrument) await task.idle;
		if (!TABLE[order.effect].stopOpen) {
			await actuators.setStopValve(false, why);
			return true;
		}
		const was = view.commanded.stopValve;
		// What is open already stays open while the pump runs: a lost gauge is no reason to shut the chamber off.
		const mayBeOpen = was === "open" ? isMade(view, view.reactor.inputs.pumpRunning) : isEmpty(stopValveReasons(view));
		if (mayBeOpen) {
			await actuators.setStopValve(true, why);
			return true;
		}
		if (was !== "shut") await actuators.setStopValve(false, why);
		return false;
	}

	/**
	 * After the stop valve: purge gas flows only into a chamber that is open to the pump. While nobody can say (the valve I/O
	 * is away, its watchdog or its spring has moved the valve), it flows as long as the pressure proves that it gets out.
	 */
	private async moveCarrier(order: SafeOrder, isFirst: boolean): Promise<boolean> {
		const { actuators, view } = this.on;
		const { carrier, limits, pressures, stopValve } = view.reactor;
		const set = async (sccm: number) => {
			if (isFirst || view.commanded.carrierSccm !== sccm)
				await actuators.setCarrier(sccm, { run: null, reason: order.cause });
		};
		if (TABLE[order.effect].carrier === "zero") {
			await set(0);
			return true;
		}
		if (view.instrumentReady(stopValve.instrument)) await this.stopTask.idle;
		const chamber = view.reading(pressures.chamber);
		if (view.commanded.stopValve === "open") {
			// A valve that is told to be open and is not fills the chamber: a pressure too high, or beyond the gauge, shows it.
			const isFull = chamber.quality === "fault" || (isGood(chamber) && chamber.value > limits.dosePaMax);
			await set(isFull ? 0 : carrier.purgeSccm);
			return !isFull;
		}
		const getsOut = view.commanded.stopValve === "unknown" && isGood(chamber) && chamber.value <= limits.dosePaMax;
		await set(getsOut ? carrier.purgeSccm : 0);
		return false;
	}
}

function isEmpty(reasons: Iterable<unknown>): boolean {
	for (const _ of reasons) return false;
	return true;
}
