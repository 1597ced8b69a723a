import { AdlayerError, asAdlayerError } from "#core/errors.js";
import type { Device, DriverContext, Identification, PolledValue, PolledValues, SignalInfo } from "#device/contract.js";
import {
	BEYOND_RANGE,
	GAUGE_STATUS,
	GAUGES_MAX,
	type GaugeMeasurement,
	PRESSURE_UNITS,
	type PressureUnit,
	printable,
	UNIT_CODES,
} from "./codec.js";
import type { Tpg362Settings } from "./config.js";
import { Conversation } from "./conversation.js";
import { identify } from "./identify.js";
import { isCredible, type LineForm, measurementsAs, readForm } from "./line-form.js";

/**
 * The unit is not part of a measurement line, so a change at the front panel shows only as a jump of every value by at least
 * a quarter (Torr against hPa). A jump of more than this makes the driver read the unit before it reports the value.
 */
const JUMP_RATIO = 1.1;
/** And without a jump the unit is read this often all the same. */
const UNIT_CHECK_POLLS = 50;
/** A hundred times the atmosphere: no gauge of the family measures so much. */
const PRESSURE_PA_MAX = 1e7;

const GAUGE_IDS_ABSENT = ["NOSEN", "NOID"];

/**
 * A TPG 36x (or its relatives TPG 26x, VGC 40x/50x) as a device. Reads only: there is nothing to set and nothing to make safe.
 * Errors of `connect`: IDENTITY_MISMATCH, DEVICE_MISCONFIGURED (unit volts, fewer channels than configured), REPLY_INVALID and
 * the line's own. Errors of `poll`: DEVICE_MISCONFIGURED when the unit was changed (connect again), DEVICE_NOT_READY,
 * REPLY_INVALID and the line's own.
 */
export class Tpg362 implements Device {
	signals: Readonly<Record<string, SignalInfo>>;
	private readonly conversation: Conversation;
	private channels: readonly (readonly [name: string, index: number])[];
	private unit: PressureUnit | undefined;
	/** Why there is no unit, in a look by reading alone. */
	private unitUnknown = "";
	/** By the settings, because the controller does not say it: in a look only. */
	private isUnitTold = false;
	private form: LineForm | undefined;
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
		this.conversation = new Conversation(context.line);
		const { channels = everyChannel(GAUGES_MAX) } = context.settings;
		this.channels = Object.entries(channels).map(([name, channel]) => [name, channel - 1]);
		this.signals = signalsOf(this.channels);
	}

	async connect(): Promise<Identification> {
		await this.begin({ looking: false });
		const { identity, warnings, confirmed } = await identify(this.context.name, this.conversation);
		const ids = await this.conversation.ask("TID");
		if (ids.refused === undefined) warnings.push(...this.checkGauges(ids.text));
		if (!confirmed) return { identity, confirmed, warnings };
		this.unit = await this.readUnit();
		const form = await this.learnForm({ looking: false });
		this.requireChannels(form.gauges);
		this.unitChecked = true;
		return { identity, confirmed, warnings };
	}

	/** What a `connect` would find out, with a fault of single readings where `connect` refuses. */
	async inspect(): Promise<Identification> {
		await this.begin({ looking: true });
		const { identity, warnings, confirmed } = await identify(this.context.name, this.conversation);
		await this.lookForUnit(warnings);
		const form = await this.learnForm({ looking: true });
		if (form.isFree) {
			warnings.push(
				"Its numbers are not written as in the manual (x.xxxxEsxx): a lost digit would not be seen, and control refuses them.",
			);
		}
		if (this.context.settings.channels === undefined) {
			this.channels = Object.entries(everyChannel(form.gauges)).map(([name, channel]) => [name, channel - 1]);
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
		await this.conversation.close();
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

	private begin(how: { readonly looking: boolean }): Promise<void> {
		this.forget();
		this.unit = undefined;
		this.unitUnknown = "";
		this.isUnitTold = false;
		this.form = undefined;
		this.items = ["PRX"];
		return this.conversation.begin(how);
	}

	/** Asks for all channels in the way that the controller knows, and keeps the form of what came. */
	private async learnForm({ looking }: { readonly looking: boolean }): Promise<LineForm> {
		const all = await this.conversation.ask("PRX");
		const text = all.refused === undefined ? all.text : await this.askOneByOne(all.refused);
		const read = readForm(text, looking);
		if (read === undefined) {
			throw new AdlayerError("REPLY_INVALID", `"${printable(text)}" is no line of measurements.`);
		}
		if (!isCredible(read.form, this.lastForm)) {
			throw new AdlayerError("REPLY_INVALID", `"${printable(text)}" has lost or gained digits.`);
		}
		this.form = read.form;
		this.lastForm = read.form;
		this.last = read.gauges;
		this.repeatable = all.refused === undefined;
		return read.form;
	}

	/** For a controller that does not know PRX. */
	private async askOneByOne(refused: string): Promise<string> {
		const texts: string[] = [];
		while (texts.length < GAUGES_MAX) {
			const one = await this.conversation.ask(`PR${texts.length + 1}`);
			if (one.refused !== undefined) break;
			texts.push(one.text);
		}
		if (texts.length === 0) {
			throw new AdlayerError("REPLY_INVALID", `The controller refused PRX (${refused}) and PR1.`);
		}
		this.items = texts.map((_text, index) => `PR${index + 1}`);
		return texts.join(",");
	}

	/** One exchange when the controller still knows what was asked; otherwise the unit is checked and the item asked for anew. */
	private async measure(): Promise<GaugeMeasurement[]> {
		if (this.repeatable) {
			const gauges = this.decode(await this.conversation.enquire());
			if (gauges !== undefined) return gauges;
			// An ERROR word, say: the controller was switched off and on, or somebody else talked to it.
			this.forget();
		}
		if (!this.unitChecked && this.unit !== undefined && !this.isUnitTold) await this.checkUnit();
		const texts: string[] = [];
		for (const item of this.items) texts.push(await this.conversation.demand(item));
		const text = texts.join(",");
		const gauges = this.decode(text);
		if (gauges === undefined) {
			throw new AdlayerError("REPLY_INVALID", `"${printable(text)}" is no line of ${this.form?.gauges} measurements.`);
		}
		this.repeatable = this.items.length === 1;
		return gauges;
	}

	private decode(text: string): GaugeMeasurement[] | undefined {
		return this.form === undefined ? undefined : measurementsAs(this.form, text);
	}

	private values(gauges: readonly GaugeMeasurement[], unit: PressureUnit | undefined): PolledValues {
		const values: Record<string, PolledValue> = {};
		for (const [name, index] of this.channels) {
			const gauge = gauges[index];
			const fault = gauge === undefined ? `the controller has ${gauges.length} channels` : this.faultOf(gauge, unit);
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

	private faultOf({ status, value }: GaugeMeasurement, unit: PressureUnit | undefined): string | null {
		const said = GAUGE_STATUS[status] ?? null;
		if (said !== null) return said;
		if (unit === undefined) return `${value}, but in which unit is not known: ${this.unitUnknown}`;
		return Math.abs(unit.toPascal(value)) > PRESSURE_PA_MAX
			? `${value} ${unit.name} is no pressure of any gauge`
			: null;
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
		const text = (await this.conversation.demand("UNI")).trim();
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
