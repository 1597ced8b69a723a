import type { VacuumConstants } from "./constants.js";

/** Gas that a source gives to the chamber during a step, as a pressure rise rate in Pa/s. */
export interface ChamberSources {
	readonly tmaPaPerS: number;
	readonly h2oPaPerS: number;
}

/** Below this a precursor counts as gone: a hundred-thousandth of what a report could ever show. */
const TRACE_PA = 1e-7;

/** A linear pair of volumes: d(chamber)/dt = a + aa chamber + ab foreline, and so for the foreline. */
interface Pair {
	a: number;
	aa: number;
	ab: number;
	f: number;
	fa: number;
	ff: number;
}

/**
 * Chamber, stop valve, foreline and pump. The total pressures of the two volumes are linear in each other and are advanced
 * exactly for constant inflow; each species then leaves with the same gas, so that amounts are conserved at any step.
 */
export class Vacuum {
	tmaPa = 0;
	h2oPa = 0;
	ch4Pa = 0;
	/** Nitrogen, air and whatever else is inert. */
	inertPa: number;
	forelinePa: number;
	/** Carrier as it flows now, and as the flow controller wants it. */
	carrierSccm = 0;
	carrierTargetSccm = 0;
	carrierSupplied = true;
	/** Set while the flow controller's valve is stuck: the flow that it lets through whatever is wanted. */
	carrierStuckSccm: number | undefined;
	stopOpen = false;
	/** What the shut stop valve lets through, as a share of its open conductance. */
	stopLeakFraction = 0;
	pumpRunning = true;
	/** What is left of the pump's speed. */
	pumpSpeedFraction = 1;
	/** Air that comes in beside the leak the reactor always has. */
	extraLeakPaM3PerS = 0;
	lidClosed = true;
	private readonly pair: Pair = { a: 0, aa: 0, ab: 0, f: 0, fa: 0, ff: 0 };

	constructor(
		private readonly constants: VacuumConstants,
		/** Pa m3/s per sccm at the gas temperature. */
		private readonly paM3PerSPerSccm: number,
		chamberPa: number,
	) {
		this.inertPa = chamberPa;
		this.forelinePa = constants.pumpUltimatePa;
	}

	get chamberPa(): number {
		return this.inertPa + this.tmaPa + this.h2oPa + this.ch4Pa;
	}

	/** Where the flow is going: nowhere when the supply is empty. */
	get carrierGoalSccm(): number {
		return this.carrierSupplied ? (this.carrierStuckSccm ?? this.carrierTargetSccm) : 0;
	}

	get isCarrierSettled(): boolean {
		return Math.abs(this.carrierSccm - this.carrierGoalSccm) < 1e-3;
	}

	step(seconds: number, sources: ChamberSources): void {
		const chamber0 = this.chamberPa;
		const sccm = this.advanceCarrier(seconds);
		const inertPaPerS =
			(sccm * this.paM3PerSPerSccm + this.constants.leakPaM3PerS + this.extraLeakPaM3PerS) / this.constants.chamberM3;
		const sourcePaPerS = inertPaPerS + sources.tmaPaPerS + sources.h2oPaPerS;
		const chamber1 = this.advanceTotals(seconds, chamber0, sourcePaPerS);
		const leftPa = chamber0 + sourcePaPerS * seconds - chamber1;
		const meanPa = 0.5 * (chamber0 + chamber1);
		const perS = leftPa > 0 && meanPa > 0 ? leftPa / (seconds * meanPa) : 0;
		const keep = Math.exp(-perS * seconds);
		const gain = perS > 1e-9 ? (1 - keep) / perS : seconds;
		this.tmaPa = this.tmaPa * keep + sources.tmaPaPerS * gain;
		this.h2oPa = this.h2oPa * keep + sources.h2oPaPerS * gain;
		this.ch4Pa *= keep;
		if (this.tmaPa < TRACE_PA) this.tmaPa = 0;
		if (this.h2oPa < TRACE_PA) this.h2oPa = 0;
		this.inertPa = Math.max(0, chamber1 - this.tmaPa - this.h2oPa - this.ch4Pa);
	}

	/** First-order approach of the flow; gives its mean over the step. */
	private advanceCarrier(seconds: number): number {
		const goalSccm = this.carrierGoalSccm;
		const away = this.carrierSccm - goalSccm;
		const keep = Math.exp(-seconds / this.constants.carrierLagS);
		this.carrierSccm = goalSccm + away * keep;
		return goalSccm + away * (1 - keep) * (this.constants.carrierLagS / seconds);
	}

	/** Gives the chamber's new total; sets the foreline's. */
	private advanceTotals(seconds: number, chamberPa: number, sourcePaPerS: number): number {
		const c = this.constants;
		const valve = c.stopValveM3PerS * (this.stopOpen ? 1 : this.stopLeakFraction);
		const lid = this.lidClosed ? 0 : c.openLidM3PerS;
		const pump = this.pumpRunning ? c.pumpM3PerS * this.pumpSpeedFraction : c.stoppedPumpLeakM3PerS;
		const pumpPa = this.pumpRunning ? c.pumpUltimatePa : c.atmospherePa;
		const pair = this.pair;
		pair.a = sourcePaPerS + (lid * c.atmospherePa) / c.chamberM3;
		pair.aa = -(valve + lid) / c.chamberM3;
		pair.ab = valve / c.chamberM3;
		pair.f = (pump * pumpPa) / c.forelineM3;
		pair.fa = valve / c.forelineM3;
		pair.ff = -(valve + pump) / c.forelineM3;
		const foreline0 = this.forelinePa;
		if (valve === 0) {
			this.forelinePa = pumpPa + (foreline0 - pumpPa) * Math.exp(pair.ff * seconds);
			if (lid === 0) return chamberPa + sourcePaPerS * seconds;
			const settlesPa = -pair.a / pair.aa;
			return settlesPa + (chamberPa - settlesPa) * Math.exp(pair.aa * seconds);
		}
		return this.advancePair(seconds, chamberPa, foreline0);
	}

	/** exp(Mt) of the 2x2 matrix in closed form; its eigenvalues are real and negative because gas only flows downhill. */
	private advancePair(seconds: number, chamberPa: number, forelinePa: number): number {
		const { a, aa, ab, f, fa, ff } = this.pair;
		const determinant = aa * ff - ab * fa;
		const chamberSettlesPa = (-a * ff + ab * f) / determinant;
		const forelineSettlesPa = (-f * aa + fa * a) / determinant;
		const mean = 0.5 * (aa + ff);
		const half = Math.sqrt(Math.max(0, mean * mean - determinant));
		const slow = Math.exp((mean + half) * seconds);
		const fast = Math.exp((mean - half) * seconds);
		const even = 0.5 * (slow + fast);
		const odd = half > 1e-12 ? (slow - fast) / (2 * half) : seconds * even;
		const x = chamberPa - chamberSettlesPa;
		const y = forelinePa - forelineSettlesPa;
		this.forelinePa = forelineSettlesPa + even * y + odd * (fa * x + (ff - mean) * y);
		return chamberSettlesPa + even * x + odd * ((aa - mean) * x + ab * y);
	}
}
