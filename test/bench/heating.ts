/**
 * Heat that never crosses the melt line: seeded reactors are identified by the tune's own test and mathematics, then brought
 * to their anneal through the instrument's own loop. `HEATING_REACTORS` makes it shorter while working on it.
 */
import { Prng } from "#core/prng.js";
import type { Tuning } from "#drivers/eurotherm-3216/control-loop.js";
import { proposedSettings } from "#heating/controller-settings.js";
import { HeatGuide, type HeatTask } from "#heating/heat-guide.js";
import { identify, zoneModelOf } from "#heating/identify.js";
import { type FoilCalibration, holdingPercent, type ZoneModel } from "#heating/zone-model.js";
import { type Driven, type DriveOptions, drive, guided } from "./heating/drive.js";
import { oracleSeconds } from "./heating/oracle.js";
import { drawReactor, hottestC, NOMINAL, type ReactorTruth } from "./heating/reactor.js";
import { DEFAULT_TUNING, tuneReactor } from "./heating/tune-reactor.js";
import { driveOverWire } from "./heating/wire.js";
import { atLeast, atMost, type Bar, type BenchResult, equals, median, quantile } from "./report.js";

const REACTORS = Number(process.env.HEATING_REACTORS ?? 500);
const WIRE_REACTORS = 10;
/** A heater that can barely hold 180 degC is no heater for it; the oracle would not get there either. */
const HEADROOM_C = 3;
const SECONDS_MAX = 12_000;
/** After a mismatch was reported the reactor is watched this long. */
const AFTER_MISMATCH_S = 900;
/** What the thermocouple wafer leaves open. */
const OFFSET_BOUND_C = 0.08;
const FOIL_LAG_BOUND_SHARE = 0.2;
const TUNE_C = 120;

interface Anneal {
	readonly name: string;
	readonly startC: number;
	readonly wallC: number;
	readonly task: HeatTask;
	/** The bar: never at or above. */
	readonly neverC: number;
}

const LI: Anneal = {
	name: "li",
	startC: 120,
	wallC: 120,
	task: { targetC: 180, neverAboveC: 180.3, rampCPerMin: 10, stageLimitC: 190 },
	neverC: 180.5,
};
const NA: Anneal = {
	name: "na",
	startC: 65,
	wallC: 65,
	task: { targetC: 98, neverAboveC: 98.5, rampCPerMin: 10, stageLimitC: 110 },
	neverC: 98.5,
};

interface Known {
	readonly truth: ReactorTruth;
	readonly model: ZoneModel;
	readonly foil: FoilCalibration;
}

const WRONG = {
	"gain-half": (model: ZoneModel) => () => ({ ...model, gainCPerPercent: 0.5 * model.gainCPerPercent }),
	"gain-half-more": (model: ZoneModel) => () => ({ ...model, gainCPerPercent: 1.5 * model.gainCPerPercent }),
	"time-constant-half": (model: ZoneModel) => () => ({ ...model, timeConstantS: 0.5 * model.timeConstantS }),
	"time-constant-half-more": (model: ZoneModel) => () => ({ ...model, timeConstantS: 1.5 * model.timeConstantS }),
	// Wrong, but right at rest where the anneal begins: only the way itself can show it.
	"gain-half-hidden": (model: ZoneModel) => hidden(model, 0.5),
	"gain-half-more-hidden": (model: ZoneModel) => hidden(model, 1.5),
} as const;

function hidden(model: ZoneModel, factor: number) {
	return (startC: number): ZoneModel => {
		const gainCPerPercent = factor * model.gainCPerPercent;
		return { ...model, gainCPerPercent, restC: startC - gainCPerPercent * holdingPercent(model, startC) };
	};
}

