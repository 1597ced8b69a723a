/** A file of battery-test data on the disk, as bytes: plain, or compressed with gzip; UTF-16 as UTF-8. */
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { PassThrough, type Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { HEAD_BYTES_MAX } from "#analysis/formats/layout.js";
import { refuse } from "#analysis/formats/title-line.js";
import { AdlayerError } from "#core/errors.js";

const READ_BYTES = 1 << 20;

export interface CyclingSource {
	readonly path: string;
	readonly kind: "text" | "gzip" | "parquet";
	/** The first bytes, unpacked. */
	readonly head: Uint8Array;
	/** All bytes, unpacked, from the beginning. */
	bytes(): AsyncIterable<Uint8Array>;
}

/** Throws CYCLING_FILE_NOT_FOUND or CYCLING_FILE_REFUSED. */
export async function openSource(path: string): Promise<CyclingSource> {
	const start = await firstBytes(path);
	const kind = isGzip(start) ? "gzip" : isParquet(start) ? "parquet" : "text";
	const plain = (): AsyncIterable<Uint8Array> => unpacked(path, kind === "gzip");
	const raw = kind === "gzip" ? await headOf(plain()) : start;
	const wide = wideEncoding(raw);
	const bytes = wide === null ? plain : (): AsyncIterable<Uint8Array> => asUtf8(plain(), wide);
	const head = wide === null ? raw : await headOf(bytes());
	if (kind === "gzip" && isParquet(head)) throw refuse("A Parquet file within gzip is not read.", "Unpack it first.");
	return { path, kind, head, bytes };
}

const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;
const isParquet = (bytes: Uint8Array): boolean => Buffer.from(bytes.subarray(0, 4)).toString("latin1") === "PAR1";

/** UTF-16, by its byte order mark, or because every other byte of Latin text is zero. */
function wideEncoding(head: Uint8Array): "utf-16le" | "utf-16be" | null {
	const [a, b, c, d] = head;
	if ((a === 0xff && b === 0xfe) || (a! > 0 && b === 0 && c! > 0 && d === 0)) return "utf-16le";
	if ((a === 0xfe && b === 0xff) || (a === 0 && b! > 0 && c === 0 && d! > 0)) return "utf-16be";
	return null;
}

async function* asUtf8(bytes: AsyncIterable<Uint8Array>, encoding: string): AsyncIterable<Uint8Array> {
	const decoder = new TextDecoder(encoding);
	const encoder = new TextEncoder();
	for await (const part of bytes) yield encoder.encode(decoder.decode(part, { stream: true }));
	yield encoder.encode(decoder.decode());
}

async function firstBytes(path: string): Promise<Uint8Array> {
	try {
		const file = await open(path, "r");
		try {
			const buffer = new Uint8Array(HEAD_BYTES_MAX);
			const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
			return buffer.subarray(0, bytesRead);
		} finally {
			await file.close();
		}
	} catch (cause) {
		const why = (cause as NodeJS.ErrnoException).code ?? String(cause);
		throw new AdlayerError("CYCLING_FILE_NOT_FOUND", `The file ${path} cannot be read (${why}).`, { cause });
	}
}

async function* unpacked(path: string, gzip: boolean): AsyncIterable<Uint8Array> {
	const file = createReadStream(path, { highWaterMark: READ_BYTES });
	const out: Readable = gzip ? createGunzip({ chunkSize: READ_BYTES }) : new PassThrough({ highWaterMark: READ_BYTES });
	file.on("error", (error) => out.destroy(error));
	file.pipe(out as unknown as NodeJS.WritableStream);
	try {
		yield* out as AsyncIterable<Uint8Array>;
	} catch (cause) {
		const code = (cause as NodeJS.ErrnoException).code ?? "";
		if (code.startsWith("Z_"))
			throw refuse(`The gzip data are damaged (${code}): they end or go wrong before their end.`);
		throw cause;
	} finally {
		file.destroy();
	}
}

async function headOf(bytes: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
	const parts: Uint8Array[] = [];
	let size = 0;
	for await (const part of bytes) {
		parts.push(part);
		size += part.length;
		if (size >= HEAD_BYTES_MAX) break;
	}
	return Buffer.concat(parts).subarray(0, HEAD_BYTES_MAX);
}
