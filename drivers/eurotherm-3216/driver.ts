import type { Clock } from "#core/clock.js";
import { AdlayerError, asAdlayerError, assert } from "#core/errors.js";
import type { ModbusMaster } from "#core/wire.js";
import type {
	Device,
	DriverContext,
	Identification,
	LoopAccess,
	PolledValue,
	PolledValues,
	SignalInfo,
	Watchdog,
} from "#device/contract.js";
import { RegisterReader } from "#transport/register-reader.js";
import {
	type CompleteSettings,
	checkSettings,
	type Eurotherm3216Settings,
	isComplete,
	LOCAL_SETPOINT_MAX_DEGC,
	OUTPUT_DECIMALS,
	REMOTE_SELECT,
	REMOTE_TIMEOUT_S,
} from "./config.js";
import { type InstrumentState, identify, type RawSetup, readDecimals, refuseUnlessSafe, stateOf } from "./identify.js";
import { look } from "./look.js";
import { readLoop, writeLoop } from "./loop-settings.js";
import { REGISTER, Scale, STATUS } from "./registers.js";

/** The working setpoint follows a new setpoint within the next control cycle (110 to 250 ms); this leaves room. */
const FOLLOW_MS = 500;

interface Readings {
	readonly temperatureC: number;
	readonly workingSetpointC: number;
	readonly outputPercent: number;
	readonly status: number;
}

/** A 3200 series controller. Setpoints go to the remote setpoint in RAM, which `watchdog` keeps refreshed. */
export class Eurotherm3216 implements Device {
	readonly signals: Readonly<Record<string, SignalInfo>>;
	readonly name: string;
	readonly limitC: number | undefined;
	/** Without it the controller goes to its local setpoint. */
	readonly watchdog: Watchdog;
	private readonly settings: Eurotherm3216Settings;
	private readonly modbus: ModbusMaster;
	private readonly clock: Clock;
	private reader: RegisterReader;
	/** Undefined where neither settings nor instrument say the decimals: in a probe. */
	private knownScale: Scale | undefined;
	/** Looked at by reading alone: `poll` then reports what is there. */
	private looking: { readonly confirmed: boolean } | undefined;
	private readonly outputScale: Scale;
	private readonly timeoutMs: number;
	private instrument: InstrumentState | undefined;
	/** The setpoint the instrument shall follow, as a register word; undefined while nobody has set one. */
	private wanted: number | undefined;
	/** It is the one of the safe state, which heats nothing. */
	private isSafeWanted = false;
	private wantedSinceMs = 0;
	private refreshedMs = Number.NEGATIVE_INFINITY;
	/** The working setpoint has been seen to follow the remote one. */
	private remoteProven = false;
	private setting = 0;
	/** Counts safe states, so that a command under way does not outlive one. */
	private safeStates = 0;
	readonly loop: LoopAccess = {
		settings: () => readLoop(this.loopPort()),
		write: (settings) => writeLoop(this.loopPort(), settings),
		remember: () => this.remember(),
	};

	constructor(context: DriverContext<Eurotherm3216Settings>) {
		const { name, settings, clock, modbus } = context;
		assert(modbus !== undefined, "a Eurotherm 3216 needs a Modbus address");
		if (isComplete(settings)) checkSettings(name, settings);
		this.name = name;
		this.limitC = context.limitC;
		this.settings = settings;
		this.modbus = modbus;
		this.clock = clock;
		this.reader = new RegisterReader(modbus);
		this.knownScale = settings.decimals === undefined ? undefined : new Scale(settings.decimals);
		this.outputScale = new Scale(settings.output_decimals ?? OUTPUT_DECIMALS);
		this.timeoutMs = (settings.remote_timeout_s ?? REMOTE_TIMEOUT_S) * 1000;
		this.watchdog = { timeoutMs: this.timeoutMs, feed: () => this.refresh() };
		this.signals = {
			temperature: { unit: "degC", kind: "measurement", description: "Process value" },
			setpoint: {
				unit: "degC",
				kind: "setpoint",
				description: "Working setpoint",
				...(isComplete(settings)
					? { settable: { min: settings.setpoint_degC_min, max: settings.setpoint_degC_max } }
					: {}),
			},
			output: { unit: "%", kind: "measurement", description: "Working output power" },
			remote: { unit: "bool", kind: "state", description: "The controller follows the setpoint that it was sent" },
		};
	}

	async connect(): Promise<Identification> {
		const settings = this.complete();
		this.looking = undefined;
		this.reader = new RegisterReader(this.modbus);
		await this.modbus.open();
		const { identification, setup } = await identify(this.reader);
		if (setup !== undefined) refuseUnlessSafe(this, settings, setup, this.scale);
		const state = setup === undefined ? undefined : stateOf(setup, this.scale);
		this.instrument = state;
		// After a short loss the instrument may still follow; after a longer one it has gone to its local setpoint, and
		// nothing brings it back but a new command.
		if (this.wanted === undefined || state === undefined || !this.follows(state)) this.forget();
		return identification;
	}

