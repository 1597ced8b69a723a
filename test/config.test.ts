import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { AdlayerError } from "#core/errors.js";
import { textOf } from "#recipe/text-of.js";
import { loadLabFile, parseLabFile } from "#src/config.js";

const FILE = resolve(import.meta.dirname, "../recipes/labs/simulated.lab.yaml");
const TEXT = readFileSync(FILE, "utf8");

function problemsOf(text: string) {
	try {
		parseLabFile(text, "x.lab.yaml");
	} catch (thrown) {
		expect(thrown).toBeInstanceOf(AdlayerError);
		return (thrown as AdlayerError).problems;
	}
	return [];
}

describe("a lab file", () => {
	it.each(["simulated", "containers"])("%s as shipped is accepted and says that it is simulated", (name) => {
		expect(loadLabFile(resolve(FILE, "..", `${name}.lab.yaml`)).simulated).toBe(true);
	});

	it("in another encoding than UTF-8 is refused, not read with other characters", () => {
		const path = join(mkdtempSync(join(tmpdir(), "adl-lab-")), "x.lab.yaml");
		writeFileSync(path, Buffer.from(TEXT.replace("title: ", "title: \u00e9"), "latin1"));
		expect(() => loadLabFile(path)).toThrow(
			/x\.lab\.yaml:\d+:8: The byte 0xe9 here is no UTF-8: save the file as UTF-8/,
		);
		writeFileSync(path, Buffer.from(`\ufeff${TEXT}`, "utf16le"));
		expect(() => loadLabFile(path)).toThrow("1:1: The file is UTF-16");
		// A mark at the beginning and line ends of another system are no harm.
		expect(problemsOf(textOf(Buffer.from(`\ufeff${TEXT.replaceAll("\n", "\r\n")}`)).text).length).toBe(
			problemsOf(TEXT).length,
		);
	});

	it("is refused with what it means beside what has another form than it should", () => {
		const problems = problemsOf(
			TEXT.replace("limit_degC: 190", "limit_degC: hot")
				.replace("chamber: gauge.chamber", "chamber: gauge.chamer")
				.replace("sccm_min: 5", "sccm_min: 500"),
		);
		expect(problems.map(({ message }) => message)).toEqual(
			expect.arrayContaining([
				expect.stringContaining('limit_degC is "hot"'),
				expect.stringContaining("Instrument gauge has no signal chamer; it has chamber, foreline"),
				expect.stringContaining("not above sccm_min, 500"),
			]),
		);
	});

	it("with one instrument under two names is refused", () => {
		const wall = problemsOf(TEXT.replace("simulated:heaters?unit=2", "simulated:heaters?unit=1"));
		expect(wall).toHaveLength(1);
		expect(wall[0]!.message).toMatch(/is the same instrument as \w+: both are unit 1 at/);
		const gauge = problemsOf(TEXT.replace("address: simulated:carrier", "address: simulated:gauge"));
		expect(gauge[0]!.message).toContain("which pfeiffer-tpg362 has to itself");
		const second = readFileSync(resolve(FILE, "../second-sources.lab.yaml"), "utf8");
		const transducers = problemsOf(second.replace("address: 2, signal: foreline", "address: 1, signal: foreline"));
		expect(transducers[0]!.message).toContain("both are address 1, reading PR4 at");
	});

	it("is refused with every problem at once, each with its line", () => {
		const problems = problemsOf(
			TEXT.replace("limit_degC: 190", "limit_degC: hot").replace("sccm_max: 200", "sccm_max: -1"),
		);
		expect(problems.map(({ path }) => path)).toEqual(
			expect.arrayContaining(["reactor.zones.stage.limit_degC", "reactor.carrier.sccm_max"]),
		);
		for (const { line } of problems) expect(line).toBeGreaterThan(1);
	});

	it.each([
		[
			"a missing limit, which nothing stands in for",
			(text: string) => text.replace("limit_degC: 190", ""),
			"reactor.zones.stage",
		],
		[
			"setpoints above the limit of the zone that they heat",
			(text: string) => text.replace("setpoint_degC_max: 185", "setpoint_degC_max: 190.1"),
			"instruments.stage.settings.setpoint_degC_max",
		],
		[
			"two precursors on one output",
			(text: string) => text.replace("output: io.H2O", "output: io.TMA"),
			"reactor.precursors.H2O.output",
		],
		[
			"pulses that outlive the watchdog of their instrument",
			(text: string) => text.replace("longest_pulse_ms: 200", "longest_pulse_ms: 2501"),
			"reactor.precursors.TMA.longest_pulse_ms",
		],
		[
			"a stop valve on a precursor's output",
			(text: string) => text.replace("output: io.stop", "output: io.TMA"),
			"reactor.stop_valve.output",
		],
		[
			"one gauge for chamber and foreline",
			(text: string) => text.replace("foreline: gauge.foreline", "foreline: gauge.chamber"),
			"reactor.pressures.foreline",
		],
		[
			"a day that there is not",
			(text: string) => text.replace("date: 2026-11-02", "date: 2026-02-30"),
			"reactor.zones.stage.sensor.date",
		],
		[
			"a working pressure that falls with more flow",
			(text: string) => text.replace("{ sccm: 100, torr: 0.637 }", "{ sccm: 100, torr: 0.12 }"),
			"reactor.limits.working_pressure.at.2.torr",
		],
		[
			"working pressures of flows that do not rise",
			(text: string) => text.replace("{ sccm: 100, torr: 0.637 }", "{ sccm: 20, torr: 0.637 }"),
			"reactor.limits.working_pressure.at.2.sccm",
		],
		["an unknown key", (text: string) => text.replace("station: sim1", "station: sim1\nspeed: 3"), "speed"],
		[
			"a driver that does not exist",
			(text: string) => text.replace("driver: alicat-mc", "driver: alicat"),
			"instruments.carrier.driver",
		],
		[
			"an address that its driver cannot use",
			(text: string) => text.replace("simulated:io", "serial:/dev/ttyUSB0"),
			"instruments.io.address",
		],
		[
			"a setting that its driver does not know",
			(text: string) => text.replace("unit_id: A", "unit_id: A, colour: red"),
			"instruments.carrier.settings.colour",
		],
		[
			"a role for a signal that its instrument does not have",
			(text: string) => text.replace("chamber: gauge.chamber", "chamber: gauge.chambre"),
			"reactor.pressures.chamber",
		],
		[
			"a role for an instrument that does not exist",
			(text: string) => text.replace("output: io.TMA", "output: relay.TMA"),
			"reactor.precursors.TMA.output",
		],
		[
			"values that are stale between two polls",
			(text: string) => text.replace("stale_ms: 2000", "stale_ms: 300"),
			"instruments.gauge.stale_ms",
		],
		[
			"another gas than the flow controller is set for",
			(text: string) => text.replace("gas: Ar, sccm_min", "gas: N2, sccm_min"),
			"reactor.carrier.gas",
		],
		[
			"a name that stands for something else in a topic",
			(text: string) => text.replaceAll("gauge", "alarms"),
			"instruments",
		],
	])("with %s is refused at its place", (_name, change, path) => {
		expect(problemsOf(change(TEXT)).map((problem) => problem.path)).toContainEqual(expect.stringContaining(path));
	});

	it("of real hardware may not have simulated addresses", () => {
		const real = TEXT.replace(/simulation:\n(?: {2}.*\n)+/, "");
		expect(problemsOf(real).map(({ path }) => path)).toContain("instruments.io.address");
	});
});
