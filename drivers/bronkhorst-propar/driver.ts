import { AdlayerError, asAdlayerError } from "#core/errors.js";
import type { LineRequest, RequestLine } from "#core/wire.js";
import type {
	Device,
	DriverContext,
	Identification,
	Identity,
	PolledValue,
	PolledValues,
	SignalInfo,
} from "#device/contract.js";
import { OptionalQuestions } from "#transport/optional-question.js";
import {
	COUNTS_FULL_SCALE,
	COUNTS_MAX,
	COUNTS_MIN,
	diagnose,
	encodeRead,
	encodeWriteInt,
	type Parameter,
	type ReadReply,
	readReply,
	SILENCE,
	signedCounts,
	statusReply,
	statusText,
	type Value,
} from "./codec.js";
import type { BronkhorstProparSettings } from "./config.js";
import { ASCII, binary, FORMS, type Form, type Framing, printable } from "./frames.js";
import { controlModeText, PARAMETERS, sccmPerUnit, takesOurSetpoint } from "./parameters.js";

/** Nameplates are rounded; a full scale that is further off is another instrument, gas or unit. */
const FULL_SCALE_TOLERANCE = 0.005;

/** What is read at every poll, in one chained request. */
const STATE: readonly Parameter[] = [
	PARAMETERS.measure,
	PARAMETERS.controlMode,
	PARAMETERS.setpoint,
	PARAMETERS.capacity,
	PARAMETERS.capacityUnit,
	PARAMETERS.fluidName,
];

/** Indexes have five bits, sequence numbers eight. */
const INDEX_MAX = 31;
const SEQUENCES = 256;

/** What is undefined the instrument does not say: in a look only. */
interface State {
	/** Signed, 32000 for 100 %. */
	readonly measureCounts: number;
	readonly setpointCounts: number | undefined;
	readonly controlMode: number | undefined;
	readonly capacity: number | undefined;
	readonly unit: string | undefined;
	readonly fluid: string | undefined;
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
	private readonly fluid: string | undefined;
	private mode: "closed" | "inspected" | "connected" = "closed";
	/** In a look: what need not be known is asked this way, and what was refused or passed over in silence not again. */
	private optional: OptionalQuestions | undefined;
	private readonly absent = new Set<Parameter>();
	/** False once the instrument has shown that it does not answer several parameters at once. */
	private chains = true;

	private form: Form = "ascii";
	private sequence = 0;
	private chainIndex = 1;

	constructor(private readonly context: DriverContext<BronkhorstProparSettings>) {
		if (context.line === undefined) {
			throw new AdlayerError("ADDRESS_INVALID", `${context.name} needs a serial or tcp address.`);
		}
		const { gas, fluid_name: fluidName, full_scale_sccm: fullScaleSccm } = context.settings;
		this.line = context.line;
		this.fluid = fluidName ?? gas;
		this.signals = {
			flow: { unit: "sccm", kind: "measurement", description: `Mass flow of ${gas ?? "the instrument's gas"}` },
			setpoint: {
				unit: "sccm",
				kind: "setpoint",
				description: `Flow setpoint of ${gas ?? "the instrument's gas"}, as the instrument holds it`,
				...(fullScaleSccm === undefined ? {} : { settable: { min: 0, max: fullScaleSccm } }),
			},
		};
	}

	async inspect(): Promise<Identification> {
		this.mode = "closed";
		this.chains = false;
		this.optional = undefined;
		this.absent.clear();
		await this.line.open();
		// First what people look for: who answers it may be silent to all that it does not know.
		const warnings = await this.findForm();
		this.optional = new OptionalQuestions(this.line, [titleOf([PARAMETERS.measure])]);
		const identification = await this.identify();
		const state = await this.readState();
		this.mode = "inspected";
		const problems = this.problemsOf(state);
		return { ...identification, warnings: [...warnings, ...identification.warnings, ...problems] };
	}

