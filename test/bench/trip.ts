/**
 * Two halves, virtual here, real in trip-real.ts. From the first wire reply that carries the bad value to every dosing line read back as low, for each interlock, in virtual
 * time: what polling, judging and the exchanges themselves take. Instruments on the simulated wire answer in the time that
 * their line speed and their own turnaround take.
 */
import { resolve } from "node:path";
import { interlocksOf } from "#safety/interlocks/index.js";
import { reactorOf } from "#src/config/reactor-of.js";
import { type LabFile, loadLabFile, parseLabFile } from "#src/config.js";
import { instead } from "../faults/kinds.js";
import { Story } from "../plant/stories.js";
import { SHORT_RECIPE } from "../recipe/short-recipe.js";
import { atMost, type Bar, type BenchResult, isTrue } from "./report.js";
import { tripInRealTime } from "./trip-real.js";

const LAB = resolve(import.meta.dirname, "../../recipes/labs/simulated.lab.yaml");
const TRIP_MS_MAX = 200;
const THERMAL_MS_MAX = 2_000;
const POLL_MS = 100;
const LIMIT_S = 1_500;

interface Cause {
	/** Whose reply carries it. */
	readonly wire: string;
	readonly begin: (lab: LabFile) => Promise<Story>;
	readonly fault: (story: Story) => unknown;
	readonly thermal?: true;
	/** Judged by the course of a value, or by silence, over the time that the matrix says: counted from the trip on. */
	readonly byCourse?: true;
}

async function at(step: string, lab: LabFile, times = 1): Promise<Story> {
	const story = new Story({ lab, pumped: true });
	await story.ready();
	await story.launch("short.recipe.yaml", { recipeText: SHORT_RECIPE });
	await story.step(step, times);
	await story.forS(1);
	return story;
}

/** The shipped lab with gauge, valves and flow polled ten times a second. */
function benchLab(): LabFile {
	const { text } = loadLabFile(LAB);
	const fast = ["io", "gauge", "carrier"].reduce(
		(now, name) => now.replace(new RegExp(`(^  ${name}:\\n(?:    .*\\n)*?    poll_ms: )\\d+`, "m"), `$1${POLL_MS}`),
		text,
	);
	return parseLabFile(fast, LAB);
}

const purge: Cause["begin"] = (lab) => at("purge", lab, 3);
const anneal: Cause["begin"] = (lab) => at("anneal", lab);
const stabilise: Cause["begin"] = (lab) => at("stabilise", lab);
const reads = (zone: string, shown: (trueC: number, sinceS: number) => number) => (story: Story) => {
	const startMs = story.clock.nowMs();
	instead(
		story,
		"zoneC",
		(beneath) => (of: string) =>
			of === zone
				? shown((beneath as (zone: string) => number)(of), (story.clock.nowMs() - startMs) / 1_000)
				: (beneath as (zone: string) => number)(of),
	);
};
const contact = (input: string): Cause => ({
	wire: "io",
	begin: purge,
	fault: (story) => story.lab.twin.setFacility(input, false),
});

