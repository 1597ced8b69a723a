import { AdlayerError } from "#core/errors.js";
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
import {
	decodeErrorWord,
	ENQ,
	ETX,
	encodeMnemonic,
	GAUGE_STATUS,
	type GaugeMeasurement,
	PRESSURE_UNITS,
	type PressureUnit,
	parseAcknowledgement,
	parseAreYouThere,
	parseData,
	parseMeasurements,
	printable,
} from "./codec.js";
import type { Tpg362Settings } from "./config.js";

/** After ETX, the line counts as quiet after this long: one and a half periods of the fastest continuous output. */
const QUIET_MS = 150;
const DRAIN_LIMIT_MS = 2_000;
/**
 * The unit is not part of a measurement line, so a change at the front panel shows only as a jump of every value by at least
 * a quarter (Torr against hPa). A jump of more than this makes the driver read the unit before it reports the value.
 */
const JUMP_RATIO = 1.1;
/** And without a jump the unit is read this often all the same. */
const UNIT_CHECK_POLLS = 50;

const ENQUIRY = Uint8Array.of(ENQ);
const GAUGE_IDS_ABSENT = ["NOSEN", "NOID"];

/** What the line of measurements looked like when the connection was made; a line of another form has lost or gained bytes. */
interface LineForm {
	readonly gauges: number;
	readonly decimals: readonly number[];
}

/**
 * A TPG 36x (or its relatives TPG 26x, VGC 40x/50x) as a device. Reads only: there is nothing to set and nothing to make safe.
 * Errors of `connect`: IDENTITY_MISMATCH, DEVICE_MISCONFIGURED (unit volts, fewer channels than configured), REPLY_INVALID and
 * the line's own. Errors of `poll`: DEVICE_MISCONFIGURED when the unit was changed (connect again), DEVICE_NOT_READY,
 * REPLY_INVALID and the line's own.
 */
export class Tpg362 implements Device {
	readonly signals: Readonly<Record<string, SignalInfo>>;
	private readonly line: RequestLine;
	private readonly channels: readonly (readonly [name: string, index: number])[];
	private readonly enquire: LineRequest<string> = { bytes: ENQUIRY, parse: parseData, title: "ENQ" };
	private unit: PressureUnit | undefined;
	private form: LineForm | undefined;
	/** PRX is the item that a bare ENQ repeats. */
	private repeatable = false;
	private unitChecked = false;
	private pollsSinceUnitCheck = 0;
	private last: readonly GaugeMeasurement[] | undefined;

	constructor(private readonly context: DriverContext<Tpg362Settings>) {
		if (context.line === undefined) {
			throw new AdlayerError("ADDRESS_INVALID", `${context.name} needs a serial or tcp address.`);
		}
		this.line = context.line;
		this.channels = Object.entries(context.settings.channels).map(([name, channel]) => [name, channel - 1]);
		this.signals = Object.fromEntries(
			Object.entries(context.settings.channels).map(([name, channel]): [string, SignalInfo] => [
				name,
				{ unit: "Pa", kind: "measurement", description: `Pressure, channel ${channel}` },
			]),
		);
	}

	async connect(): Promise<Identification> {
		this.forget();
		this.unit = undefined;
		this.form = undefined;
		await this.line.open();
		// After power-up the controller streams measurements until it hears a first character.
		await this.line.send(Uint8Array.of(ETX));
		await this.line.drain(QUIET_MS, DRAIN_LIMIT_MS);

		const { identity, warnings } = await this.identify();
		warnings.push(...this.checkGauges(await this.query("TID")));
		this.unit = await this.readUnit();
		const gauges = parseMeasurements(await this.query("PRX"));
		if (gauges === undefined) throw new AdlayerError("REPLY_INVALID", "The reply to PRX is no line of measurements.");
		this.requireChannels(gauges.length);
		this.form = { gauges: gauges.length, decimals: gauges.map((gauge) => gauge.decimals) };
		this.last = gauges;
		this.repeatable = true;
		this.unitChecked = true;
		return { identity, confirmed: true, warnings };
	}

	async poll(): Promise<PolledValues> {
		const { unit } = this;
		if (unit === undefined || this.form === undefined) {
			throw new AdlayerError("DEVICE_NOT_READY", `${this.context.name} is not connected.`);
		}
		try {
			const gauges = await this.measure();
			this.pollsSinceUnitCheck += 1;
			if (this.pollsSinceUnitCheck >= UNIT_CHECK_POLLS || hasJumped(this.last, gauges, this.channels)) {
				await this.checkUnit();
			}
			this.last = gauges;
			return this.values(gauges, unit);
		} catch (thrown) {
			this.forget();
			throw thrown;
		}
	}

	/** There is nothing to make safe: a gauge controller only measures. */
	async makeSafe(): Promise<void> {}

	async close(): Promise<void> {
		this.forget();
		await this.line.close();
	}

	/** One exchange when the controller still knows what was asked; otherwise the unit is checked and the item asked for anew. */
	private async measure(): Promise<GaugeMeasurement[]> {
		if (this.repeatable) {
			const gauges = this.decode(await this.line.request(this.enquire));
			if (gauges !== undefined) return gauges;
			// An ERROR word, say: the controller was switched off and on, or somebody else talked to it.
			this.forget();
		}
		if (!this.unitChecked) await this.checkUnit();
		const text = await this.query("PRX");
		const gauges = this.decode(text);
		if (gauges === undefined) {
			throw new AdlayerError("REPLY_INVALID", `"${printable(text)}" is no line of ${this.form?.gauges} measurements.`);
		}
		this.repeatable = true;
		return gauges;
	}

