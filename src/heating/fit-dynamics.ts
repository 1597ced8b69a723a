/** The least squares behind identification: linear parameters are projected out, the dynamics are found by damped Gauss-Newton steps. */
import { inverse, Matrix, solve } from "ml-matrix";
import { type Dynamics, respond, stepsOf, type TestData } from "./response.js";

export interface Fit {
	readonly order: 1 | 2;
	readonly dynamics: Dynamics;
	readonly estimates: Readonly<Record<string, { value: number; sigma: number }>>;
	readonly fitted: Float64Array;
	/** Weighted sum of squared residuals. */
	readonly cost: number;
	readonly bic: number;
	readonly residualRms: number;
	readonly residualMax: number;
	readonly correlation: number;
	readonly outlierShare: number;
}

export interface FitOptions {
	readonly order: 1 | 2;
	/** The zone does not rest at the first row: a decaying difference is fitted too. */
	readonly unsettled: boolean;
	readonly drift: boolean;
	/** Where to begin; without it a grid is searched. */
	readonly start?: Dynamics;
}

/** Huber's bound, in standard deviations: 95 % efficient on clean data. */
const HUBER_SIGMAS = 1.345;
/** Median absolute deviation to standard deviation, normal distribution. */
const SIGMA_PER_MAD = 1.4826;
/** A reading's steps hide smaller noise than this. */
const SIGMA_C_MIN = 1e-4;
const ITERATIONS_MAX = 40;
const REWEIGHTS = 3;
const CONVERGED = 1e-7;
/** The grid is searched on at most about this many rows. */
const GRID_ROWS = 600;
const SECONDS_PER_HOUR = 3600;

/** What the linear part sees for given dynamics: one column per linear parameter. */
interface Basis {
	readonly names: readonly string[];
	readonly columns: readonly Float64Array[];
}

interface Projection extends Basis {
	readonly coefficients: readonly number[];
	readonly fitted: Float64Array;
	readonly residuals: Float64Array;
	readonly cost: number;
}

export function fitDynamics(data: TestData, options: FitOptions): Fit {
	const problem = new Separable(data, options);
	let nonlinear = problem.toVector(options.start ?? searchGrid(data, options), options.order);
	let weights: Float64Array = new Float64Array(data.timeS.length).fill(1);
	let projection = problem.project(nonlinear, weights);
	for (let pass = 0; pass < REWEIGHTS; pass += 1) {
		({ nonlinear, projection } = descend(problem, nonlinear, weights));
		weights = huberWeights(projection.residuals);
	}
	({ nonlinear, projection } = descend(problem, nonlinear, weights));
	return summarise(problem, options.order, nonlinear, projection, weights);
}

/** Temperatures as a linear mixture of responses, once the dynamics are given. */
class Separable {
	readonly spanS: number;
	readonly stepS: number;
	private readonly power;
	private readonly neighbours;

	constructor(
		readonly data: TestData,
		private readonly terms: Pick<FitOptions, "unsettled" | "drift">,
	) {
		const { timeS } = data;
		this.spanS = timeS.at(-1)! - timeS[0]!;
		this.stepS = this.spanS / (timeS.length - 1);
		this.power = stepsOf(timeS, data.powerPercent);
		this.neighbours = Object.entries(data.neighboursC ?? {}).map(([name, degC]) => ({
			name,
			steps: stepsOf(timeS, degC),
		}));
	}

	/** Logarithms keep time constants positive; the dead time may end at zero. */
	toVector({ timeConstantS, lagS, deadTimeS }: Dynamics, order: 1 | 2): number[] {
		const vector = [Math.log(timeConstantS), deadTimeS / this.spanS];
		return order === 1 ? vector : [...vector, Math.log(lagS > 0 ? lagS : Math.max(this.stepS, 0.02 * timeConstantS))];
	}

	toDynamics(vector: readonly number[]): Dynamics {
		return {
			timeConstantS: Math.exp(vector[0]!),
			deadTimeS: vector[1]! * this.spanS,
			lagS: vector[2] === undefined ? 0 : Math.exp(vector[2]),
		};
	}

