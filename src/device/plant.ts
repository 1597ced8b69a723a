/** The plant: all instruments of one reactor, kept connected and polled, and the latest reading of every signal. */
import type { Clock, Timer } from "#core/clock.js";
import { AdlayerError, asAdlayerError } from "#core/errors.js";
import type { Reading } from "#core/reading.js";
import type { ExchangeCounters } from "#core/wire.js";
import type { Device, Identity, PolledValues, SignalInfo } from "#device/contract.js";

/** Wait between two attempts to reach an instrument. */
const RECONNECT_MS = 1_000;
/** Longer than any bounded exchange with all its retries: a poll that takes longer will never end. */
export const POLL_HANGS_MS = 15_000;
/** A connection has some hundred exchanges at most. */
export const CONNECT_HANGS_MS = 60_000;
/** Hung conversations are looked for this often. */
const LOOK_FOR_HANGS_MS = 1_000;

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

export interface InstrumentDetails {
	readonly identity?: Identity;
	readonly error?: AdlayerError;
	/** What the driver saw at the connection that does not forbid to use the instrument. */
	readonly warnings?: readonly string[];
}

/** What the plant tells as it happens. Called synchronously; must not throw. */
export interface PlantListener {
	instrument(name: string, state: InstrumentState, details: InstrumentDetails): void;
	sample(name: string, values: PolledValues): void;
}

interface Slot {
	readonly spec: PlantInstrument;
	state: InstrumentState;
	identity: Identity | undefined;
	warnings: readonly string[];
	/** Of its first connection, where it says one. */
	firstSerial: string | null;
	error: AdlayerError | undefined;
	values: PolledValues;
	measuredMs: number;
	/** The conversation under way: what it is, when it will have hung, and how to give it up. */
	talk: { readonly what: string; readonly hangsMs: number; giveUp(error: AdlayerError): void } | undefined;
}

interface Signal {
	readonly slot: Slot;
	/** The signal's name within its instrument. */
	readonly key: string;
	readonly info: SignalInfo;
}

export class Plant {
	private readonly slots = new Map<string, Slot>();
	private readonly table = new Map<string, Signal>();
	private readonly stopping = new AbortController();
	private loops: Promise<void>[] = [];
	private hangTimer: Timer | undefined;

	constructor(
		private readonly clock: Clock,
		instruments: readonly PlantInstrument[],
		private readonly listener: PlantListener,
	) {
		for (const spec of instruments) {
			const slot: Slot = {
				spec,
				state: "connecting",
				identity: undefined,
				warnings: [],
				firstSerial: null,
				error: undefined,
				values: {},
				measuredMs: Number.NEGATIVE_INFINITY,
				talk: undefined,
			};
			this.slots.set(spec.name, slot);
			for (const [key, info] of Object.entries(spec.device.signals)) {
				this.table.set(`${spec.name}.${key}`, { slot, key, info });
			}
		}
	}

	/** Begins connecting and polling; returns at once. */
	start(): void {
		this.loops = [...this.slots.values()].map((slot) => this.serve(slot));
		this.lookForHangs();
	}

	/** Ends polling and closes every line. Moves nothing: what must be safe has been made safe before. */
	async stop(): Promise<void> {
		this.stopping.abort();
		this.hangTimer?.cancel();
		const stopped = new AdlayerError("DEVICE_NOT_READY", "Control is stopping.");
		const closed = [...this.slots.values()].map((slot) => {
			slot.talk?.giveUp(stopped);
			return slot.spec.device.close();
		});
		await Promise.allSettled([...this.loops, ...closed]);
	}

	get signals(): ReadonlyMap<string, SignalInfo> {
		return new Map([...this.table].map(([id, { info }]) => [id, info]));
	}

	get instruments(): readonly PlantInstrument[] {
		return [...this.slots.values()].map((slot) => slot.spec);
	}

	instrument(name: string): {
		state: InstrumentState;
		identity: Identity | undefined;
		error: AdlayerError | undefined;
	} {
		return this.slot(name);
	}

