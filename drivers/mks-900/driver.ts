import { AdlayerError } from "#core/errors.js";
import type { LineRequest, RequestLine } from "#core/wire.js";
import type { Device, DriverContext, Identification, Identity, PolledValues, SignalInfo } from "#device/contract.js";
import { OptionalQuestions } from "#transport/optional-question.js";
import {
	ADDRESS_ANY,
	type Answer,
	diagnose,
	encodeRequest,
	Handwriting,
	invalid,
	parseNumber,
	pressureUnit,
	printable,
	refusalText,
	replyOf,
	SILENCE,
	sensorFault,
	type WrittenNumber,
} from "./codec.js";
import { type Mks900Settings, UNITS } from "./config.js";

/**
 * The protocol has no checksum, and a number that lost a character can still be one (`1.234E3` of `1.234E-3`). A pressure
 * that moved by more than this factor since the last poll is read twice more, and the middle one of the three counts.
 */
const JUMP_RATIO = 2;

/** Controllers of the same protocol whose `PRn` are channels of their own, not the readings of one transducer. */
const CONTROLLERS = ["937", "946"];

/** Words of a sound sensor above or below its range. */
const BEYOND_RANGE = /^[<>]|over|under/i;

/** In a look, silence after a refusal before the next question. */
const REFUSED_QUIET_MS = 100;
const REFUSED_LIMIT_MS = 400;

/**
 * An MKS 900 transducer as a device with one signal, its pressure. Reads only: nothing to set, nothing to make safe.
 * Errors of `connect`: IDENTITY_MISMATCH, DEVICE_MISCONFIGURED (the model has no such reading, a unit that is no pressure,
 * another gas type), REPLY_INVALID and the line's own. Of `poll`: DEVICE_NOT_READY, REPLY_INVALID and the line's own.
 */
export class Mks900 implements Device {
	readonly signals: Readonly<Record<string, SignalInfo>>;
	private readonly line: RequestLine;
	private isOpen = false;
	/** In a look: what need not be known is asked this way. */
	private optional: OptionalQuestions | undefined;
	private handwriting = new Handwriting();
	private lastPa: number | undefined;
	private unit: string | undefined;

	constructor(private readonly context: DriverContext<Mks900Settings>) {
		if (context.line === undefined) {
			throw new AdlayerError("ADDRESS_INVALID", `${context.name} needs a serial or tcp address.`);
		}
		this.line = context.line;
		const { signal, reading } = context.settings;
		this.signals = { [signal]: { unit: "Pa", kind: "measurement", description: `Pressure (${reading})` } };
	}

	async inspect(): Promise<Identification> {
		this.forget();
		await this.line.open();
		// What people look for comes first: who answers it may be silent to all that it does not know.
		const { from } = await this.askAloud(this.context.settings.reading);
		this.optional = new OptionalQuestions(this.line, [this.requestFor(this.context.settings.reading).title]);
		const { identity, warnings } = await this.look();
		if (this.context.settings.address === ADDRESS_ANY) {
			warnings.push(
				`It answers to its own address ${from} as well: address: ${from} in the lab file, --option address=${from}.`,
			);
		}
		const mismatch = this.mismatchOf(identity);
		if (mismatch !== undefined) warnings.push(mismatch.message);
		return { identity, confirmed: isKnown(identity) && mismatch === undefined, warnings };
	}

	async connect(): Promise<Identification> {
		this.forget();
		await this.line.open();
		const { identity, warnings } = await this.look();
		try {
			const mismatch = this.mismatchOf(identity);
			if (mismatch !== undefined) throw mismatch;
			await this.check();
		} catch (thrown) {
			this.forget();
			throw thrown;
		}
		return { identity, confirmed: isKnown(identity), warnings };
	}

