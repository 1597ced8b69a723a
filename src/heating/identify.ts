import { AdlayerError, type Problem } from "#core/errors.js";
import { type Fit, fitDynamics } from "./fit-dynamics.js";
import type { TestData } from "./response.js";
import type { ZoneModel } from "./zone-model.js";

/** A parameter with one standard deviation. */
export interface Estimate {
	readonly value: number;
	readonly sigma: number;
}

export interface IdentifiedModel {
	readonly order: 1 | 2;
	readonly gainCPerPercent: Estimate;
	readonly timeConstantS: Estimate;
	/** The second, shorter lag; 0 in a first-order model. */
	readonly lagS: Estimate;
	readonly deadTimeS: Estimate;
	readonly restC: Estimate;
	/** degC/h by which the resting temperature wandered; 0 where the data do not ask for it. */
	readonly driftCPerH: Estimate;
	/** How strongly each neighbour pulls, as a share of the zone's own loss. */
	readonly couplings: Readonly<Record<string, Estimate>>;
	readonly residualRmsC: number;
	readonly residualMaxC: number;
	/** Correlation of neighbouring residuals; near 0 where the model says all there is to say. */
	readonly residualCorrelation: number;
	/** Rows that the robust fit counts less, as a share. */
	readonly outlierShare: number;
}

export interface Identification {
	readonly rows: number;
	readonly seconds: number;
	/** First order plus dead time, without drift: the plain description, whatever else the data show. */
	readonly firstOrder: IdentifiedModel;
	/** Null where the data do not show a second lag. */
	readonly secondOrder: IdentifiedModel | null;
	/** The model that the data ask for. */
	readonly chosen: IdentifiedModel;
	readonly warnings: readonly string[];
	/** The chosen model's temperatures at the rows' times. */
	readonly fittedC: Float64Array;
}

const ROWS_MIN = 12;
const ROWS_MAX = 200_000;
/** Of the Bayesian information criterion: "very strong" evidence for the longer model (Kass and Raftery 1995). */
const BIC_GAIN_MIN = 10;
/** A drift is believed where it explains this much of what is left. */
const DRIFT_COST_SHARE_MAX = 0.8;
/** A first-order fit takes a short lag for dead time; this much of it is where the search for the lag begins. */
const LAG_DEAD_TIME_SHARE = 0.3;
const VAGUE_SHARE = 0.2;

export const zoneModelOf = (model: IdentifiedModel): ZoneModel => ({
	gainCPerPercent: model.gainCPerPercent.value,
	timeConstantS: model.timeConstantS.value,
	lagS: model.lagS.value,
	deadTimeS: model.deadTimeS.value,
	restC: model.restC.value,
});

/**
 * A zone's model from a test, by robust least squares on the simulated response (prediction errors with white noise). The
 * zone need not rest at the start; rows may lie unevenly in time. Throws TUNE_DATA_INVALID with everything that is wrong.
 */
export function identify(data: TestData): Identification {
	checkData(data);
	const resting = fitDynamics(data, { order: 1, unsettled: false, drift: false });
	const moving = fitDynamics(data, { order: 1, unsettled: true, drift: false, start: resting.dynamics });
	const unsettled = moving.bic < resting.bic - BIC_GAIN_MIN;
	const first = unsettled ? moving : resting;
	const { timeConstantS, deadTimeS } = first.dynamics;
	const lagS = LAG_DEAD_TIME_SHARE * deadTimeS;
	const second = fitDynamics(data, {
		order: 2,
		unsettled,
		drift: false,
		start: { timeConstantS, lagS, deadTimeS: deadTimeS - lagS },
	});
	const plain = second.bic < first.bic - BIC_GAIN_MIN ? second : first;
	const drifting = fitDynamics(data, { order: plain.order, unsettled, drift: true, start: plain.dynamics });
	const drifts = drifting.bic < plain.bic - BIC_GAIN_MIN && drifting.cost < DRIFT_COST_SHARE_MAX * plain.cost;
	const fit = drifts ? drifting : plain;
	const chosen = describe(data, fit);
	if (!(chosen.gainCPerPercent.value > 0)) {
		const found = chosen.gainCPerPercent.value.toPrecision(3);
		refuse([
			problem(
				`The temperature does not rise with the power: the gain comes out as ${found} °C/%. Are the columns right?`,
			),
		]);
	}
	return {
		rows: data.timeS.length,
		seconds: data.timeS.at(-1)! - data.timeS[0]!,
		firstOrder: describe(data, first),
		secondOrder: fit.order === 2 ? chosen : null,
		chosen,
		warnings: warningsOf(data, chosen),
		fittedC: fit.fitted,
	};
}

