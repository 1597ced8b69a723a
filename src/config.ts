/** The lab file, read once, every problem reported at once; and the views of it that the rooms need. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { SystemClock } from "#core/clock.js";
import { AdlayerError, asAdlayerError, type Problem } from "#core/errors.js";
import { pascalFromTorr } from "#core/units.js";
import { vapourPressurePa } from "#core/vapour-pressure.js";
import type { Device, PulseOutputs, SignalInfo } from "#device/contract.js";
import type { Contact, Output, Reactor } from "#device/reactor.js";
import { type AnyDriver, driverNamed } from "#drivers/index.js";
import { parseModelFile } from "#heating/model-file.js";
import type { FoilCalibration } from "#heating/zone-model.js";
import type { LabPlan } from "#lab/plan.js";
import type { Heater } from "#recipe/heater.js";
import type { LabFacts } from "#recipe/lab-facts.js";
import { compileSchema, type Validator, validate } from "#recipe/schema.js";
import { problemAt, readYaml, type YamlDocument } from "#recipe/yaml-document.js";
import type { SampleRecord } from "#record/records.js";
import type { SignalRoles } from "#record/status.js";
import {
	type Absent,
	type ContactEntry,
	LAB_FILE_SCHEMA,
	type LabFileContent,
	type SimulatedCellEntry,
	type ZoneEntry,
} from "#src/config/lab-file-schema.js";
import type { MaintenanceOptions } from "#src/maintenance/maintenance.js";
import { parseAddress } from "#transport/address.js";

export interface LabFile {
	readonly path: string;
	readonly text: string;
	readonly sha256: string;
	readonly content: LabFileContent;
	/** True when the instruments are simulators: then everything a person or program sees says so. */
	readonly simulated: boolean;
	/** What is known of heated zones, by name; none where the lab file names no model. */
	readonly heaters: Readonly<Record<string, Heater>>;
}

/** One lost poll does not make a value stale. */
const STALE_POLLS_MIN = 2;

const validLabFile = compileSchema(LAB_FILE_SCHEMA);
const settingsValidators = new Map<AnyDriver, Validator>();

/** Compiled once for each driver, however many instruments have it. */
function settingsValidator(driver: AnyDriver): Validator {
	const known = settingsValidators.get(driver) ?? compileSchema(driver.settingsSchema);
	settingsValidators.set(driver, known);
	return known;
}

/** Reads and checks a lab file; LAB_FILE_INVALID carries every problem with line and column. */
export function loadLabFile(path: string): LabFile {
	let text: string;
	try {
		// Anything else than UTF-8 would silently become other names.
		text = new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(path));
	} catch (cause) {
		throw new AdlayerError(
			"LAB_FILE_INVALID",
			`The lab file ${path} cannot be read: ${asAdlayerError(cause).message}`,
			{ cause },
		);
	}
	return parseLabFile(text, path);
}

/** A station with a thousand battery channels has some 200 kB. */
const LAB_FILE_BYTES_MAX = 1024 * 1024;

export function parseLabFile(text: string, path: string): LabFile {
	const document = readYaml(text, LAB_FILE_BYTES_MAX);
	const problems: Problem[] = [...document.problems];
	if (problems.length === 0)
		problems.push(...validate(validLabFile, document.value, document).map((finding) => finding.problem));
	const content = document.value as LabFileContent;
	if (problems.length === 0) problems.push(...meaningProblems(content, document));
	const heaters = problems.length === 0 ? heatersOf(content, document, path, problems) : {};
	if (problems.length > 0) {
		const first = problems[0]!;
		const more = problems.length === 1 ? "" : ` and ${problems.length - 1} more`;
		throw new AdlayerError(
			"LAB_FILE_INVALID",
			`${path}:${first.line ?? 1}:${first.column ?? 1}: ${first.message}${more}`,
			{ problems },
		);
	}
	return {
		path,
		text,
		sha256: createHash("sha256").update(text).digest("hex"),
		content,
		simulated: content.simulation !== undefined,
		heaters,
	};
}

