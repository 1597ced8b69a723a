import { AdlayerError } from "#core/errors.js";
import type { LineRequest, RequestLine } from "#core/wire.js";
import type { Device, DriverContext, Identification, PolledValue, PolledValues, SignalInfo } from "#device/contract.js";
import { encodeCommand, invalid, oneLine, parseSetpoint, readUnitLine } from "./codec.js";
import { type AlicatMcSettings, isComplete, sccmPerInstrumentSccm } from "./config.js";
import { type Column, columnTableReply, type Frame, type FrameReader } from "./frame.js";
import { type Known, look } from "./look.js";
import { provesController, Setup, TABLE_MS } from "./setup.js";
import { faultsOf } from "./status-words.js";

/**
 * A frame does not say its units, so a change of them at the front panel shows only as a jump. Pressure and temperature of the
 * supply gas move slowly: a step past both bounds makes the driver read the column table before it reports the value.
 */
const PRESSURE_JUMP_RATIO = 1.2;
const PRESSURE_JUMP_PA = 5_000;
const TEMPERATURE_JUMP_K = 10;

/**
 * An Alicat MC as a device: signals `flow`, `setpoint` (settable), `pressure` and `temperature`; flow in sccm (0 degC).
 * Errors of `connect`: IDENTITY_MISMATCH, DEVICE_MISCONFIGURED (gas, full scale, standard conditions, setpoint source, units),
 * REPLY_INVALID and the line's own. Of `poll`: DEVICE_NOT_READY, DEVICE_MISCONFIGURED (units were changed), REPLY_INVALID and
 * the line's own. Of `set`: SIGNAL_UNKNOWN, SETPOINT_OUT_OF_RANGE, READBACK_MISMATCH and those of `poll`.
 */
export class AlicatMc implements Device {
	readonly signals: Readonly<Record<string, SignalInfo>>;
	private readonly line: RequestLine;
	private readonly unitId: string;
	private readonly setup: Setup;
	private sccmPerInstrumentSccm: number;
	/** Looked at by reading alone: `poll` then says what the frame says as far as that is known. */
	private looking: Known | undefined;
	private readonly frameRequest: LineRequest<Frame>;
	private reader: FrameReader | undefined;
	private columns: readonly Column[] | null = null;
	/** The setpoint command that this firmware knows: on old firmware `AL...` would lock the display. */
	private setpointCommand: "LS" | "S" | undefined;
	private last: Frame | undefined;

	constructor(private readonly context: DriverContext<AlicatMcSettings>) {
		if (context.line === undefined) {
			throw new AdlayerError("ADDRESS_INVALID", `${context.name} needs a serial or tcp address.`);
		}
		const { settings } = context;
		this.line = context.line;
		this.unitId = settings.unit_id;
		this.setup = new Setup(context.name, context.line, settings);
		this.sccmPerInstrumentSccm = sccmPerInstrumentSccm(settings.standard_degC ?? 0);
		const gas = settings.gas ?? "the gas that is selected on the instrument";
		this.signals = {
			flow: { unit: "sccm", kind: "measurement", description: `Mass flow of ${gas}` },
			setpoint: {
				unit: "sccm",
				kind: "setpoint",
				description: `Flow setpoint of ${gas}, as the instrument holds it`,
				...(this.sccmMax === undefined ? {} : { settable: { min: 0, max: this.sccmMax } }),
			},
			pressure: { unit: "Pa", kind: "measurement", description: "Absolute pressure in the controller" },
			temperature: { unit: "degC", kind: "measurement", description: "Gas temperature in the controller" },
		};
		this.frameRequest = {
			bytes: encodeCommand(this.unitId, ""),
			parse: (received) => this.parseFrame(received),
			title: `${this.unitId} (data frame)`,
		};
	}

	/** Undefined where a probe was not told the full scale. */
	private get sccmMax(): number | undefined {
		const { full_scale_sccm: fullScale } = this.context.settings;
		return fullScale === undefined ? undefined : fullScale * this.sccmPerInstrumentSccm;
	}

	async connect(): Promise<Identification> {
		this.looking = undefined;
		this.reader = undefined;
		this.setpointCommand = undefined;
		this.last = undefined;
		await this.line.open();
		const { identity, firmware, columns, reader, warnings } = await this.setup.run();
		this.columns = columns;
		this.setpointCommand = firmware === undefined ? undefined : firmware >= 900 ? "LS" : "S";
		this.reader = reader;
		return { identity, confirmed: provesController(identity, firmware, columns), warnings };
	}

