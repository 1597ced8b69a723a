/** The protocol of an order: checked once, compiled for its cell. */
import { AdlayerError, type Problem } from "#core/errors.js";
import { checkProtocol, type ProtocolCheck, programFor } from "#cycling/check-protocol.js";
import type { CellTestOrder } from "#cycling/engine.js";
import type { CyclerProgram } from "#device/cycler.js";

const KEPT_MAX = 64;
const kept = new Map<string, ProtocolCheck>();

/** Checking a protocol takes milliseconds, and hundreds of tests share a few: the result is kept. */
export function checked(text: string): ProtocolCheck {
	const known = kept.get(text);
	if (known !== undefined) return known;
	const check = checkProtocol(text, "protocol");
	if (kept.size >= KEPT_MAX) kept.clear();
	kept.set(text, check);
	return check;
}

/** For the cell's area and mass. Throws PROTOCOL_INVALID. */
export function readProtocol(order: Pick<CellTestOrder, "protocolText" | "areaCm2" | "activeMassG">): {
	program: CyclerProgram;
	protocol: string;
	sha256: string;
} {
	const check = checked(order.protocolText);
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
