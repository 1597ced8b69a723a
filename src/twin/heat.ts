import type { HeatConstants } from "./constants.js";

/** Small against every time constant that a twin file may hold (10 s): the fourth-order step errs by less than a microkelvin. */
const STEP_MS_MAX = 1000;

interface Zone {
	readonly name: string;
	readonly gainCPerPercent: number;
	readonly perS: number;
	readonly deadTimeMs: number;
	readonly pulls: readonly { readonly from: number; readonly share: number }[];
	/** What the heater gives now, and what is still on its way. */
	percent: number;
	readonly pending: { atMs: number; percent: number }[];
}

/**
 * Heated zones and the foil: first-order with dead time, coupled. The foil is the last node and follows the stage. Commands
 * act exactly `deadTimeS` after they were given.
 */
export class Heat {
	private readonly zones: readonly Zone[];
	private readonly indexOf = new Map<string, number>();
	private readonly degC: Float64Array;
	private readonly scratch: readonly [Float64Array, Float64Array, Float64Array, Float64Array, Float64Array];
	private readonly foil: {
		readonly node: number;
		readonly stage: number;
		readonly wall: number;
		readonly perS: number;
	};
	private readonly foilWallShare: number;

	/** `scale(what)` spreads a constant; 1 for the nominal reactor. */
	constructor(
		constants: HeatConstants,
		private readonly ambientC: number,
		scale: (what: string) => number,
		private nowMs: number,
	) {
		const names = Object.keys(constants.zones);
		names.forEach((name, index) => {
			this.indexOf.set(name, index);
		});
		this.zones = names.map((name) => {
			const zone = constants.zones[name]!;
			return {
				name,
				gainCPerPercent: zone.gainCPerPercent * scale(`${name} gain`),
				perS: 1 / (zone.timeConstantS * scale(`${name} time constant`)),
				deadTimeMs: zone.deadTimeS * 1000,
				pulls: constants.couplings
					.filter((coupling) => coupling.to === name)
					.map((coupling) => ({ from: this.node(coupling.from), share: coupling.share })),
				percent: 0,
				pending: [],
			};
		});
		const { stageZone, wallZone, lagS, wallShare } = constants.foil;
		this.foil = { node: names.length, stage: this.node(stageZone), wall: this.node(wallZone), perS: 1 / lagS };
		this.foilWallShare = wallShare;
		const nodes = () => new Float64Array(names.length + 1);
		this.degC = nodes().fill(ambientC);
		this.scratch = [nodes(), nodes(), nodes(), nodes(), nodes()];
	}

	/** Temperature of a zone in degC; throws on a name that the reactor does not have. */
	zoneC(zone: string): number {
		return this.degC[this.node(zone)]!;
	}

	get foilC(): number {
		return this.degC[this.foil.node]!;
	}

	/** `percent` is clamped to 0..100. Takes effect after the zone's dead time. */
	setHeaterPercent(zone: string, percent: number): void {
		const target = this.zones[this.node(zone)]!;
		const clamped = Math.min(100, Math.max(0, percent));
		const last = target.pending.at(-1)?.percent ?? target.percent;
		if (clamped !== last) target.pending.push({ atMs: this.nowMs + target.deadTimeMs, percent: clamped });
	}

	/** Puts everything at one temperature, as after a night. */
	settleAt(degC: number): void {
		this.degC.fill(degC);
	}

	advance(toMs: number): void {
		while (this.nowMs < toMs) {
			const untilMs = Math.min(toMs, this.nowMs + STEP_MS_MAX, this.applyDue());
			this.step((untilMs - this.nowMs) / 1000);
			this.nowMs = untilMs;
		}
		this.applyDue();
	}

	/** Applies what has arrived; gives the time at which the next command arrives. */
	private applyDue(): number {
		let nextMs = Number.POSITIVE_INFINITY;
		for (const zone of this.zones) {
			while (zone.pending.length > 0 && zone.pending[0]!.atMs <= this.nowMs)
				zone.percent = zone.pending.shift()!.percent;
			if (zone.pending.length > 0) nextMs = Math.min(nextMs, zone.pending[0]!.atMs);
		}
		return nextMs;
	}

	/** One classical Runge-Kutta step. */
	private step(seconds: number): void {
		const [k1, k2, k3, k4, at] = this.scratch;
		const now = this.degC;
		this.slope(now, k1);
		for (let i = 0; i < now.length; i += 1) at[i] = now[i]! + 0.5 * seconds * k1[i]!;
		this.slope(at, k2);
		for (let i = 0; i < now.length; i += 1) at[i] = now[i]! + 0.5 * seconds * k2[i]!;
		this.slope(at, k3);
		for (let i = 0; i < now.length; i += 1) at[i] = now[i]! + seconds * k3[i]!;
		this.slope(at, k4);
		for (let i = 0; i < now.length; i += 1)
			now[i] = now[i]! + (seconds / 6) * (k1[i]! + 2 * k2[i]! + 2 * k3[i]! + k4[i]!);
	}

	private slope(degC: Float64Array, out: Float64Array): void {
		for (let i = 0; i < this.zones.length; i += 1) {
			const zone = this.zones[i]!;
			let drive = this.ambientC + zone.gainCPerPercent * zone.percent - degC[i]!;
			for (const pull of zone.pulls) drive += pull.share * (degC[pull.from]! - degC[i]!);
			out[i] = zone.perS * drive;
		}
		const { node, stage, wall, perS } = this.foil;
		const settlesC = degC[stage]! + this.foilWallShare * (degC[wall]! - degC[stage]!);
		out[node] = perS * (settlesC - degC[node]!);
	}

	private node(zone: string): number {
		const index = this.indexOf.get(zone);
		if (index === undefined)
			throw new Error(`The simulated reactor has no zone ${zone}; it has ${[...this.indexOf.keys()].join(", ")}.`);
		return index;
	}
}
