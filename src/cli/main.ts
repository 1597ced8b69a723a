/** The adlayer command. */
import { userInfo } from "node:os";
import { type Command, CommanderError } from "commander";
import type { CliContext } from "#cli/context.js";
import { EXIT, exitCodeOf } from "#cli/exit-codes.js";
import type { StartAll } from "#cli/launcher.js";
import { Output, type TextSink } from "#cli/output.js";
import { packageVersion } from "#cli/package-root.js";
import { buildProgram } from "#cli/program.js";
import { type Clock, SystemClock } from "#core/clock.js";
import { AdlayerError, asAdlayerError } from "#core/errors.js";

export interface MainOptions {
	readonly stdout: TextSink;
	readonly stderr: TextSink;
	readonly env: Readonly<Record<string, string | undefined>>;
	readonly interrupted: AbortSignal;
	readonly clock?: Clock;
	readonly launcher?: () => Promise<StartAll>;
}

/** Runs one command; `args` are those after the program's name. Resolves with the exit code and never rejects. */
export async function main(args: readonly string[], options: MainOptions): Promise<number> {
	const out = new Output(options.stdout, options.stderr, args.includes("--json"));
	const context: CliContext = {
		out,
		env: options.env,
		clock: options.clock ?? new SystemClock(),
		interrupted: options.interrupted,
		userName: userName(options.env),
		launcher: options.launcher ?? launcherOfPackage,
	};
	let outcome: number = EXIT.ok;
	const program = buildProgram(packageVersion(), async (command) => {
		outcome = await command(context);
	});
	for (const each of allCommands(program)) {
		each.exitOverride();
		each.configureOutput({
			writeOut: (text) => out.people.write(text),
			writeErr: (text) => options.stderr.write(text),
		});
	}
	try {
		await program.parseAsync(args, { from: "user" });
		return outcome;
	} catch (thrown) {
		if (thrown instanceof CommanderError) return usage(thrown, out);
		const error = asAdlayerError(thrown);
		out.failure(error);
		if (error.code === "INTERNAL" && error.cause instanceof Error) out.log(error.cause.stack ?? "");
		return exitCodeOf(error.code);
	}
}

function allCommands(command: Command): Command[] {
	return [command, ...command.commands.flatMap(allCommands)];
}

function usage(error: CommanderError, out: Output): number {
	if (error.exitCode === 0) return EXIT.ok;
	// Commander has already written the message for people.
	const { code, message, hint } = new AdlayerError("USAGE", error.message.replace(/^error: /, ""));
	out.result({ ok: false, error: { code, message, hint } });
	return EXIT.usage;
}

function userName(env: Readonly<Record<string, string | undefined>>): string {
	try {
		return userInfo().username;
	} catch {
		// A container may run under a uid that has no name.
		return env.USER ?? "unknown";
	}
}

/** Loaded only when processes are to be started: status, hold and abort need none of it. */
async function launcherOfPackage(): Promise<StartAll> {
	const module: { startAll: StartAll } = await import("#src/start.js");
	return module.startAll;
}
