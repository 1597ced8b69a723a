import { type Clock, SystemClock, type Timer } from "#core/clock.js";
import type { TwinTruth } from "#twin/twin.js";
import { openLabSocket } from "./lab-socket.js";
import { PaceServer } from "./pace-server.js";
import { type ServeMode, serveLab } from "./serve.js";
import { SimulatedLab, type SimulatedLabOptions } from "./simulated-lab.js";

/** At real speed the lab moves this often, and whenever bytes come. */
const REAL_TICK_MS = 20;

export interface StartLabOptions extends SimulatedLabOptions {
	/** Serial instruments on ptys, or everything on TCP. Without ptys on the platform: TCP. */
	readonly serve: ServeMode;
	/** Where lines keep their names from one start to the next; without it every start has other places. */
	readonly linesFolder?: string;
	/** Lab time per real time; at 1 lab and control each follow the system's clock. */
	readonly speed: number;
	/** Where control takes its time from when `speed` is not 1; a local socket's path. */
	readonly paceSocket: string;
	/** Where the lab answers questions and takes faults; a local socket's path. */
	readonly labSocket: string;
	/** For speed 1 and wall time; the system's when absent. */
	readonly clock?: Clock;
	/** In accelerated time the wall clock runs ahead; a restarted lab goes on from here (Unix ms), never earlier. */
	readonly wallMsMin?: number;
}

export interface RunningLab {
	readonly lab: SimulatedLab;
	/** Real address by instrument name. */
	readonly addresses: ReadonlyMap<string, string>;
	/** Path of the pace socket; null at speed 1. */
	readonly paceSocket: string | null;
	nowMs(): number;
	/** What really happened until now. */
	truth(): TwinTruth;
	close(): Promise<void>;
}

interface LabTime {
	readonly advance: () => void;
	readonly nowMs: () => number;
	readonly close: () => Promise<void>;
}

/** Starts the simulated lab: reactor, instruments on their lines, time. Rejects with what LabPlan, address or socket got wrong. */
export async function startLab(options: StartLabOptions): Promise<RunningLab> {
	const clock = options.clock ?? new SystemClock();
	const wallAtZeroMs = Math.max(clock.wallMs(), options.wallMsMin ?? 0);
	const lab = new SimulatedLab({ ...options, wallAtZeroMs });
	const isPaced = options.speed !== 1;
	const time = isPaced ? pacedTime(lab, options.speed, wallAtZeroMs) : realTime(lab, clock);
	const opened: { close(): Promise<void> }[] = [time];
	const close = async () => {
		for (const part of opened.reverse()) await part.close();
	};
	try {
		const served = await serveLab(lab, {
			mode: options.serve,
			advance: time.advance,
			linesFolder: options.linesFolder,
		});
		opened.push(served);
		opened.push(await openLabSocket(lab, options.labSocket, time.advance));
		if (time.start !== undefined) await time.start(options.paceSocket);
		return {
			lab,
			addresses: served.addresses,
			paceSocket: isPaced ? options.paceSocket : null,
			nowMs: time.nowMs,
			truth: () => {
				time.advance();
				return lab.truth();
			},
			close,
		};
	} catch (failure) {
		await close();
		throw failure;
	}
}

function realTime(lab: SimulatedLab, clock: Clock): LabTime & { start?: undefined } {
	const startMs = clock.nowMs();
	const nowMs = () => clock.nowMs() - startMs;
	const advance = () => lab.advanceTo(nowMs());
	let timer: Timer;
	const tick = () => {
		advance();
		timer = clock.setTimer(REAL_TICK_MS, tick);
	};
	timer = clock.setTimer(REAL_TICK_MS, tick);
	return { advance, nowMs, close: async () => timer.cancel() };
}

function pacedTime(
	lab: SimulatedLab,
	speed: number,
	wallAtZeroMs: number,
): LabTime & { start(path: string): Promise<void> } {
	const server = new PaceServer({ speed, wallAtZeroMs, advanceTo: (nowMs) => lab.advanceTo(nowMs) });
	let hasStarted = false;
	return {
		// The server moves the lab; bytes that come between two of its words belong to the present one.
		advance: () => {},
		nowMs: () => server.nowMs,
		start: async (path) => {
			await server.start(path);
			hasStarted = true;
		},
		close: async () => {
			if (hasStarted) await server.close();
		},
	};
}
