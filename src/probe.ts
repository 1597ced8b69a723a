/** One instrument on its own: connected with its driver for a look, without plant, safety and journal. */
import { lookup } from "node:dns/promises";
import { realpathSync } from "node:fs";
import type { Probe, ProbeReading, ProbeRequest, ProbeSetting } from "#cli/probe-report.js";
import type { Clock } from "#core/clock.js";
import { AdlayerError, asAdlayerError } from "#core/errors.js";
import type { Device, DriverContext, Identification, PolledValues } from "#device/contract.js";
import { type AnyDriver, driverNamed, driverNames } from "#drivers/index.js";
import { probeSettings } from "#src/probe-settings.js";
import { type Address, lineKey, parseAddress } from "#transport/address.js";
import type { LineTiming } from "#transport/exchange.js";
import { Ports } from "#transport/ports.js";

/** One repetition tells a lost frame from silence; more would only make the answer "nobody" late. */
const RETRIES_MAX = 1;
/** A look has the time that control has not: an instrument behind a slow serial server is still seen. */
const TIMEOUT_MS_MIN = 500;
/** Letting go of a line may hang on a port whose device is gone. */
const CLOSE_MS = 1_000;
/** An instrument that speaks by itself (MQTT) is listened to this long, in steps. */
const LISTEN_MS = 6_000;
const LISTEN_STEP_MS = 250;
/** Path unavailable; target did not respond. */
const GATEWAY_EXCEPTIONS: readonly unknown[] = [10, 11];
/** The names of a host must not take longer than an answer of the instrument. */
const LOOKUP_MS = 1_000;

/** Reads alone, unless `set` names signals. Rejects when there is nothing to report; see `ProbeReport.error` otherwise. */
export const probe: Probe = async (request) => {
	const { driver: name, clock, set } = request;
	const driver = driverNamed(name);
	if (driver === undefined) {
		const message = `There is no driver ${name}; there are ${driverNames.join(", ")}.`;
		throw new AdlayerError("USAGE", message, { context: { driver: name, allowed: driverNames } });
	}
	const address = addressFor(request.address, driver);
	const settings = probeSettings(driver, request.options);
	if (Object.keys(set).length > 0 && !request.unguarded) {
		throw new AdlayerError("SET_UNGUARDED", `Setting ${Object.keys(set).join(", ")} past control needs --unguarded.`);
	}
	await refuseIfHeld(address, request.held, clock);

	const { counters, ...wire } = new Ports(clock).connect({
		name,
		address,
		schemes: driver.addressSchemes,
		timing: timingOf(driver),
	});
	const device = driver.create({ name, settings: settings as never, clock, ...wire } satisfies DriverContext<never>);
	refuseOutOfRange(device, name, set);

	const deadline = new Deadline(request);
	try {
		const found = await deadline.bound("its identification", identify(device));
		const warnings = [...found.warnings];
		if (device.inspect === undefined)
			warnings.push(`${name} has no look by reading alone: it was connected as control does.`);
		if (!found.confirmed) {
			warnings.push(
				`What answers did not prove to be what ${name} is for: readings are what they would be if it were, and control refuses it.`,
			);
		}
		const written = await setAll(device, set, deadline);
		if (written.results.length > 0)
			warnings.push("What was set stays set when this command has ended, and nothing guards it.");
		const read = await readAll(device, address, clock, deadline);
		if (counters.breaks !== undefined)
			warnings.push(
				`The connection broke ${counters.breaks} times and was made anew; control takes every break for a loss of the instrument.`,
			);
		const slow = slowWarning(driver, counters.slowestMs);
		if (slow !== undefined) warnings.push(slow);
		const error = written.error ?? read.error;
		return {
			driver: name,
			address: request.address,
			identityConfirmed: found.confirmed,
			identity: found.identity,
			readings: read.readings,
			set: written.results,
			exchanges: counters.exchanges,
			retries: counters.retries,
			warnings,
			...(error === undefined ? {} : { error }),
		};
	} catch (thrown) {
		throw withAdvice(asAdlayerError(thrown), address, name);
	} finally {
		deadline.end();
		await Promise.race([device.close().catch(() => {}), clock.sleep(CLOSE_MS)]);
	}
};

function timingOf({ timing }: AnyDriver): LineTiming {
	return {
		timeoutMs: Math.max(timing.timeoutMs, TIMEOUT_MS_MIN),
		retries: Math.min(timing.retries, RETRIES_MAX),
		isLook: true,
	};
}

/** An answer for which control would not have waited. */
function slowWarning({ timing }: AnyDriver, slowestMs: number | undefined): string | undefined {
	if (slowestMs === undefined || slowestMs < timing.timeoutMs) return undefined;
	return `An answer took ${Math.round(slowestMs)} ms to begin; control waits ${timing.timeoutMs} ms: look for what is slow on the line.`;
}

