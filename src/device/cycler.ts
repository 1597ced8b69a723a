/**
 * A battery cycler as Adlayer sees it: channels that run a program each, and rows of what they measured, numbered by the
 * cycler. Units are A, V, Ah, Wh and s; positive current charges. What the cycler says in codes and words is passed on as it
 * came: a meaning is given only where it is known.
 */
import type { Problem } from "#core/errors.js";

/** How a test ends one of its steps; at least one is given. Whichever comes first counts. */
export interface StepEnds {
	readonly timeS?: number;
	/** Charge that has flowed in this step, whatever its direction. */
	readonly capacityAh?: number;
	/** A charging step ends at or above it, a discharging one at or below. */
	readonly voltageV?: number;
	/** Of a constant-voltage step: ends when the current has fallen to this magnitude. */
	readonly currentA?: number;
}

export type ProgramStep =
	| { readonly kind: "rest"; readonly ends: StepEnds }
	/** Positive current charges; never 0. */
	| { readonly kind: "constant-current"; readonly currentA: number; readonly ends: StepEnds }
	| {
			readonly kind: "constant-voltage";
			readonly voltageV: number;
			/** Which way the current flows; the magnitude that it may have. */
			readonly direction: "charge" | "discharge";
			readonly currentAMax: number;
			readonly ends: StepEnds;
	  }
	| { readonly kind: "repeat"; readonly times: number; readonly steps: readonly ProgramStep[] };

/** A protocol with the cell's area and mass filled in: nothing is left to be looked up. */
export interface CyclerProgram {
	readonly protocol: string;
	/** Of the protocol file's text. */
	readonly sha256: string;
	/** Kind of cell: a symmetric one needs a range on both sides of 0 V. */
	readonly cell: "symmetric" | "full";
	readonly steps: readonly ProgramStep[];
	/** Beyond any of these the cycler ends the test by itself. */
	readonly limits: {
		readonly voltageVMin: number;
		readonly voltageVMax: number;
		/** Magnitude, either direction. */
		readonly currentAMax: number;
		/** Of one step. */
		readonly capacityAhMax: number;
	};
	/** A row at least this often. */
	readonly recordS: number;
}

/** What a channel can do; a program beyond it is refused with the reason. */
export interface ChannelRange {
	readonly voltageVMin: number;
	readonly voltageVMax: number;
	/** Magnitude of the largest current in either direction. */
	readonly currentAMax: number;
}

/** What the words of a cycler mean; `unknown` is a word that nobody has explained: no test is started on it. */
export type ChannelActivity = "running" | "finished" | "stopped" | "protected" | "unknown";

/** A channel at one moment. A value that the cycler does not give is null. */
export interface ChannelStatus {
	readonly activity: ChannelActivity;
	/** The cycler's own word. */
	readonly word: string;
	readonly barcode: string | null;
	readonly cycle: number | null;
	readonly step: number | null;
	/** The cycler's own word for the kind of step. */
	readonly stepType: string | null;
	readonly voltageV: number | null;
	readonly currentA: number | null;
	readonly capacityAh: number | null;
	readonly energyWh: number | null;
	readonly testS: number | null;
	readonly stepS: number | null;
	/** As it came; its meaning is not documented. */
	readonly logCode: string | null;
}

/** One recorded row. `seq` rises by one from 1 within a test. */
export interface CyclerRow {
	readonly seq: number;
	readonly cycle: number;
	readonly step: number;
	readonly stepType: string;
	/** Since the step began. */
	readonly stepS: number;
	/** Unix ms by the cycler's own clock. */
	readonly wallMs: number;
	readonly voltageV: number;
	readonly currentA: number;
	/** Of the step, as the cycler counts it. */
	readonly capacityAh: number;
	readonly energyWh: number;
}

export interface TestExtent {
	/** The cycler's own id of the test that the channel has or had last; null when there was none. */
	readonly test: string | null;
	readonly rows: number;
}

export interface RowRequest {
	readonly channel: string;
	/** The test that is expected; rows of another are not given. */
	readonly test: string;
	/** From 1. */
	readonly fromSeq: number;
	readonly rowsMax: number;
}

export interface CyclerRows {
	/** Ascending, none twice, none before `fromSeq`. */
	readonly rows: readonly CyclerRow[];
	/** Rows that the cycler does not give even when asked for alone. */
	readonly gaps: readonly { readonly fromSeq: number; readonly toSeq: number }[];
}

/** What is known of the direction of currents. Proven by steps that can only charge or only discharge. */
export type CurrentSign = "charge-positive" | "discharge-positive" | "magnitude" | "unproven" | "contradictory";

export interface StartOrder {
	readonly channel: string;
	/** The cell's barcode: how the test is found again when the answer to the start is lost. */
	readonly barcode: string;
	readonly program: CyclerProgram;
	/** Who stays with the test, where a cycler may only run attended. */
	readonly attendedBy?: string;
}

/** The cycler half of a `Device`. Every method rejects with an AdlayerError. */
export interface Cycler {
	/** By the names of the lab file. */
	readonly channels: Readonly<Record<string, ChannelRange>>;
	/** Why the channel cannot run the program; empty when it can. Nothing is sent. */
	refusals(channel: string, program: CyclerProgram): readonly Problem[];
	/** All channels, by name, in one look; or at least those that are named. */
	status(channels?: readonly string[]): Promise<Readonly<Record<string, ChannelStatus>>>;
	/** Which test each channel has, and how many rows; of all, or at least of those that are named. */
	extents(channels?: readonly string[]): Promise<Readonly<Record<string, TestExtent>>>;
	rows(request: RowRequest): Promise<CyclerRows>;
	/**
	 * Starts once: when the answer is lost, the channel is looked at rather than asked again. Gives the cycler's id of the
	 * test. Throws CYCLER_REFUSED, or CHANNEL_BUSY when it runs or its state is not understood.
	 */
	start(order: StartOrder): Promise<{ readonly test: string }>;
	/** Ends the test; verified. A channel that runs nothing is left alone. */
	stop(channel: string): Promise<void>;
	readonly currentSign: CurrentSign;
}

/** What a simulated channel is connected to: one cell. */
export interface CellPort {
	/** Drives the cell for `dtS` (above 0) and gives what is at its terminals at the end. Positive current charges. */
	apply(
		drive: { readonly currentA: number } | { readonly voltageV: number } | "open",
		dtS: number,
	): { readonly voltageV: number; readonly currentA: number };
}
