/** Names that differ in capitals alone: people mix them up, and so do file systems and dashboards that fold them. */
import type { Review } from "#src/config/problems/review.js";

export function nameProblems(review: Review): void {
	alike(review, ["instruments"], () => review.content.instruments);
	alike(review, ["reactor", "zones"], () => review.content.reactor.zones);
	alike(review, ["reactor", "precursors"], () => review.content.reactor.precursors);
}

function alike(review: Review, path: readonly string[], entries: () => object): void {
	const first = new Map<string, string>();
	for (const name of Object.keys(review.judge(entries) ?? {})) {
		const other = first.get(name.toLowerCase());
		if (other === undefined) first.set(name.toLowerCase(), name);
		else review.wrong([...path, name], `${name} and ${other} differ in capitals alone.`, { value: name, limit: other });
	}
}
