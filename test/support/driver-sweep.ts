/** Every driver against its simulator with one frame of the conversation spoilt: a right value or an error, and recovery. */

import { Prng } from "#core/prng.js";
import type { PolledValues } from "#device/contract.js";
import { type DriverRig, driverRig, protocolOf, type RigKind } from "./driver-rigs.js";
import { everyInjection, type Frame, type Injection, type Spoiling, spoilt } from "./wire-tap.js";

/** What can be done to a line beside spoiling one frame. */
export type LineAct = "power-cycle" | "replug";

export interface Spoilable {
	readonly direction: Frame["direction"];
	readonly kind: string;
	readonly bytes: number;
	/** Met before the first value was polled. */
	readonly connecting: boolean;
}

export interface Finding {
	readonly rig: string;
	readonly seed: number;
	/** The frame and what was done to it, or the act. */
	readonly injection: string;
	readonly problem: string;
}

export interface DriverSweep {
	readonly injections: number;
	readonly violations: readonly Finding[];
	/** Wrong good values that came from a bit that the protocol has no means to find; gone with the next poll. */
	readonly undetectable: readonly Finding[];
	readonly counts: Readonly<Record<string, number>>;
}

const AWAY_MS = 1_000;
/** Every driver is back within this many attempts to connect. */
const ATTEMPTS_MAX = 12;
/** What a simulator senses arrives there within its control period. */
const SENSE_MS = 600;
const UNPLUGGED_MS = 3_000;
const STEPS = 3;

class WrongValue extends Error {}

/** Polls, sets, pulses, and polls again, as the plant does: after an error the connection is made anew. */
class Conversation {
	/** By poll: good values that are not true. */
	readonly wrong: string[] = [];
	private readonly truths: { readonly atMs: number; readonly truths: Readonly<Record<string, number>> }[] = [];
	polled = false;
	pulses = 0;
	private risesMs: number[] = [];

	constructor(private readonly rig: DriverRig) {
		const { pulse } = rig.kind;
		if (pulse === undefined) return;
		const drive = rig.world.port.drive;
		let level: 0 | 1 = 0;
		rig.world.port.drive = (line, to) => {
			drive(line, to);
			if (line !== pulse.line) return;
			const now = rig.world.driven.get(line)!;
			if (now === 1 && level === 0) this.risesMs.push(rig.clock.nowMs());
			level = now;
		};
	}

	async whole(atPoll: () => Promise<void>): Promise<void> {
		const { rig } = this;
		await this.connected();
		for (let step = 0; step < STEPS; step += 1) {
			rig.world.step = step;
			await rig.clock.advance(SENSE_MS + (rig.kind.oldMsMax ?? 0));
			await this.poll();
			if (step === 0) {
				for (const set of rig.kind.sets ?? []) await this.set(set.signal, set.value);
				await this.pulse();
				await atPoll();
			}
			await this.poll();
		}
		await this.recovered();
	}

	private async connected(): Promise<void> {
		const { rig } = this;
		for (let attempt = 0; ; attempt += 1) {
			try {
				const found = await rig.run(rig.device.connect());
				// Control refuses what cannot say what it is, and asks again.
				if (found.confirmed) return;
			} catch (thrown) {
				if (attempt >= ATTEMPTS_MAX) throw thrown;
			}
			if (attempt >= ATTEMPTS_MAX) throw new Error("Its identity stays unconfirmed.");
			await this.away();
		}
	}

	private async away(): Promise<void> {
		await this.rig.run(this.rig.device.close()).catch(() => {});
		await this.rig.clock.advance(AWAY_MS);
	}

	private async poll(): Promise<PolledValues | undefined> {
		let values: PolledValues;
		try {
			values = await this.rig.run(this.rig.device.poll());
		} catch {
			await this.away();
			await this.connected();
			return undefined;
		}
		this.compare(values);
		this.polled = true;
		return values;
	}

