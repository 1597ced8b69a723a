import { Prng } from "#core/prng.js";
import type { InstrumentSimulator, SimulatorConnection, SimulatorContext } from "#device/contract.js";
import { encodeReply, parseRequest, type Status } from "./codec.js";
import type { Sqm160Settings } from "./config.js";

/** What the simulated monitor senses. */
export interface Sqm160Port {
	/** Film on the crystal of a sensor since it was new, nm; null with a crystal that does not oscillate. */
	thicknessNm(sensor: number): number | null;
}

export interface Sqm160SimulatorOptions {
	/** Standard deviation of the thickness, nm. */
	readonly noiseNm?: number;
	readonly sensors?: number;
}

const CRYSTAL_HZ = 5_990_000;
/** A 6 MHz crystal loses 1 Hz per 12.3 ng/cm2 (Sauerbrey); 1 nm of a film of 3 g/cm3 is 300 ng/cm2. */
const HZ_PER_NM = 300 / 12.3;
/** A crystal at its end has lost this. */
const LIFE_HZ = 1_000_000;
const RATE_PERIOD_MS = 1_000;
const BYTES_KEPT = 64;

/** Sensors on one film; the thickness counts from the last reset. The noise is seeded by the context's seed. */
export class Sqm160Simulator implements InstrumentSimulator {
	private readonly port: Sqm160Port;
	private readonly noiseNm: number;
	private readonly sensors: number;
	private readonly random: Prng;
	private readonly angstromPerUnit: number;
	private readonly zeroNm = new Map<number, number>();
	private readonly rates = new Map<number, { readonly atMs: number; readonly nm: number; readonly nmPerS: number }>();
	/** Said once, with the first reply after it. */
	private wasReset = false;

	constructor(context: SimulatorContext<Sqm160Settings, Sqm160Port>, options: Sqm160SimulatorOptions = {}) {
		this.port = context.port;
		this.noiseNm = options.noiseNm ?? 0.005;
		this.sensors = options.sensors ?? 6;
		this.random = new Prng(context.seed, `sqm160 ${context.name}`);
		this.angstromPerUnit = context.settings.thickness_unit === "kiloangstrom" ? 1_000 : 1;
	}

	receive(bytes: Uint8Array, connection: SimulatorConnection): void {
		const kept = connection.state instanceof Uint8Array ? connection.state : new Uint8Array();
		let rest = Uint8Array.from([...kept, ...bytes]).subarray(-BYTES_KEPT);
		for (;;) {
			const asked = request(rest);
			if (asked === undefined) break;
			rest = rest.subarray(asked.taken);
			if (asked.reply === undefined) continue;
			const [status, data] = this.answer(asked.reply);
			connection.send(encodeReply(status === "A" && this.wasReset ? "B" : status, data));
			this.wasReset = false;
		}
		connection.state = rest;
	}

	advance(nowMs: number): void {
		for (let sensor = 1; sensor <= this.sensors; sensor += 1) {
			const nm = this.port.thicknessNm(sensor) ?? 0;
			const last = this.rates.get(sensor) ?? { atMs: nowMs, nm, nmPerS: 0 };
			const seconds = (nowMs - last.atMs) / 1_000;
			if (seconds * 1_000 >= RATE_PERIOD_MS)
				this.rates.set(sensor, { atMs: nowMs, nm, nmPerS: (nm - last.nm) / seconds });
			else if (!this.rates.has(sensor)) this.rates.set(sensor, last);
		}
	}

	nextEventMs(): number {
		return Number.POSITIVE_INFINITY;
	}

	powerCycle(): void {
		this.wasReset = true;
		this.zero();
	}

	private zero(): void {
		for (let sensor = 1; sensor <= this.sensors; sensor += 1)
			this.zeroNm.set(sensor, this.port.thicknessNm(sensor) ?? 0);
	}

	private answer(message: string): readonly [Status, string] {
		if (message === "@") return ["A", "MON Ver 4.13"];
		if (message === "J") return ["A", String(this.sensors)];
		if (message === "S") {
			this.zero();
			return ["A", ""];
		}
		const match = /^([LNPR])(\d)\??$/.exec(message);
		if (match === null) return ["C", ""];
		const sensor = Number(match[2]);
		if (sensor < 1 || sensor > this.sensors) return ["D", ""];
		return ["A", this.value(match[1]!, sensor)];
	}

	private value(item: string, sensor: number): string {
		const grownNm = this.port.thicknessNm(sensor);
		if (item === "P") return grownNm === null ? "0.000" : (CRYSTAL_HZ - grownNm * HZ_PER_NM).toFixed(3);
		if (item === "R") return ` ${Math.round(100 - ((grownNm ?? 0) * HZ_PER_NM * 100) / LIFE_HZ)} `;
		if (item === "L") return ` ${((this.rates.get(sensor)?.nmPerS ?? 0) * 10).toFixed(2)} `;
		const shownNm = (grownNm ?? 0) - (this.zeroNm.get(sensor) ?? 0) + this.noiseNm * this.random.normal();
		return ` ${((shownNm * 10) / this.angstromPerUnit).toFixed(3)} `;
	}
}

/** The next whole request; a damaged one is passed over up to the next start. */
function request(bytes: Uint8Array): { reply?: string; taken: number } | undefined {
	try {
		return parseRequest(bytes);
	} catch {
		const next = bytes.indexOf(0x21, bytes.indexOf(0x21) + 1);
		return { taken: next < 0 ? bytes.length : next };
	}
}
