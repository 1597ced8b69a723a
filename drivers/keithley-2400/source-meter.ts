/** The conversation with a 2400: what is told, what is read back, and the order that keeps the cell safe. */
import { AdlayerError } from "#core/errors.js";
import type { RequestLine } from "#core/wire.js";
import type { Identity } from "#device/contract.js";
import type { CyclerProgram } from "#device/cycler.js";
import type { ActiveStep } from "#device/program-run.js";
import { unlessSilent } from "#transport/optional-question.js";
import {
	encode,
	kindOf,
	lineOf,
	type Measured,
	number,
	parseError,
	parseIdentity,
	parseNumber,
	parseOffState,
	parseReading,
	parseSwitch,
	printable,
} from "./codec.js";

/** The error queue holds ten. */
const ERRORS_MAX = 12;
/** Times that the off state is set, and the output switched off, before it is reported as not so. */
const OFF_ATTEMPTS = 3;
const ELEMENTS = "VOLT,CURR,STAT";

export class SourceMeter {
	/** The high-impedance off state has been read back once. */
	private wasHigh = false;

	constructor(
		private readonly name: string,
		private readonly line: RequestLine,
	) {}

	offState(): Promise<string> {
		return this.ask(":OUTP:SMOD?", parseOffState);
	}

	isOn(): Promise<boolean> {
		return this.ask(":OUTP?", parseSwitch);
	}

	/** Only with the output on: off, it does not answer. */
	read(): Promise<Measured> {
		return this.ask(":READ?", parseReading);
	}

	async identify(): Promise<{ identity: Identity; confirmed: boolean }> {
		// Asked again where a greeting of the line stood in its place.
		const identity = await this.ask("*IDN?", parseIdentity, { retries: 1 });
		const kind = kindOf(identity);
		if (kind !== "by-mode") return { identity, confirmed: kind === "native" };
		const language = await unlessSilent(this.ask("*LANG?", (reply) => reply));
		return { identity, confirmed: language !== undefined && /^"?SCPI2400"?$/i.test(language) };
	}

	/** Elements, four wires and both measurements; throws READBACK_MISMATCH with what the instrument refused. */
	async configure(): Promise<void> {
		await this.tell("*CLS");
		await this.tell(`:FORM:ELEM ${ELEMENTS}`);
		await this.tell(":SYST:RSEN ON");
		if (!(await this.ask(":SYST:RSEN?", parseSwitch))) {
			throw new AdlayerError("READBACK_MISMATCH", `${this.name} did not switch to four-wire sensing.`);
		}
		await this.tell(":SENS:FUNC:CONC ON");
		await this.tell(`:SENS:FUNC "VOLT","CURR"`);
		await this.expectNoErrors("its configuration");
	}

	/** The compliance is set before the level, and both before the output is on. */
	async apply(step: ActiveStep, { limits }: Pick<CyclerProgram, "limits">): Promise<void> {
		const complianceV = Math.max(Math.abs(limits.voltageVMin), Math.abs(limits.voltageVMax));
		if (step.kind === "constant-voltage") {
			await this.tell(":SOUR:FUNC VOLT");
			await this.tell(`:SENS:CURR:PROT ${number(step.currentAMax)}`);
			await this.tell(`:SOUR:VOLT:LEV ${number(step.voltageV)}`);
			await this.expectNumber(":SENS:CURR:PROT?", step.currentAMax);
		} else {
			// A rest is a current of 0: with the output off the cell's voltage could not be read.
			await this.tell(":SOUR:FUNC CURR");
			await this.tell(`:SENS:VOLT:PROT ${number(complianceV)}`);
			await this.tell(`:SOUR:CURR:LEV ${number(step.kind === "rest" ? 0 : step.currentA)}`);
			await this.expectNumber(":SENS:VOLT:PROT?", complianceV);
		}
		await this.expectNoErrors(`the step of kind ${step.kind}`);
		await this.tell(":OUTP ON");
		if (!(await this.isOn())) {
			const message = `The output of ${this.name} did not go on; its output-enable line may be open.`;
			throw new AdlayerError("READBACK_MISMATCH", message);
		}
	}

	/** The output off, in high impedance first: switched off in another state, the cell would be across 0 V. Both are read back. */
	async makeOutputSafe(): Promise<void> {
		try {
			await this.makeOffStateHigh();
		} catch (thrown) {
			// It was high once: an instrument that has lost it since has lost its output, too. Off unheard is better than on.
			if (this.wasHigh) await this.tell(":OUTP OFF");
			throw thrown;
		}
		for (let attempt = 0; attempt < OFF_ATTEMPTS; attempt += 1) {
			await this.tell(":OUTP OFF");
			if (!(await this.isOn())) return;
		}
		throw new AdlayerError("READBACK_MISMATCH", `The output of ${this.name} is still on.`);
	}

	private async makeOffStateHigh(): Promise<void> {
		let state = "";
		for (let attempt = 0; attempt < OFF_ATTEMPTS; attempt += 1) {
			await this.tell(":OUTP:SMOD HIMP");
			state = await this.offState();
			if (state !== "HIMP") continue;
			this.wasHigh = true;
			return;
		}
		const message = `${this.name} kept the output-off state ${state}, not HIMP.`;
		throw new AdlayerError("READBACK_MISMATCH", message);
	}

	private async expectNumber(query: string, expected: number): Promise<void> {
		const value = await this.ask(query, parseNumber);
		if (Math.abs(value - expected) <= 1e-3 * Math.abs(expected) + 1e-9) return;
		const message = `${this.name} gave ${value} to ${query}, and ${expected} had been set.`;
		throw new AdlayerError("READBACK_MISMATCH", message);
	}

	/** Empties the queue; what was in it is said. */
	private async expectNoErrors(after: string): Promise<void> {
		const errors: string[] = [];
		for (let entry = 0; entry < ERRORS_MAX; entry += 1) {
			const { code, text } = await this.ask(":SYST:ERR?", parseError);
			if (code === 0) break;
			errors.push(`${code} ${printable(text)}`);
		}
		if (errors.length === 0) return;
		const message = `${this.name} refused ${after}: ${errors.join("; ")}.`;
		throw new AdlayerError("READBACK_MISMATCH", message, { context: { errors } });
	}

	private tell(command: string): Promise<void> {
		return this.line.send(encode(command));
	}

	/** Read where the line parses: what is no answer to this question is followed by the silence in which a late one would come. */
	private ask<Reply>(
		command: string,
		read: (reply: string) => Reply,
		repeated: { readonly retries?: number } = {},
	): Promise<Reply> {
		const parse = (received: Uint8Array) => {
			const line = lineOf(received);
			return line === undefined ? undefined : { reply: read(line.reply), taken: line.taken };
		};
		return this.line.request({ bytes: encode(command), parse, title: command, ...repeated });
	}
}