/** Reads the models that the zones name; what is wrong with them is added to the problems. */
function heatersOf(content: LabFileContent, document: YamlDocument, path: string, problems: Problem[]) {
	const heaters: Record<string, Heater> = {};
	for (const [name, zone] of Object.entries(content.reactor.zones)) {
		if (zone.model === undefined) continue;
		const place = { path: ["reactor", "zones", name, "model"] };
		const wrong = (message: string) =>
			problems.push(
				problemAt(document, place, { severity: "error", code: "LAB_FILE_INVALID", message, value: zone.model }),
			);
		if (zone.heats_foil && zone.foil === undefined) {
			wrong(`Zone ${name} heats the foil: with a model it needs the foil's lag and offset (foil).`);
			continue;
		}
		try {
			const file = parseModelFile(readFileSync(resolve(dirname(path), zone.model), "utf8"));
			if (file.zone !== name) wrong(`The model ${zone.model} is that of zone ${file.zone}.`);
			const { decimals } = content.instruments[zone.instrument]!.settings;
			const resolutionC = 10 ** -(typeof decimals === "number" ? decimals : 1);
			heaters[name] = { model: file.model, controller: file.controller, foil: calibrationOf(zone), resolutionC };
		} catch (thrown) {
			wrong(`The model ${zone.model} cannot be used: ${asAdlayerError(thrown).message}`);
		}
	}
	return heaters;
}

const middle = ([low, high]: readonly [number, number]): number => (low + high) / 2;
const half = ([low, high]: readonly [number, number]): number => (high - low) / 2;

/** Of foil minus the instrument's reading; of the zone minus it where it does not heat the foil. */
function calibrationOf(zone: ZoneEntry): FoilCalibration {
	const { foil } = zone;
	return {
		offsetC: offsetOf(zone),
		offsetBoundC: foil === undefined ? 0 : half(foil.offset_degC),
		lagS: foil === undefined ? 0 : middle(foil.lag_s),
		lagBoundS: foil === undefined ? 0 : half(foil.lag_s),
	};
}

const offsetOf = ({ sensor, foil }: ZoneEntry): number =>
	sensor.offset_degC + (foil === undefined ? 0 : middle(foil.offset_degC));
const uncertaintyOf = ({ sensor, foil }: ZoneEntry): number =>
	sensor.uncertainty_degC + (foil === undefined ? 0 : half(foil.offset_degC));