function addressFor(text: string, driver: AnyDriver): Address {
	const address = parseAddress(text);
	if (driver.addressSchemes.includes(address.scheme)) return address;
	const allowed = driver.addressSchemes;
	const message = `${driver.name} cannot use a ${address.scheme} address; it accepts ${allowed.join(", ")}.`;
	throw new AdlayerError("ADDRESS_INVALID", message, { context: { address: text, allowed } });
}

function identify(device: Device): Promise<Identification> {
	return device.inspect === undefined ? device.connect() : device.inspect();
}

/** What can be said of a value to be set before a line is opened. */
function refuseOutOfRange(device: Device, name: string, set: ProbeRequest["set"]): void {
	for (const [signal, value] of Object.entries(set)) {
		const info = device.signals[signal];
		if (info === undefined || device.set === undefined || (info.settable === undefined && info.kind !== "setpoint")) {
			const can = Object.entries(device.signals).filter(([, { settable }]) => settable !== undefined);
			const which = can.map(([each]) => each).join(", ") || "none with these settings";
			throw new AdlayerError("SIGNAL_UNKNOWN", `${name} has no signal ${signal} that can be set; there are: ${which}.`);
		}
		const { settable } = info;
		if (settable === undefined || (value >= settable.min && value <= settable.max)) continue;
		const { min, max } = settable;
		throw new AdlayerError("SETPOINT_OUT_OF_RANGE", `${signal} ${value} is outside ${min} to ${max} ${info.unit}.`, {
			context: { signal, value, min, max },
		});
	}
}

async function setAll(
	device: Device,
	set: ProbeRequest["set"],
	deadline: Deadline,
): Promise<{ results: ProbeSetting[]; error?: AdlayerError }> {
	const results: ProbeSetting[] = [];
	for (const [signal, requested] of Object.entries(set)) {
		try {
			const readBack = await deadline.bound(`setting ${signal}`, device.set!(signal, requested));
			results.push({ signal, requested, readBack, ok: true });
		} catch (thrown) {
			results.push({ signal, requested, readBack: null, ok: false });
			return { results, error: asAdlayerError(thrown) };
		}
	}
	return { results };
}

async function readAll(
	device: Device,
	address: Address,
	clock: Clock,
	deadline: Deadline,
): Promise<{ readings: Record<string, ProbeReading>; error?: AdlayerError }> {
	let values: PolledValues = {};
	let error: AdlayerError | undefined;
	const listenUntilMs = clock.nowMs() + (isAtBroker(address) ? LISTEN_MS : 0);
	try {
		for (;;) {
			values = await deadline.bound("its readings", device.poll());
			const complete = Object.values(values).every(({ quality }) => quality === "good");
			if (complete || clock.nowMs() >= listenUntilMs || deadline.isNear) break;
			await clock.sleep(LISTEN_STEP_MS);
		}
	} catch (thrown) {
		error = asAdlayerError(thrown);
	}
	const at = clock.wallMs();
	const readings: Record<string, ProbeReading> = {};
	for (const [signal, { unit }] of Object.entries(device.signals)) {
		const polled = values[signal];
		const value = polled?.quality === "good" && Number.isFinite(polled.value) ? polled.value : null;
		const detail = polled?.detail ?? error?.message ?? (value === null ? "not read" : undefined);
		readings[signal] = {
			value,
			unit,
			quality: value === null ? "fault" : "good",
			at,
			...(detail === undefined ? {} : { detail }),
		};
	}
	return error === undefined ? { readings } : { readings, error };
}

/** Bounds a whole probe, whatever the far end does: also one that goes on sending bytes for ever. */
class Deadline {
	private readonly endMs: number;
	private readonly ended = new AbortController();
	private readonly signal: AbortSignal;

	constructor(private readonly request: ProbeRequest) {
		this.endMs = request.clock.nowMs() + request.limitMs;
		this.signal = AbortSignal.any([this.ended.signal, request.interrupted]);
	}

	/** Too little is left for anything but an end. */
	get isNear(): boolean {
		return this.endMs - this.request.clock.nowMs() < 2 * LISTEN_STEP_MS;
	}

	async bound<Result>(what: string, work: Promise<Result>): Promise<Result> {
		const { clock, driver, limitMs, interrupted } = this.request;
		const leftMs = Math.max(0, this.endMs - clock.nowMs());
		const done = new AbortController();
		const over = clock.sleep(leftMs, AbortSignal.any([this.signal, done.signal])).then(
			() =>
				new AdlayerError("DEVICE_SILENT", `${driver} did not come to an end with ${what} within ${limitMs / 1000} s.`),
			() => new AdlayerError("INTERRUPTED", `The probe was interrupted during ${what}.`),
		);
		work.catch(() => {});
		if (interrupted.aborted) throw await over;
		return Promise.race([work, over.then((error) => Promise.reject(error))]).finally(() => done.abort());
	}

