/** Precursors: their valves, the pulses that these can make, their purges and their upkeep. */
import { instrumentOf } from "#src/config/entries.js";
import type { LabFileContent } from "#src/config/lab-file-schema.js";
import type { Review } from "#src/config/problems/review.js";

type PrecursorEntry = LabFileContent["reactor"]["precursors"][string];

/** By how much a pulse may outlive the watchdog: the valves are to be in their safe state by then. */
const PULSE_AFTER_WATCHDOG_MS_MAX = 500;

export function precursorProblems(review: Review): void {
	review.judgeEach(
		() => review.content.reactor.precursors,
		(precursor, spec) => {
			const at = ["reactor", "precursors", precursor];
			review.judge(() => review.mustBeSignal([...at, "output"], spec.output));
			review.judge(() => lineZone(review, at, spec));
			review.judge(() => {
				const { shortest_pulse_ms: limit, longest_pulse_ms: value } = spec;
				if (limit < value) return;
				review.wrong([...at, "longest_pulse_ms"], "The longest pulse is not longer than the shortest.", {
					value,
					limit,
				});
			});
			review.judge(() => timerOf(review, at, spec));
			review.judge(() => watchdogOf(review, at, spec));
		},
	);
	review.judge(() => purges(review));
	for (const part of ["valves", "bottles"] as const) review.judge(() => upkeep(review, part));
}

function lineZone(review: Review, at: readonly string[], { line_zone: zone }: PrecursorEntry): void {
	if (zone === null || Object.hasOwn(review.content.reactor.zones, zone)) return;
	review.wrong([...at, "line_zone"], `There is no zone ${zone}.`, { value: zone });
}

/** A precursor's pulses must be such as the hardware timer of its output can make. */
function timerOf(review: Review, at: readonly string[], spec: PrecursorEntry): void {
	const timer = instrumentOf(spec.output);
	const offer = review.offers.get(timer);
	if (offer === undefined) return;
	if (offer.pulses === undefined) {
		review.wrong([...at, "output"], `Instrument ${timer} cannot time pulses by hardware.`, { value: spec.output });
		return;
	}
	const { widthMsMin, widthMsMax } = offer.pulses;
	const { shortest_pulse_ms: shortest, longest_pulse_ms: longest } = spec;
	if (shortest < widthMsMin)
		review.wrong(
			[...at, "shortest_pulse_ms"],
			`The shortest pulse that ${timer} can make as ordered is ${widthMsMin} ms.`,
			{ value: shortest, limit: widthMsMin },
		);
	if (longest > widthMsMax)
		review.wrong([...at, "longest_pulse_ms"], `The longest pulse that ${timer} can make is ${widthMsMax} ms.`, {
			value: longest,
			limit: widthMsMax,
		});
}

function watchdogOf(review: Review, at: readonly string[], spec: PrecursorEntry): void {
	const { output, longest_pulse_ms: value } = spec;
	const limit = (review.offerOf(output)?.watchdogMs ?? Number.POSITIVE_INFINITY) + PULSE_AFTER_WATCHDOG_MS_MAX;
	if (value <= limit) return;
	const message = `A pulse may last at most ${PULSE_AFTER_WATCHDOG_MS_MAX} ms longer than the watchdog of ${instrumentOf(output)}: its timer ends it, also when control has died.`;
	review.wrong([...at, "longest_pulse_ms"], message, { value, limit });
}

function purges(review: Review): void {
	const { precursors, manual } = review.content.reactor;
	const given = Object.keys(manual?.purge_s ?? precursors);
	const at = ["reactor", "manual", "purge_s"];
	for (const precursor of new Set([...given, ...Object.keys(precursors)])) {
		if (!Object.hasOwn(precursors, precursor))
			review.wrong([...at, precursor], `There is no precursor ${precursor}.`, { value: precursor });
		else if (!given.includes(precursor)) review.wrong(at, `The purge after ${precursor} is missing.`, { value: given });
	}
}

function upkeep(review: Review, part: "valves" | "bottles"): void {
	const { precursors } = review.content.reactor;
	for (const precursor of Object.keys(review.content.maintenance?.[part] ?? {}))
		if (!Object.hasOwn(precursors, precursor))
			review.wrong(["maintenance", part, precursor], `There is no precursor ${precursor}.`, {
				value: precursor,
				limit: Object.keys(precursors),
			});
}