	/** Inside what the test can show. */
	bounded(vector: readonly number[]): number[] {
		const [longest, shortest] = [Math.log(20 * this.spanS), Math.log(this.stepS / 10)];
		const timeConstant = Math.min(longest, Math.max(shortest, vector[0]!));
		const dead = Math.min(0.5, Math.max(0, vector[1]!));
		if (vector[2] === undefined) return [timeConstant, dead];
		return [timeConstant, dead, Math.min(timeConstant - 0.02, Math.max(shortest, vector[2]))];
	}

	basis(dynamics: Dynamics): Basis {
		const { timeS } = this.data;
		const names = ["gain", "rest"];
		const columns = [respond(timeS, this.power, dynamics), new Float64Array(timeS.length).fill(1)];
		if (this.terms.unsettled) {
			names.push("start");
			columns.push(Float64Array.from(timeS, (atS) => Math.exp(-(atS - timeS[0]!) / dynamics.timeConstantS)));
		}
		if (this.terms.drift) {
			names.push("drift");
			columns.push(Float64Array.from(timeS, (atS) => (atS - timeS[0]!) / SECONDS_PER_HOUR));
		}
		for (const { name, steps } of this.neighbours) {
			names.push(`neighbour ${name}`);
			columns.push(respond(timeS, steps, { ...dynamics, deadTimeS: 0 }));
		}
		return { names, columns };
	}

	project(vector: readonly number[], weights: Float64Array): Projection {
		const basis = this.basis(this.toDynamics(vector));
		const { columns } = basis;
		const measured = this.data.temperatureC;
		const size = columns.length;
		const normal = Matrix.zeros(size, size);
		const right = Matrix.zeros(size, 1);
		for (let a = 0; a < size; a += 1) {
			const one = columns[a]!;
			for (let b = a; b < size; b += 1) {
				const other = columns[b]!;
				let sum = 0;
				for (let i = 0; i < one.length; i += 1) sum += weights[i]! * one[i]! * other[i]!;
				normal.set(a, b, sum);
				normal.set(b, a, sum);
			}
			let sum = 0;
			for (let i = 0; i < one.length; i += 1) sum += weights[i]! * one[i]! * measured[i]!;
			right.set(a, 0, sum);
		}
		const coefficients = solveScaled(normal, right);
		const fitted = new Float64Array(measured.length);
		const residuals = new Float64Array(measured.length);
		let cost = 0;
		for (let i = 0; i < fitted.length; i += 1) {
			let sum = 0;
			for (let a = 0; a < size; a += 1) sum += coefficients[a]! * columns[a]![i]!;
			fitted[i] = sum;
			residuals[i] = measured[i]! - sum;
			cost += weights[i]! * residuals[i]! ** 2;
		}
		return { ...basis, coefficients, fitted, residuals, cost };
	}
}

/** Normal equations with unit diagonal; a column that says nothing gets nothing. */
function solveScaled(normal: Matrix, right: Matrix): number[] {
	const scale = normal.diagonal().map((each) => (each > 0 ? 1 / Math.sqrt(each) : 0));
	const scaled = Matrix.zeros(normal.rows, normal.columns);
	for (let a = 0; a < normal.rows; a += 1)
		for (let b = 0; b < normal.columns; b += 1)
			scaled.set(a, b, normal.get(a, b) * scale[a]! * scale[b]! + (a === b ? 1e-12 : 0));
	const rightScaled = Matrix.columnVector(scale.map((each, a) => each * right.get(a, 0)));
	return solve(scaled, rightScaled)
		.to1DArray()
		.map((each, a) => each * scale[a]!);
}

