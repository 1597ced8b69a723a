/** Every driver with replies that its simulated instrument gave, damaged; every codec with bytes; cycling data files. */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import fc from "fast-check";
import { type Clock, SteppedClock } from "#core/clock.js";
import { AdlayerError } from "#core/errors.js";
import type { LineRequest, ModbusMaster, MqttLink, RequestLine } from "#core/wire.js";
import type { Device } from "#device/contract.js";
import { type AnyDriver, driverNamed, simulatedDrivers } from "#drivers/index.js";
import { serveMemory } from "#lab/serve-memory.js";
import { SimulatedLab } from "#lab/simulated-lab.js";
import { labPlan } from "#src/config/lab-plan.js";
import { loadLabFile } from "#src/config.js";
import { parseAddress } from "#transport/address.js";
import { Ports } from "#transport/ports.js";
import { parseTwinConstants } from "#twin/constants.js";
import { bdfOf, read, symmetricRows } from "../../analysis/support.js";
import * as neware from "../../drivers/neware-bts8/captured.js";
import { type Area, area, Finding, refusalOf } from "./area.js";
import { type BytesChange, bytesChanges, changeBytes, changeText, textChanges } from "./mutations.js";

const RECIPES = resolve(import.meta.dirname, "../../../recipes");

/** One instrument as its lab file has it, and everything that it said while it was well. */
interface Subject {
	readonly name: string;
	readonly driver: AnyDriver;
	readonly settings: Readonly<Record<string, unknown>>;
	/** By what was asked. */
	readonly replies: Map<string, Uint8Array>;
	readonly words: Map<string, readonly (number | boolean)[]>;
	readonly published: Map<string, Uint8Array>;
}

const keyOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");

function recordingLine(line: RequestLine, { replies }: Subject): RequestLine {
	return new Proxy(line, {
		get: (target, member) => {
			if (member !== "request") {
				const value = Reflect.get(target, member) as unknown;
				return typeof value === "function" ? value.bind(target) : value;
			}
			return <Reply>(request: LineRequest<Reply>) =>
				target.request({
					...request,
					parse: (received) => {
						const parsed = request.parse(received);
						if (parsed !== undefined) replies.set(keyOf(request.bytes), received.slice());
						return parsed;
					},
				});
		},
	});
}

function recordingModbus(modbus: ModbusMaster, { words }: Subject): ModbusMaster {
	return new Proxy(modbus, {
		get: (target, member) => {
			const value = Reflect.get(target, member) as unknown;
			if (typeof value !== "function") return value;
			return async (...args: unknown[]) => {
				const given = (await value.apply(target, args)) as unknown;
				if (Array.isArray(given)) words.set(`${String(member)} ${args.join(" ")}`, given);
				return given;
			};
		},
	});
}

function recordingMqtt(mqtt: MqttLink, { published }: Subject): MqttLink {
	return new Proxy(mqtt, {
		get: (target, member) => {
			const value = Reflect.get(target, member) as unknown;
			if (member !== "subscribe") return typeof value === "function" ? value.bind(target) : value;
			return (topic: string, listener: Parameters<MqttLink["subscribe"]>[1]) =>
				target.subscribe(topic, (message) => {
					published.set(message.topic, message.payload);
					listener(message);
				});
		},
	});
}

const NOTHING_KNOWN = () => ({ replies: new Map(), words: new Map(), published: new Map() });