	private compare(values: PolledValues): void {
		const { kind, world, clock } = this.rig;
		const [relative, absolute] = kind.within;
		const truths = kind.truth(world);
		this.truths.push({ atMs: clock.nowMs(), truths });
		const valid = this.truths.filter(({ atMs }) => atMs >= clock.nowMs() - (kind.oldMsMax ?? 0));
		const wrong: string[] = [];
		for (const [signal, truth] of Object.entries(truths)) {
			const polled = values[signal];
			const isNear = (true_: number) => Math.abs(polled!.value! - true_) <= relative * Math.abs(true_) + absolute;
			if (polled === undefined) wrong.push(`${signal} is missing`);
			else if (polled.quality === "good" && !valid.some((then) => isNear(then.truths[signal]!)))
				wrong.push(`${signal} ${polled.value} is given as good; ${truth} is true`);
		}
		if (wrong.length > 0) this.wrong.push(wrong.join(", "));
	}

	private async set(signal: string, value: number): Promise<void> {
		const { rig } = this;
		for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
			try {
				const readBack = await rig.run(rig.device.set!(signal, value));
				if (Math.abs(readBack - value) > rig.kind.within[1])
					throw new WrongValue(`set ${signal} gives ${readBack} for ${value}`);
				const truth = rig.kind.truth(rig.world)[signal];
				if (truth !== undefined && Math.abs(truth - value) > rig.kind.within[1])
					throw new WrongValue(`set ${signal} to ${value} succeeded, and ${truth} is there`);
				return;
			} catch (thrown) {
				if (thrown instanceof WrongValue) throw thrown;
				await this.away();
				await this.connected();
			}
		}
		throw new Error(`${signal} cannot be set any more`);
	}

	/** A pulse is never given twice; whether one was given at all may stay unknown. */
	private async pulse(): Promise<void> {
		const { rig } = this;
		const { pulse } = rig.kind;
		if (pulse === undefined) return;
		const pulses = rig.device.pulses!;
		const before = this.risesMs.length;
		let confirmed = false;
		try {
			await rig.run(pulses.arm(pulse.output, pulse.widthMs));
			await rig.run(pulses.fire());
			await rig.clock.advance(pulse.widthMs + 3);
			confirmed = (await rig.run(pulses.confirm())).completed;
			await rig.run(pulses.disarm());
		} catch {
			await this.away();
			await this.connected();
			await rig.run(rig.device.makeSafe());
		}
		const given = this.risesMs.length - before;
		if (given > 1) this.wrong.push(`one pulse was ordered, ${given} were given`);
		if (confirmed && given === 0) throw new Error("a pulse was confirmed that was not given");
		if (rig.world.driven.get(pulse.line) === 1) throw new Error(`${pulse.output} stands open after its pulse`);
	}

	private async recovered(): Promise<void> {
		const { rig } = this;
		const faults: string[] = [];
		for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
			const values = await this.poll();
			faults.length = 0;
			for (const signal of Object.keys(rig.kind.truth(rig.world)))
				if (values?.[signal]?.quality !== "good") faults.push(signal);
			if (values !== undefined && faults.length === 0) return;
			await rig.clock.advance(AWAY_MS);
		}
		throw new Error(`not back: ${faults.join(", ")}`);
	}
}

/** The distinct frames of a whole conversation, in the order in which they are met. */
export async function framesOf(kind: RigKind, seed: number): Promise<Spoilable[]> {
	const rig = driverRig(kind, seed);
	const frames = new Map<string, Spoilable>();
	const conversation = new Conversation(rig);
	rig.tap.onFrame = ({ direction, kind: of, bytes }) => {
		const connecting = !conversation.polled;
		const key = `${connecting} ${direction} ${of}`;
		if (!frames.has(key)) frames.set(key, { direction, kind: of, bytes: bytes.length, connecting });
		return undefined;
	};
	await conversation.whole(async () => {});
	if (conversation.wrong.length > 0) throw new Error(`${kind.name}, nothing spoilt: ${conversation.wrong.join("; ")}`);
	return [...frames.values()];
}