function descend(problem: Separable, start: readonly number[], weights: Float64Array) {
	let nonlinear = problem.bounded(start);
	let projection = problem.project(nonlinear, weights);
	let damping = 1e-3;
	for (let iteration = 0; iteration < ITERATIONS_MAX; iteration += 1) {
		const { normal, gradient } = linearise(problem, nonlinear, projection, weights);
		let improved = false;
		while (!improved && damping < 1e8) {
			const damped = normal.clone();
			for (let a = 0; a < damped.rows; a += 1) damped.set(a, a, damped.get(a, a) * (1 + damping) + 1e-12);
			const step = solve(damped, gradient).to1DArray();
			const next = problem.bounded(nonlinear.map((each, a) => each + step[a]!));
			const nextProjection = problem.project(next, weights);
			if (nextProjection.cost < projection.cost) {
				const gained = (projection.cost - nextProjection.cost) / projection.cost;
				nonlinear = next;
				projection = nextProjection;
				damping = Math.max(1e-9, damping / 5);
				improved = true;
				if (gained < CONVERGED) return { nonlinear, projection };
			} else damping *= 4;
		}
		if (!improved) break;
	}
	return { nonlinear, projection };
}

/** Derivatives of the projected residuals by differences (Golub and Pereyra's variable projection). */
function linearise(
	problem: Separable,
	nonlinear: readonly number[],
	projection: Projection,
	weights: Float64Array,
): { normal: Matrix; gradient: Matrix } {
	const slopes = nonlinear.map((each, a) => {
		const h = a === 1 ? 1e-5 : 1e-4;
		const moved = nonlinear.map((other, b) => (b === a ? each + h : other));
		const { residuals } = problem.project(moved, weights);
		return residuals.map((after, i) => (after - projection.residuals[i]!) / h);
	});
	const size = nonlinear.length;
	const normal = Matrix.zeros(size, size);
	const gradient = Matrix.zeros(size, 1);
	for (let a = 0; a < size; a += 1) {
		for (let b = a; b < size; b += 1) {
			const sum = weighted(slopes[a]!, slopes[b]!, weights);
			normal.set(a, b, sum);
			normal.set(b, a, sum);
		}
		gradient.set(a, 0, -weighted(slopes[a]!, projection.residuals, weights));
	}
	return { normal, gradient };
}

function weighted(a: Float64Array, b: Float64Array, weights: Float64Array): number {
	let sum = 0;
	for (let i = 0; i < a.length; i += 1) sum += weights[i]! * a[i]! * b[i]!;
	return sum;
}

function searchGrid(data: TestData, options: FitOptions): Dynamics {
	const { order } = options;
	const every = Math.max(1, Math.floor(data.timeS.length / GRID_ROWS));
	const thin = (values: readonly number[]) => values.filter((_, i) => i % every === 0);
	const thinned: TestData = every === 1 ? data : { ...data, ...thinRows(data, thin) };
	const problem = new Separable(thinned, options);
	const weights = new Float64Array(thinned.timeS.length).fill(1);
	let best: { dynamics: Dynamics; cost: number } | undefined;
	for (let i = 0; i < 14; i += 1) {
		const timeConstantS = problem.spanS * 0.004 * 2 ** (i * 0.72);
		for (let j = 0; j < 12; j += 1) {
			const deadTimeS = j === 0 ? 0 : problem.spanS * 0.0008 * 2 ** ((j - 1) * 0.75);
			const dynamics = { timeConstantS, deadTimeS, lagS: order === 2 ? 0.03 * timeConstantS : 0 };
			const { cost } = problem.project(problem.bounded(problem.toVector(dynamics, order)), weights);
			if (best === undefined || cost < best.cost) best = { dynamics, cost };
		}
	}
	return best!.dynamics;
}

function thinRows(data: TestData, thin: (values: readonly number[]) => number[]): TestData {
	const { timeS, powerPercent, temperatureC, neighboursC } = data;
	const every = Math.max(1, Math.floor(timeS.length / GRID_ROWS));
	// The mean power of the rows that a kept row stands for.
	const meanPower = thin(timeS as number[]).map((_, k) => {
		const part = powerPercent.slice(k * every, (k + 1) * every);
		return part.reduce((sum, each) => sum + each, 0) / part.length;
	});
	const neighbours = Object.entries(neighboursC ?? {}).map(([name, values]) => [name, thin(values)]);
	return {
		timeS: thin(timeS),
		powerPercent: meanPower,
		temperatureC: thin(temperatureC),
		...(neighbours.length > 0 ? { neighboursC: Object.fromEntries(neighbours) } : {}),
	};
}

