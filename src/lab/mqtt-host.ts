/** The broker of the simulated lab: instruments publish to it, and it ends with the lab, not with the service. */
import { AdlayerError } from "#core/errors.js";
import { serveTcp } from "#core/tcp-service.js";
import type { MemoryBroker } from "#transport/memory-mqtt.js";
import type { LineHost } from "./line-host.js";

export type MqttHost = Omit<LineHost, "plug">;

const HANDSHAKE_MS = 10_000;
const CONNECTIONS_MAX = 50;

/** Topics of commands to an instrument. */
const COMMAND = /\/cmd$/;

/** Serves on TCP what is published in memory; clients may listen, give commands to instruments (`.../cmd`) and nothing else. Port 0 takes a free one. Rejects with LINK_UNREACHABLE. */
export async function openMqttHost(broker: MemoryBroker, host = "127.0.0.1", port = 0): Promise<MqttHost> {
	// Only labs with such an instrument pay for loading it.
	const { Aedes } = await import("aedes");
	let isFromClient = false;
	const aedes = await Aedes.createBroker({
		connectTimeout: HANDSHAKE_MS,
		authorizePublish: (client, packet, callback) => {
			if (client !== null && !(COMMAND.test(packet.topic) && packet.retain !== true)) {
				callback(new Error("Only the simulated instruments publish here."));
				return;
			}
			if (client !== null) {
				// Aedes itself hands it on to its own listeners.
				isFromClient = true;
				broker.publish(packet.topic, Buffer.from(packet.payload));
				isFromClient = false;
			}
			callback(null);
		},
	});
	const address = { host, port, connectionsMax: CONNECTIONS_MAX };
	const service = await serveTcp(address, (socket) => aedes.handle(socket)).catch((cause) => {
		throw new AdlayerError("LINK_UNREACHABLE", `The simulated lab's broker cannot listen on ${host}:${port}.`, {
			cause,
		});
	});
	broker.observe((topic, payload, retain) => {
		if (isFromClient && COMMAND.test(topic)) return;
		aedes.publish({ cmd: "publish", topic, payload: Buffer.from(payload), qos: 1, retain, dup: false }, () => {});
	});
	const shown = host.includes(":") ? `[${host}]` : host;
	return {
		place: `${shown}:${service.port}`,
		close: () => service.close(() => new Promise<void>((resolve) => aedes.close(() => resolve()))),
	};
}