/** What the schema cannot say: names that must exist, addresses and settings that must fit their driver, ranges in order. */
function meaningProblems(content: LabFileContent, document: YamlDocument): Problem[] {
	const problems: Problem[] = [];
	/** Names of the signals of every instrument whose settings are sound, and the pulses it can make. */
	const signalsOf = new Map<string, Readonly<Record<string, SignalInfo>>>();
	const pulsesOf = new Map<string, PulseOutputs["limits"] | undefined>();
	const wrong = (path: (string | number)[], message: string, details: { value?: unknown; limit?: unknown } = {}) =>
		problems.push(problemAt(document, { path }, { severity: "error", code: "LAB_FILE_INVALID", message, ...details }));

	for (const [name, entry] of Object.entries(content.instruments)) {
		const at = ["instruments", name];
		const driver = driverNamed(entry.driver);
		if (driver === undefined) {
			wrong([...at, "driver"], `There is no driver ${entry.driver}.`, { value: entry.driver });
			continue;
		}
		try {
			const address = parseAddress(entry.address);
			const fits =
				address.scheme === "simulated"
					? content.simulation !== undefined
					: driver.addressSchemes.includes(address.scheme);
			if (!fits)
				wrong([...at, "address"], `Driver ${entry.driver} cannot use ${entry.address}.`, {
					value: entry.address,
					limit: driver.addressSchemes.join(", "),
				});
		} catch (thrown) {
			wrong([...at, "address"], asAdlayerError(thrown).message, { value: entry.address });
		}
		const misfits = validate(settingsValidator(driver), entry.settings, document);
		for (const { path, problem } of misfits)
			problems.push(problemAt(document, { path: [...at, "settings", ...path] }, { ...problem }));
		if (entry.stale_ms < STALE_POLLS_MIN * entry.poll_ms) {
			wrong(
				[...at, "stale_ms"],
				`${name} would be stale between two polls; stale_ms is at least ${STALE_POLLS_MIN} times poll_ms.`,
				{ value: entry.stale_ms, limit: STALE_POLLS_MIN * entry.poll_ms },
			);
		}
		if (misfits.length > 0) continue;
		try {
			const device = unconnectedDevice(driver, name, entry.settings);
			signalsOf.set(name, device.signals);
			pulsesOf.set(name, device.pulses?.limits);
		} catch (thrown) {
			wrong([...at, "settings"], asAdlayerError(thrown).message);
		}
	}

	const { reactor } = content;
	const isInstrument = (path: string[], name: string) => {
		if (!Object.hasOwn(content.instruments, name)) wrong(path, `There is no instrument ${name}.`, { value: name });
	};
	const isSignal = (path: string[], id: string) => {
		isInstrument(path, instrumentOf(id));
		const signals = signalsOf.get(instrumentOf(id));
		const { output } = outputOf(id);
		if (signals === undefined) return undefined;
		if (!Object.hasOwn(signals, output)) {
			const limit = Object.keys(signals).join(", ");
			wrong(path, `Instrument ${instrumentOf(id)} has no signal ${output}.`, { value: id, limit });
		}
		return signals[output];
	};
	/** What an instrument was told proves nothing: an input is sensed. */
	const isContact = (path: string[], id: string) => {
		const info = isSignal(path, id);
		if (info === undefined || (info.kind === "state" && info.unit === "bool")) return;
		wrong(path, `${id} is no state of 0 or 1 but a ${info.kind} in ${info.unit}.`, { value: id });
	};
	isInstrument(["reactor", "carrier", "instrument"], reactor.carrier.instrument);
	isSignal(["reactor", "pressures", "chamber"], reactor.pressures.chamber);
	isSignal(["reactor", "pressures", "foreline"], reactor.pressures.foreline);
	isSignal(["reactor", "stop_valve", "output"], reactor.stop_valve.output);
	for (const [input, entry] of Object.entries(reactor.inputs)) {
		if ("none" in entry) continue;
		const at = ["reactor", "inputs", input];
		isContact([...at, "signal"], entry.signal);
		if (entry.broken_wire_level === entry.safe_level)
			wrong(
				[...at, "broken_wire_level"],
				"A broken wire would count as safe; wire the contact so that it gives the other level.",
				{ value: entry.broken_wire_level, limit: 1 - entry.safe_level },
			);
	}
	if (reactor.qcm !== undefined) {
		const { thickness } = reactor.qcm;
		const info = isSignal(["reactor", "qcm", "thickness"], thickness);
		if (info !== undefined && info.unit !== "nm")
			wrong(["reactor", "qcm", "thickness"], `${thickness} is in ${info.unit}, not a thickness in nm.`, {
				value: thickness,
			});
	}
	if (!("none" in reactor.atmosphere)) {
		isSignal(["reactor", "atmosphere", "oxygen"], reactor.atmosphere.oxygen);
		isSignal(["reactor", "atmosphere", "water"], reactor.atmosphere.water);
	}
	for (const [zone, spec] of Object.entries(reactor.zones)) {
		isInstrument(["reactor", "zones", zone, "instrument"], spec.instrument);
		if (typeof spec.heater.output === "string")
			isSignal(["reactor", "zones", zone, "heater", "output"], spec.heater.output);
		if (spec.heater.runaway_degC_per_min <= spec.ramp_degC_per_min_max)
			wrong(
				["reactor", "zones", zone, "heater", "runaway_degC_per_min"],
				`Zone ${zone} would run away within its own ramps; runaway_degC_per_min is above ramp_degC_per_min_max.`,
				{ value: spec.heater.runaway_degC_per_min, limit: spec.ramp_degC_per_min_max },
			);
		// Temperature controllers name their setpoint range alike in their settings.
		const setpointMaxC = content.instruments[spec.instrument]?.settings.setpoint_degC_max;
		const limitC = spec.limit_degC - offsetOf(spec);
		if (typeof setpointMaxC === "number" && setpointMaxC > limitC)
			wrong(
				["instruments", spec.instrument, "settings", "setpoint_degC_max"],
				`Setpoints of ${spec.instrument} go above the limit of zone ${zone}, ${limitC} degC in its own readings.`,
				{ value: setpointMaxC, limit: limitC },
			);
		const at = ["reactor", "zones", zone, "foil"];
		if (spec.foil !== undefined && !spec.heats_foil)
			wrong(at, `Zone ${zone} does not heat the foil, so it has no calibration of it.`);
		for (const key of ["lag_s", "offset_degC"] as const) {
			const pair = spec.foil?.[key];
			if (pair !== undefined && pair[0] > pair[1])
				wrong([...at, key], `${key} is [least, greatest], not [${pair.join(", ")}].`, {
					value: pair[0],
					limit: pair[1],
				});
		}
	}
	for (const [precursor, spec] of Object.entries(reactor.precursors)) {
		const at = ["reactor", "precursors", precursor];
		isSignal([...at, "output"], spec.output);
		if (spec.line_zone !== null && !Object.hasOwn(reactor.zones, spec.line_zone))
			wrong([...at, "line_zone"], `There is no zone ${spec.line_zone}.`, { value: spec.line_zone });
		if (spec.shortest_pulse_ms >= spec.longest_pulse_ms)
			wrong([...at, "longest_pulse_ms"], "The longest pulse is not longer than the shortest.", {
				value: spec.longest_pulse_ms,
				limit: spec.shortest_pulse_ms,
			});
		const timer = instrumentOf(spec.output);
		if (pulsesOf.has(timer))
			pulseMisfits(spec, timer, pulsesOf.get(timer), (key, ...rest) => wrong([...at, key], ...rest));
	}
	const purges = Object.keys(reactor.manual?.purge_s ?? reactor.precursors);
	for (const precursor of new Set([...purges, ...Object.keys(reactor.precursors)])) {
		const at = ["reactor", "manual", "purge_s"];
		if (!Object.hasOwn(reactor.precursors, precursor))
			wrong([...at, precursor], `There is no precursor ${precursor}.`, { value: precursor });
		else if (!purges.includes(precursor)) wrong(at, `The purge after ${precursor} is missing.`, { value: purges });
	}
	const { carrier, limits } = reactor;
	const selected = content.instruments[carrier.instrument]?.settings.gas;
	if (typeof selected === "string" && selected !== carrier.gas)
		wrong(["reactor", "carrier", "gas"], `The flow controller ${carrier.instrument} is set for ${selected}.`, {
			value: carrier.gas,
			limit: selected,
		});
	if (carrier.sccm_min >= carrier.sccm_max)
		wrong(["reactor", "carrier", "sccm_max"], "sccm_max is not above sccm_min.", {
			value: carrier.sccm_max,
			limit: carrier.sccm_min,
		});
	if (carrier.purge_sccm < carrier.sccm_min || carrier.purge_sccm > carrier.sccm_max)
		wrong(["reactor", "carrier", "purge_sccm"], "purge_sccm is outside the carrier's range.", {
			value: carrier.purge_sccm,
			limit: `${carrier.sccm_min} to ${carrier.sccm_max}`,
		});
	if (limits.dose_torr_min >= limits.dose_torr_max)
		wrong(["reactor", "limits", "dose_torr_max"], "dose_torr_max is not above dose_torr_min.", {
			value: limits.dose_torr_max,
			limit: limits.dose_torr_min,
		});
	for (const { path, value, other } of doubledRoles(content))
		wrong(path, `${value} has another role already: ${other}.`, { value });
	for (const { path, value } of datesOf(content)) if (!isDate(value)) wrong(path, `${value} is no date.`, { value });
	const { leak_check } = limits;
	if ((leak_check.valid_hours === undefined) === (leak_check.not_required === undefined))
		wrong(
			["reactor", "limits", "leak_check"],
			"leak_check has either valid_hours, for which a passed one counts, or not_required with the reason.",
		);
	if (limits.pressure_torr_max <= limits.dose_torr_max)
		wrong(["reactor", "limits", "pressure_torr_max"], "pressure_torr_max is not above dose_torr_max.", {
			value: limits.pressure_torr_max,
			limit: limits.dose_torr_max,
		});
	if (limits.max_static_torr <= limits.dose_torr_max)
		wrong(["reactor", "limits", "max_static_torr"], "max_static_torr is not above dose_torr_max.", {
			value: limits.max_static_torr,
			limit: limits.dose_torr_max,
		});
	for (const part of ["valves", "bottles"] as const)
		for (const precursor of Object.keys(content.maintenance?.[part] ?? {}))
			if (!Object.hasOwn(reactor.precursors, precursor))
				wrong(["maintenance", part, precursor], `There is no precursor ${precursor}.`, {
					value: precursor,
					limit: Object.keys(reactor.precursors),
				});
	return problems;
}