	async inspect(): Promise<Identification> {
		const { settings } = this;
		this.reader = new RegisterReader(this.modbus, true);
		await this.modbus.open();
		// First what people look for, before silence to the rest has used up the time.
		for (const register of [REGISTER.processValue, REGISTER.workingSetpoint])
			await this.reader.readIfThere(register, 1);
		const { identification, setup } = await identify(this.reader);
		const { confirmed } = identification;
		this.looking = { confirmed };
		const warnings = [...identification.warnings];
		const decimals = confirmed ? await readDecimals(this.reader) : undefined;
		if (settings.decimals !== undefined && decimals !== undefined && decimals !== settings.decimals) {
			this.knownScale = undefined;
			warnings.push(
				`Its own float values prove ${decimals} decimals, not ${settings.decimals}: no temperature is given.`,
			);
		} else if (settings.decimals === undefined) {
			this.knownScale = decimals === undefined ? undefined : new Scale(decimals);
			warnings.push(
				decimals === undefined
					? "The decimals of the instrument's display are not known, so no temperature is: say --option decimals=0, 1 or 2."
					: `The instrument's own float values prove ${decimals} decimals (decimals: ${decimals} in the lab file).`,
			);
		}
		if (setup !== undefined && this.knownScale !== undefined) {
			this.instrument = stateOf(setup, this.knownScale);
			warnings.push(...this.whatControlWouldRefuse(setup));
		}
		return { ...identification, warnings };
	}

	async poll(): Promise<PolledValues> {
		const { looking, knownScale, outputScale } = this;
		if (looking !== undefined) {
			const outputKnown = looking.confirmed || this.settings.output_decimals !== undefined;
			return look(this.reader, {
				confirmed: looking.confirmed,
				...(knownScale === undefined ? {} : { scale: knownScale }),
				...(outputKnown ? { outputScale } : {}),
				...(this.instrument === undefined ? {} : { range: this.instrument }),
				...(this.wanted === undefined ? {} : { wanted: this.wanted }),
			});
		}
		const readings = await this.read();
		const { status, workingSetpointC, outputPercent } = readings;
		const following = this.wanted !== undefined && this.scale.toWord(workingSetpointC) === this.wanted;
		const doubt = following ? faultOf(status) : this.whyNotFollowing(status, workingSetpointC);
		if (doubt !== undefined) this.remoteProven = false;
		return {
			temperature: this.temperatureOf(readings),
			setpoint: doubt === undefined ? good(workingSetpointC) : fault(doubt),
			output: good(outputPercent),
			remote: good(this.wanted !== undefined && doubt === undefined ? 1 : 0),
		};
	}

	async set(signal: string, value: number): Promise<number> {
		if (signal !== "setpoint") {
			const message = `${this.name} has no signal ${signal} that can be set; it has setpoint.`;
			throw new AdlayerError("SIGNAL_UNKNOWN", message, { context: { signal } });
		}
		const { setpoint_degC_min: min, setpoint_degC_max: max } = this.complete();
		if (!(value >= min && value <= max)) {
			const message = `Setpoint ${value} degC of ${this.name} is outside ${min} to ${max} degC.`;
			throw new AdlayerError("SETPOINT_OUT_OF_RANGE", message, { context: { signal, value, min, max } });
		}
		if (this.knownScale === undefined) {
			throw new AdlayerError("DEVICE_MISCONFIGURED", `${this.name} contradicts the decimals that it is said to have.`);
		}
		const word = this.scale.toWord(value);
		const { safeStates } = this;
		this.setting += 1;
		try {
			await this.writeRemote(word);
			this.stillAllowed(safeStates);
			if (!this.remoteProven) await this.selectRemote(word, safeStates);
			this.want(word, false);
		} finally {
			this.setting -= 1;
		}
		return this.scale.fromWord(word);
	}

	/** Remote setpoint to the safe one, output to 0 in manual mode; what the controller then works to must be low. */
	async makeSafe(): Promise<void> {
		this.safeStates += 1;
		const failures: unknown[] = [];
		const attempt = async (act: () => Promise<void>) => {
			try {
				await act();
			} catch (thrown) {
				failures.push(thrown);
			}
		};
		// Without a refresh the instrument leaves the remote setpoint by itself: that is the way out if writing fails.
		this.forget();
		const settings = this.complete();
		const safeC = settings.safe_setpoint_degC ?? settings.setpoint_degC_min;
		const word = this.scale.toWord(safeC);
		await attempt(() => this.writeRemote(word));
		let workingSetpointC = Number.NaN;
		await attempt(async () => {
			await this.clock.sleep(FOLLOW_MS);
			workingSetpointC = await this.verifySafe(safeC);
		});
		if (failures.length > 0) throw failures[0];
		if (this.scale.toWord(workingSetpointC) === word) this.want(word, true);
	}

