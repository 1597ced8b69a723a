import { AdlayerError, asAdlayerError } from "#core/errors.js";
import type { RequestLine } from "#core/wire.js";
import type {
	Device,
	DriverContext,
	Identification,
	Identity,
	PolledValue,
	PolledValues,
	SignalInfo,
} from "#device/contract.js";
import {
	COUNTS_FULL_SCALE,
	COUNTS_MAX,
	COUNTS_MIN,
	encodeRead,
	encodeWriteInt,
	type Parameter,
	printable,
	type ReadReply,
	readReply,
	signedCounts,
	statusReply,
	statusText,
	type Value,
} from "./codec.js";
import type { BronkhorstProparSettings } from "./config.js";
import { controlModeText, PARAMETERS, sccmPerUnit, takesOurSetpoint } from "./parameters.js";

/** Nameplates are rounded; a full scale that is further off is another instrument, gas or unit. */
const FULL_SCALE_TOLERANCE = 0.005;

/** What is read at every poll, in one chained request. */
const STATE: readonly Parameter[] = [
	PARAMETERS.measure,
	PARAMETERS.setpoint,
	PARAMETERS.controlMode,
	PARAMETERS.capacity,
	PARAMETERS.capacityUnit,
	PARAMETERS.fluidName,
];

interface State {
	/** Signed, 32000 for 100 %. */
	readonly measureCounts: number;
	readonly setpointCounts: number;
	readonly controlMode: number;
	readonly capacity: number;
	readonly unit: string;
	readonly fluid: string;
}

/**
 * A Bronkhorst mass flow controller as a device: signals `flow` and `setpoint` (settable) in sccm (0 degC).
 * Errors of `connect`: DEVICE_MISCONFIGURED (gas, full scale, unit, control mode, no controller), REPLY_INVALID and the
 * line's own. Of `poll`: DEVICE_NOT_READY, REPLY_INVALID and the line's own. Of `set`: SIGNAL_UNKNOWN,
 * SETPOINT_OUT_OF_RANGE, DEVICE_MISCONFIGURED, READBACK_MISMATCH and those of `poll`.
 */
export class BronkhorstPropar implements Device {
	readonly signals: Readonly<Record<string, SignalInfo>>;
	private readonly line: RequestLine;
	private readonly fluid: string;
	private mode: "closed" | "inspected" | "connected" = "closed";
	/** False once the instrument has shown that it does not answer several parameters at once. */
	private chains = true;

	constructor(private readonly context: DriverContext<BronkhorstProparSettings>) {
		if (context.line === undefined) {
			throw new AdlayerError("ADDRESS_INVALID", `${context.name} needs a serial or tcp address.`);
		}
		const { gas, fluid_name: fluidName, full_scale_sccm: fullScaleSccm } = context.settings;
		this.line = context.line;
		this.fluid = fluidName ?? gas;
		this.signals = {
			flow: { unit: "sccm", kind: "measurement", description: `Mass flow of ${gas}` },
			setpoint: {
				unit: "sccm",
				kind: "setpoint",
				description: `Flow setpoint of ${gas}, as the instrument holds it`,
				settable: { min: 0, max: fullScaleSccm },
			},
		};
	}

	async inspect(): Promise<Identification> {
		const identification = await this.look();
		const state = await this.readState();
		this.mode = "inspected";
		const problems = this.problemsOf(state);
		return { ...identification, warnings: [...identification.warnings, ...problems] };
	}

	async connect(): Promise<Identification> {
		const identification = await this.look();
		const problems = this.problemsOf(await this.readState());
		if (problems.length > 0) throw this.misconfigured(problems);
		this.mode = "connected";
		return identification;
	}

	async poll(): Promise<PolledValues> {
		if (this.mode === "closed") throw this.notReady();
		const state = await this.readState();
		return { flow: this.flowOf(state), setpoint: this.setpointOf(state) };
	}

