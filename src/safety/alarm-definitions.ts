/** What every alarm is: priority, cause, consequence, what to do, and its delays. docs/alarms.md has a row for each. */
import type { AlarmRecord } from "#record/records.js";

export interface AlarmDefinition {
	readonly priority: AlarmRecord["priority"];
	readonly cause: string;
	/** What happens when nobody does anything. */
	readonly consequence: string;
	readonly response: string;
	/** A latching alarm needs clear, acknowledge and reset. */
	readonly latching: boolean;
	/** The cause must be there, or be gone, for so long. */
	readonly onDelayMs: number;
	readonly offDelayMs: number;
	/** Of a measured value: how far it must be back before the cause counts as gone. */
	readonly deadband: string;
	/** Ids of alarms that say the same already: while one of them is active, this one is suppressed by design. */
	readonly suppressedBy?: readonly string[];
}

const definition = (
	of: Partial<AlarmDefinition> & Omit<AlarmDefinition, "latching" | "onDelayMs" | "offDelayMs" | "deadband">,
) => ({
	latching: false,
	onDelayMs: 0,
	offDelayMs: 0,
	deadband: "none",
	...of,
});

/** By the first part of their id; what follows it is the interlock, instrument, actuator or precursor. */
export const ALARM_DEFINITIONS = {
	interlock: definition({
		priority: "critical",
		cause: "An interlock has tripped.",
		consequence: "The reactor stands in the interlock's safe state, and no run goes on.",
		response: "As the interlock's own row says.",
		latching: true,
		deadband: "the interlock's own",
	}),
	instrument: definition({
		priority: "high",
		cause: "An instrument does not answer, or answers as another.",
		consequence: "What is judged from it counts as unknown; in a run that is danger.",
		response: "What its error says is next, such as to check power, cable and address; it is tried again every second.",
	}),
	sensor: definition({
		priority: "high",
		cause: "An instrument answers and says that one of its values is no measurement.",
		consequence: "What is judged from it counts as unknown: no run can use it, and in a run it is danger.",
		response: "Read what the instrument says of it; check the sensor, its plug and its cable.",
		onDelayMs: 2_000,
		offDelayMs: 2_000,
	}),
	"safe-state": definition({
		priority: "critical",
		cause: "An actuator could not be brought to its safe state.",
		consequence: "It stays as it is until an attempt succeeds, or its instrument's own time-out acts.",
		response:
			"It is tried again every second. If it must be safe now, use the hardwired means: hand valve, contactor, emergency stop.",
	}),
	"control.stalled": definition({
		priority: "high",
		cause: "Control's own loop came more than 1 s late.",
		consequence: "The valve I/O's watchdog is not fed, and shuts the precursor valves.",
		response: "Look for load on the machine; control needs a processor at its priority.",
	}),
	heater: definition({
		priority: "high",
		cause: "A zone is no longer the model that its guide goes by.",
		consequence:
			"The run is held with its heaters off: what its sensor says may be wrong. Nothing heats the zone until the alarm is acknowledged.",
		response:
			"Look for a slipped thermocouple, a failing heater or another load; acknowledge when the cause is found. Tune the zone anew, or take its model out of the lab file.",
	}),
	"heated-unordered": definition({
		priority: "high",
		cause: "A zone's controller gives power though no run and no person here orders it.",
		consequence:
			"It goes on heating, watched by over-temperature and runaway alone, until an order, a run or a safe state takes the zone.",
		response:
			"Look who heats there, and load no foil. adlayer set ZONE=off takes the power away; so does the contactor. Set the controller back to automatic and remote.",
	}),
	"run.held": definition({
		priority: "high",
		cause: "Control has held the run by itself.",
		consequence: "The foil waits in the purge; nothing goes on without a person.",
		response: "Read the run's cause, remove it, then restart, stop or abort the run.",
		suppressedBy: ["interlock."],
	}),
	"journal.failed": definition({
		priority: "critical",
		cause: "The journal cannot be written or synced.",
		consequence: "What happens is not recorded; no dose is given.",
		response: "Check the disk of the data folder; control must be started anew after it works again.",
	}),
	"clock.jumped": definition({
		priority: "low",
		cause: "The machine's wall clock has jumped by more than 1 s.",
		consequence: "Times that people see have a step; durations, purges and anneal minutes do not use that clock.",
		response: "Check the machine's time synchronisation, and note the jump with the run.",
	}),
	"disk.filling": definition({
		priority: "medium",
		cause: "The journal's disk is 70 % full, or nobody can say how full it is.",
		consequence: "At 85 % no run starts, at 95 % samples are thinned out.",
		response: "Make room, or let the readers of the journal catch up.",
		onDelayMs: 10_000,
		offDelayMs: 10_000,
		deadband: "2 % of the disk",
	}),
	"service.away": definition({
		priority: "medium",
		cause: "The service has said nothing for 15 s, or ended without a farewell.",
		consequence:
			"The page, REST and MQTT are gone; the run goes on, and the journal keeps everything for the database.",
		response: "Start the service, or read its log. Until then use adlayer status, hold and abort on this machine.",
	}),
	"database.away": definition({
		priority: "medium",
		cause: "The service does not reach the database.",
		consequence:
			"The run goes on and the journal keeps everything; the past cannot be looked at, and the journal's disk fills.",
		response: "Look at the database server, its disk and the network; what was missed is taken over when it is back.",
		onDelayMs: 5_000,
		offDelayMs: 5_000,
		suppressedBy: ["service.away"],
	}),
	"records.refused": definition({
		priority: "high",
		cause: "The database refuses records of the journal for what they hold.",
		consequence:
			"History, REST and packages lack them; everything else goes on. They are kept in refused-records.jsonl of the data folder.",
		response:
			"Read there what is refused and why, and have it mended. The alarm ends when the file is moved to where it is kept.",
		suppressedBy: ["service.away"],
	}),
	"broker.away": definition({
		priority: "low",
		cause: "The service does not reach the MQTT broker that it publishes to.",
		consequence: "Dashboards and whoever else listens on MQTT see nothing new; the run goes on.",
		response: "Look at the broker and the network; the present state is sent anew when it is back.",
		onDelayMs: 5_000,
		offDelayMs: 5_000,
		suppressedBy: ["service.away"],
	}),
	"chamber.unpurged": definition({
		priority: "high",
		cause: "The carrier was lost: what was in the chamber has not been carried out.",
		consequence: "No dose is given until flow and vacuum have lasted for the longest purge.",
		response: "Restore the carrier and let it purge; nobody opens the lid before.",
	}),
	"valve-leaking": definition({
		priority: "critical",
		cause: "After a dose the chamber does not come back to its pressure before.",
		consequence: "No other dose is given; precursor may still be flowing.",
		response:
			"Shut the hand valve of this precursor. If the chamber falls back its valve leaks; if not, look at what else the message names.",
		latching: false,
	}),
	maintenance: definition({
		priority: "low",
		cause: "A limit of the lab file's maintenance section is reached.",
		consequence: "What wears or runs out fails in some later run.",
		response: "See adlayer maintenance; renew it between runs.",
	}),
	"valve-sticking": definition({
		priority: "high",
		cause: "A dose left nothing, or far less than those before, in the chamber's pressure.",
		consequence: "Cycles without this precursor grow no film: a run is held before the next dose.",
		response:
			"Check hand valve, bottle, pneumatic air and the valve's driver, then restart: the half-cycle is repeated.",
	}),
	"bottle-low": definition({
		priority: "medium",
		cause: "The pulses of this precursor have become clearly smaller over many cycles, by the chamber's gauge.",
		consequence: "The bottle runs empty, and the film stops growing without a sign.",
		response:
			"Weigh or exchange the bottle after this run; check its temperature. Where all pressures have shrunk alike, compare the gauge first.",
		deadband: "5 % of the reference area",
	}),
	"purge-insufficient": definition({
		priority: "medium",
		cause:
			"The pressure before the doses rises: a purge no longer clears the chamber, the pump is weaker, or the gauge drifts.",
		consequence: "The precursors meet in the gas, and the film is no longer that of the recipe.",
		response:
			"Compare the foreline's gauge: if it has not risen, the chamber's drifts. Else look at the pump; lengthen the purge or raise the flow; look for water on cold walls.",
	}),
} as const satisfies Record<string, AlarmDefinition>;

export type AlarmKind = keyof typeof ALARM_DEFINITIONS;

/** The definition that an alarm's id belongs to. */
export function definitionOf(alarm: string): AlarmDefinition | undefined {
	const kind = Object.keys(ALARM_DEFINITIONS).find((name) => alarm === name || alarm.startsWith(`${name}.`));
	return kind === undefined ? undefined : ALARM_DEFINITIONS[kind as AlarmKind];
}
