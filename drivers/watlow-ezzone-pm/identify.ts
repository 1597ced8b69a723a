import { AdlayerError } from "#core/errors.js";
import type { Identification, Identity } from "#device/contract.js";
import type { WatlowEzzonePmSettings } from "./config.js";
import { isLimit, isSetting, isTemperature, type Read, type View, viewOf } from "./look.js";
import {
	ANALOG_INPUT,
	ANALOG_INPUT_WORDS,
	celsiusFrom,
	floatFromWords,
	HARDWARE_ID,
	HARDWARE_IDS,
	inputErrorName,
	int32FromWords,
	isMode,
	type LoopRegisters,
	MAPS,
	type MapNumber,
	MODE,
	NO_INPUT_ERROR,
	REGISTERS,
	SAVE,
	SERIAL_NUMBER,
	SOFTWARE_REVISION,
	type TemperatureUnit,
	unitOfCode,
	WORD_ORDERS,
	type WordOrder,
} from "./registers.js";

const UNKNOWN: Identity = { manufacturer: null, model: null, serial: null, firmware: null };

/** Of a limit that is kept in Fahrenheit. */
const LIMIT_ROUNDING_C = 0.05;
const PROPORTIONAL_BAND_MAX = 10_000;

/** How the instrument must be spoken to, and what it is set to. */
export interface Dialect {
	readonly map: MapNumber;
	readonly wordOrder: WordOrder;
	readonly unit: TemperatureUnit;
	/** Writes over communications wear EEPROM: so it says, or it does not say. */
	readonly keepsWrites: boolean;
	/** It has a register for the set point it works to. */
	readonly hasActiveSetpoint: boolean;
	readonly limitMinC: number;
	readonly limitMaxC: number;
}

export interface Found {
	readonly identification: Identification;
	/** Absent when the instrument could not be identified or understood. */
	readonly dialect?: Dialect;
	/** Without a dialect: what its temperature can be read by. */
	readonly view?: View;
}

/** What was read before map and word order are known; undefined where the instrument has no such register. */
interface LoopWords {
	readonly mode: number;
	readonly activeMode: number | undefined;
	readonly setpoint: readonly number[];
	readonly setpointMin: readonly number[];
	readonly setpointMax: readonly number[];
	readonly proportionalBand: readonly number[] | undefined;
}

interface Candidate {
	readonly map: MapNumber;
	readonly wordOrder: WordOrder;
}

/**
 * Finds out whether a PM answers, with which register map and word order, and in which unit: both are the technician's choice
 * on the instrument, and a wrong guess writes to a wrong parameter. Every reading is decoded each way, and only one way may
 * make sense. Writes nothing. Throws DEVICE_MISCONFIGURED when settings contradict what the instrument shows.
 */
export async function identify(
	name: string,
	read: Read,
	settings: WatlowEzzonePmSettings,
	baseAddress: number,
): Promise<Found> {
	const input = await read(ANALOG_INPUT, ANALOG_INPUT_WORDS);
	if (input === undefined) {
		const { view, unknown: missing } = await viewOf(read, settings);
		const register = baseAddress + ANALOG_INPUT;
		const what = `It has no analog input with its error in registers ${register} to ${register + ANALOG_INPUT_WORDS - 1}.`;
		return viewed(unknown(what, ...missing), view);
	}
	const hardware = await read(HARDWARE_ID, 2);
	const loops = new Map<MapNumber, LoopWords>();
	for (const map of MAPS) {
		const loop = await readLoop(read, REGISTERS[map]);
		if (loop !== undefined) loops.set(map, loop);
	}
	const candidates = [...loops].flatMap(([map, loop]) =>
		WORD_ORDERS.filter((wordOrder) => makesSense(loop, input, wordOrder)).map((wordOrder) => ({ map, wordOrder })),
	);
	const chosen = choose(name, settings, candidates, hardware);
	if (typeof chosen === "string") {
		const { view, unknown: missing } = await viewOf(read, settings);
		return viewed(unknown(chosen, ...missing), view);
	}
	const { map, wordOrder } = chosen;
	const registers = REGISTERS[map];

	const unit = await findUnit(name, settings, read, registers);
	if (unit === undefined) {
		const { view } = await viewOf(read, { ...settings, map, word_order: wordOrder });
		return viewed(
			unknown(
				`It does not say in register ${baseAddress + registers.commsUnits} whether it speaks Fahrenheit (30) or Celsius (15): look it up on the instrument and set comms_units to F or C.`,
			),
			view,
		);
	}
	const loop = loops.get(map)!;
	const inC = (words: readonly number[]) => celsiusFrom(floatFromWords(words, wordOrder), unit);
	const [save] = (await read(registers.nonVolatileSave, 1)) ?? [];
	const dialect: Dialect = {
		map,
		wordOrder,
		unit,
		keepsWrites: save !== SAVE.no,
		hasActiveSetpoint: (await read(registers.activeSetpoint, 2)) !== undefined,
		limitMinC: inC(loop.setpointMin),
		limitMaxC: inC(loop.setpointMax),
	};
	const identity = {
		manufacturer: "Watlow",
		model: "EZ-ZONE PM",
		serial: numberOrNull(await read(SERIAL_NUMBER, 2), wordOrder),
		firmware: numberOrNull(await read(SOFTWARE_REVISION, 2), wordOrder),
	};
	const warnings = [...warningsOf(input[2]!, loop.mode), ...standingWarnings(dialect, settings, save)];
	return { identification: { identity, confirmed: true, warnings }, dialect };
}