	async connect(): Promise<Identification> {
		this.mode = "closed";
		this.chains = true;
		this.optional = undefined;
		this.form = this.context.settings.form ?? "ascii";
		await this.line.open();
		const identification = await this.identify();
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
		if (this.mode === "closed") throw this.notReady();
		const { full_scale_sccm: maxSccm = Number.POSITIVE_INFINITY } = this.context.settings;
		if (!(value >= 0 && value <= maxSccm)) throw this.outOfRange(value, maxSccm);
		// Scale, gas and setpoint source as they are now: at the panel they may have become others since the last poll.
		const before = await this.readState();
		const problems = this.problemsOf(before);
		if (problems.length > 0) throw this.misconfigured(problems);
		const fullScaleSccm = this.fullScaleOf(before);
		if (fullScaleSccm === undefined) throw this.misconfigured([`${this.withoutScale(before)}.`]);
		const counts = Math.round((value / fullScaleSccm) * COUNTS_FULL_SCALE);
		if (counts > COUNTS_FULL_SCALE) throw this.outOfRange(value, fullScaleSccm);
		await this.write(counts);
		const after = await this.readState();
		const { setpointCounts: held } = after;
		const sccmOf = (of: number): number => (of / COUNTS_FULL_SCALE) * fullScaleSccm;
		if (held !== counts) {
			throw new AdlayerError(
				"READBACK_MISMATCH",
				`${this.context.name} was told ${round(sccmOf(counts))} sccm but holds ${held === undefined ? "nothing that it says" : `${round(sccmOf(held))} sccm`}.`,
				{ context: { requested: counts, held: held ?? null, unit: "counts of 32000" } },
			);
		}
		// Without a checksum the scale may have arrived wrong: the counts would then stand for another flow.
		const fullScaleAfterSccm = this.fullScaleOf(after);
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

	/** Instruments answer in the form in which they are asked; other far ends may know but one of the two. */
	private async findForm(): Promise<string[]> {
		const { form: told } = this.context.settings;
		let unanswered: AdlayerError | undefined;
		for (const form of told === undefined ? FORMS : [told]) {
			this.form = form;
			try {
				await this.readAll([PARAMETERS.measure]);
				const isNews = form !== (told ?? "ascii");
				return isNews ? [`It answers in the ${form} form alone: form: ${form} in the lab file.`] : [];
			} catch (thrown) {
				const error = asAdlayerError(thrown);
				if (error.code !== "DEVICE_SILENT" && error.code !== "REPLY_INVALID") throw error;
				unanswered ??= error;
			}
		}
		throw unanswered!;
	}

	/** Asks who is there and whether it answers several questions at once. */
	private async identify(): Promise<Identification> {
		const serial = await this.text(PARAMETERS.serial);
		const model = await this.text(PARAMETERS.model);
		const firmware = await this.text(PARAMETERS.firmware);
		const warnings: string[] = [];
		if (this.optional === undefined && !(await this.answersChains())) {
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
		if (this.fluid !== undefined && fluid !== undefined && fluid.toUpperCase() !== this.fluid.toUpperCase()) {
			problems.push(`The gas (fluid name) on the instrument is ${printable(fluid)}, the lab file says ${this.fluid}.`);
		}
		const perUnit = unit === undefined ? undefined : sccmPerUnit(unit);
		if (unit !== undefined && perUnit === undefined) {
			problems.push(`The capacity unit is "${printable(unit)}", which is no gas flow at stated conditions.`);
		} else if (capacity !== undefined && perUnit !== undefined && expectedSccm !== undefined) {
			const sccm = capacity * perUnit;
			if (!(Math.abs(sccm - expectedSccm) <= FULL_SCALE_TOLERANCE * expectedSccm)) {
				problems.push(
					`The full scale is ${round(capacity)} ${unit}, that is ${round(sccm)} sccm; the lab file says ${expectedSccm} sccm.`,
				);
			}
		}
		if (controlMode !== undefined && !takesOurSetpoint(controlMode)) {
			problems.push(`The control mode is ${controlModeText(controlMode)}, not 0 (bus or RS-232) or 18 (RS-232).`);
		}
		return problems;
	}

	/** A setting that is wrong makes the flow worthless, except when nothing is known of the instrument yet. */
	private flowOf(state: State): PolledValue {
		const fullScaleSccm = this.fullScaleOf(state);
		if (fullScaleSccm === undefined) return fault(`${percent(state.measureCounts)} of ${this.withoutScale(state)}`);
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
		const { setpointCounts, controlMode } = state;
		const fullScaleSccm = this.fullScaleOf(state);
		if (setpointCounts === undefined) return fault("the instrument does not say its setpoint");
		if (fullScaleSccm === undefined) return fault(`${percent(setpointCounts)} of ${this.withoutScale(state)}`);
		if (controlMode !== undefined && !takesOurSetpoint(controlMode)) {
			return fault(`the setpoint is not followed: control mode ${controlModeText(controlMode)}`);
		}
		if (setpointCounts > COUNTS_FULL_SCALE) return fault(`the setpoint is ${setpointCounts} of 32000`);
		const value = good((setpointCounts / COUNTS_FULL_SCALE) * fullScaleSccm);
		return controlMode === undefined ? { ...value, detail: "the control mode cannot be read" } : value;
	}

	/** sccm at 100 %, by the instrument's own word; in a look settings stand in where it says nothing. */
	private fullScaleOf({ capacity, unit }: State): number | undefined {
		if (this.optional !== undefined && (capacity === undefined || unit === undefined)) {
			return this.context.settings.full_scale_sccm;
		}
		const perUnit = unit === undefined ? undefined : sccmPerUnit(unit);
		return perUnit !== undefined && capacity !== undefined && Number.isFinite(capacity) && capacity > 0
			? capacity * perUnit
			: undefined;
	}

	private withoutScale({ capacity, unit }: State): string {
		const missing =
			capacity === undefined ? "its capacity" : unit === undefined ? "the unit of its capacity" : undefined;
		const said =
			missing === undefined ? `is ${capacity} "${printable(unit!)}"` : `is not known (it does not say ${missing})`;
		return `a full scale that ${said}${this.optional === undefined ? "" : ": --option full_scale_sccm"}`;
	}

	private async readState(): Promise<State> {
		const values = this.chains ? await this.readAll(STATE) : await this.readEach(STATE);
		const [measure, controlMode, setpoint, capacity, unit, fluid] = values as [
			number | undefined,
			number | undefined,
			number | undefined,
			number | undefined,
			string | undefined,
			string | undefined,
		];
		if (measure === undefined) throw this.misconfigured(["The instrument does not give its measure any more."]);
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

	private async readEach(parameters: readonly Parameter[]): Promise<readonly (Value | undefined)[]> {
		const values: (Value | undefined)[] = [];
		for (const parameter of parameters) {
			if (this.optional === undefined) values.push(...(await this.readAll([parameter])));
			else values.push(await this.readIfThere(parameter));
		}
		return values;
	}

	private async readIfThere(parameter: Parameter): Promise<Value | undefined> {
		if (this.absent.has(parameter)) return undefined;
		const reply = await this.request([parameter]);
		if ("values" in reply) return reply.values[0];
		this.absent.add(parameter);
		return undefined;
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

	/** In a look silence and an error message are refusals. */
	private async request(parameters: readonly Parameter[]): Promise<ReadReply> {
		const { node } = this.context.settings;
		const { optional } = this;
		const framing = this.framing();
		const firstIndex = parameters.length > 1 ? this.nextChainIndex() : (parameters[0]!.index ?? 1);
		const request: LineRequest<ReadReply> = {
			bytes: encodeRead(node, parameters, { firstIndex, framing }),
			parse: readReply(node, parameters, { firstIndex, framing, lenient: optional !== undefined }),
			diagnose: (received) => diagnose(node, received, framing),
			title: titleOf(parameters),
		};
		if (optional === undefined) return this.line.request(request);
		return (await optional.ask(request)) ?? { refused: SILENCE };
	}

	private async write(counts: number): Promise<void> {
		const { node } = this.context.settings;
		const framing = this.framing();
		const { refused } = await this.line.request({
			bytes: encodeWriteInt(node, PARAMETERS.setpoint, counts, framing),
			parse: statusReply(node, framing),
			title: `write setpoint ${counts}`,
		});
		if (refused === 0) return;
		throw new AdlayerError(
			"READBACK_MISMATCH",
			`${this.context.name} did not take the setpoint: ${statusText(refused)}.`,
			{ context: { requested: counts, status: refused } },
		);
	}

	private framing(): Framing {
		if (this.form === "ascii") return ASCII;
		this.sequence = (this.sequence + 1) % SEQUENCES;
		return binary(this.sequence);
	}

	/** A chain has other indexes than the one before, by which a late reply is told. */
	private nextChainIndex(): number {
		this.chainIndex =
			this.chainIndex + STATE.length > INDEX_MAX - STATE.length + 1 ? 1 : this.chainIndex + STATE.length;
		return this.chainIndex;
	}

	private misconfigured(problems: readonly string[]): AdlayerError {
		return new AdlayerError("DEVICE_MISCONFIGURED", `${this.context.name}: ${problems.join(" ")}`);
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

const percent = (counts: number): string => `${round((counts / COUNTS_FULL_SCALE) * 100)} %`;
const titleOf = (parameters: readonly Parameter[]): string => `read ${namesOf(parameters)}`;
const namesOf = (parameters: readonly Parameter[]): string => parameters.map(({ name }) => name).join(", ");
const good = (value: number): PolledValue => ({ value, quality: "good" });
const fault = (detail: string): PolledValue => ({ value: null, quality: "fault", detail });
const round = (value: number): number => Number(value.toPrecision(6));
