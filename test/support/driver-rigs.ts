/** Every driver of the list with its simulated instrument, what is true there, and what can be set: for sweeps over all. */
import { resolve } from "node:path";
import { SteppedClock } from "#core/clock.js";
import type { Device } from "#device/contract.js";
import type { CellPort } from "#device/cycler.js";
import { driverNamed } from "#drivers/index.js";
import { loadLabFile } from "#src/config.js";
import { parseAddress } from "#transport/address.js";
import { memoryPair } from "#transport/memory.js";
import { MemoryBroker } from "#transport/memory-mqtt.js";
import { Ports } from "#transport/ports.js";
import { type Protocol, WireTap } from "./wire-tap.js";

const LABS = resolve(import.meta.dirname, "../../recipes/labs");
const TICK_MS = 250;
export const MQTT_PREFIX = "bench";

/** What an instrument senses and what was done with it. Step 0 is what is true at first. */
export class World {
	step = 0;
	targetSccm = 0;
	isTurning = true;
	/** Film at which the thickness monitor was last zeroed; its power does so too. */
	zeroNm = 0;
	readonly driven = new Map<number, 0 | 1>();

	readonly port = {
		temperatureC: () => 80 + 7 * this.step,
		setHeaterPercent: () => {},
		drive: (line: number, level: number | string) => void this.driven.set(line, level === 1 ? 1 : 0),
		sense: (line: number) => ((line + this.step) % 2) as 0 | 1,
		pressurePa: (channel?: number) =>
			channel === undefined ? 200_000 : channel === 1 ? 120 + 17 * this.step : 40 + 9 * this.step,
		setTargetSccm: (sccm: number) => {
			this.targetSccm = sccm;
		},
		flowSccm: () => 20 + 10 * this.step,
		isTurning: () => this.isTurning,
		turn: (on: boolean) => {
			this.isTurning = on;
		},
		thicknessNm: () => 12.5 + this.step,
		oxygenPpm: () => 1.5 + this.step,
		waterPpm: () => 0.5 + this.step,
		cell: (): CellPort => ({ apply: (drive, durationS) => this.drivenCell(drive, durationS) }),
	};

	drivenCell: CellPort["apply"] = (drive) => {
		const voltageV = 1 + 0.5 * this.step;
		if (drive === "open") return { voltageV, currentA: 0 };
		if ("voltageV" in drive) return { voltageV: drive.voltageV, currentA: (drive.voltageV - voltageV) / 100 };
		return { voltageV: voltageV + 100 * drive.currentA, currentA: drive.currentA };
	};
}

export interface RigKind {
	/** Of the rig: the driver's, with what it is where one driver is two things. */
	readonly name: string;
	readonly driver: string;
	readonly settings: Readonly<Record<string, unknown>>;
	/** What finds a wrong bit: of the protocol itself, not of what carries it. */
	readonly checksum: string | null;
	/** What is true now, by signal. */
	readonly truth: (world: World) => Readonly<Record<string, number>>;
	/** Relative and absolute difference within which a value is right: noise and resolution. */
	readonly within: readonly [relative: number, absolute: number];
	/** Of an instrument that speaks by itself: a good value may be as old as this. */
	readonly oldMsMax?: number;
	readonly sets?: readonly { readonly signal: string; readonly value: number }[];
	/** A timed output, and the number of its line. */
	readonly pulse?: { readonly output: string; readonly line: number; readonly widthMs: number };
}

function ioTruth(settings: Readonly<Record<string, unknown>>) {
	const lines = (key: string) => Object.entries((settings[key] ?? {}) as Record<string, string>);
	const number = (label: string) => Number(/\d+$/.exec(label)![0]);
	return (world: World) =>
		Object.fromEntries([
			...lines("inputs").map(([name, label]) => [name, world.port.sense(number(label))] as const),
			...[...lines("outputs"), ...lines("pulse_outputs")].map(
				([name, label]) => [name, world.driven.get(number(label)) ?? 0] as const,
			),
		]);
}

const settingsIn = (lab: string, instrument: string) =>
	loadLabFile(resolve(LABS, lab)).content.instruments[instrument]!.settings as Record<string, unknown>;
const first = (instrument: string) => settingsIn("simulated.lab.yaml", instrument);
const second = (instrument: string) => settingsIn("second-sources.lab.yaml", instrument);

