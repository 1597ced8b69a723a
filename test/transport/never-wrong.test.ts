/** Whatever the wire does to the replies, a value that a master gives is the value that was asked for. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { SteppedClock } from "#core/clock.js";
import { AdlayerError } from "#core/errors.js";
import { Line } from "#transport/line.js";
import { memoryPair } from "#transport/memory.js";
import { type ModbusFraming, ModbusUnit } from "#transport/modbus-master.js";
import { RtuSlave, TcpSlave } from "#transport/modbus-slave.js";

const TIMEOUT_MS = 100;
const wordAt = (address: number) => (address * 257 + 3) & 0xffff;
const map = {
	readHolding: (address: number, count: number) => Array.from({ length: count }, (_, i) => wordAt(address + i)),
};

interface Fault {
	readonly kind: "none" | "silence" | "late" | "split" | "noise" | "damage" | "double";
	readonly delayMs: number;
	readonly at: number;
}

/** Late means later than the time-out and within the silence that follows it. */
const faults = (kinds: readonly Fault["kind"][]) =>
	fc.array(fc.record({ kind: fc.constantFrom(...kinds), delayMs: fc.integer({ min: 0, max: 195 }), at: fc.nat(12) }), {
		maxLength: 30,
	});
const reads = fc.array(
	fc.record({ address: fc.integer({ min: 0, max: 300 }), count: fc.integer({ min: 1, max: 3 }) }),
	{ minLength: 1, maxLength: 12 },
);

async function survive(
	framing: ModbusFraming,
	plan: readonly Fault[],
	asked: readonly { address: number; count: number }[],
) {
	const clock = new SteppedClock({ wallStartMs: 0 });
	let replies = 0;
	const open = async () => {
		const [near, far] = memoryPair("line");
		let busyUntilMs = 0;
		// A stream never changes the order of its bytes.
		const deliver = (bytes: Uint8Array, delayMs: number) => {
			busyUntilMs = Math.max(busyUntilMs, clock.nowMs() + delayMs);
			clock.setTimer(busyUntilMs - clock.nowMs(), () => {
				if (far.isOpen) far.write(bytes);
			});
		};
		const send = (reply: Uint8Array) => {
			const fault = plan[replies++] ?? { kind: "none", delayMs: 0, at: 0 };
			const at = fault.at % reply.length;
			if (fault.kind === "none") deliver(reply, 1);
			if (fault.kind === "late") deliver(reply, fault.delayMs);
			if (fault.kind === "split") {
				deliver(reply.slice(0, at), 1);
				deliver(reply.slice(at), 1 + fault.delayMs / 3);
			}
			if (fault.kind === "noise") deliver(new Uint8Array([...reply.slice(at), 0xff, ...reply]), 1);
			if (fault.kind === "damage")
				deliver(
					reply.map((byte, i) => (i === at ? byte ^ 0x41 : byte)),
					1,
				);
			if (fault.kind === "double") {
				deliver(reply, 1);
				deliver(reply, fault.delayMs);
			}
		};
		const connection = { state: undefined as unknown, send };
		const slave = framing === "rtu" ? new RtuSlave(1, map) : new TcpSlave(map);
		far.onBytes((bytes) => slave.receive(bytes, connection));
		return near;
	};
	const unit = new ModbusUnit(new Line("line", open, clock), {
		name: "dev",
		unit: 1,
		framing,
		timing: { timeoutMs: TIMEOUT_MS, retries: 2 },
	});
	let ended = 0;
	const results = asked.map(async ({ address, count }) => {
		try {
			expect(await unit.readHolding(address, count)).toEqual(map.readHolding(address, count));
		} catch (thrown) {
			if (!(thrown instanceof AdlayerError)) throw thrown;
			expect(["DEVICE_SILENT", "REPLY_INVALID", "MODBUS_EXCEPTION"]).toContain(thrown.code);
		} finally {
			ended += 1;
		}
	});
	await clock.advanceUntil(() => ended === asked.length, 60_000);
	await Promise.all(results);
	expect(clock.expecting).toBe(0);
}

it("holds for Modbus RTU through silence, late, split, noisy and damaged replies", async () => {
	await fc.assert(
		fc.asyncProperty(faults(["none", "silence", "late", "split", "noise", "damage"]), reads, (plan, asked) =>
			survive("rtu", plan, asked),
		),
		{ seed: 11, numRuns: 150 },
	);
});

it("holds for Modbus TCP through silence, late, split and doubled replies", async () => {
	await fc.assert(
		fc.asyncProperty(faults(["none", "silence", "late", "split", "double"]), reads, (plan, asked) =>
			survive("tcp", plan, asked),
		),
		{ seed: 12, numRuns: 150 },
	);
});
