/** The row "Neware session faults": every reply spoilt in every way, and split at every byte. */
import { newareSessionFaults } from "../../drivers/neware-bts8/session-faults.js";
import type { CyclingPart } from "../cycling.js";
import { atLeast, equals } from "../report.js";

export async function newareFaultsPart(): Promise<CyclingPart> {
	const report = await newareSessionFaults({ splitStep: 1 });
	return {
		bars: [
			atLeast("Neware session faults: conversations", report.conversations, "1", 1_000),
			equals("Neware session faults: calls that hung", report.hung, "1", 0),
			equals("Neware session faults: rows doubled", report.doubledRows, "1", 0),
			equals("Neware session faults: rows lost", report.lostRows, "1", 0),
			equals("Neware session faults: starts sent twice", report.doubledStarts, "1", 0),
			equals("Neware session faults: not recovered", report.unrecovered, "1", 0),
		],
		detail: { conversations: report.conversations, failures: report.failures },
	};
}