export interface DriverSweepOptions {
	readonly kind: RigKind;
	readonly seed: number;
	/** Splits and bits of a frame that are tried, by chance where it has more of them. */
	readonly perFrame: number;
	readonly perConnectingFrame: number;
}

export async function sweepDriver(options: DriverSweepOptions): Promise<DriverSweep> {
	const { kind, seed } = options;
	const chance = new Prng(seed, `wire ${kind.name}`);
	const counts: Partial<Record<Spoiling | LineAct, number>> = {};
	const violations: Finding[] = [];
	const undetectable: Finding[] = [];
	let injections = 0;
	const note = (how: Spoiling | LineAct) => {
		injections += 1;
		counts[how] = (counts[how] ?? 0) + 1;
	};
	const found = (list: Finding[], injection: string, problem: string) =>
		list.push({ rig: kind.name, seed, injection, problem });

	for (const frame of await framesOf(kind, seed)) {
		const limit = frame.connecting ? options.perConnectingFrame : options.perFrame;
		for (const injection of sampled(everyInjection(frame.bytes), limit, chance)) {
			if (protocolOf(kind.driver) === "mqtt" && injection.how === "split") continue;
			note(injection.how);
			const name = `${injection.how} at ${injection.at} of ${frame.direction} ${frame.kind}`;
			const { wrong, problem } = await conversed(kind, seed, { frame, injection });
			if (problem !== undefined) found(violations, name, problem);
			// What was wrong has gone with the next poll.
			else if (wrong.length === 1 && injection.how === "bit" && kind.checksum === null)
				found(undetectable, name, wrong.join("; "));
			else if (wrong.length > 0) found(violations, name, wrong.join("; "));
		}
	}
	for (const act of ["power-cycle", "replug"] as const) {
		note(act);
		const { wrong, problem } = await conversed(kind, seed, act);
		if (problem !== undefined || wrong.length > 0) found(violations, act, problem ?? wrong.join("; "));
	}
	return { injections, violations, undetectable, counts };
}

/** Lost, doubled, late and followed by garbage always; of the rest as many as the limit leaves, drawn without repetition. */
export function sampled(injections: readonly Injection[], limit: number, chance: Prng): Injection[] {
	const always = injections.filter(({ how }) => how !== "split" && how !== "bit");
	const rest = injections.filter(({ how }) => how === "split" || how === "bit");
	for (let i = 0; i < Math.min(limit, rest.length); i += 1) {
		const j = chance.integer(i, rest.length - 1);
		[rest[i], rest[j]] = [rest[j]!, rest[i]!];
	}
	return [...always, ...rest.slice(0, limit)];
}

async function conversed(
	kind: RigKind,
	seed: number,
	what: LineAct | { readonly frame: Spoilable; readonly injection: Injection },
): Promise<{ wrong: readonly string[]; problem?: string }> {
	const rig = driverRig(kind, seed);
	const conversation = new Conversation(rig);
	let isDone = false;
	if (typeof what === "object") {
		const { frame, injection } = what;
		rig.tap.onFrame = ({ direction, kind: of, bytes }) => {
			if (isDone || direction !== frame.direction || of !== frame.kind) return undefined;
			if (conversation.polled === frame.connecting) return undefined;
			isDone = true;
			const at = injection.how === "bit" ? injection.at % (8 * bytes.length) : injection.at;
			return spoilt({ how: injection.how, at }, bytes, rig.timeoutMs);
		};
	}
	try {
		await conversation.whole(async () => {
			if (typeof what === "object") return;
			isDone = true;
			if (what === "power-cycle") rig.powerCycle();
			else {
				rig.plug(false);
				await rig.clock.advance(UNPLUGGED_MS);
				rig.plug(true);
			}
		});
	} catch (thrown) {
		return { wrong: conversation.wrong, problem: (thrown as Error).message };
	}
	if (!isDone) return { wrong: conversation.wrong, problem: "the frame did not come: nothing was spoilt" };
	return { wrong: conversation.wrong };
}
