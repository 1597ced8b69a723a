import { describe, expect, it } from "vitest";
import { AdlayerError } from "#core/errors.js";
import { lineKey, lineSettings, parseAddress } from "#transport/address.js";

const refusal = (text: string): AdlayerError => {
	try {
		parseAddress(text);
	} catch (thrown) {
		if (thrown instanceof AdlayerError) return thrown;
		throw thrown;
	}
	throw new Error(`${text} was accepted`);
};

describe("an instrument address", () => {
	it("is read in every form of the lab file", () => {
		expect(parseAddress("serial:/dev/ttyUSB0?baud=19200&parity=even&databits=7&stopbits=2")).toMatchObject({
			scheme: "serial",
			path: "/dev/ttyUSB0",
			baud: 19_200,
			parity: "even",
			dataBits: 7,
			stopBits: 2,
		});
		expect(parseAddress("serial:COM3")).toMatchObject({ path: "COM3", baud: 9600, parity: "none", dataBits: 8 });
		expect(parseAddress("tcp://10.0.0.5:4001")).toMatchObject({ scheme: "tcp", host: "10.0.0.5", port: 4001 });
		expect(parseAddress("modbus-rtu:/dev/ttyUSB0?baud=9600&unit=3")).toMatchObject({ scheme: "modbus-rtu", unit: 3 });
		expect(parseAddress("modbus-rtu+tcp://moxa:4001?unit=2")).toMatchObject({ host: "moxa", port: 4001, unit: 2 });
		expect(parseAddress("modbus-tcp://t7.lab.local")).toMatchObject({ host: "t7.lab.local", port: 502, unit: 1 });
		expect(parseAddress("modbus-tcp://[fe80::1]:1502?unit=255")).toMatchObject({
			host: "fe80::1",
			port: 1502,
			unit: 255,
		});
		expect(parseAddress("mqtt://broker/lab/cycler")).toMatchObject({
			host: "broker",
			port: 1883,
			prefix: "lab/cycler",
		});
		expect(parseAddress("simulated:heaters?unit=2")).toMatchObject({ line: "heaters", unit: 2 });
		expect(parseAddress("simulated:io")).toMatchObject({ line: "io", unit: 1 });
	});

	it.each([
		["", "begins with none of"],
		["/dev/ttyUSB0", "begins with none of"],
		["http://x:1", "begins with none of"],
		["serial:", "is not a port"],
		["serial:/dev/ttyUSB0?baud=9601", "baud is 9601, allowed are 1200"],
		["serial:/dev/ttyUSB0?baud=fast", "baud is fast"],
		["serial:/dev/ttyUSB0?parity=mark", "parity is mark, allowed are none, even, odd"],
		["serial:/dev/ttyUSB0?unit=1", "option unit is unknown"],
		["serial:/dev/ttyUSB0?baud=9600&baud=9600", "given twice"],
		["serial:/dev/ttyUSB0?baud", "not of the form"],
		["modbus-rtu:/dev/ttyUSB0", "unit is missing, allowed are 1 to 254"],
		["modbus-rtu:/dev/ttyUSB0?unit=0", "unit is 0, allowed are 1 to 254"],
		["modbus-rtu:/dev/ttyUSB0?unit=1.5", "unit is 1.5"],
		["modbus-rtu+tcp://host:1", "unit is missing"],
		["tcp://host", "port is missing"],
		["tcp:host:1", "is not //host:port"],
		["tcp://host:0", "port is 0"],
		["tcp://host:70000", "port is 70000, allowed are 1 to 65535"],
		["modbus-tcp://host?unit=256", "unit is 256, allowed are 0 to 255"],
		["mqtt://host:1883", "is not a topic prefix"],
		["mqtt://host/lab/#", "is not a topic prefix"],
		["simulated:two words", "is not a line's name"],
	])("is refused when it reads %j", (text, part) => {
		const error = refusal(text);
		expect(error.code).toBe("ADDRESS_INVALID");
		expect(error.message).toContain(part);
	});

	it("is refused with all its problems at once", () => {
		const error = refusal("modbus-rtu:/dev/ttyUSB0?baud=1&parity=x&speed=3");
		expect(error.problems.map((problem) => problem.value)).toEqual(["speed", 1, "x", null]);
	});

	it("names the physical line, so that units share it", () => {
		const one = parseAddress("modbus-rtu:/dev/ttyUSB0?unit=1");
		const two = parseAddress("modbus-rtu:/dev/ttyUSB0?unit=2&baud=19200");
		expect(lineKey(one)).toBe(lineKey(two));
		expect(lineSettings(one)).not.toBe(lineSettings(two));
		expect(lineKey(parseAddress("tcp://h:1"))).not.toBe(lineKey(parseAddress("tcp://h:2")));
	});
});
