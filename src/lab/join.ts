/** Joins instruments to the reactor: one function for each kind of instrument port. */
import { AdlayerError, type Problem } from "#core/errors.js";
import type { CellPort } from "#device/cycler.js";
import type { TwinConstants } from "#twin/constants.js";
import { STOP_VALVE, type Twin } from "#twin/twin.js";
import type { CellRack } from "./cells.js";
import type { Disturbances } from "./disturbances.js";
import type { JoinKind, LabPlan, PlannedInstrument, ReactorRoles, ValveRole } from "./plan.js";

/** A temperature controller: one sensor, one heater. */
export interface HeaterPort {
	/** degC; null with a broken sensor. */
	temperatureC(): number | null;
	setHeaterPercent(percent: number): void;
}

/** Digital lines by the number that ends their name: 0 for DIO0, DO0 or DI0. Where inputs and outputs are numbered apart, `drive` means outputs and `sense` inputs. */
export interface DigitalIoPort {
	drive(line: number, level: 0 | 1 | "floating", atMs: number): void;
	sense(line: number): 0 | 1;
}

/** A vacuum gauge controller; channels from 1. */
export interface GaugePort {
	/** Pa; null with a broken or absent sensor. */
	pressurePa(channel: number): number | null;
	/** What it gives no longer changes, not even by its noise. */
	isFrozen(channel: number): boolean;
}

/** A mass flow controller. */
export interface FlowControllerPort {
	setTargetSccm(sccm: number): void;
	flowSccm(): number;
	/** Absolute pressure in front of the controller, Pa. */
	pressurePa(): number;
}

/** A battery cycler; a cell for each channel. */
export interface CyclerPort {
	cell(channel: string): CellPort;
}

/** A pump: the reactor has one, and every simulated pump is it. */
export interface PumpPort {
	isTurning(): boolean;
	turn(on: boolean): void;
}

/** A thickness monitor: its crystals lie beside the foil and grow the same film. */
export interface QcmPort {
	/** nm. */
	thicknessNm(sensor: number): number | null;
}

/** A monitor of the glovebox around the reactor. */
export interface AtmospherePort {
	oxygenPpm(): number;
	waterPpm(): number;
}

export type InstrumentPort =
	| HeaterPort
	| DigitalIoPort
	| GaugePort
	| FlowControllerPort
	| PumpPort
	| QcmPort
	| AtmospherePort
	| CyclerPort;

type Join = (
	instrument: PlannedInstrument,
	reactor: ReactorRoles,
	twin: Twin,
	disturbances: Disturbances,
	cells: CellRack,
) => InstrumentPort;

export const JOINS: Readonly<Record<JoinKind, Join>> = {
	heater: joinHeater,
	"digital-io": joinDigitalIo,
	gauge: joinGauge,
	"flow-controller": joinFlowController,
	pump: joinPump,
	qcm: (_instrument, _reactor, twin) => ({ thicknessNm: () => twin.filmNm }),
	atmosphere: (_instrument, _reactor, { glovebox }) => ({
		oxygenPpm: () => glovebox.oxygenPpm,
		waterPpm: () => glovebox.waterPpm,
	}),
	cycler: ({ name }, _reactor, _twin, _disturbances, cells) => ({
		cell: (channel) => cells.port(`${name}.${channel}`),
	}),
};

/** Refuses a plan whose roles name what neither lab file nor twin has. Throws LAB_FILE_INVALID with all problems. */
export function checkRoles(plan: LabPlan, constants: TwinConstants): void {
	const problems: Problem[] = [];
	const problem = (path: string, value: unknown, message: string) =>
		problems.push({ severity: "error", code: "LAB_FILE_INVALID", path, value, message });
	if (!Object.hasOwn(constants.foils, plan.foil)) {
		problem(
			"simulation.foil",
			plan.foil,
			`The twin file has no foil ${plan.foil}; it has ${Object.keys(constants.foils).join(", ")}.`,
		);
	}
	const zones = Object.keys(constants.heat.zones);
	for (const zone of Object.keys(plan.reactor.zones)) {
		if (!zones.includes(zone))
			problem(`reactor.zones.${zone}`, zone, `The twin file has no zone ${zone}; it has ${zones.join(", ")}.`);
	}
	const precursors = Object.keys(constants.precursors);
	for (const name of Object.keys(plan.reactor.precursors)) {
		if (precursors.includes(name)) continue;
		problem(
			`reactor.precursors.${name}`,
			name,
			`The twin file has no precursor ${name}; it has ${precursors.join(", ")}.`,
		);
	}
	if (problems.length === 0) return;
	throw new AdlayerError(
		"LAB_FILE_INVALID",
		`The lab file does not fit the simulated reactor: ${problems[0]!.message}`,
		{ problems },
	);
}

function joinHeater(
	instrument: PlannedInstrument,
	reactor: ReactorRoles,
	twin: Twin,
	disturbances: Disturbances,
): HeaterPort {
	const zone = Object.keys(reactor.zones).find((name) => reactor.zones[name]!.instrument === instrument.name);
	// A controller without a zone has an open thermocouple and heats nothing.
	if (zone === undefined) return { temperatureC: () => null, setHeaterPercent: () => {} };
	return {
		temperatureC: () => disturbances.sensed(zone, twin.zoneC(zone)),
		setHeaterPercent: disturbances.heater(zone, (percent) => twin.setHeaterPercent(zone, percent)),
	};
}