type Place = { readonly path: string[]; readonly value: string };

/** Outputs, contacts, pressures and controllers that two roles claim: one of the two would not be what it is taken for. */
function doubledRoles({ reactor }: LabFileContent): (Place & { readonly other: string })[] {
	const at = (...path: string[]) => ["reactor", ...path];
	const places: Place[] = [
		...Object.entries(reactor.precursors).map(([name, { output }]) => ({
			path: at("precursors", name, "output"),
			value: output,
		})),
		{ path: at("stop_valve", "output"), value: reactor.stop_valve.output },
		...Object.entries(reactor.inputs).flatMap(([name, entry]) =>
			"none" in entry ? [] : [{ path: at("inputs", name, "signal"), value: entry.signal }],
		),
		...Object.entries(reactor.pressures).map(([name, value]) => ({ path: at("pressures", name), value })),
		...Object.entries(reactor.zones).map(([name, { instrument }]) => ({
			path: at("zones", name, "instrument"),
			value: instrument,
		})),
		{ path: at("carrier", "instrument"), value: reactor.carrier.instrument },
		...("none" in reactor.atmosphere
			? []
			: (["oxygen", "water"] as const).map((gas) => ({
					path: at("atmosphere", gas),
					value: (reactor.atmosphere as Record<"oxygen" | "water", string>)[gas],
				}))),
	];
	const first = new Map<string, string>();
	return places.flatMap((place) => {
		const other = first.get(place.value);
		if (other !== undefined) return [{ ...place, other }];
		first.set(place.value, place.path.join("."));
		return [];
	});
}

