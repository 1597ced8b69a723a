import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LastingPlace } from "./lasting-place.js";
import type { AcceptClient, LineHost } from "./line-host.js";
import { type MqttHost, openMqttHost } from "./mqtt-host.js";
import { loadOpenPty, openPtyHost } from "./pty-host.js";
import type { LabInstrument, LabLine, SimulatedLab } from "./simulated-lab.js";
import { openTcpHost } from "./tcp-host.js";

export type ServeMode = "pty" | "tcp";

export interface ServeOptions {
	readonly mode: ServeMode;
	/** Brings the lab to its present before bytes reach it. */
	readonly advance: () => void;
	/** Where lines keep their names, so that who knows a line's address finds it again after a restart. */
	readonly linesFolder?: string | undefined;
}

export interface ServedLab {
	/** Real address of each instrument, for its driver. */
	readonly addresses: ReadonlyMap<string, string>;
	close(): Promise<void>;
}

/** The schemes that instruments are reached by on a serial line, and what they become on a serial server. */
const ON_TCP: Readonly<Record<string, string>> = { "modbus-rtu": "modbus-rtu+tcp", serial: "tcp" };
const NETWORK_SCHEMES = ["modbus-tcp", "modbus-rtu+tcp", "tcp"];
const BAUD_DEFAULT = "9600";

/**
 * Serves every line of the lab: serial instruments on ptys (on TCP where there are none, or when told so), network
 * instruments on TCP. Rejects with LINK_UNREACHABLE.
 */
export async function serveLab(lab: SimulatedLab, { mode, advance, linesFolder }: ServeOptions): Promise<ServedLab> {
	const openPty = mode === "pty" ? await loadOpenPty() : undefined;
	const addresses = new Map<string, string>();
	const hosts: { close(): Promise<void> }[] = [];
	const cables = new Map<LabLine, LineHost>();
	const links = linesFolder ?? mkdtempSync(join(tmpdir(), "adlayer-lines-"));
	const close = async () => {
		await Promise.all(hosts.map((host) => host.close()));
		if (linesFolder === undefined) rmSync(links, { recursive: true, force: true });
	};
	lab.onCable((line) => cables.get(line)?.plug(line.isPlugged));
	try {
		const brokers = new Map<string, MqttHost>();
		for (const line of lab.lines) {
			if (isOnMqtt(line)) {
				for (const { name, address } of line.members) {
					const { fixed, prefix } = address;
					const key = fixed === undefined ? "" : `${fixed.host}:${fixed.port}`;
					let host = brokers.get(key);
					if (host === undefined) {
						host = await (fixed === undefined
							? openLastingBroker(lab, linesFolder)
							: openMqttHost(lab.broker, fixed.host, fixed.port));
						brokers.set(key, host);
						hosts.push(host);
					}
					addresses.set(name, `mqtt://${host.place}/${prefix}`);
				}
				continue;
			}
			const accept: AcceptClient = (send) => {
				const connection = lab.connect(line, send);
				return {
					receive: (bytes) => {
						advance();
						connection.receive(bytes);
					},
					close: () => connection.close(),
				};
			};
			const serial = serialScheme(line);
			const fixed = line.members[0]?.address.fixed;
			const onPty = openPty !== undefined && serial !== undefined && fixed === undefined;
			const lasting = linesFolder === undefined ? undefined : new LastingPlace(linesFolder, line.name);
			const host = onPty
				? openPtyHost(openPty, line.name, accept, links)
				: await (lasting === undefined || fixed !== undefined
						? openTcpHost(accept, fixed?.host, fixed?.port)
						: openTcpHost(accept, undefined, lasting.port()).catch(() => openTcpHost(accept)));
			hosts.push(host);
			cables.set(line, host);
			const place = onPty || fixed !== undefined ? host.place : (lasting?.keep(host.place) ?? host.place);
			for (const member of line.members) addresses.set(member.name, addressOf(member, place, onPty));
		}
	} catch (failure) {
		await close();
		throw failure;
	}
	return { addresses, close };
}

/** The lab's own broker, at the port that it had before where that is still free. */
async function openLastingBroker({ broker }: SimulatedLab, linesFolder: string | undefined): Promise<MqttHost> {
	if (linesFolder === undefined) return openMqttHost(broker);
	const lasting = new LastingPlace(linesFolder, "mqtt-broker");
	const host = await openMqttHost(broker, undefined, lasting.port()).catch(() => openMqttHost(broker));
	return { place: lasting.keep(host.place), close: () => host.close() };
}

function isOnMqtt(line: LabLine): boolean {
	return line.members[0]?.driver.definition.addressSchemes[0] === "mqtt";
}

/** Set when the instruments of the line are serial ones. */
function serialScheme(line: LabLine): string | undefined {
	const schemes = line.members[0]?.driver.definition.addressSchemes ?? [];
	return Object.keys(ON_TCP).find((scheme) => schemes.includes(scheme));
}

function addressOf(member: LabInstrument, place: string, onPty: boolean): string {
	const { query, unit, fixed } = member.address;
	const schemes = member.driver.definition.addressSchemes;
	const serial = Object.keys(ON_TCP).find((scheme) => schemes.includes(scheme));
	const parts = new Map(query);
	if (serial === "modbus-rtu" || query.has("unit")) parts.set("unit", String(unit));
	if (onPty) {
		if (!parts.has("baud")) parts.set("baud", BAUD_DEFAULT);
		return `${serial}:${place}${queryText(parts)}`;
	}
	parts.delete("baud");
	parts.delete("parity");
	const network = NETWORK_SCHEMES.find((scheme) => schemes.includes(scheme)) ?? "tcp";
	const scheme = fixed?.scheme ?? (serial === undefined ? network : ON_TCP[serial]!);
	return `${scheme}://${place}${queryText(parts)}`;
}

function queryText(parts: ReadonlyMap<string, string>): string {
	const text = [...parts].map(([key, value]) => `${key}=${value}`).join("&");
	return text === "" ? "" : `?${text}`;
}
