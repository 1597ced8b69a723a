/** What can go wrong in a fault plan, one row each. A fault begins and ends; between the two the world is as it says. */
import type { Prng } from "#core/prng.js";
import type { Twin } from "#twin/twin.js";
import type { Story } from "../plant/stories.js";

export interface Fault {
	readonly kind: string;
	/** Begins it; gives what ends it. */
	readonly begin: (story: Story, chance: Prng) => () => void;
	/** What no software can prevent when this happens, as it begins in the words of the invariants. */
	readonly beyondSoftware?: RegExp;
}

const INSTRUMENTS = ["stage", "wall", "tma_line", "io", "gauge", "carrier"] as const;
const nothing = () => {};

type Layer = (beneath: unknown) => unknown;
const layersOf = new WeakMap<Twin, Map<string, Set<Layer>>>();

/**
 * Puts a layer over what the instruments see or do at the twin, whose own physics goes on beneath. Layers may come and go in
 * any order.
 */
export function instead<Name extends keyof Twin>(
	story: Story,
	name: Name,
	value: (beneath: Twin[Name]) => unknown,
): () => void {
	const { twin } = story.lab;
	const known = layersOf.get(twin) ?? new Map<string, Set<Layer>>();
	layersOf.set(twin, known);
	const layers = known.get(name) ?? new Set<Layer>();
	if (!known.has(name)) {
		known.set(name, layers);
		const getter = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(twin), name)?.get;
		const method = getter === undefined ? (twin[name] as () => unknown).bind(twin) : undefined;
		const top = () => [...layers].reduce((beneath, layer) => layer(beneath), method ?? getter!.call(twin));
		Object.defineProperty(twin, name, { configurable: true, get: top });
	}
	const layer = value as Layer;
	layers.add(layer);
	return () => void layers.delete(layer);
}

const sensor = (zone: string, shown: (realC: number) => number | null) => (story: Story) =>
	instead(
		story,
		"zoneC",
		(real) => (of: string) => (of === zone ? shown((real as Twin["zoneC"])(of)) : (real as Twin["zoneC"])(of)),
	);

const heater = (zone: string, percentFor: (ordered: number) => number) => (story: Story) =>
	instead(
		story,
		"setHeaterPercent",
		(real) => (of: string, percent: number) =>
			(real as Twin["setHeaterPercent"])(of, of === zone ? percentFor(percent) : percent),
	);

const stuckShut = (valve: string) => (story: Story) =>
	instead(
		story,
		"setValve",
		(real) => (of: string, open: boolean, atMs: number) =>
			(real as Twin["setValve"])(of, of === valve ? false : open, atMs),
	);

/** Something of the reactor's surroundings goes, and comes back. */
const facility = (kind: string, input: string): Fault => ({
	kind,
	begin: ({ lab: { twin } }) => {
		twin.setFacility(input, false);
		return () => twin.setFacility(input, true);
	},
});

/** Mains gone: everything stands still, springs shut the valves, and nothing may start by itself when it is back. */
function cutPower(story: Story, chance: Prng): () => void {
	const { lab } = story;
	// Control's computer may have a battery, or not.
	const hasBattery = chance.uniform() < 0.5;
	if (!hasBattery) story.kill();
	for (const name of INSTRUMENTS) lab.power(name, false);
	for (const valve of ["TMA", "H2O", "stop"]) lab.twin.setValve(valve, false, lab.twin.nowMs);
	lab.twin.setPump(false);
	lab.twin.setCarrierTarget(0);
	for (const zone of ["stage", "wall", "tma_line"]) lab.twin.setHeaterPercent(zone, 0);
	return () => {
		for (const name of INSTRUMENTS) lab.power(name, true);
		lab.twin.setPump(true);
		if (story.isControlDead) story.comeBack();
	};
}

