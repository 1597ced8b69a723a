import type { Reactor } from "#device/reactor.js";
import { type Interlock, inWords, isGood } from "#safety/interlock.js";

/** A reading may be on its way for so long when a dose ends. */
const READING_AGE_MS = 200;

/** The output of a precursor valve reads high without a dose of it, or two of them do at once. */
export function precursorLineHigh(reactor: Reactor): Interlock {
	const lines = Object.entries(reactor.precursors).map(([name, { instrument, output }]) => ({
		name,
		signal: `${instrument}.${output}`,
	}));
	return {
		id: "precursor-line-high",
		title: "Precursor valve driven without a dose",
		effect: "trip",
		delayMs: 0,
		consecutiveReadings: 1,
		response: "Shut the precursors' hand valves; check the valve outputs before resetting.",
		judge(view, tripped) {
			// Not to know a line is valve-io-lost's affair; but it ends nothing.
			const unknown = tripped ? lines.find(({ signal }) => !isGood(view.reading(signal))) : undefined;
			if (unknown !== undefined) {
				const cause = `The output of valve ${unknown.name} is ${inWords(view.reading(unknown.signal))}.`;
				return { cause, value: null, limit: 0, unit: "bool" };
			}
			const high = lines.filter(({ signal }) => {
				const reading = view.reading(signal);
				return isGood(reading) && reading.value === 1;
			});
			const names = high.map(({ name }) => name).join(" and ");
			if (high.length > 1)
				return { cause: `The valves ${names} are open together.`, value: high.length, limit: 1, unit: "1" };
			const [line] = high;
			if (line === undefined) return undefined;
			const { atMs } = view.reading(line.signal);
			if (atMs <= view.doses.lastEndMs(line.name) + READING_AGE_MS) return undefined;
			return {
				cause: `The valve ${names} is driven open and no dose of it is under way.`,
				value: 1,
				limit: 0,
				unit: "bool",
			};
		},
	};
}
