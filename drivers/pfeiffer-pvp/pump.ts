import { AdlayerError } from "#core/errors.js";
import type { Device, DriverContext, Identification, PolledValue, PolledValues, SignalInfo } from "#device/contract.js";
import { decodeErrorState, type ErrorState } from "./codec.js";
import type { PumpSettings } from "./config.js";
import { type Answer, Conversation, fault, good, polled } from "./conversation.js";
import { ERROR_STATE, HOURS, type Parameter, PUMP_ON, PUMP_READINGS, SPEED_HZ, SPEED_RPM } from "./parameters.js";

const RPM_PER_HZ = 60;

/**
 * A pump (TC, HiPace, HiScroll ...) as a device. `running` is proven by the pump itself: switched on, fast enough, no error;
 * it is a fault as soon as one of the three cannot be read. `on` can be set where the lab file allows it, is sent once, and
 * never by a connection or a safe state. Errors of `connect`: IDENTITY_MISMATCH when what answers is no pump.
 */
export class PvpPump implements Device {
	readonly signals: Readonly<Record<string, SignalInfo>>;
	private readonly conversation: Conversation;
	/** Where this pump tells its speed; known once connected. */
	private speed: { readonly parameter: Parameter<number>; readonly perHz: number } | undefined;

	constructor(private readonly context: DriverContext<PumpSettings>) {
		this.conversation = new Conversation(context);
		const { remote_control, readings = [] } = context.settings;
		this.signals = {
			running: { unit: "bool", kind: "state", description: "Switched on, fast enough and without an error" },
			on: {
				unit: "bool",
				kind: "setpoint",
				description: "Switched on",
				...(remote_control === undefined ? {} : { settable: { min: 0, max: remote_control === "start-stop" ? 1 : 0 } }),
			},
			speed: { unit: "Hz", kind: "measurement", description: "Rotation speed" },
			fault: { unit: "bool", kind: "state", description: "The pump reports an error" },
			error_code: { unit: "1", kind: "state", description: "Number of the error, 0 without one" },
			warning_code: { unit: "1", kind: "state", description: "Number of the warning, 0 without one" },
			hours: { unit: "h", kind: "measurement", description: "Operating hours" },
			...Object.fromEntries(
				readings.map((name): [string, SignalInfo] => {
					const { unit, description } = PUMP_READINGS[name]!;
					return [name, { unit, kind: "measurement", description }];
				}),
			),
		};
	}

	async inspect(): Promise<Identification> {
		return this.identify(true);
	}

	async connect(): Promise<Identification> {
		return this.identify(false);
	}

	/** The on/off state is asked for first: whoever answers that may be silent to what it does not know. */
	private async identify(looking: boolean): Promise<Identification> {
		const { conversation } = this;
		this.speed = undefined;
		conversation.look(false);
		await conversation.line.open();
		const on = await conversation.read(PUMP_ON);
		conversation.look(looking);
		const found = await conversation.identify();
		const speed = await this.findSpeed();
		if (looking && speed !== undefined && "refused" in on) {
			this.speed = speed;
			const warnings = [...found.warnings, `It has no on/off state (010), as a pump has: ${on.refused}.`];
			return { ...found, confirmed: false, warnings };
		}
		if (speed === undefined || "refused" in on) {
			const missing = speed === undefined ? "a rotation speed (309, 398)" : "an on/off state (010)";
			throw new AdlayerError(
				"IDENTITY_MISMATCH",
				`${found.identity.model ?? "An instrument without a name"} answered as ${this.context.name}, but it is no pump: it has not got ${missing}.`,
			);
		}
		this.speed = speed;
		return found;
	}