	async inspect(): Promise<Identification> {
		const { settings } = this.context;
		this.reader = undefined;
		this.setpointCommand = undefined;
		await this.line.open();
		const found = await this.setup.look();
		const { identity, confirmed, firmware, columns, reader, massUnit, standardC, warnings } = found;
		this.columns = columns;
		this.reader = reader;
		this.setpointCommand = firmware === undefined ? undefined : firmware >= 900 ? "LS" : "S";
		// Settings as a lab file has them bring the lab file's default with them; with less, nothing is assumed.
		const defaultC = isComplete(settings) ? 0 : undefined;
		const knownC = standardC ?? settings.standard_degC ?? defaultC;
		if (knownC !== undefined) this.sccmPerInstrumentSccm = sccmPerInstrumentSccm(knownC);
		if (settings.standard_degC !== undefined && standardC !== undefined && standardC !== settings.standard_degC) {
			warnings.push(
				`The instrument counts standard flow at ${standardC} degC, standard_degC is ${settings.standard_degC}.`,
			);
		} else if (knownC === undefined) {
			warnings.push(
				"The instrument's standard temperature is not known, so no flow is: say --option standard_degC=25 (as shipped), or as it is.",
			);
		}
		this.looking = {
			columns,
			...(massUnit === undefined ? {} : { massUnit }),
			...(knownC === undefined ? {} : { sccmPerInstrumentSccm: this.sccmPerInstrumentSccm }),
			...(settings.gas === undefined ? {} : { gas: settings.gas }),
		};
		return { identity, confirmed, warnings };
	}

	async poll(): Promise<PolledValues> {
		if (this.looking !== undefined) return look(await this.request(""), this.looking);
		this.requireConnection();
		const frame = await this.line.request(this.frameRequest);
		if (this.last !== undefined && hasJumped(this.last, frame)) await this.checkUnits();
		this.last = frame;
		return this.values(frame);
	}

	/** Sets `setpoint` in sccm and gives what the instrument then holds, read back with a second question. */
	async set(signal: string, value: number): Promise<number> {
		if (signal !== "setpoint") {
			throw new AdlayerError("SIGNAL_UNKNOWN", `${this.context.name} has no settable signal "${signal}".`);
		}
		const { sccmMax } = this;
		if (sccmMax === undefined || (this.looking !== undefined && this.looking.sccmPerInstrumentSccm === undefined)) {
			throw new AdlayerError("SETPOINT_OUT_OF_RANGE", `The range of ${this.context.name} is not known.`, {
				hint: "Say what the instrument is: --option full_scale_sccm=200 --option gas=N2 --option standard_degC=25.",
			});
		}
		if (!(value >= 0 && value <= sccmMax)) {
			throw new AdlayerError(
				"SETPOINT_OUT_OF_RANGE",
				`Setpoint ${value} sccm is outside 0 to ${round(sccmMax)} sccm of ${this.context.name}.`,
				{ context: { value, min: 0, max: sccmMax } },
			);
		}
		if (this.looking !== undefined && this.reader === undefined) {
			throw new AdlayerError(
				"IDENTITY_UNKNOWN",
				`${this.context.name} gives no data frame by which a setpoint could be checked.`,
			);
		}
		const reader = this.requireConnection();
		const text = (value / this.sccmPerInstrumentSccm / reader.sccmPerUnit).toFixed(reader.setpointDecimals);
		const requested = Number(text);
		const held =
			this.setpointCommand === "LS" ? await this.setModern(text, reader) : await this.setLegacy(text, reader);
		if (Math.abs(held - requested) > 0.5 * 10 ** -reader.setpointDecimals) {
			throw new AdlayerError(
				"READBACK_MISMATCH",
				`${this.context.name} was told ${text} ${reader.massUnit} but holds ${held} ${reader.massUnit}.`,
				{ context: { requested, held, unit: reader.massUnit } },
			);
		}
		return held * reader.sccmPerUnit * this.sccmPerInstrumentSccm;
	}

	/** Leaves the flow as it is: which flow is safe depends on the cause, and safety commands it. */
	async makeSafe(): Promise<void> {}

	async close(): Promise<void> {
		this.reader = undefined;
		await this.line.close();
	}

	private requireConnection(): FrameReader {
		if (this.reader === undefined) {
			throw new AdlayerError("DEVICE_NOT_READY", `${this.context.name} is not connected.`);
		}
		return this.reader;
	}

