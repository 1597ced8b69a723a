/** The channels of the lab file against those that the server has. Pure. */
import type { Identification } from "#device/contract.js";
import { type ChannelAddress, keyOf } from "./codec.js";
import type { NewareBts8Settings } from "./config.js";
import { LocalTime } from "./local-time.js";

export interface Channel {
	readonly name: string;
	readonly address: ChannelAddress;
}

/** Undefined when there is no such zone. */
export function zoneOf(name: string): LocalTime | undefined {
	try {
		return new LocalTime(name);
	} catch {
		return undefined;
	}
}

/** A channel that the server does not have comes with an empty address. */
export function configured({ channels }: NewareBts8Settings, found: readonly ChannelAddress[]): Channel[] {
	const nowhere: ChannelAddress = { ip: "", devtype: "", devid: "", subdevid: "", chlid: "" };
	return Object.entries(channels).map(([name, { at }]) => ({
		name,
		address: found.find((address) => keyOf(address) === at) ?? nowhere,
	}));
}

/** Those of the lab file that are there, then all others, by their keys. */
export function everyChannel(settings: NewareBts8Settings, found: readonly ChannelAddress[]): Channel[] {
	const own = configured(settings, found);
	const others = found.filter((address) => !own.some((channel) => keyOf(channel.address) === keyOf(address)));
	return [
		...own.filter(({ address }) => address.ip !== ""),
		...others.map((address) => ({ name: `channel_${keyOf(address).replaceAll("-", "_")}`, address })),
	];
}

/** What of the settings cannot be used. */
export function misfits({ time_zone, channels }: NewareBts8Settings): string[] {
	const at = Object.values(channels).map((channel) => channel.at);
	return [
		...(zoneOf(time_zone) === undefined ? [`There is no time zone "${time_zone}".`] : []),
		...Object.entries(channels)
			.filter(([, { voltage_V }]) => voltage_V.min >= voltage_V.max)
			.map(([name]) => `Of channel ${name} voltage_V.min is not below voltage_V.max.`),
		...[...new Set(at.filter((key, index) => at.indexOf(key) !== index))].map(
			(key) => `More than one channel of the lab file is at ${key}.`,
		),
	];
}

export function absent({ channels }: NewareBts8Settings, found: readonly ChannelAddress[]): string[] {
	const there = new Set(found.map(keyOf));
	return Object.entries(channels)
		.filter(([, { at }]) => !there.has(at))
		.map(([name, { at }]) => `The server has no channel ${at} (${name}).`);
}

export function identificationOf(settings: NewareBts8Settings, found: readonly ChannelAddress[]): Identification {
	const types = [...new Set(found.map(({ devtype, devid }) => `device ${devid} of type ${devtype}`))];
	const missing = found.length === 0 ? ["The server has no channels: BTS sees no cycler."] : absent(settings, found);
	return {
		identity: {
			manufacturer: "Neware",
			model: types.length === 0 ? "BTS 8" : `BTS 8 with ${types.join(", ")}`,
			serial: null,
			firmware: null,
		},
		confirmed: found.length > 0,
		warnings: [...missing, ...misfits(settings)],
	};
}
