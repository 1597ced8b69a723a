import { readFileSync } from "node:fs";
import { parseTwinConstants, type TwinConstants } from "#twin/constants.js";
import { Twin, type TwinOptions } from "#twin/twin.js";

export const BENCH_FILE = new URL("../../recipes/twins/bench-reactor.twin.yaml", import.meta.url);

export function benchText(): string {
	return readFileSync(BENCH_FILE, "utf8");
}

export function benchConstants(): TwinConstants {
	return parseTwinConstants(benchText(), "bench-reactor.twin.yaml");
}

/** A twin that is pumped, purged with 100 sccm and held at `degC` everywhere. */
export function readyTwin(options: Partial<TwinOptions> & { degC: number; sccm?: number }): Twin {
	const constants = { ...benchConstants(), ambientC: options.degC };
	const twin = new Twin({ constants, foil: "Li", seed: 1, pumped: true, ...options });
	twin.setValve("stop", true, 0);
	twin.setCarrierTarget(options.sccm ?? 100);
	twin.advance(20_000);
	return twin;
}

export interface CycleTimes {
	readonly tmaMs: number;
	readonly tmaPurgeS: number;
	readonly h2oMs: number;
	readonly h2oPurgeS: number;
}

export const GOOD_CYCLE: CycleTimes = { tmaMs: 15, tmaPurgeS: 6, h2oMs: 15, h2oPurgeS: 12 };

export function pulse(twin: Twin, valve: string, widthMs: number): void {
	const atMs = twin.nowMs;
	twin.setValve(valve, true, atMs);
	twin.setValve(valve, false, atMs + widthMs);
}

export function cycle(twin: Twin, times: CycleTimes): void {
	pulse(twin, "TMA", times.tmaMs);
	twin.advance(twin.nowMs + times.tmaPurgeS * 1000);
	pulse(twin, "H2O", times.h2oMs);
	twin.advance(twin.nowMs + times.h2oPurgeS * 1000);
}
