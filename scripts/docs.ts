/**
 * Writes the documents that are made from the code: docs/errors.md, recipes/lab.schema.json and recipes/protocol.schema.json. A test keeps them equal.
 * Run: node --conditions=source --import tsx scripts/docs.ts
 */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { type CodeEntry, type Consequence, ERROR_CODES } from "#core/error-codes.js";
import { PROTOCOL_SCHEMA } from "#cycling/protocol-schema.js";
import { driverNamed, driverNames } from "#drivers/index.js";
import { LAB_FILE_SCHEMA } from "#src/config/lab-file-schema.js";

const ROOT = resolve(import.meta.dirname, "..");

/** In the order of how much comes to a stop. */
const CONSEQUENCES: Readonly<Record<Consequence, { readonly title: string; readonly text: string }>> = {
	"safe-state": { title: "The reactor goes to its safe state", text: "Precursors shut, purge as the cause allows." },
	"device-fault": {
		title: "One instrument is at fault",
		text: "What depends on it goes to its safe state; the instrument is tried again by itself.",
	},
	"refuse-start": { title: "A process or run does not start", text: "Nothing was moved." },
	"refuse-command": { title: "A command is refused", text: "Nothing was changed; the run goes on as it was." },
	report: { title: "Said, and nothing else", text: "What runs goes on." },
};

const ERRORS_HEAD = `# Error codes

Every failure has one of these codes, in all interfaces alike: REST (\`code\` of the problem body, with the HTTP status given
here), \`adlayer --json\` (\`error.code\`; exit codes are in [command-line.md](command-line.md)), the journal and the log files.
The message beside the code has the numbers; \`problems\`, where there is one, lists everything that is wrong at once. Codes
of single recipe problems are in [recipe-reference.md](recipe-reference.md#codes).

Made by \`scripts/docs.ts\` from \`src/core/error-codes.ts\`; do not edit.
`;

function errorSection(consequence: Consequence): string {
	const { title, text } = CONSEQUENCES[consequence];
	const rows = Object.entries<CodeEntry>(ERROR_CODES)
		.filter(([, entry]) => entry.consequence === consequence)
		.sort(([a], [b]) => (a < b ? -1 : 1))
		.map(([code, { http, meaning, next }]) => `| \`${code}\` | ${http} | ${meaning} | ${next} |`);
	return [
		`## ${title}`,
		"",
		text,
		"",
		"| code | HTTP | what it means | what to do |",
		"|---|---|---|---|",
		...rows,
		"",
	].join("\n");
}

export function errorsMarkdown(): string {
	const sections = (Object.keys(CONSEQUENCES) as Consequence[]).map(errorSection);
	return [ERRORS_HEAD, ...sections].join("\n");
}

/** The lab file's schema with the driver list, and each driver's own settings, for editors. */
export function labSchema(): object {
	const schema = structuredClone(LAB_FILE_SCHEMA) as unknown as LabSchema;
	const instrument = schema.properties.instruments.additionalProperties;
	instrument.properties.driver = { enum: driverNames };
	instrument.allOf = driverNames.map((name) => {
		// Only a schema's root may name its draft.
		const { $schema: _, ...settings } = driverNamed(name)!.settingsSchema as Record<string, unknown>;
		return {
			if: { properties: { driver: { const: name } }, required: ["driver"] },
			// biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
			then: { properties: { settings } },
		};
	});
	return {
		$schema: "http://json-schema.org/draft-07/schema#",
		$id: "https://adlayer.dev/schemas/lab-1.json",
		title: "Adlayer lab file; the reference is docs/lab-file.md.",
		...schema,
	};
}

interface LabSchema {
	properties: { instruments: { additionalProperties: { properties: Record<string, object>; allOf?: object[] } } };
}

if (process.argv[1] === import.meta.filename) {
	const schemaFile = join(ROOT, "recipes/lab.schema.json");
	writeFileSync(join(ROOT, "docs/errors.md"), errorsMarkdown());
	writeFileSync(schemaFile, JSON.stringify(labSchema(), null, "\t"));
	const protocolFile = join(ROOT, "recipes/protocol.schema.json");
	writeFileSync(protocolFile, JSON.stringify(PROTOCOL_SCHEMA, null, "\t"));
	const biome = createRequire(import.meta.url).resolve("@biomejs/biome/bin/biome");
	spawnSync(process.execPath, [biome, "format", "--write", schemaFile, protocolFile], { cwd: ROOT, stdio: "inherit" });
}