function robustSigma(residuals: Float64Array): number {
	const sorted = residuals.map(Math.abs).sort();
	return Math.max(SIGMA_C_MIN, SIGMA_PER_MAD * sorted[Math.floor(sorted.length / 2)]!);
}

function huberWeights(residuals: Float64Array): Float64Array {
	const bound = HUBER_SIGMAS * robustSigma(residuals);
	return residuals.map((each) => (Math.abs(each) <= bound ? 1 : bound / Math.abs(each)));
}

function summarise(
	problem: Separable,
	order: 1 | 2,
	nonlinear: readonly number[],
	projection: Projection,
	weights: Float64Array,
): Fit {
	const { residuals, names, columns, coefficients } = projection;
	const rows = residuals.length;
	const dynamics = problem.toDynamics(nonlinear);
	const slopes = nonlinear.map((each, a) => {
		const h = a === 1 ? 1e-5 : 1e-4;
		const moved = problem.basis(problem.toDynamics(nonlinear.map((other, b) => (b === a ? each + h : other))));
		return projection.fitted.map((before, i) => {
			let after = 0;
			for (let c = 0; c < coefficients.length; c += 1) after += coefficients[c]! * moved.columns[c]![i]!;
			return (after - before) / h;
		});
	});
	const jacobian = [...columns, ...slopes];
	const size = jacobian.length;
	const normal = Matrix.zeros(size, size);
	for (let a = 0; a < size; a += 1)
		for (let b = 0; b < size; b += 1) normal.set(a, b, weighted(jacobian[a]!, jacobian[b]!, weights));
	const correlation = lagOne(residuals);
	// Correlated residuals tell less than their number.
	const inflation = (1 + Math.max(0, correlation)) / (1 - Math.min(0.99, Math.max(0, correlation)));
	const variance = (projection.cost / Math.max(1, rows - size)) * inflation;
	const spread = diagonalOfInverse(normal).map((each) => Math.sqrt(Math.max(0, each * variance)));
	const estimates: Record<string, { value: number; sigma: number }> = {};
	names.forEach((name, a) => {
		estimates[name] = { value: coefficients[a]!, sigma: spread[a]! };
	});
	const first = names.length;
	const { timeConstantS, deadTimeS, lagS } = dynamics;
	estimates.timeConstantS = { value: timeConstantS, sigma: timeConstantS * spread[first]! };
	estimates.deadTimeS = { value: deadTimeS, sigma: problem.spanS * spread[first + 1]! };
	if (order === 2) estimates.lagS = { value: lagS, sigma: lagS * spread[first + 2]! };
	const sigma = robustSigma(residuals);
	return {
		order,
		dynamics,
		estimates,
		fitted: projection.fitted,
		cost: projection.cost,
		bic: rows * Math.log(projection.cost / rows + SIGMA_C_MIN ** 2) + size * Math.log(rows),
		residualRms: Math.sqrt(weighted(residuals, residuals, new Float64Array(rows).fill(1)) / rows),
		residualMax: residuals.reduce((most, each) => Math.max(most, Math.abs(each)), 0),
		correlation,
		outlierShare: residuals.filter((each) => Math.abs(each) > 4 * sigma).length / rows,
	};
}

function diagonalOfInverse(normal: Matrix): number[] {
	const scale = normal.diagonal().map((each) => (each > 0 ? 1 / Math.sqrt(each) : 0));
	const scaled = Matrix.zeros(normal.rows, normal.columns);
	for (let a = 0; a < normal.rows; a += 1)
		for (let b = 0; b < normal.columns; b += 1) scaled.set(a, b, normal.get(a, b) * scale[a]! * scale[b]!);
	return inverse(scaled, true)
		.diagonal()
		.map((each, a) => each * scale[a]! ** 2);
}

function lagOne(residuals: Float64Array): number {
	let [products, squares] = [0, 0];
	for (let i = 1; i < residuals.length; i += 1) {
		products += residuals[i]! * residuals[i - 1]!;
		squares += residuals[i]! ** 2;
	}
	return squares > 0 ? products / squares : 0;
}
