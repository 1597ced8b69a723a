/** `ro-crate-metadata.json` of a run: RO-Crate 1.2, the run as a CreateAction from foil to sample. */
import { fileEntity, type WrittenFile } from "#export/package.js";
import type { PackageFacts } from "#export/run-package.js";
import { crateOf, ref } from "#record/crate.js";
import { descentEntities, descentGraph, localId } from "#record/descent-crate.js";
import type { ArchivedInstrument, ArchivedRun } from "#record/run-archive.js";

const refs = (ids: readonly string[]): object => (ids.length === 1 ? ref(ids[0]!) : ids.map(ref));
const iso = (ms: number): string => new Date(ms).toISOString();

const ACTION_STATUS = (run: ArchivedRun): string =>
	run.endedAt === null
		? "http://schema.org/ActiveActionStatus"
		: run.state === "complete"
			? "http://schema.org/CompletedActionStatus"
			: "http://schema.org/FailedActionStatus";

export function runCrate(
	{ archive: { run, instruments }, descent, at, softwareVersion }: PackageFacts,
	files: readonly WrittenFile[],
): object {
	// Trees of samples of one foil share most of their items.
	const entities = [
		...new Map(
			descent
				.flatMap(descentEntities)
				.filter(({ id }) => id !== run.run)
				.map((entity) => [entity.id, entity] as const),
		).values(),
	];
	const coated = descent.map(({ root }) => root);
	const foils = descent.flatMap(({ root, links }) =>
		links.flatMap(({ child, relation, parent }) => (child === root && relation === "foil" ? [parent] : [])),
	);
	const station = localId(`station-${run.station}`);
	const used = instruments.filter(({ driver }) => driver !== null);
	return crateOf(
		{
			name: `Run ${run.run}: ${run.product}`,
			description: `Signals, steps, pulses, alarms, recipe and lab file of a coating run by atomic layer deposition${run.simulated ? " in a simulated lab" : ""}.`,
			datePublished: iso(at),
			hasPart: files.map(({ path }) => ref(path)),
			mentions: [ref(localId(run.run)), ...entities.map(({ id }) => ref(localId(id)))],
		},
		[
			...files.map(fileEntity),
			{
				"@id": localId(run.run),
				"@type": "CreateAction",
				name: `Run ${run.run}`,
				description: `Recipe ${run.recipe} ${run.recipeVersion} on station ${run.station}, state ${run.state}`,
				actionStatus: ACTION_STATUS(run),
				startTime: iso(run.createdAt),
				...(run.endedAt === null ? {} : { endTime: iso(run.endedAt) }),
				agent: ref("#operator"),
				instrument: [ref(station), ref("recipe.yaml"), ref("lab.yaml"), ref("#adlayer")],
				...(foils.length === 0 ? {} : { object: refs([...new Set(foils)].map(localId)) }),
				result: refs([...coated.map(localId), ...files.map(({ path }) => path)]),
			},
			{ "@id": "#operator", "@type": "Person", name: run.operator },
			{ "@id": "#adlayer", "@type": "SoftwareApplication", name: "Adlayer", softwareVersion },
			{
				"@id": station,
				"@type": "IndividualProduct",
				name: run.station,
				additionalType: run.simulated ? "simulated station" : "station",
				...(used.length === 0 ? {} : { hasPart: refs(used.map(instrumentId)) }),
			},
			...used.map(instrument),
			...descentGraph(entities),
		],
	);
}

const instrumentId = ({ instrument }: ArchivedInstrument): string => localId(`instrument-${instrument}`);

function instrument(of: ArchivedInstrument): object {
	const { driver, manufacturer, model, serial, firmware } = of;
	return {
		"@id": instrumentId(of),
		"@type": "IndividualProduct",
		name: of.instrument,
		additionalType: "instrument",
		description: `Driver ${driver}${firmware === null ? "" : `, firmware ${firmware}`}`,
		...(manufacturer === null ? {} : { manufacturer }),
		...(model === null ? {} : { model }),
		...(serial === null ? {} : { serialNumber: serial }),
	};
}
