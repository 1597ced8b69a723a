/** Two entries of a lab file that are one instrument: each would take the other's readings and orders for its own. */
import { type AnyDriver, driverNamed } from "#drivers/index.js";
import type { LabFileContent } from "#src/config/lab-file-schema.js";
import { type Address, lineKey, parseAddress } from "#transport/address.js";

export interface Doubled {
	readonly name: string;
	readonly other: string;
	/** What they have in common. */
	readonly why: string;
}

interface Entry {
	readonly name: string;
	readonly driver: AnyDriver;
	readonly line: string;
	/** What tells it from others on its line, as people write it; undefined when nothing does. */
	readonly own: string | undefined;
}

export function doubledInstruments(
	instruments: Readonly<Record<string, Pick<LabFileContent["instruments"][string], "driver" | "address" | "settings">>>,
): Doubled[] {
	const doubled: Doubled[] = [];
	const known: Entry[] = [];
	for (const [name, { driver: driverName, address: text, settings }] of Object.entries(instruments)) {
		const driver = driverNamed(driverName);
		const address = driver === undefined ? undefined : addressOf(text);
		// Any number of instruments have one broker, and are told apart by topics.
		if (driver === undefined || address === undefined || isAtBroker(address, driver)) continue;
		const entry: Entry = { name, driver, line: lineKey(address), own: ownPlace(driver, address, settings) };
		const same = known.find((one) => one.line === entry.line && isSame(one, entry));
		if (same === undefined) known.push(entry);
		else doubled.push({ name, other: same.name, why: reasonOf(same, entry) });
	}
	return doubled;
}

/** Of two drivers each knows its own by its own kind of address. */
function isSame(one: Entry, other: Entry): boolean {
	if (one.own === undefined || other.own === undefined) return true;
	return one.own === other.own && (one.driver === other.driver || one.own.startsWith(UNIT));
}

const UNIT = "unit ";

function reasonOf(one: Entry, { line, own, driver }: Entry): string {
	if (own !== undefined && one.own !== undefined) return `both are ${own} at ${line}`;
	return `both are at ${line}, which ${own === undefined ? driver.name : one.driver.name} has to itself`;
}

function ownPlace(
	driver: AnyDriver,
	address: Address,
	settings: Readonly<Record<string, unknown>>,
): string | undefined {
	const speaksModbus = driver.addressSchemes.some((scheme) => scheme.startsWith("modbus"));
	const parts = [
		...(speaksModbus && "unit" in address ? [`${UNIT}${address.unit}`] : []),
		...(driver.tellsApart ?? []).flatMap((key) => (settings[key] === undefined ? [] : [`${key} ${settings[key]}`])),
	];
	return parts.length === 0 ? undefined : parts.join(", ");
}

const isAtBroker = ({ scheme }: Address, { addressSchemes }: AnyDriver): boolean =>
	(scheme === "simulated" ? (addressSchemes[0] ?? "") : scheme).startsWith("mqtt");

function addressOf(text: string): Address | undefined {
	try {
		return parseAddress(text);
	} catch {
		return undefined;
	}
}
