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
import { OptionalQuestions, unlessSilent, unlessUnanswered } from "#transport/optional-question.js";
import {
	BEYOND_RANGE,
	CR,
	decodeErrorWord,
	ENQ,
	ETX,
	encodeMnemonic,
	GAUGE_STATUS,
	GAUGES_MAX,
	type GaugeMeasurement,
	isGaugeList,
	LF,
	PRESSURE_UNITS,
	type PressureUnit,
	parseAcknowledgement,
	parseAreYouThere,
	parseData,
	parseMeasurements,
	printable,
	UNIT_CODES,
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

/** The line's end behind an ACK that has come without it: some leave it out, from others it is still on its way. */
const BARE_QUIET_MS = 5;
const BARE_LIMIT_MS = 50;

const ENQUIRY = Uint8Array.of(ENQ);
/** For a far end that reads whole lines only. */
const LINE_END = Uint8Array.of(CR, LF);
const ENQUIRY_LINE = Uint8Array.of(ENQ, CR, LF);
const GAUGE_IDS_ABSENT = ["NOSEN", "NOID"];

/** What the line of measurements looks like; a line of another form has lost or gained bytes. */
interface LineForm {
	readonly gauges: number;
	readonly decimals: readonly number[];
	/** Undefined where no sensor was connected: the number that then comes has a form of its own. */
	readonly exponentDigits: readonly (number | undefined)[];
}

const NO_SENSOR = 5;

/** What every relative knows one of. */
const FIRST_ITEMS = ["UNI", "PRX", "PR1"] as const;
const UNANSWERED = { text: "", refused: "silence" } as const;

/** `sx.xxxxEsxx` (BG 5195 BEN/A p 71). */
const MANUAL_DECIMALS = 4;
const MANUAL_EXPONENT_DIGITS = 2;

/** What became of a question: its data, a refusal, or nothing at all. */
interface Asked {
	readonly text: string;
	readonly refused?: string;
}

/**
 * A TPG 36x (or its relatives TPG 26x, VGC 40x/50x) as a device. Reads only: there is nothing to set and nothing to make safe.
 * Errors of `connect`: IDENTITY_MISMATCH, DEVICE_MISCONFIGURED (unit volts, fewer channels than configured), REPLY_INVALID and
 * the line's own. Errors of `poll`: DEVICE_MISCONFIGURED when the unit was changed (connect again), DEVICE_NOT_READY,
 * REPLY_INVALID and the line's own.
 */
export class Tpg362 implements Device {
	signals: Readonly<Record<string, SignalInfo>>;
	private readonly line: RequestLine;
	private channels: readonly (readonly [name: string, index: number])[];
	private enquiry = ENQUIRY;
	/** Some ENQ has been answered since the connection was made. */
	private enquiryProven = false;
	private unit: PressureUnit | undefined;
	/** Why there is no unit, in a look by reading alone. */
	private unitUnknown = "";
	/** In a look: silence to a question is taken for not knowing it, and numbers may have any form. */
	private optional: OptionalQuestions | undefined;
	/** By the settings, because the controller does not say it: in a look only. */
	private isUnitTold = false;
	private form: LineForm | undefined;
	private isFreelyWritten = false;
	/** The form of the connection before: the same byte may be lost from every line, also while connecting. */
	private lastForm: LineForm | undefined;
	/** What is asked for all channels: PRX, or PR1, PR2, ... where that is not known. */
	private items: readonly string[] = ["PRX"];
	/** The item is the one that a bare ENQ repeats. */
	private repeatable = false;
	private unitChecked = false;
	private pollsSinceUnitCheck = 0;
	private last: readonly GaugeMeasurement[] | undefined;

	constructor(private readonly context: DriverContext<Tpg362Settings>) {
		if (context.line === undefined) {
			throw new AdlayerError("ADDRESS_INVALID", `${context.name} needs a serial or tcp address.`);
		}
		this.line = context.line;
		const { channels = everyChannel(GAUGES_MAX) } = context.settings;
		this.channels = Object.entries(channels).map(([name, channel]) => [name, channel - 1]);
		this.signals = signalsOf(this.channels);
	}

	async connect(): Promise<Identification> {
		this.optional = undefined;
		await this.begin();
		const { identity, warnings, confirmed } = await this.identify();
		const ids = await this.ask("TID");
		if (ids.refused === undefined) warnings.push(...this.checkGauges(ids.text));
		if (!confirmed) return { identity, confirmed, warnings };
		this.unit = await this.readUnit();
		const gauges = await this.learnForm();
		this.requireChannels(gauges.length);
		this.unitChecked = true;
		return { identity, confirmed, warnings };
	}

	/** What a `connect` would find out, with a fault of single readings where `connect` refuses. */
	async inspect(): Promise<Identification> {
		await this.begin();
		this.optional = new OptionalQuestions(this.line);
		const { identity, warnings, confirmed } = await this.identify();
		await this.lookForUnit(warnings);
		const { length } = await this.learnForm();
		if (this.isFreelyWritten) {
			warnings.push(
				"Its numbers are not written as in the manual (x.xxxxEsxx): a lost digit would not be seen, and control refuses them.",
			);
		}
		if (this.context.settings.channels === undefined) {
			this.channels = Object.entries(everyChannel(length)).map(([name, channel]) => [name, channel - 1]);
			this.signals = signalsOf(this.channels);
		}
		return { identity, confirmed, warnings };
	}

	async poll(): Promise<PolledValues> {
		const { unit } = this;
		if (this.form === undefined || (unit === undefined && this.unitUnknown === "")) {
			throw new AdlayerError("DEVICE_NOT_READY", `${this.context.name} is not connected.`);
		}
		try {
			const gauges = await this.measure();
			this.pollsSinceUnitCheck += 1;
			const isDue = this.pollsSinceUnitCheck >= UNIT_CHECK_POLLS || hasJumped(this.last, gauges, this.channels);
			if (isDue && !this.isUnitTold) await this.checkUnit();
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

	/** The unit by the controller's own word; where it gives none, by the settings. */
	private async lookForUnit(warnings: string[]): Promise<void> {
		const { unit } = this.context.settings;
		try {
			this.unit = await this.readUnit();
			this.unitChecked = true;
		} catch (thrown) {
			const why = asAdlayerError(thrown);
			if (why.code === "REPLY_INVALID" && unit !== undefined) {
				this.unit = PRESSURE_UNITS[UNIT_CODES[unit]]!;
				this.isUnitTold = true;
				warnings.push(`The controller does not say its unit: ${unit} is taken as told (${why.message})`);
				return;
			}
			const options = `--option unit=${Object.keys(UNIT_CODES).join(", ")}`;
			this.unitUnknown = why.code === "REPLY_INVALID" ? `${why.message} Say ${options}.` : why.message;
			warnings.push(`The pressure unit is not known: ${this.unitUnknown}`);
		}
	}

	private async begin(): Promise<void> {
		this.forget();
		this.unit = undefined;
		this.unitUnknown = "";
		this.isUnitTold = false;
		this.form = undefined;
		this.items = ["PRX"];
		this.enquiry = ENQUIRY;
		this.enquiryProven = false;
		await this.line.open();
		// After power-up the controller streams measurements until it hears a first character.
		await this.line.send(Uint8Array.of(ETX));
		await this.line.drain(QUIET_MS, DRAIN_LIMIT_MS);
	}

	/** Asks for all channels in the way that the controller knows, and keeps the form of what came. */
	private async learnForm(): Promise<GaugeMeasurement[]> {
		const all = await this.ask("PRX");
		let text = all.text;
		if (all.refused !== undefined) {
			const texts: string[] = [];
			while (texts.length < GAUGES_MAX) {
				const one = await this.ask(`PR${texts.length + 1}`);
				if (one.refused !== undefined) break;
				texts.push(one.text);
			}
			if (texts.length === 0) {
				throw new AdlayerError("REPLY_INVALID", `The controller refused PRX (${all.refused}) and PR1.`);
			}
			this.items = texts.map((_text, index) => `PR${index + 1}`);
			text = texts.join(",");
		}
		const gauges = parseMeasurements(text, this.optional !== undefined);
		if (gauges === undefined) {
			throw new AdlayerError("REPLY_INVALID", `"${printable(text)}" is no line of measurements.`);
		}
		this.isFreelyWritten = parseMeasurements(text) === undefined;
		const form: LineForm = {
			gauges: gauges.length,
			decimals: gauges.map(({ decimals }) => decimals),
			exponentDigits: gauges.map(({ status, exponentDigits }) => (status === NO_SENSOR ? undefined : exponentDigits)),
		};
		if (!this.isFreelyWritten && !isCredible(form, this.lastForm)) {
			throw new AdlayerError("REPLY_INVALID", `"${printable(text)}" has lost or gained digits.`);
		}
		this.form = form;
		this.lastForm = form;
		this.last = gauges;
		this.repeatable = all.refused === undefined;
		return gauges;
	}

	/** One exchange when the controller still knows what was asked; otherwise the unit is checked and the item asked for anew. */
	private async measure(): Promise<GaugeMeasurement[]> {
		if (this.repeatable) {
			const gauges = this.decode(await this.enquire());
			if (gauges !== undefined) return gauges;
			// An ERROR word, say: the controller was switched off and on, or somebody else talked to it.
			this.forget();
		}
		if (!this.unitChecked && this.unit !== undefined && !this.isUnitTold) await this.checkUnit();
		const texts: string[] = [];
		for (const item of this.items) texts.push(await this.query(item));
		const text = texts.join(",");
		const gauges = this.decode(text);
		if (gauges === undefined) {
			throw new AdlayerError("REPLY_INVALID", `"${printable(text)}" is no line of ${this.form?.gauges} measurements.`);
		}
		this.repeatable = this.items.length === 1;
		return gauges;
	}

	private decode(text: string): GaugeMeasurement[] | undefined {
		const gauges = parseMeasurements(text, this.isFreelyWritten);
		const { form } = this;
		if (gauges === undefined || form === undefined || gauges.length !== form.gauges) return undefined;
		if (this.isFreelyWritten) return gauges;
		for (let at = 0; at < gauges.length; at += 1) {
			const { decimals, exponentDigits, status } = gauges[at]!;
			const usual = form.exponentDigits[at];
			if (decimals !== form.decimals[at]) return undefined;
			if (usual !== undefined && status !== NO_SENSOR && exponentDigits !== usual) return undefined;
		}
		return gauges;
	}

	private values(gauges: readonly GaugeMeasurement[], unit: PressureUnit | undefined): PolledValues {
		const values: Record<string, PolledValue> = {};
		for (const [name, index] of this.channels) {
			const gauge = gauges[index];
			const fault =
				gauge === undefined
					? `the controller has ${gauges.length} channels`
					: (GAUGE_STATUS[gauge.status] ??
						(unit === undefined ? `${gauge.value}, but in which unit is not known: ${this.unitUnknown}` : null));
			values[name] =
				fault === null
					? { value: unit!.toPascal(gauge!.value), quality: "good" }
					: {
							value: null,
							quality: "fault",
							detail: `channel ${index + 1}: ${fault}`,
							...(gauge !== undefined && BEYOND_RANGE.includes(gauge.status) ? { isBeyondRange: true } : {}),
						};
		}
		return values;
	}

	private async identify(): Promise<{ identity: Identity; confirmed: boolean; warnings: string[] }> {
		const reply = await this.askFirst("AYT");
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
				confirmed: true,
				warnings: [],
			};
		}
		// The 26x and VGC 40x do not know AYT; PNR gives their program number, and nothing gives model or serial.
		const program = await this.ask("PNR");
		const gauges = await this.ask("TID");
		const known = program.refused === undefined || (gauges.refused === undefined && isGaugeList(gauges.text));
		const firmware = program.refused === undefined ? program.text.trim() : null;
		return {
			identity: { manufacturer: null, model: known ? "TPG 26x or VGC 40x" : null, serial: null, firmware },
			confirmed: known,
			warnings: [
				known
					? "This controller cannot say its model and serial number (it does not know AYT)."
					: "It speaks the mnemonic protocol, but knows none of AYT, PNR and TID: it cannot say what it is.",
			],
		};
	}

	/** The first question of a connection. One that is passed over in silence is taken for unknown when another is answered. */
	private async askFirst(mnemonic: string): Promise<Asked> {
		const asked = await unlessSilent(this.askAloud(mnemonic));
		if (asked !== undefined) return asked;
		await this.askAny(FIRST_ITEMS);
		return UNANSWERED;
	}

	/** Some answer to one of these; throws that of the last when all are passed over. */
	private async askAny(mnemonics: readonly string[]): Promise<void> {
		for (const mnemonic of mnemonics.slice(0, -1)) {
			if ((await unlessSilent(this.askAloud(mnemonic, 0))) !== undefined) return;
		}
		await this.askAloud(mnemonics.at(-1)!);
	}

	private checkGauges(text: string): string[] {
		const ids = text.split(",").map((id) => id.trim());
		this.requireChannels(ids.length);
		return this.channels
			.filter(([, index]) => GAUGE_IDS_ABSENT.includes(ids[index]?.replaceAll(" ", "").toUpperCase() ?? ""))
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
		const { unit: configured } = this.context.settings;
		if (configured !== undefined && PRESSURE_UNITS[UNIT_CODES[configured]] !== unit) {
			throw new AdlayerError(
				"DEVICE_MISCONFIGURED",
				`The controller's pressure unit is ${unit.name} (UNI ${text}), the lab file says ${configured}.`,
				{ context: { found: unit.name, configured } },
			);
		}
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

	/** In a look a question that is passed over in silence is one that the controller does not know. */
	private async ask(mnemonic: string): Promise<Asked> {
		const { optional } = this;
		if (optional === undefined) return this.askAloud(mnemonic);
		return (await optional.settle(mnemonic, ({ retries }) => this.askAloud(mnemonic, retries))) ?? UNANSWERED;
	}

	private async askAloud(mnemonic: string, retries?: number): Promise<Asked> {
		const acknowledged = await this.line.request({
			bytes: encodeMnemonic(mnemonic),
			parse: parseAcknowledgement,
			title: mnemonic,
			...(retries === undefined ? {} : { retries }),
		});
		if (acknowledged.bare) await this.line.drain(BARE_QUIET_MS, BARE_LIMIT_MS);
		const text = await this.enquire();
		if (acknowledged.taken) return { text };
		return { text, refused: decodeErrorWord(text) ?? `an ERROR word that is none, "${printable(text)}"` };
	}

	private async enquire(): Promise<string> {
		const ask = (bytes: Uint8Array, once = false): Promise<string> =>
			this.line.request({ bytes, parse: parseData, title: "ENQ", ...(once ? { retries: 0 } : {}) });
		if (!this.enquiryProven) {
			const plain = await unlessUnanswered(ask(ENQUIRY, true));
			// A far end that reads whole lines has the ENQ, and waits for the line's end.
			const text = plain ?? (await unlessUnanswered(ask(LINE_END, true)));
			if (plain === undefined && text !== undefined) this.enquiry = ENQUIRY_LINE;
			this.enquiryProven = text !== undefined;
			if (text !== undefined) return text;
		}
		return ask(this.enquiry);
	}

	private forget(): void {
		this.repeatable = false;
		this.unitChecked = false;
		this.last = undefined;
	}
}

function everyChannel(count: number): Record<string, number> {
	return Object.fromEntries(Array.from({ length: count }, (_, index) => [`channel_${index + 1}`, index + 1]));
}

function signalsOf(channels: readonly (readonly [name: string, index: number])[]): Record<string, SignalInfo> {
	return Object.fromEntries(
		channels.map(([name, index]): [string, SignalInfo] => [
			name,
			{ unit: "Pa", kind: "measurement", description: `Pressure, channel ${index + 1}` },
		]),
	);
}

/** Whether any of our channels moved more than a change of unit could hide in, or came to or left a valid measurement. */
function hasJumped(
	before: readonly GaugeMeasurement[] | undefined,
	now: readonly GaugeMeasurement[],
	channels: readonly (readonly [name: string, index: number])[],
): boolean {
	if (before === undefined) return false;
	for (const [, index] of channels) {
		const was = before[index];
		const is = now[index];
		if (was === undefined || is === undefined) continue;
		if (was.status !== is.status) return true;
		if (is.status !== 0 || was.value === is.value) continue;
		const ratio = is.value / was.value;
		if (!(ratio < JUMP_RATIO && ratio > 1 / JUMP_RATIO)) return true;
	}
	return false;
}

/**
 * Whether numbers of this form are whole. The manual's form is; of another one all numbers must agree, and it must be the
 * form of the connection before, where there was one.
 */
function isCredible(form: LineForm, before: LineForm | undefined): boolean {
	const sensed = form.exponentDigits.map((digits, at) => ({ digits, decimals: form.decimals[at]! }));
	const present = sensed.filter(({ digits }) => digits !== undefined);
	if (present.every((one) => one.decimals === MANUAL_DECIMALS && one.digits === MANUAL_EXPONENT_DIGITS)) return true;
	if (present.some((one) => one.decimals !== present[0]!.decimals || one.digits !== present[0]!.digits)) return false;
	return (
		before === undefined ||
		sensed.every(
			({ digits, decimals }, at) =>
				digits === undefined ||
				before.exponentDigits[at] === undefined ||
				(decimals === before.decimals[at] && digits === before.exponentDigits[at]),
		)
	);
}

function makerOf(type: string): string | undefined {
	if (type.startsWith("TPG")) return "Pfeiffer Vacuum";
	if (type.startsWith("VGC")) return "INFICON";
	return undefined;
}
