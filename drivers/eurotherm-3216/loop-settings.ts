/** The loop's own settings: registers 6, 8 and 9, kept in EEPROM, so written only where they differ. */
import { AdlayerError } from "#core/errors.js";
import type { ModbusMaster } from "#core/wire.js";
import type { LoopSettings } from "#device/contract.js";
import type { RegisterReader } from "#transport/register-reader.js";
import { REGISTER, type Scale } from "./registers.js";

export interface LoopPort {
	readonly name: string;
	readonly modbus: ModbusMaster;
	readonly reader: RegisterReader;
	readonly scale: Scale;
}

/** Names as on the instrument's display. */
const PARAMETERS = [
	{ mnemonic: "PB", register: REGISTER.proportionalBand },
	{ mnemonic: "Ti", register: REGISTER.integralTime },
	{ mnemonic: "Td", register: REGISTER.derivativeTime },
] as const;
/** Times stand in whole seconds. */
const TIME_S_MAX = 9_999;

type Words = readonly [number, number, number];

export async function readLoop(port: LoopPort): Promise<LoopSettings> {
	return settingsOf(await readWords(port), port.scale);
}

/** Throws SETPOINT_OUT_OF_RANGE before a byte is written, READBACK_MISMATCH after the former settings are back. */
export async function writeLoop(port: LoopPort, settings: LoopSettings): Promise<LoopSettings> {
	const words = wordsOf(port, settings);
	const former = await readWords(port);
	try {
		await writeWords(port, words);
	} catch (thrown) {
		await writeWords(port, former).catch((cause) => {
			const message = `${port.name} has neither its new nor its former loop settings (PB ${settingsOf(former, port.scale).proportionalBandC} degC, Ti ${former[1]} s, Td ${former[2]} s): set them at its front.`;
			throw new AdlayerError("READBACK_MISMATCH", message, { cause });
		});
		throw thrown;
	}
	return settingsOf(words, port.scale);
}

async function readWords({ reader }: LoopPort): Promise<Words> {
	const words: number[] = [];
	for (const { register } of PARAMETERS) words.push((await reader.read(register, 1))[0]!);
	return words as unknown as Words;
}

/** Only what differs; then everything is read back. */
async function writeWords(port: LoopPort, words: Words): Promise<void> {
	const present = await readWords(port);
	for (const [i, { register }] of PARAMETERS.entries())
		if (present[i] !== words[i]) await port.modbus.writeRegister(register, words[i]!);
	const back = await readWords(port);
	const wrong = PARAMETERS.filter((_, i) => back[i] !== words[i]).map(
		({ mnemonic, register }) =>
			`${mnemonic} (register ${register}) reads back ${back[PARAMETERS.findIndex((each) => each.register === register)]}`,
	);
	if (wrong.length === 0) return;
	throw new AdlayerError("READBACK_MISMATCH", `${port.name} did not take its loop settings: ${wrong.join(", ")}.`, {
		context: { sent: words, back },
	});
}

function wordsOf({ name, scale }: LoopPort, { proportionalBandC, integralS, derivativeS }: LoopSettings): Words {
	const problems: string[] = [];
	if (!(scale.toWord(proportionalBandC) >= 1 && proportionalBandC <= scale.max))
		problems.push(`PB ${proportionalBandC} degC is outside ${scale.fromRaw(1)} to ${scale.max} degC`);
	for (const [mnemonic, seconds] of [
		["Ti", integralS],
		["Td", derivativeS],
	] as const)
		if (!(seconds >= 0 && seconds <= TIME_S_MAX))
			problems.push(`${mnemonic} ${seconds} s is outside 0 to ${TIME_S_MAX} s`);
	if (problems.length > 0)
		throw new AdlayerError("SETPOINT_OUT_OF_RANGE", `Loop settings of ${name}: ${problems.join("; ")}.`);
	return [scale.toWord(proportionalBandC), Math.round(integralS), Math.round(derivativeS)];
}

const settingsOf = ([band, integralS, derivativeS]: Words, scale: Scale): LoopSettings => ({
	proportionalBandC: scale.fromWord(band),
	integralS,
	derivativeS,
});