const CAUSES: Readonly<Record<string, Cause>> = {
	"over-temperature": { wire: "heaters", begin: purge, fault: reads("tma_line", () => 125), thermal: true },
	"melt-guard": { wire: "heaters", begin: anneal, fault: reads("stage", () => 106), thermal: true },
	runaway: {
		wire: "heaters",
		begin: purge,
		fault: reads("tma_line", (trueC, sinceS) => trueC + sinceS),
		thermal: true,
		byCourse: true,
	},
	"heater-not-heating": {
		wire: "heaters",
		begin: stabilise,
		fault: reads("wall", () => 22),
		thermal: true,
		byCourse: true,
	},
	"zone-astray": {
		wire: "heaters",
		begin: stabilise,
		fault: reads("wall", (trueC, sinceS) => Math.min(trueC, 45 + sinceS / 100)),
		thermal: true,
		byCourse: true,
	},
	"pump-lost": { wire: "io", begin: anneal, fault: (story) => story.lab.twin.setPump(false) },
	"foreline-above-chamber": {
		wire: "gauge",
		begin: purge,
		fault: (story) => instead(story, "forelinePa", () => 2_000),
	},
	"pressure-high": { wire: "gauge", begin: purge, fault: (story) => instead(story, "chamberPa", () => 1_000) },
	"carrier-lost": {
		wire: "carrier",
		begin: purge,
		fault: (story) => story.lab.twin.setCarrierSupply(false),
		byCourse: true,
	},
	"gauge-lost": { wire: "gauge", begin: anneal, fault: (story) => story.lab.silence("gauge", true), byCourse: true },
	"valve-io-lost": { wire: "io", begin: anneal, fault: (story) => story.lab.silence("io", true), byCourse: true },
	"lid-open": { wire: "io", begin: anneal, fault: (story) => instead(story, "lidClosed", () => false) },
	"emergency-stop": contact("emergency_stop_released"),
	"exhaust-lost": contact("exhaust_flowing"),
	"gas-cabinet-leak": contact("gas_cabinet_tight"),
	"nitrogen-lost": contact("nitrogen_present"),
	"air-lost": contact("air_present"),
};

interface Measured {
	/** From the first reply after the fault, or from the trip where it is judged by a course, to all dosing lines low. */
	readonly ms: number;
	readonly tripped: boolean;
	/** By the matrix the cause must last so long before it trips; not part of `ms`. */
	readonly delayMs: number;
}

async function measure(id: string, cause: Cause): Promise<Measured> {
	const story = await cause.begin(benchLab());
	let repliedMs: number | undefined;
	cause.fault(story);
	const faultMs = story.clock.nowMs();
	story.disturb = (bytes, wire) => {
		if (wire === `memory:${cause.wire}` && story.clock.nowMs() > faultMs) repliedMs ??= story.clock.nowMs();
		return bytes;
	};
	const tripped = () => story.records("interlock").find(({ interlock }) => interlock.split(".")[0] === id);
	await story.clock.advanceUntil(() => tripped() !== undefined, LIMIT_S * 1_000).catch(() => {});
	const trip = tripped();
	if (trip === undefined) {
		await story.stop();
		return { ms: Number.NaN, tripped: false, delayMs: 0 };
	}
	// With the valve I/O away its own watchdog shuts them: the twin knows.
	const areLow = () =>
		story.openPrecursors.length === 0 &&
		(cause.wire === "io" && cause.byCourse === true ? true : !story.control.supervisor.isShuttingPrecursors);
	await story.clock.advanceUntil(areLow, 60_000);
	const fromMs = cause.byCourse ? trip.t : (repliedMs ?? faultMs);
	const { delayMs } = interlocksOf(reactorOf(benchLab())).find((interlock) => interlock.id === trip.interlock)!;
	const lastedMs = cause.byCourse ? 0 : delayMs;
	const ms = story.clock.nowMs() - fromMs - lastedMs;
	await story.stop();
	return { ms, tripped: true, delayMs: lastedMs };
}

export async function trip(seed: number): Promise<BenchResult> {
	const virtual = await tripInVirtualTime();
	const real = await tripInRealTime(seed);
	return { bars: [...virtual.bars, ...real.bars], detail: { virtual: virtual.detail, real: real.detail } };
}

async function tripInVirtualTime(): Promise<BenchResult> {
	const bars: Bar[] = [];
	const detail: Record<string, Measured & { readonly from: string }> = {};
	for (const [id, cause] of Object.entries(CAUSES)) {
		const measured = await measure(id, cause);
		const from = cause.byCourse ? "trip" : "first reply with the bad value";
		detail[id] = { ...measured, from };
		bars.push(isTrue(`trip.${id}.trips`, measured.tripped));
		bars.push(atMost(`trip.${id}.to-lines-low`, measured.ms, "ms", cause.thermal ? THERMAL_MS_MAX : TRIP_MS_MAX));
	}
	return { bars, detail };
}
