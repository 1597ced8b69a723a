/** What a lab file says that cannot be: every problem at its place. */
import { asAdlayerError, type Problem } from "#core/errors.js";
import type { PulseOutputs, SignalInfo } from "#device/contract.js";
import { type AnyDriver, driverNamed, driverNames } from "#drivers/index.js";
import { compileSchema, type Validator, validate } from "#recipe/schema.js";
import { problemAt, type YamlDocument } from "#recipe/yaml-document.js";
import { doubledInstruments } from "#src/config/doubled-instruments.js";
import { instrumentOf, outputOf } from "#src/config/entries.js";
import { offsetOf } from "#src/config/heaters.js";
import type { LabFileContent } from "#src/config/lab-file-schema.js";
import { unconnectedDevice } from "#src/config/unconnected-device.js";
import { parseAddress } from "#transport/address.js";

/** One lost poll does not make a value stale. */
const STALE_POLLS_MIN = 2;
/** By how much a pulse may outlive the watchdog: the valves are to be in their safe state by then. */
const PULSE_AFTER_WATCHDOG_MS_MAX = 500;

const settingsValidators = new Map<AnyDriver, Validator>();

/** Compiled once for each driver, however many instruments have it. */
function settingsValidator(driver: AnyDriver): Validator {
	const known = settingsValidators.get(driver) ?? compileSchema(driver.settingsSchema);
	settingsValidators.set(driver, known);
	return known;
}

/** What the schema cannot say: names that must exist, addresses and settings that must fit their driver, ranges in order. */
export function meaningProblems(content: LabFileContent, document: YamlDocument, problems: Problem[] = []): Problem[] {
	/** Names of the signals of every instrument whose settings are sound, and the pulses it can make. */
	const signalsOf = new Map<string, Readonly<Record<string, SignalInfo>>>();
	const pulsesOf = new Map<string, PulseOutputs["limits"] | undefined>();
	const watchdogMsOf = new Map<string, number>();
	const wrong = (path: (string | number)[], message: string, details: { value?: unknown; limit?: unknown } = {}) =>
		problems.push(problemAt(document, { path }, { severity: "error", code: "LAB_FILE_INVALID", message, ...details }));

	for (const [name, entry] of Object.entries(content.instruments)) {
		const at = ["instruments", name];
		const driver = driverNamed(entry.driver);
		if (driver === undefined) {
			wrong([...at, "driver"], `There is no driver ${entry.driver}; there are ${driverNames.join(", ")}.`, {
				value: entry.driver,
				limit: driverNames.join(", "),
			});
			continue;
		}
		try {
			const address = parseAddress(entry.address);
			const fits =
				address.scheme === "simulated"
					? content.simulation !== undefined
					: driver.addressSchemes.includes(address.scheme);
			if (!fits)
				wrong(
					[...at, "address"],
					`Driver ${entry.driver} cannot use ${entry.address}; it takes ${driver.addressSchemes.join(", ")}.`,
					{
						value: entry.address,
						limit: driver.addressSchemes.join(", "),
					},
				);
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
			if (device.watchdog !== undefined) watchdogMsOf.set(name, device.watchdog.timeoutMs);
		} catch (thrown) {
			wrong([...at, "settings"], asAdlayerError(thrown).message);
		}
	}

	for (const { name, other, why } of doubledInstruments(content.instruments))
		wrong(["instruments", name, "address"], `${name} is the same instrument as ${other}: ${why}.`, {
			value: content.instruments[name]!.address,
		});

	const { reactor } = content;
	const mustBeAbove = (of: string, key: string, value: number, lower: string, limit: number) => {
		if (value <= limit)
			wrong(["reactor", of, key], `${key} is ${value}, not above ${lower}, ${limit}.`, { value, limit });
	};
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
			wrong(path, `Instrument ${instrumentOf(id)} has no signal ${output}; it has ${limit || "none"}.`, {
				value: id,
				limit,
			});
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
				`Setpoints of ${spec.instrument} go up to ${setpointMaxC} degC, above the limit of zone ${zone}, ${limitC} degC in its own readings.`,
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
		const outlivedMs = (watchdogMsOf.get(timer) ?? Number.POSITIVE_INFINITY) + PULSE_AFTER_WATCHDOG_MS_MAX;
		if (spec.longest_pulse_ms > outlivedMs) {
			const message = `A pulse may last at most ${PULSE_AFTER_WATCHDOG_MS_MAX} ms longer than the watchdog of ${timer}: its timer ends it, also when control has died.`;
			wrong([...at, "longest_pulse_ms"], message, { value: spec.longest_pulse_ms, limit: outlivedMs });
		}
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
	mustBeAbove("carrier", "sccm_max", carrier.sccm_max, "sccm_min", carrier.sccm_min);
	if (carrier.purge_sccm < carrier.sccm_min || carrier.purge_sccm > carrier.sccm_max)
		wrong(
			["reactor", "carrier", "purge_sccm"],
			`purge_sccm is ${carrier.purge_sccm}, outside ${carrier.sccm_min} to ${carrier.sccm_max}.`,
			{
				value: carrier.purge_sccm,
				limit: `${carrier.sccm_min} to ${carrier.sccm_max}`,
			},
		);
	mustBeAbove("limits", "dose_torr_max", limits.dose_torr_max, "dose_torr_min", limits.dose_torr_min);
	for (const { path, value, other } of doubledRoles(content))
		wrong(path, `${value} has another role already: ${other}.`, { value });
	for (const { path, value } of datesOf(content)) if (!isDate(value)) wrong(path, `${value} is no date.`, { value });
	for (const { path, message, value, limit } of workingPressureProblems(limits.working_pressure))
		wrong(["reactor", "limits", "working_pressure", "at", ...path], message, { value, limit });
	const { leak_check } = limits;
	if ((leak_check.valid_hours === undefined) === (leak_check.not_required === undefined))
		wrong(
			["reactor", "limits", "leak_check"],
			"leak_check has either valid_hours, for which a passed one counts, or not_required with the reason.",
		);
	mustBeAbove("limits", "pressure_torr_max", limits.pressure_torr_max, "dose_torr_max", limits.dose_torr_max);
	mustBeAbove("limits", "max_static_torr", limits.max_static_torr, "dose_torr_max", limits.dose_torr_max);
	for (const part of ["valves", "bottles"] as const)
		for (const precursor of Object.keys(content.maintenance?.[part] ?? {}))
			if (!Object.hasOwn(reactor.precursors, precursor))
				wrong(["maintenance", part, precursor], `There is no precursor ${precursor}.`, {
					value: precursor,
					limit: Object.keys(reactor.precursors),
				});
	return problems;
}

