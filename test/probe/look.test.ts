/** Quirks of emulators that strangers wrote, seen by the look that `adlayer probe` takes; in this process, over real sockets. */
import { afterEach, describe, expect, it } from "vitest";
import type { ProbeReport } from "#cli/probe-report.js";
import { SystemClock } from "#core/clock.js";
import { probe } from "#src/probe.js";
import { closeEmulators, lineEnded, modbusTcp, serveTcp } from "./emulators.js";

afterEach(closeEmulators);

const TIMEOUT_MS = 30_000;

const LIMIT_MS = 15_000;

/** Counts how often the end of the whole probe is waited for at once. */
class DeadlineClock extends SystemClock {
	mostWaits = 0;
	private waits = 0;

	override sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
		const slept = super.sleep(delayMs, signal);
		if (delayMs < LIMIT_MS / 2) return slept;
		this.waits += 1;
		this.mostWaits = Math.max(this.mostWaits, this.waits);
		return slept.finally(() => {
			this.waits -= 1;
		});
	}
}

const lookBy = (clock: SystemClock, driver: string, address: string, ...options: string[]): Promise<ProbeReport> =>
	probe({
		driver,
		address,
		options,
		set: {},
		unguarded: false,
		limitMs: LIMIT_MS,
		held: [],
		clock,
		interrupted: new AbortController().signal,
	});

const look = (driver: string, address: string, ...options: string[]) =>
	lookBy(new SystemClock(), driver, address, ...options);

const lookAtLine = async (driver: string, make: Parameters<typeof serveTcp>[0], ...options: string[]) =>
	look(driver, `tcp://127.0.0.1:${(await serveTcp(make)).port}`, ...options);

const lookAtModbus = async (driver: string, server: Parameters<typeof modbusTcp>[0], ...options: string[]) =>
	look(driver, `modbus-tcp://127.0.0.1:${(await serveTcp(modbusTcp(server))).port}`, ...options);