function describe(data: TestData, fit: Fit): IdentifiedModel {
	const estimate = (name: string): Estimate => fit.estimates[name] ?? { value: 0, sigma: 0 };
	const neighbours = Object.keys(data.neighboursC ?? {});
	const pull = neighbours.reduce((sum, name) => sum + estimate(`neighbour ${name}`).value, 0);
	const meanC = (values: readonly number[]) => values.reduce((sum, each) => sum + each, 0) / values.length;
	const rest = neighbours.reduce(
		(sum, name) => sum + estimate(`neighbour ${name}`).value * meanC(data.neighboursC![name]!),
		estimate("rest").value,
	);
	return {
		order: fit.order,
		gainCPerPercent: estimate("gain"),
		timeConstantS: estimate("timeConstantS"),
		lagS: estimate("lagS"),
		deadTimeS: estimate("deadTimeS"),
		restC: { value: rest, sigma: estimate("rest").sigma },
		driftCPerH: estimate("drift"),
		couplings: Object.fromEntries(
			neighbours.map((name) => {
				const { value, sigma } = estimate(`neighbour ${name}`);
				return [name, { value: value / (1 - pull), sigma: sigma / (1 - pull) }];
			}),
		),
		residualRmsC: fit.residualRms,
		residualMaxC: fit.residualMax,
		residualCorrelation: fit.correlation,
		outlierShare: fit.outlierShare,
	};
}

function warningsOf(data: TestData, model: IdentifiedModel): string[] {
	const warnings: string[] = [];
	const vague = (name: string, { value, sigma }: Estimate, unit: string) => {
		if (sigma > VAGUE_SHARE * Math.abs(value))
			warnings.push(
				`The ${name} is vague: ${value.toPrecision(3)} ± ${sigma.toPrecision(2)} ${unit}; test longer or with more power.`,
			);
	};
	vague("gain", model.gainCPerPercent, "°C/%");
	vague("time constant", model.timeConstantS, "s");
	if (model.deadTimeS.value > 1) vague("dead time", model.deadTimeS, "s");
	const seconds = data.timeS.at(-1)! - data.timeS[0]!;
	if (model.timeConstantS.value > seconds)
		warnings.push(
			`The time constant (${model.timeConstantS.value.toFixed(0)} s) is longer than the test (${seconds.toFixed(0)} s): gain and time constant are known less well than their ratio.`,
		);
	if (model.outlierShare > 0.02)
		warnings.push(`${(100 * model.outlierShare).toFixed(1)} % of the rows lie far from the model and count less.`);
	if (model.driftCPerH.value !== 0)
		warnings.push(`The resting temperature drifted by ${model.driftCPerH.value.toFixed(1)} °C/h during the test.`);
	return warnings;
}

function checkData({ timeS, powerPercent, temperatureC, neighboursC }: TestData): void {
	const problems: Problem[] = [];
	const rows = timeS.length;
	const columns = { power: powerPercent, temperature: temperatureC, ...neighboursC };
	for (const [name, column] of Object.entries(columns))
		if (column.length !== rows)
			problems.push(problem(`The column ${name} has ${column.length} rows, the time has ${rows}.`));
	if (rows < ROWS_MIN)
		problems.push(problem(`There are ${rows} rows; a test has at least ${ROWS_MIN}.`, rows, ROWS_MIN));
	if (rows > ROWS_MAX) problems.push(problem(`There are ${rows} rows; at most ${ROWS_MAX} are read.`, rows, ROWS_MAX));
	const late = timeS.findIndex((each, i) => i > 0 && !(each > timeS[i - 1]!));
	if (late > 0)
		problems.push(problem(`The time does not rise at row ${late + 1}: ${timeS[late]} s after ${timeS[late - 1]} s.`));
	const unread = Object.entries({ time: timeS, ...columns }).find(([, column]) => !column.every(Number.isFinite));
	if (unread) problems.push(problem(`The column ${unread[0]} holds what is no number.`));
	if (rows > 0 && powerPercent.every((each) => each === powerPercent[0]))
		problems.push(
			problem(
				`The power is ${powerPercent[0]} % in all rows: a heater cannot be known from a test that does not move it.`,
			),
		);
	if (rows > 0 && temperatureC.every((each) => each === temperatureC[0]))
		problems.push(problem(`The temperature is ${temperatureC[0]} °C in all rows.`));
	if (problems.length > 0) refuse(problems);
}

const problem = (message: string, value?: unknown, limit?: unknown): Problem => ({
	severity: "error",
	code: "TUNE_DATA_INVALID",
	message,
	...(value === undefined ? {} : { value, limit }),
});

function refuse(problems: Problem[]): never {
	const all = problems.map(({ message }) => message).join(" ");
	throw new AdlayerError("TUNE_DATA_INVALID", all, { problems });
}
