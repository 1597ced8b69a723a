/** Documents say what is: links resolve, examples are accepted, and what is made from the code is equal to it. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { buildProgram } from "#cli/program.js";
import { ERROR_CODES } from "#core/error-codes.js";
import { checkProtocol } from "#cycling/check-protocol.js";
import { driverNamed, driverNames } from "#drivers/index.js";
import { checkRecipe } from "#recipe/check.js";
import { loadLibrary } from "#recipe/library-files.js";
import { labFacts } from "#src/config/lab-facts.js";
import { LAB_FILE_SCHEMA } from "#src/config/lab-file-schema.js";
import { parseLabFile } from "#src/config.js";
import { errorsMarkdown, labSchema } from "../../scripts/docs.js";

const ROOT = resolve(import.meta.dirname, "../..");
const RECIPES = join(ROOT, "recipes");
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");

/** Files below a folder of the product, relative to its root. */
function filesIn(folder: string, ending: string): string[] {
	return readdirSync(join(ROOT, folder), { withFileTypes: true, recursive: true })
		.filter((entry) => entry.isFile() && entry.name.endsWith(ending))
		.map((entry) => relative(ROOT, join(entry.parentPath, entry.name)));
}

const DOCUMENTS = [...filesIn("docs", ".md"), ...filesIn("drivers", ".md"), ...filesIn("recipes", ".md")].concat(
	existsSync(join(ROOT, "README.md")) ? ["README.md"] : [],
);

interface Link {
	/** Relative to the root; the document itself for `#anchor`. */
	readonly path: string;
	readonly anchor: string;
}

