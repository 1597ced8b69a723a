/** Entries of the lab file in the words of the rooms. */
import type { Contact, Output } from "#device/reactor.js";
import type { ContactEntry } from "#src/config/lab-file-schema.js";

export function mapValues<In, Out>(
	of: Readonly<Record<string, In>>,
	change: (value: In, key: string) => Out,
): Record<string, Out> {
	return Object.fromEntries(Object.entries(of).map(([key, value]) => [key, change(value, key)]));
}

export function contactOf(entry: ContactEntry): Contact {
	return { signal: entry.signal, safeLevel: entry.safe_level };
}

export const instrumentOf = (signal: string): string => signal.slice(0, signal.indexOf("."));

export function outputOf(signal: string): Output {
	const instrument = instrumentOf(signal);
	return { instrument, output: signal.slice(instrument.length + 1) };
}
