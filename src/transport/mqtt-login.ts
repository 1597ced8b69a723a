import { readFileSync } from "node:fs";
import { AdlayerError, asAdlayerError } from "#core/errors.js";

export interface MqttLogin {
	readonly username: string;
	readonly password: string;
}

/**
 * The user and password of an address with `?login=NAME`, which never stand in a lab file: `user:password` in the environment
 * variable ADLAYER_LOGIN_NAME, or in the first line of the file that ADLAYER_LOGIN_NAME_FILE names. Throws ADDRESS_INVALID.
 */
export function mqttLogin(name: string, env: Readonly<Record<string, string | undefined>>): MqttLogin {
	const variable = `ADLAYER_LOGIN_${name.toUpperCase()}`;
	const text = env[variable] ?? firstLine(`${variable}_FILE`, env[`${variable}_FILE`]);
	if (text === undefined) {
		throw new AdlayerError(
			"ADDRESS_INVALID",
			`The address has login=${name}, but neither ${variable} nor ${variable}_FILE is set.`,
			{
				hint: `Set ${variable} to user:password, or ${variable}_FILE to a file with that line.`,
			},
		);
	}
	const colon = text.indexOf(":");
	if (colon < 1) throw new AdlayerError("ADDRESS_INVALID", `The login ${name} is not of the form user:password.`);
	return { username: text.slice(0, colon), password: text.slice(colon + 1) };
}

function firstLine(variable: string, path: string | undefined): string | undefined {
	if (path === undefined) return undefined;
	try {
		return readFileSync(path, "utf8").split(/\r?\n/, 1)[0];
	} catch (cause) {
		throw new AdlayerError(
			"ADDRESS_INVALID",
			`${variable} names a file that cannot be read: ${asAdlayerError(cause).message}.`,
			{
				cause,
			},
		);
	}
}