/** What a reader sees as text: without code, in which brackets mean something else. */
const prose = (markdown: string): string => markdown.replace(/^```[\s\S]*?^```/gm, "").replace(/`[^`\n]*`/g, "code");

function linksOf(document: string): Link[] {
	return [...prose(read(document)).matchAll(/\]\(([^)\s]+)\)/g)]
		.map((match) => match[1]!)
		.filter((target) => !/^[a-z]+:/.test(target))
		.map((target) => {
			const [file = "", anchor = ""] = target.split("#");
			return { path: file === "" ? document : relative(ROOT, resolve(ROOT, dirname(document), file)), anchor };
		});
}

/** Anchors as GitHub makes them of headings. */
function anchorsOf(document: string): string[] {
	const text = read(document).replace(/^```[\s\S]*?^```/gm, "");
	return [...text.matchAll(/^#+ (.+)$/gm)].map((match) =>
		match[1]!
			.toLowerCase()
			.replace(/[^\p{L}\p{N} _-]/gu, "")
			.replaceAll(" ", "-"),
	);
}

/** Examples of one kind: fenced YAML whose first line says `adlayer: KIND`. */
function examples(kind: string): [document: string, text: string][] {
	return DOCUMENTS.flatMap((document) =>
		[...read(document).matchAll(/^```yaml\n(adlayer: (\w+)\/1\n[\s\S]*?)^```/gm)]
			.filter((match) => match[2] === kind)
			.map((match): [string, string] => [document, match[1]!]),
	);
}

describe("links", () => {
	it.each(DOCUMENTS)("of %s lead somewhere", (document) => {
		const broken = linksOf(document).filter(
			({ path, anchor }) =>
				!existsSync(join(ROOT, path)) || (anchor !== "" && path.endsWith(".md") && !anchorsOf(path).includes(anchor)),
		);
		expect(broken).toEqual([]);
	});

	it("lead from docs/README.md to every document in docs", () => {
		const reached = new Set<string>();
		const visit = (document: string): void => {
			if (reached.has(document) || !document.endsWith(".md") || !existsSync(join(ROOT, document))) return;
			reached.add(document);
			for (const { path } of linksOf(document)) visit(path);
		};
		visit("docs/README.md");
		expect(filesIn("docs", ".md").filter((document) => !reached.has(document))).toEqual([]);
	});

	it("name files of the product that are there", () => {
		const missing = DOCUMENTS.flatMap((document) =>
			[...read(document).matchAll(/`((?:src|drivers|test|recipes|scripts|prisma|docs)\/[\w./-]+\.\w+)`/g)]
				.map((match) => match[1]!)
				.filter((path) => !/NAME|NNNN/.test(path) && !existsSync(join(ROOT, path)))
				.map((path) => `${document}: ${path}`),
		);
		expect(missing).toEqual([]);
	});
});

/** Instruments that only measure. */
const MONITORS = ["inficon-sqm160", "mks-900", "mqtt-atmosphere", "pfeiffer-tpg362"];

describe("the README of a driver that can heat, dose, flow, pump or charge", () => {
	it.each(driverNames.filter((name) => !MONITORS.includes(name)))("says what must be hardwired: %s", (name) => {
		const readme = read(`drivers/${name}/README.md`);
		const section = /^## What must be hardwired\n\n([\s\S]+?)^## /m.exec(readme)?.[1] ?? "";
		expect(section.length).toBeGreaterThan(100);
	});
});

describe("documents made from the code", () => {
	it("list every error code (else run: node --conditions=source --import tsx scripts/docs.ts)", () => {
		expect(read("docs/errors.md")).toBe(errorsMarkdown());
	});

	it("give editors the lab file's schema", () => {
		expect(JSON.parse(read("recipes/lab.schema.json"))).toEqual(JSON.parse(JSON.stringify(labSchema())));
	});
});

describe("error codes", () => {
	it("are each used by the program", () => {
		const elsewhere = ["src/core/error-codes.ts", "src/cli/exit-codes.ts"];
		const code = [...filesIn("src", ".ts"), ...filesIn("drivers", ".ts")]
			.filter((path) => !elsewhere.includes(path) && !path.includes("/generated/"))
			.map(read)
			.join("\n");
		expect(Object.keys(ERROR_CODES).filter((name) => !code.includes(`"${name}"`))).toEqual([]);
	});
});

describe("the lab file's schema for editors", () => {
	const validate = new Ajv({ strict: false, allErrors: true }).compile(labSchema());
	const shipped = filesIn("recipes/labs", ".lab.yaml");

	it.each(shipped)("accepts %s", (path) => {
		expect(validate(parse(read(path))), JSON.stringify(validate.errors)).toBe(true);
	});

	it("refuses a setting that the driver does not have", () => {
		const lab = parse(read(shipped[0]!)) as { instruments: Record<string, { settings: Record<string, unknown> }> };
		lab.instruments.carrier!.settings.decimals = 1;
		expect(validate(lab)).toBe(false);
	});
});

describe("docs/lab-file.md", () => {
	const text = read("docs/lab-file.md");
	const says = (name: string): boolean => new RegExp(`\`(?:[\\w.]+\\.)?${name}\``).test(text);

	it("explains every key", () => {
		const names = new Set<string>();
		const collect = (schema: { properties?: Record<string, object>; additionalProperties?: unknown }): void => {
			for (const [name, inner] of Object.entries(schema.properties ?? {})) {
				names.add(name);
				collect(inner);
			}
			if (typeof schema.additionalProperties === "object") collect(schema.additionalProperties as object);
		};
		collect(LAB_FILE_SCHEMA);
		// Groups whose members are explained under their full name.
		const groups = [
			"sensor",
			"prediction",
			"stop_valve",
			"inputs",
			"limits",
			"carrier",
			"pressures",
			"zones",
			"precursors",
			"heater",
			"vapour",
			"atmosphere",
			"cells",
		];
		const unsaid = [...names].filter((name) => !groups.includes(name) && !says(name));
		expect(unsaid).toEqual([]);
	});

	it.each(driverNames)("names every setting and address scheme of %s", (name) => {
		const { settingsSchema, addressSchemes } = driverNamed(name)!;
		const { properties } = settingsSchema as { properties: object };
		const row = text.split("\n").find((line) => line.startsWith(`| [${name}](`)) ?? "";
		const wanted = [...Object.keys(properties), ...addressSchemes];
		expect(wanted.filter((word) => !row.includes(`\`${word}\``))).toEqual([]);
	});
});

describe("docs/command-line.md", () => {
	it("has a row for every command with each of its options", () => {
		const rows = read("docs/command-line.md").split("\n");
		const program = buildProgram("", async () => {});
		const unsaid = program.commands.flatMap((command) => {
			const row = rows.find((line) => line.startsWith("|") && new RegExp(`\`${command.name()}[ \`]`).test(line)) ?? "";
			const words = [command.name(), ...command.options.map((option) => option.long!)];
			return words
				.filter((word) => word !== "--json" && !row.includes(word))
				.map((word) => `${command.name()}: ${word}`);
		});
		expect(unsaid).toEqual([]);
	});
});

describe("examples", () => {
	it.each(examples("lab"))("of a lab file in %s is accepted", (document, text) => {
		expect(parseLabFile(text, document).content.station).not.toBe("");
	});

	it.each(examples("recipe"))("of a recipe in %s may be launched on the example lab", (document, text) => {
		const lab = labFacts(parseLabFile(examples("lab")[0]![1], document));
		const { problems } = checkRecipe({ text, fileName: document, set: {}, library: loadLibrary(RECIPES), lab });
		expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
	});

	it.each(examples("protocol"))("of a protocol in %s is accepted", (document, text) => {
		expect(checkProtocol(text, document).problems).toEqual([]);
	});
});
