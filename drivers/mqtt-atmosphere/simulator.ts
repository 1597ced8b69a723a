import type { InstrumentSimulator, SimulatorContext } from "#device/contract.js";
import { encodePayload } from "./codec.js";
import type { AtmosphereSettings, GasSettings } from "./config.js";

/** What the simulated monitor senses. */
export interface AtmospherePort {
	oxygenPpm(): number;
	waterPpm(): number;
}

/** Sent this often at most, and twice within the time after which a value is old. */
const PERIOD_MS_MAX = 5_000;
/** After power-up the cells warm up. */
const WARM_UP_MS = 10_000;

/** A monitor that publishes every topic of its declaration at a steady pace, retained. It does not listen. */
export class AtmosphereSimulator implements InstrumentSimulator {
	private readonly periodMs: number;
	private readonly topics = new Map<string, GasSettings[]>();
	private nowMs = 0;
	private nextMs = 0;

	constructor(private readonly context: SimulatorContext<AtmosphereSettings, AtmospherePort>) {
		const { stale_s, signals } = context.settings;
		this.periodMs = Math.min(PERIOD_MS_MAX, (stale_s * 1_000) / 2);
		for (const gas of Object.values(signals)) this.topics.set(gas.topic, [...(this.topics.get(gas.topic) ?? []), gas]);
	}

	receive(): void {}

	advance(nowMs: number): void {
		this.nowMs = nowMs;
		if (nowMs < this.nextMs) return;
		this.nextMs = nowMs + this.periodMs;
		const { publish, wallMs, port } = this.context;
		for (const [topic, gases] of this.topics) {
			const values = gases.map((settings) => ({
				settings,
				ppm: settings.gas === "O2" ? port.oxygenPpm() : port.waterPpm(),
			}));
			publish?.(topic, encodePayload(values, wallMs?.() ?? 0), { retain: true });
		}
	}

	nextEventMs(): number {
		return this.nextMs;
	}

	powerCycle(): void {
		this.nextMs = this.nowMs + WARM_UP_MS;
	}
}