	/** Sets `setpoint` in sccm and gives what the instrument then holds, read back with another question. */
	async set(signal: string, value: number): Promise<number> {
		if (signal !== "setpoint") {
			throw new AdlayerError("SIGNAL_UNKNOWN", `${this.context.name} has no settable signal "${signal}".`);
		}
		const { full_scale_sccm: maxSccm } = this.context.settings;
		if (!(value >= 0 && value <= maxSccm)) throw this.outOfRange(value, maxSccm);
		if (this.mode !== "connected") throw this.notReady();
		// Scale, gas and setpoint source as they are now: at the panel they may have become others since the last poll.
		const before = await this.readState();
		const problems = this.problemsOf(before);
		if (problems.length > 0) throw this.misconfigured(problems);
		const fullScaleSccm = fullScaleOf(before)!;
		const counts = Math.round((value / fullScaleSccm) * COUNTS_FULL_SCALE);
		if (counts > COUNTS_FULL_SCALE) throw this.outOfRange(value, fullScaleSccm);
		await this.write(counts);
		const after = await this.readState();
		const { setpointCounts: held } = after;
		const sccmOf = (of: number): number => (of / COUNTS_FULL_SCALE) * fullScaleSccm;
		if (held !== counts) {
			throw new AdlayerError(
				"READBACK_MISMATCH",
				`${this.context.name} was told ${round(sccmOf(counts))} sccm but holds ${round(sccmOf(held))} sccm.`,
				{ context: { requested: counts, held, unit: "counts of 32000" } },
			);
		}
		// Without a checksum the scale may have arrived wrong: the counts would then stand for another flow.
		const fullScaleAfterSccm = fullScaleOf(after);
		if (fullScaleAfterSccm !== fullScaleSccm) {
			throw new AdlayerError(
				"READBACK_MISMATCH",
				`${this.context.name} said a full scale of ${round(fullScaleSccm)} sccm before it was set, and another one after.`,
				{ context: { before: fullScaleSccm, after: fullScaleAfterSccm ?? null, unit: "sccm" } },
			);
		}
		return sccmOf(held);
	}

	/** Leaves the flow as it is: which flow is safe depends on the cause, and safety commands it. */
	async makeSafe(): Promise<void> {}

	async close(): Promise<void> {
		this.mode = "closed";
		await this.line.close();
	}

	/** Opens the line, asks who is there and whether it answers several questions at once. */
	private async look(): Promise<Identification> {
		this.mode = "closed";
		this.chains = true;
		await this.line.open();
		const serial = await this.text(PARAMETERS.serial);
		const model = await this.text(PARAMETERS.model);
		const firmware = await this.text(PARAMETERS.firmware);
		const warnings: string[] = [];
		if (!(await this.answersChains())) {
			this.chains = false;
			warnings.push("The instrument does not answer chained parameters; each one is asked for by itself.");
		}
		const confirmed = serial !== null || model !== null;
		if (!confirmed) warnings.push("It speaks ProPar but knows neither model nor serial number.");
		const identity: Identity = { manufacturer: confirmed ? "Bronkhorst" : null, model, serial, firmware };
		return { identity, confirmed, warnings };
	}

	/** Everything in which the instrument is not what the lab file says, one sentence each. */
	private problemsOf({ controlMode, capacity, unit, fluid }: State): string[] {
		const { full_scale_sccm: expectedSccm } = this.context.settings;
		const problems: string[] = [];
		if (fluid.toUpperCase() !== this.fluid.toUpperCase()) {
			problems.push(`The gas (fluid name) on the instrument is ${printable(fluid)}, the lab file says ${this.fluid}.`);
		}
		const perUnit = sccmPerUnit(unit);
		if (perUnit === undefined) {
			problems.push(`The capacity unit is "${printable(unit)}", which is no gas flow at stated conditions.`);
		} else {
			const sccm = capacity * perUnit;
			if (!(Math.abs(sccm - expectedSccm) <= FULL_SCALE_TOLERANCE * expectedSccm)) {
				problems.push(
					`The full scale is ${round(capacity)} ${unit}, that is ${round(sccm)} sccm; the lab file says ${expectedSccm} sccm.`,
				);
			}
		}
		if (!takesOurSetpoint(controlMode)) {
			problems.push(`The control mode is ${controlModeText(controlMode)}, not 0 (bus or RS-232) or 18 (RS-232).`);
		}
		return problems;
	}

	/** A setting that is wrong makes the flow worthless, except when nothing is known of the instrument yet. */
	private flowOf(state: State): PolledValue {
		const fullScaleSccm = fullScaleOf(state);
		if (fullScaleSccm === undefined) return fault(`the full scale is ${state.capacity} "${printable(state.unit)}"`);
		if (this.mode === "connected") {
			const problem = this.problemsOf({ ...state, controlMode: 0 })[0];
			if (problem !== undefined) return fault(problem);
		}
		const { measureCounts } = state;
		if (measureCounts >= COUNTS_MAX) return fault("the flow is above the measuring range (131 %)");
		if (measureCounts <= COUNTS_MIN) return fault("the flow is below the measuring range (-73.7 %)");
		return good((measureCounts / COUNTS_FULL_SCALE) * fullScaleSccm);
	}