function joinDigitalIo(
	instrument: PlannedInstrument,
	reactor: ReactorRoles,
	twin: Twin,
	disturbances: Disturbances,
): DigitalIoPort {
	const settings = instrument.settings as {
		readonly pulse_outputs?: Readonly<Record<string, string>>;
		readonly outputs?: Readonly<Record<string, string>>;
		readonly inputs?: Readonly<Record<string, string>>;
	};
	const outputs = { ...settings.outputs, ...settings.pulse_outputs };
	const valves = new Map<number, { readonly valve: string; readonly role: ValveRole }>();
	const addValve = (valve: string, role: ValveRole) => {
		const line = lineOfSignal(instrument.name, role.output, outputs);
		if (line === undefined) return;
		valves.set(line, { valve, role });
		twin.setValve(valve, role.wired === "normally-open", twin.nowMs);
	};
	addValve(STOP_VALVE, reactor.stopValve);
	for (const [name, role] of Object.entries(reactor.precursors)) addValve(name, role);

	const inputs = new Map<number, () => boolean>();
	for (const name of Object.keys(settings.inputs ?? {})) {
		const signal = `${instrument.name}.${name}`;
		const line = lineOfSignal(instrument.name, signal, settings.inputs ?? {});
		if (line !== undefined) inputs.set(line, () => disturbances.contact(signal, true));
	}
	for (const [name, { signal, safeLevel }] of Object.entries(reactor.inputs)) {
		const line = lineOfSignal(instrument.name, signal, settings.inputs ?? {});
		if (line !== undefined) {
			inputs.set(line, () => disturbances.contact(signal, twin.isContactMade(name)) === (safeLevel === 1));
		}
	}

	return {
		drive: (line, level, atMs) => {
			const joined = valves.get(line);
			if (joined === undefined) return;
			// Valve drivers stay at rest while the line floats or is only pulled up.
			const energised = level === 1;
			const open = joined.role.wired === "normally-closed" ? energised : !energised;
			twin.setValve(joined.valve, open, Math.max(atMs, twin.nowMs));
		},
		// An input of no role is a made contact.
		sense: (line) => ((inputs.get(line)?.() ?? true) ? 1 : 0),
	};
}

function joinGauge(
	instrument: PlannedInstrument,
	reactor: ReactorRoles,
	twin: Twin,
	disturbances: Disturbances,
): GaugePort {
	const settings = instrument.settings as {
		readonly channels?: Readonly<Record<string, number>>;
		/** The one signal of a transducer without channels, named `pressure` where the lab file does not name it. */
		readonly signal?: string;
	};
	const channels = settings.channels ?? { [settings.signal ?? "pressure"]: 1 };
	const sensed = new Map<number, { readonly signal: string; read(): number }>();
	const add = (signal: string, read: () => number) => {
		const name = signalOf(instrument.name, signal);
		const channel = name === undefined ? undefined : channels[name];
		if (channel !== undefined) sensed.set(channel, { signal, read });
	};
	add(reactor.pressures.chamber, () => twin.chamberPa);
	add(reactor.pressures.foreline, () => twin.forelinePa);
	return {
		pressurePa: (channel) => {
			const gauge = sensed.get(channel);
			return gauge === undefined ? null : disturbances.sensed(gauge.signal, gauge.read());
		},
		isFrozen: (channel) => disturbances.isFrozen(sensed.get(channel)?.signal ?? ""),
	};
}

function joinFlowController(instrument: PlannedInstrument, reactor: ReactorRoles, twin: Twin): FlowControllerPort {
	// A flow controller of no role has gas in front and a closed valve behind.
	const isCarrier = reactor.carrier.instrument === instrument.name;
	return {
		setTargetSccm: (sccm) => {
			if (isCarrier) twin.setCarrierTarget(sccm);
		},
		flowSccm: () => (isCarrier ? twin.carrierSccm : 0),
		pressurePa: () => twin.carrierSupplyPa,
	};
}

function joinPump(_instrument: PlannedInstrument, _reactor: ReactorRoles, twin: Twin): PumpPort {
	return { isTurning: () => twin.pumpRunning, turn: (on) => twin.setPump(on) };
}

/** The signal's own name when `reference` (`instrument.signal`) is one of this instrument's. */
function signalOf(instrument: string, reference: string): string | undefined {
	return reference.startsWith(`${instrument}.`) ? reference.slice(instrument.length + 1) : undefined;
}

function lineOfSignal(
	instrument: string,
	reference: string,
	lines: Readonly<Record<string, string>>,
): number | undefined {
	const name = signalOf(instrument, reference);
	const label = name === undefined ? undefined : lines[name];
	return label === undefined ? undefined : lineNumber(label);
}

/** 8 of "DIO8", 2 of "DO2": drivers name their lines as the instrument's terminals are marked. */
function lineNumber(label: string): number | undefined {
	const digits = /\d+$/.exec(label)?.[0];
	return digits === undefined ? undefined : Number(digits);
}
