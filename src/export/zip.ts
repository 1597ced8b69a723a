/** Files one after the other as a zip archive, made as it is read: nothing is gathered, neither in memory nor on disk. */
import { type PassThrough, Readable } from "node:stream";
import { ZipFile } from "yazl";
import type { PackageFile } from "#export/package.js";

/** `at`: the files' time, Unix ms. A fault in any file destroys the stream, so that whoever reads it knows. */
export function zipOf(files: Iterable<PackageFile>, at: number): Readable {
	const zip = new ZipFile();
	const out = zip.outputStream as PassThrough;
	const options = { mtime: new Date(at), mode: 0o100644 };
	zip.on("error", (error) => out.destroy(error as Error));
	for (const file of files) {
		zip.addReadStreamLazy(file.path, { ...options, compress: !file.path.endsWith(".parquet") }, (ready) => {
			const bytes = Readable.from(file.bytes(), { objectMode: false });
			bytes.on("error", (error) => out.destroy(error));
			ready(null, bytes);
		});
	}
	zip.end();
	return out;
}
