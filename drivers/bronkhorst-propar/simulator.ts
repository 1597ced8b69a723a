import { assert } from "#core/errors.js";
import type { InstrumentSimulator, SimulatorConnection, SimulatorContext } from "#device/contract.js";
import { COUNTS_FULL_SCALE, COUNTS_MAX, COUNTS_MIN, NODE_ANY } from "./codec.js";
import type { BronkhorstProparSettings } from "./config.js";
import { ASCII, binary, LINE_BYTES_MAX, readBinary } from "./frames.js";
import { takesOurSetpoint } from "./parameters.js";

/** What the simulated controller senses and actuates; flow in sccm at 0 degC. The dynamics of the flow are on the other side. */
export interface BronkhorstProparPort {
	/** The flow that the valve is to let through from now on. */
	setTargetSccm(sccm: number): void;
	/** The flow at this moment. */
	flowSccm(): number;
}

export interface BronkhorstProparSimulatorOptions {
	readonly unit?: "mln/min" | "ln/min";
	/** Setpoint that was left in the instrument, counts of 32000. */
	readonly setpointCounts?: number;
}

type Stored =
	| { readonly type: 0x00 | 0x20; value: number; readonly settable: boolean; readonly max: number }
	| { readonly type: 0x40; value: number; readonly settable: false }
	| { readonly type: 0x60; value: string; readonly length: number; readonly settable: false };

const STATUS = {
	ok: 0,
	command: 2,
	process: 3,
	parameter: 4,
	type: 5,
	value: 6,
	readOnly: 0x0d,
} as const;
/** Error message for what is no frame. */
const PROTOCOL_ERROR = 4;
const CHAINED = 0x80;
const DLE = "\x10";
const PROCESSES = [1, 113];

const key = (process: number, parameter: number): number => process * 32 + parameter;
const MEASURE = key(1, 0);
const SETPOINT = key(1, 1);
const CONTROL_MODE = key(1, 4);
const CAPACITY = key(1, 13);
const FLUID = key(1, 17);
const UNIT = key(1, 31);
/** The factory's control mode, to which the instrument returns at every power-up. */
const MODE_AT_POWER_UP = 0;

/**
 * A digital mass flow controller with the parameters of identity, scale, gas, measure, setpoint and control mode; single and
 * chained requests, status and error messages. The setpoint survives a power cycle, as with instruments that act on the
 * last known one; control mode 18 does not.
 */
export class BronkhorstProparSimulator implements InstrumentSimulator {
	private readonly port: BronkhorstProparPort;
	private readonly node: number;
	private readonly stored = new Map<number, Stored>();

	constructor(
		context: SimulatorContext<BronkhorstProparSettings, BronkhorstProparPort>,
		options: BronkhorstProparSimulatorOptions = {},
	) {
		const { node, gas, fluid_name: fluidName, full_scale_sccm: fullScaleSccm } = context.settings;
		assert(gas !== undefined && fullScaleSccm !== undefined, "a simulated flow controller has a gas and a full scale");
		const unit = options.unit ?? "mln/min";
		this.port = context.port;
		this.node = node;
		const text = (value: string, length = 0): Stored => ({ type: 0x60, value, length, settable: false });
		this.stored.set(MEASURE, { type: 0x20, value: 0, settable: false, max: 0xffff });
		this.stored.set(SETPOINT, {
			type: 0x20,
			value: options.setpointCounts ?? 0,
			settable: true,
			max: COUNTS_FULL_SCALE,
		});
		this.stored.set(CONTROL_MODE, { type: 0x00, value: MODE_AT_POWER_UP, settable: true, max: 255 });
		this.stored.set(CAPACITY, {
			type: 0x40,
			value: unit === "mln/min" ? fullScaleSccm : fullScaleSccm / 1000,
			settable: false,
		});
		this.stored.set(UNIT, text(unit, 7));
		this.stored.set(FLUID, text(fluidName ?? gas, 10));
		this.stored.set(key(113, 1), text("DMFC", 6));
		this.stored.set(key(113, 2), text("F-201CV-200-RAD-33-V"));
		this.stored.set(key(113, 3), text("M18212352B"));
		this.stored.set(key(113, 5), text("V1.12", 6));
		this.stored.set(key(113, 6), text("CARRIER"));
		this.actuate();
	}

