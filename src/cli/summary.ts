/** What people read when a run has ended. */
import type { RunResult } from "#cli/follow.js";
import type { LabTruth, RunningSystem } from "#cli/launcher.js";
import { duration } from "#cli/progress.js";
import type { AnnealFacts } from "#record/history.js";

export interface SummaryInput {
	readonly result: RunResult;
	readonly simulated: boolean;
	/** Only in a simulated lab. */
	readonly truth: LabTruth | null;
	readonly meltingPointC: number | null;
	readonly system?: Pick<RunningSystem, "url" | "dataDir" | "mqttUrl">;
}

export function renderSummary({ result, simulated, truth, meltingPointC, system }: SummaryInput): string[] {
	const { cycles } = result;
	const extras = [
		cycles.repeated > 0 ? `${cycles.repeated} repeated` : "",
		cycles.unknown > 0 ? `${cycles.unknown} of unknown fate` : "",
	];
	const cycleExtras = extras.filter((text) => text !== "").join(", ");
	const rows: [string, string][] = [
		["Product", `${result.product}${simulated ? "  (SIMULATED)" : ""}`],
		["Run", `${result.run}: ${result.state}`],
		["Cycles", `${cycles.complete} of ${cycles.ordered} delivered${cycleExtras === "" ? "" : ` (${cycleExtras})`}`],
		["Duration", result.durationS === null ? "unknown" : `${duration(result.durationS)} lab time`],
		[
			"Worst pulse error",
			result.worstPulseErrorMs === null ? "no pulse confirmed" : `${result.worstPulseErrorMs.toFixed(3)} ms`,
		],
		["Peak foil temperature", peak(result.peakFoilC, meltingPointC)],
	];
	for (const anneal of result.anneals) rows.push(["Anneal", annealInWords(anneal)]);
	if (truth !== null) {
		const melted = truth.melted ? "MELTED" : "not melted";
		const lithiated = `${(truth.lithiatedFraction * 100).toFixed(0)} % lithiated`;
		rows.push([
			"Film by the twin",
			`${truth.thicknessNm.toFixed(1)} nm, interlayer ${truth.interlayerNm.toFixed(1)} nm, ${lithiated}`,
		]);
		rows.push(["Foil by the twin", `${truth.foil}, peak ${truth.peakFoilC.toFixed(2)} °C, ${melted}`]);
	}
	rows.push(["Rows in the database", result.rows === null ? "no database" : String(result.rows)]);
	if (system !== undefined) {
		rows.push(
			["Page", `${system.url}/`],
			["REST", `${system.url}/docs`],
			["MQTT", system.mqttUrl],
			["Data", system.dataDir],
		);
	}
	const nameChars = Math.max(...rows.map(([name]) => name.length));
	return rows.map(([name, text]) => `${name.padEnd(nameChars)}  ${text}`);
}

function annealInWords({ zone, targetC, withinC, inBandS, meanC, spreadC, words }: AnnealFacts): string {
	const held = meanC === null ? "" : `, mean ${meanC.toFixed(2)} ± ${(spreadC ?? 0).toFixed(2)} °C`;
	return `${zone} ${(inBandS / 60).toFixed(1)} min within ${withinC} °C of ${targetC} °C${held}. ${words}`;
}

/** A measured temperature never proves that nothing melted; it says how far away it was. */
function peak(peakFoilC: number | null, meltingPointC: number | null): string {
	if (peakFoilC === null) return "not measured";
	const measured = `${peakFoilC.toFixed(2)} °C measured`;
	if (meltingPointC === null) return measured;
	const margin = meltingPointC - peakFoilC;
	return `${measured}, ${Math.abs(margin).toFixed(2)} °C ${margin >= 0 ? "below" : "ABOVE"} the melting point (${meltingPointC} °C)`;
}
