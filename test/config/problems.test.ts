import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { AdlayerError, type Problem } from "#core/errors.js";
import { parseLabFile } from "#src/config.js";

const TEXT = readFileSync(resolve(import.meta.dirname, "../../recipes/labs/simulated.lab.yaml"), "utf8");

function problemsOf(text: string): readonly Problem[] {
	try {
		parseLabFile(text, "x.lab.yaml");
	} catch (thrown) {
		if (thrown instanceof AdlayerError && thrown.code === "LAB_FILE_INVALID") return thrown.problems ?? [];
		throw thrown;
	}
	return [];
}

type Tree = Record<string, unknown>;
const isTree = (value: unknown): value is Tree => typeof value === "object" && value !== null;

/** Every place of the document, from the outside in. */
function* placesOf(value: unknown, path: readonly string[] = []): Generator<readonly string[]> {
	if (path.length > 0) yield path;
	if (isTree(value)) for (const key of Object.keys(value)) yield* placesOf(value[key], [...path, key]);
}

function changed(content: Tree, path: readonly string[], value: unknown): Tree {
	const copy = structuredClone(content);
	let here = copy;
	for (const key of path.slice(0, -1)) here = here[key] as Tree;
	if (value === undefined) delete here[path.at(-1)!];
	else here[path.at(-1)!] = value;
	return copy;
}

/** Three mistakes of meaning that have nothing to do with one another. */
const PLANTED = TEXT.replace("chamber: gauge.chamber", "chamber: gauge.chamer").replace("sccm_min: 5", "sccm_min: 500");

describe("problems of a lab file", () => {
	const content = parse(PLANTED) as Tree;
	const planted = new Map(problemsOf(PLANTED).map(({ path, message }) => [path, message]));
	/** What each of them is concluded from. */
	const FROM: Record<string, readonly string[]> = {
		"reactor.pressures.chamber": ["reactor.pressures", "instruments.gauge"],
		"reactor.carrier.sccm_max": ["reactor.carrier"],
		"reactor.carrier.purge_sccm": ["reactor.carrier"],
	};
	const places = [...placesOf(content)];

	it("are planted as this test believes", () => {
		expect([...planted.keys()].sort()).toEqual(Object.keys(FROM).sort());
		expect(places.length).toBeGreaterThan(100);
	});

	it.each([
		["is missing", undefined],
		["is empty", null],
		["is a list", [[]]],
		["is a number", 1e300],
	])(
		"are found wherever they stand, whatever %s beside them, and never speak of what is not there",
		(_how, value) => {
			for (const path of places) {
				const place = path.join(".");
				const found = problemsOf(stringify(changed(content, path, value)));
				for (const { message } of found)
					expect(message, place).not.toMatch(/\bundefined\b|\bNaN\b|\[object |Cannot read/);
				const paths = found.map((problem) => problem.path);
				for (const [known, from] of Object.entries(FROM)) {
					const isTouched = from.some((one) => `${one}.`.startsWith(`${place}.`) || place.startsWith(`${one}.`));
					if (isTouched || place === "instruments") continue;
					expect(paths, `${known}, with ${place} changed`).toContain(known);
				}
			}
		},
		60_000,
	);

	it("name two names that differ in capitals alone", () => {
		const zones = content.reactor as Tree;
		const twice = changed(content, ["reactor", "precursors"], {
			...(zones.precursors as Tree),
			tma: structuredClone((zones.precursors as Tree).TMA),
		});
		expect(problemsOf(stringify(twice)).map(({ message }) => message)).toContain(
			"tma and TMA differ in capitals alone.",
		);
	});

	it.each([
		[
			"title: Simulated bench reactor for lithium foil",
			`title: ${"x".repeat(5_000)}`,
			"title has 5000 characters, the most are 200.",
		],
		["title: Simulated", 'title: "two\\nlines and \\u0007"\n#', "one line of text without control characters"],
		[
			"pressure_torr_max: ",
			"pressure_torr_max: 1e300 #",
			"reactor.limits.pressure_torr_max is 1e+300, but must be <= 2000.",
		],
		["limit_degC: 190", "limit_degC: 0xBE", '0xBE stands for the number 190: write 190, or "0xBE" where it is a text.'],
		["limit_degC: 190", "limit_degC: 0o276", "0o276 stands for the number 190"],
		["limit_degC: 190", "limit_degC: 0190", "0190 stands for the number 190"],
		["station: sim1", "station: my lab", "does not have the form of a name: letters, digits and underscores"],
	])("name what is no sound text or number: %s -> %s", (from, to, said) => {
		const text = TEXT.replace(from, to);
		expect(text).not.toBe(TEXT);
		expect(
			problemsOf(text)
				.map(({ message }) => message)
				.join("\n"),
		).toContain(said);
	});

	it("are said once, however many errors one mistake makes for a parser", () => {
		expect(problemsOf("[".repeat(20_000)).length).toBeLessThan(5);
	});

	it.each([
		["modbus-rtu:/dev/ttyUSB0?baud=19200&unit=2", "19200 baud"],
		["modbus-rtu:/dev/ttyUSB0?baud=9600&parity=even&unit=2", "even"],
	])("name two instruments on one line that are to speak otherwise: %s", (address, said) => {
		const text = TEXT.replace("simulated:heaters?unit=1", "modbus-rtu:/dev/ttyUSB0?baud=9600&unit=1").replace(
			"simulated:heaters?unit=2",
			address,
		);
		const found = problemsOf(text).filter(({ path }) => path === "instruments.wall.address");
		expect(found.map(({ message }) => message).join()).toMatch(
			/^wall uses serial:\/dev\/ttyUSB0 as .*but stage uses it as/,
		);
		expect(found[0]!.message).toContain(said);
	});

	it("name a date of another century", () => {
		const found = problemsOf(TEXT.replace(/date: 20(\d\d-\d\d-\d\d)/, "date: 21$1"));
		expect(found.map(({ message }) => message).join()).toMatch(/^21\d\d-.* is in another century than this one/);
	});
});
