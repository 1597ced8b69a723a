/** The command line as a tree of commands: what there is, with which options. */
import { Command, Option } from "commander";
import {
	collect,
	parseFullPower,
	parseMilliseconds,
	parseMinutes,
	parseNumber,
	parsePort,
	parseQuantity,
	parseSeconds,
	parseSet,
	parseShelving,
	parseSpeed,
	parseTemperature,
} from "#cli/arguments.js";
import {
	acknowledge,
	alarms,
	outOfService,
	resetInterlock,
	returnToService,
	type SilenceOptions,
	shelve,
	unshelve,
} from "#cli/commands/alarms.js";
import { addCampaign } from "#cli/commands/campaign.js";
import { type CheckOptions, check } from "#cli/commands/check.js";
import { type CommissionOptions, commission } from "#cli/commands/commission.js";
import { type ConfirmOptions, confirm } from "#cli/commands/confirm.js";
import { addCycling } from "#cli/commands/cycling.js";
import { DEMO_RECIPE, DEMO_SPEED, type DemoOptions, demo } from "#cli/commands/demo.js";
import { EXPORT_FORMATS, type ExportOptions, exportPackage } from "#cli/commands/export.js";
import { commandRun, type RunCommandOptions } from "#cli/commands/hold-abort.js";
import { type FaultOptions, type FaultsOptions, labFault, labFaults } from "#cli/commands/lab-fault.js";
import { type BottleOptions, bottle, maintenance, parseGrams } from "#cli/commands/maintenance.js";
import { type ByHandOptions, dose, type SetOptions, safe, set } from "#cli/commands/manual.js";
import { PROBE_WITHIN_S, type ProbeOptions, probe } from "#cli/commands/probe.js";
import { type ProcessCommandOptions, runOneProcess } from "#cli/commands/process.js";
import { addRecipeTable } from "#cli/commands/recipe-table.js";
import { type RunOptions, run } from "#cli/commands/run.js";
import { type StartOptions, start } from "#cli/commands/start.js";
import { type DataOption, status } from "#cli/commands/status.js";
import type { TuneOptions } from "#cli/commands/tune-zone.js";
import type { CliContext, Outcome } from "#cli/context.js";

const PROCESSES = {
	lab: "the simulated lab's process alone",
	control: "the control process alone",
	service: "the service's process alone",
} as const;

const RUN_COMMANDS = {
	hold: "hold the present run, straight to control",
	stop: "end the present run in order: half-cycle, purge, cooling; straight to control",
	abort: "abort the present run: safe state at once, straight to control",
} as const;

export type Perform = (command: (context: CliContext) => Promise<Outcome>) => Promise<void>;