/** When sensors and foil offsets were determined. */
function datesOf({ reactor }: LabFileContent): Place[] {
	return Object.entries(reactor.zones).flatMap(([zone, { sensor, foil }]) => [
		{ path: ["reactor", "zones", zone, "sensor", "date"], value: sensor.date },
		...(foil === undefined ? [] : [{ path: ["reactor", "zones", zone, "foil", "date"], value: foil.date }]),
	]);
}

/** A day that there is: the form alone would take a 31st of February. */
function isDate(text: string): boolean {
	const day = new Date(`${text}T00:00:00Z`);
	return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text);
}

type PrecursorContent = LabFileContent["reactor"]["precursors"][string];

/** A precursor's pulses must be such as the hardware timer of its output can make. */
function pulseMisfits(
	{ output, shortest_pulse_ms: shortest, longest_pulse_ms: longest }: PrecursorContent,
	timer: string,
	limits: PulseOutputs["limits"] | undefined,
	wrong: (key: keyof PrecursorContent, message: string, details: { value: unknown; limit?: unknown }) => void,
): void {
	if (limits === undefined) {
		wrong("output", `Instrument ${timer} cannot time pulses by hardware.`, { value: output });
		return;
	}
	const { widthMsMin, widthMsMax } = limits;
	if (shortest < widthMsMin)
		wrong("shortest_pulse_ms", `The shortest pulse that ${timer} can make as ordered is ${widthMsMin} ms.`, {
			value: shortest,
			limit: widthMsMin,
		});
	if (longest > widthMsMax)
		wrong("longest_pulse_ms", `The longest pulse that ${timer} can make is ${widthMsMax} ms.`, {
			value: longest,
			limit: widthMsMax,
		});
}

/** The device that a driver makes of these settings; nothing is connected. Throws what the driver has against them. */
function unconnectedDevice(driver: AnyDriver, name: string, settings: Readonly<Record<string, unknown>>): Device {
	const unconnected = {} as never;
	return driver.create({
		name,
		settings: settings as never,
		clock: new SystemClock(),
		modbus: unconnected,
		line: unconnected,
		mqtt: unconnected,
	});
}