	/** What its listener was told last, or would be told now. */
	details(name: string): InstrumentDetails {
		return detailsOf(this.slot(name));
	}

	get allReady(): boolean {
		for (const slot of this.slots.values()) if (slot.state !== "ready") return false;
		return true;
	}

	/** The device of a connected instrument; DEVICE_NOT_READY while it is away or at fault. */
	device(name: string): Device {
		const slot = this.slot(name);
		if (slot.state !== "ready") throw notReady(slot);
		return slot.spec.device;
	}

	/**
	 * The device for making safe, also while its instrument is at fault: the line may still work. DEVICE_NOT_READY when it is
	 * not known to be the instrument that is meant: then nothing is written to it.
	 */
	deviceToMakeSafe(name: string): Device {
		const slot = this.slot(name);
		const { identity, error, spec } = slot;
		if (identity === undefined || isIdentityError(error)) throw notReady(slot);
		return spec.device;
	}

	/** The latest reading of `instrument.signal`, with its quality by age and by the instrument's own word. */
	reading(id: string): Reading {
		const signal = this.table.get(id);
		if (signal === undefined) throw new AdlayerError("SIGNAL_UNKNOWN", `There is no signal ${id}.`);
		const { slot, info } = signal;
		const { unit } = info;
		const atMs = slot.measuredMs;
		const polled = slot.values[signal.key];
		if (polled === undefined) return { value: null, unit, quality: "stale", atMs };
		if (polled.quality === "fault") {
			const { value, detail } = polled;
			return detail === undefined
				? { value, unit, quality: "fault", atMs }
				: { value, unit, quality: "fault", atMs, detail };
		}
		const isFresh = slot.state === "ready" && this.clock.nowMs() - atMs <= slot.spec.staleMs;
		return { value: polled.value, unit, quality: isFresh ? "good" : "stale", atMs };
	}

	private slot(name: string): Slot {
		const slot = this.slots.get(name);
		if (slot === undefined) throw new AdlayerError("SIGNAL_UNKNOWN", `There is no instrument ${name}.`);
		return slot;
	}

