/** What may be seen of something that shows less than a PM, or that could be two things. */
import type { PolledValue, PolledValues } from "#device/contract.js";
import type { WatlowEzzonePmSettings } from "./config.js";
import {
	ANALOG_INPUT,
	celsiusFrom,
	floatFromWords,
	HARDWARE_ID,
	HARDWARE_IDS,
	INPUT_ERROR,
	inputErrorName,
	int32FromWords,
	isInputError,
	isMode,
	MAPS,
	type MapNumber,
	NO_INPUT_ERROR,
	REGISTERS,
	type TemperatureUnit,
	unitOfCode,
	WORD_ORDERS,
	type WordOrder,
} from "./registers.js";

/** Reads registers; undefined when the instrument does not have them. */
export type Read = (address: number, count: number) => Promise<number[] | undefined>;

/** As much of the dialect as can be told without the certainty that heating needs. */
export interface View {
	readonly wordOrder?: WordOrder;
	readonly unit?: TemperatureUnit;
	/** Absent when it is not sure where the loop's registers are. */
	readonly map?: MapNumber;
}

/** Half of a float taken for the other gives something far below this; no setting of the instrument is. */
const SMALLEST_SETTING = 1e-3;
/** Absolute zero in Fahrenheit, and more than any thermocouple reads in either unit. */
const TEMPERATURE_MIN = -459.67;
const TEMPERATURE_MAX = 5000;
/** Limits of the set point go further; as shipped they are these, in Fahrenheit (user's guide, Loop Menu, L.SP and H.SP). */
const LIMIT_MIN = -1999;
const LIMIT_MAX = 9999;

export const isSetting = (value: number): boolean => value === 0 || Math.abs(value) >= SMALLEST_SETTING;
export const isTemperature = (value: number): boolean =>
	isSetting(value) && value >= TEMPERATURE_MIN && value <= TEMPERATURE_MAX;
export const isLimit = (value: number): boolean => isSetting(value) && value >= LIMIT_MIN && value <= LIMIT_MAX;

/** The view, and what has to be said to see the rest. */
export async function viewOf(
	read: Read,
	settings: WatlowEzzonePmSettings,
): Promise<{ readonly view?: View; readonly unknown: readonly string[] }> {
	const input = await read(ANALOG_INPUT, 2);
	if (input === undefined) return { unknown: [] };
	const maps = await mapsOf(read, settings);
	const map = maps.length === 1 ? maps[0] : undefined;
	const setpoint = map === undefined ? undefined : await read(REGISTERS[map].setpoint, 2);
	const wordOrder = settings.word_order ?? (await wordOrderOf(read, [input, setpoint]));
	const unit = (await unitSaid(read, maps)) ?? settings.comms_units;
	const unknown = [
		...(wordOrder === undefined
			? ["Its word order is not known: say --option word_order=low-first or high-first."]
			: []),
		...(unit === undefined ? ["Its unit is not known: say --option comms_units=F or C."] : []),
		...(map === undefined ? ["Its register map is not known: say --option map=1 or 2."] : []),
	];
	return {
		view: {
			...(wordOrder === undefined ? {} : { wordOrder }),
			...(unit === undefined ? {} : { unit }),
			...(map === undefined ? {} : { map }),
		},
		unknown,
	};
}

/** The maps that it may have: by its control mode, or else by where it has a set point at all. */
async function mapsOf(read: Read, settings: WatlowEzzonePmSettings): Promise<MapNumber[]> {
	const byMode: MapNumber[] = [];
	const bySetpoint: MapNumber[] = [];
	for (const map of MAPS) {
		if ((settings.map ?? map) !== map) continue;
		const mode = (await read(REGISTERS[map].controlMode, 1))?.[0];
		if (mode !== undefined && isMode(mode)) byMode.push(map);
		else if ((await read(REGISTERS[map].setpoint, 2)) !== undefined) bySetpoint.push(map);
	}
	return byMode.length > 0 ? byMode : bySetpoint;
}

