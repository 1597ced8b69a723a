/** Instruments that answer from memory, as a plant and a supervisor see them: what they were told is in `told`. */
import { vi } from "vitest";
import { SteppedClock } from "#core/clock.js";
import { AdlayerError } from "#core/errors.js";
import type { Device, PolledValues, SignalInfo } from "#device/contract.js";
import { Plant, type PlantInstrument } from "#device/plant.js";
import type { Reactor } from "#device/reactor.js";
import { MemoryJournal } from "#journal/memory.js";
import { GuardedReactor } from "#safety/guarded-reactor.js";
import { Latch } from "#safety/latch.js";
import { type SafetyCarry, Supervisor } from "#safety/supervisor.js";
import { DECLARATION, REACTOR } from "./support.js";

const info: SignalInfo = { unit: "1", kind: "measurement", description: "" };

export class FakeDevice implements Device {
	readonly signals: Readonly<Record<string, SignalInfo>>;
	readonly values: Record<string, number>;
	/** Everything done to it, in order. */
	readonly told: string[] = [];
	/** Commands fail with this. */
	failure: AdlayerError | undefined;
	/** Polls and connections fail with this. */
	silence: AdlayerError | undefined;
	/** Polls never end. */
	hangs = false;
	model = "M1";
	serial = "1";
	confirmed = true;
	/** What it says of itself at the connection. */
	warnings: string[] = [];
	watchdog?: NonNullable<Device["watchdog"]>;
	pulses?: NonNullable<Device["pulses"]>;
	/** The least digit of every value flickers by so much, as in a gauge; readings that never move are taken for frozen. */
	flicker = 0;
	polls = 0;
	connects = 0;

	constructor(values: Record<string, number>) {
		this.values = values;
		this.signals = Object.fromEntries(Object.keys(values).map((name) => [name, info]));
	}

	async connect() {
		this.connects += 1;
		if (this.silence) throw this.silence;
		const identity = { manufacturer: "Fake", model: this.model, serial: this.serial, firmware: null };
		return { identity, confirmed: this.confirmed, warnings: this.warnings };
	}

	async poll(): Promise<PolledValues> {
		this.polls += 1;
		if (this.hangs) return new Promise(() => {});
		if (this.silence) throw this.silence;
		return Object.fromEntries(
			Object.entries(this.values).map(([name, value]) => [
				name,
				{ value: value + this.flicker * (this.polls % 2), quality: "good" as const },
			]),
		);
	}

	async set(signal: string, value: number): Promise<number> {
		this.told.push(`${signal}=${value}`);
		if (this.failure) throw this.failure;
		this.values[signal] = value;
		return value;
	}

	async makeSafe(): Promise<void> {
		this.told.push("safe");
		if (this.failure) throw this.failure;
	}

	async close(): Promise<void> {}
}

/** A clock that can be made to have stood still. */
export class StallingClock extends SteppedClock {
	stalledMs = 0;

	override nowMs(): number {
		return super.nowMs() + this.stalledMs;
	}
}

export function fakeReactor({ carry, spec = REACTOR }: { readonly carry?: SafetyCarry; readonly spec?: Reactor } = {}) {
	const clock = new StallingClock({ wallStartMs: 0 });
	const journal = new MemoryJournal(clock);
	const devices = {
		mfc: new FakeDevice({ flow: 0, setpoint: 0 }),
		gauge: new FakeDevice({ chamber: 90, foreline: 20 }),
		stage: new FakeDevice({ temperature: 119.5, setpoint: 0, output: 0 }),
		wall: new FakeDevice({ temperature: 120, setpoint: 0, output: 0 }),
		io: new FakeDevice({
			TMA: 0,
			H2O: 0,
			stop: 0,
			pump: 1,
			lid: 1,
			stop_button: 0,
			exhaust: 0,
			cabinet: 0,
			nitrogen: 0,
			air: 0,
		}),
		glovebox: new FakeDevice({ oxygen: 0.1, water: 0.1 }),
	};
	devices.gauge.flicker = 0.001;
	let feeds = 0;
	devices.io.watchdog = {
		timeoutMs: 2_000,
		feed: async () => {
			feeds += 1;
		},
	};
	let heaterFeeds = 0;
	devices.stage.watchdog = {
		timeoutMs: 5_000,
		feed: async () => {
			heaterFeeds += 1;
		},
	};
	const pulses: string[] = [];
	let completed = true;
	devices.io.pulses = {
		limits: { widthMsMin: 1, widthMsMax: 1_000, resolutionMs: 0.001 },
		arm: async (output, widthMs) => {
			pulses.push(`arm ${output} ${widthMs}`);
			return { widthMs };
		},
		fire: async () => void pulses.push("fire"),
		confirm: async () => ({ completed, widthMs: 15, lineLow: completed }),
		disarm: async () => void pulses.push("disarm"),
	};
	const instruments = Object.entries(devices).map(
		([name, device]): PlantInstrument => ({
			name,
			driver: "fake",
			address: "fake:",
			pollMs: 500,
			staleMs: 2_000,
			device,
			counters: { exchanges: 0, retries: 0, timeouts: 0 },
		}),
	);
	// The plant tells the supervisor, and the supervisor asks the plant: as in control.
	let supervisor: Supervisor | undefined;
	const plant = new Plant(clock, instruments, {
		sample: () => supervisor?.sampled(),
		instrument: (name, state) => supervisor?.instrumentChanged(name, state === "ready"),
	});
	supervisor = new Supervisor(clock, plant, spec, journal);
	const guarded = new GuardedReactor(clock, plant, spec, supervisor, journal);
	const trips: string[] = [];
	if (carry !== undefined) supervisor.restore(carry);
	supervisor.start((interlock, effect) => trips.push(`${interlock}: ${effect}`));
	plant.start();
	return {
		clock,
		journal,
		devices,
		plant,
		supervisor,
		guarded,
		trips,
		pulses,
		/** Of the valve I/O. */
		get feeds() {
			return feeds;
		},
		/** Of the stage's controller. */
		get heaterFeeds() {
			return heaterFeeds;
		},
		set pulseCompletes(value: boolean) {
			completed = value;
		},
		silent: (name: string) => new AdlayerError("DEVICE_SILENT", `${name} is silent.`),
		async stop() {
			supervisor.stop();
			await plant.stop();
		},
	};
}

/** The chamber open to the pump with carrier flowing, as a run's commands would have brought it about; `hot` zones heat to 120 °C. */
export async function flowing(reactor: ReturnType<typeof fakeReactor>, hot: readonly string[] = []): Promise<void> {
	const { guarded, supervisor, devices, clock } = reactor;
	supervisor.declare(DECLARATION);
	await guarded.setStopValve(true, "test");
	await guarded.setCarrier(100, "test");
	devices.mfc.values.flow = 100;
	for (const zone of hot) await guarded.setZone(zone, 120, "test");
	await clock.advance(20_000);
	for (const device of Object.values(devices)) device.told.length = 0;
}

/** No interlock acts: what is looked at stands alone. */
export const blind = () => vi.spyOn(Latch.prototype, "judge").mockReturnValue(undefined);
