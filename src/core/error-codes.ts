/**
 * Every error code of the product, grouped by what happens next. docs/errors.md has an entry for each; a test keeps the
 * two equal. `http` is the status under which the REST interface reports it.
 */
export type Consequence =
	/** A process or run does not start. */
	| "refuse-start"
	/** A command is refused; nothing was changed. */
	| "refuse-command"
	/** One instrument is at fault; what depends on it goes to its safe state. */
	| "device-fault"
	/** The reactor goes to its safe state. */
	| "safe-state"
	/** Said, and nothing else. */
	| "report";

export interface CodeEntry {
	readonly consequence: Consequence;
	readonly http: number;
	/** What it means, one sentence. */
	readonly meaning: string;
	/** What the reader should do next, one sentence. */
	readonly next: string;
}

const entry = (consequence: Consequence, http: number, meaning: string, next: string): CodeEntry => ({
	consequence,
	http,
	meaning,
	next,
});

export const ERROR_CODES = {
	// core and configuration
	USAGE: entry(
		"refuse-command",
		400,
		"The command or request was not formed as documented.",
		"Read the message; it names the argument.",
	),
	LAB_FILE_INVALID: entry(
		"refuse-start",
		422,
		"The lab file has problems.",
		"Correct every problem listed; each names line and column.",
	),
	TWIN_FILE_INVALID: entry(
		"refuse-start",
		422,
		"The file of a simulated reactor's constants has problems.",
		"Correct every problem listed; each names path, line and column.",
	),
	DATA_FOLDER_UNUSABLE: entry(
		"refuse-start",
		500,
		"The data folder cannot be made or written.",
		"Choose another folder with --data or ADLAYER_DATA, or correct its permissions.",
	),
	STATE_FILE_UNREADABLE: entry(
		"refuse-start",
		500,
		"A file in which control keeps its campaigns or maintenance counters cannot be read.",
		"Restore the file from a backup, or move it away to begin anew without what was in it.",
	),
	PORT_UNAVAILABLE: entry(
		"refuse-start",
		503,
		"The port for page and REST interface cannot be opened.",
		"End what uses the port, or choose another with --port or ADLAYER_PORT.",
	),
	INTERNAL: entry(
		"report",
		500,
		"Something happened that the program does not know how to name.",
		"Report it with the log lines around it.",
	),

	// transport
	LINK_UNREACHABLE: entry(
		"device-fault",
		503,
		"The port or network address could not be opened.",
		"Check cable, address and permissions of the port.",
	),
	LINK_LOST: entry(
		"device-fault",
		503,
		"An open connection broke.",
		"Check cable and power; the connection is retried by itself.",
	),
	LINE_BUSY: entry(
		"refuse-command",
		503,
		"More requests wait for one line than it may hold.",
		"Ask less often, or give the instrument a line of its own; the message names the limit.",
	),
	LINE_HELD: entry(
		"refuse-command",
		409,
		"The line to an instrument is in the hands of control or of another program.",
		"Stop what holds the line, or read the instrument's values from control (adlayer status).",
	),
	DEVICE_SILENT: entry(
		"device-fault",
		504,
		"The instrument did not answer within its time-out, after all retries.",
		"Check power, wiring, address and baud rate of the instrument.",
	),
	REPLY_INVALID: entry(
		"device-fault",
		502,
		"The instrument answered with something its protocol does not allow.",
		"Check address, baud rate and electrical noise on the line.",
	),
	MODBUS_EXCEPTION: entry(
		"device-fault",
		502,
		"The instrument answered with a Modbus exception.",
		"The message names the exception and the register; check model and settings.",
	),
	ADDRESS_INVALID: entry(
		"refuse-start",
		422,
		"An instrument address could not be read.",
		"Use one of the forms in docs/lab-file.md.",
	),

	// device
	IDENTITY_MISMATCH: entry(
		"device-fault",
		409,
		"Another instrument than the configured one answered.",
		"Check the address, or the model in the lab file.",
	),
	IDENTITY_UNKNOWN: entry(
		"device-fault",
		409,
		"The instrument could not be identified.",
		"Check that the configured driver fits what is connected.",
	),
	SETPOINT_OUT_OF_RANGE: entry(
		"refuse-command",
		422,
		"A setpoint is outside the instrument's range.",
		"Choose a value inside the range that the message names.",
	),
	SET_UNGUARDED: entry(
		"refuse-command",
		422,
		"A setpoint was to be written past control, whose interlocks would then not guard it.",
		"Set it in a run; or, with the process safe without it, say --unguarded as well.",
	),
	READBACK_MISMATCH: entry(
		"device-fault",
		502,
		"The instrument did not take over a value that was sent to it.",
		"Check whether the instrument is locked or under local control.",
	),
	DEVICE_NOT_READY: entry(
		"refuse-command",
		503,
		"The instrument is not connected or is at fault.",
		"Wait for it to come back, or repair it.",
	),
	DEVICE_MISCONFIGURED: entry(
		"device-fault",
		409,
		"The instrument's own configuration makes safe operation impossible.",
		"Correct the setting that the message names, on the instrument.",
	),
	DEVICE_RESTARTED: entry(
		"device-fault",
		503,
		"The instrument has restarted and lost its configuration.",
		"It is configured again by itself; check its power supply.",
	),
	OUTPUT_BUSY: entry(
		"refuse-command",
		409,
		"An output is armed, pulsing or held open.",
		"Wait for the end of the pulse, disarm it, or shut the valve.",
	),
	SIGNAL_UNKNOWN: entry(
		"refuse-command",
		404,
		"There is no signal of that name.",
		"Use a name from the lab file or from GET /api/v1/signals.",
	),

	// cyclers
	CYCLER_REFUSED: entry(
		"refuse-command",
		409,
		"A battery cycler cannot or will not do what was asked of a channel.",
		"The message names the channel and the reason; choose another channel or protocol, or look at the cycler.",
	),
	CHANNEL_BUSY: entry(
		"refuse-command",
		409,
		"A cycler's channel runs a test already, or says something that is not understood.",
		"Wait for the end of its test or stop it; the message has the cycler's own word.",
	),
	PROTOCOL_INVALID: entry(
		"refuse-command",
		422,
		"The battery test protocol has problems.",
		"Correct every problem listed; each names line and column.",
	),

	// safety
	PERMIT_REFUSED: entry(
		"refuse-command",
		409,
		"A safety condition forbids the action.",
		"Clear the condition that the message names, then try again.",
	),
	INTERLOCK_TRIPPED: entry(
		"safe-state",
		409,
		"An interlock has tripped and is latched.",
		"Remove the cause, acknowledge, then reset.",
	),

	// recipe
	RECIPE_INVALID: entry(
		"refuse-command",
		422,
		"The recipe has problems.",
		"Correct every problem listed; each names line and column.",
	),
	RECIPE_LIBRARY_INVALID: entry(
		"refuse-start",
		422,
		"The material or film data have problems.",
		"Correct every problem listed; each names its file, line and column.",
	),
	RECIPE_NOT_FOUND: entry(
		"refuse-command",
		404,
		"There is no recipe of that name.",
		"List the recipes with GET /api/v1/recipes.",
	),
	CAMPAIGN_INVALID: entry(
		"refuse-command",
		422,
		"A campaign's document, or a run that it would make, has problems.",
		"Correct every problem listed; nothing was made of the campaign.",
	),
	CAMPAIGN_COMMAND_REFUSED: entry(
		"refuse-command",
		409,
		"The campaign's queue does not allow the command.",
		"Look at the queue: adlayer campaign show, or GET /api/v1/campaigns/{id}.",
	),
	SAMPLE_NOT_LOADED: entry(
		"refuse-command",
		409,
		"The sample that is said to be loaded is not the one that the run is for.",
		"Load the foil that the queue asks for, or reorder the queue; then name it as the queue does.",
	),
	TABLE_INVALID: entry(
		"refuse-command",
		422,
		"A recipe table, its mapping or the recipe for a table has problems.",
		"Correct every problem listed; each names its line. docs/savannah.md explains the codes.",
	),
	CYCLING_FILE_NOT_FOUND: entry(
		"refuse-command",
		404,
		"A file of battery-test data cannot be read from the disk.",
		"Check the path and the rights.",
	),
	CYCLING_FILE_REFUSED: entry(
		"refuse-command",
		422,
		"A file of battery-test data is of no known format, or says something that can be understood in two ways.",
		"Read the message; it names the place. Formats are in docs/cycling-analysis.md.",
	),
	ACKNOWLEDGEMENT_MISSING: entry(
		"refuse-command",
		409,
		"The recipe needs a condition to be acknowledged by the person who launches it.",
		"Read the reason and launch again with the code acknowledged (--ack CODE).",
	),
	DOSE_WITHOUT_EFFECT: entry(
		"safe-state",
		500,
		"Doses left nothing in the chamber: the valve does not open or the bottle is empty; the run is held.",
		"Check the precursor's hand valve, bottle, pneumatic air and the valve's driver, then restart: the half-cycle is repeated.",
	),
	PULSE_UNCONFIRMED: entry(
		"safe-state",
		500,
		"The instrument did not prove that a pulse ended; the valve was shut and the run is held.",
		"Shut the precursor's hand valve, check the valve I/O, then restart: the half-cycle is repeated after a full purge.",
	),
	STEP_TIMED_OUT: entry(
		"safe-state",
		500,
		"A step did not reach its condition within its time-out.",
		"Look at the signal that the message names.",
	),

	// heating
	TUNE_DATA_INVALID: entry(
		"refuse-command",
		422,
		"The data of a heater test cannot be read, or show no heater.",
		"Correct every problem listed; each names its row or column.",
	),

	// runs and commands
	RUN_ACTIVE: entry("refuse-command", 409, "The reactor already has a run.", "Wait until it has ended, or stop it."),
	MANUAL_ACTIVE: entry(
		"refuse-command",
		409,
		"Somebody operates the reactor by hand.",
		"Put it to rest with adlayer safe, then launch.",
	),
	MANUAL_NOT_ALLOWED: entry(
		"refuse-command",
		409,
		"The reactor is not operated by hand now.",
		"The message says what stands against it.",
	),
	RUN_NOT_FOUND: entry("refuse-command", 404, "There is no run of that id.", "List the runs with GET /api/v1/runs."),
	COMMAND_NOT_ALLOWED: entry(
		"refuse-command",
		409,
		"The run's state does not allow the command.",
		"The message names the state and the commands it allows.",
	),
	PLAN_CHANGED: entry(
		"refuse-command",
		409,
		"A run that control found open when it came back is not restarted, for its plan, lab file or software is not what it began with.",
		"The message names what differs: stop or abort the run, or bring back what it began with and start control again.",
	),
	ANNEAL_INTERRUPTED: entry(
		"refuse-command",
		409,
		"An anneal that was interrupted by the loss of control goes on only by a restart that names the minutes done.",
		"Judge by the temperatures across the gap; then restart with --anneal-minutes (annealMinutes in REST), stop or abort.",
	),
	STATE_CHANGED: entry(
		"refuse-command",
		409,
		"The run is no longer in the state the command was meant for.",
		"Read the state again and decide anew.",
	),

	// journal and store
	JOURNAL_CORRUPT: entry(
		"report",
		500,
		"A journal line does not match its checksum.",
		"The place is named; records before it are intact.",
	),
	JOURNAL_LOCKED: entry(
		"refuse-start",
		409,
		"Another process writes the journal in this data folder.",
		"Stop the other process or choose another data folder.",
	),
	JOURNAL_FAILED: entry(
		"safe-state",
		507,
		"The journal could not be written to its disk.",
		"Check the disk; control acts on nothing that it cannot record.",
	),
	DISK_FULL: entry(
		"refuse-start",
		507,
		"The disk that holds the journal is nearly full.",
		"Free space on the disk that the message names.",
	),
	ITEM_NOT_FOUND: entry(
		"refuse-command",
		404,
		"There is no such foil lot, foil, sample, cell, test or characterisation.",
		"List them, for instance with GET /api/v1/cells?barcode=CODE.",
	),
	ITEM_EXISTS: entry(
		"refuse-command",
		409,
		"The id or barcode is taken.",
		"`context.existing` is the one that has it; if it is the same thing, nothing is left to do.",
	),
	ITEM_INVALID: entry(
		"refuse-command",
		422,
		"A foil lot, foil, sample, cell, test or characterisation contradicts what it comes from.",
		"Correct what `problems` lists.",
	),
	ITEM_WITHDRAWN: entry(
		"refuse-command",
		409,
		"It was withdrawn and does not change any more.",
		"Create a new one; the withdrawn one stays as it is.",
	),
	DATABASE_UNAVAILABLE: entry(
		"report",
		503,
		"The database cannot be reached.",
		"Live state, commands and alarms work on; history returns when the database does.",
	),

	// control link
	CONTROL_UNREACHABLE: entry(
		"report",
		503,
		"The control process cannot be reached.",
		"Check that it runs: adlayer start, or its systemd unit or container.",
	),
	CONTROL_LINK_IN_USE: entry(
		"refuse-start",
		409,
		"The path of the control link is taken.",
		"Stop the other control process, or choose another data folder.",
	),
	MESSAGE_TOO_LARGE: entry(
		"refuse-command",
		413,
		"A message is longer than the link allows.",
		"Send less at once; the message names the limit.",
	),
	SERVICE_UNREACHABLE: entry(
		"report",
		503,
		"The service (REST interface) cannot be reached.",
		"Check its address and that it runs; adlayer status, hold and abort work without it.",
	),
	SERVICE_BUSY: entry(
		"refuse-command",
		503,
		"The service already serves as many listeners or downloads as it may.",
		"Close other pages or followers, or wait for the downloads' end; then try again.",
	),
	EXPORT_EXISTS: entry(
		"refuse-command",
		409,
		"Where a package is to be written, something is already.",
		"Choose another place with --out, or remove what is there.",
	),
	EXPORT_DAMAGED: entry(
		"report",
		500,
		"A package that was received is incomplete or not as its checksums say.",
		"Export it again.",
	),
	ORIGIN_REFUSED: entry(
		"refuse-command",
		403,
		"A page of another origin tried to give a command.",
		"Use the page that this service itself serves.",
	),
	INTERRUPTED: entry(
		"report",
		500,
		"The command was interrupted before it had its answer.",
		"What it started goes on; look with adlayer status.",
	),
	PROMPT_NOT_OPEN: entry(
		"refuse-command",
		409,
		"The run does not ask what was answered.",
		"Look at the present state for the open question; an older one has been asked anew or has ended.",
	),
	NOT_COMMISSIONED: entry(
		"refuse-start",
		409,
		"A run that doses needs a reactor whose watchdogs and hardwired protections were seen to act, as it is now.",
		"Do what adlayer commission --lab FILE lists; it keeps the record.",
	),
	LEAK_CHECK_MISSING: entry(
		"refuse-start",
		409,
		"A run that doses needs a leak check that passed and is not too old.",
		"Run the leak-check recipe; limit and validity are in the lab file.",
	),
	LEAK_CHECK_FAILED: entry(
		"safe-state",
		500,
		"The pressure behind the shut stop valve rose faster than the lab file allows, or was not known.",
		"Look for the leak, or pump longer if the chamber was open; then restart the run, or stop it.",
	),
	LINE_NOT_EVACUATED: entry(
		"safe-state",
		500,
		"A precursor line still brought gas after all pulses allowed.",
		"Make sure that its hand valve is shut; then restart the run.",
	),
	BACKFILL_REFUSED: entry(
		"safe-state",
		500,
		"The chamber cannot be filled safely: it is hot, or its pressure or the flow is not what it should be.",
		"Read the message; wait until the foil is cold, or check gauge, flow controller and the lab file's chamber volume.",
	),
	TUNE_ACTIVE: entry(
		"refuse-command",
		409,
		"A zone is being tested on this reactor.",
		"Wait for the test's end, or end it with adlayer abort; then try again.",
	),
	TUNE_REFUSED: entry(
		"refuse-command",
		409,
		"A zone cannot be tested, or its controller not set, as ordered.",
		"Read the message: it names every reason with value and limit.",
	),
	NOT_FOUND: entry(
		"refuse-command",
		404,
		"There is nothing at this address.",
		"See /docs for the addresses there are.",
	),
} as const satisfies Record<string, CodeEntry>;

export type ErrorCode = keyof typeof ERROR_CODES;
