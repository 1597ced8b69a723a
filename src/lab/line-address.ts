import { AdlayerError } from "#core/errors.js";

/** Where a simulated instrument is reached: which shared line it is on, and how that line is served. */
export interface LineAddress {
	/** Instruments with the same key share one line and see each other's bytes. */
	readonly line: string;
	/** Modbus unit or bus address; 1 when the address names none. */
	readonly unit: number;
	/** The query as written, for the address that is handed out. */
	readonly query: ReadonlyMap<string, string>;
	/** Set when the lab file says where to listen; undefined for `simulated:`. */
	readonly fixed: { readonly scheme: string; readonly host: string; readonly port: number } | undefined;
	/** Topic prefix, for an instrument on MQTT. */
	readonly prefix: string;
}

const SIMULATED = /^simulated:([A-Za-z][\w-]*)(?:\?(.*))?$/;
const MQTT = /^(mqtt):\/\/([^/:?]+|\[[0-9a-fA-F:]+\])(?::(\d{1,5}))?\/([^?+#]+)$/;
const MQTT_PORT = 1883;
const FIXED = /^(tcp|modbus-tcp|modbus-rtu\+tcp):\/\/([^/:?]+|\[[0-9a-fA-F:]+\]):(\d{1,5})(?:\?(.*))?$/;

/** Throws ADDRESS_INVALID on an address that the simulated lab cannot serve. */
export function parseLineAddress(instrument: string, address: string): LineAddress {
	const simulated = SIMULATED.exec(address);
	if (simulated !== null) {
		const query = readQuery(simulated[2]);
		return {
			line: simulated[1]!,
			unit: unitOf(instrument, address, query),
			query,
			fixed: undefined,
			prefix: simulated[1]!,
		};
	}
	const mqtt = MQTT.exec(address);
	if (mqtt !== null) {
		const [, scheme, host, port = MQTT_PORT, prefix] = mqtt as unknown as [string, string, string, string, string];
		const fixed = { scheme, host: host.replace(/^\[|\]$/g, ""), port: Number(port) };
		return { line: address, unit: 1, query: new Map(), fixed, prefix };
	}
	const fixed = FIXED.exec(address);
	if (fixed === null || Number(fixed[3]) > 65_535) {
		throw invalid(
			instrument,
			address,
			"the simulated lab serves simulated:LINE, tcp://host:port, modbus-tcp://host:port, modbus-rtu+tcp://host:port and mqtt://host:port/prefix",
		);
	}
	const [, scheme, host, port] = fixed as unknown as [string, string, string, string];
	const query = readQuery(fixed[4]);
	return {
		line: `${host}:${port}`,
		unit: unitOf(instrument, address, query),
		query,
		fixed: { scheme, host: host.replace(/^\[|\]$/g, ""), port: Number(port) },
		prefix: "",
	};
}

function readQuery(text: string | undefined): ReadonlyMap<string, string> {
	return new Map(new URLSearchParams(text ?? ""));
}

function unitOf(instrument: string, address: string, query: ReadonlyMap<string, string>): number {
	const unit = Number(query.get("unit") ?? "1");
	if (!Number.isInteger(unit) || unit < 1 || unit > 254)
		throw invalid(instrument, address, "unit must be a whole number from 1 to 254");
	return unit;
}

function invalid(instrument: string, address: string, rule: string): AdlayerError {
	return new AdlayerError("ADDRESS_INVALID", `Address ${address} of ${instrument} cannot be simulated: ${rule}.`, {
		context: { instrument, address },
	});
}
