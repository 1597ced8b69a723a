/** Which doses can be compared: of one precursor, one width and one commanded carrier flow. */
export function doseKind(precursor: string, widthMs: number, carrierSccm: number): string {
	return `${precursor} ${widthMs} ms at ${carrierSccm} sccm`;
}

/** So many kinds are followed; a recipe has a handful. Of more, the one that was dosed longest ago is forgotten. */
export const DOSE_KINDS_MAX = 32;

/** What is known of a kind, as the newest of all; at first what `begin` gives. */
export function newestKind<Known>(kinds: Map<string, Known>, kind: string, begin: () => Known): Known {
	const known = kinds.get(kind) ?? begin();
	kinds.delete(kind);
	kinds.set(kind, known);
	if (kinds.size > DOSE_KINDS_MAX) kinds.delete(kinds.keys().next().value!);
	return known;
}
