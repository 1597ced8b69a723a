/** A package's zip archive as files, each checked against the checksum that the package tells. */
import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { openPromise } from "yauzl";
import { AdlayerError } from "#core/errors.js";

/** Names in a package: no way out of the folder. */
const SAFE_NAME = /^(?!.*\.\.)[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*$/;

/** Gives the files' paths. Throws EXPORT_DAMAGED. */
export async function unpack(archive: string, folder: string): Promise<string[]> {
	const sums = new Map<string, string>();
	try {
		const zip = await openPromise(archive, { lazyEntries: true });
		for await (const entry of zip.eachEntry()) {
			if (!SAFE_NAME.test(entry.fileName)) throw new Error(`"${entry.fileName}" is no name of a package's file`);
			const path = join(folder, entry.fileName);
			await mkdir(dirname(path), { recursive: true });
			const hash = createHash("sha256");
			await pipeline(
				await zip.openReadStreamPromise(entry),
				async function* (bytes: AsyncIterable<Buffer>) {
					for await (const part of bytes) {
						hash.update(part);
						yield part;
					}
				},
				createWriteStream(path, { flags: "wx" }),
			);
			sums.set(entry.fileName, hash.digest("hex"));
		}
	} catch (cause) {
		throw damaged(cause instanceof Error ? cause.message : String(cause), cause);
	}
	await checkSums(folder, sums);
	return [...sums.keys()];
}

async function checkSums(folder: string, sums: ReadonlyMap<string, string>): Promise<void> {
	if (!sums.has("datapackage.json")) throw damaged("datapackage.json is missing");
	const { resources } = JSON.parse(await readFile(join(folder, "datapackage.json"), "utf8")) as {
		resources: { path: string; hash: string }[];
	};
	for (const { path, hash } of resources)
		if (hash !== `sha256:${sums.get(path)}`) throw damaged(`${path} is not as its checksum says`);
}

const damaged = (why: string, cause?: unknown): AdlayerError =>
	new AdlayerError("EXPORT_DAMAGED", `The package cannot be used: ${why}.`, { cause });
