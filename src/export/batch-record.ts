/**
 * A run as a batch record with the names of B2MML-BatchML V0600 (MESA International): a BatchInformation with one BatchList,
 * the run as its entry, the run's phases as entries within. Order and obligation of the elements follow the published
 * schema's BatchListEntryType, BatchParameterType and BatchValueType.
 */
import type { RunArchive } from "#record/run-archive.js";

export const B2MML_NAMESPACE = "http://www.mesa.org/xml/B2MML-V0600";

export interface Lots {
	/** Foil lots that the run's samples come from. */
	readonly lots: readonly string[];
}

/** XML allows no other control characters, not even escaped. */
const xmlText = (text: string): string =>
	text
		// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is meant
		.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "\ufffd")
		.replaceAll("&", "&amp;")
		.replaceAll("<", "&lt;")
		.replaceAll(">", "&gt;")
		.replaceAll('"', "&quot;");

type Node = readonly [name: string, content: string | readonly Node[] | null];

function render(nodes: readonly Node[], depth: number): string {
	const indent = "\t".repeat(depth);
	return nodes
		.filter(([, content]) => content !== null)
		.map(([name, content]) =>
			typeof content === "string"
				? `${indent}<${name}>${xmlText(content)}</${name}>\n`
				: `${indent}<${name}>\n${render(content!, depth + 1)}${indent}</${name}>\n`,
		)
		.join("");
}

const iso = (ms: number): string => new Date(ms).toISOString();

type ParameterType = "ProcessInput" | "ProcessOutput" | "ProcessParameter";

function parameter(id: string, type: ParameterType, value: string | number | null, unit = "", text?: string): Node[] {
	if (value === null) return [];
	return [
		[
			"Parameter",
			[
				["ID", id],
				["Description", text ?? null],
				["ParameterType", type],
				[
					"Value",
					[
						["ValueString", String(value)],
						["DataInterpretation", "Constant"],
						["DataType", typeof value === "number" ? "double" : "string"],
						["UnitOfMeasure", unit],
					],
				],
			],
		],
	];
}

/** The document as text. */
export function batchRecord({ run, phases, doses }: RunArchive, { lots }: Lots): string {
	const { plan } = run;
	const parameters: Node[] = [
		...Object.entries(run.parameters).flatMap(([name, value]) =>
			parameter(`recipe.${name}`, "ProcessParameter", value, "", "Parameter of the recipe"),
		),
		...parameter("operator", "ProcessParameter", run.operator),
		...parameter("sample", "ProcessParameter", run.sample),
		...parameter("material", "ProcessInput", run.material),
		...parameter("simulated", "ProcessParameter", String(run.simulated)),
		...run.acknowledged.flatMap((code) => parameter("acknowledged", "ProcessParameter", code)),
		...parameter("planned_s", "ProcessParameter", plan.totalS, "s"),
		...parameter("planned_thickness", "ProcessParameter", plan.thicknessNm, "nm"),
		...parameter("cycles_ordered", "ProcessParameter", run.cycles?.ordered ?? null),
		...parameter("cycles_complete", "ProcessOutput", run.cycles?.complete ?? null),
		...parameter("cycles_repeated", "ProcessOutput", run.cycles?.repeated ?? null),
		...parameter("cycles_unknown", "ProcessOutput", run.cycles?.unknown ?? null),
		...doses.flatMap(({ precursor, fate, count }) => parameter(`doses.${precursor}.${fate}`, "ProcessOutput", count)),
		...parameter("worst_pulse_error", "ProcessOutput", run.worstPulseErrorMs, "ms"),
		...parameter("peak_foil", "ProcessOutput", run.peakFoilC, "degC"),
		...parameter("peak_foil_uncertainty", "ProcessOutput", run.peakFoilUncertaintyC, "K", "k = 2"),
		...run.anneals.flatMap((anneal): Node[] => [
			...parameter(`anneal.${anneal.index}.target`, "ProcessParameter", anneal.targetC, "degC"),
			...parameter(`anneal.${anneal.index}.in_band`, "ProcessOutput", anneal.inBandS, "s"),
			...parameter(`anneal.${anneal.index}.mean`, "ProcessOutput", anneal.meanC, "degC"),
			...parameter(`anneal.${anneal.index}.maximum`, "ProcessOutput", anneal.maxC, "degC"),
			...parameter(`anneal.${anneal.index}.uncertainty`, "ProcessOutput", anneal.uncertaintyC, "K", "k = 2"),
			...parameter(`anneal.${anneal.index}.verdict`, "ProcessOutput", anneal.words),
		]),
	];
	const entry: Node = [
		"BatchListEntry",
		[
			["ID", run.run],
			["Description", `Coating run of ${run.product} on station ${run.station}`],
			["BatchListEntryType", "Batch"],
			["Status", run.state],
			["RecipeID", run.recipe],
			["RecipeVersion", run.recipeVersion],
			["BatchID", run.run],
			["LotID", lots.length === 0 ? null : lots.join(" ")],
			["ProductID", run.product],
			["ActualStartTime", iso(run.createdAt)],
			["ActualEndTime", run.endedAt === null ? null : iso(run.endedAt)],
			...parameters,
			["ActualEquipmentID", run.station],
			...phases.map(
				({ phase, startedAt, endedAt, steps }, n): Node => [
					"BatchListEntry",
					[
						["ID", `${run.run}/${n + 1}`],
						["Description", phase],
						["BatchListEntryType", "Operation"],
						["BatchID", run.run],
						["ActualStartTime", iso(startedAt)],
						["ActualEndTime", endedAt === null ? null : iso(endedAt)],
						...parameter("steps", "ProcessOutput", steps),
					],
				],
			),
		],
	];
	const list: Node = ["BatchList", [["Description", `Batch record of run ${run.run}`], entry]];
	return `<?xml version="1.0" encoding="UTF-8"?>\n<BatchInformation xmlns="${B2MML_NAMESPACE}">\n${render([list], 1)}</BatchInformation>\n`;
}