	async poll(): Promise<PolledValues> {
		const { conversation, speed } = this;
		if (speed === undefined) throw this.notConnected();
		const on = await conversation.read(PUMP_ON);
		const turning = await conversation.read(speed.parameter);
		const state = errorStateOf(await conversation.read(ERROR_STATE));
		const speedHz = "refused" in turning ? turning : { value: turning.value / speed.perHz };
		const values: Record<string, PolledValue> = {
			running: this.running(on, speedHz, state),
			on: "refused" in on ? fault(on.refused) : good(on.value ? 1 : 0),
			speed: polled(speedHz),
			fault: "refused" in state ? fault(state.refused) : good(state.value.error === 0 ? 0 : 1),
			error_code: "refused" in state ? fault(state.refused) : good(state.value.error),
			warning_code: "refused" in state ? fault(state.refused) : good(state.value.warning),
			hours: polled(await conversation.read(HOURS)),
		};
		for (const name of this.context.settings.readings ?? []) {
			values[name] = polled(await conversation.read(PUMP_READINGS[name]!.parameter));
		}
		return values;
	}

	/**
	 * Sets `on` to 0 or 1. SETPOINT_OUT_OF_RANGE when the lab file does not allow it, PERMIT_REFUSED for the start of a pump
	 * that reports an error, READBACK_MISMATCH when the pump did not take it over. A start without an answer is not repeated.
	 */
	async set(signal: string, value: number): Promise<number> {
		const { name } = this.context;
		const { settable } = this.signals[signal] ?? {};
		if (settable === undefined)
			throw new AdlayerError("SIGNAL_UNKNOWN", `${name} has no signal ${signal} that can be set.`);
		if (value !== 0 && value !== settable.max) {
			const allowed = settable.max === 0 ? "0 (stop)" : "0 (stop) or 1 (start)";
			throw new AdlayerError("SETPOINT_OUT_OF_RANGE", `${name}.${signal} is ${value}, allowed is ${allowed}.`, {
				context: { value, min: settable.min, max: settable.max },
			});
		}
		if (this.speed === undefined) throw this.notConnected();
		if (value === 1) await this.refuseStartWithError();
		await this.conversation.write(PUMP_ON, value === 1);
		const readBack = (await this.conversation.demand(PUMP_ON)) ? 1 : 0;
		if (readBack !== value) {
			throw new AdlayerError(
				"READBACK_MISMATCH",
				`${name}.${signal} was set to ${value}, but reads back ${readBack}.`,
				{
					context: { requested: value, readBack },
				},
			);
		}
		return readBack;
	}

	/** The safe state of a pump is to go on as it is: a running pump carries away what must not stay in the chamber. */
	async makeSafe(): Promise<void> {}

	async close(): Promise<void> {
		this.speed = undefined;
		await this.conversation.line.close();
	}

	private async findSpeed(): Promise<{ parameter: Parameter<number>; perHz: number } | undefined> {
		if ("value" in (await this.conversation.read(SPEED_HZ))) return { parameter: SPEED_HZ, perHz: 1 };
		if ("value" in (await this.conversation.read(SPEED_RPM))) return { parameter: SPEED_RPM, perHz: RPM_PER_HZ };
		return undefined;
	}

	private running(on: Answer<boolean>, speedHz: Answer<number>, state: Answer<ErrorState>): PolledValue {
		for (const answer of [on, speedHz, state]) if ("refused" in answer) return fault(answer.refused);
		const [switchedOn, hz, { error }] = [given(on), given(speedHz), given(state)];
		const { running_above_hz: fastEnoughHz } = this.context.settings;
		if (fastEnoughHz === undefined) return fault("from which speed on it runs is not known: --option running_above_hz");
		return good(switchedOn && error === 0 && hz >= fastEnoughHz ? 1 : 0);
	}

	private async refuseStartWithError(): Promise<void> {
		const state = errorStateOf(await this.conversation.read(ERROR_STATE));
		const why = "refused" in state ? state.refused : state.value.error === 0 ? undefined : `error ${state.value.error}`;
		if (why === undefined) return;
		throw new AdlayerError("PERMIT_REFUSED", `${this.context.name} is not started: it reports ${why}.`);
	}

	private notConnected(): AdlayerError {
		return new AdlayerError("DEVICE_NOT_READY", `${this.context.name} is not connected.`);
	}
}

function errorStateOf(answer: Answer<string>): Answer<ErrorState> {
	if ("refused" in answer) return answer;
	const value = decodeErrorState(answer.value);
	return value === undefined ? { refused: `"${answer.value}" is no known error word` } : { value };
}

function given<Value>(answer: Answer<Value>): Value {
	return (answer as { readonly value: Value }).value;
}