	private decode(text: string): GaugeMeasurement[] | undefined {
		const gauges = parseMeasurements(text);
		const { form } = this;
		if (gauges === undefined || form === undefined || gauges.length !== form.gauges) return undefined;
		for (let at = 0; at < gauges.length; at += 1) {
			if (gauges[at]!.decimals !== form.decimals[at]) return undefined;
		}
		return gauges;
	}

	private values(gauges: readonly GaugeMeasurement[], unit: PressureUnit): PolledValues {
		const values: Record<string, PolledValue> = {};
		for (const [name, index] of this.channels) {
			const gauge = gauges[index]!;
			const fault = GAUGE_STATUS[gauge.status];
			values[name] =
				fault === null
					? { value: unit.toPascal(gauge.value), quality: "good" }
					: { value: null, quality: "fault", detail: `channel ${index + 1}: ${fault}` };
		}
		return values;
	}

	private async identify(): Promise<{ identity: Identity; warnings: string[] }> {
		const reply = await this.ask("AYT");
		if (reply.refused === undefined) {
			const there = parseAreYouThere(reply.text);
			const maker = there === undefined ? undefined : makerOf(there.type);
			if (there === undefined || maker === undefined) {
				throw new AdlayerError(
					"IDENTITY_MISMATCH",
					`"${printable(reply.text)}" answered as ${this.context.name}, not a TPG or VGC gauge controller.`,
				);
			}
			return {
				identity: { manufacturer: maker, model: there.type, serial: there.serial, firmware: there.firmware },
				warnings: [],
			};
		}
		// The 26x and VGC 40x do not know AYT; PNR gives their program number, and nothing gives model or serial.
		const firmware = (await this.query("PNR")).trim();
		return {
			identity: { manufacturer: null, model: "TPG 26x or VGC 40x", serial: null, firmware },
			warnings: ["This controller cannot say its model and serial number (it does not know AYT)."],
		};
	}

	private checkGauges(text: string): string[] {
		const ids = text.split(",").map((id) => id.trim());
		this.requireChannels(ids.length);
		return this.channels
			.filter(([, index]) => GAUGE_IDS_ABSENT.includes(ids[index]!.toUpperCase()))
			.map(([name, index]) => `${name}: the controller finds no gauge on channel ${index + 1} (${ids[index]}).`);
	}

	private requireChannels(count: number): void {
		for (const [name, index] of this.channels) {
			if (index >= count) {
				throw new AdlayerError(
					"DEVICE_MISCONFIGURED",
					`${name} is configured on channel ${index + 1}, but the controller has ${count}.`,
				);
			}
		}
	}

	private async readUnit(): Promise<PressureUnit> {
		const text = (await this.query("UNI")).trim();
		if (text === "5") {
			throw new AdlayerError("DEVICE_MISCONFIGURED", "The controller shows volts (UNI 5), not a pressure.", {
				hint: "Set a pressure unit at the controller, e.g. hPa.",
			});
		}
		const unit = PRESSURE_UNITS[text];
		if (unit === undefined) throw new AdlayerError("REPLY_INVALID", `"${printable(text)}" is no pressure unit (UNI).`);
		return unit;
	}

	/** Throws DEVICE_MISCONFIGURED when the unit is not the one that was read at connect: everything is then read anew. */
	private async checkUnit(): Promise<void> {
		this.repeatable = false;
		const before = this.unit;
		const unit = await this.readUnit();
		if (unit !== before) {
			this.unit = undefined;
			throw new AdlayerError(
				"DEVICE_MISCONFIGURED",
				`The controller's pressure unit was changed from ${before?.name} to ${unit.name}.`,
				{ hint: "Nothing to do: the connection is made anew with the new unit." },
			);
		}
		this.unitChecked = true;
		this.pollsSinceUnitCheck = 0;
	}

	/** Sends a mnemonic and reads its data. Throws REPLY_INVALID with the decoded ERROR word when the controller refuses. */
	private async query(mnemonic: string): Promise<string> {
		const reply = await this.ask(mnemonic);
		if (reply.refused !== undefined) {
			throw new AdlayerError("REPLY_INVALID", `The controller refused ${mnemonic}: ${reply.refused}.`);
		}
		return reply.text;
	}

	private async ask(mnemonic: string): Promise<{ text: string; refused?: string }> {
		const acknowledged = await this.line.request({
			bytes: encodeMnemonic(mnemonic),
			parse: parseAcknowledgement,
			title: mnemonic,
		});
		const text = await this.line.request(this.enquire);
		if (acknowledged) return { text };
		return { text, refused: decodeErrorWord(text) ?? `an ERROR word that is none, "${printable(text)}"` };
	}

	private forget(): void {
		this.repeatable = false;
		this.unitChecked = false;
		this.last = undefined;
	}
}

/** Whether any of our channels moved more than a change of unit could hide in, or came to or left a valid measurement. */
function hasJumped(
	before: readonly GaugeMeasurement[] | undefined,
	now: readonly GaugeMeasurement[],
	channels: readonly (readonly [name: string, index: number])[],
): boolean {
	if (before === undefined) return false;
	for (const [, index] of channels) {
		const was = before[index]!;
		const is = now[index]!;
		if (was.status !== is.status) return true;
		if (is.status !== 0 || was.value === is.value) continue;
		const ratio = is.value / was.value;
		if (!(ratio < JUMP_RATIO && ratio > 1 / JUMP_RATIO)) return true;
	}
	return false;
}

function makerOf(type: string): string | undefined {
	if (type.startsWith("TPG")) return "Pfeiffer Vacuum";
	if (type.startsWith("VGC")) return "INFICON";
	return undefined;
}
