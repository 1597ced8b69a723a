/** A run as a package of files, from the service of this machine or another. */
import { existsSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { basename } from "node:path";
import type { CliContext, Outcome } from "#cli/context.js";
import { saveStream } from "#cli/download.js";
import { serviceUrl } from "#cli/places.js";
import { RestClient } from "#cli/rest-client.js";
import { unpack } from "#cli/unpack.js";
import { AdlayerError } from "#core/errors.js";
import type { RunFormat } from "#export/run-package.js";

export interface ExportRunOptions {
	readonly format: RunFormat;
	readonly out?: string;
	readonly url?: string;
}

/** `--out NAME.zip` keeps the archive; any other name becomes a folder with its files, each checked against its checksum. */
export async function exportRun(context: CliContext, run: string, options: ExportRunOptions): Promise<Outcome> {
	const { out, env, clock, interrupted } = context;
	const { format } = options;
	const ending = format === "b2mml" ? ".xml" : "";
	const target = options.out ?? `${run.replace(/[^A-Za-z0-9._-]/g, "_")}${ending}`;
	if (existsSync(target)) throw taken(target);
	const part = `${target}.part`;
	const folder = `${target}.unpacking`;
	for (const leftOver of [part, folder]) if (existsSync(leftOver)) throw taken(leftOver);
	const rest = new RestClient(serviceUrl(options.url, env), clock);
	try {
		const path = `/runs/${encodeURIComponent(run)}/export?format=${format}`;
		const bytes = await saveStream(rest.download(path, interrupted), part, { out, clock, label: run });
		let files: readonly string[] = [basename(target)];
		if (format === "b2mml" || target.toLowerCase().endsWith(".zip")) await rename(part, target);
		else {
			files = await unpack(part, folder);
			await rename(folder, target);
		}
		out.line(`Wrote ${target}: ${files.length} ${files.length === 1 ? "file" : "files"}, ${bytes} bytes received`);
		out.result({ ok: true, run, format, out: target, bytes, files });
		return 0;
	} finally {
		await rm(part, { force: true });
		await rm(folder, { recursive: true, force: true });
	}
}

const taken = (path: string): AdlayerError =>
	new AdlayerError("EXPORT_EXISTS", `${path} is there already.`, { context: { path } });
