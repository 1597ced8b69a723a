/** Neware's report of three levels: the cycle and step that the records below belong to, told by rows of their own. */
import type { ThreeLevel } from "#analysis/formats/layout.js";
import { stepKindOf } from "#analysis/formats/step-kinds.js";
import { cellsOf } from "#analysis/formats/title-line.js";
import { STEP_KIND, type StepKind } from "#analysis/rows.js";

export class BlockRows {
	cycle = Number.NaN;
	step = Number.NaN;
	kind: StepKind = STEP_KIND.unknown;
	private steps = 0;

	constructor(
		private readonly levels: ThreeLevel,
		private readonly delimiter: string,
	) {}

	/** A line that is no record. */
	read(line: string): void {
		const { levels } = this;
		const cells = cellsOf(line, this.delimiter);
		if (cells.every((cell) => cell === "")) return;
		let step = cells;
		if (cells[0] !== "") {
			const number = Number(cells[levels.cycle]);
			if (Number.isFinite(number)) this.cycle = number;
			// Some exports put the cycle's first step behind it in the same line.
			step = ["", ...cells.slice(levels.cycleCells)];
			if (step.length < 3 || !(Number(step[levels.step]) > 0)) return;
		}
		this.steps += 1;
		const number = Number(step[levels.step]);
		this.step = Number.isFinite(number) ? number : this.steps;
		this.kind = stepKindOf(step[levels.stepType] ?? "");
		// Some exports leave a number out; the name then stands where it is found.
		if (this.kind === STEP_KIND.unknown)
			this.kind =
				step
					.filter((cell) => /\p{L}/u.test(cell))
					.map(stepKindOf)
					.find((kind) => kind !== STEP_KIND.unknown) ?? STEP_KIND.unknown;
	}
}
