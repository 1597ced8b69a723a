/** Why a channel's range does not fit a program, the same for every cycler. Pure. */
import type { Problem } from "#core/errors.js";
import type { ChannelRange, CyclerProgram, ProgramStep } from "#device/cycler.js";

/** Empty when the range fits. `channel` is what a person calls it. */
export function rangeRefusals(channel: string, range: ChannelRange, program: CyclerProgram): Problem[] {
	const problems: Problem[] = [];
	const refuse = (message: string, value: number, limit: number) =>
		problems.push({ severity: "error", code: "CYCLER_REFUSED", message, value, limit });
	const { limits } = program;
	if (program.cell === "symmetric" && range.voltageVMin >= 0) {
		refuse(
			`A symmetric cell goes below 0 V, and ${channel} has no negative range (${range.voltageVMin} to ${range.voltageVMax} V).`,
			range.voltageVMin,
			0,
		);
	}
	if (limits.voltageVMin < range.voltageVMin) {
		const message = `The window begins at ${limits.voltageVMin} V, ${channel} at ${range.voltageVMin} V.`;
		refuse(message, limits.voltageVMin, range.voltageVMin);
	}
	if (limits.voltageVMax > range.voltageVMax) {
		const message = `The window ends at ${limits.voltageVMax} V, ${channel} at ${range.voltageVMax} V.`;
		refuse(message, limits.voltageVMax, range.voltageVMax);
	}
	const currentA = largestCurrentA(program.steps);
	if (currentA > range.currentAMax) {
		const message = `The protocol needs ${Number(currentA.toPrecision(4))} A, ${channel} has ${range.currentAMax} A.`;
		refuse(message, currentA, range.currentAMax);
	}
	return problems;
}

/** Magnitude of the largest current that a program asks for, A. */
export function largestCurrentA(steps: readonly ProgramStep[]): number {
	return steps.reduce((largest, step) => Math.max(largest, currentAOf(step)), 0);
}

function currentAOf(step: ProgramStep): number {
	switch (step.kind) {
		case "constant-current":
			return Math.abs(step.currentA);
		case "constant-voltage":
			return step.currentAMax;
		case "repeat":
			return largestCurrentA(step.steps);
		case "rest":
			return 0;
	}
}
