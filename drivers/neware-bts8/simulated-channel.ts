/** The electronics of one channel: runs a step file on a cell, counts charge and writes rows. */
import type { CellPort } from "#device/cycler.js";
import { Lookout } from "#device/lookout.js";
import { decodeSteps, type FlatStep, type StepFile } from "./steps.js";

/** An idle cell is only kept up with. */
const IDLE_S_MAX = 60;
/** Loops without time in them would turn for ever. */
const JUMPS_MAX = 1_000;
const EPSILON_S = 1e-9;

export type ChannelWord = "working" | "finish" | "stop" | "protect";

export interface SimulatedRow {
	readonly seqid: number;
	readonly stepid: number;
	readonly cycleid: number;
	readonly steptype: string;
	readonly testtimeMs: number;
	readonly wallMs: number;
	readonly volt: number;
	readonly curr: number;
	readonly cap: number;
	readonly eng: number;
}

export interface SimulatedStep {
	readonly startseqid: number;
	readonly endseqid: number;
	readonly stepid: number;
	readonly cycleid: number;
	readonly steptype: string;
	readonly steptimeMs: number;
	readonly wallMs: number;
}

export class SimulatedChannel {
	word: ChannelWord = "finish";
	testid = 0;
	barcode = "";
	rows: SimulatedRow[] = [];
	layer: SimulatedStep[] = [];
	log: { seqid: number; code: number; wallMs: number }[] = [];
	cycle = 1;
	voltageV: number;
	currentA = 0;
	capacityAh = 0;
	energyWh = 0;
	stepS = 0;
	totalS = 0;
	private file: StepFile | undefined;
	private at = 0;
	private readonly lookout = new Lookout();
	private readonly turns = new Map<number, number>();
	private recordDueS = 0;
	private firstSeq = 1;

	constructor(private readonly cell: CellPort) {
		this.voltageV = cell.apply("open", EPSILON_S).voltageV;
	}

	/** Number of the step from 1; null when nothing runs. */
	get stepId(): number | null {
		return this.word === "working" ? this.at + 1 : null;
	}

	get stepType(): string {
		return this.word === "working" ? typeOf(this.file!.steps[this.at]!) : "--";
	}

	/** False for a busy channel and for a file that is no step file. */
	start(text: string, order: { barcode: string; testid: number; wallMs: number }): boolean {
		if (this.word === "working") return false;
		const file = decodeSteps(text);
		if (file === undefined) return false;
		this.file = file;
		this.word = "working";
		this.testid = order.testid;
		this.barcode = order.barcode;
		this.rows = [];
		this.layer = [];
		this.cycle = 1;
		this.totalS = 0;
		this.at = 0;
		this.firstSeq = 1;
		this.turns.clear();
		this.log = [{ seqid: 1, code: 100_000, wallMs: order.wallMs }];
		this.enter(order.wallMs);
		return true;
	}

	/** False when nothing runs. */
	stop(wallMs: number): boolean {
		if (this.word !== "working") return false;
		this.record(wallMs);
		this.endTest("stop", wallMs);
		return true;
	}

	/** The power of the middle machine went: it is found stopped. */
	powerCycle(wallMs: number): void {
		if (this.word === "working") this.endTest("stop", wallMs);
	}

	/** Brings the channel to `toWallMs`. */
	advance(durationS: number, toWallMs: number): void {
		let leftS = durationS;
		while (leftS > EPSILON_S) {
			const step = this.word === "working" ? this.file!.steps[this.at]! : undefined;
			if (step === undefined || step.kind === "loop" || step.kind === "end") {
				const dtS = Math.min(leftS, IDLE_S_MAX);
				this.voltageV = this.cell.apply("open", dtS).voltageV;
				this.currentA = 0;
				leftS -= dtS;
				continue;
			}
			const { voltageVMin, voltageVMax } = this.file!;
			const lookS = this.lookout.nextS([voltageVMin, voltageVMax, step.ends.voltageV]);
			const dtS = Math.min(leftS, lookS, this.untilDueS(step));
			leftS -= dtS;
			this.run(step, Math.max(dtS, EPSILON_S), toWallMs - leftS * 1_000);
		}
	}

	private untilDueS(step: Exclude<FlatStep, { kind: "loop" | "end" }>): number {
		const { timeS = Number.POSITIVE_INFINITY, capacityAh } = step.ends;
		const toCapacityS =
			capacityAh !== undefined && this.currentA !== 0
				? ((capacityAh - this.capacityAh) * 3_600) / Math.abs(this.currentA)
				: Number.POSITIVE_INFINITY;
		const dueS = Math.min(timeS - this.stepS, this.recordDueS - this.stepS, toCapacityS);
		return Math.max(dueS, EPSILON_S);
	}