/** What must hold before anything is heated. Throws DEVICE_MISCONFIGURED. */
export function refuseUnlessSafe(
	{ name, limitC }: { readonly name: string; readonly limitC: number | undefined },
	settings: WatlowEzzonePmSettings,
	dialect: Dialect,
): void {
	const { setpoint_degC_min: minC, setpoint_degC_max: maxC } = settings;
	const { limitMinC, limitMaxC } = dialect;
	if (limitC !== undefined && limitMaxC > limitC + LIMIT_ROUNDING_C) {
		throw new AdlayerError(
			"DEVICE_MISCONFIGURED",
			`${name} has an upper setpoint limit (register ${REGISTERS[dialect.map].setpointMax}) of ${limitMaxC.toFixed(1)} degC, above the limit of its zone, ${limitC} degC: at its front it could be set to that.`,
			{ context: { instrument: name, limitMaxC, limitC } },
		);
	}
	if (settings.independent_cutout === "none") {
		throw new AdlayerError(
			"DEVICE_MISCONFIGURED",
			`${name} has no independent cut-out declared, and an EZ-ZONE PM has no dead-man: it goes on heating when control falls silent.`,
			{
				context: { instrument: name },
				hint: "Wire an over-temperature limiter that takes the heater's supply away, try it, and declare it as independent_cutout.",
			},
		);
	}
	// A setting of 200 degC comes back as 392 degF in a 32-bit float.
	const toleranceC = 0.01;
	if (limitMinC > minC + toleranceC || limitMaxC < maxC - toleranceC) {
		throw new AdlayerError(
			"DEVICE_MISCONFIGURED",
			`${name} has setpoint limits of ${limitMinC.toFixed(1)} to ${limitMaxC.toFixed(1)} degC, which do not cover the configured ${minC} to ${maxC} degC.`,
			{ context: { instrument: name, limitMinC, limitMaxC, minC, maxC } },
		);
	}
}

/** The one way to speak to it, or why there is none. */
function choose(
	name: string,
	settings: WatlowEzzonePmSettings,
	candidates: readonly Candidate[],
	hardware: readonly number[] | undefined,
): Candidate | string {
	if (candidates.length === 0) {
		return "Neither in map 1 nor in map 2, in neither word order, do control mode, set point and its limits make sense for an EZ-ZONE PM.";
	}
	const allowed = candidates.filter(
		({ map, wordOrder }) => (settings.map ?? map) === map && (settings.word_order ?? wordOrder) === wordOrder,
	);
	if (allowed.length === 0) {
		const said = inWords({ map: settings.map, wordOrder: settings.word_order });
		const shown = candidates.map(inWords).join(" or ");
		throw new AdlayerError("DEVICE_MISCONFIGURED", `${name} is configured with ${said}, but answers as ${shown}.`, {
			context: { instrument: name, configured: said, shown },
			hint: "Correct the setting in the lab file, or the communications menu of the instrument.",
		});
	}
	// The processor's number at register 0 stands in one word order only.
	const proven =
		hardware === undefined
			? []
			: allowed.filter(({ wordOrder }) => HARDWARE_IDS.includes(int32FromWords(hardware, wordOrder)));
	const left = proven.length > 0 ? proven : allowed;
	if (left.length === 1) return left[0]!;
	const keys = [
		new Set(left.map(({ map }) => map)).size > 1 ? "map (1 or 2)" : undefined,
		new Set(left.map(({ wordOrder }) => wordOrder)).size > 1 ? "word_order (low-first or high-first)" : undefined,
	].filter((key) => key !== undefined);
	return `Its readings make sense as ${left.map(inWords).join(" and as ")}: set ${keys.join(" and ")} as on the instrument's communications menu.`;
}

