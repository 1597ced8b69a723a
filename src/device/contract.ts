/**
 * What a driver gives and gets. A driver turns one instrument into a `Device`; the plant keeps it connected and polled;
 * safety hands out what may move. Names of signals are those of the lab file.
 */
import type { Clock } from "#core/clock.js";
import type { Quality, Unit } from "#core/reading.js";
import type { ModbusMaster, MqttLink, RequestLine } from "#core/wire.js";
import type { Cycler } from "#device/cycler.js";

/** What an instrument says it is; `null` where it has no way to say. */
export interface Identity {
	readonly manufacturer: string | null;
	readonly model: string | null;
	readonly serial: string | null;
	readonly firmware: string | null;
}

export interface Identification {
	readonly identity: Identity;
	/** False when something speaks the protocol but cannot say what it is: control refuses it, `probe` warns. */
	readonly confirmed: boolean;
	readonly warnings: readonly string[];
}

export interface SignalInfo {
	readonly unit: Unit;
	/** A measurement is sensed; a setpoint is what the instrument was told and reads back; a state is a contact or mode. */
	readonly kind: "measurement" | "setpoint" | "state";
	readonly description: string;
	/** Present when the signal can be set; the instrument's own limits. */
	readonly settable?: { readonly min: number; readonly max: number };
}

/** One polled value. `null` when the instrument says that it has no valid measurement. */
export interface PolledValue {
	readonly value: number | null;
	readonly quality: Exclude<Quality, "stale">;
	readonly detail?: string;
	/** Of a fault: the quantity is beyond the sensor's range, and nothing is broken. */
	readonly isBeyondRange?: true;
}

export type PolledValues = Readonly<Record<string, PolledValue>>;

/** A live instrument. Every method rejects with an AdlayerError; none retries beyond the line's own bounded retries. */
export interface Device {
	/** Known without a connection, from the settings. */
	readonly signals: Readonly<Record<string, SignalInfo>>;
	/**
	 * Opens the line and says what answers, by reading alone: for a look at an instrument of which nothing is known or that
	 * has its work elsewhere. `poll` works after it as far as reading alone allows; what cannot be read has quality fault.
	 */
	inspect?(): Promise<Identification>;
	/** Opens the line, checks identity and configuration. Called again after every loss. */
	connect(): Promise<Identification>;
	/** Reads all signals, in as few exchanges as the protocol allows. */
	poll(): Promise<PolledValues>;
	/** Sets a signal: range-checked before a byte leaves, read back after. Gives the value read back. */
	set?(signal: string, value: number): Promise<number>;
	/** What the driver can do to bring its instrument to its safe state (README says which). Tries everything, then throws the first failure. */
	makeSafe(): Promise<void>;
	close(): Promise<void>;
	/** Hardware-timed outputs, where the instrument has them. */
	readonly pulses?: PulseOutputs;
	/** The instrument's own dead-man, fed by the supervisor alone. */
	readonly watchdog?: Watchdog;
	/** Channels that test battery cells. */
	readonly cycler?: Cycler;
	/** A temperature controller's own loop, where the driver can reach its settings. */
	readonly loop?: LoopAccess;
}

/** Settings of a PID loop, in the instrument's readings. */
export interface LoopSettings {
	/** The error that asks for full power. */
	readonly proportionalBandC: number;
	/** 0: off. */
	readonly integralS: number;
	/** 0: off. */
	readonly derivativeS: number;
}

export interface LoopAccess {
	settings(): Promise<LoopSettings>;
	/**
	 * Writes what differs and reads all of it back; gives what the instrument then has. When it fails on the way, the former
	 * settings are written back before it throws.
	 */
	write(settings: LoopSettings): Promise<LoopSettings>;
	/** Remembers what the controller works to and by whose word; the function given back brings it there again, verified. */
	remember(): Promise<() => Promise<void>>;
}

/** Digital outputs whose pulses are timed by the instrument's hardware. */
export interface PulseOutputs {
	/** The shortest pulse the timer can make, in ms, and its resolution. */
	readonly limits: { readonly widthMsMin: number; readonly widthMsMax: number; readonly resolutionMs: number };
	/** Prepares one pulse on an output without starting it; gives the width the timer will really make. Replaces an earlier arming. */
	arm(output: string, widthMs: number): Promise<{ widthMs: number }>;
	/** Starts the armed pulse; resolves when the instrument has acknowledged the start. */
	fire(): Promise<void>;
	/** Reads back whether the started pulse has ended and what the timer registers hold. */
	confirm(): Promise<{ completed: boolean; widthMs: number; lineLow: boolean }>;
	/** Disables an armed or running pulse and drives the line low; verified. */
	disarm(): Promise<void>;
}

