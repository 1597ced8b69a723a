/** Payloads as the lab file declares them: bytes to values and back, pure. The form is in docs/mqtt.md. */
import type { GasSettings } from "./config.js";

/** Longer payloads are not looked at. */
export const PAYLOAD_BYTES_MAX = 65_536;

/** A value with the time the monitor gave it (Unix ms; null where none is declared), or what is wrong with the payload. */
export type Decoded = { readonly ppm: number; readonly stampMs: number | null } | { readonly wrong: string };

const NUMBER = /^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?\s*$/;
const SHOWN_CHARS = 40;
const MS_PER_S = 1_000;

/** Never throws, whatever the bytes are. */
export function decodePayload(payload: Uint8Array, settings: GasSettings): Decoded {
	if (payload.length > PAYLOAD_BYTES_MAX) {
		return { wrong: `the payload has ${payload.length} bytes, allowed are ${PAYLOAD_BYTES_MAX}` };
	}
	const text = textOf(payload);
	if (settings.payload === "number") {
		const value = numberOf(/^\s*"([^"]*)"\s*$/.exec(text)?.[1] ?? text);
		if (value === undefined) return { wrong: `${shown(text)} is no number` };
		return { ppm: value * settings.ppm_per_unit, stampMs: null };
	}
	let document: unknown;
	try {
		document = JSON.parse(text);
	} catch {
		return { wrong: `${shown(text)} is not JSON` };
	}
	const found = at(document, settings.value!);
	const value = numberOf(found);
	if (value === undefined) return { wrong: `${settings.value} is ${shown(found)}, not a number` };
	if (settings.unit !== undefined) {
		const unit = at(document, settings.unit);
		if (typeof unit !== "string" || sameUnit(unit) !== sameUnit(settings.unit_is!))
			return { wrong: `${settings.unit} is ${shown(unit)}, not "${settings.unit_is}"` };
	}
	if (settings.time === undefined) return { ppm: value * settings.ppm_per_unit, stampMs: null };
	const time = at(document, settings.time);
	const stampMs = timeOf(time, settings.time_form!);
	if (stampMs === undefined) return { wrong: `${settings.time} is ${shown(time)}, not a time (${settings.time_form})` };
	return { ppm: value * settings.ppm_per_unit, stampMs };
}

/** What editors and C programs put around a text says nothing: a byte order mark before it, NUL bytes after it. */
const textOf = (payload: Uint8Array): string =>
	Buffer.from(payload)
		.toString("utf8")
		.replace(/^\uFEFF/, "")
		.replace(/\0+$/, "");

/** Units that differ in case or in spaces around them are one; there is no Mppm. */
const sameUnit = (unit: string): string => unit.trim().toLowerCase();

/** The keys of a place: those of a JSON Pointer (RFC 6901), or names with dots between them. */
export function keysOf(place: string): string[] {
	if (!place.startsWith("/")) return place.split(".");
	return place
		.slice(1)
		.split("/")
		.map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function at(document: unknown, place: string): unknown {
	let here = document;
	for (const key of keysOf(place)) {
		if (typeof here !== "object" || here === null || !Object.hasOwn(here, key)) return undefined;
		if (Array.isArray(here) && !/^\d+$/.test(key)) return undefined;
		here = (here as Record<string, unknown>)[key];
	}
	return here;
}

function numberOf(value: unknown): number | undefined {
	if (typeof value === "number") return Number.isFinite(value) ? value : undefined;
	if (typeof value !== "string" || !NUMBER.test(value)) return undefined;
	const number = Number(value);
	return Number.isFinite(number) ? number : undefined;
}

/** With a zone: a local time of day proves no age. */
const ISO = /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)([Zz]|[+-]\d{2}:?\d{2})$/;

function timeOf(value: unknown, form: NonNullable<GasSettings["time_form"]>): number | undefined {
	if (form === "iso") {
		const [, day, time, zone] = (typeof value === "string" ? ISO.exec(value.trim()) : null) ?? [];
		if (day === undefined) return undefined;
		const stampMs = Date.parse(`${day}T${time}${zone!.toUpperCase().replace(/(\d{2})(\d{2})$/, "$1:$2")}`);
		return Number.isFinite(stampMs) ? stampMs : undefined;
	}
	const number = numberOf(value);
	return number === undefined ? undefined : number * (form === "unix_s" ? MS_PER_S : 1);
}

function shown(value: unknown): string {
	const text = value === undefined ? "missing" : JSON.stringify(value);
	return text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS)}...` : text;
}

/** What the monitor would send: the payload of one topic with the values of all its gases. */
export function encodePayload(gases: readonly { settings: GasSettings; ppm: number }[], wallMs: number): Uint8Array {
	const [first] = gases;
	if (first?.settings.payload === "number")
		return Buffer.from(String(rounded(first.ppm / first.settings.ppm_per_unit)));
	const document: Record<string, unknown> = {};
	for (const { settings, ppm } of gases) {
		put(document, settings.value!, rounded(ppm / settings.ppm_per_unit));
		if (settings.unit !== undefined) put(document, settings.unit, settings.unit_is);
		if (settings.time !== undefined) put(document, settings.time, stampOf(wallMs, settings.time_form!));
	}
	return Buffer.from(JSON.stringify(document));
}

function put(document: Record<string, unknown>, place: string, value: unknown): void {
	const keys = keysOf(place);
	const last = keys.pop()!;
	let here = document;
	for (const key of keys) {
		here[key] ??= {};
		here = here[key] as Record<string, unknown>;
	}
	here[last] = value;
}

function stampOf(wallMs: number, form: NonNullable<GasSettings["time_form"]>): string | number {
	if (form === "iso") return new Date(wallMs).toISOString();
	return form === "unix_s" ? wallMs / MS_PER_S : wallMs;
}

const rounded = (value: number): number => Number(value.toPrecision(4));