export async function heating(seed: number): Promise<BenchResult> {
	const { known, tooWeak, tuneFailures } = knowReactors(seed);
	const li = known.map((each) => annealed(each, LI));
	const na = known.map((each) => annealed(each, NA));
	const wrong = Object.entries(WRONG).flatMap(([how, change]) =>
		[LI, NA].map((anneal) => ({
			how,
			anneal,
			runs: known.map((each) =>
				annealed({ ...each, model: change(each.model)(anneal.startC - each.foil.offsetC) }, anneal),
			),
		})),
	);
	const plain = known.map((each) => baseline(each, LI));
	const wireErrorsC = await overWire(known.slice(0, WIRE_REACTORS));
	const bars: Bar[] = [
		equals("heating.reactors", known.length, "1", REACTORS),
		equals("heating.tune-failures", tuneFailures.length, "1", 0),
		...annealBars(LI, li),
		atMost("heating.li.time-over-oracle-median", median(li.map(({ ratio }) => ratio)), "1", 1.25),
		atMost("heating.li.time-over-oracle-worst", Math.max(...li.map(({ ratio }) => ratio)), "1", 1.6),
		...annealBars(NA, na),
		...wrong.flatMap(({ how, anneal, runs }) => wrongBars(how, anneal, runs)),
		atMost("heating.wire-against-direct", Math.max(...wireErrorsC), "degC", 0.02),
	];
	const beside = (runs: readonly Driven[]) => {
		const over = runs.map(({ foilPeakC }) => foilPeakC - LI.task.targetC);
		const seconds = runs.map(({ arrivalS }) => arrivalS);
		return `overshoot ${median(over).toFixed(2)} °C median, ${Math.max(...over).toFixed(2)} °C worst; ${median(seconds)} s median, ${Math.max(...seconds)} s worst`;
	};
	console.error(`li guided:              ${beside(li)}`);
	console.error(`li plain setpoint step: ${beside(plain)}`);
	for (const [name, seeds] of [["li", failedSeeds(li, LI)] as const, ["na", failedSeeds(na, NA)] as const])
		if (seeds.length > 0) console.error(`${name}: reactors with a missed bar, by seed: ${seeds.join(", ")}`);
	return {
		bars,
		detail: {
			tooWeakForTarget: tooWeak,
			tuneFailures,
			baseline: {
				what: "plain setpoint step, the instrument's default PID",
				overshootMedianC: median(plain.map(({ foilPeakC }) => foilPeakC)) - LI.task.targetC,
				overshootWorstC: Math.max(...plain.map(({ foilPeakC }) => foilPeakC)) - LI.task.targetC,
				secondsMedian: median(plain.map(({ arrivalS }) => arrivalS)),
				secondsWorst: finite(Math.max(...plain.map(({ arrivalS }) => arrivalS))),
			},
			guided: {
				overshootMedianC: median(li.map(({ foilPeakC }) => foilPeakC)) - LI.task.targetC,
				overshootWorstC: Math.max(...li.map(({ foilPeakC }) => foilPeakC)) - LI.task.targetC,
				secondsMedian: median(li.map(({ arrivalS }) => arrivalS)),
				secondsWorst: finite(Math.max(...li.map(({ arrivalS }) => arrivalS))),
				ratioP95: quantile(
					li.map(({ ratio }) => ratio),
					0.95,
				),
			},
			failedSeeds: {
				li: failedSeeds(li, LI),
				na: failedSeeds(na, NA),
				...Object.fromEntries(
					wrong.map(({ how, anneal, runs }) => [
						`${anneal.name}.${how}`,
						runs
							.filter((run) => run.mismatch === undefined || run.foilPeakC > anneal.task.neverAboveC)
							.map(({ seed: each }) => each),
					]),
				),
			},
			mismatchSecondsMedian: Object.fromEntries(
				wrong.map(({ how, anneal, runs }) => [
					`${anneal.name}.${how}`,
					finite(median(runs.map((run) => run.mismatchS))),
				]),
			),
			wireErrorsC,
			setting: {
				reactor: NOMINAL,
				spread: 0.4,
				offsetBoundC: OFFSET_BOUND_C,
				foilLagBoundShare: FOIL_LAG_BOUND_SHARE,
				LI,
				NA,
			},
		},
	};
}

/** Draws reactors until enough of them have the power for the target; each is tuned, and its foil calibrated within bounds. */
function knowReactors(seed: number) {
	const known: Known[] = [];
	const tuneFailures: { seed: number; reason: string }[] = [];
	let tooWeak = 0;
	for (let i = 0; known.length + tuneFailures.length < REACTORS; i += 1) {
		const truth = drawReactor(100_000 * seed + i);
		if (hottestC(truth, LI.wallC) < LI.task.targetC - truth.offsetC + HEADROOM_C) {
			tooWeak += 1;
			continue;
		}
		const data = tuneReactor(truth, TUNE_C - truth.offsetC, TUNE_C);
		if (typeof data === "string") tuneFailures.push({ seed: truth.seed, reason: data });
		else known.push({ truth, model: zoneModelOf(identify(data).chosen), foil: calibrate(truth) });
	}
	return { known, tooWeak, tuneFailures };
}

function calibrate(truth: ReactorTruth): FoilCalibration {
	const random = new Prng(truth.seed, "calibration");
	return {
		offsetC: truth.offsetC + random.between(-OFFSET_BOUND_C, OFFSET_BOUND_C),
		offsetBoundC: OFFSET_BOUND_C,
		lagS: truth.foilLagS * random.between(1 - FOIL_LAG_BOUND_SHARE, 1 + FOIL_LAG_BOUND_SHARE),
		lagBoundS: FOIL_LAG_BOUND_SHARE * truth.foilLagS,
	};
}

interface Annealed extends Driven {
	readonly seed: number;
	readonly ratio: number;
	readonly mismatch: string | undefined;
	readonly mismatchS: number;
}

