/** A document's content as far as it has the form that it should. */
import { type Path, printPath } from "#recipe/path.js";

/** A place that has another form, or is missing though it is required, was to be read. */
export class Unsound extends Error {}

/**
 * The content, in which reading one of the `unsound` places throws `Unsound`. Keys of a mapping can be listed all the same, so
 * that what is sound beside it is found.
 */
export function soundContent<Content extends object>(content: Content, unsound: readonly Path[]): Content {
	const places = new Set(unsound.map(printPath));
	return places.size === 0 ? content : guarded(content, [], places);
}

function guarded<Value extends object>(value: Value, path: Path, places: ReadonlySet<string>): Value {
	return new Proxy(value, {
		get(target, key) {
			const found: unknown = Reflect.get(target, key);
			if (typeof key === "symbol") return found;
			const isItem = Array.isArray(target) && /^\d+$/.test(key);
			const here = [...path, isItem ? Number(key) : key];
			if (places.has(printPath(here))) throw new Unsound();
			return typeof found === "object" && found !== null ? guarded(found, here, places) : found;
		},
	});
}
