/** The electronics of one simulated channel: runs a program on a cell and writes rows. */
import type { CellPort, CyclerProgram, CyclerRow } from "#device/cycler.js";
import { Lookout } from "#device/lookout.js";
import { ProgramRun } from "#device/program-run.js";
import type { StepWord } from "./codec.js";

const EPSILON_S = 1e-9;

export type ChannelWord = "working" | "finish" | "stop" | "protect";

export class SimulatedChannel {
	word: ChannelWord = "finish";
	test: string | null = null;
	barcode: string | null = null;
	rows: CyclerRow[] = [];
	voltageV: number;
	currentA = 0;
	private run: ProgramRun | undefined;
	private recordDueS = 0;
	private readonly lookout = new Lookout();

	constructor(private readonly cell: CellPort) {
		this.voltageV = cell.apply("open", EPSILON_S).voltageV;
	}

	start(program: CyclerProgram, test: string, barcode: string): void {
		this.run = new ProgramRun(program);
		this.word = this.run.step === undefined ? "finish" : "working";
		this.test = test;
		this.barcode = barcode;
		this.rows = [];
		this.recordDueS = program.recordS;
		this.lookout.reset();
	}

	stop(wallMs: number): void {
		if (this.word !== "working") return;
		this.record(wallMs);
		this.end("stop");
	}

	/** What the channel does just now, where a test runs. */
	get present(): { cycle: number; step: number; stepType: StepWord; stepS: number; testS: number } | undefined {
		const step = this.word === "working" ? this.run?.step : undefined;
		if (step === undefined) return undefined;
		const { stepS, testS } = this.run!;
		return { cycle: step.cycle, step: step.id, stepType: this.stepType, stepS, testS };
	}

	get capacityAh(): number {
		return this.run?.capacityAh ?? 0;
	}

	get energyWh(): number {
		return this.run?.energyWh ?? 0;
	}

	/** Brings the channel to `toWallMs`; gives the rows that it wrote. */
	advance(durationS: number, toWallMs: number): CyclerRow[] {
		const written = this.rows.length;
		const { test } = this;
		let leftS = durationS;
		while (leftS > EPSILON_S) {
			if (this.word !== "working") {
				this.voltageV = this.cell.apply("open", leftS).voltageV;
				break;
			}
			const run = this.run!;
			const { voltageVMin, voltageVMax } = run.program.limits;
			const { voltageV } = run.step!.step.ends;
			const lookS = this.lookout.nextS([voltageVMin, voltageVMax, voltageV]);
			const dtS = Math.max(Math.min(leftS, lookS, this.untilDueS(run)), EPSILON_S);
			leftS -= dtS;
			this.drive(run, dtS, toWallMs - Math.max(leftS, 0) * 1_000);
		}
		return this.test === test ? this.rows.slice(written) : this.rows;
	}

	/** Until the step ends by its time or charge, or a row is due. */
	private untilDueS(run: ProgramRun): number {
		const { timeS = Number.POSITIVE_INFINITY, capacityAh } = run.step!.step.ends;
		const toCapacityS =
			capacityAh !== undefined && this.currentA !== 0
				? ((capacityAh - run.capacityAh) * 3_600) / Math.abs(this.currentA)
				: Number.POSITIVE_INFINITY;
		return Math.min(timeS - run.stepS, this.recordDueS - run.stepS, toCapacityS);
	}

	private drive(run: ProgramRun, dtS: number, wallMs: number): void {
		const { step } = run.step!;
		const seen =
			step.kind === "rest"
				? this.cell.apply("open", dtS)
				: this.cell.apply(
						step.kind === "constant-current" ? { currentA: step.currentA } : { voltageV: step.voltageV },
						dtS,
					);
		this.voltageV = seen.voltageV;
		this.currentA = step.kind === "rest" ? 0 : seen.currentA;
		this.lookout.saw(this.voltageV, dtS);
		const verdict = run.observe({ voltageV: this.voltageV, currentA: this.currentA, isInCompliance: false }, dtS);
		const isDue = run.stepS >= this.recordDueS - EPSILON_S;
		if (verdict.kind !== "goes-on" || isDue) this.record(wallMs);
		if (isDue) this.recordDueS += run.program.recordS;
		if (verdict.kind === "protected") this.end("protect");
		if (verdict.kind !== "step-ended") return;
		this.recordDueS = run.program.recordS;
		this.lookout.reset();
		if (!run.next()) this.end("finish");
	}

	private end(word: ChannelWord): void {
		this.word = word;
		this.currentA = 0;
	}

	private record(wallMs: number): void {
		const run = this.run!;
		const { id, cycle } = run.step!;
		this.rows.push({
			seq: this.rows.length + 1,
			cycle,
			step: id,
			stepType: this.stepType,
			stepS: run.stepS,
			wallMs: Math.round(wallMs),
			voltageV: this.voltageV,
			currentA: this.currentA,
			capacityAh: run.capacityAh,
			energyWh: run.energyWh,
		});
	}

	private get stepType(): StepWord {
		const { step } = this.run!.step!;
		if (step.kind === "rest") return "rest";
		if (step.kind === "constant-current") return step.currentA > 0 ? "cc-charge" : "cc-discharge";
		return step.direction === "charge" ? "cv-charge" : "cv-discharge";
	}
}
