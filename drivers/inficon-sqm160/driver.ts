import { AdlayerError } from "#core/errors.js";
import type { RequestLine } from "#core/wire.js";
import type { Device, DriverContext, Identification, PolledValue, PolledValues, SignalInfo } from "#device/contract.js";
import { OptionalQuestions } from "#transport/optional-question.js";
import { decodeNumber, encodeRequest, parseReply, type Reply, STATUS } from "./codec.js";
import { CRYSTAL_HZ_MAX, CRYSTAL_HZ_MIN, type Sqm160Settings } from "./config.js";

/**
 * A reply does not say what it answers. Before each request the line must have been quiet for this long, so that a reply that
 * came twice is not taken for the next one; a byte takes 0.5 ms.
 */
const QUIET_MS = 5;
const QUIET_LIMIT_MS = 200;
const NM_PER_ANGSTROM = 0.1;
/** `MON Ver 4.13` of a real one; emulators name the model. */
const VERSION = /^(MON|SQM)/i;
/** What is shown of a number that does not fit its field, or that there is none of. */
const NO_NUMBER = /^\s*[*-]*\s*$/;

const fault = (detail: string): PolledValue => ({ value: null, quality: "fault", detail });

/**
 * An SQM-160 as a device. Reads only. Errors of `connect`: IDENTITY_MISMATCH, DEVICE_MISCONFIGURED (fewer sensors than
 * configured). `poll` throws DEVICE_RESTARTED when the monitor was reset: it counts thickness from zero again.
 */
export class Sqm160 implements Device {
	readonly signals: Readonly<Record<string, SignalInfo>>;
	private readonly line: RequestLine;
	private readonly channels: readonly (readonly [name: string, sensor: number])[];
	/** Undefined in a probe that was not told the unit. */
	private readonly nmPerUnit: number | undefined;
	/** The monitor goes on saying that it was reset; only the first time is news. */
	private resetKnown = false;
	/** In a look: what need not be known is asked this way. */
	private optional: OptionalQuestions | undefined;

	constructor(private readonly context: DriverContext<Sqm160Settings>) {
		const { line, name, settings } = context;
		if (line === undefined) throw new AdlayerError("ADDRESS_INVALID", `${name} needs a serial or tcp address.`);
		this.line = line;
		this.channels = Object.entries(settings.channels);
		const { thickness_unit: unit } = settings;
		this.nmPerUnit = unit === undefined ? undefined : NM_PER_ANGSTROM * (unit === "kiloangstrom" ? 1_000 : 1);
		this.signals = Object.fromEntries(
			this.channels.flatMap(([channel, sensor]): [string, SignalInfo][] => [
				[`${channel}_thickness`, { unit: "nm", kind: "measurement", description: `Film thickness, sensor ${sensor}` }],
				[`${channel}_rate`, { unit: "nm/s", kind: "measurement", description: `Growth rate, sensor ${sensor}` }],
				[
					`${channel}_frequency`,
					{ unit: "Hz", kind: "measurement", description: `Crystal frequency, sensor ${sensor}` },
				],
				[`${channel}_life`, { unit: "%", kind: "measurement", description: `Crystal life left, sensor ${sensor}` }],
			]),
		);
	}

	async inspect(): Promise<Identification> {
		return this.identify(true);
	}

	async connect(): Promise<Identification> {
		return this.identify(false);
	}

	private async identify(looking: boolean): Promise<Identification> {
		const { name } = this.context;
		this.optional = undefined;
		await this.line.open();
		this.resetKnown = true;
		const version = (await this.demand("@")).trim();
		if (!VERSION.test(version)) {
			throw new AdlayerError("IDENTITY_MISMATCH", `"${version.slice(0, 40)}" answered as ${name}, not an SQM-160.`);
		}
		this.optional = looking ? new OptionalQuestions(this.line) : undefined;
		const counted = await this.ask("J");
		if (!looking && counted.status !== "A" && counted.status !== "B") throw this.refused("J", counted);
		const sensors = decodeNumber(counted.data) ?? (looking ? Number.POSITIVE_INFINITY : 0);
		const beyond = this.channels.filter(([, sensor]) => sensor > sensors);
		if (beyond.length > 0) {
			const which = beyond.map(([channel, sensor]) => `${channel} (${sensor})`).join(", ");
			throw new AdlayerError(
				"DEVICE_MISCONFIGURED",
				`${name} has ${sensors} sensors, but the lab file wants ${which}.`,
			);
		}
		const { status } = await this.ask("@");
		this.resetKnown = status === "B";
		return {
			identity: { manufacturer: "INFICON", model: "SQM-160", serial: null, firmware: version },
			confirmed: true,
			warnings: this.resetKnown ? ["The monitor was reset: its thickness counts from then."] : [],
		};
	}

