/**
 * The simulated lab of the trip bench, as a process of its own: real lines at real speed, with a stamp on the first reply that
 * carries a bad value and on every word that the valve lines hear. One order at a time comes from the bench.
 */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import type { InstrumentSimulator, SimulatorConnection } from "#device/contract.js";
import { simulatedDrivers } from "#drivers/index.js";
import { dio } from "#drivers/labjack-t7/registers.js";
import type { SimulatedDriver } from "#lab/plan.js";
import { startLab } from "#lab/start-lab.js";
import { labPlan } from "#src/config/lab-plan.js";
import { loadLabFile } from "#src/config.js";
import { dataFolder, makeFolder } from "#src/processes/files.js";
import { runFirst } from "#src/processes/process.js";
import { parseTwinConstants } from "#twin/constants.js";

export type TripCause = "pressure" | "digital-input" | "thermal";

export interface TripOrder {
	readonly cause: TripCause;
	/** After the line of a precursor has gone high; at once when absent. */
	readonly inPulseAfterMs?: number;
}

/** From the first bad reply; null for what did not happen in time. */
export interface TripMeasured {
	/** Both precursor lines written low by control. */
	readonly writtenMs: number | null;
	/** The line that was high has gone low. */
	readonly fellMs: number | null;
	/** A line rose after the first bad reply. */
	readonly hasRisen: boolean;
}

const GAUGE_BAD_PA = 1_000;
const ZONE_BAD_C = 150;
const LIMIT_MS = 8_000;
/** After the lines are low: whether one rises all the same. */
const WATCH_MS = 400;
/** Function codes of Modbus. */
const READ = 3;
const WRITES = [6, 16];
const INSTRUMENTS: Readonly<Record<TripCause, string>> = {
	pressure: "gauge",
	"digital-input": "io",
	thermal: "tma_line",
};

const { dataDir, labFile } = JSON.parse(process.env.TRIP_LAB!) as { dataDir: string; labFile: string };
runFirst();
const files = dataFolder(dataDir);
makeFolder(files.lines);
const lab = loadLabFile(labFile);
const { plan, twinFile } = labPlan(lab)!;
const { pulse_outputs: outputs } = plan.instruments.find(({ name }) => name === "io")!.settings as {
	pulse_outputs: Record<string, string>;
};
const precursorLines = Object.values(outputs).map((label) => Number(/\d+$/.exec(label)![0]));

/** What is being measured; times are those of performance.now(). */
let cause: TripCause | undefined;
let isBad = false;
let wasSensed = false;
let firstBadMs: number | undefined;
let fellMs: number | undefined;
let hasRisen = false;
const written = new Map<number, number>();
let onRise: (() => void) | undefined;

function sensed(): void {
	wasSensed = true;
}

function replied(instrument: string, reply: Uint8Array): void {
	if (!wasSensed || cause === undefined || instrument !== INSTRUMENTS[cause]) return;
	// A controller also answers to the feeding of its dead-man, which carries no temperature.
	if (cause === "thermal" && reply[1] !== READ) return;
	firstBadMs ??= performance.now();
}

/** A Modbus TCP request that writes the state of a precursor's line. */
function heard(bytes: Uint8Array): void {
	const request = Buffer.from(bytes);
	if (firstBadMs === undefined || request.length < 10 || !WRITES.includes(request[7]!)) return;
	const line = precursorLines.find((each) => dio(each) === request.readUInt16BE(8));
	if (line !== undefined && !written.has(line)) written.set(line, performance.now());
}

function driven(line: number, level: 0 | 1 | "floating"): void {
	if (!precursorLines.includes(line)) return;
	if (level === 1) {
		if (firstBadMs !== undefined) hasRisen = true;
		onRise?.();
	} else if (firstBadMs !== undefined) fellMs ??= performance.now();
}

