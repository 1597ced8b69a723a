/** Who answers, and which gauges it has. */
import { AdlayerError } from "#core/errors.js";
import type { Identification } from "#device/contract.js";
import { isGaugeList, parseAreYouThere, printable } from "./codec.js";
import type { Conversation } from "./conversation.js";

export interface Identified extends Identification {
	readonly warnings: string[];
}

/** Throws IDENTITY_MISMATCH when what answers names itself as something else. */
export async function identify(name: string, conversation: Conversation): Promise<Identified> {
	const reply = await conversation.askFirst("AYT");
	if (reply.refused !== undefined) return identifyWithoutName(conversation);
	const there = parseAreYouThere(reply.text);
	const maker = there === undefined ? undefined : makerOf(there.type);
	if (there === undefined || maker === undefined) {
		throw new AdlayerError(
			"IDENTITY_MISMATCH",
			`"${printable(reply.text)}" answered as ${name}, not a TPG or VGC gauge controller.`,
		);
	}
	return {
		identity: { manufacturer: maker, model: there.type, serial: there.serial, firmware: there.firmware },
		confirmed: true,
		warnings: [],
	};
}

/** The 26x and VGC 40x do not know AYT; PNR gives their program number, and nothing gives model or serial. */
async function identifyWithoutName(conversation: Conversation): Promise<Identified> {
	const program = await conversation.ask("PNR");
	const gauges = await conversation.ask("TID");
	const known = program.refused === undefined || (gauges.refused === undefined && isGaugeList(gauges.text));
	const firmware = program.refused === undefined ? program.text.trim() : null;
	return {
		identity: { manufacturer: null, model: known ? "TPG 26x or VGC 40x" : null, serial: null, firmware },
		confirmed: known,
		warnings: [
			known
				? "This controller cannot say its model and serial number (it does not know AYT)."
				: "It speaks the mnemonic protocol, but knows none of AYT, PNR and TID: it cannot say what it is.",
		],
	};
}

function makerOf(type: string): string | undefined {
	if (type.startsWith("TPG")) return "Pfeiffer Vacuum";
	if (type.startsWith("VGC")) return "INFICON";
	return undefined;
}
