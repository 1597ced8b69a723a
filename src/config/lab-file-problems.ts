/** What a lab file says that cannot be: every problem at its place. */
import type { Problem } from "#core/errors.js";
import type { Path } from "#recipe/path.js";
import type { YamlDocument } from "#recipe/yaml-document.js";
import type { LabFileContent } from "#src/config/lab-file-schema.js";
import { instrumentProblems } from "#src/config/problems/instruments.js";
import { limitProblems } from "#src/config/problems/limits.js";
import { lineProblems } from "#src/config/problems/lines.js";
import { nameProblems } from "#src/config/problems/names.js";
import { precursorProblems } from "#src/config/problems/precursors.js";
import { Review } from "#src/config/problems/review.js";
import { roleProblems } from "#src/config/problems/roles.js";
import { soundContent } from "#src/config/problems/sound-content.js";
import { zoneProblems } from "#src/config/problems/zones.js";

/**
 * What the schema cannot say: names that must exist, addresses and settings that must fit their driver, ranges in order. Places
 * of another form than they should have (`unsound`) are not judged, and nothing is concluded from them; all else is.
 */
export function meaningProblems(
	content: LabFileContent,
	document: YamlDocument,
	unsound: readonly Path[] = [],
): readonly Problem[] {
	if (unsound.some((path) => path.length === 0)) return [];
	const review = new Review(soundContent(content, unsound), document);
	instrumentProblems(review);
	lineProblems(review);
	nameProblems(review);
	roleProblems(review);
	zoneProblems(review);
	precursorProblems(review);
	limitProblems(review);
	return review.problems;
}