describe("a look", () => {
	it(
		"lets go of its deadline after each part: one that listens long gathers nothing",
		async () => {
			const clock = new DeadlineClock();
			const { port } = await serveTcp(modbusTcp({ words: () => 0 }));
			await lookBy(clock, "labjack-t7", `modbus-tcp://127.0.0.1:${port}`);
			expect(clock.mostWaits).toBe(1);
		},
		TIMEOUT_MS,
	);

	it(
		"takes no number for a pressure that no gauge measures",
		async () => {
			const answers: Record<string, string> = {
				AYT: "TPG362,PTG28290,44990000,010400,010100",
				UNI: "0",
				PRX: "0,9.9999E+99,0,1.2000E+01",
			};
			let asked = "";
			const make = () => (bytes: Buffer, send: (reply: string) => void) => {
				const text = bytes.toString("latin1").trim();
				if (text === "\x05") send(`${answers[asked] ?? "0001"}\r\n`);
				else if (text !== "\x03") {
					asked = text;
					send(`${text in answers ? "\x06" : "\x15"}\r\n`);
				}
			};
			const { readings } = await lookAtLine("pfeiffer-tpg362", make);
			expect(readings.channel_1).toMatchObject({ value: null, quality: "fault" });
			expect(readings.channel_1!.detail).toBe("channel 1: 9.9999e+99 mbar is no pressure of any gauge");
			expect(readings.channel_2!.value).toBeCloseTo(1200, 9);
		},
		TIMEOUT_MS,
	);

	it(
		"counts flow by the standard temperature that the instrument says, whatever the option",
		async () => {
			const answers: Record<string, string> = {
				A: "A +014.62 +021.89 +000.00 +078.90 +078.95     N2",
				AVE: "A   10v20.0-R24 Jan  9 2025,15:04:07",
				"ADCFRT S": "A +25.00 002 `C",
			};
			const make = lineEnded("\r", () => (line) => answers[line] ?? "?");
			const { readings, warnings } = await lookAtLine("alicat-mc", make, "standard_degC=0", "flow_unit=SCCM");
			expect(readings.flow!.value).toBeCloseTo((78.9 * 273.15) / 298.15, 6);
			expect(warnings.join(" ")).toContain("counts standard flow at 25 degC, standard_degC is 0");
		},
		TIMEOUT_MS,
	);

	it(
		"takes nothing for a vacuum that a digital gauge gives as 0 hPa",
		async () => {
			const telegram = (text: string) =>
				`${text}${String([...text].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % 256).padStart(3, "0")}`;
			const answers: Record<string, string> = {
				[telegram("0010074002=?")]: telegram("0011074006000000"),
				[telegram("0010034902=?")]: telegram("0011034906PPT100"),
			};
			const make = lineEnded("\r", () => (line) => answers[line]);
			const { readings } = await lookAtLine("pfeiffer-pvp", make);
			expect(readings.pressure).toMatchObject({ value: null, quality: "fault" });
			expect(readings.pressure!.detail).toContain("0 hPa");
		},
		TIMEOUT_MS,
	);

	it.each([0, 0xffff])(
		"takes no temperature from a server that holds %d everywhere",
		async (word) => {
			const { readings, identityConfirmed } = await lookAtModbus("eurotherm-3216", { words: () => word }, "decimals=1");
			expect(identityConfirmed).toBe(false);
			expect(Object.values(readings).map(({ value }) => value)).toEqual([null, null, null, null]);
			expect(readings.temperature!.detail).toContain(`all read ${word}`);
		},
		TIMEOUT_MS,
	);

	it(
		"says of a busy server that it is busy, not that it has no registers",
		async () => {
			await expect(
				lookAtModbus("eurotherm-3216", { words: () => undefined, exception: 6 }, "decimals=1"),
			).rejects.toThrow("device busy (exception 06)");
		},
		TIMEOUT_MS,
	);

	it(
		"reads a server that knows function 04 alone and is silent to 03",
		async () => {
			const words = new Map([1, 2, 3, 4, 5].map((address) => [address, address === 1 ? 253 : 400]));
			const server = { words, functions: [4], silent: true };
			const { readings } = await lookAtModbus("eurotherm-3216", server, "decimals=1");
			expect(readings.temperature!.value).toBe(25.3);
			expect(readings.setpoint!.value).toBe(40);
		},
		TIMEOUT_MS,
	);

	it(
		"reads an instrument behind a server that hangs up after each reply, and says so",
		async () => {
			const answers: Record<string, string> = { "@253PR4?": "@253ACK1.234E-3", "@253U?": "@253ACKPASCAL" };
			const { port } = await serveTcp(
				lineEnded(";FF", () => (line) => answers[line] ?? "@253NAK160"),
				(socket) => {
					const write = socket.write.bind(socket);
					socket.write = ((bytes: Buffer) => {
						write(bytes);
						socket.end();
						return true;
					}) as typeof socket.write;
				},
			);
			const { readings, warnings } = await look("mks-900", `tcp://127.0.0.1:${port}`);
			expect(readings.pressure!.value).toBeCloseTo(1.234e-3, 9);
			expect(warnings.join(" ")).toContain("The connection broke");
		},
		TIMEOUT_MS,
	);

	it(
		"does not believe decimals that the instrument's own floats contradict",
		async () => {
			const words = new Map<number, number>([
				[75, 0],
				[76, 0xffff],
				[87, 0],
				[7, 0],
				[15, 0],
			]);
			const scratch = Buffer.alloc(4);
			for (const address of [2, 3, 4, 6, 8, 9]) words.set(address, 100);
			for (const [address, value] of [
				[1, 25],
				[5, 40],
				[11, 0],
				[12, 400],
				[24, 40],
				[25, 30],
				[111, 200],
				[112, 0],
			] as const) {
				words.set(address, value);
				scratch.writeFloatBE(value);
				words.set(0x8000 + 2 * address, scratch.readUInt16BE(0));
				words.set(0x8001 + 2 * address, scratch.readUInt16BE(2));
			}
			const right = await lookAtModbus("eurotherm-3216", { words }, "decimals=0");
			expect(right.readings.temperature!.value).toBe(25);
			const wrong = await lookAtModbus("eurotherm-3216", { words }, "decimals=1");
			expect(wrong.readings.temperature!.value).toBeNull();
			expect(wrong.warnings.join(" ")).toContain("prove 0 decimals, not 1");
		},
		TIMEOUT_MS,
	);

	it(
		"says of a busy T7 that it is busy",
		async () => {
			await expect(lookAtModbus("labjack-t7", { words: () => undefined, exception: 6 })).rejects.toThrow(
				"device busy (exception 06)",
			);
		},
		TIMEOUT_MS,
	);

	it(
		"takes lists of an option as a,b",
		async () => {
			await expect(look("pfeiffer-pvp", "tcp://127.0.0.1:1", "role=pump", "readings=power,colour")).rejects.toThrow(
				"colour",
			);
		},
		TIMEOUT_MS,
	);
});