	private setpointOf(state: State): PolledValue {
		const fullScaleSccm = fullScaleOf(state);
		if (fullScaleSccm === undefined) return fault(`the full scale is ${state.capacity} "${printable(state.unit)}"`);
		if (!takesOurSetpoint(state.controlMode)) {
			return fault(`the setpoint is not followed: control mode ${controlModeText(state.controlMode)}`);
		}
		if (state.setpointCounts > COUNTS_FULL_SCALE) return fault(`the setpoint is ${state.setpointCounts} of 32000`);
		return good((state.setpointCounts / COUNTS_FULL_SCALE) * fullScaleSccm);
	}

	private async readState(): Promise<State> {
		const values = this.chains ? await this.readAll(STATE) : await this.readEach(STATE);
		const [measure, setpoint, controlMode, capacity, unit, fluid] = values as [
			number,
			number,
			number,
			number,
			string,
			string,
		];
		return {
			measureCounts: signedCounts(measure),
			setpointCounts: setpoint,
			controlMode,
			capacity,
			unit,
			fluid,
		};
	}

	private async readAll(parameters: readonly Parameter[]): Promise<readonly Value[]> {
		const reply = await this.request(parameters);
		if ("values" in reply) return reply.values;
		throw this.misconfigured([
			`The instrument refused to give ${namesOf(parameters)} (${statusText(reply.refused)}): is it a mass flow controller?`,
		]);
	}

	private async readEach(parameters: readonly Parameter[]): Promise<readonly Value[]> {
		const values: Value[] = [];
		for (const parameter of parameters) values.push(...(await this.readAll([parameter])));
		return values;
	}

	/** The line is known to work when this is asked, so that silence means the same as a refusal. */
	private async answersChains(): Promise<boolean> {
		try {
			return "values" in (await this.request(STATE));
		} catch (thrown) {
			const { code } = asAdlayerError(thrown);
			if (code === "DEVICE_SILENT" || code === "REPLY_INVALID") return false;
			throw thrown;
		}
	}

	/** A text of the instrument; null when it does not have that parameter. */
	private async text(parameter: Parameter): Promise<string | null> {
		const reply = await this.request([parameter]);
		if ("refused" in reply) return null;
		const text = String(reply.values[0]);
		return text === "" ? null : text;
	}

	private request(parameters: readonly Parameter[]): Promise<ReadReply> {
		const { node } = this.context.settings;
		return this.line.request({
			bytes: encodeRead(node, parameters),
			parse: readReply(node, parameters),
			title: `read ${namesOf(parameters)}`,
		});
	}

	private async write(counts: number): Promise<void> {
		const { node } = this.context.settings;
		const { refused } = await this.line.request({
			bytes: encodeWriteInt(node, PARAMETERS.setpoint, counts),
			parse: statusReply(node),
			title: `write setpoint ${counts}`,
		});
		if (refused === 0) return;
		throw new AdlayerError(
			"READBACK_MISMATCH",
			`${this.context.name} did not take the setpoint: ${statusText(refused)}.`,
			{ context: { requested: counts, status: refused } },
		);
	}

	private misconfigured(problems: readonly string[]): AdlayerError {
		return new AdlayerError("DEVICE_MISCONFIGURED", problems.join(" "));
	}

	private notReady(): AdlayerError {
		return new AdlayerError("DEVICE_NOT_READY", `${this.context.name} is not connected.`);
	}

	private outOfRange(value: number, max: number): AdlayerError {
		return new AdlayerError(
			"SETPOINT_OUT_OF_RANGE",
			`Setpoint ${value} sccm is outside 0 to ${round(max)} sccm of ${this.context.name}.`,
			{ context: { value, min: 0, max } },
		);
	}
}

/** sccm at 100 %; undefined when the instrument's own word gives none. */
function fullScaleOf({ capacity, unit }: State): number | undefined {
	const perUnit = sccmPerUnit(unit);
	return perUnit !== undefined && Number.isFinite(capacity) && capacity > 0 ? capacity * perUnit : undefined;
}

const namesOf = (parameters: readonly Parameter[]): string => parameters.map(({ name }) => name).join(", ");
const good = (value: number): PolledValue => ({ value, quality: "good" });
const fault = (detail: string): PolledValue => ({ value: null, quality: "fault", detail });
const round = (value: number): number => Number(value.toPrecision(6));
