/** What must have been seen at a real reactor before it doses: by test, with date and name, and anew when what was tested is another. */
import { createHash } from "node:crypto";
import type { CommissioningRecord, CommissioningState, CommissioningTest } from "#cli/commissioning-report.js";
import { AdlayerError } from "#core/errors.js";
import { BY_CHARS_MAX, PLAIN } from "#record/plain-name.js";
import { type LabFile, loadLabFile } from "#src/config.js";
import { dataFolder, makeFolder } from "#src/processes/files.js";
import { stateFile } from "#src/processes/state-file.js";

type Instrument = LabFile["content"]["instruments"][string];

const isName = (by: string): boolean =>
	new RegExp(PLAIN, "u").test(by) && [...by].length <= BY_CHARS_MAX && by.trim() !== "";

/** A test as it is asked for, and what it depends on. */
interface Asked {
	readonly name: string;
	readonly doThis: string;
	readonly see: string;
	/** The test counts for just this. */
	readonly of: unknown;
}

/** All tests of a lab, each with its record where that is of what the lab file has now. */
export function commissioningTests(lab: LabFile, records: readonly CommissioningRecord[]): CommissioningTest[] {
	return testsOf(lab).map(({ of, ...asked }) => {
		const digest = digestOf(of);
		const record = records.findLast(({ test }) => test === asked.name);
		const holds = record?.of === digest;
		return {
			...asked,
			of: digest,
			date: holds ? record.date : null,
			by: holds ? record.by : null,
			...(record !== undefined && !holds ? { before: record.date } : {}),
		};
	});
}

/** Names of the tests that no record of what the lab file has now stands for. */
export const dueTests = (lab: LabFile, records: readonly CommissioningRecord[]): string[] =>
	commissioningTests(lab, records)
		.filter(({ date }) => date === null)
		.map(({ name }) => name);

export const commissioningFile = (dataDir: string) =>
	stateFile<readonly CommissioningRecord[]>(dataFolder(dataDir).commissioning);

/** The command's hands: what there is, and a record of what was seen. Throws USAGE for a test that there is not, and for nobody's name. */
export function openCommissioning(labFile: string, dataDir: string): CommissioningState {
	const lab = loadLabFile(labFile);
	const file = commissioningFile(dataDir);
	const present = () => commissioningTests(lab, file.load() ?? []);
	return {
		station: lab.content.station,
		simulated: lab.simulated,
		tests: present,
		seen: (names, by, date) => {
			if (!isName(by))
				throw new AdlayerError(
					"USAGE",
					`Who has seen it is ${JSON.stringify(by.slice(0, BY_CHARS_MAX))}: the record needs a name of 1 to ${BY_CHARS_MAX} characters in one line (--by).`,
				);
			const tests = present();
			const added = names.map((name): CommissioningRecord => {
				const test = tests.find((each) => each.name === name);
				if (test !== undefined) return { test: name, of: test.of, date, by };
				const known = tests.map((each) => each.name).join(", ");
				throw new AdlayerError("USAGE", `There is no commissioning test ${name}; there are: ${known}.`);
			});
			makeFolder(dataDir);
			file.save([...(file.load() ?? []), ...added]);
		},
	};
}

const digestOf = (of: unknown): string => createHash("sha256").update(JSON.stringify(of)).digest("hex").slice(0, 16);

