/** The plant: all instruments of one reactor, kept connected and polled, and the latest reading of every signal. */
import type { Clock } from "#core/clock.js";
import { type AdlayerError, AdlayerError as Failure, asAdlayerError } from "#core/errors.js";
import type { Reading } from "#core/reading.js";
import type { ExchangeCounters } from "#core/wire.js";
import type { Device, Identity, PolledValues, SignalInfo } from "#device/contract.js";

/** Wait between two attempts to reach an instrument. */
const RECONNECT_MS = 1_000;

export interface PlantInstrument {
	readonly name: string;
	readonly driver: string;
	readonly address: string;
	readonly pollMs: number;
	/** A value older than this is stale. */
	readonly staleMs: number;
	readonly device: Device;
	readonly counters: ExchangeCounters;
}

export type InstrumentState = "connecting" | "ready" | "fault";

/** What the plant tells as it happens. Called synchronously; must not throw. */
export interface PlantListener {
	instrument(name: string, state: InstrumentState, details: { identity?: Identity; error?: AdlayerError }): void;
	sample(name: string, values: PolledValues): void;
}

interface Slot {
	readonly spec: PlantInstrument;
	state: InstrumentState;
	identity: Identity | undefined;
	error: AdlayerError | undefined;
	values: PolledValues;
	measuredMs: number;
}

export class Plant {
	private readonly slots = new Map<string, Slot>();
	private readonly signalInfo = new Map<string, SignalInfo>();
	private readonly stopping = new AbortController();
	private loops: Promise<void>[] = [];

	constructor(
		private readonly clock: Clock,
		instruments: readonly PlantInstrument[],
		private readonly listener: PlantListener,
	) {
		for (const spec of instruments) {
			this.slots.set(spec.name, {
				spec,
				state: "connecting",
				identity: undefined,
				error: undefined,
				values: {},
				measuredMs: Number.NEGATIVE_INFINITY,
			});
			for (const [signal, info] of Object.entries(spec.device.signals)) {
				this.signalInfo.set(`${spec.name}.${signal}`, info);
			}
		}
	}

	/** Begins connecting and polling; returns at once. */
	start(): void {
		this.loops = [...this.slots.values()].map((slot) => this.serve(slot));
	}

	/** Ends polling and closes every line. Moves nothing: what must be safe has been made safe before. */
	async stop(): Promise<void> {
		this.stopping.abort();
		await Promise.all(this.loops);
		await Promise.allSettled([...this.slots.values()].map((slot) => slot.spec.device.close()));
	}

	get signals(): ReadonlyMap<string, SignalInfo> {
		return this.signalInfo;
	}

	get instruments(): readonly PlantInstrument[] {
		return [...this.slots.values()].map((slot) => slot.spec);
	}

	instrument(name: string): { state: InstrumentState; identity: Identity | undefined; error: AdlayerError | undefined } {
		return this.slot(name);
	}

	get allReady(): boolean {
		for (const slot of this.slots.values()) if (slot.state !== "ready") return false;
		return true;
	}

	/** The device of a connected instrument; DEVICE_NOT_READY while it is away or at fault. */
	device(name: string): Device {
		const slot = this.slot(name);
		if (slot.state !== "ready") {
			throw new Failure("DEVICE_NOT_READY", `Instrument ${name} is ${slot.state}: ${slot.error?.message ?? "not connected yet"}.`);
		}
		return slot.spec.device;
	}

	/** The device whatever its state, for making safe. */
	deviceAnyway(name: string): Device {
		return this.slot(name).spec.device;
	}

	/** The latest reading of `instrument.signal`, with its quality by age and by the instrument's own word. */
	reading(id: string): Reading {
		const info = this.signalInfo.get(id);
		if (info === undefined) throw new Failure("SIGNAL_UNKNOWN", `There is no signal ${id}.`);
		const dot = id.indexOf(".");
		const slot = this.slot(id.slice(0, dot));
		const polled = slot.values[id.slice(dot + 1)];
		if (polled === undefined) return { value: null, unit: info.unit, quality: "stale", atMs: slot.measuredMs };
		const tooOld = slot.state !== "ready" || this.clock.nowMs() - slot.measuredMs > slot.spec.staleMs;
		return {
			value: polled.value,
			unit: info.unit,
			quality: polled.quality === "fault" ? "fault" : tooOld ? "stale" : "good",
			atMs: slot.measuredMs,
			...(polled.detail === undefined ? {} : { detail: polled.detail }),
		};
	}

	/** Reads one instrument now, outside its rhythm; the readings are those of any other poll. */
	async refresh(name: string): Promise<void> {
		const slot = this.slot(name);
		this.take(slot, await this.device(name).poll());
	}

	private slot(name: string): Slot {
		const slot = this.slots.get(name);
		if (slot === undefined) throw new Failure("SIGNAL_UNKNOWN", `There is no instrument ${name}.`);
		return slot;
	}

	private async serve(slot: Slot): Promise<void> {
		const { signal } = this.stopping;
		while (!signal.aborted) {
			try {
				if (slot.state !== "ready") await this.connect(slot);
				await this.pollUntilFault(slot);
			} catch (thrown) {
				if (signal.aborted) return;
				this.enter(slot, "fault", asAdlayerError(thrown));
				await slot.spec.device.close().catch(() => {});
				await this.clock.sleep(RECONNECT_MS, signal).catch(() => {});
			}
		}
	}

	private async connect(slot: Slot): Promise<void> {
		const found = await slot.spec.device.connect();
		if (!found.confirmed) {
			throw new Failure("IDENTITY_UNKNOWN", `Instrument ${slot.spec.name} at ${slot.spec.address} did not prove to be a ${slot.spec.driver}: ${found.warnings.join(" ")}`);
		}
		slot.identity = found.identity;
		this.take(slot, await slot.spec.device.poll());
		this.enter(slot, "ready");
	}

	/** Polls on a grid of the instrument's period, so that instruments with equal periods act at the same instants. */
	private async pollUntilFault(slot: Slot): Promise<void> {
		const { signal } = this.stopping;
		const { pollMs, device } = slot.spec;
		while (!signal.aborted) {
			const now = this.clock.nowMs();
			const next = (Math.floor(now / pollMs + 1e-9) + 1) * pollMs;
			await this.clock.sleep(next - now, signal);
			this.take(slot, await device.poll());
		}
	}

	private take(slot: Slot, values: PolledValues): void {
		slot.values = values;
		slot.measuredMs = this.clock.nowMs();
		this.listener.sample(slot.spec.name, values);
	}

	private enter(slot: Slot, state: InstrumentState, error?: AdlayerError): void {
		const unchanged = slot.state === state && slot.error?.message === error?.message;
		slot.state = state;
		slot.error = error;
		if (unchanged) return;
		this.listener.instrument(slot.spec.name, state, {
			...(slot.identity === undefined ? {} : { identity: slot.identity }),
			...(error === undefined ? {} : { error }),
		});
	}
}
