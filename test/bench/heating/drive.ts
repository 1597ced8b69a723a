/** One anneal on one true reactor, through the instrument's own loop: guided, or by a plain setpoint step. */
import { ControlLoop, type Tuning } from "#drivers/eurotherm-3216/control-loop.js";
import type { GuideState, HeatGuide, ZoneSample } from "#heating/heat-guide.js";
import { Reactor, type ReactorTruth, STEP_S } from "./reactor.js";
import { toTenths } from "./tune-reactor.js";

export const WITHIN_C = 0.5;
export const HOLD_S = 1800;
const HOLD_WITHIN_C = 0.2;
const STEPS_PER_SECOND = 1 / STEP_S;

export interface DriveOptions {
	readonly truth: ReactorTruth;
	readonly startC: number;
	readonly wallC: number;
	readonly targetC: number;
	readonly tuning: Tuning;
	readonly secondsMax: number;
	/** Gives the setpoint for the next second; called with what the instrument shows. */
	/** Ends it early. */
	readonly isOver?: (atS: number) => boolean;
	readonly control: (sample: ZoneSample) => { readonly setpointC: number; readonly state: GuideState };
}

export interface Driven {
	readonly foilPeakC: number;
	/** When the foil came within half a degree and stayed there. */
	readonly arrivalS: number;
	/** Share of the half hour, from the guide's own word that it holds, with the foil within 0.2 degC; NaN without it. */
	readonly heldShare: number;
	/** True foil temperature every second. */
	readonly foilC: readonly number[];
}

export function drive(options: DriveOptions): Driven {
	const { truth, startC, wallC, targetC, tuning, control } = options;
	const reactor = new Reactor(truth, startC, wallC, "anneal");
	const loop = new ControlLoop();
	let percent = reactor.holdingPercent(startC);
	let setpointC = toTenths(startC);
	percent = toTenths(percent);
	loop.preload(percent, setpointC, startC, tuning);
	let sensedC = reactor.sense();
	const score = new Score(targetC);
	for (let second = 0; second < options.secondsMax; second += 1) {
		const sample = { atS: second, readingC: toTenths(sensedC), outputPercent: toTenths(percent) };
		const { setpointC: next, state } = control(sample);
		setpointC = next;
		for (let i = 0; i < STEPS_PER_SECOND; i += 1) {
			sensedC = reactor.sense();
			percent = loop.step(setpointC, sensedC, STEP_S, tuning, 100);
			reactor.step(percent);
		}
		if (score.second(second + 1, reactor.foilC, state) || options.isOver?.(second) === true) break;
	}
	return score.result();
}

export const guided = (make: (sample: ZoneSample) => HeatGuide) => {
	let guide: HeatGuide | undefined;
	return {
		control: (sample: ZoneSample) => {
			guide ??= make(sample);
			return guide.step(sample);
		},
		get guide() {
			return guide!;
		},
	};
};

/** What becomes of the foil, second by second. */
export class Score {
	private peakC = Number.NEGATIVE_INFINITY;
	private arrivedS = Number.POSITIVE_INFINITY;
	private heldS = 0;
	private nearS = 0;
	private holds = false;
	private readonly foilC: number[] = [];

	constructor(private readonly targetC: number) {}

	/** True once the half hour is over. */
	second(atS: number, foilC: number, state: GuideState): boolean {
		this.foilC.push(foilC);
		this.peakC = Math.max(this.peakC, foilC);
		const awayC = Math.abs(foilC - this.targetC);
		if (awayC > WITHIN_C) this.arrivedS = Number.POSITIVE_INFINITY;
		else this.arrivedS = Math.min(this.arrivedS, atS);
		this.holds ||= state === "holding";
		if (this.holds) {
			this.heldS += 1;
			if (awayC <= HOLD_WITHIN_C) this.nearS += 1;
		}
		return this.heldS >= HOLD_S;
	}

	result(): Driven {
		const heldShare = this.heldS >= HOLD_S ? this.nearS / this.heldS : Number.NaN;
		return { foilPeakC: this.peakC, arrivalS: this.arrivedS, heldShare, foilC: this.foilC };
	}
}