const instrumentOf = (signal: string): string => signal.slice(0, signal.indexOf("."));

function outputOf(signal: string): Output {
	const instrument = instrumentOf(signal);
	return { instrument, output: signal.slice(instrument.length + 1) };
}

function mapValues<In, Out>(
	of: Readonly<Record<string, In>>,
	change: (value: In, key: string) => Out,
): Record<string, Out> {
	return Object.fromEntries(Object.entries(of).map(([key, value]) => [key, change(value, key)]));
}

function contactOf(entry: ContactEntry): Contact {
	return { signal: entry.signal, safeLevel: entry.safe_level };
}

const contactOrNull = (entry: ContactEntry | Absent): Contact | null => ("none" in entry ? null : contactOf(entry));

/** The roles, for safety and the engine. */
export function reactorOf({ content }: LabFile): Reactor {
	const { reactor } = content;
	return {
		carrier: {
			instrument: reactor.carrier.instrument,
			gas: reactor.carrier.gas,
			sccmMin: reactor.carrier.sccm_min,
			sccmMax: reactor.carrier.sccm_max,
			purgeSccm: reactor.carrier.purge_sccm,
		},
		pressures: reactor.pressures,
		zones: mapValues(reactor.zones, (zone) => ({
			instrument: zone.instrument,
			heatsFoil: zone.heats_foil,
			limitC: zone.limit_degC,
			offsetC: offsetOf(zone),
			uncertaintyC: uncertaintyOf(zone),
			rampCPerMinMax: zone.ramp_degC_per_min_max,
			heater: {
				output: typeof zone.heater.output === "string" ? zone.heater.output : null,
				fullPercent: zone.heater.full_percent,
				riseC: zone.heater.rise_degC,
				withinS: zone.heater.within_s,
				runawayCPerMin: zone.heater.runaway_degC_per_min,
				followC: zone.heater.follow_degC,
				followS: zone.heater.follow_s,
			},
		})),
		precursors: mapValues(reactor.precursors, ({ vapour, ...precursor }) => ({
			...outputOf(precursor.output),
			shortestPulseMs: precursor.shortest_pulse_ms,
			longestPulseMs: precursor.longest_pulse_ms,
			vapourPa: vapourPressurePa(
				{
					pa: pascalFromTorr(vapour.torr),
					atC: vapour.at_degC,
					vaporisationJPerMol: vapour.vaporisation_kJ_per_mol * 1_000,
				},
				precursor.bottle_degC,
			),
		})),
		stopValve: outputOf(reactor.stop_valve.output),
		inputs: {
			pumpRunning: contactOf(reactor.inputs.pump_running),
			lidClosed: contactOf(reactor.inputs.lid_closed),
			emergencyStop: contactOrNull(reactor.inputs.emergency_stop_released),
			exhaust: contactOrNull(reactor.inputs.exhaust_flowing),
			gasCabinet: contactOrNull(reactor.inputs.gas_cabinet_tight),
			nitrogen: contactOrNull(reactor.inputs.nitrogen_present),
			air: contactOrNull(reactor.inputs.air_present),
		},
		atmosphere:
			"none" in reactor.atmosphere
				? null
				: {
						oxygen: reactor.atmosphere.oxygen,
						water: reactor.atmosphere.water,
						oxygenPpmMax: reactor.atmosphere.oxygen_ppm_max,
						waterPpmMax: reactor.atmosphere.water_ppm_max,
					},
		limits: {
			basePa: pascalFromTorr(reactor.limits.base_torr),
			dosePaMin: pascalFromTorr(reactor.limits.dose_torr_min),
			dosePaMax: pascalFromTorr(reactor.limits.dose_torr_max),
			pressurePaMax: pascalFromTorr(reactor.limits.pressure_torr_max),
			staticPaMax: pascalFromTorr(reactor.limits.max_static_torr),
			gaugeFrozenS: reactor.limits.gauge_frozen_s,
		},
		...(reactor.qcm === undefined ? {} : { qcm: reactor.qcm }),
		...(reactor.suspension === undefined
			? {}
			: { suspension: { waitS: reactor.suspension.wait_s, dwellS: reactor.suspension.dwell_s } }),
		...(reactor.manual === undefined
			? {}
			: { manual: { idleS: reactor.manual.idle_s, purgeS: reactor.manual.purge_s } }),
	};
}

