/** What has to be known and checked before a controller's values are believed: identity, columns, gas, range, setpoint source. */
import { AdlayerError, asAdlayerError } from "#core/errors.js";
import type { RequestLine } from "#core/wire.js";
import type { Identity } from "#device/contract.js";
import {
	encodeCommand,
	invalid,
	manufacturingReply,
	oneLine,
	parseFirmware,
	parseQuantity,
	parseSetpoint,
} from "./codec.js";
import { type AlicatMcSettings, type CompleteSettings, isComplete } from "./config.js";
import { type Column, columnTableReply, defaultColumns, FrameReader } from "./frame.js";
import { MASS_FLOW_UNITS, PRESSURE_UNITS, temperatureUnit } from "./units.js";

/** The tables are up to 1.8 kB: about a second at 19200 baud. */
export const TABLE_MS = 2_000;
const TABLE_RETRIES = 1;
/** Between two lines of a table the instrument makes shorter pauses than this. */
const TABLE_QUIET_MS = 100;
const DRAIN_LIMIT_MS = 3_000;
/** Questions that old firmware may not know, or not answer at all. */
const OPTIONAL_MS = 500;

/** Versions as major * 100 + minor. */
const LS_SINCE = 900;
const FPF_SINCE = 600;
/** ALSS, DCFRT and DCFRP. Before, "ALSS" could be taken for a lock command or a setpoint. */
const REFERENCES_SINCE = 1005;

const FULL_SCALE_TOLERANCE = 0.005;
const STANDARD_TEMPERATURE_TOLERANCE_K = 0.05;
const STANDARD_PRESSURE_PA = 101_325;
const STANDARD_PRESSURE_TOLERANCE_PA = 20;

export interface SetupResult {
	readonly identity: Identity;
	/** Major * 100 + minor; undefined when the instrument does not say. */
	readonly firmware: number | undefined;
	/** The instrument's own column table; null when it has none. */
	readonly columns: readonly Column[] | null;
	readonly reader: FrameReader;
	readonly warnings: string[];
}

/** What a look by reading alone finds out; what it does not find out is absent. */
export interface LookResult {
	readonly identity: Identity;
	readonly confirmed: boolean;
	readonly firmware?: number;
	readonly columns: readonly Column[] | null;
	/** Only of a frame that control could read too. */
	readonly reader?: FrameReader;
	/** Of the mass flow, where no table says it. */
	readonly massUnit?: string;
	/** The instrument's standard temperature, by its own word. */
	readonly standardC?: number;
	readonly warnings: string[];
}

/** Without ??M*, the firmware word (AVE) and a column table with a mass flow setpoint still prove an Alicat controller. */
export const provesController = (
	identity: Identity,
	firmware: number | undefined,
	columns: readonly Column[] | null,
): boolean => identity.model !== null || (firmware !== undefined && columns !== null);

export class Setup {
	constructor(
		private readonly name: string,
		private readonly line: RequestLine,
		private readonly settings: AlicatMcSettings,
	) {}

	/** Refuses what makes safe operation impossible. */
	async run(): Promise<SetupResult> {
		const settings = this.complete();
		await this.clear();

		const warnings: string[] = [];
		const { identity, firmware } = await this.identify(warnings);
		const columns = await this.table(columnTableReply(this.settings.unit_id), "??D*");
		const sample = await this.ask("");
		if (sample === null) throw invalid(`Unit ${this.settings.unit_id} refused to send its data frame.`);
		const reader = new FrameReader(columns ?? defaultColumns(await this.massFlowUnit(identity, firmware)), sample);
		if (columns === null) warnings.push("The instrument gives no column table; its factory data frame is assumed.");

		this.checkFlowUnit(reader.massUnit);
		this.checkGas(reader.read(sample).gas, settings.gas);
		await this.checkFullScale(reader, identity, firmware, settings.full_scale_sccm, warnings);
		await this.checkSetpointSource(firmware, warnings);
		await this.checkStandardConditions(reader, firmware, warnings);
		return { identity, firmware, columns, reader, warnings };
	}