/** `perform` is given the chosen command with its arguments bound. */
export function buildProgram(version: string, perform: Perform): Command {
	const program = new Command("adlayer")
		.description("Process control and lab automation for atomic layer deposition")
		.version(version)
		.showHelpAfterError("(adlayer --help lists the commands)")
		// What follows a command's name is that command's own: `lab` and `lab fault` both have a data folder.
		.enablePositionalOptions();
	const command = (text: string, description: string) =>
		program.command(text).description(description).option("--json", "the last line of stdout is one JSON object");
	const launchable = (text: string, description: string) =>
		command(text, description)
			.option("--set <name=value>", "a parameter of the recipe; may be repeated", parseSet, {})
			.option("--sample <name>", "name of the sample (default: the product's name)")
			.option("--ack <code>", "acknowledge a condition that the check lists; may be repeated", collect, [])
			.option("--operator <name>", "who launches (default: the system's user name)");

	command("start", "start all processes and stay")
		.option("--simulate", "the simulated lab instead of hardware")
		.option("--speed <factor>", "lab time per real time, simulated labs only", parseSpeed)
		.option("--data <folder>", "data folder (default: ADLAYER_DATA)")
		.option("--lab <file>", "lab file")
		.option("--port <number>", "port of page and REST interface (default: ADLAYER_PORT)", parsePort)
		.action((options: StartOptions) => perform((context) => start(context, options)));

	launchable("demo", "simulate everything: start, run one coating, say what came of it")
		.option("--speed <factor>", "lab time per real time", parseSpeed, DEMO_SPEED)
		.option("--recipe <recipe>", "a recipe's name, or a recipe file", DEMO_RECIPE)
		.option("--lab <file>", "lab file with a simulation section (default: the simulated lab that comes with it)")
		.option("--data <folder>", "data folder (default: a new one in the system's temporary folder)")
		.option("--port <number>", "port of page and REST interface (default: a free one)", parsePort)
		.option("--keep", "leave everything up until interrupted")
		.action((options: DemoOptions) => perform((context) => demo(context, options)));

	command("status", "the present state, straight from control")
		.option("--data <folder>", "data folder (default: ADLAYER_DATA)")
		.action((options: DataOption) => perform((context) => status(context, options)));
	for (const name of ["hold", "stop", "abort"] as const) {
		command(name, RUN_COMMANDS[name])
			.option("--data <folder>", "data folder (default: ADLAYER_DATA)")
			.action((options: DataOption) => perform((context) => commandRun(context, name, options)));
	}
	command("restart", "let the held run go on: purge, prove temperatures, repeat what is in doubt; straight to control")
		.option("--anneal-minutes <number>", "minutes done of an anneal that the loss of control interrupted", parseMinutes)
		.option("--data <folder>", "data folder (default: ADLAYER_DATA)")
		.action((options: RunCommandOptions) => perform((context) => commandRun(context, "restart", options)));

	command("commission", "what must be seen at a real reactor before it doses, and the record of it")
		.requiredOption("--lab <file>", "lab file")
		.option("--data <folder>", "data folder (default: ADLAYER_DATA)")
		.option("--by <name>", "who has seen it (default: the system's user name)")
		.option("--seen <test>", "was seen just now; may be repeated", collect, [])
		.action((options: CommissionOptions) => perform((context) => commission(context, options)));
	command("maintenance", "pulses of the valves, grams in the bottles, hours, base pressure")
		.option("--data <folder>", "data folder (default: ADLAYER_DATA)")
		.action((options: DataOption) => perform((context) => maintenance(context, options)));
	command("bottle <precursor>", "what is left in a bottle, or that it was changed for a full one")
		.option("--data <folder>", "data folder (default: ADLAYER_DATA)")
		.option("--changed", "it was changed; needs --grams")
		.option("--grams <number>", "what the new bottle holds, g", parseGrams)
		.option("--by <name>", "who changed it (default: the system's user name)")
		.action((precursor: string, options: BottleOptions) => perform((context) => bottle(context, precursor, options)));

	command("confirm [prompt]", "answer the question that the run asks; without its name: show it")
		.option("--data <folder>", "data folder (default: ADLAYER_DATA)")
		.option("--by <name>", "who confirms (default: the system's user name)")
		.action((prompt: string | undefined, options: ConfirmOptions) =>
			perform((context) => confirm(context, prompt, options)),
		);
	const straight = (text: string, description: string) =>
		command(text, description).option("--data <folder>", "data folder (default: ADLAYER_DATA)");
	straight("alarms", "what is not normal and what to do, straight from control").action((options: DataOption) =>
		perform((context) => alarms(context, options)),
	);
	for (const [name, description, act] of [
		["acknowledge <alarm>", "say that an alarm has been seen", acknowledge],
		["unshelve <alarm>", "end the shelving of an alarm", unshelve],
		["return-to-service <alarm>", "return an alarm to service", returnToService],
		["reset <interlock>", "end the latch of an interlock whose cause has gone", resetInterlock],
	] as const) {
		straight(name, description).action((id: string, options: DataOption) =>
			perform((context) => act(context, id, options)),
		);
	}
	straight("shelve <alarm>", "silence an alarm for a time, or until its cause has gone once")
		.requiredOption("--reason <text>", "why, for whoever comes after")
		.option("--for <seconds>", "at most 12 h", parseShelving)
		.action((id: string, options: SilenceOptions) => perform((context) => shelve(context, id, options)));
	straight("out-of-service <alarm>", "take an alarm out of service until somebody returns it")
		.requiredOption("--reason <text>", "why, for whoever comes after")
		.action((id: string, options: SilenceOptions) => perform((context) => outOfService(context, id, options)));

	straight("set <assignment>", "by hand: carrier=20, stop_valve=open, ZONE=80 or ZONE=off, under the permits of a run")
		.option("--never-above <degC>", "required to heat a zone that heats the foil", parseTemperature)
		.option("--by <name>", "who does it (default: the system's user name)")
		.action((assignment: string, options: SetOptions) => perform((context) => set(context, assignment, options)));
	straight("dose <precursor>", "by hand: one pulse of the hardware timer, under the permits of a run")
		.requiredOption("--ms <width>", "how long the valve opens", parseMilliseconds)
		.option("--by <name>", "who does it (default: the system's user name)")
		.action((precursor: string, options: ByHandOptions & { ms: number }) =>
			perform((context) => dose(context, precursor, options)),
		);
	straight("safe", "put the reactor to rest: precursors shut, heaters off, purge flow; aborts a run")
		.option("--by <name>", "who does it (default: the system's user name)")
		.action((options: ByHandOptions) => perform((context) => safe(context, options)));

	launchable("run <recipe>", "launch a recipe (a name or a file) and follow the run to its end")
		.option("--url <url>", "the service (default: this machine at ADLAYER_PORT)")
		.action((recipe: string, options: RunOptions) => perform((context) => run(context, recipe, options)));

	command("export <id>", "carry a run or a battery test off as files, from the service of this machine or another")
		.addOption(new Option("--format <format>", "what to write").choices(EXPORT_FORMATS).makeOptionMandatory())
		.option("--out <path>", "a folder, or NAME.zip (default: the id); must not be there yet")
		.option("--institution <name>", "names a test's BDF file as the format's rule has it")
		.option("--url <url>", "the service (default: this machine at ADLAYER_PORT)")
		.action((id: string, options: ExportOptions) => perform((context) => exportPackage(context, id, options)));

	command("check <file>", "validate a recipe file and run it dry, without hardware or service")
		.option("--set <name=value>", "a parameter of the recipe; may be repeated", parseSet, {})
		.option("--lab <file>", "lab file to check against (default: the simulated lab)")
		.action((file: string, options: CheckOptions) => perform((context) => check(context, file, options)));

	command("probe <driver> <address>", "look at one instrument through its driver: identity and all readings")
		.option("--option <key=value>", "a setting of the driver; may be repeated", collect, [])
		.option("--set <signal=value>", "set a signal and read it back; needs --unguarded; may be repeated", parseSet, {})
		.option("--unguarded", "write although no control guards it")
		.option("--within <seconds>", "the longest that the probe may take", parseSeconds, PROBE_WITHIN_S)
		.option("--data <folder>", "data folder of the control that must not hold the line (default: ADLAYER_DATA)")
		.action((driver: string, address: string, options: ProbeOptions) =>
			perform((context) => probe(context, driver, address, options)),
		);

	addCycling(program, perform);
	addRecipeTable(program, perform);
	addCampaign(program, perform);

	const minutes = parseQuantity("a number of minutes");
	const degC = parseQuantity("a temperature in degC");
	command("tune [zone]", "identify a heater: test its zone, or read the table of a test (--from)")
		.option("--max <degC>", "the test ends at once above this", degC)
		.option("--around <degC>", "the temperature about which a relay test swings", degC)
		.addOption(new Option("--kind <kind>", "the test").choices(["relay", "step"]).default("relay"))
		.option("--high <degC>", "setpoint of the high side (default: 2 below --max)", degC)
		.option("--low <degC>", "setpoint of the low side (default: 40 below --around)", degC)
		.option("--hysteresis <degC>", "a relay switches so far above and below --around", degC, 1)
		.option("--swings <number>", "swings of a relay test", parseQuantity("a number"), 4)
		.option("--step <minutes>", "how long a step holds the high side", minutes, 30)
		.option("--watch <minutes>", "how long the zone is watched at rest before", minutes, 3)
		.option("--within <minutes>", "the longest that the test may take", minutes, 120)
		.option("--answer <seconds>", "the zone must have moved by 0.5 degC within this", parseQuantity("seconds"), 300)
		.option("--apply", "write the proposed settings to the instrument without asking")
		.option("--apply-from <model>", "write the settings of a model file, without a test")
		.option("--by <name>", "who tests (default: the system's user name)")
		.option("--data <folder>", "data folder (default: ADLAYER_DATA); model and plot go to its models")
		.option("--from <file>", "identify from this table (CSV: time, power, temperature) instead of a test")
		.option("--time <column>", "column of the time: header, or number from 1")
		.option("--power <column>", "column of the power")
		.option("--temperature <column>", "column of the temperature")
		.option("--neighbour <zone=column>", "another zone's temperature, to find its pull; may be repeated", parseSet, {})
		.addOption(new Option("--time-unit <unit>", "unit of the time").choices(["ms", "s", "min", "h"]))
		.addOption(new Option("--temperature-unit <unit>", "unit of the temperatures").choices(["C", "F", "K"]))
		.option("--power-full <number>", "what full power is in the power column (default: 100)", parseFullPower)
		.option("--out <folder>", "where model and plot go (default: beside the table)")
		.action((zone: string | undefined, options: TuneOptions) =>
			perform(async (context) => (await import("#cli/commands/tune-zone.js")).tune(context, zone, options)),
		);

	for (const name of ["lab", "control", "service"] as const) {
		const process = program
			.command(name)
			.description(PROCESSES[name])
			.option("--data <folder>", "data folder, shared by the processes of one reactor (default: ADLAYER_DATA)")
			.option("--lab <file>", "lab file; must be given")
			.option("--speed <factor>", "lab time per real time, simulated labs only", parseSpeed)
			.option("--port <number>", "port of page and REST interface (default: ADLAYER_PORT)", parsePort)
			.action((options: ProcessCommandOptions) => perform((context) => runOneProcess(context, name, options)));
		if (name === "lab") addFaultCommands(process, perform);
	}
	return program;
}

/** What can be done to a lab that runs. */
function addFaultCommands(lab: Command, perform: Perform): void {
	lab.enablePositionalOptions();
	const command = (text: string, description: string) =>
		lab
			.command(text)
			.description(description)
			.option("--json", "the last line of stdout is one JSON object")
			.option("--data <folder>", "data folder of the simulated lab (default: ADLAYER_DATA)");
	command("faults", "list the faults that the simulated lab can be given, and those that are active").action(
		(options: FaultsOptions) => perform((context) => labFaults(context, options)),
	);
	command("fault [kind] [target]", "give the running simulated lab a fault, or end it")
		.option("--value <number>", "how much, for kinds that take a value", parseNumber)
		.option("--for <seconds>", "lab time after which it ends by itself (default: until cleared)", parseNumber)
		.option("--seed <number>", "for faults by chance (default: the lab file's)", parseNumber)
		.option("--clear", "end this fault; without a target on all targets, without a kind everything")
		.action((kind: string | undefined, target: string | undefined, options: FaultOptions) =>
			perform((context) => labFault(context, kind, target, options)),
		);
}
