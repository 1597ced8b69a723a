/** A run or a battery test as a package of files, from the service of this machine or another. */
import { existsSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { basename } from "node:path";
import type { CliContext, Outcome } from "#cli/context.js";
import { saveStream } from "#cli/download.js";
import { serviceUrl } from "#cli/places.js";
import { RestClient } from "#cli/rest-client.js";
import { unpack } from "#cli/unpack.js";
import { AdlayerError } from "#core/errors.js";
import { fileName } from "#export/package.js";
import { RUN_FORMATS, type RunFormat } from "#export/run-package.js";
import { TEST_FORMATS, type TestFormat } from "#export/test-package.js";

export type ExportFormat = RunFormat | TestFormat;
export const EXPORT_FORMATS: readonly ExportFormat[] = [...new Set([...RUN_FORMATS, ...TEST_FORMATS])];

/** Formats that are one file. */
const ENDINGS: Partial<Record<ExportFormat, string>> = { b2mml: ".xml", bdf: ".bdf.csv" };

export interface ExportOptions {
	readonly format: ExportFormat;
	readonly out?: string;
	readonly institution?: string;
	readonly url?: string;
}

/** `--out NAME.zip` keeps the archive; any other name becomes a folder with its files, each checked against its checksum. */
export async function exportPackage(context: CliContext, id: string, options: ExportOptions): Promise<Outcome> {
	const { out, env, clock, interrupted } = context;
	const { format } = options;
	const ending = ENDINGS[format] ?? "";
	const target = options.out ?? `${fileName(id)}${ending}`;
	if (existsSync(target)) throw taken(target);
	const part = `${target}.part`;
	const folder = `${target}.unpacking`;
	for (const leftOver of [part, folder]) if (existsSync(leftOver)) throw taken(leftOver);
	const rest = new RestClient(serviceUrl(options.url, env), clock);
	try {
		const save = async (path: string) => {
			await rm(part, { force: true });
			return saveStream(rest.download(path, interrupted), part, { out, clock, label: id });
		};
		const { kind, bytes } = await savedAs(id, options, save);
		let files: readonly string[] = [basename(target)];
		if (ending !== "" || target.toLowerCase().endsWith(".zip")) await rename(part, target);
		else {
			files = await unpack(part, folder);
			await rename(folder, target);
		}
		out.line(`Wrote ${target}: ${files.length} ${files.length === 1 ? "file" : "files"}, ${bytes} bytes received`);
		out.result({ ok: true, [kind]: id, format, out: target, bytes, files });
		return 0;
	} finally {
		await rm(part, { force: true });
		await rm(folder, { recursive: true, force: true });
	}
}

type Kind = "run" | "cellTest";

/** An id is looked for among runs, then among battery tests, as far as the format is one of theirs. */
async function savedAs(
	id: string,
	{ format, institution }: ExportOptions,
	save: (path: string) => Promise<number>,
): Promise<{ kind: Kind; bytes: number }> {
	const named = encodeURIComponent(id);
	const isOfRuns = (RUN_FORMATS as readonly string[]).includes(format) && institution === undefined;
	const isOfTests = (TEST_FORMATS as readonly string[]).includes(format);
	if (!isOfRuns && !isOfTests)
		throw new AdlayerError("USAGE", `--institution names a battery test's file; ${format} is a format of runs.`);
	if (isOfRuns) {
		try {
			return { kind: "run", bytes: await save(`/runs/${named}/export?format=${format}`) };
		} catch (thrown) {
			if (!isOfTests || !is(thrown, "RUN_NOT_FOUND")) throw thrown;
		}
	}
	const more = institution === undefined ? "" : `&institution=${encodeURIComponent(institution)}`;
	try {
		return { kind: "cellTest", bytes: await save(`/cell-tests/${named}/export?format=${format}${more}`) };
	} catch (thrown) {
		if (!is(thrown, "NOT_FOUND")) throw thrown;
		const what = isOfRuns ? "neither a run nor a battery test" : "no battery test";
		throw new AdlayerError(isOfRuns ? "RUN_NOT_FOUND" : "NOT_FOUND", `There is ${what} ${id}.`, {
			hint: "The database knows either a second after its beginning; only a run has a batch record, only a test a BDF file.",
		});
	}
}

const is = (thrown: unknown, code: string): boolean => thrown instanceof AdlayerError && thrown.code === code;

const taken = (path: string): AdlayerError =>
	new AdlayerError("EXPORT_EXISTS", `${path} is there already.`, { context: { path } });