	/** Finds out what can be found out, and warns where `run` would refuse. Rejects when nobody is there, or another instrument. */
	async look(): Promise<LookResult> {
		await this.clear();
		const warnings: string[] = [];
		const sample = await this.ask("");
		if (sample === null) throw invalid(`Unit ${this.settings.unit_id} refused to send its data frame.`);
		const { identity, firmware } = await this.identify(warnings, 0);
		const attempt = async <Result>(work: () => Promise<Result>): Promise<Result | undefined> => {
			try {
				return await work();
			} catch (thrown) {
				warnings.push(asAdlayerError(thrown).message);
				return undefined;
			}
		};
		const columns = (await attempt(() => this.table(columnTableReply(this.settings.unit_id), "??D*", 0))) ?? null;
		if (columns === null) warnings.push("The instrument gives no column table; its factory data frame is assumed.");
		const massUnit = columns === null ? await this.massFlowUnitIfSaid(identity, firmware) : undefined;
		const readable = columns ?? (massUnit === undefined ? undefined : defaultColumns(massUnit));
		const reader = readable === undefined ? undefined : await attempt(async () => new FrameReader(readable, sample));
		const { gas, full_scale_sccm: fullScale } = this.settings;
		if (reader !== undefined) {
			await attempt(async () => this.checkFlowUnit(reader.massUnit));
			if (gas !== undefined) await attempt(async () => this.checkGas(reader.read(sample).gas, gas));
			if (fullScale !== undefined) {
				await attempt(() => this.checkFullScale(reader, identity, firmware, fullScale, warnings));
			}
			await attempt(() => this.checkSetpointSource(firmware, warnings));
		}
		const standardC = reader === undefined ? undefined : await this.standardC(reader, firmware);
		return {
			identity,
			confirmed: reader !== undefined && provesController(identity, firmware, columns),
			columns,
			warnings,
			...(firmware === undefined ? {} : { firmware }),
			...(reader === undefined ? {} : { reader }),
			...(massUnit === undefined ? {} : { massUnit }),
			...(standardC === undefined ? {} : { standardC }),
		};
	}

	private complete(): CompleteSettings {
		const settings = { ...this.settings };
		if (isComplete(settings)) return settings;
		throw new AdlayerError(
			"DEVICE_MISCONFIGURED",
			`${this.name} needs gas and full_scale_sccm in the lab file to be controlled.`,
		);
	}

	/** An unfinished command may wait in the instrument for its CR; what it answers is dropped. */
	private async clear(): Promise<void> {
		await this.line.send(Uint8Array.of(0x0d));
		await this.line.drain(50, DRAIN_LIMIT_MS);
	}

	/** Discards what follows the part of a table that was read. */
	drainTable(): Promise<void> {
		return this.line.drain(TABLE_QUIET_MS, DRAIN_LIMIT_MS);
	}

	private async identify(
		warnings: string[],
		retries = TABLE_RETRIES,
	): Promise<{ identity: Identity; firmware: number | undefined }> {
		const made = await this.table(manufacturingReply(this.settings.unit_id), "??M*", retries);
		if (made !== null) {
			if (!/alicat/i.test(made.maker) || !/^MC/.test(made.model)) {
				throw new AdlayerError(
					"IDENTITY_MISMATCH",
					`Unit ${this.settings.unit_id} is a ${made.model} of ${made.maker}, not an Alicat MC mass flow controller.`,
				);
			}
			const firmware = parseFirmware(made.firmware);
			if (firmware === undefined) throw unsupportedFirmware(made.firmware);
			const identity = {
				manufacturer: "Alicat Scientific",
				model: made.model,
				serial: made.serial,
				firmware: firmware.text,
			};
			return { identity, firmware: firmware.version };
		}
		const said = await this.askOptional("VE");
		if (said !== null && /^[A-Z]\s+GP/i.test(said)) throw unsupportedFirmware("GP");
		const firmware = said === null ? undefined : parseFirmware(said);
		warnings.push("The instrument does not say its model and serial number.");
		const identity = {
			manufacturer: firmware === undefined ? null : "Alicat Scientific",
			model: null,
			serial: null,
			firmware: firmware?.text ?? null,
		};
		return { identity, firmware: firmware?.version };
	}

	private checkGas(selected: string, configured: string): void {
		if (selected === configured) return;
		throw new AdlayerError(
			"DEVICE_MISCONFIGURED",
			`${this.name} has the gas ${selected} selected, the lab file says ${configured}.`,
			{
				context: { selected, configured },
				hint: "Select the gas on the instrument, or correct the lab file.",
			},
		);
	}