	/** What somebody does with a service program or at a display. */
	choose(choice: { controlMode?: number; fluid?: string; capacity?: number; unit?: string }): void {
		if (choice.controlMode !== undefined) this.number(CONTROL_MODE).value = choice.controlMode;
		if (choice.capacity !== undefined) this.number(CAPACITY).value = choice.capacity;
		if (choice.fluid !== undefined) this.text(FLUID).value = choice.fluid;
		if (choice.unit !== undefined) this.text(UNIT).value = choice.unit;
		this.actuate();
	}

	/** Takes parameters away: a meter has no setpoint, an old instrument no user tag. */
	forget(process: number, parameter: number): void {
		this.stored.delete(key(process, parameter));
	}

	/** Answers in the form in which it is asked. */
	receive(bytes: Uint8Array, connection: SimulatorConnection): void {
		let input = typeof connection.state === "string" ? connection.state : "";
		for (const byte of bytes) {
			if (input.startsWith(DLE)) input = this.binary(input + String.fromCharCode(byte), connection);
			else if (byte === DLE.charCodeAt(0)) input = DLE;
			else if (byte === 0x3a) input = ":";
			else if (byte === 0x0d) {
				this.line(input, connection);
				input = "";
			} else if (byte !== 0x0a && input.length <= LINE_BYTES_MAX) input += String.fromCharCode(byte);
		}
		connection.state = input;
	}

	advance(_nowMs: number): void {}

	nextEventMs(): number {
		return Number.POSITIVE_INFINITY;
	}

	powerCycle(): void {
		const mode = this.stored.get(CONTROL_MODE);
		if (mode !== undefined) this.number(CONTROL_MODE).value = MODE_AT_POWER_UP;
		this.actuate();
	}

	/** What is left of the input: all of it until the message is whole. */
	private binary(input: string, connection: SimulatorConnection): string {
		try {
			const message = readBinary(Buffer.from(input, "latin1"), 0);
			if (message === undefined) return input;
			const [sequence, node, length, command, ...data] = message.content as [
				number,
				number,
				number,
				number,
				...number[],
			];
			if (length !== data.length + 1 || (node !== this.node && node !== NODE_ANY)) return "";
			const answer = this.execute(command, data);
			if (answer !== undefined) connection.send(binary(sequence).encode(node, answer));
		} catch {
			// A master that cuts a message short gets no answer.
		}
		return "";
	}

	private line(text: string, connection: SimulatorConnection): void {
		if (text === "") return;
		const bytes = /^:(?:[0-9A-F]{2}){3,}$/.test(text) ? [...Buffer.from(text.slice(1), "hex")] : [];
		const [length, node, command, ...data] = bytes as [number, number, number, ...number[]];
		if (bytes.length === 0 || length !== bytes.length - 1) {
			connection.send(Buffer.from(`:01${PROTOCOL_ERROR.toString().padStart(2, "0")}\r\n`));
			return;
		}
		if (node !== this.node && node !== NODE_ANY) return;
		const answer = this.execute(command, data);
		if (answer !== undefined) connection.send(ASCII.encode(node, answer));
	}

	private execute(command: number, data: readonly number[]): number[] | undefined {
		const status = (code: number, position: number): number[] => [0x00, code, position];
		if (command === 0x04) {
			const { reply, refusal } = this.read(data);
			return refusal === undefined ? [0x02, ...reply] : status(refusal.code, refusal.position);
		}
		if (command === 0x01 || command === 0x02) {
			const { code, position } = this.write(data);
			return command === 0x01 ? status(code, position) : undefined;
		}
		return status(STATUS.command, 2);
	}