	/** Reading, unit and status, every time: a unit that was changed in between is noticed before the value is reported. */
	async poll(): Promise<PolledValues> {
		if (!this.isOpen) throw new AdlayerError("DEVICE_NOT_READY", `${this.context.name} is not connected.`);
		const { reading, signal } = this.context.settings;
		const fault = (detail: string): PolledValues => ({ [signal]: { value: null, quality: "fault", detail } });
		let answer = await this.ask(reading);
		const unit = this.unitOf(await this.ask("U"));
		if ("wrong" in unit) return fault(`${"data" in answer ? `${printable(answer.data)}: ` : ""}${unit.wrong}`);
		const { toPascal } = unit;
		if (this.unit !== undefined && this.unit !== unit.name) {
			// The number came before the unit was asked for: it may still be in the old one.
			answer = await this.ask(reading);
			this.lastPa = undefined;
		}
		this.unit = unit.name;
		const status = await this.ask("T");
		const statusUnknown =
			"refused" in status ? `the status cannot be read (T: ${refusalText(status.refused)})` : undefined;
		if (statusUnknown !== undefined && this.optional === undefined) return fault(statusUnknown);
		const broken = "data" in status ? sensorFault(status.data) : null;
		if (broken !== null) return fault(broken);
		if ("refused" in answer) return fault(`the transducer has no reading ${reading} (${refusalText(answer.refused)})`);
		const first = this.parse(answer.data);
		if ("words" in first) {
			const detail = `the transducer says "${printable(first.words)}" instead of a pressure`;
			const isBeyondRange = BEYOND_RANGE.test(first.words) ? { isBeyondRange: true as const } : {};
			return { [signal]: { value: null, quality: "fault", detail, ...isBeyondRange } };
		}
		const value = await this.settled(first.value, toPascal);
		this.lastPa = value;
		return {
			[signal]: { value, quality: "good", ...(statusUnknown === undefined ? {} : { detail: statusUnknown }) },
		};
	}

	/** By the transducer's own word, which settings may confirm; in a look settings may stand in for it. */
	private unitOf(
		answer: Answer,
	): { readonly name: string; readonly toPascal: (value: number) => number } | { readonly wrong: string } {
		const { unit: configured } = this.context.settings;
		if ("refused" in answer && this.optional !== undefined && configured !== undefined) {
			return { name: configured, toPascal: pressureUnit(configured)! };
		}
		const hint = this.optional !== undefined ? `; say --option unit=${UNITS.join(", ")}` : "";
		if ("refused" in answer)
			return { wrong: `the pressure unit cannot be read (U: ${refusalText(answer.refused)}${hint})` };
		const toPascal = pressureUnit(answer.data);
		if (toPascal === undefined) return { wrong: `the pressure unit is "${printable(answer.data)}"` };
		if (configured !== undefined && answer.data.trim().toUpperCase() !== configured) {
			return { wrong: `the pressure unit is ${printable(answer.data)}, not ${configured} as configured` };
		}
		return { name: answer.data, toPascal };
	}

	/** There is nothing to make safe: a transducer only measures. */
	async makeSafe(): Promise<void> {}

	async close(): Promise<void> {
		this.forget();
		await this.line.close();
	}

	/** Asks for everything that says what the transducer is. */
	private async look(): Promise<{ identity: Identity; warnings: string[] }> {
		const manufacturer = await this.text("MF");
		const model = await this.text("MD");
		const type = await this.text("DT");
		const serial = await this.text("SN");
		const firmware = await this.text("FV");
		const delay = await this.text("RSD");
		const identity: Identity = { manufacturer, model: model ?? type, serial, firmware };
		const warnings: string[] = [];
		if (delay?.toUpperCase() === "OFF") {
			warnings.push("The turn-around delay (RSD) is off: on RS-485 replies may lose their first characters.");
		}
		if (!isKnown(identity)) {
			warnings.push("It speaks the protocol but knows neither MF nor MD nor DT: what it is stays unknown.");
		}
		this.isOpen = true;
		return { identity, warnings };
	}

	private async check(): Promise<void> {
		const { reading, gas_type: gasType } = this.context.settings;
		const answer = await this.ask("U");
		const unit = this.unitOf(answer);
		if ("wrong" in unit) throw misconfigured(`The pressure unit (U) is ${textOf(answer)}: ${unit.wrong}.`);
		const { toPascal } = unit;
		// The temperature is above 1 degC: it shows whether positive exponents have a sign, which a lost minus has not.
		const temperature = await this.ask("TEM");
		if ("data" in temperature) this.handwriting.learnExponent(temperature.data);
		const pressure = await this.ask(reading);
		if ("refused" in pressure) {
			throw misconfigured(`The transducer has no reading ${reading} (${refusalText(pressure.refused)}).`);
		}
		const number = this.parse(pressure.data);
		if (!("words" in number)) this.lastPa = toPascal(number.value);
		if (gasType === undefined) return;
		const found = await this.ask("GT");
		if ("data" in found && found.data.trim().toUpperCase() === gasType) return;
		throw misconfigured(`The gas type (GT) is ${textOf(found)}, the lab file says ${gasType}.`);
	}