/** The processor's number stands in one order only; so do floats that are temperatures in one alone. */
async function wordOrderOf(
	read: Read,
	floats: readonly (readonly number[] | undefined)[],
): Promise<WordOrder | undefined> {
	const present = floats.filter((words) => words !== undefined);
	const sensible = WORD_ORDERS.filter((wordOrder) =>
		present.every((words) => isTemperature(floatFromWords(words, wordOrder))),
	);
	const hardware = await read(HARDWARE_ID, 2);
	const proven = WORD_ORDERS.filter(
		(wordOrder) => hardware !== undefined && HARDWARE_IDS.includes(int32FromWords(hardware, wordOrder)),
	);
	if (proven.length === 1 && sensible.includes(proven[0]!)) return proven[0];
	const isProof = present.some((words) => words.some((word) => word !== 0));
	return sensible.length === 1 && isProof ? sensible[0] : undefined;
}

async function unitSaid(read: Read, maps: readonly MapNumber[]): Promise<TemperatureUnit | undefined> {
	for (const map of maps) {
		const code = await read(REGISTERS[map].commsUnits, 1);
		const said = code === undefined ? undefined : unitOfCode(code[0]!);
		if (said !== undefined) return said;
	}
	return undefined;
}

/** What stands in its registers; what is missing or ambiguous is a fault with the raw words and the option that settles it. */
export async function look(read: Read, view: View): Promise<PolledValues> {
	const { map, wordOrder } = view;
	const input = await read(ANALOG_INPUT, 2);
	const error = (await read(INPUT_ERROR, 1))?.[0];
	const unclear = fault("In which register map its loop is, is not known: --option map=1, 2");
	const float = async (register: "setpoint" | "outputPower") =>
		map === undefined ? undefined : await read(REGISTERS[map][register], 2);
	const output = await float("outputPower");
	return {
		temperature: sensed(temperature(input, ANALOG_INPUT, view), error),
		setpoint: map === undefined ? unclear : temperature(await float("setpoint"), REGISTERS[map].setpoint, view),
		output:
			map === undefined
				? unclear
				: output === undefined
					? fault(`register ${REGISTERS[map].outputPower} is not there`)
					: wordOrder === undefined
						? fault(`${inWords(output)}: --option word_order`)
						: finite(floatFromWords(output, wordOrder)),
		remote: fault("It could not be identified, so that nothing tells whom it follows."),
		eeprom_writes: { value: 0, quality: "good" },
	};
}

function temperature(words: readonly number[] | undefined, register: number, { wordOrder, unit }: View): PolledValue {
	if (words === undefined) return fault(`registers ${register} and ${register + 1} are not there`);
	if (wordOrder !== undefined && unit !== undefined) return finite(celsiusFrom(floatFromWords(words, wordOrder), unit));
	const orders = wordOrder === undefined ? WORD_ORDERS : [wordOrder];
	const readings = orders
		.map((order) => `${Number(floatFromWords(words, order).toPrecision(6))} ${order}`)
		.join(" or ");
	const options = [
		...(wordOrder === undefined ? ["--option word_order=low-first, high-first"] : []),
		...(unit === undefined ? ["--option comms_units=F, C"] : []),
	].join(" and ");
	return fault(`registers ${register} and ${register + 1} read ${inWords(words)}: ${readings}; say ${options}`);
}

/** A known error is one; of a code that is not known nothing can be said. */
function sensed(value: PolledValue, error: number | undefined): PolledValue {
	if (value.value === null || error === NO_INPUT_ERROR) return value;
	if (error !== undefined && isInputError(error)) return fault(`No temperature: ${inputErrorName(error)}.`);
	const detail =
		error === undefined
			? `without register ${INPUT_ERROR} a broken sensor cannot be told`
			: `register ${INPUT_ERROR} (input error) reads ${error}, which says nothing known`;
	return { ...value, detail };
}

const inWords = (words: readonly number[]): string =>
	words.map((word) => `0x${word.toString(16).padStart(4, "0")}`).join(" ");
const fault = (detail: string): PolledValue => ({ value: null, quality: "fault", detail });
const finite = (value: number): PolledValue =>
	Number.isFinite(value) ? { value, quality: "good" } : fault("the value is no number");