function tapped({ joinKind, definition }: SimulatedDriver): SimulatedDriver {
	return {
		joinKind,
		definition: {
			addressSchemes: definition.addressSchemes,
			simulate: (context) => {
				const { name, port } = context as { name: string; port: Record<string, unknown> };
				const drive = port.drive as ((line: number, level: 0 | 1 | "floating", atMs: number) => void) | undefined;
				const through =
					drive === undefined
						? context
						: {
								...(context as object),
								port: {
									...port,
									drive: (line: number, level: 0 | 1 | "floating", atMs: number) => {
										drive(line, level, atMs);
										driven(line, level);
									},
								},
							};
				return listenedTo(name, definition.simulate(through as never));
			},
		},
	};
}

function listenedTo(name: string, simulator: InstrumentSimulator): InstrumentSimulator {
	const taps = new WeakMap<SimulatorConnection, SimulatorConnection>();
	return {
		receive: (bytes, connection) => {
			let tap = taps.get(connection);
			if (tap === undefined) {
				tap = {
					send: (reply) => {
						replied(name, reply);
						connection.send(reply);
					},
					state: undefined,
				};
				taps.set(connection, tap);
			}
			if (name === "io") heard(bytes);
			simulator.receive(bytes, tap);
		},
		advance: (nowMs) => simulator.advance(nowMs),
		nextEventMs: () => simulator.nextEventMs(),
		powerCycle: () => simulator.powerCycle(),
	};
}

const running = await startLab({
	plan,
	constants: parseTwinConstants(readFileSync(twinFile, "utf8"), twinFile),
	drivers: Object.fromEntries(Object.entries(simulatedDrivers).map(([name, driver]) => [name, tapped(driver)])),
	pumped: true,
	serve: "pty",
	linesFolder: files.lines,
	speed: 1,
	paceSocket: files.paceSocket,
	labSocket: files.truthSocket,
});
writeFileSync(`${files.addresses}.tmp`, JSON.stringify(Object.fromEntries(running.addresses)));
renameSync(`${files.addresses}.tmp`, files.addresses);

const { disturbances } = running.lab;
const contact = disturbances.contact.bind(disturbances);
disturbances.contact = (signal, made) => {
	if (!isBad || cause !== "digital-input" || signal !== "io.lid_closed") return contact(signal, made);
	sensed();
	return false;
};
const shows = (sensor: string, of: TripCause, bad: number) =>
	disturbances.setSensorFault(sensor, "offset", (value) => {
		if (!isBad || cause !== of) return value;
		sensed();
		return bad;
	});
shows("gauge.chamber", "pressure", GAUGE_BAD_PA);
shows("tma_line", "thermal", ZONE_BAD_C);

async function measure(order: TripOrder): Promise<TripMeasured> {
	cause = order.cause;
	wasSensed = false;
	firstBadMs = undefined;
	fellMs = undefined;
	hasRisen = false;
	written.clear();
	const { inPulseAfterMs } = order;
	if (inPulseAfterMs === undefined) isBad = true;
	else
		onRise = () => {
			onRise = undefined;
			setTimeout(() => {
				isBad = true;
			}, inPulseAfterMs);
		};
	const isDone = () => written.size === precursorLines.length && (inPulseAfterMs === undefined || fellMs !== undefined);
	for (const endMs = performance.now() + LIMIT_MS; !isDone() && performance.now() < endMs; )
		await new Promise((resolve) => setTimeout(resolve, 5));
	await new Promise((resolve) => setTimeout(resolve, WATCH_MS));
	onRise = undefined;
	const since = (atMs: number | undefined) =>
		atMs === undefined || firstBadMs === undefined ? null : atMs - firstBadMs;
	return {
		writtenMs: written.size === precursorLines.length ? since(Math.max(...written.values())) : null,
		fellMs: since(fellMs),
		hasRisen,
	};
}

process.on("message", (message: TripOrder | "clear" | "end") => {
	if (message === "end") void running.close().then(() => process.exit(0));
	else if (message === "clear") {
		isBad = false;
		cause = undefined;
	} else void measure(message).then((measured) => process.send!({ measured }));
});
process.on("disconnect", () => process.exit(1));
process.send!({ ready: true });
