import { isColderThan, isHotterThan } from "#recipe/interpolate.js";
import type { FilmData } from "#recipe/library.js";
import type { Path } from "#recipe/path.js";
import { isDose } from "#recipe/plan.js";
import { type Finding, filmOf, foilC, type RuleInput } from "#recipe/rules/rule.js";

/** The product that the recipe names is what its steps make. */
export function* product(input: RuleInput): Generator<Finding> {
	const { recipe, material, films, isWhole, trace } = input;
	if (!films) return;
	if (recipe.product === "none") {
		const first = trace.steps.find(({ step }) => isDose(step));
		if (!first) return;
		const message = "The recipe has no product, so it doses nothing; name the film that its cycles deposit.";
		yield { code: "PRODUCT_PRECURSORS", effect: "error", path: [...first.path, first.step.type], message };
		return;
	}
	const isStack = films.length > 1;
	for (const [index, film] of films.entries())
		yield* filmFits(input, film, isStack ? ["product", "films", index] : ["product", "film"]);
	yield* precursors(input, isStack);
	if (!isWhole) return;
	if (input.cycles === 0) {
		const message =
			"No repeat of the recipe doses everything that a film is made of, so there is no cycle and no product.";
		yield { code: "PRODUCT_WITHOUT_CYCLES", effect: "error", path: ["steps"], message, value: 0, limit: 1 };
	}
	yield* route(input, films);
	if (material) for (const film of films) yield* growthKnown(input, film, material.name);
}

function* filmFits({ material, recipe }: RuleInput, film: FilmData, path: Path): Generator<Finding> {
	if (material && film.materials && !film.materials.includes(material.name)) {
		const message = `${film.name} is made on ${film.materials.join(", ")}, but the recipe coats ${material.name}.`;
		yield { code: "PRODUCT_METAL", effect: "error", path, message, value: film.name, limit: film.materials };
	}
	const suffix = recipe.product === "none" ? "none" : recipe.product.suffix;
	if (film.made.some((made) => made.suffix === suffix)) return;
	const known = film.made.map((made) => made.suffix);
	const message = `${film.name} has no sample name with suffix ${suffix}; its data know ${known.join(", ")}.`;
	yield { code: "PRODUCT_ROUTE", effect: "error", path: ["product", "suffix"], message, value: suffix, limit: known };
}

/** Each dose belongs to the film of its loop, and each film gets all that it is made of. */
function* precursors(input: RuleInput, isStack: boolean): Generator<Finding> {
	const { trace, isWhole, cycles } = input;
	const films = input.films!;
	const dosed = new Map<string, Set<string>>(films.map(({ name }) => [name, new Set()]));
	const foreign = new Set<string>();
	for (const { step, path } of trace.steps) {
		if (!isDose(step)) continue;
		const film = filmOf(input, step.film);
		if (!film) {
			const known = films.map(({ name }) => name);
			const message =
				step.film === undefined
					? `The product is a stack: the repeat around this dose must say which film it deposits (film: ${known.join(" or ")}).`
					: `The cycles here deposit ${step.film}, which is no film of the product; it has ${known.join(", ")}.`;
			const value = step.film === undefined ? {} : { value: step.film };
			yield { code: "PRODUCT_FILM", effect: "error", path: [...path, step.type], message, ...value, limit: known };
			continue;
		}
		dosed.get(film.name)!.add(step.precursor);
		const { precursors: own, film: deposited } = film.deposition;
		if (own.includes(step.precursor) || foreign.has(`${film.name} ${step.precursor}`)) continue;
		foreign.add(`${film.name} ${step.precursor}`);
		const message = `${deposited} is deposited from ${own.join(" and ")}; ${step.precursor} is none of them.`;
		yield {
			code: "PRODUCT_PRECURSORS",
			effect: "error",
			path: [...path, step.type, "precursor"],
			message,
			value: step.precursor,
			limit: own,
		};
	}
	if (!isWhole || cycles === 0) return;
	for (const [index, { name, deposition }] of films.entries()) {
		const missing = deposition.precursors.filter((precursor) => !dosed.get(name)!.has(precursor));
		if (missing.length === 0) continue;
		const message = `${deposition.film} needs ${deposition.precursors.join(" and ")}; the recipe never doses ${missing.join(", ")}${isStack ? ` for ${name}` : ""}.`;
		yield {
			code: "PRODUCT_PRECURSORS",
			effect: "error",
			path: isStack ? ["product", "films", index] : ["product", "film"],
			message,
			value: missing,
			limit: deposition.precursors,
		};
	}
}

/** A stack is made with an anneal when one of its films is. */
function* route({ trace, recipe }: RuleInput, films: readonly FilmData[]): Generator<Finding> {
	const suffix = recipe.product === "none" ? "none" : recipe.product.suffix;
	const ways = films.flatMap((film) => film.made.find((made) => made.suffix === suffix) ?? []);
	if (ways.length < films.length) return;
	const needsAnneal = ways.some(({ anneal }) => anneal);
	const lastDose = trace.steps.findLastIndex(({ step }) => isDose(step));
	const anneals = trace.steps.some(({ step }, index) => step.type === "anneal" && index > lastDose);
	if (needsAnneal === anneals) return;
	const made = needsAnneal
		? "is made by an anneal after the last dose, but the recipe has none"
		: "is made without an anneal, but the recipe has one";
	const names = films.map(({ name }) => name).join("+");
	const message = `${names}${suffix === "none" ? "" : `-${suffix}`} ${made}.`;
	const limit = { suffix, anneal: needsAnneal };
	yield { code: "PRODUCT_ROUTE", effect: "error", path: ["product", "suffix"], message, value: suffix, limit };
}

function* growthKnown(input: RuleInput, film: FilmData, material: string): Generator<Finding> {
	const { trace, lab } = input;
	const first = trace.steps.find(({ step }) => isDose(step) && filmOf(input, step.film) === film);
	const atC = first && foilC(lab, first.before);
	if (atC === undefined) return;
	const { growthNm, film: deposited } = film.deposition;
	const table = growthNm.get(material) ?? growthNm.get("any");
	if (!table || !growthNm.has(material)) {
		const on = material === "none" ? "a surface without metal" : material;
		const message = `Growth of ${deposited} on ${on} was never measured; the thickness is ${table ? "that on ordinary surfaces" : "not predicted"}.`;
		yield { code: "GROWTH_NOT_MEASURED", effect: "warning", path: ["material"], message, value: material };
	} else if (isColderThan(table, atC) || isHotterThan(table, atC)) {
		const range = `${table[0]!.atC} to ${table.at(-1)!.atC} °C`;
		const message = `Growth of ${deposited} on ${material} was measured at ${range}, not at ${atC} °C; the nearest value is used.`;
		yield { code: "GROWTH_NOT_MEASURED", effect: "warning", path: ["material"], message, value: atC, limit: range };
	}
}