	private read(data: readonly number[]): { reply: number[]; refusal?: { code: number; position: number } } {
		const reply: number[] = [];
		let at = 0;
		let processChained = true;
		let parameterChained = false;
		while (parameterChained || processChained) {
			if (!parameterChained) {
				const header = data[at] ?? 0;
				processChained = (header & CHAINED) !== 0;
				reply.push(header);
				at += 1;
			}
			const [index, process, parameter] = data.slice(at, at + 3);
			// Length, node and command stand in front of the data.
			const refuse = (code: number) => ({ reply, refusal: { code, position: at + 3 } });
			if (index === undefined || process === undefined || parameter === undefined) return refuse(STATUS.parameter);
			const which = key(process & 0x7f, parameter & 0x1f);
			const found = this.stored.get(which);
			if (!PROCESSES.includes(process & 0x7f)) return refuse(STATUS.process);
			if (found === undefined) return refuse(STATUS.parameter);
			if (found.type !== (parameter & 0x60)) return refuse(STATUS.type);
			reply.push(index, ...this.bytesOf(which, found));
			at += found.type === 0x60 ? 4 : 3;
			parameterChained = (index & CHAINED) !== 0;
		}
		return { reply };
	}

	/** One parameter, as a driver needs it; chained writes are refused. */
	private write(data: readonly number[]): { code: number; position: number } {
		const [process, parameter, ...value] = data as [number, number, ...number[]];
		const found = this.stored.get(key(process & 0x7f, parameter & 0x1f));
		const end = data.length + 2;
		if ((process & CHAINED) !== 0 || (parameter & CHAINED) !== 0) return { code: STATUS.command, position: 3 };
		if (found === undefined) return { code: STATUS.parameter, position: 4 };
		if (found.type !== (parameter & 0x60)) return { code: STATUS.type, position: 4 };
		if (!found.settable) return { code: STATUS.readOnly, position: 4 };
		if (value.length !== (found.type === 0x20 ? 2 : 1)) return { code: STATUS.value, position: 5 };
		const number = value.reduce((sum, byte) => sum * 256 + byte, 0);
		if (number > found.max) return { code: STATUS.value, position: 5 };
		const isSetpoint = key(process, parameter & 0x1f) === SETPOINT;
		// With another source the setpoint is ignored without a word.
		if (isSetpoint && !takesOurSetpoint(this.number(CONTROL_MODE).value)) return { code: STATUS.ok, position: end };
		found.value = number;
		this.actuate();
		return { code: STATUS.ok, position: end };
	}

	private bytesOf(which: number, stored: Stored): number[] {
		switch (stored.type) {
			case 0x00:
				return [stored.value];
			case 0x20: {
				const value = which === MEASURE ? this.measureCounts() & 0xffff : stored.value;
				return [value >> 8, value & 0xff];
			}
			case 0x40: {
				const bytes = Buffer.alloc(4);
				bytes.writeFloatBE(stored.value);
				return [...bytes];
			}
			case 0x60: {
				const { length, value } = stored;
				if (length === 0) return [0, ...Buffer.from(`${value}\0`, "latin1")];
				return [length, ...Buffer.from(value.slice(0, length).padEnd(length), "latin1")];
			}
		}
	}

	private measureCounts(): number {
		const counts = Math.round((this.port.flowSccm() / this.fullScaleSccm) * COUNTS_FULL_SCALE);
		return Math.min(Math.max(counts, COUNTS_MIN), COUNTS_MAX);
	}

	private get fullScaleSccm(): number {
		return this.number(CAPACITY).value * (this.text(UNIT).value === "ln/min" ? 1000 : 1);
	}

	private actuate(): void {
		const mode = this.stored.get(CONTROL_MODE)?.value;
		if (mode === 8 || mode === 7) this.port.setTargetSccm(this.fullScaleSccm);
		else if (mode === 3 || mode === 12) this.port.setTargetSccm(0);
		else if (takesOurSetpoint(Number(mode))) {
			this.port.setTargetSccm((this.number(SETPOINT).value / COUNTS_FULL_SCALE) * this.fullScaleSccm);
		}
	}

	private number(which: number): { value: number } {
		return this.stored.get(which) as { value: number };
	}

	private text(which: number): { value: string } {
		return this.stored.get(which) as { value: string };
	}
}