export const KINDS: readonly Fault[] = [
	{
		kind: "pump-stops",
		begin: (story) => {
			story.lab.twin.setPump(false);
			return () => story.lab.twin.setPump(true);
		},
	},
	{
		kind: "carrier-supply-lost",
		begin: (story) => {
			story.lab.twin.setCarrierSupply(false);
			return () => story.lab.twin.setCarrierSupply(true);
		},
	},
	{ kind: "lid-contact-opens", begin: (story) => instead(story, "lidClosed", () => false) },
	...INSTRUMENTS.map(
		(name): Fault => ({
			kind: `silent-${name}`,
			begin: (story) => {
				story.lab.silence(name, true);
				return () => story.lab.silence(name, false);
			},
		}),
	),
	...INSTRUMENTS.map(
		(name): Fault => ({
			kind: `power-cycled-${name}`,
			begin: (story) => {
				story.lab.powerCycle(name);
				return nothing;
			},
		}),
	),
	...["stage", "wall"].map((zone): Fault => ({ kind: `sensor-broken-${zone}`, begin: sensor(zone, () => null) })),
	{ kind: "sensor-reads-high-stage", begin: sensor("stage", (realC) => realC + 15) },
	{
		kind: "sensor-jumps-stage",
		begin: (story, chance) => sensor("stage", (realC) => realC + (chance.uniform() < 0.3 ? 40 : 0))(story),
	},
	...["stage", "wall", "tma_line"].map(
		(zone): Fault => ({ kind: `heater-dead-${zone}`, begin: heater(zone, () => 0) }),
	),
	{ kind: "heater-weak-stage", begin: heater("stage", (percent) => percent * 0.3) },
	{ kind: "gauge-reads-full-scale", begin: (story) => instead(story, "chamberPa", () => 200_000) },
	{
		kind: "gauge-noisy",
		begin: (story, chance) => instead(story, "chamberPa", (pa) => (pa as number) * (0.5 + chance.uniform())),
	},
	{ kind: "valve-stuck-shut-TMA", begin: stuckShut("TMA") },
	{ kind: "valve-stuck-shut-H2O", begin: stuckShut("H2O") },
	{
		kind: "hand-valve-shut-TMA",
		begin: (story) => {
			story.lab.twin.setHandValve("TMA", false);
			return () => story.lab.twin.setHandValve("TMA", true);
		},
	},
	{
		kind: "wires-garbled",
		begin: (story, chance) => {
			story.disturb = (bytes: Uint8Array) => {
				if (chance.uniform() < 0.9) return bytes;
				const bad = Uint8Array.from(bytes);
				const at = Math.floor(chance.uniform() * bad.length);
				if (bad.length > 0) bad[at] = bad[at]! ^ (1 << Math.floor(chance.uniform() * 8));
				return bad;
			};
			return () => {
				story.disturb = undefined;
			};
		},
	},
	{
		kind: "wires-lossy",
		begin: (story, chance) => {
			story.disturb = (bytes: Uint8Array) => (chance.uniform() < 0.15 ? new Uint8Array(0) : bytes);
			return () => {
				story.disturb = undefined;
			};
		},
	},
	{
		kind: "wires-cut",
		begin: (story) => {
			story.cutWires();
			return nothing;
		},
	},
	{
		kind: "control-killed",
		begin: (story) => {
			story.kill();
			return () => {
				if (story.isControlDead) story.comeBack();
			};
		},
	},
	{
		kind: "control-killed-twice",
		begin: (story, chance) => {
			story.kill();
			return () => {
				if (!story.isControlDead) return;
				story.comeBack();
				story.clock.setTimer(chance.uniform() * 3_000, () => story.comeBack());
			};
		},
	},
	{
		kind: "wall-clock-jumps-back",
		begin: (story) => {
			story.wallShiftMs -= 86_400_000;
			return () => {
				story.wallShiftMs += 86_400_000;
			};
		},
	},
	{
		kind: "wall-clock-jumps-ahead",
		begin: (story) => {
			story.wallShiftMs += 86_400_000;
			return nothing;
		},
	},
	{ kind: "power-cut", begin: cutPower },
	facility("emergency-stop-pressed", "emergency_stop_released"),
	facility("exhaust-stands", "exhaust_flowing"),
	facility("gas-cabinet-leaks", "gas_cabinet_tight"),
	facility("nitrogen-goes", "nitrogen_present"),
	facility("air-goes", "air_present"),
	{
		kind: "gauge-frozen",
		begin: (story) => {
			const { chamberPa } = story.lab.twin;
			return instead(story, "chamberPa", () => chamberPa);
		},
	},
	{
		kind: "foreline-rises",
		begin: (story) => instead(story, "forelinePa", (pa) => (pa as number) + 500),
	},
	{
		kind: "chamber-leaks",
		begin: (story) => {
			story.lab.twin.setChamberLeak(0.05);
			return () => story.lab.twin.setChamberLeak(0);
		},
	},
	{
		kind: "pump-weak",
		begin: (story) => {
			story.lab.twin.setPumpSpeed(0.3);
			return () => story.lab.twin.setPumpSpeed(1);
		},
	},
	{
		kind: "carrier-stuck",
		begin: (story) => {
			story.lab.twin.setCarrierStuck(true);
			return () => story.lab.twin.setCarrierStuck(false);
		},
	},
	{
		kind: "valve-leaks-TMA",
		begin: (story) => {
			story.lab.twin.setValveLeak("TMA", 0.02);
			return () => story.lab.twin.setValveLeak("TMA", 0);
		},
		// It may begin in a dose of the other; and what raises the chamber by less than 5 % is not seen.
		beyondSoftware: /^precursors-met/,
	},
	{
		kind: "valve-stuck-open-TMA",
		begin: (story) => {
			// It sticks when it opens next.
			const end = instead(
				story,
				"setValve",
				(real) => (of: string, open: boolean, atMs: number) =>
					(real as Twin["setValve"])(of, of === "TMA" || open, atMs),
			);
			return () => {
				end();
				story.lab.twin.setValve("TMA", false, story.lab.twin.nowMs);
			};
		},
		// The hand valve is what shuts it; and what flows on by itself has met whatever comes.
		beyondSoftware: /^(TMA stood open|dose-without-|backflow-into-bottle|precursors-met)/,
	},
	{
		kind: "disk-full",
		begin: (story) => {
			story.diskUsedFraction = 0.97;
			return () => {
				story.diskUsedFraction = 0.5;
			};
		},
	},
	{
		kind: "disk-hangs",
		begin: (story) => {
			let goOn = nothing;
			story.syncHangs = new Promise((resolve) => {
				goOn = resolve;
			});
			return () => {
				story.syncHangs = undefined;
				goOn();
			};
		},
	},
	...(["hold", "pause"] as const).map(
		(command): Fault => ({
			kind: `operator-${command}`,
			begin: (story) => {
				void story.command(command).catch(nothing);
				return nothing;
			},
		}),
	),
];