	close(): Promise<void> {
		return this.modbus.close();
	}

	private loopPort() {
		const { name, modbus, reader, scale } = this;
		return { name, modbus, reader, scale };
	}

	/**
	 * A setpoint that this driver keeps refreshed is set again; otherwise the instrument is let go of, back to the setpoint it
	 * worked to. One that had lapsed from its remote setpoint is not brought back to that: it may be hot.
	 */
	private async remember(): Promise<() => Promise<void>> {
		const { wanted } = this;
		if (wanted !== undefined) {
			const setpointC = this.scale.fromWord(wanted);
			return async () => void (await this.set("setpoint", setpointC));
		}
		const [remote] = await this.reader.read(REGISTER.remoteSetpoint, 1);
		const [select] = await this.reader.read(REGISTER.localRemote, 1);
		const [working] = await this.reader.read(REGISTER.workingSetpoint, 1);
		return () => this.letGo({ remote: remote!, select: select!, working: working! });
	}

	private async letGo(former: { remote: number; select: number; working: number }): Promise<void> {
		const { safeStates } = this;
		this.forget();
		// Whichever value of 276 means "remote": until the former one is selected, the instrument works to what it worked to.
		await this.writeRemote(former.working);
		this.stillAllowed(safeStates);
		await this.modbus.writeRegister(REGISTER.localRemote, former.select);
		await this.clock.sleep(FOLLOW_MS);
		this.stillAllowed(safeStates);
		const [working] = await this.reader.read(REGISTER.workingSetpoint, 1);
		const [select] = await this.reader.read(REGISTER.localRemote, 1);
		if (working === former.working && select === former.select) return;
		const [workingC, formerC] = [this.scale.fromWord(working!), this.scale.fromWord(former.working)];
		const message = `${this.name} works to ${workingC} degC (register 276: ${select}) instead of its former ${formerC} degC (${former.select}).`;
		throw new AdlayerError("READBACK_MISMATCH", message, { context: { workingC, formerC } });
	}

	private get scale(): Scale {
		assert(this.knownScale !== undefined, "the decimals of a Eurotherm 3216 are known before its temperatures are");
		return this.knownScale;
	}

	/** The settings of a lab file; a probe may have been told less. */
	private complete(): CompleteSettings {
		const settings = { ...this.settings };
		if (isComplete(settings)) return settings;
		const message = `${this.name} needs decimals, setpoint_degC_min and setpoint_degC_max before anything is set.`;
		throw new AdlayerError("SETPOINT_OUT_OF_RANGE", message, {
			hint: "Say what the instrument is set to: --option decimals=1 --option setpoint_degC_min=0 --option setpoint_degC_max=200.",
		});
	}

	private whatControlWouldRefuse(setup: RawSetup): string[] {
		if (!isComplete(this.settings)) return [];
		try {
			refuseUnlessSafe(this, this.settings, setup, this.scale);
			return [];
		} catch (thrown) {
			return [`Control would refuse it: ${asAdlayerError(thrown).message}`];
		}
	}

	/** Gives the setpoint that the controller now works to. */
	private async verifySafe(safeC: number): Promise<number> {
		const { status, workingSetpointC } = await this.read();
		if ((status & STATUS.manual) !== 0) await this.stopManualOutput();
		const highestC = Math.max(safeC, this.settings.local_setpoint_degC_max ?? LOCAL_SETPOINT_MAX_DEGC);
		if (workingSetpointC <= highestC) return workingSetpointC;
		const message = `${this.name} still works to ${workingSetpointC} degC after its safe setpoint of ${safeC} degC was sent.`;
		throw new AdlayerError("READBACK_MISMATCH", message, { context: { workingSetpointC, safeC } });
	}

	/** In manual mode no setpoint has any effect. */
	private async stopManualOutput(): Promise<void> {
		await this.modbus.writeRegister(REGISTER.manualOutput, 0);
		await this.clock.sleep(FOLLOW_MS);
		const { outputPercent } = await this.read();
		if (outputPercent === 0) return;
		throw new AdlayerError(
			"READBACK_MISMATCH",
			`${this.name} is in manual mode and still heats with ${outputPercent} %.`,
		);
	}

	/** A remote setpoint that heats and has lapsed stays so until somebody sets one again: nobody has watched the zone meanwhile. */
	private async refresh(): Promise<void> {
		const { wanted, timeoutMs } = this;
		const nowMs = this.clock.nowMs();
		const ageMs = nowMs - this.refreshedMs;
		if (wanted === undefined || this.setting > 0 || ageMs < timeoutMs / 3) return;
		if (ageMs >= timeoutMs && !this.isSafeWanted) return;
		await this.modbus.writeRegister(REGISTER.remoteSetpoint, wanted);
		this.refreshedMs = nowMs;
	}

