/** Small simulators with a one-byte wire, so that the lab is tested apart from any real driver. */
import type { InstrumentSimulator, SimulatorConnection, SimulatorContext } from "#device/contract.js";
import type { DigitalIoPort, FlowControllerPort, GaugePort, HeaterPort } from "#lab/join.js";
import type { LabPlan, SimulatedDrivers } from "#lab/plan.js";
import { SimulatedLab, type SimulatedLabOptions } from "#lab/simulated-lab.js";
import { benchConstants } from "../twin/support.js";

type Context<Port> = SimulatorContext<never, Port>;

/** "u" + unit asks one unit for its temperature, in tenths as text; "h" + unit + percent heats. */
class HeaterSimulator implements InstrumentSimulator {
	constructor(private readonly context: Context<HeaterPort>) {}
	receive(bytes: Uint8Array, connection: SimulatorConnection): void {
		if (bytes[1] !== this.context.unit) return;
		if (bytes[0] === 0x68) this.context.port.setHeaterPercent(bytes[2] ?? 0);
		connection.send(new TextEncoder().encode(`${this.context.name} ${this.context.port.temperatureC()?.toFixed(1)}`));
	}
	advance(): void {}
	nextEventMs(): number {
		return Number.POSITIVE_INFINITY;
	}
	powerCycle(): void {}
}

/** Byte = line number: a pulse of 15.5 ms on it from now. 100 + line: high; 200: answers the inputs 16 and 17. */
export class IoSimulator implements InstrumentSimulator {
	private nowMs = 0;
	private endMs = Number.POSITIVE_INFINITY;
	private line = 0;
	cycles = 0;
	readonly advances: number[] = [];

	constructor(private readonly context: Context<DigitalIoPort>) {}

	receive(bytes: Uint8Array, connection: SimulatorConnection): void {
		const code = bytes[0] ?? 0;
		const { port } = this.context;
		if (code === 200) connection.send(Uint8Array.of(port.sense(16), port.sense(17), port.sense(5)));
		else if (code >= 100) port.drive(code - 100, 1, this.nowMs);
		else {
			this.line = code;
			this.endMs = this.nowMs + 15.5;
			port.drive(code, 1, this.nowMs);
		}
	}

	advance(nowMs: number): void {
		this.nowMs = nowMs;
		this.advances.push(nowMs);
		if (nowMs < this.endMs) return;
		this.context.port.drive(this.line, 0, this.endMs);
		this.endMs = Number.POSITIVE_INFINITY;
	}

	nextEventMs(): number {
		return this.endMs;
	}

	powerCycle(): void {
		this.cycles += 1;
		for (const line of [2, 3, 8]) this.context.port.drive(line, "floating", this.nowMs);
	}
}

/** Any byte asks for both channels; "echo" for bytes above 1: the same bytes back. */
class GaugeSimulator implements InstrumentSimulator {
	constructor(private readonly context: Context<GaugePort>) {}
	receive(bytes: Uint8Array, connection: SimulatorConnection): void {
		if (bytes.length > 1) connection.send(bytes);
		else
			connection.send(
				new TextEncoder().encode([1, 2, 3].map((n) => String(this.context.port.pressurePa(n))).join(" ")),
			);
	}
	advance(): void {}
	nextEventMs(): number {
		return Number.POSITIVE_INFINITY;
	}
	powerCycle(): void {}
}

class FlowSimulator implements InstrumentSimulator {
	constructor(private readonly context: Context<FlowControllerPort>) {}
	receive(bytes: Uint8Array, connection: SimulatorConnection): void {
		this.context.port.setTargetSccm(bytes[0] ?? 0);
		connection.send(new TextEncoder().encode(this.context.port.flowSccm().toFixed(1)));
	}
	advance(): void {}
	nextEventMs(): number {
		return Number.POSITIVE_INFINITY;
	}
	powerCycle(): void {}
}

export const DRIVERS = {
	heater: {
		joinKind: "heater",
		definition: { addressSchemes: ["modbus-rtu"], simulate: (context: never) => new HeaterSimulator(context) },
	},
	io: {
		joinKind: "digital-io",
		definition: { addressSchemes: ["modbus-tcp"], simulate: (context: never) => new IoSimulator(context) },
	},
	gauge: {
		joinKind: "gauge",
		definition: { addressSchemes: ["serial", "tcp"], simulate: (context: never) => new GaugeSimulator(context) },
	},
	flow: {
		joinKind: "flow-controller",
		definition: { addressSchemes: ["serial", "tcp"], simulate: (context: never) => new FlowSimulator(context) },
	},
} satisfies SimulatedDrivers;

export const PLAN: LabPlan = {
	seed: 1,
	foil: "Li",
	instruments: [
		{ name: "stage", driver: "heater", address: "simulated:heaters?unit=1", settings: {} },
		{ name: "wall", driver: "heater", address: "simulated:heaters?unit=2", settings: {} },
		{
			name: "io",
			driver: "io",
			address: "simulated:io",
			settings: {
				pulse_outputs: { TMA: "DIO2", H2O: "DIO3" },
				outputs: { stop: "DIO8" },
				inputs: { pump_running: "DIO16", lid_closed: "DIO17" },
			},
		},
		{ name: "gauge", driver: "gauge", address: "simulated:gauge", settings: { channels: { chamber: 1, foreline: 2 } } },
		{ name: "carrier", driver: "flow", address: "simulated:carrier?baud=19200", settings: {} },
	],
	reactor: {
		carrier: { instrument: "carrier" },
		pressures: { chamber: "gauge.chamber", foreline: "gauge.foreline" },
		zones: { stage: { instrument: "stage" }, wall: { instrument: "wall" } },
		precursors: {
			TMA: { output: "io.TMA", wired: "normally-closed" },
			H2O: { output: "io.H2O", wired: "normally-closed" },
		},
		stopValve: { output: "io.stop", wired: "normally-closed" },
		inputs: {
			pump_running: { signal: "io.pump_running", safeLevel: 1 },
			lid_closed: { signal: "io.lid_closed", safeLevel: 1 },
		},
	},
};

export function labOptions(options: Partial<SimulatedLabOptions> = {}): SimulatedLabOptions {
	return { plan: PLAN, constants: benchConstants(), drivers: DRIVERS, ...options };
}

export function newLab(options: Partial<SimulatedLabOptions> = {}): SimulatedLab {
	return new SimulatedLab(labOptions(options));
}

/** A client in the same process: sends bytes, gives what came back as text. */
export function clientOf(lab: SimulatedLab, lineName: string): { ask(...bytes: number[]): string; raw: Uint8Array[] } {
	const raw: Uint8Array[] = [];
	const line = lab.lines.find(({ name }) => name === lineName);
	if (line === undefined) throw new Error(`no line ${lineName}`);
	const connection = lab.connect(line, (bytes) => raw.push(bytes));
	return {
		raw,
		ask: (...bytes) => {
			raw.length = 0;
			connection.receive(Uint8Array.from(bytes));
			return raw.map((part) => new TextDecoder().decode(part)).join("|");
		},
	};
}
