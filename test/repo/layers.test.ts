import { readdirSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = resolve(import.meta.dirname, "../..");

/** Composition roots may import everything, as do files directly in src: the processes, what control is composed of, and what the lab file is to each room. */
const ROOTS = ["processes", "control", "config"];

/** Who may import whom, beyond itself. */
const MAY_IMPORT: Record<string, string[]> = {
	core: [],
	record: ["core"],
	transport: ["core"],
	device: ["core"],
	twin: ["core"],
	analysis: ["core"],
	heating: ["core"],
	export: ["core", "record", "analysis"],
	journal: ["core", "record"],
	"control-link": ["core", "record"],
	safety: ["core", "record", "device"],
	recipe: ["core", "record", "analysis", "heating", "safety", "device"],
	tuning: ["core", "record", "heating", "safety"],
	cycling: ["core", "record", "recipe", "analysis", "safety", "device"],
	store: ["core", "record", "journal"],
	publish: ["core", "record", "journal"],
	api: ["core", "record", "recipe", "cycling", "analysis", "heating", "export", "control-link", "store"],
	cli: ["core", "record", "recipe", "cycling", "analysis", "heating", "export", "control-link"],
	lab: ["core", "device", "twin", "transport"],
	web: [],
	campaign: ["core", "record", "recipe"],
	maintenance: ["core", "record"],
	verdicts: ["core", "record", "analysis"],
};
/** The command line loads these only when it is asked to start processes or to check against a lab file. */
const LAZY_ROOTS = ["#src/"];

function sources(folder: string): string[] {
	return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
		const path = join(folder, entry.name);
		if (entry.isDirectory()) return entry.name === "generated" || entry.name === "node_modules" ? [] : sources(path);
		return entry.name.endsWith(".ts") ? [path] : [];
	});
}

/** Every module that a file names, with `dynamic` for import(). */
function imports(file: string): { from: string; dynamic: boolean; typeOnly: boolean }[] {
	const text = readFileSync(file, "utf8");
	const statics = [...text.matchAll(/^(?:import|export)\s+(type\s)?[^;]*?from\s+"([^"]+)"/gm)].map((match) => ({
		from: match[2]!,
		dynamic: false,
		typeOnly: match[1] !== undefined,
	}));
	const dynamics = [...text.matchAll(/\bimport\("([^"]+)"\)/g)].map((match) => ({
		from: match[1]!,
		dynamic: true,
		typeOnly: false,
	}));
	return [...statics, ...dynamics];
}

describe("the layers of the house", () => {
	const rooms = readdirSync(join(ROOT, "src"), { withFileTypes: true }).filter(
		(entry) => entry.isDirectory() && !ROOTS.includes(entry.name),
	);

	it.each(rooms.map((room) => room.name))("%s imports only rooms it may", (room) => {
		const allowed = MAY_IMPORT[room];
		expect(allowed, `room ${room} is in the table`).toBeDefined();
		const wrong = sources(join(ROOT, "src", room)).flatMap((file) =>
			imports(file)
				.filter(({ from, dynamic }) => {
					if (from.startsWith("#")) {
						if (dynamic && LAZY_ROOTS.some((root) => from.startsWith(root))) return false;
						if (from.startsWith(`#src/${room}/`)) return false;
						const target = from.slice(1, from.indexOf("/"));
						return target !== room && !allowed!.includes(target);
					}
					return from.startsWith("..") && !resolve(file, "..", from).startsWith(join(ROOT, "src", room));
				})
				.map(({ from }) => `${relative(ROOT, file)} imports ${from}`),
		);
		expect(wrong).toEqual([]);
	});

	it("recipe takes only types from device", () => {
		const wrong = sources(join(ROOT, "src/recipe")).flatMap((file) =>
			imports(file)
				.filter(({ from, typeOnly }) => from.startsWith("#device/") && !typeOnly)
				.map(({ from }) => `${relative(ROOT, file)} imports ${from}`),
		);
		expect(wrong).toEqual([]);
	});

	it("a driver imports core, transport and device, never another driver; a driver never its simulator, a simulator never the twin", () => {
		const wrong: string[] = [];
		for (const driver of readdirSync(join(ROOT, "drivers"), { withFileTypes: true }).filter((entry) =>
			entry.isDirectory(),
		)) {
			for (const file of sources(join(ROOT, "drivers", driver.name))) {
				for (const { from } of imports(file)) {
					const outside =
						from.startsWith("#") &&
						!["#core/", "#transport/", "#device/", `#drivers/${driver.name}/`].some((prefix) =>
							from.startsWith(prefix),
						);
					const escapes =
						from.startsWith("..") && !resolve(file, "..", from).startsWith(join(ROOT, "drivers", driver.name));
					const ownSimulator = file.endsWith("/driver.ts") && /simulator/.test(from);
					if (outside || escapes || ownSimulator) wrong.push(`${relative(ROOT, file)} imports ${from}`);
				}
			}
		}
		expect(wrong).toEqual([]);
	});
});
