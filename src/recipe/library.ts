/** Materials and films: the data that recipes are checked against. A third metal is a file, no code. Pure. */
import { AdlayerError, type Problem } from "#core/errors.js";
import type { TemperatureTable } from "#recipe/interpolate.js";
import { filmSchema, materialSchema } from "#recipe/library-schemas.js";
import type { Material } from "#recipe/plan.js";
import type { SampleSuffix } from "#recipe/sample-name.js";
import { compileSchema, validate } from "#recipe/schema.js";
import { problemAt, readYaml, type YamlDocument } from "#recipe/yaml-document.js";

export interface Library {
	readonly materials: ReadonlyMap<string, MaterialData>;
	readonly films: ReadonlyMap<string, FilmData>;
}

export interface MaterialData extends Material {
	readonly title: string;
	readonly carrierLimits: readonly {
		readonly gas: string;
		readonly aboveC: number;
		readonly code: string;
		readonly reason: string;
	}[];
}

export interface FilmData {
	readonly name: string;
	readonly title: string;
	readonly made: readonly { readonly suffix: SampleSuffix; readonly anneal: boolean }[];
	/** Null: on any. */
	readonly materials: readonly string[] | null;
	/** What is deposited on the way to this film: itself, unless it is formed from another. */
	readonly deposition: Deposition;
	readonly thicknessRatio: number;
}

export interface Deposition {
	readonly film: string;
	readonly precursors: readonly string[];
	/** nm per cycle over foil temperature, by material; `any` serves those not named. */
	readonly growthNm: ReadonlyMap<string, TemperatureTable>;
	/** How growth falls as the film gets thicker, by material; absent where it does not. */
	readonly shielding: ReadonlyMap<string, Shielding>;
	/** Seconds over the coldest surface of the chamber, by precursor. */
	readonly purgeMinimumS: ReadonlyMap<string, TemperatureTable>;
}

/** Below `belowC` growth falls from its full value at `fromNm` linearly to `share` of it at `toNm`, and stays there. */
export interface Shielding {
	readonly fromNm: number;
	readonly toNm: number;
	readonly share: number;
	readonly belowC: number;
}

/** Text of one data file. */
export interface LibraryFile {
	readonly fileName: string;
	readonly text: string;
}

interface MaterialFile {
	name: string;
	title: string;
	melting_degC: number | null;
	source: string;
	carrier_limits?: { gas: string; above_degC: number; code: string; reason: string }[];
}

interface FilmFile {
	name: string;
	title: string;
	made: { suffix: SampleSuffix; anneal: boolean }[];
	materials?: string[];
	deposited?: {
		precursors: string[];
		growth: {
			material: string;
			nm_per_cycle: { at_degC: number; nm: number }[];
			shielding?: { from_nm: number; to_nm: number; share: number; below_degC: number };
		}[];
		purge_minimum: Record<string, { at_degC: number; s: number }[]>;
	};
	formed?: { from: string; thickness_ratio: number };
}

const validateMaterial = compileSchema(materialSchema);
const validateFilm = compileSchema(filmSchema);