async function subjectsOf(file: string): Promise<Subject[]> {
	const lab = loadLabFile(join(RECIPES, "labs", file));
	const { plan, twinFile } = labPlan(lab)!;
	const clock = new SteppedClock({ wallStartMs: Date.UTC(2026, 0, 1) });
	const simulated = new SimulatedLab({
		plan,
		constants: parseTwinConstants(readFileSync(twinFile, "utf8"), twinFile),
		drivers: simulatedDrivers,
		pumped: true,
		wallAtZeroMs: Date.UTC(2026, 0, 1),
	});
	const served = serveMemory(simulated, clock);
	const ports = new Ports(
		clock,
		(address) => (address.scheme === "simulated" ? served.opener(address.line) : undefined),
		(address) => (address.scheme === "simulated" ? served.mqtt(address.line) : undefined),
	);
	const subjects: Subject[] = [];
	for (const [name, { driver: driverName, address, settings }] of Object.entries(lab.content.instruments)) {
		const driver = driverNamed(driverName)!;
		const subject: Subject = { name, driver, settings, ...NOTHING_KNOWN() };
		const wire = ports.connect({
			name,
			address: parseAddress(address),
			schemes: driver.addressSchemes,
			timing: driver.timing,
		});
		const device = driver.create({
			name,
			settings: settings as never,
			clock,
			...(wire.line === undefined ? {} : { line: recordingLine(wire.line, subject) }),
			...(wire.modbus === undefined ? {} : { modbus: recordingModbus(wire.modbus, subject) }),
			...(wire.mqtt === undefined ? {} : { mqtt: recordingMqtt(wire.mqtt, subject) }),
		});
		await ended(clock, use(device, 1));
		subjects.push(subject);
	}
	served.close();
	return subjects;
}

/** Waits in the clock's time; false when it has not ended within ten minutes of it. */
async function ended(clock: SteppedClock, work: Promise<unknown>): Promise<boolean> {
	let isOver = false;
	const over = () => {
		isOver = true;
	};
	work.then(over, over);
	try {
		await clock.advanceUntil(() => isOver, 600_000);
	} catch {
		return false;
	}
	await work;
	return true;
}

