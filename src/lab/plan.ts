/** What the simulated lab needs of a lab file; the composition root fills it in. Names are those of the lab file. */
import type { InstrumentSimulator, SimulatorContext } from "#device/contract.js";
import type { CellSpec } from "#twin/cells/cell.js";

export interface LabPlan {
	readonly seed: number;
	/** Name of the foil on the stage, from the twin file. */
	readonly foil: string;
	readonly instruments: readonly PlannedInstrument[];
	/** The cell in a cycler's channel, by `instrument.channel`; a channel without one stands empty. */
	readonly cells?: Readonly<Record<string, CellSpec>>;
	readonly reactor: ReactorRoles;
}

export interface PlannedInstrument {
	readonly name: string;
	/** Name of the driver, as in the drivers map. */
	readonly driver: string;
	/** `simulated:LINE?unit=1&baud=9600`, or a fixed place to serve it at: `tcp://`, `modbus-tcp://`, `modbus-rtu+tcp://`. */
	readonly address: string;
	/** As in the lab file, already checked by the driver's schema. */
	readonly settings: Readonly<Record<string, unknown>>;
}

/** What each instrument is for. Signals are written `instrument.signal`. */
export interface ReactorRoles {
	readonly carrier: { readonly instrument: string };
	readonly pressures: { readonly chamber: string; readonly foreline: string };
	readonly zones: Readonly<Record<string, { readonly instrument: string }>>;
	readonly precursors: Readonly<Record<string, ValveRole>>;
	readonly stopValve: ValveRole;
	/** By the lab file's own name of the input: `pump_running`, `lid_closed` and so on. */
	readonly inputs: Readonly<Record<string, ContactRole>>;
}

export interface ContactRole {
	readonly signal: string;
	/** The level of the line while all is well. */
	readonly safeLevel: 0 | 1;
}

export interface ValveRole {
	readonly output: string;
	/** What a valve does while its line is low or floats. */
	readonly wired: "normally-closed" | "normally-open";
}

/** Which of the join functions gives an instrument its port to the reactor. */
export type JoinKind = "heater" | "digital-io" | "gauge" | "flow-controller" | "pump" | "qcm" | "atmosphere" | "cycler";

/** A driver of several kinds of instruments tells them apart by the settings. */
export type JoinKindOf = (settings: Readonly<Record<string, unknown>>) => JoinKind;

/** The simulating half of a driver: a DriverDefinition, and how its instrument is joined to the reactor. */
export interface SimulatedDriver {
	readonly joinKind: JoinKind | JoinKindOf;
	readonly definition: {
		readonly addressSchemes: readonly string[];
		simulate(context: SimulatorContext<never, never>): InstrumentSimulator;
	};
}

/** By driver name. */
export type SimulatedDrivers = Readonly<Record<string, SimulatedDriver>>;