/** Throws RECIPE_LIBRARY_INVALID with all problems of all files. */
export function buildLibrary(files: { materials: readonly LibraryFile[]; films: readonly LibraryFile[] }): Library {
	const problems: Problem[] = [];
	const read = <T extends { name: string }>(
		file: LibraryFile,
		validator: typeof validateFilm,
	): { data: T; document: YamlDocument } | undefined => {
		const document = readYaml(file.text);
		const found = [...document.problems];
		if (found.length === 0) found.push(...validate(validator, document.value, document).map(({ problem }) => problem));
		problems.push(...found.map((problem) => ({ ...problem, message: `${file.fileName}: ${problem.message}` })));
		return found.length === 0 ? { data: document.value as T, document } : undefined;
	};
	const refuse = (
		file: LibraryFile,
		document: YamlDocument,
		path: readonly (string | number)[],
		message: string,
	): void => {
		problems.push(
			problemAt(
				document,
				{ path },
				{ severity: "error", code: "VALUE_NOT_ALLOWED", message: `${file.fileName}: ${message}` },
			),
		);
	};
	/** Points of a table; refused when temperatures do not rise. */
	const table = <P extends { at_degC: number }>(
		points: readonly P[],
		value: (point: P) => number,
		fault: (message: string) => void,
	): TemperatureTable => {
		const rows = points.map((point) => ({ atC: point.at_degC, value: value(point) }));
		const falling = rows.findIndex((row, index) => index > 0 && row.atC <= rows[index - 1]!.atC);
		if (falling > 0) fault(`Temperatures must rise; ${rows[falling]!.atC} °C follows ${rows[falling - 1]!.atC} °C.`);
		return rows;
	};

	const materials = new Map<string, MaterialData>();
	for (const file of files.materials) {
		const parsed = read<MaterialFile>(file, validateMaterial);
		if (!parsed) continue;
		const { data, document } = parsed;
		if (materials.has(data.name)) refuse(file, document, ["name"], `There are two materials ${data.name}.`);
		materials.set(data.name, {
			name: data.name,
			title: data.title,
			meltingPointC: data.melting_degC,
			source: data.source,
			carrierLimits: (data.carrier_limits ?? []).map((limit) => ({ ...limit, aboveC: limit.above_degC })),
		});
	}

	const filmFiles = new Map<string, { file: LibraryFile; data: FilmFile; document: YamlDocument }>();
	const depositions = new Map<string, Deposition>();
	for (const file of files.films) {
		const parsed = read<FilmFile>(file, validateFilm);
		if (!parsed) continue;
		const { data, document } = parsed;
		if (filmFiles.has(data.name)) refuse(file, document, ["name"], `There are two films ${data.name}.`);
		filmFiles.set(data.name, { file, data, document });
		if (!data.deposited) continue;
		const { precursors, growth, purge_minimum } = data.deposited;
		for (const precursor of precursors) {
			if (!Object.hasOwn(purge_minimum, precursor)) {
				refuse(file, document, ["deposited", "purge_minimum"], `There is no purge minimum for ${precursor}.`);
			}
		}
		const fault =
			(...path: (string | number)[]) =>
			(message: string) =>
				refuse(file, document, ["deposited", ...path], message);
		depositions.set(data.name, {
			film: data.name,
			precursors,
			growthNm: new Map(
				growth.map((row, index) => [
					row.material,
					table(row.nm_per_cycle, (point) => point.nm, fault("growth", index, "nm_per_cycle")),
				]),
			),
			shielding: new Map(
				growth.flatMap(({ material, shielding: law }, index) => {
					if (law === undefined) return [];
					if (law.to_nm <= law.from_nm)
						fault("growth", index, "shielding", "to_nm")(`to_nm ${law.to_nm} is not above from_nm ${law.from_nm}.`);
					const { from_nm: fromNm, to_nm: toNm, share, below_degC: belowC } = law;
					return [[material, { fromNm, toNm, share, belowC }] as const];
				}),
			),
			purgeMinimumS: new Map(
				Object.entries(purge_minimum).map(([name, points]) => [
					name,
					table(points, (point) => point.s, fault("purge_minimum", name)),
				]),
			),
		});
	}

	const films = new Map<string, FilmData>();
	for (const [name, { file, data, document }] of filmFiles) {
		const deposition = depositions.get(data.formed?.from ?? name);
		if (!deposition) {
			refuse(file, document, ["formed", "from"], `There is no deposited film ${data.formed?.from}.`);
			continue;
		}
		const { title, made, materials: only } = data;
		films.set(name, {
			name,
			title,
			made,
			materials: only ?? null,
			deposition,
			thicknessRatio: data.formed?.thickness_ratio ?? 1,
		});
	}

	if (problems.length > 0) {
		throw new AdlayerError(
			"RECIPE_LIBRARY_INVALID",
			`Materials and films have ${problems.length} problems; the first: ${problems[0]!.message}`,
			{ problems },
		);
	}
	return { materials, films };
}