export interface Watchdog {
	readonly timeoutMs: number;
	feed(): Promise<void>;
}

/** What the composition root gives a driver: its own share of the wire, made from the instrument's address. */
export interface DriverContext<Settings> {
	/** The instrument's name in the lab file. */
	readonly name: string;
	readonly settings: Settings;
	readonly clock: Clock;
	/**
	 * Of a temperature controller: the limit of the zone that it heats, in the instrument's own readings. `connect` refuses one that
	 * could be set higher at its front. Absent in a probe.
	 */
	readonly limitC?: number;
	/** Set for Modbus addresses: one unit on a (possibly shared) line. */
	readonly modbus?: ModbusMaster;
	/** Set for byte-stream addresses: requests and replies on a line. */
	readonly line?: RequestLine;
	/** Set for MQTT addresses: the topics below the address's prefix. */
	readonly mqtt?: MqttLink;
}

/** What `drivers/<vendor-model>/index.ts` exports, and one line of drivers/index.ts lists. */
export interface DriverDefinition<Settings = never, Port = never> {
	/** The folder's name, and the `driver:` of a lab file. */
	readonly name: string;
	/** One line for people: "Eurotherm 3216 temperature controller (Modbus RTU)". */
	readonly title: string;
	/** JSON Schema (draft-07, `additionalProperties: false`) of the settings. */
	readonly settingsSchema: object;
	/** Settings with which an instrument can be probed of which nothing else is known; control never uses them. */
	readonly probeSettings?: Readonly<Record<string, unknown>>;
	/** Properties of the settings that take more in a probe than in a lab file. */
	readonly probeProperties?: Readonly<Record<string, object>>;
	/** Schemes it accepts, from docs/lab-file.md: "modbus-rtu", "modbus-tcp", "serial", "tcp", ... */
	readonly addressSchemes: readonly string[];
	/**
	 * Settings by which it is told from others on its line, besides the Modbus unit of its address. Absent where only the unit
	 * does, or nothing: then an instrument on a line of bytes has it to itself.
	 */
	readonly tellsApart?: readonly string[];
	/** Timing of requests on its line. */
	readonly timing: { readonly timeoutMs: number; readonly retries: number };
	create(context: DriverContext<Settings>): Device;
	/** The other end of the wire. `port` is what the simulator senses and actuates, and is specific to the instrument. */
	simulate(context: SimulatorContext<Settings, Port>): InstrumentSimulator;
}

export interface SimulatorContext<Settings, Port> {
	readonly name: string;
	readonly settings: Settings;
	readonly port: Port;
	readonly seed: number;
	/** Modbus unit or bus address, from the instrument's address. */
	readonly unit: number;
	/** Unix ms of lab time, for instruments that stamp what they say. */
	readonly wallMs?: () => number;
	/** For instruments on MQTT, from within `advance` and `hear`: publishes below the address's prefix. */
	readonly publish?: (topic: string, payload: Uint8Array, options?: { readonly retain?: boolean }) => void;
}

/**
 * An instrument's electronics and its wire protocol. Time comes from outside: `advance` is always called with the current
 * time before `receive`, so that no timer of its own is needed.
 */
export interface InstrumentSimulator {
	/** Bytes from one connection. `reply` sends bytes back on it, at once. Several units share a line: stay silent when not addressed. */
	receive(bytes: Uint8Array, connection: SimulatorConnection): void;
	/** Of an instrument on MQTT: a message of anybody's below its prefix, its own among them. It may publish at once. */
	hear?(topic: string, payload: Uint8Array): void;
	/** Brings the electronics (PID, timers, watchdogs) to `nowMs`; never backwards. */
	advance(nowMs: number): void;
	/** The next time at which the electronics act by themselves (a pulse edge, a watchdog); Infinity when there is none. */
	nextEventMs(): number;
	/** Power off and on: volatile state is lost, what boots by default is there. */
	powerCycle(): void;
}

export interface SimulatorConnection {
	send(bytes: Uint8Array): void;
	/** Free for the simulator: bytes not yet understood, per connection. */
	state: unknown;
}
