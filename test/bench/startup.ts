/** From the order to start until every simulated instrument is connected and the service answers; and the memory then. */
import { readFileSync } from "node:fs";
import { RealSystem } from "../support/real-system.js";
import { atMost, type BenchResult, median } from "./report.js";

const ROUNDS = 3;

/** Resident memory of a process in MB, as Linux counts it. */
function residentMb(pid: number): number {
	const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
	return Number(line?.[1] ?? Number.NaN) / 1024;
}

export async function startup(): Promise<BenchResult> {
	const seconds: number[] = [];
	const memoryMb: number[] = [];
	for (let round = 0; round < ROUNDS; round += 1) {
		const start = performance.now();
		const system = await RealSystem.start({ speed: 1 });
		try {
			await system.instrumentsReady(60_000);
			const health = await fetch(`${system.system.url}/api/v1/health`);
			if (!health.ok) throw new Error(`The service answered ${health.status}.`);
			seconds.push((performance.now() - start) / 1_000);
			const { control, service } = system.system.pids();
			memoryMb.push(residentMb(control!) + residentMb(service!));
		} finally {
			await system.stop();
		}
	}
	return {
		bars: [
			atMost("startup.ready", median(seconds), "s", 5),
			atMost("startup.memory", Math.max(...memoryMb), "MB", 300),
		],
		detail: { seconds, memoryMb },
	};
}
