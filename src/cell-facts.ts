/** What a protocol tells an evaluation of the cell that it is for. */
import { checkProtocol } from "#cycling/check-protocol.js";
import type { ProtocolStep } from "#cycling/protocol-file.js";
import type { TestFacts } from "#src/verdicts/test-analysis.js";

export function cellFacts(protocolText: string): TestFacts {
	const { file } = checkProtocol(protocolText, "protocol");
	if (file === undefined || file.cell === "symmetric") {
		const limitV = file === undefined ? null : Math.min(file.window.max_V, -file.window.min_V);
		return { chemistry: "symmetric", limitV: limitV !== null && limitV > 0 ? limitV : null };
	}
	return { chemistry: dischargesFirst(file.steps) ? "li-o2" : "li-lfp", limitV: null };
}

/** A cell that is made charged, or with an air electrode, is discharged first. */
function dischargesFirst(steps: readonly ProtocolStep[]): boolean {
	for (const step of steps) {
		if (step.repeat !== undefined) return dischargesFirst(step.repeat.steps);
		if (step.constant_current !== undefined) {
			const { current_A, current_mA_per_cm2, rate_C } = step.constant_current;
			return (current_A ?? current_mA_per_cm2 ?? rate_C ?? 0) < 0;
		}
		if (step.constant_voltage !== undefined) return step.constant_voltage.direction === "discharge";
	}
	return false;
}
