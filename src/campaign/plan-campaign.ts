/** Every run of a campaign checked and run dry, before any of it exists. */
import type { Problem } from "#core/errors.js";
import { readCampaign, sampleName } from "#recipe/campaign-document.js";
import { checkRecipe } from "#recipe/check.js";
import type { LabFacts } from "#recipe/lab-facts.js";
import type { Library } from "#recipe/library.js";
import type { CampaignRun, CampaignTotals } from "#record/campaigns.js";

/** Problems of one campaign; the rest is left out. */
const PROBLEMS_MAX = 200;
const SAMPLE_NAME_CHARS_MAX = 120;

export interface PlannedCampaign {
	readonly name: string;
	readonly title: string;
	readonly runs: readonly CampaignRun[];
	readonly totals: CampaignTotals;
	readonly problems: readonly Problem[];
}

/**
 * `breathe` is awaited between runs: each is checked in one go, and whoever watches the reactor must not wait for all of
 * them. Problems of a recipe name its place in the recipe, and the series that asks for it.
 */
export async function planCampaign({
	document,
	recipes,
	library,
	lab,
	breathe,
}: {
	document: string;
	/** Texts by the names that the document uses. */
	recipes: Readonly<Record<string, string>>;
	library: Library;
	lab: LabFacts;
	breathe: () => Promise<void>;
}): Promise<PlannedCampaign> {
	const { name, title, runs: planned, problems: early, at } = readCampaign(document);
	const problems: Problem[] = [...early];
	const runs: CampaignRun[] = [];
	const pulses: Record<string, number> = {};
	const precursorMg: Record<string, number> = {};
	const samples = new Map<string, number>();
	const seen = new Set<string>();
	let totalS = 0;
	const add = (problem: Problem): void => {
		// A series of seven says the same thing of its recipe once.
		const key = `${problem.path} ${problem.code} ${problem.message}`;
		if (seen.has(key)) return;
		seen.add(key);
		problems.push(problem);
	};
	for (const [index, { recipe, set, sample: rule, path }] of planned.entries()) {
		const entry = index + 1;
		if (!Object.hasOwn(recipes, recipe)) {
			const message = `There is no recipe ${recipe}.`;
			add(at([...path, "recipe"], { severity: "error", code: "RECIPE_NOT_FOUND", message, value: recipe }));
			continue;
		}
		await breathe();
		const checked = checkRecipe({ text: recipes[recipe]!, fileName: recipe, set, library, lab });
		for (const { severity, code, message, line, path: place, value, limit } of checked.problems) {
			const where = `${recipe}${line === undefined ? "" : `:${line}`}${place ? ` ${place}` : ""}`;
			add(at(path, { severity, code, message: `${where}: ${message}`, value, limit }));
		}
		const { plan } = checked;
		if (plan === undefined) continue;
		const sample = sampleName(rule, { product: plan.product, campaign: name, entry });
		const before = samples.get(sample);
		if (before !== undefined || sample.length > SAMPLE_NAME_CHARS_MAX) {
			const message =
				before === undefined
					? `The name ${sample.slice(0, 40)}... is longer than ${SAMPLE_NAME_CHARS_MAX} characters.`
					: `Runs ${before} and ${entry} would both make ${sample}; {entry} or {campaign} in the rule tells them apart.`;
			problems.push(at([...path, "sample"], { severity: "error", code: "CAMPAIGN_SAMPLE", message, value: sample }));
		}
		samples.set(sample, entry);
		totalS += plan.totalS;
		const mg = rounded(plan.precursorMg);
		for (const [precursor, count] of Object.entries(plan.pulses)) pulses[precursor] = (pulses[precursor] ?? 0) + count;
		for (const [precursor, used] of Object.entries(mg)) precursorMg[precursor] = (precursorMg[precursor] ?? 0) + used;
		runs.push({
			entry,
			recipe,
			set,
			sample,
			product: plan.product,
			material: plan.material.name,
			plannedS: plan.totalS,
			precursorMg: mg,
			acknowledgements: plan.acknowledgements,
			state: "waiting",
			run: null,
		});
	}
	return {
		name,
		title,
		runs,
		totals: { runs: runs.length, totalS, pulses, precursorMg: rounded(precursorMg) },
		problems: problems.slice(0, PROBLEMS_MAX),
	};
}

const rounded = (mg: Record<string, number>): Record<string, number> =>
	Object.fromEntries(Object.entries(mg).map(([precursor, value]) => [precursor, Number(value.toFixed(3))]));