	private parseFrame(received: Uint8Array): { reply: Frame; taken: number } | undefined {
		const line = readUnitLine(received, this.unitId);
		if (line === undefined) return undefined;
		if (line.text === null) throw invalid(`Unit ${this.unitId} refused to send its data frame.`);
		return { reply: this.requireConnection().read(line.text), taken: line.next };
	}

	/** Firmware from 9v00 on. Gives the setpoint that the instrument holds, in its own unit. */
	private async setModern(text: string, reader: FrameReader): Promise<number> {
		for (const command of [`LS ${text}`, "LS"]) {
			const reply = await this.request(command);
			const setpoint = parseSetpoint(reply);
			if (setpoint === undefined) throw invalid(`"${reply.slice(0, 60)}" is no reply to LS.`);
			if (setpoint.unit !== reader.massUnit) throw this.unitsChanged(reader.massUnit, setpoint.unit);
			if (command === "LS") return setpoint.requested;
		}
		throw new Error("Assertion: the loop ends with LS");
	}

	/** Firmware before 9v00, whose `AL` locks the display. Replies with a data frame; so does the question that reads back. */
	private async setLegacy(text: string, reader: FrameReader): Promise<number> {
		if (this.setpointCommand === undefined && this.looking === undefined) {
			throw new AdlayerError(
				"IDENTITY_UNKNOWN",
				`${this.context.name} does not say its firmware, so its setpoint command is not known.`,
			);
		}
		reader.read(await this.request(`S ${text}`));
		const frame = await this.line.request(this.frameRequest);
		return frame.setpointInstrumentSccm / reader.sccmPerUnit;
	}

	private async request(command: string): Promise<string> {
		const title = `${this.unitId}${command}`;
		const reply = await this.line.request({
			bytes: encodeCommand(this.unitId, command),
			parse: oneLine(this.unitId),
			title,
		});
		if (reply === null) throw invalid(`The instrument does not take "${title}".`);
		return reply;
	}

	/** Reads the column table again; throws DEVICE_MISCONFIGURED when it is not the one of the connection. */
	private async checkUnits(): Promise<void> {
		const { columns } = this;
		if (columns === null) return;
		const now = await this.line.request({
			bytes: encodeCommand(this.unitId, "??D*"),
			parse: columnTableReply(this.unitId),
			timeoutMs: TABLE_MS,
			title: `${this.unitId}??D*`,
		});
		await this.setup.drainTable();
		for (const [index, column] of columns.entries()) {
			const unit = now?.[index]?.unit;
			if (unit !== column.unit) throw this.unitsChanged(column.unit, unit ?? "nothing");
		}
	}

	private unitsChanged(before: string, now: string): AdlayerError {
		this.reader = undefined;
		return new AdlayerError(
			"DEVICE_MISCONFIGURED",
			`${this.context.name}: a unit was changed from ${before} to ${now}.`,
			{
				hint: "Nothing to do if the new unit is meant: the connection is made anew with it.",
			},
		);
	}

	private values(frame: Frame): PolledValues {
		const faults = faultsOf(frame.words);
		const { gas } = this.context.settings;
		if (frame.gas !== gas) faults.flow = `the gas selected on the instrument is ${frame.gas}, not ${gas}`;
		const factor = this.sccmPerInstrumentSccm;
		return {
			flow: polled(frame.massInstrumentSccm * factor, faults.flow),
			setpoint: polled(frame.setpointInstrumentSccm * factor, faults.setpoint),
			pressure: polled(frame.pressurePa, faults.pressure),
			temperature: polled(frame.temperatureC, faults.temperature),
		};
	}
}

const polled = (value: number, fault: string | undefined): PolledValue =>
	fault === undefined ? { value, quality: "good" } : { value: null, quality: "fault", detail: fault };

function hasJumped(before: Frame, now: Frame): boolean {
	if (Math.abs(now.temperatureC - before.temperatureC) > TEMPERATURE_JUMP_K) return true;
	if (Math.abs(now.pressurePa - before.pressurePa) <= PRESSURE_JUMP_PA) return false;
	const ratio = now.pressurePa / before.pressurePa;
	return !(ratio < PRESSURE_JUMP_RATIO && ratio > 1 / PRESSURE_JUMP_RATIO);
}

const round = (value: number): number => Number(value.toPrecision(6));