	/** A mistake in what follows from a reading is not the instrument's fault: it ends control, and the watchdogs act. */
	private told(tell: () => void): void {
		try {
			tell();
		} catch (mistake) {
			queueMicrotask(() => {
				throw mistake;
			});
		}
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
				await this.bounded(slot, "closing", POLL_HANGS_MS, () => slot.spec.device.close()).catch(() => {});
				await this.clock.sleep(RECONNECT_MS, signal).catch(() => {});
			}
		}
	}

	private async connect(slot: Slot): Promise<void> {
		const { name, address, driver, device } = slot.spec;
		const found = await this.bounded(slot, "connecting", CONNECT_HANGS_MS, () => device.connect());
		if (!found.confirmed) {
			throw new AdlayerError(
				"IDENTITY_UNKNOWN",
				`Instrument ${name} at ${address} did not prove to be a ${driver}: ${found.warnings.join(" ")}`,
			);
		}
		this.assertSameModel(slot, found.identity);
		slot.identity = found.identity;
		slot.warnings = [...found.warnings, ...exchanged(slot.firstSerial, found.identity.serial)];
		slot.firstSerial ??= found.identity.serial;
		this.take(slot, await this.bounded(slot, "polling", POLL_HANGS_MS, () => device.poll()));
		this.enter(slot, "ready");
	}

	/** A spare of the same model may take an instrument's place; another model has other ranges and is not what was checked. */
	private assertSameModel({ spec, identity }: Slot, found: Identity): void {
		if (identity === undefined) return;
		if (identity.manufacturer === found.manufacturer && identity.model === found.model) return;
		const [was, is] = [identity, found].map(({ manufacturer, model }) => `${manufacturer} ${model}`);
		throw new AdlayerError("IDENTITY_MISMATCH", `Instrument ${spec.name} was ${was} and has come back as ${is}.`, {
			hint: "If the exchange is meant, correct the lab file and start control anew.",
		});
	}

	/** Polls on a grid of the instrument's period, so that instruments with equal periods act at the same instants. */
	private async pollUntilFault(slot: Slot): Promise<void> {
		const { signal } = this.stopping;
		const { pollMs, device } = slot.spec;
		const poll = () => device.poll();
		while (!signal.aborted) {
			const now = this.clock.nowMs();
			const next = (Math.floor(now / pollMs + 1e-9) + 1) * pollMs;
			await this.rest(slot, next - now);
			this.take(slot, await this.bounded(slot, "polling", POLL_HANGS_MS, poll));
		}
	}

	/** A wait that ends early, by a rejection, when the plant stops; lighter than one with a signal. */
	private rest(slot: Slot, durationMs: number): Promise<void> {
		return new Promise((resolve, reject) => {
			const timer = this.clock.setTimer(durationMs, resolve);
			const giveUp = (error: AdlayerError) => {
				timer.cancel();
				reject(error);
			};
			slot.talk = { what: "waiting", hangsMs: Number.POSITIVE_INFINITY, giveUp };
		});
	}

	/** A conversation that is given up when it does not end. */
	private bounded<Result>(slot: Slot, what: string, limitMs: number, converse: () => Promise<Result>): Promise<Result> {
		return new Promise((resolve, reject) => {
			slot.talk = { what, hangsMs: this.clock.nowMs() + limitMs, giveUp: reject };
			converse().then(resolve, reject);
		});
	}

	private lookForHangs(): void {
		this.hangTimer = this.clock.setTimer(LOOK_FOR_HANGS_MS, () => {
			const now = this.clock.nowMs();
			for (const { spec, talk } of this.slots.values()) {
				// Giving up what has ended long ago changes nothing: its promise is settled.
				if (talk !== undefined && now >= talk.hangsMs) {
					talk.giveUp(new AdlayerError("DEVICE_SILENT", `${spec.name} did not come to an end with ${talk.what}.`));
				}
			}
			this.lookForHangs();
		});
	}

	private take(slot: Slot, values: PolledValues): void {
		slot.values = values;
		slot.measuredMs = this.clock.nowMs();
		this.told(() => this.listener.sample(slot.spec.name, values));
	}

	private enter(slot: Slot, state: InstrumentState, error?: AdlayerError): void {
		const unchanged = slot.state === state && isSameFault(slot.error, error);
		slot.state = state;
		slot.error = error;
		if (unchanged) return;
		this.told(() => this.listener.instrument(slot.spec.name, state, detailsOf(slot)));
	}
}

/** Nobody has seen of a spare what the commissioning has shown of the instrument before. */
function exchanged(first: string | null, now: string | null): string[] {
	if (first === null || now === null || first === now) return [];
	return [
		`Its serial number is ${now}; at this start of control it was ${first}: what was tested of that one is to be tested of this one.`,
	];
}

function detailsOf({ state, identity, error, warnings }: Slot): InstrumentDetails {
	return {
		...(identity === undefined ? {} : { identity }),
		...(error === undefined ? {} : { error }),
		...(state !== "ready" || warnings.length === 0 ? {} : { warnings }),
	};
}

/**
 * A fault that only words itself differently at the next attempt is the same. A setting that was corrected and has uncovered
 * the next one is not: whoever corrects it reads what is left.
 */
function isSameFault(before: AdlayerError | undefined, now: AdlayerError | undefined): boolean {
	if (before?.code !== now?.code) return false;
	return now?.code !== "DEVICE_MISCONFIGURED" || before?.message === now.message;
}

function isIdentityError(error: AdlayerError | undefined): boolean {
	return error?.code === "IDENTITY_MISMATCH" || error?.code === "IDENTITY_UNKNOWN";
}

function notReady({ spec, state, error }: Slot): AdlayerError {
	const what = state === "fault" ? "at fault" : state;
	const why = error?.message ?? "It is not connected yet.";
	return new AdlayerError("DEVICE_NOT_READY", `Instrument ${spec.name} is ${what}: ${why}`);
}
