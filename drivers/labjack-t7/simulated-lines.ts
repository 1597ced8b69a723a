/** The digital lines of a simulated T7: direction, latch, pull-up, and what they do to whatever is wired to them. */
import { bitOf, hasBit } from "./codec.js";
import { LINE_COUNT } from "./registers.js";

/** What a line does: drives 0 or 1, or floats behind its 100 kOhm pull-up, leaving a valve to its spring. */
export type LineLevel = 0 | 1 | "floating";

/** What the simulator senses and actuates. */
export interface LabjackT7Port {
	/** Called at each change of what a line does; `atMs` is exact, and may lie before the time of the present `advance`. */
	drive(line: number, level: LineLevel, atMs: number): void;
	/** The level of a line that is wired as an input. Not asked of other lines: they read 1 by their pull-up. */
	sense(line: number): 0 | 1;
}

export interface LineEdge {
	readonly line: number;
	readonly level: LineLevel;
	readonly atMs: number;
}

/** Bound of the log of edges: some 5,000 pulses. */
const EDGES_MAX = 10_000;

export class SimulatedLines {
	/** The latest changes of all lines, oldest first, at most 10,000. */
	readonly edges: LineEdge[] = [];
	/** 1: ignored by writes to DIO_STATE and DIO_DIRECTION. */
	inhibitMask = 0;
	private directions = 0;
	private latches = 0;
	private readonly shown: LineLevel[] = new Array<LineLevel>(LINE_COUNT).fill("floating");

	constructor(
		private readonly port: LabjackT7Port,
		private readonly inputLines: ReadonlySet<number>,
	) {}

	/** Power-up: every line an input. */
	boot(atMs: number): void {
		this.inhibitMask = 0;
		this.directions = 0;
		this.latches = 0;
		for (let line = 0; line < LINE_COUNT; line += 1) this.show(line, atMs);
	}

	isOutput(line: number): boolean {
		return hasBit(this.directions, line);
	}

	level(line: number): 0 | 1 {
		if (this.isOutput(line)) return hasBit(this.latches, line) ? 1 : 0;
		return this.inputLines.has(line) ? this.port.sense(line) : 1;
	}

	get directionMask(): number {
		return this.directions;
	}

	get stateMask(): number {
		let mask = 0;
		for (let line = 0; line < LINE_COUNT; line += 1) if (this.level(line) === 1) mask |= bitOf(line);
		return mask >>> 0;
	}

	/** Makes the line an output at that level. */
	drive(line: number, level: 0 | 1, atMs: number): void {
		this.directions = withBit(this.directions, line, 1);
		this.latches = withBit(this.latches, line, level);
		this.show(line, atMs);
	}

	/** Moves the latch alone: a line that is an input stays one. */
	latch(line: number, level: 0 | 1, atMs: number): void {
		this.latches = withBit(this.latches, line, level);
		this.show(line, atMs);
	}

	float(line: number, atMs: number): void {
		this.directions = withBit(this.directions, line, 0);
		this.show(line, atMs);
	}

	/** Writes of whole masks; lines with a bit in `inhibitMask` stay as they are. */
	writeState(mask: number, inhibitMask: number, atMs: number): void {
		for (let line = 0; line < LINE_COUNT; line += 1) {
			if (!hasBit(inhibitMask, line)) this.latch(line, hasBit(mask, line) ? 1 : 0, atMs);
		}
	}

	writeDirection(mask: number, inhibitMask: number, atMs: number): void {
		for (let line = 0; line < LINE_COUNT; line += 1) {
			if (hasBit(inhibitMask, line)) continue;
			this.directions = withBit(this.directions, line, hasBit(mask, line) ? 1 : 0);
			this.show(line, atMs);
		}
	}

	private show(line: number, atMs: number): void {
		const level: LineLevel = this.isOutput(line) ? (hasBit(this.latches, line) ? 1 : 0) : "floating";
		if (this.shown[line] === level) return;
		this.shown[line] = level;
		if (this.edges.length >= EDGES_MAX) this.edges.splice(0, EDGES_MAX / 2);
		this.edges.push({ line, level, atMs });
		this.port.drive(line, level, atMs);
	}
}

const withBit = (mask: number, line: number, bit: 0 | 1): number =>
	(bit === 1 ? mask | bitOf(line) : mask & ~bitOf(line)) >>> 0;
