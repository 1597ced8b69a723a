/** `ro-crate-metadata.json` of a battery test: RO-Crate 1.2, the test as a CreateAction on its cell. */
import { fileEntity, type WrittenFile } from "#export/package.js";
import type { TestFacts } from "#export/test-package.js";
import { crateOf, ref } from "#record/crate.js";
import { BDF_VOCABULARY, descentEntities, descentGraph, localId } from "#record/descent-crate.js";

const iso = (ms: number): string => new Date(ms).toISOString();

export function testCrate(facts: TestFacts, bdfPath: string, files: readonly WrittenFile[]): object {
	const { test, verdict, descent, at, softwareVersion, simulated } = facts;
	const entities = descent === undefined ? [] : descentEntities(descent).filter(({ id }) => id !== test.cellTest);
	const registered = descent?.links.find(({ child, relation }) => child === test.cellTest && relation === "cell");
	const cell = localId(registered?.parent ?? `cell-${test.cell}`);
	const cycler = localId(`instrument-${test.cycler}`);
	const action = localId(test.cellTest);
	return crateOf(
		{
			name: `Battery test ${test.cellTest} of cell ${test.cell}`,
			description: `Rows, half-cycles, protocol and verdict of a battery test${simulated ? " in a simulated lab" : ""}; positive current charges.`,
			datePublished: iso(at),
			about: ref(cell),
			hasPart: files.map(({ path }) => ref(path)),
			mentions: [ref(action), ...entities.map(({ id }) => ref(localId(id)))],
		},
		[
			...files.map((file) => ({
				...fileEntity(file),
				...(file.path === bdfPath ? { conformsTo: ref(BDF_VOCABULARY), about: ref(cell) } : {}),
			})),
			{ "@id": BDF_VOCABULARY, "@type": "CreativeWork", name: "Battery Data Format", version: "1.3.0" },
			{
				"@id": action,
				"@type": "CreateAction",
				name: `Battery test ${test.cellTest}`,
				description: `Protocol ${test.protocol}, state ${test.state}${verdict === null ? "" : `, verdict ${verdict.kind}`}`,
				actionStatus: `http://schema.org/${statusOf(facts)}ActionStatus`,
				...(test.startedAt === null ? {} : { startTime: iso(test.startedAt) }),
				...(test.endedAt === null ? {} : { endTime: iso(test.endedAt) }),
				agent: ref("#operator"),
				object: ref(cell),
				instrument: [ref(cycler), ref("protocol.yaml"), ref("#adlayer")],
				result: files.map(({ path }) => ref(path)),
			},
			{ "@id": "#operator", "@type": "Person", name: test.operator },
			{ "@id": "#adlayer", "@type": "SoftwareApplication", name: "Adlayer", softwareVersion },
			{
				"@id": cycler,
				"@type": "IndividualProduct",
				name: test.cycler,
				additionalType: simulated ? "simulated cycler" : "cycler",
			},
			...(registered === undefined
				? [{ "@id": cell, "@type": "IndividualProduct", name: test.cell, additionalType: "cell" }]
				: []),
			...descentGraph(entities),
		],
	);
}

/** The action is the test: stopped and protected tests are failed actions, whatever the verdict on the cell. */
const statusOf = ({ test }: TestFacts): string =>
	test.endedAt === null ? "Active" : test.state === "finished" ? "Completed" : "Failed";
