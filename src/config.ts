/** The lab file, read once, every problem reported at once. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { AdlayerError, asAdlayerError, type Problem } from "#core/errors.js";
import type { Heater } from "#recipe/heater.js";
import { compileSchema, PROBLEMS_MAX, validate } from "#recipe/schema.js";
import { textOf } from "#recipe/text-of.js";
import { readYaml } from "#recipe/yaml-document.js";
import { heatersOf } from "#src/config/heaters.js";
import { meaningProblems } from "#src/config/lab-file-problems.js";
import { LAB_FILE_SCHEMA, type LabFileContent } from "#src/config/lab-file-schema.js";

export interface LabFile {
	readonly path: string;
	readonly text: string;
	readonly sha256: string;
	readonly content: LabFileContent;
	/** True when the instruments are simulators: then everything a person or program sees says so. */
	readonly simulated: boolean;
	/** What is known of heated zones, by name; none where the lab file names no model. */
	readonly heaters: Readonly<Record<string, Heater>>;
}

const validLabFile = compileSchema(LAB_FILE_SCHEMA);

/** Reads and checks a lab file; LAB_FILE_INVALID carries every problem with line and column. */
export function loadLabFile(path: string): LabFile {
	let bytes: Uint8Array;
	try {
		bytes = readFileSync(path);
	} catch (cause) {
		throw new AdlayerError(
			"LAB_FILE_INVALID",
			`The lab file ${path} cannot be read: ${asAdlayerError(cause).message}`,
			{ cause },
		);
	}
	const { text, problem } = textOf(bytes);
	if (problem === undefined) return parseLabFile(text, path);
	throw new AdlayerError("LAB_FILE_INVALID", `${path}:${problem.line}:${problem.column}: ${problem.message}`, {
		problems: [problem],
	});
}

/** A station with a thousand battery channels has some 200 kB. */
const LAB_FILE_BYTES_MAX = 1024 * 1024;

export function parseLabFile(text: string, path: string): LabFile {
	const document = readYaml(text, LAB_FILE_BYTES_MAX);
	const problems: Problem[] = [...document.problems];
	const content = document.value as LabFileContent;
	if (problems.length === 0) {
		const findings = validate(validLabFile, content, document);
		problems.push(...findings.map(({ problem }) => problem));
		// Of more mistakes of form not every place is known.
		if (findings.length < PROBLEMS_MAX)
			problems.push(
				...meaningProblems(
					content,
					document,
					findings.map(({ path }) => path),
				),
			);
	}
	const heaters = problems.length === 0 ? heatersOf(content, document, path, problems) : {};
	if (problems.length > 0) {
		const first = problems[0]!;
		const more = problems.length === 1 ? "" : ` and ${problems.length - 1} more`;
		throw new AdlayerError(
			"LAB_FILE_INVALID",
			`${path}:${first.line ?? 1}:${first.column ?? 1}: ${first.message}${more}`,
			{ problems },
		);
	}
	return {
		path,
		text,
		sha256: createHash("sha256").update(text).digest("hex"),
		content,
		simulated: content.simulation !== undefined,
		heaters,
	};
}