/** The facts that recipes are checked against. */
export function labFacts({ content, heaters }: LabFile): LabFacts {
	const { reactor, instruments } = content;
	return {
		station: content.station,
		carrier: { gas: reactor.carrier.gas, sccmMin: reactor.carrier.sccm_min, sccmMax: reactor.carrier.sccm_max },
		zones: mapValues(reactor.zones, (zone, name) => {
			// Temperature controllers name their setpoint range alike in their settings; the zone's limit bounds one that does not.
			const { setpoint_degC_min, setpoint_degC_max } = instruments[zone.instrument]!.settings;
			return {
				heatsFoil: zone.heats_foil,
				setpointCMin: typeof setpoint_degC_min === "number" ? setpoint_degC_min : zone.prediction.ambient_degC,
				setpointCMax: typeof setpoint_degC_max === "number" ? setpoint_degC_max : zone.limit_degC,
				limitC: zone.limit_degC,
				sensorUncertaintyC: uncertaintyOf(zone),
				rampCPerMinMax: zone.ramp_degC_per_min_max,
				ambientC: zone.prediction.ambient_degC,
				coolTimeConstantS: zone.prediction.cool_time_constant_s,
				settleS: zone.prediction.settle_s,
				...(Object.hasOwn(heaters, name) ? { heater: heaters[name]! } : {}),
			};
		}),
		precursors: mapValues(reactor.precursors, (precursor) => ({
			valve: precursor.output,
			shortestPulseMs: precursor.shortest_pulse_ms,
			longestPulseMs: precursor.longest_pulse_ms,
			mgPerMs: precursor.mg_per_ms,
			lineZone: precursor.line_zone,
			bottleC: precursor.bottle_degC,
			...(precursor.full_line === undefined
				? {}
				: {
						fullLine: {
							ms: precursor.full_line.ms,
							areaPaS: pascalFromTorr(precursor.full_line.area_torr_s),
							pulsesToEmpty: precursor.full_line.pulses_to_empty,
						},
					}),
		})),
		basePressurePa: pascalFromTorr(reactor.limits.base_torr),
		pumpTimeConstantS: reactor.limits.pump_time_constant_s,
		leakLimitPaPerS: pascalFromTorr(reactor.limits.leak_check.mtorr_per_min_max / 1_000) / 60,
		...(reactor.chamber_volume_l === undefined ? {} : { chamberM3: reactor.chamber_volume_l / 1_000 }),
		...("none" in reactor.atmosphere ? {} : { glovebox: gloveboxOf(reactor.atmosphere) }),
		signals: signalUnits(instruments),
	};
}

function gloveboxOf(atmosphere: Exclude<LabFileContent["reactor"]["atmosphere"], { readonly none: string }>) {
	const { oxygen, oxygen_ppm_max, water, water_ppm_max } = atmosphere;
	return [
		{ signal: oxygen, ppmMax: oxygen_ppm_max },
		{ signal: water, ppmMax: water_ppm_max },
	];
}

/** The unit of each signal, by what the drivers say of themselves. */
function signalUnits(instruments: LabFileContent["instruments"]): Record<string, string> {
	return Object.fromEntries(
		Object.entries(instruments).flatMap(([name, { driver, settings }]) =>
			Object.entries(unconnectedDevice(driverNamed(driver)!, name, settings).signals).map(([signal, { unit }]) => [
				`${name}.${signal}`,
				unit,
			]),
		),
	);
}

