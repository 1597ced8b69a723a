/** Where things are when nobody says: one place for all commands. */
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { AdlayerError } from "#core/errors.js";

type Env = Readonly<Record<string, string | undefined>>;

export const DEFAULT_PORT = 8480;

/** --data, or ADLAYER_DATA, or .adlayer in the home folder. */
export function dataFolder(option: string | undefined, env: Env): string {
	return resolve(option ?? env.ADLAYER_DATA ?? join(homedir(), ".adlayer"));
}

export function controlSocket(dataDir: string): string {
	return join(dataDir, "control.sock");
}

/** --port, or ADLAYER_PORT; undefined leaves it to the launcher. Throws USAGE. */
export function portFrom(option: number | undefined, env: Env): number | undefined {
	if (option !== undefined) return option;
	if (env.ADLAYER_PORT === undefined || env.ADLAYER_PORT === "") return undefined;
	const port = Number(env.ADLAYER_PORT);
	if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
	throw new AdlayerError("USAGE", `ADLAYER_PORT is not a port: ${env.ADLAYER_PORT}.`);
}

/** --url, or the service on this machine at ADLAYER_PORT. */
export function serviceUrl(option: string | undefined, env: Env): string {
	return (option ?? `http://127.0.0.1:${portFrom(undefined, env) ?? DEFAULT_PORT}`).replace(/\/+$/, "");
}
