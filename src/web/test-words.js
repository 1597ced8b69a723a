/** Battery tests in the words of people. */
import { duration } from "./format.js";

const OPEN = new Set(["queued", "starting", "running"]);
const FAILURES = {
	short: "Short",
	polarisation: "Polarised",
	depletion: "Metal of one electrode used up",
	"end-of-life": "End of life",
};

export const isOpen = ({ state }) => OPEN.has(state);

export const channelText = ({ cycler, channel }) => `${cycler}, ${channel ?? "any channel"}`;

export const hoursText = ({ lastRow }) => (lastRow === null ? "–" : `${(lastRow.testS / 3_600).toFixed(1)} h`);

export const voltageText = ({ lastRow }) => (lastRow === null ? "–" : `${lastRow.voltageV.toFixed(4)} V`);

/** "failed", "warned", "well", or "unknown" where there is no verdict at hand. */
export function verdictLevel(verdict) {
	if (verdict == null) return "unknown";
	if (verdict.kind in FAILURES) return "failed";
	return verdict.kind === "soft-short" ? "warned" : "well";
}

export function verdictText(verdict) {
	if (verdict == null) return "no verdict at hand";
	if (verdict.kind === "none") return verdict.halfCycles === 0 ? "no half-cycle is over" : "no failure so far";
	const what = FAILURES[verdict.kind] ?? "Soft short";
	const when = [
		verdict.atHours === null ? "" : `at ${verdict.atHours.toFixed(1)} h`,
		verdict.atCycle === null ? "" : `cycle ${verdict.atCycle}`,
	];
	return [what, when.filter(Boolean).join(", ")].join(" ").trim();
}

/** The figures of one test. */
export function testFigures(test) {
	const { lastRow, areaCm2, activeMassG, rows, verdict } = test;
	const density =
		areaCm2 === null || lastRow === null ? "" : `${((lastRow.currentA * 1_000) / areaCm2).toFixed(3)} mA/cm²`;
	return [
		{ name: "Test time", value: hoursText(test), note: lastRow === null ? "" : `step ${duration(lastRow.stepS)}` },
		{ name: "Cycle", value: lastRow === null ? "–" : String(lastRow.cycle), note: halfCyclesNote(verdict) },
		{ name: "Voltage", value: voltageText(test), note: lastRow?.stepType ?? "" },
		{ name: "Current", value: lastRow === null ? "–" : `${(lastRow.currentA * 1_000).toFixed(4)} mA`, note: density },
		{ name: "Rows on record", value: String(rows), note: "" },
		{
			name: "Cell",
			value: areaCm2 === null ? "area not given" : `${areaCm2} cm²`,
			note: activeMassG === null ? "" : `${Number((activeMassG * 1_000).toPrecision(6))} mg active mass`,
		},
	];
}

const halfCyclesNote = (verdict) => (verdict == null ? "" : `${verdict.halfCycles} half-cycles are over`);
