/** Drivers that exist, addresses and settings that fit them, and no instrument under two names. */
import { asAdlayerError } from "#core/errors.js";
import { type AnyDriver, driverNamed, driverNames } from "#drivers/index.js";
import { compileSchema, type Validator, validate } from "#recipe/schema.js";
import { problemAt } from "#recipe/yaml-document.js";
import { doubledInstruments } from "#src/config/doubled-instruments.js";
import type { LabFileContent } from "#src/config/lab-file-schema.js";
import type { Review } from "#src/config/problems/review.js";
import { unconnectedDevice } from "#src/config/unconnected-device.js";
import { parseAddress } from "#transport/address.js";

type InstrumentEntry = LabFileContent["instruments"][string];

/** One lost poll does not make a value stale. */
const STALE_POLLS_MIN = 2;

const settingsValidators = new Map<AnyDriver, Validator>();

/** Compiled once for each driver, however many instruments have it. */
function settingsValidator(driver: AnyDriver): Validator {
	const known = settingsValidators.get(driver) ?? compileSchema(driver.settingsSchema);
	settingsValidators.set(driver, known);
	return known;
}

/** Also fills in what the instruments offer, for the rules after it. */
export function instrumentProblems(review: Review): void {
	const sound: Record<string, Pick<InstrumentEntry, "driver" | "address" | "settings">> = {};
	review.judgeEach(
		() => review.content.instruments,
		(name, entry) => {
			const driver = review.judge(() => driverOf(review, name, entry));
			if (driver === undefined) return;
			review.judge(() => address(review, name, entry, driver));
			review.judge(() => polling(review, name, entry));
			review.judge(() => settings(review, name, entry, driver));
			review.judge(() => {
				const { address: at, settings: own } = entry;
				sound[name] = { driver: driver.name, address: at, settings: own };
			});
		},
	);
	for (const { name, other, why } of doubledInstruments(sound))
		review.wrong(["instruments", name, "address"], `${name} is the same instrument as ${other}: ${why}.`, {
			value: sound[name]!.address,
		});
}

function driverOf(review: Review, name: string, { driver: asked }: InstrumentEntry): AnyDriver | undefined {
	const driver = driverNamed(asked);
	if (driver !== undefined) return driver;
	const limit = driverNames.join(", ");
	review.wrong(["instruments", name, "driver"], `There is no driver ${asked}; there are ${limit}.`, {
		value: asked,
		limit,
	});
	return undefined;
}

function address(review: Review, name: string, { address: text }: InstrumentEntry, driver: AnyDriver): void {
	const at = ["instruments", name, "address"];
	const limit = driver.addressSchemes.join(", ");
	try {
		const { scheme } = parseAddress(text);
		const fits =
			scheme === "simulated" ? review.content.simulation !== undefined : driver.addressSchemes.includes(scheme);
		if (!fits) review.wrong(at, `Driver ${driver.name} cannot use ${text}; it takes ${limit}.`, { value: text, limit });
	} catch (thrown) {
		const error = asAdlayerError(thrown);
		if (error.code !== "ADDRESS_INVALID") throw thrown;
		review.wrong(at, error.message, { value: text });
	}
}

function polling(review: Review, name: string, { poll_ms: pollMs, stale_ms: staleMs }: InstrumentEntry): void {
	const limit = STALE_POLLS_MIN * pollMs;
	if (staleMs >= limit) return;
	const message = `${name} would be stale between two polls; stale_ms is at least ${STALE_POLLS_MIN} times poll_ms.`;
	review.wrong(["instruments", name, "stale_ms"], message, { value: staleMs, limit });
}

function settings(review: Review, name: string, { settings: given }: InstrumentEntry, driver: AnyDriver): void {
	const at = ["instruments", name, "settings"];
	const misfits = validate(settingsValidator(driver), given, review.document);
	for (const { path, problem } of misfits)
		review.problems.push(problemAt(review.document, { path: [...at, ...path] }, { ...problem }));
	if (misfits.length > 0) return;
	try {
		const { signals, pulses, watchdog } = unconnectedDevice(driver, name, given);
		review.offers.set(name, { signals, pulses: pulses?.limits, watchdogMs: watchdog?.timeoutMs });
	} catch (thrown) {
		review.wrong(at, asAdlayerError(thrown).message);
	}
}