function inWords({
	map,
	wordOrder,
}: {
	readonly map: MapNumber | undefined;
	readonly wordOrder: WordOrder | undefined;
}): string {
	return [map === undefined ? undefined : `map ${map}`, wordOrder].filter((each) => each !== undefined).join(" ");
}

async function readLoop(read: Read, registers: LoopRegisters): Promise<LoopWords | undefined> {
	const mode = await read(registers.controlMode, 1);
	if (mode === undefined || !isMode(mode[0]!)) return undefined;
	const activeMode = await read(registers.activeMode, 1);
	const setpoint = await read(registers.setpoint, 2);
	const setpointMin = await read(registers.setpointMin, 2);
	const setpointMax = await read(registers.setpointMax, 2);
	if (setpoint === undefined || setpointMin === undefined || setpointMax === undefined) return undefined;
	return {
		mode: mode[0]!,
		activeMode: activeMode?.[0],
		setpoint,
		setpointMin,
		setpointMax,
		proportionalBand: await read(registers.proportionalBand, 2),
	};
}

/** Whether all that was read can be what a PM holds, decoded this way. */
function makesSense(loop: LoopWords, input: readonly number[], wordOrder: WordOrder): boolean {
	const float = (words: readonly number[]) => floatFromWords(words, wordOrder);
	const [setpoint, min, max] = [float(loop.setpoint), float(loop.setpointMin), float(loop.setpointMax)];
	const band = loop.proportionalBand === undefined ? undefined : float(loop.proportionalBand);
	return (
		(loop.activeMode === undefined || isMode(loop.activeMode)) &&
		isTemperature(setpoint) &&
		isLimit(min) &&
		isLimit(max) &&
		min < max &&
		setpoint >= min &&
		setpoint <= max &&
		(band === undefined || (isSetting(band) && band >= 0 && band <= PROPORTIONAL_BAND_MAX)) &&
		// With an input error the process value is anything.
		(input[2] !== NO_INPUT_ERROR || isTemperature(float(input)))
	);
}

/** A Fahrenheit value is never taken for Celsius: what the instrument does not say must be configured. */
async function findUnit(
	name: string,
	settings: WatlowEzzonePmSettings,
	read: Read,
	registers: LoopRegisters,
): Promise<TemperatureUnit | undefined> {
	const code = await read(registers.commsUnits, 1);
	const said = code === undefined ? undefined : unitOfCode(code[0]!);
	const configured = settings.comms_units;
	if (said !== undefined && configured !== undefined && said !== configured) {
		throw new AdlayerError(
			"DEVICE_MISCONFIGURED",
			`${name} is configured with comms_units ${configured}, but says that it speaks ${said}.`,
			{ context: { instrument: name, configured, said } },
		);
	}
	return said ?? configured;
}

function warningsOf(inputError: number, mode: number): string[] {
	const warnings: string[] = [];
	if (inputError !== NO_INPUT_ERROR) warnings.push(`No temperature: ${inputErrorName(inputError)}.`);
	if (mode === MODE.manual) warnings.push("The controller is in manual mode: its output is fixed.");
	if (mode === MODE.auto) warnings.push("The controller is in auto: it heats to the set point that it has.");
	return warnings;
}

function standingWarnings(dialect: Dialect, settings: WatlowEzzonePmSettings, save: number | undefined): string[] {
	const { keepsWrites, limitMaxC } = dialect;
	const warnings = ["It has no dead-man: if control falls silent it goes on heating to its last set point."];
	if (keepsWrites) {
		const says = save === SAVE.yes ? "It keeps" : "It does not say that it does not keep";
		warnings.push(
			`${says} every set point in EEPROM: switch non-volatile save off (register ${REGISTERS[dialect.map].nonVolatileSave}, 59).`,
		);
	}
	if (limitMaxC > settings.setpoint_degC_max + 1) {
		warnings.push(
			`Its own setpoint limit of ${limitMaxC.toFixed(1)} degC lets it be set above setpoint_degC_max, ${settings.setpoint_degC_max} degC, at its front.`,
		);
	}
	return warnings;
}

function numberOrNull(words: readonly number[] | undefined, wordOrder: WordOrder): string | null {
	const value = words === undefined ? 0 : int32FromWords(words, wordOrder);
	return value > 0 ? String(value) : null;
}

function unknown(...warnings: string[]): Found {
	return { identification: { identity: UNKNOWN, confirmed: false, warnings } };
}

const viewed = (found: Found, view: View | undefined): Found => (view === undefined ? found : { ...found, view });