	/** Serial setpoints are silently ignored while the instrument follows its analog input or its display. */
	private async checkSetpointSource(firmware: number | undefined, warnings: string[]): Promise<void> {
		const reply = atLeast(firmware, REFERENCES_SINCE) ? await this.askOptional("LSS") : null;
		const source = reply === null ? undefined : /^[A-Za-z]\s+([SAU])\s*$/.exec(reply)?.[1];
		if (source === undefined) {
			warnings.push("The setpoint source cannot be read; every setpoint is read back.");
		} else if (source !== "S") {
			const from = source === "A" ? "the analog input (A)" : "the display (U)";
			throw new AdlayerError(
				"DEVICE_MISCONFIGURED",
				`${this.name} takes its setpoint from ${from}, not from the serial line (S).`,
				{
					context: { source },
					hint: "Set the setpoint source to serial on the instrument (ALSS S).",
				},
			);
		}
	}

	private async checkFullScale(
		reader: FrameReader,
		identity: Identity,
		firmware: number | undefined,
		configured: number,
		warnings: string[],
	): Promise<void> {
		const found = await this.fullScaleInstrumentSccm(reader, identity, firmware);
		if (found === undefined) {
			warnings.push(`The full scale cannot be read; ${configured} SCCM of the lab file is taken.`);
		} else if (Math.abs(found - configured) > FULL_SCALE_TOLERANCE * configured) {
			throw new AdlayerError(
				"DEVICE_MISCONFIGURED",
				`${this.name} has a full scale of ${found} SCCM, the lab file says ${configured} SCCM.`,
				{ context: { found, configured }, hint: "Correct full_scale_sccm in the lab file." },
			);
		}
	}

	private async fullScaleInstrumentSccm(
		reader: FrameReader,
		identity: Identity,
		firmware: number | undefined,
	): Promise<number | undefined> {
		const reply = atLeast(firmware, FPF_SINCE) ? await this.askOptional("FPF 5") : null;
		const quantity = reply === null ? undefined : parseQuantity(reply);
		const unit = quantity === undefined ? undefined : MASS_FLOW_UNITS[quantity.unit];
		if (quantity !== undefined && unit !== undefined) return quantity.value * unit.sccm;
		const max = reader.columns.find((column) => column.role === "mass")?.max;
		if (max !== undefined) return max * reader.sccmPerUnit;
		const nameplate = fromModel(identity.model);
		return nameplate === undefined ? undefined : nameplate.value * MASS_FLOW_UNITS[nameplate.unit]!.sccm;
	}

	/** What the instrument calls a standard cubic centimetre must be what the lab file says. */
	private async checkStandardConditions(
		reader: FrameReader,
		firmware: number | undefined,
		warnings: string[],
	): Promise<void> {
		const configuredC = this.settings.standard_degC ?? 0;
		const foundC = await this.standardC(reader, firmware);
		if (foundC === undefined) {
			warnings.push(
				`The instrument's standard temperature cannot be read; ${configuredC} degC is taken (standard_degC).`,
			);
			return;
		}
		if (Math.abs(foundC - configuredC) > STANDARD_TEMPERATURE_TOLERANCE_K) {
			throw new AdlayerError(
				"DEVICE_MISCONFIGURED",
				`${this.name} counts standard flow at ${foundC} degC, the lab file says ${configuredC} degC.`,
				{ context: { foundC, configuredC }, hint: `Set standard_degC: ${foundC} in the lab file.` },
			);
		}
		const pressure = await this.askOptional(`DCFRP ${reader.reference}`);
		const standard = pressure === null ? undefined : parseQuantity(pressure);
		const toPascal = standard === undefined ? undefined : PRESSURE_UNITS[standard.unit];
		if (standard === undefined || toPascal === undefined) return;
		const foundPa = toPascal(standard.value);
		if (Math.abs(foundPa - STANDARD_PRESSURE_PA) > STANDARD_PRESSURE_TOLERANCE_PA) {
			throw new AdlayerError(
				"DEVICE_MISCONFIGURED",
				`${this.name} counts standard flow at ${Math.round(foundPa)} Pa, not at ${STANDARD_PRESSURE_PA} Pa.`,
				{ context: { foundPa }, hint: "Set the standard pressure on the instrument to 14.696 PSIA." },
			);
		}
	}

