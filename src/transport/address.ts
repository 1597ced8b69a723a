import { AdlayerError, type Problem } from "#core/errors.js";

export type Parity = "none" | "even" | "odd";

export interface SerialSettings {
	readonly path: string;
	readonly baud: number;
	readonly parity: Parity;
	readonly dataBits: 7 | 8;
	readonly stopBits: 1 | 2;
}

export interface Endpoint {
	readonly host: string;
	readonly port: number;
}

export interface MqttPlace extends Endpoint {
	readonly prefix: string;
	/** Name of the user and password, which the environment has. */
	readonly login?: string;
	/** File with the certificate of the authority that a broker with TLS is trusted by; the system's where it is absent. */
	readonly ca?: string;
}

/** Where an instrument is. `text` is what was written in the lab file or on the command line. */
export type Address =
	| ({ readonly scheme: "serial"; readonly text: string } & SerialSettings)
	| ({ readonly scheme: "tcp"; readonly text: string } & Endpoint)
	| ({ readonly scheme: "modbus-rtu"; readonly text: string; readonly unit: number } & SerialSettings)
	| ({ readonly scheme: "modbus-rtu+tcp"; readonly text: string; readonly unit: number } & Endpoint)
	| ({ readonly scheme: "modbus-tcp"; readonly text: string; readonly unit: number } & Endpoint)
	| ({ readonly scheme: "mqtt" | "mqtts"; readonly text: string } & MqttPlace)
	/** A line of the simulated lab, by its name there. */
	| { readonly scheme: "simulated"; readonly text: string; readonly line: string; readonly unit: number };

export type Scheme = Address["scheme"];

const FORMS: Readonly<Record<Scheme, string>> = {
	serial: "serial:/dev/ttyUSB0?baud=9600&parity=none",
	tcp: "tcp://host:port",
	"modbus-rtu": "modbus-rtu:/dev/ttyUSB0?baud=9600&unit=1",
	"modbus-rtu+tcp": "modbus-rtu+tcp://host:port?unit=1",
	"modbus-tcp": "modbus-tcp://host:502?unit=1",
	mqtt: "mqtt://host:1883/prefix",
	mqtts: "mqtts://host:8883/prefix",
	simulated: "simulated:line?unit=1",
};

const PARITIES: readonly Parity[] = ["none", "even", "odd"];
/** Standard rates that serial instruments and adapters know. */
const BAUDS: readonly number[] = [1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600];
/** The specification ends at 247; several makers, Eurotherm among them, use addresses up to 254. */
const RTU_UNIT_MAX = 254;
const SERIAL_OPTIONS = ["baud", "parity", "databits", "stopbits"];

/**
 * Reads an instrument address. Baud is 9600, parity none, 8 data bits and 1 stop bit where not said; ports are 502 for
 * Modbus TCP, 1883 for MQTT and 8883 for MQTT over TLS where not said; the unit must be said on RTU lines, which several units may share, and is
 * 1 elsewhere. Throws ADDRESS_INVALID with all problems; nothing unknown is passed over.
 */
export function parseAddress(text: string): Address {
	const parser = new AddressText(text);
	const address = parser.read();
	if (address !== undefined && parser.problems.length === 0) return address;
	const message = `Address "${text}" cannot be used: ${parser.problems.map((problem) => problem.message).join("; ")}.`;
	throw new AdlayerError("ADDRESS_INVALID", message, { problems: parser.problems, context: { address: text } });
}

class AddressText {
	readonly problems: Problem[] = [];
	private readonly options = new Map<string, string>();
	private body = "";

	constructor(private readonly text: string) {}

	read(): Address | undefined {
		const colon = this.text.indexOf(":");
		const scheme = this.text.slice(0, Math.max(0, colon));
		if (!Object.hasOwn(FORMS, scheme)) {
			this.problem(
				`it begins with none of ${Object.keys(FORMS).join(", ")}`,
				scheme || this.text,
				Object.values(FORMS),
			);
			return undefined;
		}
		this.split(colon);
		return this.readAs(scheme as Scheme);
	}

	private split(colon: number): void {
		const rest = this.text.slice(colon + 1);
		const mark = rest.indexOf("?");
		this.body = mark < 0 ? rest : rest.slice(0, mark);
		if (mark < 0) return;
		for (const part of rest.slice(mark + 1).split("&")) {
			const equals = part.indexOf("=");
			const key = equals < 0 ? part : part.slice(0, equals);
			const value = equals < 0 ? "" : part.slice(equals + 1);
			if (key === "" || value === "") this.problem(`option "${part}" is not of the form name=value`, part);
			else if (this.options.has(key)) this.problem(`option ${key} is given twice`, value);
			else this.options.set(key, value);
		}
	}

	private readAs(scheme: Scheme): Address {
		const { text } = this;
		switch (scheme) {
			case "serial":
				this.allow(SERIAL_OPTIONS);
				return { scheme, text, ...this.serial(scheme) };
			case "modbus-rtu":
				this.allow([...SERIAL_OPTIONS, "unit"]);
				return { scheme, text, ...this.serial(scheme), unit: this.unit(1, RTU_UNIT_MAX, undefined) };
			case "tcp":
				this.allow([]);
				return { scheme, text, ...this.endpoint(scheme, undefined) };
			case "modbus-rtu+tcp":
				this.allow(["unit"]);
				return { scheme, text, ...this.endpoint(scheme, undefined), unit: this.unit(1, RTU_UNIT_MAX, undefined) };
			case "modbus-tcp":
				this.allow(["unit"]);
				return { scheme, text, ...this.endpoint(scheme, 502), unit: this.unit(0, 255, 1) };
			case "mqtt":
				this.allow(["login"]);
				return { scheme, text, ...this.mqtt(scheme, 1883) };
			case "mqtts":
				this.allow(["login", "ca"]);
				return { scheme, text, ...this.mqtt(scheme, 8883) };
			case "simulated": {
				this.allow(["unit"]);
				if (!/^[A-Za-z0-9_-]+$/.test(this.body)) {
					this.problem(`"${this.body}" is not a line's name (letters, digits, _ and -)`, this.body, FORMS[scheme]);
				}
				return { scheme, text, line: this.body, unit: this.unit(0, 255, 1) };
			}
		}
	}

