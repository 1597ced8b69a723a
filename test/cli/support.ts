import { type MainOptions, main } from "#cli/main.js";

/** A terminal or pipe that keeps what is written. */
export class Sink {
	text = "";
	constructor(
		readonly isTTY = false,
		readonly columns = 80,
	) {}

	write(text: string): void {
		this.text += text;
	}

	get lines(): string[] {
		return this.text.split("\n").filter((line) => line !== "");
	}
}

/** Runs the command as a shell would. */
export async function adlayer(args: string[], options: Partial<MainOptions> = {}) {
	const stdout = new Sink();
	const stderr = new Sink();
	const code = await main(args, { stdout, stderr, env: {}, interrupted: new AbortController().signal, ...options });
	return {
		code,
		stdout: stdout.text,
		stderr: stderr.text,
		/** The last line of stdout, as --json promises it. */
		get json(): Record<string, unknown> & { error: { code: string; message: string; hint: string } } {
			return JSON.parse(stdout.lines.at(-1)!);
		},
	};
}
