/** What the rules about a lab file are given, and where they say what they find. */
import type { Problem } from "#core/errors.js";
import type { PulseOutputs, SignalInfo } from "#device/contract.js";
import { problemAt, type YamlDocument } from "#recipe/yaml-document.js";
import { instrumentOf, outputOf } from "#src/config/entries.js";
import type { LabFileContent } from "#src/config/lab-file-schema.js";
import { Unsound } from "#src/config/problems/sound-content.js";

export interface Details {
	readonly value?: unknown;
	readonly limit?: unknown;
}

/** What an instrument offers by its settings, where these are sound. */
export interface Offer {
	readonly signals: Readonly<Record<string, SignalInfo>>;
	readonly pulses: PulseOutputs["limits"] | undefined;
	readonly watchdogMs: number | undefined;
}

export class Review {
	readonly problems: Problem[] = [];
	readonly offers = new Map<string, Offer>();

	constructor(
		readonly content: LabFileContent,
		readonly document: YamlDocument,
	) {}

	wrong(path: readonly string[], message: string, details: Details = {}): void {
		this.problems.push(
			problemAt(this.document, { path }, { severity: "error", code: "LAB_FILE_INVALID", message, ...details }),
		);
	}

	/** Applies one rule; where it would have to read something of another form, nothing is said. */
	judge<Result>(rule: () => Result): Result | undefined {
		try {
			return rule();
		} catch (thrown) {
			if (thrown instanceof Unsound) return undefined;
			throw thrown;
		}
	}

	/** Applies a rule to every entry of a mapping, each for itself. */
	judgeEach<Entry>(
		entries: () => Readonly<Record<string, Entry>> | undefined,
		rule: (name: string, entry: Entry) => void,
	): void {
		const found = this.judge(entries);
		for (const name of Object.keys(found ?? {})) this.judge(() => rule(name, found![name]!));
	}

	mustBeAbove(at: readonly string[], value: number, lower: string, limit: number): void {
		if (value > limit) return;
		this.wrong(at, `${at.at(-1)} is ${value}, not above ${lower}, ${limit}.`, { value, limit });
	}

	mustBeInstrument(path: readonly string[], name: string): boolean {
		const isThere = Object.hasOwn(this.content.instruments, name);
		if (!isThere) this.wrong(path, `There is no instrument ${name}.`, { value: name });
		return isThere;
	}

	/** The signal; undefined where there is none, or nothing is known of its instrument. */
	mustBeSignal(path: readonly string[], id: string): SignalInfo | undefined {
		const { instrument, output } = outputOf(id);
		if (!this.mustBeInstrument(path, instrument)) return undefined;
		const signals = this.offers.get(instrument)?.signals;
		if (signals === undefined) return undefined;
		if (!Object.hasOwn(signals, output)) {
			const limit = Object.keys(signals).join(", ");
			const message = `Instrument ${instrument} has no signal ${output}; it has ${limit || "none"}.`;
			this.wrong(path, message, { value: id, limit });
		}
		return signals[output];
	}

	/** What an instrument was told proves nothing: an input is sensed. */
	mustBeContact(path: readonly string[], id: string): void {
		const info = this.mustBeSignal(path, id);
		if (info === undefined || (info.kind === "state" && info.unit === "bool")) return;
		this.wrong(path, `${id} is no state of 0 or 1 but a ${info.kind} in ${info.unit}.`, { value: id });
	}

	offerOf(signal: string): Offer | undefined {
		return this.offers.get(instrumentOf(signal));
	}
}