/** What control does with an instrument: every part may be refused, and nothing else may be thrown. */
async function use(device: Device, polls: number): Promise<void> {
	const may = async <T>(act: () => Promise<T> | undefined): Promise<T | undefined> => {
		try {
			return await act();
		} catch (thrown) {
			if (!(thrown instanceof AdlayerError)) throw thrown;
			if (thrown.message.length < 10 || /\[object |\bundefined\b/.test(thrown.message))
				throw new Finding("no-place", `Says nothing: ${thrown.code} ${thrown.message}`);
			return undefined;
		}
	};
	await may(() => device.connect());
	for (let poll = 0; poll < polls; poll += 1) {
		const values = await may(() => device.poll());
		for (const [signal, { value, quality }] of Object.entries(values ?? {}))
			if (quality === "good" && !(typeof value === "number" && Number.isFinite(value)))
				throw new Finding("wrong", `${signal} is ${value} and good.`);
	}
	for (const [signal, { settable }] of Object.entries(device.signals))
		if (settable !== undefined) await may(() => device.set?.(signal, settable.min));
	await may(() => device.makeSafe());
	await may(() => device.close());
}

const silent = (name: string) => new AdlayerError("DEVICE_SILENT", `${name} did not answer within its time-out.`);

/** Answers what it is asked with what was once said to it, changed; a reply that the driver cannot read is a time-out. */
class DamagedLine implements RequestLine {
	readonly counters = { exchanges: 0, retries: 0, timeouts: 0 };
	isOpen = true;
	private exchanges = 0;

	constructor(
		private readonly subject: Subject,
		private readonly plan: readonly (readonly BytesChange[])[],
		private readonly clock: Clock,
	) {}

	async request<Reply>({ bytes, parse }: LineRequest<Reply>): Promise<Reply> {
		const { replies, name } = this.subject;
		this.exchanges += 1;
		const changes = this.plan[this.exchanges % this.plan.length]!;
		const known = replies.get(keyOf(bytes)) ?? [...replies.values()][this.exchanges % Math.max(1, replies.size)];
		const received = changeBytes(known ?? new Uint8Array(), changes);
		// In two pieces, as it comes from a line.
		const half = received.length >> 1;
		const parsed = parse(received.subarray(0, half)) ?? parse(received);
		if (parsed !== undefined) {
			if (!(parsed.taken >= 0 && parsed.taken <= received.length))
				throw new Error(`The codec took ${parsed.taken} of ${received.length} bytes.`);
			return parsed.reply;
		}
		await this.clock.sleep(500);
		throw silent(name);
	}

	async send(): Promise<void> {}
	async drain(): Promise<void> {}
	async open(): Promise<void> {}
	async close(): Promise<void> {}
}

function damagedModbus({ words, name }: Subject, plan: readonly (readonly BytesChange[])[]): ModbusMaster {
	let exchanges = 0;
	const readAs =
		(member: string, bits: boolean) =>
		async (address: number, count: number): Promise<never> => {
			exchanges += 1;
			const changes = plan[exchanges % plan.length]!;
			const known = words.get(`${member} ${address} ${count}`) ?? Array.from({ length: count }, () => 0);
			if (changes.some(({ kind }) => kind === "cut")) throw silent(name);
			if (changes.some(({ kind }) => kind === "swap"))
				throw new AdlayerError("MODBUS_EXCEPTION", `${name} refused ${member} ${address}: illegal data address (2).`);
			const view = changeBytes(new Uint8Array(Uint16Array.from(known, Number).buffer), changes);
			const word = (n: number): number => (view[2 * n] ?? 0) + 256 * (view[2 * n + 1] ?? 0);
			return Array.from({ length: count }, (_, n) => (bits ? word(n) % 2 === 1 : word(n))) as never;
		};
	const write = async (): Promise<void> => {
		exchanges += 1;
		if (plan[exchanges % plan.length]!.some(({ kind }) => kind === "swap")) throw silent(name);
	};
	return {
		readHolding: readAs("readHolding", false),
		readInput: readAs("readInput", false),
		readCoils: readAs("readCoils", true),
		readDiscrete: readAs("readDiscrete", true),
		writeRegister: write,
		writeRegisters: write,
		writeCoil: write,
		open: async () => {},
		close: async () => {},
		counters: { exchanges: 0, retries: 0, timeouts: 0 },
	};
}

function damagedMqtt({ published }: Subject, plan: readonly (readonly BytesChange[])[]): MqttLink {
	return {
		isOpen: true,
		open: async () => {},
		publish: async () => {},
		close: async () => {},
		onClose: () => {},
		subscribe: async (_topic, listener) => {
			let n = 0;
			for (const [topic, payload] of published) {
				listener({ topic, payload: changeBytes(payload, plan[n % plan.length]!), retained: n % 2 === 1 });
				n += 1;
			}
		},
	};
}

const spoken = (texts: readonly string[]): Map<string, Uint8Array> =>
	new Map(texts.map((text, index) => [String(index), Uint8Array.from(Buffer.from(text, "utf8"))]));
const channel = { at: "21-1-1", voltage_V: { min: -5, max: 5 }, current_A_max: 0.1 };

let known: Promise<Subject[]> | undefined;
const subjects = () => {
	known ??= (async () => [
		...(await subjectsOf("simulated.lab.yaml")),
		...(await subjectsOf("second-sources.lab.yaml")),
		{
			...NOTHING_KNOWN(),
			name: "smu",
			driver: driverNamed("keithley-2400")!,
			settings: { channel: "cell", voltage_V: { min: -5, max: 5 }, current_A_max: 0.1, external_watchdog: "none" },
			replies: spoken([
				"KEITHLEY INSTRUMENTS INC.,MODEL 2400,1234567,C30   Mar 17 2006 09:29:29/A02  /K/J\r",
				"+1.000000E+00,+1.000000E-03,+9.910000E+37,+1.000000E+02,+1.000000E+00\r",
				'+0,"No error"\r',
				"1\r",
				"0\r",
			]),
		},
		{
			...NOTHING_KNOWN(),
			name: "bts",
			driver: driverNamed("neware-bts8")!,
			settings: { channels: { c1: channel }, time_zone: "UTC" },
			replies: spoken(
				[
					neware.CONNECT,
					neware.DEVICES,
					neware.INQUIRED,
					neware.EXTENTS,
					neware.DOWNLOADED,
					neware.LOG,
					neware.START_FAILED,
				].map((text) => `${text}\n\n#\r\n`),
			),
		},
	])();
	return known;
};

const WELL: readonly BytesChange[] = [{ kind: "none", at: 0, with: Uint8Array.of(0) }];
const conversation = fc.record({
	subject: fc.nat(),
	/** Replies in turn; most are well, so that a conversation goes deep. */
	plan: fc.array(fc.oneof({ weight: 5, arbitrary: fc.constant(WELL) }, { weight: 1, arbitrary: bytesChanges }), {
		minLength: 1,
		maxLength: 12,
	}),
});
type Conversation = typeof conversation extends fc.Arbitrary<infer Given> ? Given : never;

const driverArea = area<Conversation>({
	name: "drivers",
	cases: 46_000,
	arbitrary: conversation,
	run: async ({ subject: at, plan }) => {
		const all = await subjects();
		const subject = all[at % all.length]!;
		const clock = new SteppedClock({ wallStartMs: Date.UTC(2026, 0, 1) });
		const device = subject.driver.create({
			name: subject.name,
			settings: subject.settings as never,
			clock,
			line: new DamagedLine(subject, plan, clock),
			modbus: damagedModbus(subject, plan),
			mqtt: damagedMqtt(subject, plan),
		});
		if (!(await ended(clock, use(device, 2)))) throw new Finding("wrong", "The driver waits for ever.");
	},
	show: ({ subject, plan }) =>
		JSON.stringify({
			subject,
			plan: plan.map((changes) => changes.map((c) => ({ ...c, with: Buffer.from(c.with).toString("hex") }))),
		}),
});

const titles =
	"mode\tox/red\terror\tNs\ttime/s\tcontrol/V/mA\tEwe/V\t<I>/mA\tdq/mA.h\t(Q-Qo)/mA.h\tfreq/Hz\t|Z|/Ohm\tcycle number";
const small = symmetricRows({ halfCycles: 4, rowsEach: 6, restRows: 1, levelV: () => 0.05 });
const FILES: readonly string[] = [
	bdfOf(small),
	`EC-Lab ASCII FILE\r\nNb header lines : 4\r\n\r\n${titles}\r\n${small.map(({ t, v, i, cycle }) => `1\t${i > 0 ? 1 : 0}\t0\t1\t${t}\t0\t${v}\t${i * 1_000}\t0\t0\t0\t0\t${cycle}\r\n`).join("")}`,
	`Data_Point,Test_Time(s),Date_Time,Step_Time(s),Step_Index,Cycle_Index,Current(A),Voltage(V),Charge_Capacity(Ah),Discharge_Capacity(Ah)\n${small.map(({ t, v, i, cycle, step }, n) => `${n + 1},${t},2026-01-01 00:00:00,${t % 360},${step},${cycle},${i},${v},0,0\n`).join("")}`,
	`Cycle ID,Step ID,Record ID,Time(h:min:s.ms),Voltage(V),Current(mA),Capacity(mAh)\n${small.map(({ t, v, i, cycle, step }, n) => `${cycle},${step},${n},0:${Math.floor(t / 60) % 60}:00.000,${v},${i * 1_000},0\n`).join("")}`,
];
const file = fc.record({
	base: fc.nat(FILES.length - 1),
	text: fc.oneof(fc.constant(null), textChanges),
	bytes: fc.oneof(fc.constant(null), bytesChanges),
	pieces: fc.array(fc.integer({ min: 1, max: 3_000 }), { minLength: 1, maxLength: 4 }),
});

function contentOf({
	base,
	text,
	bytes,
}: {
	base: number;
	text: Parameters<typeof changeText>[1] | null;
	bytes: readonly BytesChange[] | null;
}) {
	const changed = Buffer.from(text === null ? FILES[base]! : changeText(FILES[base]!, text));
	return bytes === null ? Uint8Array.from(changed) : changeBytes(changed, bytes);
}

function expectFinite(value: unknown, path: string): void {
	if (typeof value === "number" && !Number.isFinite(value)) throw new Finding("wrong", `${path} is ${value}.`);
	if (typeof value === "object" && value !== null)
		for (const [key, inner] of Object.entries(value)) expectFinite(inner, `${path}.${key}`);
}

const fileArea = area({
	name: "cycling files",
	cases: 6_000,
	arbitrary: file,
	run: (one) => {
		const refusal = refusalOf(() => {
			const { result, defects } = read(contentOf(one), { pieces: one.pieces });
			expectFinite(result, "result");
			for (const { row, message } of defects)
				if (row !== null && !(row >= 1)) throw new Finding("no-place", `Row ${row}: ${message}`);
		});
		if (refusal !== undefined && refusal.message.length < 10) throw new Finding("no-place", refusal.message);
	},
	show: (one) => JSON.stringify(Buffer.from(contentOf(one)).toString("latin1").slice(0, 2_000)),
});

export const WIRE_AREAS: readonly Area[] = [driverArea, fileArea];
