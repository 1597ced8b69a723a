/** The embedded broker, for dashboards on this machine when no other broker is given. */
import { randomBytes } from "node:crypto";
import { Aedes } from "aedes";
import { serveTcp } from "#core/tcp-service.js";

const PUBLISHER = "adlayer-publisher";
/** Only the service itself may speak under this prefix. */
const OWN_PREFIX = "adlayer/";
const HANDSHAKE_MS = 10_000;
/** Clients at a time; a dashboard is one. */
const CONNECTIONS_MAX = 200;

export interface EmbeddedBroker {
	/** mqtt://host:port */
	readonly url: string;
	/** What the service's own publisher logs in with; others need no login and may only listen to what is ours. */
	readonly login: { readonly username: string; readonly password: string };
	close(): Promise<void>;
}

/** Listens on 127.0.0.1 unless told otherwise; port 0 takes a free one. Rejects with the system's error when it cannot listen. */
export async function startBroker(options: { host?: string; port?: number } = {}): Promise<EmbeddedBroker> {
	const host = options.host ?? "127.0.0.1";
	const password = randomBytes(24).toString("base64url");
	const owners = new WeakSet<object>();
	const aedes = await Aedes.createBroker({
		connectTimeout: HANDSHAKE_MS,
		authenticate: (client, username, given, done) => {
			const isOwner = username === PUBLISHER && given?.toString() === password;
			if (isOwner) owners.add(client);
			done(null, isOwner || username !== PUBLISHER);
		},
		authorizePublish: (client, packet, callback) => {
			const isForged = packet.topic.startsWith(OWN_PREFIX) && (client === null || !owners.has(client));
			callback(isForged ? new Error(`Only the service publishes under ${OWN_PREFIX}.`) : null);
		},
	});
	const address = { host, port: options.port ?? 0, connectionsMax: CONNECTIONS_MAX };
	const { port, close } = await serveTcp(address, (socket) => aedes.handle(socket));
	return {
		url: `mqtt://${host}:${port}`,
		login: { username: PUBLISHER, password },
		close: () => close(() => new Promise<void>((resolve) => aedes.close(() => resolve()))),
	};
}