	private async standardC(reader: FrameReader, firmware: number | undefined): Promise<number | undefined> {
		if (!atLeast(firmware, REFERENCES_SINCE)) return undefined;
		const temperature = await this.askOptional(`DCFRT ${reader.reference}`);
		const quantity = temperature === null ? undefined : parseQuantity(temperature);
		return quantity === undefined ? undefined : temperatureUnit(quantity.unit)?.(quantity.value);
	}

	/** The unit of the mass flow where no table gives it: from the reply to LS, or from the nameplate. */
	private async massFlowUnitIfSaid(identity: Identity, firmware: number | undefined): Promise<string | undefined> {
		const reply = atLeast(firmware, LS_SINCE) ? await this.askOptional("LS") : null;
		const said = (reply === null ? undefined : parseSetpoint(reply)?.unit) ?? fromModel(identity.model)?.unit;
		return said ?? this.settings.flow_unit;
	}

	/** What the settings say of the unit must be what the instrument says. */
	private checkFlowUnit(found: string): void {
		const { flow_unit: configured } = this.settings;
		if (configured === undefined || configured === found) return;
		throw new AdlayerError(
			"DEVICE_MISCONFIGURED",
			`${this.name} measures mass flow in ${found}, the lab file says ${configured}.`,
			{ context: { found, configured } },
		);
	}

	private async massFlowUnit(identity: Identity, firmware: number | undefined): Promise<string> {
		const unit = await this.massFlowUnitIfSaid(identity, firmware);
		if (unit === undefined) {
			throw new AdlayerError("DEVICE_MISCONFIGURED", `${this.name} does not say in which unit it measures mass flow.`, {
				hint: `Look it up on the instrument and set flow_unit: ${Object.keys(MASS_FLOW_UNITS).join(", ")}.`,
			});
		}
		return unit;
	}

	private ask(command: string): Promise<string | null> {
		return this.line.request({
			bytes: encodeCommand(this.settings.unit_id, command),
			parse: oneLine(this.settings.unit_id),
			title: `${this.settings.unit_id}${command}`,
		});
	}

	/** Null when the instrument does not know the command: `?`, or silence. */
	private async askOptional(command: string): Promise<string | null> {
		try {
			return await this.line.request({
				bytes: encodeCommand(this.settings.unit_id, command),
				parse: oneLine(this.settings.unit_id),
				timeoutMs: OPTIONAL_MS,
				title: `${this.settings.unit_id}${command}`,
			});
		} catch (thrown) {
			if (thrown instanceof AdlayerError && thrown.code === "DEVICE_SILENT") return null;
			throw thrown;
		}
	}

	private async table<Table>(
		parse: (received: Uint8Array) => { reply: Table | null; taken: number } | undefined,
		command: string,
		retries = TABLE_RETRIES,
	): Promise<Table | null> {
		try {
			const reply = await this.line.request<Table | null>({
				bytes: encodeCommand(this.settings.unit_id, command),
				parse,
				timeoutMs: TABLE_MS,
				retries,
				title: `${this.settings.unit_id}${command}`,
			});
			await this.drainTable();
			return reply;
		} catch (thrown) {
			// Firmware without the table may stay silent; whether anybody is there at all is found out by the data frame.
			if (thrown instanceof AdlayerError && thrown.code === "DEVICE_SILENT") return null;
			// In a look, an answer that is no table says that there is none; some answer everything with their data frame.
			if (retries === 0 && thrown instanceof AdlayerError && thrown.code === "REPLY_INVALID") return null;
			throw thrown;
		}
	}
}

const atLeast = (firmware: number | undefined, version: number): boolean =>
	firmware !== undefined && firmware >= version;

/** `MC-500SCCM-D` -> 500 SCCM. */
function fromModel(model: string | null): { value: number; unit: string } | undefined {
	const match = /-(\d+(?:\.\d+)?)(SCCM|SLPM)\b/.exec(model ?? "");
	return match === null ? undefined : { value: Number(match[1]), unit: match[2]! };
}

function unsupportedFirmware(text: string): AdlayerError {
	return new AdlayerError("IDENTITY_MISMATCH", `Firmware ${text} is not supported; 5v and later are.`);
}
