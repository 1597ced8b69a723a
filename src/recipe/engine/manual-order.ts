/** What a person may move by hand, read from the words of a command. */
import { AdlayerError } from "#core/errors.js";
import type { Reactor } from "#device/reactor.js";

export type ManualOrder =
	| { readonly move: "carrier"; readonly sccm: number }
	| { readonly move: "stop-valve"; readonly open: boolean }
	/** Null: off. */
	| { readonly move: "zone"; readonly zone: string; readonly targetC: number | null }
	| { readonly move: "dose"; readonly precursor: string; readonly widthMs: number };

/**
 * `carrier` (sccm), `stop_valve` (open, shut) or a zone (corrected degC, off); each also by its signal in the lab file. Throws
 * USAGE with what there is.
 */
export function setOrder(reactor: Reactor, actuator: string, value: number | string): ManualOrder {
	const { carrier, precursors, stopValve, zones } = reactor;
	if (actuator === "carrier" || actuator === `${carrier.instrument}.setpoint`) {
		if (typeof value === "number") return { move: "carrier", sccm: value };
		throw new AdlayerError("USAGE", `The carrier is set to a number of sccm, not to ${value}.`);
	}
	if (actuator === "stop_valve" || actuator === `${stopValve.instrument}.${stopValve.output}`) {
		const open = value === "open" || value === 1 ? true : value === "shut" || value === 0 ? false : undefined;
		if (open !== undefined) return { move: "stop-valve", open };
		throw new AdlayerError("USAGE", `The stop valve is set to open or shut, not to ${value}.`);
	}
	const zone = Object.keys(zones).find(
		(name) => actuator === name || actuator === `${zones[name]!.instrument}.setpoint`,
	);
	if (zone !== undefined) {
		if (value === "off") return { move: "zone", zone, targetC: null };
		if (typeof value === "number") return { move: "zone", zone, targetC: value };
		throw new AdlayerError("USAGE", `Zone ${zone} is set to a number of °C or to off, not to ${value}.`);
	}
	const precursor = Object.entries(precursors).find(
		([name, { instrument, output }]) => actuator === name || actuator === `${instrument}.${output}`,
	)?.[0];
	if (precursor !== undefined) {
		throw new AdlayerError("USAGE", `The valve of ${precursor} is never set: a dose is timed by the hardware.`, {
			hint: `Dose it with adlayer dose ${precursor} --ms N.`,
		});
	}
	const known = ["carrier", "stop_valve", ...Object.keys(zones)];
	throw new AdlayerError("USAGE", `There is no ${actuator} to set; there are ${known.join(", ")}.`, {
		context: { actuator, known },
	});
}

/** An order in words, for the record. */
export function orderInWords(order: ManualOrder): string {
	switch (order.move) {
		case "carrier":
			return `carrier = ${order.sccm} sccm`;
		case "stop-valve":
			return `stop_valve = ${order.open ? "open" : "shut"}`;
		case "zone":
			return `${order.zone} = ${order.targetC === null ? "off" : `${order.targetC} °C`}`;
		case "dose":
			return `dose ${order.precursor} ${order.widthMs} ms`;
	}
}
