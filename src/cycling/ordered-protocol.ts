/** The protocol of an order: checked once, compiled for its cell. */
import { AdlayerError, type Problem } from "#core/errors.js";
import { checkProtocol, programFor } from "#cycling/check-protocol.js";
import type { CellTestOrder } from "#cycling/engine.js";
import type { CyclerProgram } from "#device/cycler.js";

/** Checking a protocol takes milliseconds, and hundreds of channels share a few. */
class CheckedProtocols {
	private readonly checks = new Map<string, ReturnType<typeof checkProtocol>>();
	private static readonly MAX = 64;

	get(text: string): ReturnType<typeof checkProtocol> {
		const known = this.checks.get(text);
		if (known !== undefined) return known;
		const check = checkProtocol(text, "protocol");
		if (this.checks.size >= CheckedProtocols.MAX) this.checks.clear();
		this.checks.set(text, check);
		return check;
	}
}

const checkedProtocols = new CheckedProtocols();

/** Kept, for hundreds of tests share a few. */
export const checked = (text: string): ReturnType<typeof checkProtocol> => checkedProtocols.get(text);

/** For the cell's area and mass. Throws PROTOCOL_INVALID. */
export function readProtocol(order: Pick<CellTestOrder, "protocolText" | "areaCm2" | "activeMassG">): {
	program: CyclerProgram;
	protocol: string;
	sha256: string;
} {
	const check = checkedProtocols.get(order.protocolText);
	const { protocol, sha256 } = check;
	if (check.file === undefined) throw refused(protocol, check.problems);
	const compiled = programFor(check, { areaCm2: order.areaCm2, activeMassG: order.activeMassG });
	if ("problem" in compiled) throw refused(protocol, [compiled.problem]);
	return { program: compiled.program, protocol, sha256 };
}

/** Amounts in different units can only be compared for the cell itself. Throws PROTOCOL_INVALID. */
export function judgeFor({ protocolText, areaCm2, activeMassG }: CellTestOrder, protocol: string): void {
	const { file, problems } = checkProtocol(protocolText, protocol, { areaCm2, activeMassG });
	if (file === undefined) throw refused(protocol, problems);
}

function refused(protocol: string, problems: readonly Problem[]): AdlayerError {
	const message = `${protocol} cannot be run: ${problems.map((problem) => problem.message).join(" ")}`;
	return new AdlayerError("PROTOCOL_INVALID", message, { problems: [...problems] });
}
