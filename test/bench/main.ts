/** `npm run bench [-- NAME] [--json] [--seed N]`: measures what the product promises. */

import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import type { Bench } from "./report.js";

/** Loaded one at a time, so that no bench pays for another's imports. */
const BENCHES: Record<string, () => Promise<Bench>> = {
	ingest: async () => (await import("./ingest.js")).ingest,
	pulse: async () => (await import("./pulse.js")).pulse,
	cycling: async () => (await import("./cycling.js")).cycling,
	load: async () => (await import("./load.js")).load,
	wire: async () => (await import("./wire.js")).wire,
	startup: async () => (await import("./startup.js")).startup,
	heating: async () => (await import("./heating.js")).heating,
	trip: async () => (await import("./trip.js")).trip,
	fuzz: async () => (await import("./fuzz.js")).fuzz,
	"virtual-time": async () => (await import("./virtual-time.js")).virtualTime,
};

const { version } = JSON.parse(readFileSync(resolve(import.meta.dirname, "../../package.json"), "utf8")) as {
	version: string;
};
const { values, positionals } = parseArgs({
	allowPositionals: true,
	options: { json: { type: "boolean", default: false }, seed: { type: "string", default: "1" } },
});
const names = positionals.length > 0 ? positionals : Object.keys(BENCHES);
const seed = Number(values.seed);
const unknown = names.filter((name) => !Object.hasOwn(BENCHES, name));
if (unknown.length > 0 || !Number.isInteger(seed)) {
	console.error(`Usage: npm run bench -- [${Object.keys(BENCHES).join("|")}] [--json] [--seed N]`);
	process.exit(2);
}

let allOk = true;
for (const name of names) {
	const bench = await BENCHES[name]!();
	const start = performance.now();
	const { bars, detail } = await bench(seed);
	const wallS = (performance.now() - start) / 1_000;
	const ok = bars.every((bar) => bar.pass);
	allOk &&= ok;
	if (values.json)
		console.log(JSON.stringify({ bench: name, version, seed, cpus: cpus().length, wallS, ok, bars, detail }));
	else {
		console.log(`${name} (${wallS.toFixed(1)} s)`);
		for (const { id, value, unit, op, limit, pass } of bars) {
			console.log(
				`  ${pass ? "ok  " : "FAIL"} ${id.padEnd(52)} ${value === null ? "-" : Number(value.toPrecision(4))} ${op} ${limit} ${unit}`,
			);
		}
	}
}
process.exit(allOk ? 0 : 1);