	async poll(): Promise<PolledValues> {
		const values: Record<string, PolledValue> = {};
		for (const [channel, sensor] of this.channels) {
			const frequency = this.frequency(await this.read(`P${sensor}`));
			// Without an oscillating crystal the monitor goes on showing what it showed.
			const broken =
				frequency.quality === "fault" ? fault(`the crystal of sensor ${sensor}: ${frequency.detail}`) : undefined;
			values[`${channel}_frequency`] = frequency;
			values[`${channel}_thickness`] = broken ?? this.thickness(await this.read(`N${sensor}`));
			values[`${channel}_rate`] = broken ?? scaled(await this.read(`L${sensor}?`), NM_PER_ANGSTROM);
			values[`${channel}_life`] = broken ?? (await this.read(`R${sensor}`));
		}
		return values;
	}

	/** There is nothing to make safe: a thickness monitor only measures. Its shutter relay is not touched. */
	async makeSafe(): Promise<void> {}

	async close(): Promise<void> {
		await this.line.close();
	}

	private frequency(read: PolledValue): PolledValue {
		const { crystal_hz_min: minHz = CRYSTAL_HZ_MIN, crystal_hz_max: maxHz = CRYSTAL_HZ_MAX } = this.context.settings;
		if (read.value === null || (read.value >= minHz && read.value <= maxHz)) return read;
		return fault(`${read.value} Hz is outside ${minHz} to ${maxHz} Hz`);
	}

	private thickness(read: PolledValue): PolledValue {
		if (this.nmPerUnit !== undefined || read.value === null || read.value === 0)
			return scaled(read, this.nmPerUnit ?? 0);
		return fault(`${read.value}, in a unit that is not known: --option thickness_unit=angstrom, kiloangstrom`);
	}

	private async read(message: string): Promise<PolledValue> {
		const { status, data } = await this.ask(message);
		if (status === "B" && !this.resetKnown) {
			throw new AdlayerError(
				"DEVICE_RESTARTED",
				`${this.context.name} was reset; its thickness counts from zero again.`,
			);
		}
		if (status !== "A" && status !== "B") return fault(`${STATUS[status]} (${status}, ${message})`);
		if (NO_NUMBER.test(data)) return fault(`the monitor shows "${data.trim()}", no number (${message})`);
		const value = decodeNumber(data);
		if (value === undefined) {
			throw new AdlayerError("REPLY_INVALID", `"${data.slice(0, 40)}" came instead of a number (${message}).`);
		}
		return { value, quality: "good" };
	}

	private async demand(message: string): Promise<string> {
		const { status, data } = await this.ask(message);
		if (status === "A" || status === "B") return data;
		throw this.refused(message, { status });
	}

	private refused(message: string, { status }: Pick<Reply, "status">): AdlayerError {
		return new AdlayerError("REPLY_INVALID", `${this.context.name} refused ${message}: ${STATUS[status]}.`);
	}

	/** In a look silence is taken for not knowing the command. */
	private async ask(message: string): Promise<Reply> {
		await this.line.drain(QUIET_MS, QUIET_LIMIT_MS);
		const bytes = encodeRequest(message);
		const request = { bytes, parse: (received: Uint8Array) => parseReply(received, bytes), title: message };
		if (this.optional === undefined) return this.line.request(request);
		return (await this.optional.ask(request)) ?? { status: "C", data: "" };
	}
}

function scaled(read: PolledValue, factor: number): PolledValue {
	return read.value === null ? read : { ...read, value: read.value * factor };
}