/** Settings are those of the shipped labs where they have the instrument. */
export const RIGS: readonly RigKind[] = [
	{
		name: "eurotherm-3216",
		driver: "eurotherm-3216",
		settings: first("stage"),
		checksum: "CRC-16",
		truth: ({ port }) => ({ temperature: port.temperatureC() }),
		within: [0, 0.11],
		sets: [{ signal: "setpoint", value: 95 }],
	},
	{
		name: "watlow-ezzone-pm",
		driver: "watlow-ezzone-pm",
		settings: second("stage"),
		checksum: "CRC-16",
		truth: ({ port }) => ({ temperature: port.temperatureC() }),
		within: [0, 0.11],
		sets: [{ signal: "setpoint", value: 95 }],
	},
	{
		name: "labjack-t7",
		driver: "labjack-t7",
		settings: first("io"),
		checksum: null,
		truth: ioTruth(first("io")),
		within: [0, 0],
		sets: [
			{ signal: "stop", value: 1 },
			{ signal: "stop", value: 0 },
		],
		pulse: { output: "TMA", line: 2, widthMs: 15 },
	},
	{
		name: "adam-6052",
		driver: "adam-6052",
		settings: second("io"),
		checksum: null,
		truth: ioTruth(second("io")),
		within: [0, 0],
		sets: [
			{ signal: "stop", value: 1 },
			{ signal: "stop", value: 0 },
		],
		pulse: { output: "TMA", line: 0, widthMs: 15 },
	},
	{
		name: "pfeiffer-tpg362",
		driver: "pfeiffer-tpg362",
		settings: first("gauge"),
		checksum: null,
		truth: ({ port }) => ({ chamber: port.pressurePa(1), foreline: port.pressurePa(2) }),
		within: [0.02, 0],
	},
	{
		name: "pfeiffer-pvp gauge",
		driver: "pfeiffer-pvp",
		settings: { role: "gauge", rs485_address: 1, pressure_pa_min: 0.05, pressure_pa_max: 150_000 },
		checksum: "sum of bytes",
		truth: ({ port }) => ({ pressure: port.pressurePa(1) }),
		within: [0.02, 0],
	},
	{
		name: "pfeiffer-pvp pump",
		driver: "pfeiffer-pvp",
		settings: second("pump"),
		checksum: "sum of bytes",
		truth: ({ isTurning }) => ({ running: isTurning ? 1 : 0 }),
		within: [0, 0],
	},
	{
		name: "inficon-sqm160",
		driver: "inficon-sqm160",
		settings: second("qcm"),
		checksum: "CRC-14",
		truth: ({ port, zeroNm }) => ({ film_thickness: port.thicknessNm() - zeroNm }),
		within: [0, 0.05],
	},
	{
		name: "mqtt-atmosphere",
		driver: "mqtt-atmosphere",
		settings: second("glovebox"),
		checksum: null,
		truth: ({ port }) => ({ oxygen: port.oxygenPpm(), water: port.waterPpm() }),
		within: [0.02, 0.01],
		oldMsMax: 20_000,
	},
	{
		name: "alicat-mc",
		driver: "alicat-mc",
		settings: first("carrier"),
		checksum: null,
		truth: ({ port, targetSccm }) => ({ flow: port.flowSccm(), pressure: port.pressurePa(), setpoint: targetSccm }),
		within: [0.005, 0.2],
		sets: [
			{ signal: "setpoint", value: 55 },
			{ signal: "setpoint", value: 0 },
		],
	},
	{
		name: "mks-900",
		driver: "mks-900",
		settings: second("chamber_gauge"),
		checksum: null,
		truth: ({ port }) => ({ chamber: port.pressurePa(1) }),
		within: [0.02, 0],
	},
	{
		name: "bronkhorst-propar",
		driver: "bronkhorst-propar",
		settings: second("carrier"),
		checksum: null,
		truth: ({ port, targetSccm }) => ({ flow: port.flowSccm(), setpoint: targetSccm }),
		within: [0, 0.02],
		sets: [
			{ signal: "setpoint", value: 55 },
			{ signal: "setpoint", value: 0 },
		],
	},
	{
		name: "neware-bts8",
		driver: "neware-bts8",
		settings: {
			channels: { a1: { at: "21-1-1", voltage_V: { min: -5, max: 5 }, current_A_max: 0.006 } },
			time_zone: "Europe/Zurich",
			steps_folder: { here: "/mnt/bts", there: "C:\\adlayer\\" },
		},
		checksum: null,
		truth: ({ step }) => ({ running: 0, a1_voltage: 1 + 0.5 * step, a1_current: 0 }),
		within: [0, 0.001],
	},
	{
		name: "mqtt-cycler",
		driver: "mqtt-cycler",
		settings: {
			stale_s: 10,
			channels: { a1: { topic: "1", voltage_V: { min: -5, max: 5 }, current_A_max: 0.006 } },
		},
		checksum: "CRC-32",
		truth: ({ step }) => ({ running: 0, a1_voltage: 1 + 0.5 * step, a1_current: 0 }),
		within: [0, 0.001],
		oldMsMax: 10_000,
	},
	{
		name: "keithley-2400",
		driver: "keithley-2400",
		settings: {
			channel: "cell",
			voltage_V: { min: -5, max: 5 },
			current_A_max: 0.1,
			external_watchdog: { timeout_s: 10, verified: "2026-01-02", by: "A. Person" },
		},
		checksum: null,
		// Without a test its output is off, and nothing is measured.
		truth: () => ({ output: 0 }),
		within: [0, 0.001],
	},
];

