/** From an instrument's address to its share of the wire. */
import type { Clock } from "#core/clock.js";
import { AdlayerError } from "#core/errors.js";
import type { ExchangeCounters, ModbusMaster, MqttLink, OpenByteStream, RequestLine } from "#core/wire.js";
import { type Address, lineKey, lineSettings } from "./address.js";
import type { LineTiming } from "./exchange.js";
import { Line } from "./line.js";
import { ModbusUnit } from "./modbus-master.js";
import { BrokerLink } from "./mqtt.js";
import { StreamRequestLine } from "./request-line.js";
import { serialOpener } from "./serial.js";
import { tcpOpener } from "./tcp.js";

/**
 * Between two RTU frames the line is silent for 3.5 characters, at 9600 baud 4.01 ms (Modbus over serial line V1.02, section
 * 2.5.1.1). A reply that comes twice falls into it: taken for the answer to the next read of the same length, it would be a
 * wrong value.
 */
const RTU_GAP_MS = 4.5;

/** How an instrument talks on its line. */
export type Wire = "bytes" | "modbus-rtu" | "modbus-tcp" | "mqtt";

const WIRES: Readonly<Record<string, Wire>> = {
	serial: "bytes",
	tcp: "bytes",
	"modbus-rtu": "modbus-rtu",
	"modbus-rtu+tcp": "modbus-rtu",
	"modbus-tcp": "modbus-tcp",
	mqtt: "mqtt",
	mqtts: "mqtt",
};

/**
 * The wire of an address for a driver that accepts `schemes`; a simulated line speaks the first of them. Throws
 * ADDRESS_INVALID when the driver does not accept the address.
 */
export function wireOf(address: Address, schemes: readonly string[]): Wire {
	const scheme = address.scheme === "simulated" ? schemes[0] : address.scheme;
	const wire = scheme === undefined ? undefined : WIRES[scheme];
	if (wire !== undefined && schemes.includes(scheme!)) return wire;
	const message = `Address "${address.text}" does not fit the driver, which accepts ${schemes.join(", ")}.`;
	throw new AdlayerError("ADDRESS_INVALID", message, { context: { address: address.text, allowed: schemes } });
}

/** One instrument's share: `modbus`, `line` or `mqtt`, by its wire. Spread it into the driver's context. */
export interface InstrumentWire {
	readonly modbus?: ModbusMaster;
	readonly line?: RequestLine;
	readonly mqtt?: MqttLink;
}

export interface PortRequest {
	/** The instrument's name in the lab file. */
	readonly name: string;
	readonly address: Address;
	/** From the driver's definition. */
	readonly schemes: readonly string[];
	readonly timing: LineTiming;
}

/** Opens what an address means, instead of the real port; undefined leaves it to the real port. */
export type OpenOverride = (address: Address) => OpenByteStream | undefined;

/** The link that an address means, instead of a connection to a real broker; undefined leaves it to that. */
export type MqttOverride = (address: Address) => MqttLink | undefined;

/** The physical lines of a process: instruments with the same line (an RS-485 bus) share one and take turns. */
export class Ports {
	private readonly lines = new Map<string, { readonly line: Line; readonly settings: string; readonly by: string }>();

	/** `open` comes first for every address and must serve `simulated:` ones; without it only real ports can be used. */
	constructor(
		private readonly clock: Clock,
		private readonly open?: OpenOverride,
		private readonly mqtt?: MqttOverride,
	) {}

	/** Throws ADDRESS_INVALID when the address does not fit the driver or disagrees with another user of its line. */
	connect(request: PortRequest): InstrumentWire & { readonly counters: ExchangeCounters } {
		const { name, address, timing } = request;
		const wire = wireOf(address, request.schemes);
		if (wire === "mqtt") {
			const counters: ExchangeCounters = { exchanges: 0, retries: 0, timeouts: 0 };
			return { mqtt: counted(this.brokerOf(address), counters), counters };
		}
		const line = this.lineOf(name, address, wire);
		if (wire === "bytes") {
			const own = new StreamRequestLine(line, { name, timing });
			return { line: own, counters: own.counters };
		}
		const unit = "unit" in address ? address.unit : 1;
		const modbus = new ModbusUnit(line, {
			name,
			unit,
			framing: wire === "modbus-rtu" ? "rtu" : "tcp",
			timing,
			gapMs: RTU_GAP_MS,
		});
		return { modbus, counters: modbus.counters };
	}

	/** Each instrument has its own connection: what one does or loses is not another's concern. */
	private brokerOf(address: Address): MqttLink {
		const override = this.mqtt?.(address);
		if (override !== undefined) return override;
		if (address.scheme === "mqtt" || address.scheme === "mqtts") return new BrokerLink(address, this.clock);
		throw new AdlayerError("ADDRESS_INVALID", `Address "${address.text}" exists in a simulated lab only.`);
	}

	private lineOf(name: string, address: Address, wire: Wire): Line {
		const key = lineKey(address);
		const settings = address.scheme === "simulated" ? wire : lineSettings(address);
		const known = this.lines.get(key);
		if (known === undefined) {
			const line = new Line(key, this.openerOf(address), this.clock);
			this.lines.set(key, { line, settings, by: name });
			return line;
		}
		if (known.settings === settings) return known.line;
		const message = `${name} uses ${key} as ${settings}, but ${known.by} uses it as ${known.settings}.`;
		throw new AdlayerError("ADDRESS_INVALID", message, { context: { line: key, instruments: [known.by, name] } });
	}

	private openerOf(address: Address): OpenByteStream {
		const override = this.open?.(address);
		if (override !== undefined) return override;
		switch (address.scheme) {
			case "serial":
			case "modbus-rtu":
				return serialOpener(address);
			case "tcp":
			case "modbus-rtu+tcp":
			case "modbus-tcp":
				return tcpOpener(address);
			default:
				throw new AdlayerError("ADDRESS_INVALID", `Address "${address.text}" exists in a simulated lab only.`);
		}
	}
}

/** The same link; a message that comes counts as an exchange. */
function counted(link: MqttLink, counters: ExchangeCounters): MqttLink {
	return {
		get isOpen() {
			return link.isOpen;
		},
		open: () => link.open(),
		subscribe: (topic, listener) =>
			link.subscribe(topic, (message) => {
				counters.exchanges += 1;
				listener(message);
			}),
		publish: (topic, payload, options) => link.publish(topic, payload, options),
		onClose: (listener) => link.onClose(listener),
		close: () => link.close(),
	};
}
