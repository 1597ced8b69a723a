/** What every driver on a byte stream survives: one table of line faults, and the same tests with each of them. */
import { expect, it } from "vitest";
import type { PolledValues } from "#device/contract.js";
import {
	doubled,
	instead,
	late,
	type SimulatedLine,
	silent,
	splitAt,
	type WireFault,
	withoutByte,
} from "./simulated-line.js";

/** A driver with its simulated instrument, and what is true of it. */
export interface FaultRig {
	readonly wire: SimulatedLine;
	connect(): Promise<unknown>;
	poll(): Promise<PolledValues>;
	/** Makes another thing true; 0 is what is true at first. */
	become(step: number): void;
	/** Fails when a good value is not what is true now. */
	expectTrue(values: PolledValues): void;
	powerCycle(): void;
}

export interface FaultOptions {
	/** A signal whose value must come back after the fault. */
	readonly signal: string;
	/** The driver's time-out. */
	readonly timeoutMs: number;
	/** Bytes of the longest reply to a poll: each of them is lost once, and each reply is split at each. */
	readonly replyBytes: number;
	/** Replies that only this protocol can give, as text. */
	readonly replies: Readonly<Record<string, string>>;
}

const commonFaults = (timeoutMs: number): Readonly<Record<string, WireFault>> => ({
	silence: silent,
	garbage: instead("\xff\x00\x81garbage\r\n"),
	"replies late but in time": late(0.8 * timeoutMs),
	"replies after the time-out": late(1.4 * timeoutMs),
	"doubled replies": doubled,
	"replies cut in half": (bytes) => [{ bytes: bytes.slice(0, bytes.length >> 1), delayMs: 0 }],
});

/** Long enough for every late reply to have come, and for a line that was given up to be opened anew. */
const RECOVERY_MS = 3_000;

/** What the plant does: polls, and connects anew after a failure. Every value that comes is checked. */
export async function pollAsPlant(rig: FaultRig): Promise<PolledValues | undefined> {
	let values: PolledValues;
	try {
		values = await rig.poll();
	} catch {
		await rig.connect().catch(() => {});
		return undefined;
	}
	rig.expectTrue(values);
	return values;
}

export function itSurvivesLineFaults(makeRig: () => FaultRig, options: FaultOptions): void {
	const { signal } = options;
	const own = Object.entries(options.replies).map(([name, text]) => [name, instead(text)] as const);

	const expectBack = async (rig: FaultRig, about: string): Promise<void> => {
		await rig.wire.clock.advance(RECOVERY_MS);
		await pollAsPlant(rig);
		await pollAsPlant(rig);
		const values = await pollAsPlant(rig);
		expect(values?.[signal]?.quality, about).toBe("good");
	};

	it.each([...Object.entries(commonFaults(options.timeoutMs)), ...own])(
		"survives %s and gives no wrong value",
		async (name, fault) => {
			const rig = makeRig();
			await rig.connect();
			await rig.poll();
			rig.wire.fault = fault;
			for (let step = 0; step < 3; step += 1) {
				rig.become(step);
				await pollAsPlant(rig);
				await rig.wire.clock.advance(200);
			}
			rig.wire.fault = undefined;
			await expectBack(rig, name);
		},
	);

	it("connects and reads with every reply split at any byte", async () => {
		for (let position = 1; position < options.replyBytes; position += 1) {
			const rig = makeRig();
			rig.wire.fault = splitAt(position);
			await rig.connect();
			for (let i = 0; i < 3; i += 1) {
				const values = await rig.poll();
				rig.expectTrue(values);
				expect(values[signal]?.quality, `split at ${position}`).toBe("good");
			}
			expect(rig.wire.line.counters.retries, `split at ${position}`).toBe(0);
		}
	});

	/** From every reply, or from the long ones alone: a short one that is spoilt as well would hide what they do. */
	it.each([
		["every reply", 1],
		["every long reply", options.replyBytes],
	])("never gives a wrong value when any one byte is lost from %s of a poll", async (_replies, fromBytes) => {
		for (let position = 0; position < options.replyBytes; position += 1) {
			const rig = makeRig();
			await rig.connect();
			let spoilt = 0;
			for (let i = 0; i < 3; i += 1) {
				rig.wire.fault = (bytes) => {
					if (bytes.length < fromBytes) return [{ bytes, delayMs: 0 }];
					spoilt += 1;
					return withoutByte(position)(bytes);
				};
				const values = await rig.poll().catch(() => undefined);
				rig.wire.fault = undefined;
				if (values === undefined) await rig.connect();
				else rig.expectTrue(values);
			}
			expect(spoilt).toBeGreaterThan(0);
			await expectBack(rig, `without byte ${position}`);
		}
	});

	it("reports an unplugged cable as silence, and reads on when it is back", async () => {
		const rig = makeRig();
		await rig.connect();
		rig.wire.fault = silent;
		await expect(rig.poll()).rejects.toMatchObject({ code: "DEVICE_SILENT" });
		for (let i = 0; i < 5; i += 1) expect(await pollAsPlant(rig)).toBeUndefined();
		rig.become(1);
		rig.wire.fault = undefined;
		await expectBack(rig, "plugged in again");
	});

	it("reads on after the instrument was switched off and on", async () => {
		const rig = makeRig();
		await rig.connect();
		await rig.poll();
		rig.wire.atInstrument(() => rig.powerCycle());
		rig.become(1);
		await expectBack(rig, "powered again");
	});
}