export interface DriverRig {
	readonly kind: RigKind;
	readonly protocol: Protocol;
	readonly timeoutMs: number;
	readonly clock: SteppedClock;
	readonly world: World;
	readonly tap: WireTap;
	/** Of instruments on MQTT. */
	readonly broker: MemoryBroker;
	readonly device: Device;
	powerCycle(): void;
	/** Breaks the link off; while it is unplugged nobody gets in. */
	plug(isPlugged: boolean): void;
	/** Moves the clock until the promise has ended, and gives or throws its end. */
	run<T>(promise: Promise<T>): Promise<T>;
}

export function protocolOf(driver: string): Protocol {
	const scheme = driverNamed(driver)!.addressSchemes[0]!;
	return scheme === "modbus-rtu" || scheme === "modbus-tcp" || scheme === "mqtt" ? scheme : "bytes";
}

export function driverRig(kind: RigKind, seed: number): DriverRig {
	const definition = driverNamed(kind.driver)!;
	const protocol = protocolOf(kind.driver);
	const clock = new SteppedClock({ wallStartMs: Date.UTC(2026, 0, 1) });
	const world = new World();
	const tap = new WireTap(clock);
	const broker = new MemoryBroker();
	const settings = kind.settings as never;
	let isPlugged = true;
	const links = new Set<{ close(): Promise<void> }>();
	const simulator = definition.simulate({
		name: kind.name,
		settings,
		port: world.port as never,
		seed,
		unit: 1,
		wallMs: () => clock.wallMs(),
		publish: (topic, payload, retain) => {
			if (isPlugged) broker.publish(`${MQTT_PREFIX}/${topic}`, payload, retain);
		},
	});
	broker.observe((topic, payload) => {
		if (isPlugged) simulator.hear?.(topic.slice(MQTT_PREFIX.length + 1), payload);
	});
	let wakeMs = Number.POSITIVE_INFINITY;
	const wake = () => {
		const nextMs = simulator.nextEventMs();
		if (!(nextMs < wakeMs)) return;
		wakeMs = nextMs;
		clock.setTimer(Math.max(0, nextMs - clock.nowMs()), () => {
			wakeMs = Number.POSITIVE_INFINITY;
			simulator.advance(clock.nowMs());
			wake();
		});
	};
	const tick = () => {
		simulator.advance(clock.nowMs());
		wake();
		clock.setTimer(TICK_MS, tick);
	};
	tick();
	const open = async () => {
		if (!isPlugged) throw new Error("The cable is unplugged.");
		const [near, far] = memoryPair(kind.name);
		links.add(far);
		const connection = {
			state: undefined as unknown,
			send: (bytes: Uint8Array) => {
				if (far.isOpen) far.write(bytes);
			},
		};
		far.onBytes((bytes) => {
			simulator.advance(clock.nowMs());
			simulator.receive(bytes, connection);
			wake();
		});
		return near;
	};
	const ports = new Ports(
		clock,
		() => tap.opener(kind.name, protocol, open),
		() => tap.mqtt(kind.name, broker.link(MQTT_PREFIX)),
	);
	const { counters: _counters, ...wire } = ports.connect({
		name: kind.name,
		address: parseAddress("simulated:line?unit=1"),
		schemes: definition.addressSchemes,
		timing: definition.timing,
	});
	const device = definition.create({ name: kind.name, settings, clock, ...wire });
	return {
		kind,
		protocol,
		timeoutMs: definition.timing.timeoutMs,
		clock,
		world,
		tap,
		broker,
		device,
		powerCycle: () => {
			simulator.advance(clock.nowMs());
			simulator.powerCycle();
			world.zeroNm = world.port.thicknessNm();
			wake();
		},
		plug: (plugged) => {
			isPlugged = plugged;
			if (plugged) return;
			for (const link of links) void link.close();
			links.clear();
		},
		run: async (promise) => {
			let ended = false;
			const end = () => {
				ended = true;
			};
			promise.then(end, end);
			await clock.advanceUntil(() => ended, 300_000);
			return promise;
		},
	};
}
