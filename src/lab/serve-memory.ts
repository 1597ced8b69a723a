import type { Clock, Timer } from "#core/clock.js";
import { AdlayerError } from "#core/errors.js";
import type { ByteStream, MqttLink, OpenByteStream } from "#core/wire.js";
import { memoryPair } from "#transport/memory.js";
import { GRID_MS, type SimulatedLab } from "./simulated-lab.js";

/** The simulated lab in the same process as its clients, on their clock. */
export interface MemoryLab {
	/** Opens a line, by the name in `simulated:NAME`; each call is a new connection. Throws NOT_FOUND on an unknown line. */
	opener(line: string): OpenByteStream;
	/** A client of the lab's broker, below the prefix of an instrument. */
	mqtt(prefix: string): MqttLink;
	/** Brings the lab to the clock's time; needed before reading twin or truth, not before talking to instruments. */
	advance(): void;
	close(): void;
}

/** Serves `lab` in memory. Lab time 0 is the clock's present. */
export function serveMemory(lab: SimulatedLab, clock: Clock): MemoryLab {
	const startMs = clock.nowMs() - lab.nowMs;
	const advance = () => lab.advanceTo(clock.nowMs() - startMs);
	let timer: Timer;
	let faultTimer: Timer | undefined;
	const links = new Map<string, Set<ByteStream>>();
	// Instruments that speak or act by themselves do so without being asked.
	const tick = () => {
		advance();
		timer = clock.setTimer(GRID_MS, tick);
	};
	timer = clock.setTimer(GRID_MS, tick);
	/** Replies that are held back, and ends of faults, come exactly when they are due. */
	const awaitFaults = () => {
		faultTimer?.cancel();
		faultTimer = undefined;
		const dueMs = lab.nextFaultMs;
		if (!Number.isFinite(dueMs)) return;
		faultTimer = clock.setTimer(Math.max(0, dueMs - lab.nowMs), () => {
			advance();
			awaitFaults();
		});
	};
	lab.onCable((line) => {
		if (line.isPlugged) return;
		for (const link of links.get(line.name) ?? []) void link.close();
		links.delete(line.name);
	});
	return {
		opener: (name) => {
			const line = lab.lines.find((candidate) => candidate.name === name);
			if (line === undefined) {
				const known = lab.lines.map((candidate) => candidate.name).join(", ");
				throw new AdlayerError("NOT_FOUND", `The simulated lab has no line ${name}; it has ${known}.`);
			}
			return async () => {
				if (!line.isPlugged) throw new AdlayerError("LINK_UNREACHABLE", `The cable of ${name} is unplugged.`);
				const [near, far] = memoryPair(`memory:${name}`);
				const connection = lab.connect(line, (bytes) => {
					if (far.isOpen) far.write(bytes);
				});
				far.onBytes((bytes) => {
					advance();
					connection.receive(bytes);
					if (Number.isFinite(lab.nextFaultMs)) awaitFaults();
				});
				const open = links.get(name) ?? new Set();
				links.set(name, open.add(far));
				far.onClose(() => {
					open.delete(far);
					connection.close();
				});
				return near;
			};
		},
		mqtt: (prefix) => lab.broker.link(prefix),
		advance,
		close: () => {
			timer.cancel();
			faultTimer?.cancel();
		},
	};
}
