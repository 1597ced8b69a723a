import { isColderThan, isHotterThan } from "#recipe/interpolate.js";
import { type Finding, foilC, type RuleInput } from "#recipe/rules/rule.js";

/** The product that the recipe names is what its steps make. */
export function* product({ recipe, material, film, trace, cycles, isWhole, lab }: RuleInput): Generator<Finding> {
	if (!film) return;
	if (material && film.materials && !film.materials.includes(material.name)) {
		const message = `${film.name} is made on ${film.materials.join(", ")}, but the recipe coats ${material.name}.`;
		yield {
			code: "PRODUCT_METAL",
			effect: "error",
			path: ["product", "film"],
			message,
			value: film.name,
			limit: film.materials,
		};
	}
	const { suffix } = recipe.product;
	const way = film.made.find((made) => made.suffix === suffix);
	if (!way) {
		const known = film.made.map((made) => made.suffix);
		const message = `${film.name} has no sample name with suffix ${suffix}; its data know ${known.join(", ")}.`;
		yield { code: "PRODUCT_ROUTE", effect: "error", path: ["product", "suffix"], message, value: suffix, limit: known };
	}
	const foreign = new Set<string>();
	const dosed = new Set<string>();
	for (const { step, path } of trace.steps) {
		if (step.type !== "pulse") continue;
		dosed.add(step.precursor);
		if (film.deposition.precursors.includes(step.precursor) || foreign.has(step.precursor)) continue;
		foreign.add(step.precursor);
		const { precursors } = film.deposition;
		const message = `${film.deposition.film} is deposited from ${precursors.join(" and ")}; ${step.precursor} is none of them.`;
		yield {
			code: "PRODUCT_PRECURSORS",
			effect: "error",
			path: [...path, "pulse", "precursor"],
			message,
			value: step.precursor,
			limit: precursors,
		};
	}
	if (!isWhole) return;
	if (cycles === 0) {
		const message = "No repeat of the recipe doses precursors, so there is no cycle and no product.";
		yield { code: "PRODUCT_WITHOUT_CYCLES", effect: "error", path: ["steps"], message, value: 0, limit: 1 };
	} else {
		const missing = film.deposition.precursors.filter((precursor) => !dosed.has(precursor));
		if (missing.length > 0) {
			const message = `${film.deposition.film} needs ${film.deposition.precursors.join(" and ")}; the recipe never doses ${missing.join(", ")}.`;
			yield {
				code: "PRODUCT_PRECURSORS",
				effect: "error",
				path: ["product", "film"],
				message,
				value: missing,
				limit: film.deposition.precursors,
			};
		}
	}
	const lastPulse = trace.steps.findLastIndex(({ step }) => step.type === "pulse");
	const anneals = trace.steps.some(({ step }, index) => step.type === "anneal" && index > lastPulse);
	if (way && way.anneal !== anneals) {
		const made = way.anneal
			? "is made by an anneal after the last dose, but the recipe has none"
			: "is made without an anneal, but the recipe has one";
		const message = `${film.name}${suffix === "none" ? "" : `-${suffix}`} ${made}.`;
		yield { code: "PRODUCT_ROUTE", effect: "error", path: ["product", "suffix"], message, value: suffix, limit: way };
	}
	const first = trace.steps.find(({ step }) => step.type === "pulse");
	if (!first || !material) return;
	const table = film.deposition.growthNm.get(material.name) ?? film.deposition.growthNm.get("any");
	const atC = foilC(lab, first.before);
	if (atC === undefined) return;
	if (!table || !film.deposition.growthNm.has(material.name)) {
		const message = `Growth of ${film.deposition.film} on ${material.name} was never measured; the thickness is ${table ? "that on ordinary surfaces" : "not predicted"}.`;
		yield { code: "GROWTH_NOT_MEASURED", effect: "warning", path: ["material"], message, value: material.name };
	} else if (isColderThan(table, atC) || isHotterThan(table, atC)) {
		const range = `${table[0]!.atC} to ${table.at(-1)!.atC} °C`;
		const message = `Growth of ${film.deposition.film} on ${material.name} was measured at ${range}, not at ${atC} °C; the nearest value is used.`;
		yield { code: "GROWTH_NOT_MEASURED", effect: "warning", path: ["material"], message, value: atC, limit: range };
	}
}