function testsOf({ content }: LabFile): Asked[] {
	const { reactor, instruments } = content;
	const tests: Asked[] = [];
	for (const [name, instrument] of Object.entries(instruments)) {
		const test = BY_DRIVER[instrument.driver]?.(name, instrument);
		if (test !== undefined) tests.push({ ...test, of: instrument });
	}
	const { precursors, stop_valve: stop } = reactor;
	const outputs = Object.values(precursors).map(({ output }) => output);
	const limits = Object.values(reactor.zones).map(({ instrument, limit_degC: limitC }) => [instrument, limitC]);
	return [
		...tests,
		{
			name: "reactor.over-temperature-cut-out",
			doThis: "With control stopped, let each heater's independent cut-out act at its set temperature.",
			see: `the contactor of ${Object.keys(reactor.zones).join(", ")} falls, and does not come back by itself`,
			of: limits,
		},
		{
			name: "reactor.precursor-supply",
			doThis: "Stop the pump, then restore it and vent the foreline, each time with a precursor output driven by hand.",
			see: `no valve of ${outputs.join(", ")} opens: pump contact and pressure switch have taken its supply`,
			of: precursors,
		},
		{
			name: "reactor.mutual-exclusion",
			doThis: `Drive ${outputs.join(" and ")} at once at the I/O instrument, bottles shut.`,
			see: "one valve at most opens",
			of: precursors,
		},
		{
			name: "reactor.emergency-stop",
			doThis: "Press the emergency stop with the pump running, carrier flowing and a zone warm.",
			see: "precursor valves shut and heaters off; pump and carrier go on",
			of: [limits, precursors, stop],
		},
		{
			name: "reactor.working-pressure",
			doThis:
				"With a sound pump, the stop valve open and the zones as warm as for doses, let the carrier flow at each flow of limits.working_pressure.",
			see: workingPressureSeen(reactor.limits.working_pressure),
			of: [reactor.limits.working_pressure ?? null, stop, reactor.carrier, reactor.inputs.pump_running],
		},
		{
			name: "reactor.unpowered",
			doThis: "Switch the I/O instrument off and on again, and pull its lines off the valve drivers.",
			see: `${outputs.join(", ")} and ${stop.output} stay shut all the time`,
			of: [precursors, stop, ...new Set([...outputs, stop.output].map((signal) => instruments[instrumentOf(signal)]))],
		},
	];
}

function workingPressureSeen(declared: LabFile["content"]["reactor"]["limits"]["working_pressure"]): string {
	if (declared === undefined)
		return "nothing to compare: the lab file declares none, and a pump that is weak before the first dose is not seen. Measure it and write it there";
	const levels = declared.at.map(({ sccm, torr }) => `${torr} Torr at ${sccm} sccm`);
	return `the chamber stands within ${declared.within_percent} % of ${levels.join(", ")}`;
}

/** The dead-man, or what stands in for it, of each driver that can heat, open or flow. */
const BY_DRIVER: Readonly<Record<string, (name: string, instrument: Instrument) => Omit<Asked, "of">>> = {
	"labjack-t7": (name, { settings }) => watchdogTest(name, Number(settings.watchdog_s), settings),
	"adam-6052": (name, { settings }) => {
		const { watchdog } = settings as { watchdog: { timeout_s?: number } | "none" };
		return watchdogTest(name, watchdog === "none" ? Number.NaN : Number(watchdog.timeout_s), settings);
	},
	"eurotherm-3216": (name, { settings }) => ({
		name: `${name}.fall-back`,
		doThis: `Set ${name} some 20 degC above its local setpoint by hand (adlayer set), then kill control (kill -9).`,
		see: `within ${settings.remote_timeout_s ?? 5} s it works to its local setpoint, ${settings.local_setpoint_degC_max ?? 40} degC at most, and shows its remote alarm`,
	}),
	"watlow-ezzone-pm": (name, { settings }) => {
		const { independent_cutout: cutout } = settings as { independent_cutout: { degC: number } | "none" };
		return {
			name: `${name}.independent-cut-out`,
			doThis: `Set ${name} high at its front with its cable pulled: it has no dead-man.`,
			see: `the independent limiter takes its supply away at ${cutout === "none" ? "its temperature" : `${cutout.degC} degC`}`,
		};
	},
	"alicat-mc": (name) => carrierTest(name),
	"bronkhorst-propar": (name) => carrierTest(name),
};

function watchdogTest(name: string, timeoutS: number, settings: Instrument["settings"]): Omit<Asked, "of"> {
	const { pulse_outputs: pulses = {}, watchdog_high: high = [] } = settings as {
		pulse_outputs?: Record<string, string>;
		watchdog_high?: string[];
	};
	const lines = Object.entries(pulses).map(([output, line]) => `${output} (${line})`);
	return {
		name: `${name}.watchdog`,
		doThis: `With bottles shut and control running, drive the lines of ${name} away from rest, then kill control (kill -9); then the same by its network cable.`,
		see: `within ${timeoutS} s, at the lines: ${lines.join(", ")} low, ${high.length === 0 ? "no output" : high.join(", ")} high`,
	};
}

const carrierTest = (name: string): Omit<Asked, "of"> => ({
	name: `${name}.goes-on`,
	doThis: `Look on ${name} that its own communication time-out is off; let carrier flow, then kill control (kill -9) and pull its cable.`,
	see: "the flow goes on as it was for 5 min",
});

const instrumentOf = (signal: string): string => signal.slice(0, signal.indexOf("."));
