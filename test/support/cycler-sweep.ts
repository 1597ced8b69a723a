/**
 * Battery tests behind a bridge with one message spoilt in each: every test is begun once, its rows are those of the
 * undisturbed one, each once, and what is shown as good was true within the stated age.
 */
import { Prng } from "#core/prng.js";
import type { CyclerRow } from "#device/cycler.js";
import { BatteryTest, differences, ROWS } from "./battery-test.js";
import { MQTT_PREFIX } from "./driver-rigs.js";
import { type DriverSweep, type Finding, sampled } from "./driver-sweep.js";
import { everyInjection, type Frame, type Injection, spoilt } from "./wire-tap.js";

/** The broker goes and comes back without what was said meanwhile; the bridge dies, which its last will tells, and comes back. */
export type BrokerAct = "broker-cut" | "bridge-dies";
const ACTS: readonly BrokerAct[] = ["broker-cut", "bridge-dies"];
const AWAY_MS = 6_000;
/** From before the start until the second test runs. */
const STORY_MS = 28_000;

interface Spoilable {
	readonly direction: Frame["direction"];
	readonly kind: string;
	readonly bytes: number;
}

type Planned =
	| { readonly frame: Spoilable; readonly injection: Injection | { readonly how: "swapped"; readonly at: 0 } }
	| { readonly act: BrokerAct; readonly atMs: number };

export interface CyclerSweepOptions {
	readonly seed: number;
	/** Bits of each kind of message that are tried. */
	readonly perFrame: number;
	/** Moments at which each act is tried. */
	readonly perAct: number;
}

export async function sweepCycler({ seed, perFrame, perAct }: CyclerSweepOptions): Promise<DriverSweep> {
	const chance = new Prng(seed, "cycler sweep");
	const { frames, rows } = await undisturbed(seed);
	const plan: Planned[] = [
		...frames.flatMap((frame) => {
			const swapped = frame.direction === "reply" ? [{ how: "swapped", at: 0 } as const] : [];
			const injections = everyInjection(frame.bytes).filter(({ how }) => how !== "split");
			return [...swapped, ...sampled(injections, perFrame, chance)].map((injection) => ({ frame, injection }));
		}),
		...ACTS.flatMap((act) => Array.from({ length: perAct }, () => ({ act, atMs: chance.integer(0, STORY_MS) }))),
	];
	const counts: Record<string, number> = {};
	const violations: Finding[] = [];
	for (const planned of plan) {
		const how = "act" in planned ? planned.act : planned.injection.how;
		counts[how] = (counts[how] ?? 0) + 1;
		const injection =
			"act" in planned
				? `${how} at ${planned.atMs} ms`
				: `${how} at ${planned.injection.at} of ${planned.frame.direction} ${planned.frame.kind}`;
		for (const problem of await problemsOf(planned, seed, rows))
			violations.push({ rig: "mqtt-cycler, a test", seed, injection, problem });
	}
	return { injections: plan.length, violations, undetectable: [], counts };
}

async function undisturbed(seed: number): Promise<{ readonly frames: Spoilable[]; readonly rows: CyclerRow[] }> {
	const test = new BatteryTest(seed);
	const frames = new Map<string, Spoilable>();
	test.rig.tap.onFrame = ({ direction, kind, bytes }) => {
		if (!frames.has(kind)) frames.set(kind, { direction, kind, bytes: bytes.length });
		return undefined;
	};
	await test.whole();
	if (test.rows.length !== ROWS) test.wrong.push(`${test.rows.length} rows, not ${ROWS}`);
	if (test.wrong.length > 0) throw new Error(`Nothing spoilt, and ${test.wrong.join("; ")}`);
	return { frames: [...frames.values()], rows: test.rows };
}

async function problemsOf(planned: Planned, seed: number, rows: readonly CyclerRow[]): Promise<string[]> {
	const test = new BatteryTest(seed);
	const isDone = begun(test, planned);
	try {
		await test.whole();
	} catch (thrown) {
		return [...test.wrong, (thrown as Error).message];
	}
	const missed = isDone() ? [] : ["it did not come: nothing was spoilt"];
	return [...test.wrong, ...differences(test.rows, rows), ...missed];
}

/** Sets it up; gives whether it has happened. */
function begun(test: BatteryTest, planned: Planned): () => boolean {
	const { rig } = test;
	let isDone = false;
	if ("act" in planned) {
		rig.clock.setTimer(planned.atMs, () => {
			isDone = true;
			goAway(test, planned.act);
		});
		return () => isDone;
	}
	const { frame, injection } = planned;
	let held: Uint8Array | undefined;
	rig.tap.onFrame = ({ direction, kind, bytes }) => {
		if (direction !== frame.direction || kind !== frame.kind) return undefined;
		if (held !== undefined) {
			const pieces = [bytes, held].map((message) => ({ bytes: message, delayMs: 0 }));
			held = undefined;
			return pieces;
		}
		if (isDone) return undefined;
		isDone = true;
		if (injection.how !== "swapped")
			return spoilt({ ...injection, at: injection.at % (8 * bytes.length) }, bytes, rig.timeoutMs);
		held = bytes;
		return [];
	};
	return () => isDone;
}

function goAway({ rig }: BatteryTest, act: BrokerAct): void {
	const say = (word: string) => rig.broker.publish(`${MQTT_PREFIX}/online`, Buffer.from(word), { retain: true });
	if (act === "broker-cut") rig.broker.stop();
	else {
		say("offline");
		rig.plug(false);
	}
	rig.clock.setTimer(AWAY_MS, () => {
		if (act === "broker-cut") rig.broker.start();
		else {
			rig.plug(true);
			say("online");
		}
	});
}