	private async read(): Promise<Readings> {
		const main = await this.reader.read(REGISTER.processValue, 5);
		const [status] = await this.reader.read(REGISTER.status, 1);
		return {
			temperatureC: this.scale.fromWord(main[0]!),
			outputPercent: this.outputScale.fromWord(main[3]!),
			workingSetpointC: this.scale.fromWord(main[4]!),
			status: status!,
		};
	}

	private temperatureOf({ temperatureC, status }: Readings): PolledValue {
		if ((status & STATUS.sensorBreak) !== 0) return fault("The sensor is broken.");
		if ((status & STATUS.overRange) !== 0) return fault("The process value is over range.");
		const { instrument } = this;
		if (instrument === undefined || (temperatureC >= instrument.rangeMinC && temperatureC <= instrument.rangeMaxC)) {
			return good(temperatureC);
		}
		return fault(`The process value ${temperatureC} degC is outside the input range.`);
	}

	private whyNotFollowing(status: number, workingSetpointC: number): string | undefined {
		// Nobody has set anything: the instrument rightly works to its own setpoint.
		if (this.wanted === undefined) return undefined;
		const known = faultOf(status);
		if (known !== undefined) return `${known} It works to ${workingSetpointC} degC.`;
		if (this.setting > 0 || this.clock.nowMs() - this.wantedSinceMs < FOLLOW_MS) return undefined;
		return `The controller works to ${workingSetpointC} degC instead of ${this.scale.fromWord(this.wanted)} degC: it was switched to local, or lost power.`;
	}

	private follows(state: InstrumentState): boolean {
		return this.scale.toWord(state.workingSetpointC) === this.wanted && faultOf(state.status) === undefined;
	}

	private want(word: number, isSafe: boolean): void {
		this.wanted = word;
		this.isSafeWanted = isSafe;
		this.wantedSinceMs = this.clock.nowMs();
	}

	private forget(): void {
		this.wanted = undefined;
		this.remoteProven = false;
	}

	private stillAllowed(safeStates: number): void {
		if (safeStates === this.safeStates) return;
		throw new AdlayerError("DEVICE_NOT_READY", `${this.name} was made safe while its setpoint was being changed.`);
	}

	private async writeRemote(word: number): Promise<void> {
		await this.modbus.writeRegister(REGISTER.remoteSetpoint, word);
		this.refreshedMs = this.clock.nowMs();
		const [back] = await this.reader.read(REGISTER.remoteSetpoint, 1);
		if (back === word) return;
		const [sentC, backC] = [this.scale.fromWord(word), this.scale.fromWord(back!)];
		const message = `${this.name} was sent a remote setpoint of ${sentC} degC and reads back ${backC} degC.`;
		throw new AdlayerError("READBACK_MISMATCH", message, { context: { sentC, backC } });
	}

	/**
	 * Makes the controller work to the remote setpoint. Which value of register 276 means "remote" is not confirmed, so
	 * the effect decides: the working setpoint must follow.
	 */
	private async selectRemote(word: number, safeStates: number): Promise<void> {
		const first = this.settings.remote_select ?? REMOTE_SELECT;
		for (const choice of [first, 1 - first]) {
			await this.modbus.writeRegister(REGISTER.localRemote, choice);
			await this.clock.sleep(FOLLOW_MS);
			const [working] = await this.reader.read(REGISTER.workingSetpoint, 1);
			this.stillAllowed(safeStates);
			if (working !== word) continue;
			// Where a local setpoint is the same, nothing is proven, and nothing is lost: the next change will tell.
			const locals = this.instrument?.localSetpointsC ?? [];
			this.remoteProven = locals.every((localC) => this.scale.toWord(localC) !== word);
			return;
		}
		const setpointC = this.scale.fromWord(word);
		const message = `${this.name} does not work to its remote setpoint of ${setpointC} degC: it is locked, in manual mode, or has a setpoint rate limit.`;
		throw new AdlayerError("DEVICE_MISCONFIGURED", message, { context: { setpointC } });
	}
}

/** Why the controller cannot be trusted to follow its remote setpoint, from its status. */
function faultOf(status: number): string | undefined {
	if ((status & STATUS.remoteFailed) !== 0) return "The remote setpoint has failed: it was not refreshed in time.";
	if ((status & STATUS.manual) !== 0) return "The controller is in manual mode: its output is fixed.";
	return undefined;
}

const good = (value: number): PolledValue => ({ value, quality: "good" });
const fault = (detail: string): PolledValue => ({ value: null, quality: "fault", detail });