/**
 * As much of it as can be told of a file in which something has another form than it should (`known`): what cannot be read
 * for that reason is left out, and what stands in its place is not judged.
 */
export function meaningProblemsBeside(
	known: readonly Problem[],
	content: LabFileContent,
	document: YamlDocument,
): Problem[] {
	const found: Problem[] = [];
	try {
		meaningProblems(content, document, found);
	} catch {
		// The rest cannot be read.
	}
	const judged = new Set(known.map(({ path }) => path));
	return found.filter(({ path, message }) => !judged.has(path) && !/\b(undefined|NaN|null)\b|\[object /.test(message));
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
	const { working_pressure: working } = reactor.limits;
	const measured =
		working === undefined ? [] : [{ path: ["reactor", "limits", "working_pressure", "date"], value: working.date }];
	const zones = Object.entries(reactor.zones).flatMap(([zone, { sensor, foil }]) => [
		{ path: ["reactor", "zones", zone, "sensor", "date"], value: sensor.date },
		...(foil === undefined ? [] : [{ path: ["reactor", "zones", zone, "foil", "date"], value: foil.date }]),
	]);
	return [...measured, ...zones];
}

/** More flow is more pressure; anything else is a slip of the pen. */
function* workingPressureProblems(working: LabFileContent["reactor"]["limits"]["working_pressure"]) {
	const { at } = working ?? { at: [] };
	for (const [index, { sccm, torr }] of at.entries()) {
		const before = at[index - 1];
		if (before === undefined) continue;
		if (sccm <= before.sccm)
			yield { path: [`${index}`, "sccm"], message: "The flows do not rise.", value: sccm, limit: before.sccm };
		if (torr <= before.torr)
			yield { path: [`${index}`, "torr"], message: "The pressures do not rise.", value: torr, limit: before.torr };
	}
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
