/** Control killed with -9 at an instant of the lab's own choosing, and what the lab then sees by its own time. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as rest } from "node:timers/promises";
import type { MovementsReply } from "#lab/lab-socket.js";
import { dataFolder } from "#src/processes/files.js";
import type { RealSystem } from "../support/real-system.js";
import type { UnkeptProcesses } from "../support/unkept-processes.js";

export type Unkept = RealSystem<UnkeptProcesses>;

/** So long, in lab time, nobody helps. */
const ALONE_MS = 9_000;
const WAIT_MS_MAX = 240_000;

/** What became of a reactor without control, in ms of lab time. */
export interface Alone {
	/** When control stood still for good. */
	readonly killedMs: number;
	/** When each instrument heard the last word. */
	readonly heardMs: Readonly<Record<string, number | null>>;
	/** By valve or zone: whether it is open or heats at the end, and when that came about; null without any movement. */
	readonly ends: Readonly<Record<string, { readonly on: boolean; readonly atMs: number } | null>>;
}

/** Asks the lab what moved, over one lasting connection: a pulse is short. */
export class LabEye {
	private readonly lines: AsyncIterator<string>;

	private constructor(private readonly socket: Socket) {
		this.lines = createInterface({ input: socket })[Symbol.asyncIterator]();
	}

	static async open(dataDir: string): Promise<LabEye> {
		const socket = connect(dataFolder(dataDir).truthSocket);
		await once(socket, "connect");
		return new LabEye(socket);
	}

	async movements(): Promise<MovementsReply> {
		this.socket.write(`${JSON.stringify({ ask: "movements" })}\n`);
		return JSON.parse((await this.lines.next()).value!) as MovementsReply;
	}

	/** Looks until `isThere` gives something. */
	async seen<Found>(isThere: (now: MovementsReply) => Found | undefined | false, everyMs = 20): Promise<Found> {
		for (const endMs = performance.now() + WAIT_MS_MAX; ; await rest(everyMs)) {
			const found = isThere(await this.movements());
			if (found !== undefined && found !== false) return found;
			if (performance.now() > endMs) throw new Error(`Not seen in the lab within ${WAIT_MS_MAX / 1_000} s.`);
		}
	}

	/** The lab once its time moves no more: its client does not answer. */
	async standing(): Promise<MovementsReply> {
		for (let before = await this.movements(); ; ) {
			await rest(50);
			const now = await this.movements();
			if (now.atMs === before.atMs) return now;
			before = now;
		}
	}

	close(): void {
		this.socket.destroy();
	}
}

/** The last movement of a valve or zone. */
export function last({ movements: all }: MovementsReply, of: string) {
	return all.findLast((movement) => movement.of === of);
}

/**
 * Stops control, so that lab time stands still too, and kills it there if `isWanted`; otherwise lets it go on. Once it is dead
 * lab time is real time. Gives what came of it after ALONE_MS.
 */
export async function killControl(
	system: Unkept,
	eye: LabEye,
	parts: readonly string[],
	isWanted: (now: MovementsReply) => boolean = () => true,
): Promise<Alone | undefined> {
	const { control } = system.system.pids();
	process.kill(control!, "SIGSTOP");
	const { atMs: killedMs, ...now } = await eye.standing();
	if (!isWanted({ atMs: killedMs, ...now })) {
		process.kill(control!, "SIGCONT");
		return undefined;
	}
	await system.system.kill("control");
	return eye.seen((now) => {
		if (now.atMs < killedMs + ALONE_MS) return undefined;
		const end = (of: string) => {
			const movement = last(now, of);
			return movement === undefined ? null : { on: movement.on, atMs: movement.atMs };
		};
		return { killedMs, heardMs: now.heardMs, ends: Object.fromEntries(parts.map((of) => [of, end(of)])) };
	});
}
