import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { adlayer } from "../cli/support.js";

interface Reading {
	readonly value: number | null;
	readonly unit: string;
	readonly quality: string;
	readonly at: number;
	readonly detail?: string;
}

export interface Probed {
	readonly ok: boolean;
	readonly identityConfirmed: boolean;
	readonly identity: Record<string, string | null>;
	readonly readings: Record<string, Reading>;
	readonly set: { signal: string; requested: number; readBack: number | null; ok: boolean }[];
	readonly exchanges: number;
	readonly retries: number;
	readonly warnings: string[];
	readonly error?: { code: string; message: string; hint: string };
}

/** No control runs there. */
const data = mkdtempSync(join(tmpdir(), "adl-probe-"));

/** The command as a shell runs it, with its exit code and the JSON of its last line. */
export async function probe(...args: string[]): Promise<{ code: number; json: Probed; stderr: string }> {
	const { code, stdout, stderr } = await adlayer(["probe", ...args, "--json"], { env: { ADLAYER_DATA: data } });
	return { code, stderr, json: JSON.parse(stdout.trim().split("\n").at(-1)!) as Probed };
}

export const values = ({ readings }: Probed): Record<string, number | null> =>
	Object.fromEntries(Object.entries(readings).map(([name, { value }]) => [name, value]));
