/** One instrument on a PVP line: parameters read and written as values. */
import { AdlayerError } from "#core/errors.js";
import type { LineRequest, RequestLine } from "#core/wire.js";
import type { DriverContext, Identification, PolledValue } from "#device/contract.js";
import { OptionalQuestions } from "#transport/optional-question.js";
import { DATA_ERRORS, encodeQuery, encodeTelegram, parseAnswer } from "./codec.js";
import type { PvpSettings } from "./config.js";
import { FIRMWARE, NAME, type Parameter } from "./parameters.js";

/** A value, or what the instrument says instead of one. */
export type Answer<Value> = { readonly value: Value } | { readonly refused: string };

export class Conversation {
	readonly line: RequestLine;
	private readonly address: number;
	/** In a look: silence to a question is taken for not knowing it, once something else has been answered. */
	private optional: OptionalQuestions | undefined;

	constructor(private readonly context: DriverContext<PvpSettings>) {
		if (context.line === undefined) {
			throw new AdlayerError("ADDRESS_INVALID", `${context.name} needs a serial or tcp address.`);
		}
		this.line = context.line;
		this.address = context.settings.rs485_address;
	}

	/** From now on, or no longer, silence is an answer. */
	look(looking: boolean): void {
		this.optional = looking ? new OptionalQuestions(this.line) : undefined;
	}

	/** Rejects with REPLY_INVALID when the answer is neither a value of the parameter's type nor an error word. */
	async read<Value>(parameter: Parameter<Value>): Promise<Answer<Value>> {
		const request: LineRequest<string> = {
			bytes: encodeQuery(this.address, parameter.number),
			parse: (received) => parseAnswer(received, this.address, parameter.number),
			title: `read ${parameter.number} ${parameter.title}`,
		};
		const data = await (this.optional === undefined ? this.line.request(request) : this.optional.ask(request));
		if (data === undefined) return { refused: "the instrument is silent to it" };
		return this.decode(parameter, data);
	}

	/** The value; what the instrument refuses is REPLY_INVALID. */
	async demand<Value>(parameter: Parameter<Value>): Promise<Value> {
		const answer = await this.read(parameter);
		if ("refused" in answer) throw this.refusal(parameter, answer.refused);
		return answer.value;
	}

	/** Sent once, whatever becomes of it: a start must not leave late. Throws REPLY_INVALID when the instrument refuses. */
	async write<Value>(parameter: Parameter<Value>, value: Value): Promise<void> {
		const data = parameter.type.encode(value);
		const bytes = encodeTelegram({ address: this.address, isQuery: false, parameter: parameter.number, data });
		const answer = await this.line.request({
			bytes,
			parse: (received) => parseAnswer(received, this.address, parameter.number),
			retries: 0,
			title: `write ${parameter.number} ${parameter.title}`,
		});
		const refused = DATA_ERRORS[answer];
		if (refused !== undefined) throw this.refusal(parameter, refused);
	}

	/** Name and firmware, by reading alone. */
	async identify(): Promise<Identification> {
		const name = await this.read(NAME);
		const firmware = await this.read(FIRMWARE);
		const model = "value" in name && name.value !== "" ? name.value : null;
		return {
			identity: {
				manufacturer: model === null ? null : "Pfeiffer Vacuum",
				model,
				serial: null,
				firmware: "value" in firmware && firmware.value !== "" ? firmware.value : null,
			},
			confirmed: model !== null,
			warnings: model === null ? ["The instrument does not say its name (parameter 349)."] : [],
		};
	}

	private decode<Value>(parameter: Parameter<Value>, data: string): Answer<Value> {
		const refused = DATA_ERRORS[data];
		if (refused !== undefined) return { refused };
		const value = parameter.type.decode(data);
		if (value === undefined) {
			throw new AdlayerError(
				"REPLY_INVALID",
				`"${data}" is no value of parameter ${parameter.number} (${parameter.title}) of ${this.context.name}.`,
			);
		}
		return { value };
	}

	private refusal(parameter: { readonly number: number; readonly title: string }, refused: string): AdlayerError {
		return new AdlayerError(
			"REPLY_INVALID",
			`${this.context.name} refused parameter ${parameter.number} (${parameter.title}): ${refused}.`,
		);
	}
}

export const good = (value: number): PolledValue => ({ value, quality: "good" });
export const fault = (detail: string): PolledValue => ({ value: null, quality: "fault", detail });

/** The polled value of a number. */
export function polled(answer: Answer<number>): PolledValue {
	return "refused" in answer ? fault(answer.refused) : good(answer.value);
}