function optionsFor({ truth, model, foil }: Known, { startC, wallC, task }: Anneal) {
	const settings = proposedSettings(model);
	const instrument = { ...settings, resolutionC: 0.1, powerMaxPercent: 100, noiseC: NOMINAL.noiseC };
	const tuning: Tuning = { ...settings };
	const guide = guided(
		(sample) => new HeatGuide({ model, foil, task, instrument }, { ...sample, setpointC: sample.readingC }),
	);
	let mismatch: { reason: string; atS: number } | undefined;
	const options: DriveOptions = {
		truth,
		startC: startC - truth.offsetC,
		wallC,
		targetC: task.targetC,
		tuning,
		secondsMax: SECONDS_MAX,
		control: (sample) => {
			const guidance = guide.control(sample);
			if (guidance.mismatch !== undefined) mismatch ??= { reason: guidance.mismatch, atS: sample.atS };
			return guidance;
		},
		isOver: (atS) => mismatch !== undefined && atS - mismatch.atS > AFTER_MISMATCH_S,
	};
	return { options, mismatch: () => mismatch };
}

function annealed(known: Known, anneal: Anneal): Annealed {
	const { truth } = known;
	const { options, mismatch } = optionsFor(known, anneal);
	const driven = drive(options);
	const { task, wallC } = anneal;
	const leastS = oracleFor(truth, anneal.name, () =>
		oracleSeconds(truth, {
			startC: options.startC,
			wallC,
			targetC: task.targetC,
			foilMaxC: task.neverAboveC,
			stageMaxC: task.stageLimitC - truth.offsetC,
			rampCPerMin: task.rampCPerMin,
		}),
	);
	return {
		...driven,
		foilC: [],
		seed: truth.seed,
		ratio: driven.arrivalS / leastS,
		mismatch: mismatch()?.reason,
		mismatchS: mismatch()?.atS ?? Number.POSITIVE_INFINITY,
	};
}

const oracles = new Map<string, number>();
function oracleFor({ seed }: ReactorTruth, name: string, compute: () => number): number {
	const key = `${name} ${seed}`;
	const known = oracles.get(key) ?? compute();
	oracles.set(key, known);
	return known;
}

/** What a lab has without all this: the instrument as it comes, and a setpoint. */
function baseline({ truth, foil }: Known, { startC, wallC, task }: Anneal): Driven {
	const setpointC = Math.round((task.targetC - foil.offsetC) * 10) / 10;
	return drive({
		truth,
		startC: startC - truth.offsetC,
		wallC,
		targetC: task.targetC,
		tuning: DEFAULT_TUNING,
		secondsMax: 6000,
		control: () => ({ setpointC, state: "heating" }),
	});
}

/** Largest difference of the foil, second by second, between the wire and the direct coupling. */
async function overWire(known: readonly Known[]): Promise<number[]> {
	const errorsC: number[] = [];
	for (const each of known) {
		const wire = await driveOverWire(optionsFor(each, LI).options);
		const { foilC } = drive(optionsFor(each, LI).options);
		if (foilC.length !== wire.foilC.length) errorsC.push(Number.POSITIVE_INFINITY);
		else errorsC.push(foilC.reduce((most, degC, s) => Math.max(most, Math.abs(degC - wire.foilC[s]!)), 0));
	}
	return errorsC;
}

const share = <T>(all: readonly T[], holds: (each: T) => boolean): number => all.filter(holds).length / all.length;
const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);

function annealBars({ name, task, neverC }: Anneal, runs: readonly Annealed[]): Bar[] {
	const id = (what: string) => `heating.${name}.${what}`;
	return [
		atLeast(
			id("below-bound-share"),
			share(runs, ({ foilPeakC }) => foilPeakC <= task.neverAboveC),
			"1",
			0.99,
		),
		atMost(id("foil-peak-worst"), Math.max(...runs.map(({ foilPeakC }) => foilPeakC)), "degC", neverC),
		atLeast(id("hold-within-0.2-worst"), Math.min(...runs.map(({ heldShare }) => heldShare)), "1", 0.99),
		equals(id("false-mismatches"), runs.filter(({ mismatch }) => mismatch !== undefined).length, "1", 0),
	];
}

function wrongBars(how: string, { name, task, neverC }: Anneal, runs: readonly Annealed[]): Bar[] {
	const id = (what: string) => `heating.${name}.model-${how}.${what}`;
	return [
		atLeast(
			id("reported"),
			share(runs, ({ mismatch }) => mismatch !== undefined),
			"1",
			0.95,
		),
		atLeast(
			id("below-bound-share"),
			share(runs, ({ foilPeakC }) => foilPeakC <= task.neverAboveC),
			"1",
			0.99,
		),
		atMost(id("foil-peak-worst"), Math.max(...runs.map(({ foilPeakC }) => foilPeakC)), "degC", neverC),
	];
}

function failedSeeds(runs: readonly Annealed[], { task }: Anneal): number[] {
	return runs
		.filter(
			(run) =>
				run.foilPeakC > task.neverAboveC ||
				!(run.heldShare >= 0.99) ||
				run.mismatch !== undefined ||
				!(run.ratio <= 1.6),
		)
		.map(({ seed }) => seed);
}