	private mismatchOf({ manufacturer, model }: Identity): AdlayerError | undefined {
		const { name } = this.context;
		if (manufacturer !== null && !/^(MKS|HPS)/i.test(manufacturer)) {
			return new AdlayerError("IDENTITY_MISMATCH", `"${printable(manufacturer)}" answered as ${name}, not MKS.`);
		}
		if (CONTROLLERS.some((controller) => model?.startsWith(controller))) {
			return new AdlayerError(
				"IDENTITY_MISMATCH",
				`A controller ${printable(model!)} answered as ${name}, not a transducer of the 900 series.`,
			);
		}
		if (model?.startsWith("910") && this.context.settings.reading === "PR5") {
			return misconfigured("PR5 of a 910 is the difference between its two sensors, not a pressure.");
		}
		return undefined;
	}

	private parse(data: string): WrittenNumber | { readonly words: string } {
		const number = parseNumber(data);
		if ("words" in number || this.handwriting.fits(number)) return number;
		throw invalid(`"${printable(data)}" came, written in another way than the numbers before`);
	}

	private async settled(first: number, toPascal: (value: number) => number): Promise<number> {
		const firstPa = toPascal(first);
		if (this.lastPa === undefined || isNear(this.lastPa, firstPa)) return firstPa;
		const readings = [firstPa];
		while (readings.length < 3) {
			const answer = await this.ask(this.context.settings.reading);
			const number = "data" in answer ? this.parse(answer.data) : undefined;
			if (number === undefined || "words" in number) throw invalid("The reading came and went while it was confirmed");
			readings.push(toPascal(number.value));
		}
		return readings.sort((a, b) => a - b)[1]!;
	}

	/** Data of a query about identity; null when the transducer does not know it. */
	private async text(query: string): Promise<string | null> {
		const answer = await this.ask(query);
		if ("refused" in answer) return null;
		const text = answer.data.trim();
		return text === "" ? null : text;
	}

	/** In a look silence is taken for a refusal. */
	private async ask(query: string): Promise<Answer> {
		const { optional } = this;
		if (optional === undefined) return this.askAloud(query);
		const answer = await optional.ask(this.requestFor(query));
		// Some refuse and answer all the same: that answer is not one to the next question.
		if (answer !== undefined && "refused" in answer) await this.line.drain(REFUSED_QUIET_MS, REFUSED_LIMIT_MS);
		return answer ?? { refused: SILENCE, from: this.context.settings.address };
	}

	private askAloud(query: string): Promise<Answer> {
		return this.line.request(this.requestFor(query));
	}

	private requestFor(query: string): LineRequest<Answer> {
		const { address } = this.context.settings;
		const bytes = encodeRequest(address, `${query}?`);
		return {
			bytes,
			parse: replyOf(address, bytes),
			diagnose: (received) => diagnose(address, received),
			title: `${query}?`,
		};
	}

	private forget(): void {
		this.isOpen = false;
		this.optional = undefined;
		this.handwriting = new Handwriting();
		this.lastPa = undefined;
		this.unit = undefined;
	}
}

const isKnown = ({ manufacturer, model }: Identity): boolean => manufacturer !== null || model !== null;

/** Whether one is at most JUMP_RATIO times the other. */
const isNear = (a: number, b: number): boolean => {
	const larger = Math.max(Math.abs(a), Math.abs(b));
	return Math.abs(a - b) <= larger * (1 - 1 / JUMP_RATIO);
};

const textOf = (answer: Answer): string =>
	"data" in answer ? `"${printable(answer.data)}"` : `unknown (${refusalText(answer.refused)})`;

const misconfigured = (message: string): AdlayerError => new AdlayerError("DEVICE_MISCONFIGURED", message);
