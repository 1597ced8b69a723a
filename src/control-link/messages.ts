/** The control link: newline-delimited JSON over a local socket. */
import type { Problem } from "#core/errors.js";
import type { CampaignDetail, CampaignOrder, CampaignsStatus } from "#record/campaigns.js";
import type { CellTestSummary } from "#record/cell-tests.js";
import type { MaintenanceStatus } from "#record/maintenance.js";
import type { RunCommand, RunState } from "#record/records.js";
import type { ServiceReport } from "#record/service-status.js";
import type { ControlStatus } from "#record/status.js";
import type { TuneOrder, TuneProgress, TuneRow, TuneSettings } from "#record/tune.js";

/** A message longer than this is refused: the link carries commands, not data. */
export const MESSAGE_BYTES_MAX = 64 * 1024;
/** A Unix socket path past 107 bytes is silently truncated by the system. */
export const SOCKET_PATH_BYTES_MAX = 107;
export const LINK_VERSION = 1;

export interface LaunchArgs {
	/** File name or name of the recipe, for the record. */
	recipe: string;
	recipeText: string;
	set: Record<string, number | string>;
	sample?: string;
	operator: string;
	acknowledge: string[];
}

/** A battery test to be queued: the units of area and mass are cm2 and g. */
export interface CellTestArgs {
	/** The cell's barcode. */
	cell: string;
	/** Name of the cycler's instrument. */
	cycler: string;
	/** Absent: the first free channel that can run it. */
	channel?: string;
	protocolText: string;
	areaCm2?: number;
	activeMassG?: number;
	operator: string;
	/** Who stays with the test, where a cycler may only run attended. */
	attendedBy?: string;
}

export interface LaunchResult {
	run: string;
	state: RunState;
	product: string;
	sample: string;
}

/** What control does for its callers, by command name. */
export interface ControlCommands {
	status: { args: Record<string, never>; result: ControlStatus };
	launch: { args: LaunchArgs; result: LaunchResult };
	/** Without `run`: the present run. `annealMinutes`: how long an interrupted anneal was in band, for its restart. */
	command: {
		args: { run?: string; command: RunCommand; by: string; annealMinutes?: number };
		result: { run: string; state: RunState };
	};
	/** A person's answer to the question that the run asks. Without `run`: the present run. */
	confirm: {
		args: { run?: string; prompt: string; by: string };
		result: { run: string; state: RunState; prompt: string };
	};
	campaigns: { args: Record<string, never>; result: CampaignsStatus };
	campaign: { args: { campaign: string }; result: CampaignDetail };
	/** With `check` everything is checked and nothing made. */
	"create-campaign": {
		args: { document: string; recipes: Record<string, string>; by: string; check: boolean };
		result: { campaign: CampaignDetail; problems: readonly Problem[] };
	};
	"command-campaign": { args: CampaignOrder; result: { campaign: CampaignDetail; run: string | null } };
	maintenance: { args: Record<string, never>; result: MaintenanceStatus };
	"change-bottle": { args: { precursor: string; grams: number; by: string }; result: MaintenanceStatus };
	/** Begins the test of a zone; an abort or hold ends it. One that nobody asks about is ended. */
	tune: { args: { order: TuneOrder; by: string }; result: TuneProgress };
	/** How a test goes, and its rows from a number on, some at a time. */
	"tune-progress": {
		args: { tune: string; fromRow: number };
		result: TuneProgress & { columns: readonly string[]; data: TuneRow[] };
	};
	/** The loop settings of a zone's instrument; null where its driver cannot reach them. */
	"loop-settings": { args: { zone: string }; result: { zone: string; settings: TuneSettings | null } };
	/** Writes them, read back. */
	"apply-loop-settings": {
		args: { zone: string; settings: TuneSettings; by: string };
		result: { zone: string; former: TuneSettings; now: TuneSettings };
	};
	/** By hand: `carrier`, `stop_valve` or a zone, or its signal. `neverAboveC` for zones that heat the foil. */
	"manual-set": {
		args: { actuator: string; value: number | string; neverAboveC?: number; by: string };
		result: { order: string };
	};
	/** By hand: one pulse of the hardware timer. */
	"manual-dose": {
		args: { precursor: string; ms: number; by: string };
		result: { order: string; pulse?: number; confirmedMs?: number };
	};
	/** Everything to rest. `run`: the run that was aborted for it. */
	"make-safe": { args: { by: string }; result: { safe: boolean; run: string | null } };
	"acknowledge-alarm": { args: { alarm: string; by: string }; result: { alarm: string; state: string } };
	/** `for`: seconds, or until the cause has gone once. */
	"shelve-alarm": {
		args: { alarm: string; by: string; reason: string; for: number | "one-shot" };
		result: { alarm: string; state: string };
	};
	"unshelve-alarm": { args: { alarm: string; by: string }; result: { alarm: string; state: string } };
	/** Out of service, until somebody returns it. */
	"remove-alarm": { args: { alarm: string; by: string; reason: string }; result: { alarm: string; state: string } };
	"return-alarm": { args: { alarm: string; by: string }; result: { alarm: string; state: string } };
	/** The channels of every cycler, by its name. */
	cyclers: { args: Record<string, never>; result: { cyclers: Readonly<Record<string, readonly string[]>> } };
	/** Open tests, then the last that have ended, in pages of at most `CELL_TESTS_PAGE`; or the one that is named. */
	"cell-tests": {
		args: { cellTest?: string; offset?: number; limit?: number };
		result: { tests: readonly CellTestSummary[]; total: number };
	};
	"start-cell-test": { args: CellTestArgs; result: CellTestSummary };
	"stop-cell-test": { args: { cellTest: string; by: string }; result: CellTestSummary };
	/** What the service says of itself, every second. */
	"report-service": { args: ServiceReport; result: Record<string, never> };
	"reset-interlock": { args: { interlock: string; by: string }; result: { interlock: string; state: string } };
}

export type CommandName = keyof ControlCommands;

export interface LinkRequest<Name extends CommandName = CommandName> {
	v: typeof LINK_VERSION;
	/** Chosen by the caller; a repeated id gets the same answer and is not done again. */
	id: string;
	command: Name;
	args: ControlCommands[Name]["args"];
	/** Refused with STATE_CHANGED when the present run is in another state. */
	ifState?: RunState;
}

export type LinkReply =
	| { id: string; seq: number; result: unknown }
	| { id: string; error: { code: string; message: string; hint: string; context?: object; problems?: object[] } };

/** Control's side: does a command. `seq` is the journal's sequence number once the command is in it. */
export type CommandHandler = <Name extends CommandName>(
	request: LinkRequest<Name>,
) => Promise<{ seq: number; result: ControlCommands[Name]["result"] }>;