	private serial(scheme: Scheme): SerialSettings {
		if (this.body === "" || /\s/.test(this.body) || this.body.startsWith("//")) {
			this.problem(`"${this.body}" is not a port such as /dev/ttyUSB0 or COM3`, this.body, FORMS[scheme]);
		}
		const baud = this.integer("baud", 9600);
		if (!BAUDS.includes(baud))
			this.problem(`baud is ${this.options.get("baud")}, allowed are ${BAUDS.join(", ")}`, baud, BAUDS);
		const parity = (this.options.get("parity") ?? "none") as Parity;
		if (!PARITIES.includes(parity))
			this.problem(`parity is ${parity}, allowed are ${PARITIES.join(", ")}`, parity, PARITIES);
		const dataBits = this.integer("databits", 8);
		if (dataBits !== 7 && dataBits !== 8)
			this.problem(`databits is ${this.options.get("databits")}, allowed are 7, 8`, dataBits, [7, 8]);
		const stopBits = this.integer("stopbits", 1);
		if (stopBits !== 1 && stopBits !== 2)
			this.problem(`stopbits is ${this.options.get("stopbits")}, allowed are 1, 2`, stopBits, [1, 2]);
		return { path: this.body, baud, parity, dataBits: dataBits as 7 | 8, stopBits: stopBits as 1 | 2 };
	}

	private endpoint(scheme: Scheme, defaultPort: number | undefined, body = this.body): Endpoint {
		const match = /^\/\/(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+))(?::(\d+))?$/.exec(body);
		if (match === null) {
			this.problem(`"${body}" is not //host:port`, body, FORMS[scheme]);
			return { host: "", port: 0 };
		}
		const port = match[3] === undefined ? defaultPort : Number(match[3]);
		if (port === undefined) this.problem("the port is missing", null, FORMS[scheme]);
		else if (port < 1 || port > 65_535) this.problem(`port is ${port}, allowed are 1 to 65535`, port, [1, 65_535]);
		return { host: match[1] ?? match[2]!, port: port ?? 0 };
	}

	private mqtt(scheme: Scheme, defaultPort: number): MqttPlace {
		const slash = this.body.indexOf("/", 2);
		const prefix = slash < 0 ? "" : this.body.slice(slash + 1);
		if (!/^[^\s/+#][^\s+#]*$/.test(prefix) || prefix.endsWith("/")) {
			this.problem(`"${prefix}" is not a topic prefix (no wildcards, no slash at either end)`, prefix, FORMS[scheme]);
		}
		const login = this.options.get("login");
		if (login !== undefined && !/^[A-Za-z][A-Za-z0-9_]*$/.test(login)) {
			this.problem(`login is ${login}, which is no name (letters, digits and _)`, login);
		}
		const ca = this.options.get("ca");
		return {
			...this.endpoint(scheme, defaultPort, slash < 0 ? this.body : this.body.slice(0, slash)),
			prefix,
			...(login === undefined ? {} : { login }),
			...(ca === undefined ? {} : { ca }),
		};
	}

	private unit(min: number, max: number, otherwise: number | undefined): number {
		const unit = this.integer("unit", otherwise);
		if (unit >= min && unit <= max) return unit;
		const found = this.options.get("unit");
		const what = found === undefined ? "unit is missing" : `unit is ${found}`;
		this.problem(`${what}, allowed are ${min} to ${max}`, found ?? null, [min, max]);
		return unit;
	}

	/** NaN for what is no whole number or missing without a default. */
	private integer(key: string, otherwise: number | undefined): number {
		const value = this.options.get(key);
		if (value === undefined) return otherwise ?? Number.NaN;
		return /^\d{1,7}$/.test(value) ? Number(value) : Number.NaN;
	}

	private allow(keys: readonly string[]): void {
		for (const key of this.options.keys()) {
			if (!keys.includes(key))
				this.problem(`option ${key} is unknown, allowed are ${keys.join(", ") || "none"}`, key, keys);
		}
	}

	private problem(message: string, value: unknown, limit?: unknown): void {
		this.problems.push({
			severity: "error",
			code: "ADDRESS_INVALID",
			message,
			value,
			...(limit === undefined ? {} : { limit }),
		});
	}
}

/** Two addresses with the same key are on the same physical line (or connection) and take turns on it. */
export function lineKey(address: Address): string {
	switch (address.scheme) {
		case "serial":
		case "modbus-rtu":
			return `serial:${address.path}`;
		case "tcp":
		case "modbus-rtu+tcp":
		case "modbus-tcp":
			return `tcp://${address.host}:${address.port}`;
		case "mqtt":
		case "mqtts":
			return `mqtt://${address.host}:${address.port}`;
		case "simulated":
			return `simulated:${address.line}`;
	}
}

/** What all users of one line must agree on: the framing and, on a serial port, its settings. */
export function lineSettings(address: Address): string {
	if (address.scheme !== "serial" && address.scheme !== "modbus-rtu") return address.scheme;
	return `${address.scheme} ${address.baud} baud, parity ${address.parity}, ${address.dataBits} data bits, ${address.stopBits} stop bits`;
}
