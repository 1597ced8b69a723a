#!/usr/bin/env node
// Runs the built command; `npm run build` makes it.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const built = new URL("../dist/src/cli/main.js", import.meta.url);
if (!existsSync(fileURLToPath(built))) {
	process.stderr.write("adlayer is not built yet: npm run build\n");
	process.exit(1);
}

const { main } = await import(built.href);
const interrupting = new AbortController();
let times = 0;
for (const signal of ["SIGINT", "SIGTERM"]) {
	process.on(signal, () => {
		times += 1;
		// The first asks for an orderly end; whoever insists gets one at once.
		if (times > 1) process.exit(130);
		interrupting.abort();
	});
}
// A reader that went away (a closed pipe) is no failure of the command.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});

const code = await main(process.argv.slice(2), {
	stdout: process.stdout,
	stderr: process.stderr,
	env: process.env,
	interrupted: interrupting.signal,
});
// Written output is flushed before the process ends, also to a slow pipe.
process.stdout.write("", () => process.stderr.write("", () => process.exit(code)));