	/** Lets go of the clock. */
	end(): void {
		this.ended.abort();
	}
}

/** Lines that control holds are left alone: two masters on one line take each other's replies. A broker serves many. */
async function refuseIfHeld(address: Address, held: ProbeRequest["held"], clock: Clock): Promise<void> {
	if (isAtBroker(address)) return;
	for (const { instrument, address: text } of held) {
		const other = parseAddress(text);
		if (isAtBroker(other) || !(await isSameLine(address, other, clock))) continue;
		const message = `Control holds the line of ${address.text}: its instrument ${instrument} is at ${text}.`;
		throw new AdlayerError("LINE_HELD", message, { context: { instrument, address: text } });
	}
}

async function isSameLine(one: Address, other: Address, clock: Clock): Promise<boolean> {
	if (lineKey(one) === lineKey(other)) return true;
	if ("path" in one && "path" in other) return portOf(one.path) === portOf(other.path);
	if (!("host" in one && "host" in other) || one.port !== other.port) return false;
	const [hosts, others] = await Promise.all([addressesOf(one.host, clock), addressesOf(other.host, clock)]);
	return hosts.some((host) => others.includes(host));
}

/** /dev/serial/by-id/... and /dev/ttyUSB0 may be one port. */
function portOf(path: string): string {
	try {
		return realpathSync(path);
	} catch {
		return path;
	}
}

async function addressesOf(host: string, clock: Clock): Promise<string[]> {
	const none: { address: string }[] = [];
	const found = await Promise.race([
		lookup(host, { all: true }).catch(() => none),
		clock.sleep(LOOKUP_MS).then(() => none),
	]);
	return [host, ...found.map(({ address }) => address)];
}

/** The same error with what to try next at this very address. */
function withAdvice(error: AdlayerError, address: Address, driver: string): AdlayerError {
	const say = (code: AdlayerError["code"], hint: string) =>
		new AdlayerError(code, error.message, { cause: error, context: error.context, hint });
	if (error.context.heldByAnother === true) {
		return say("LINE_HELD", "Another program holds the port: control, a terminal program, ModemManager. End it first.");
	}
	switch (error.code) {
		case "MODBUS_EXCEPTION":
			// A gateway answers for an instrument that does not.
			if (!GATEWAY_EXCEPTIONS.includes(error.context.exception)) return error;
			return say("DEVICE_SILENT", `A gateway is there, the instrument is not. Try: ${tryNext(address).join("; ")}.`);
		case "LINK_UNREACHABLE":
		case "LINK_LOST":
		case "DEVICE_SILENT":
			return say(error.code, `Try: ${tryNext(address).join("; ")}.`);
		case "REPLY_INVALID":
			if (error.context.isLate === true) {
				return say(
					error.code,
					"It answers, but too late: look for what is slow on its way, such as a gateway or another client.",
				);
			}
			return say(error.code, `Something answers, but not as ${driver} expects. Try: ${tryNext(address).join("; ")}.`);
		default:
			return error;
	}
}

/** Serial servers pass RTU frames on as they are; gateways and instruments on a network frame them anew. */
const OTHER_FRAMING: Readonly<Record<string, string>> = {
	"modbus-tcp": "modbus-rtu+tcp",
	"modbus-rtu+tcp": "modbus-tcp",
};

function tryNext(address: Address): string[] {
	const power = "is the instrument on";
	if (isAtBroker(address)) {
		return [
			"host and port of the broker, and its login",
			`${power} and connected to that broker`,
			"its topics, which stand below the prefix of this address",
			"more time for one that speaks rarely (--within)",
		];
	}
	const framing = OTHER_FRAMING[address.scheme];
	const unit =
		"unit" in address
			? [
					...(framing === undefined ? [] : [`the framing (${framing} in place of ${address.scheme})`]),
					`its unit (this address asks unit ${address.unit})`,
				]
			: ["its own letter, address or node, where it has one (--option)"];
	if (!("path" in address)) {
		return [power, "host and port, a firewall, another client that uses up its connections", ...unit];
	}
	const { baud, parity, dataBits, stopBits } = address;
	const line = `baud rate and parity (this address uses ${baud} baud, ${dataBits} data bits, parity ${parity}, ${stopBits} stop bit)`;
	return [power, "the cable (right port, RX and TX crossed, A and B of RS-485)", line, ...unit];
}

function isAtBroker({ scheme }: Address): boolean {
	return scheme === "mqtt" || scheme === "mqtts";
}
