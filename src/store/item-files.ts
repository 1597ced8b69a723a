/** Files of characterisations, by what is in them: `files/ab/abcd…`, named by their SHA-256. */
import { createHash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { AdlayerError } from "#core/errors.js";

/** Spectra and micrographs are smaller; raw image stacks belong elsewhere. It must come within one request's time. */
export const FILE_BYTES_MAX = 64 * 1024 * 1024;
const SHA256 = /^[0-9a-f]{64}$/;

export class ItemFiles {
	constructor(
		private readonly folder: string,
		private readonly bytesMax = FILE_BYTES_MAX,
	) {}

	/** Takes a stream to its end; the file is there whole, on the disk, or not at all. Throws MESSAGE_TOO_LARGE. */
	async save(source: AsyncIterable<Uint8Array>): Promise<{ sha256: string; bytes: number }> {
		await mkdir(this.folder, { recursive: true });
		const temporary = join(this.folder, `.${randomUUID()}`);
		const hash = createHash("sha256");
		let bytes = 0;
		try {
			const file = await open(temporary, "wx", 0o640);
			try {
				for await (const chunk of source) {
					bytes += chunk.length;
					if (bytes > this.bytesMax)
						throw new AdlayerError("MESSAGE_TOO_LARGE", `The file is above ${this.bytesMax} bytes.`);
					hash.update(chunk);
					await file.writeFile(chunk);
				}
				await file.sync();
			} finally {
				await file.close();
			}
			const sha256 = hash.digest("hex");
			const path = this.path(sha256);
			await mkdir(dirname(path), { recursive: true });
			await rename(temporary, path);
			return { sha256, bytes };
		} finally {
			await rm(temporary, { force: true });
		}
	}

	/** Undefined when there is no such file. */
	async size(sha256: string): Promise<number | undefined> {
		if (!SHA256.test(sha256)) return undefined;
		return stat(this.path(sha256)).then(
			({ size }) => size,
			() => undefined,
		);
	}

	read(sha256: string): Readable {
		return createReadStream(this.path(sha256));
	}

	private path(sha256: string): string {
		return join(this.folder, sha256.slice(0, 2), sha256);
	}
}