	private run(step: Exclude<FlatStep, { kind: "loop" | "end" }>, dtS: number, wallMs: number): void {
		const seen = this.drive(step, dtS);
		this.voltageV = seen.voltageV;
		this.currentA = step.kind === "rest" ? 0 : seen.currentA;
		this.lookout.saw(seen.voltageV, dtS);
		this.stepS += dtS;
		this.totalS += dtS;
		const ah = (Math.abs(this.currentA) * dtS) / 3_600;
		this.capacityAh += ah;
		this.energyWh += ah * Math.abs(this.voltageV);
		const file = this.file!;
		// A step that ends at the edge of the window has ended there.
		if (this.hasEnded(step)) {
			this.record(wallMs);
			this.closeStep(wallMs);
			this.at += 1;
			this.enter(wallMs);
			return;
		}
		if (this.voltageV < file.voltageVMin || this.voltageV > file.voltageVMax) {
			this.record(wallMs);
			this.endTest("protect", wallMs);
			return;
		}
		if (this.stepS < this.recordDueS - EPSILON_S) return;
		this.record(wallMs);
		this.recordDueS += file.recordS;
	}

	private drive(step: Exclude<FlatStep, { kind: "loop" | "end" }>, dtS: number) {
		if (step.kind === "rest") return this.cell.apply("open", dtS);
		if (step.kind === "cc") return this.cell.apply({ currentA: step.currentA }, dtS);
		const held = this.cell.apply({ voltageV: step.voltageV }, dtS);
		if (Math.abs(held.currentA) <= step.currentAMax) return held;
		return this.cell.apply({ currentA: Math.sign(held.currentA) * step.currentAMax }, EPSILON_S);
	}

	private hasEnded(step: Exclude<FlatStep, { kind: "loop" | "end" }>): boolean {
		const { timeS, capacityAh, voltageV, currentA } = step.ends;
		if (timeS !== undefined && this.stepS >= timeS - EPSILON_S) return true;
		if (capacityAh !== undefined && this.capacityAh >= capacityAh * (1 - 1e-9)) return true;
		if (step.kind === "cc" && voltageV !== undefined) {
			return step.currentA > 0 ? this.voltageV >= voltageV : this.voltageV <= voltageV;
		}
		return step.kind === "cv" && currentA !== undefined && Math.abs(this.currentA) <= currentA;
	}

	/** Follows loops and ends until there is a step that takes time. */
	private enter(wallMs: number): void {
		for (let jumps = 0; jumps < JUMPS_MAX; jumps += 1) {
			const step = this.file!.steps[this.at];
			if (step === undefined || step.kind === "end") {
				this.endTest("finish", wallMs);
				return;
			}
			if (step.kind !== "loop") {
				this.stepS = 0;
				this.capacityAh = 0;
				this.energyWh = 0;
				this.recordDueS = this.file!.recordS;
				this.lookout.reset();
				this.currentA = step.kind === "cc" ? step.currentA : 0;
				this.firstSeq = this.rows.length + 1;
				return;
			}
			const done = (this.turns.get(this.at) ?? 0) + 1;
			if (done < step.times) {
				this.turns.set(this.at, done);
				this.at = step.toStep - 1;
			} else {
				this.turns.delete(this.at);
				this.at += 1;
			}
			this.cycle += 1;
		}
		this.endTest("protect", wallMs);
	}

	private record(wallMs: number): void {
		this.rows.push({
			seqid: this.rows.length + 1,
			stepid: this.at + 1,
			cycleid: this.cycle,
			steptype: this.stepType,
			testtimeMs: Math.round(this.stepS * 1_000),
			wallMs,
			volt: this.voltageV,
			curr: this.currentA,
			cap: this.capacityAh,
			eng: this.energyWh,
		});
	}

	private closeStep(wallMs: number): void {
		this.layer.push({
			startseqid: this.firstSeq,
			endseqid: this.rows.length,
			stepid: this.at + 1,
			cycleid: this.cycle,
			steptype: this.stepType,
			steptimeMs: Math.round(this.stepS * 1_000),
			wallMs,
		});
	}

	private endTest(word: ChannelWord, wallMs: number): void {
		this.word = word;
		this.currentA = 0;
		this.log.push({ seqid: this.rows.length, code: 100_001, wallMs });
	}
}

function typeOf(step: FlatStep): string {
	switch (step.kind) {
		case "rest":
			return "rest";
		case "cc":
			return step.currentA > 0 ? "cc" : "dc";
		case "cv":
			return "cv";
		case "loop":
		case "end":
			return "--";
	}
}