/** The signals that people look at first. The foil's temperature is that of the first zone that heats it. */
export function signalRoles({ content }: LabFile): SignalRoles {
	const { zones, pressures, carrier, precursors, stop_valve, inputs } = content.reactor;
	const foilZone = Object.values(zones).find((zone) => zone.heats_foil);
	return {
		chamberPa: pressures.chamber,
		carrierSccm: `${carrier.instrument}.flow`,
		carrierTargetSccm: `${carrier.instrument}.setpoint`,
		dosingValves: mapValues(precursors, ({ output }) => output),
		stopValve: stop_valve.output,
		pumpRunning: inputs.pump_running.signal,
		lidClosed: inputs.lid_closed.signal,
		safeLevels: Object.fromEntries(
			Object.values(inputs).flatMap((input) => ("signal" in input ? [[input.signal, input.safe_level]] : [])),
		),
		...(foilZone === undefined
			? {}
			: { foilC: `${foilZone.instrument}.temperature`, foilTargetC: `${foilZone.instrument}.setpoint` }),
	};
}

/** What is counted for maintenance, and when people are told. */
export function maintenanceFacts(lab: LabFile): Pick<MaintenanceOptions, "counted" | "precursors" | "limits"> {
	const { reactor, maintenance } = lab.content;
	return {
		counted: {
			mgPerMs: mapValues(reactor.precursors, ({ mg_per_ms }) => mg_per_ms),
			pump: { signal: reactor.inputs.pump_running.signal, level: reactor.inputs.pump_running.safe_level },
			chamber: reactor.pressures.chamber,
			heaters: mapValues(reactor.zones, ({ instrument }) => instrument),
		},
		precursors: Object.keys(reactor.precursors),
		limits: {
			pulsesMax: mapValues(maintenance?.valves ?? {}, ({ pulses_max }) => pulses_max),
			leftGMin: mapValues(maintenance?.bottles ?? {}, ({ grams_left_min }) => grams_left_min),
			pumpHoursMax: maintenance?.pump?.hours_max ?? null,
			basePaMax: maintenance?.base_pressure === undefined ? null : pascalFromTorr(maintenance.base_pressure.torr_max),
		},
	};
}

/** The corrected temperature that a sample carries of a zone that heats the foil, or null. */
export function foilTemperature({ content }: LabFile): (sample: SampleRecord) => number | null {
	const offsets = new Map(
		Object.values(content.reactor.zones)
			.filter((zone) => zone.heats_foil)
			.map((zone) => [zone.instrument, offsetOf(zone)]),
	);
	return ({ instrument, values, fault }) => {
		const offsetC = offsets.get(instrument);
		const measured = values.temperature;
		if (offsetC === undefined || measured == null || fault?.temperature !== undefined) return null;
		return measured + offsetC;
	};
}

const cellSpecOf = (cell: SimulatedCellEntry) => ({
	couple: cell.couple,
	finish: cell.finish,
	foilUm: cell.foil_um,
	areaCm2: cell.area_cm2,
	...(cell.coating_cycles === undefined ? {} : { coatingCycles: cell.coating_cycles }),
	...(cell.active_mass_mg === undefined ? {} : { activeMassMg: cell.active_mass_mg }),
});

/** The simulated lab of a lab file that has one; undefined for real hardware. */
export function labPlan({
	content,
	path,
}: LabFile): { plan: LabPlan; twinFile: string; cellsFile?: string } | undefined {
	const { simulation, reactor } = content;
	if (simulation === undefined) return undefined;
	const { cells } = simulation;
	return {
		twinFile: resolve(dirname(path), simulation.reactor),
		...(cells === undefined ? {} : { cellsFile: resolve(dirname(path), cells.twin) }),
		plan: {
			seed: simulation.seed,
			foil: simulation.foil,
			...(cells === undefined ? {} : { cells: mapValues(cells.in, cellSpecOf) }),
			instruments: Object.entries(content.instruments).map(([name, { driver, address, settings }]) => ({
				name,
				driver,
				address,
				settings,
			})),
			reactor: {
				carrier: { instrument: reactor.carrier.instrument },
				pressures: reactor.pressures,
				zones: mapValues(reactor.zones, ({ instrument }) => ({ instrument })),
				precursors: mapValues(reactor.precursors, ({ output, wired }) => ({ output, wired })),
				stopValve: { output: reactor.stop_valve.output, wired: reactor.stop_valve.wired },
				inputs: mapValues(
					Object.fromEntries(
						Object.entries(reactor.inputs).filter((entry): entry is [string, ContactEntry] => !("none" in entry[1])),
					),
					contactOf,
				),
			},
		},
	};
}
