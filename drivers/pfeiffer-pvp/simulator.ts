import type { InstrumentSimulator, SimulatorConnection, SimulatorContext } from "#device/contract.js";
import { decodeTelegram, encodeTelegram, QUERY, readLine, TELEGRAM_BYTES_MAX, type Telegram } from "./codec.js";
import type { PvpSettings } from "./config.js";
import {
	ERROR_STATE,
	FIRMWARE,
	HOURS,
	NAME,
	type Parameter,
	PRESSURE,
	PUMP_ON,
	PUMP_READINGS,
	SPEED_HZ,
	SPEED_RPM,
} from "./parameters.js";

/** What a simulated gauge senses. */
export interface PvpGaugePort {
	/** Pa; null with a broken sensor. */
	pressurePa(channel: number): number | null;
}

/** What a simulated pump does. */
export interface PvpPumpPort {
	/** Whether it really turns: a seized pump does not, whatever it is told. */
	isTurning(): boolean;
	turn(on: boolean): void;
}

export type PvpPort = PvpGaugePort | PvpPumpPort;

export interface PvpSimulatorOptions {
	/** What parameter 349 says. */
	readonly model?: string;
	/** A pump that tells its speed in rpm only (398). */
	readonly rpmOnly?: boolean;
	/** Bytes in front of each answer, as of some older gauges. */
	readonly prefix?: Uint8Array;
}

const NOMINAL_HZ = 60;
const RUN_UP_MS = 20_000;
/** A rotor that is braked by nothing but gas. */
const RUN_DOWN_MS = 5_000;
const MS_PER_HOUR = 3_600_000;
/** Run-up error: told to turn, and it does not. */
const ERROR_STALLED = "Err006";
const SENSOR_BROKEN = "Err001";
const NO_ERROR = "000000";

/**
 * A gauge or pump on an RS-485 line: silent to damaged telegrams and to those of other addresses. A pump that was without
 * power stays switched off, which is the worse of what the manuals leave open.
 */
export class PvpSimulator implements InstrumentSimulator {
	private readonly address: number;
	private readonly pump: PvpPumpPort | undefined;
	private readonly gauge: PvpGaugePort | undefined;
	private nowMs = 0;
	private isOn = false;
	private speedHz = 0;
	private ranMs = 0;

	constructor(
		context: SimulatorContext<PvpSettings, PvpPort>,
		private readonly options: PvpSimulatorOptions = {},
	) {
		this.address = context.settings.rs485_address;
		if (context.settings.role === "pump") {
			this.pump = context.port as PvpPumpPort;
			this.isOn = this.pump.isTurning();
			this.speedHz = this.isOn ? NOMINAL_HZ : 0;
		} else {
			this.gauge = context.port as PvpGaugePort;
		}
	}

	receive(bytes: Uint8Array, connection: SimulatorConnection): void {
		const kept = connection.state instanceof Uint8Array ? connection.state : new Uint8Array();
		let rest = Uint8Array.from([...kept, ...bytes]).subarray(-4 * TELEGRAM_BYTES_MAX);
		for (let line = next(rest); line !== undefined; line = next(rest)) {
			rest = rest.subarray(line.next);
			const asked = decodeTelegram(line.text);
			if (asked !== undefined) this.answer(asked, connection);
		}
		connection.state = rest;
	}

	advance(nowMs: number): void {
		const elapsedMs = nowMs - this.nowMs;
		this.nowMs = nowMs;
		if (this.pump === undefined) return;
		const isTurning = this.pump.isTurning();
		// One that is found turning was switched on at the pump itself.
		this.isOn ||= isTurning;
		const step = (NOMINAL_HZ * elapsedMs) / (isTurning ? RUN_UP_MS : -RUN_DOWN_MS);
		this.speedHz = Math.min(NOMINAL_HZ, Math.max(0, this.speedHz + step));
		if (isTurning) this.ranMs += elapsedMs;
	}

	nextEventMs(): number {
		return Number.POSITIVE_INFINITY;
	}

	powerCycle(): void {
		if (this.pump !== undefined) this.switch(false);
	}

	private switch(on: boolean): void {
		this.isOn = on;
		this.pump!.turn(on);
	}

	private answer({ address, isQuery, parameter, data }: Telegram, connection: SimulatorConnection): void {
		if (address !== this.address) return;
		const answered = isQuery ? this.read(parameter, data) : this.write(parameter, data);
		const telegram = encodeTelegram({ address, isQuery: false, parameter, data: answered });
		connection.send(Uint8Array.from([...(this.options.prefix ?? []), ...telegram]));
	}

	private read(parameter: number, data: string): string {
		if (data !== QUERY) return "_LOGIC";
		return this.values.get(parameter)?.() ?? "NO_DEF";
	}

	private write(parameter: number, data: string): string {
		if (parameter !== PUMP_ON.number || this.pump === undefined) {
			return this.values.has(parameter) ? "_LOGIC" : "NO_DEF";
		}
		const on = PUMP_ON.type.decode(data);
		if (on === undefined) return "_RANGE";
		this.switch(on);
		return data;
	}

	private get values(): ReadonlyMap<number, () => string> {
		const { options } = this;
		const shown: [number, () => string][] = [
			says(NAME, () => options.model ?? (this.pump === undefined ? "PPT100" : "HiScr6")),
			says(FIRMWARE, () => "010300"),
			says(ERROR_STATE, () => this.errorWord()),
		];
		if (this.gauge !== undefined) shown.push(says(PRESSURE, () => Math.max(0, (this.gauge!.pressurePa(1) ?? 0) / 100)));
		if (this.pump === undefined) return new Map(shown);
		const load = this.speedHz / NOMINAL_HZ;
		shown.push(
			says(PUMP_ON, () => this.isOn),
			options.rpmOnly === true
				? says(SPEED_RPM, () => Math.round(this.speedHz * 60))
				: says(SPEED_HZ, () => Math.round(this.speedHz)),
			says(HOURS, () => 1_234 + Math.floor(this.ranMs / MS_PER_HOUR)),
		);
		for (const [name, value] of Object.entries({ current: 4.5 * load, voltage: 48, power: Math.round(216 * load) })) {
			shown.push(says(PUMP_READINGS[name]!.parameter, () => value));
		}
		for (const name of ["temperature_power_stage", "temperature_electronics", "temperature_motor"]) {
			shown.push(says(PUMP_READINGS[name]!.parameter, () => Math.round(24 + 16 * load)));
		}
		return new Map(shown);
	}

	private errorWord(): string {
		if (this.pump !== undefined) return this.isOn && !this.pump.isTurning() ? ERROR_STALLED : NO_ERROR;
		return this.gauge!.pressurePa(1) === null ? SENSOR_BROKEN : NO_ERROR;
	}
}

const says = <Value>({ number, type }: Parameter<Value>, value: () => Value): [number, () => string] => [
	number,
	() => type.encode(value()),
];

/** The next whole line; noise without an end is forgotten. */
function next(bytes: Uint8Array): { text: string; next: number } | undefined {
	try {
		return readLine(bytes);
	} catch {
		return { text: "", next: bytes.length };
	}
}
