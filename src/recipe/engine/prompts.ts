/** Questions to people: asked by a step, answered by a command under a name. */
import type { Clock, Timer } from "#core/clock.js";
import { AdlayerError } from "#core/errors.js";
import type { PromptStep } from "#recipe/plan.js";
import type { RecordSink } from "#record/records.js";
import type { PromptStatus } from "#record/status.js";

interface Asked {
	readonly status: PromptStatus;
	/** Why it cannot be answered now, or undefined. */
	readonly objection: () => string | undefined;
	readonly answer: (by: string) => void;
}

export class Prompts {
	private asked: Asked | undefined;
	private readonly times = new Map<string, number>();

	constructor(
		private readonly clock: Clock,
		private readonly sink: RecordSink,
		private readonly run: string,
	) {}

	/** Names given before an interruption are not given again. */
	takeUp(names: readonly string[], ids: readonly string[]): void {
		for (const id of ids) {
			const times = names.filter(
				(name) => name === id || (name.startsWith(`${id}-`) && /^\d+$/.test(name.slice(id.length + 1))),
			);
			if (times.length > 0) this.times.set(id, times.length);
		}
	}

	/** The open question, or undefined. */
	get open(): PromptStatus | undefined {
		return this.asked?.status;
	}

	/** Asks, and gives who answered; undefined when nobody did in time. Rejects when the step is interrupted. */
	ask(step: PromptStep, signal: AbortSignal, objection: () => string | undefined): Promise<string | undefined> {
		const times = (this.times.get(step.id) ?? 0) + 1;
		this.times.set(step.id, times);
		const { text, confirm, timeoutS, onTimeout } = step;
		// A second asking has a name of its own: a late answer to the first must not count for it.
		const prompt = times === 1 ? step.id : `${step.id}-${times}`;
		const status = { prompt, text, confirm, timeoutS, onTimeout, askedAt: this.clock.wallMs() };
		this.sink.append({ kind: "prompt-asked", run: this.run, prompt, text, confirm, timeoutS, onTimeout });
		return new Promise((resolve, reject) => {
			let timer: Timer | undefined;
			const end = () => {
				timer?.cancel();
				signal.removeEventListener("abort", interrupted);
				this.asked = undefined;
			};
			const interrupted = () => {
				end();
				reject(signal.reason as Error);
			};
			if (signal.aborted) return interrupted();
			signal.addEventListener("abort", interrupted);
			timer = this.clock.setTimer(timeoutS * 1_000, () => {
				end();
				resolve(undefined);
			});
			const answer = (by: string) => {
				end();
				resolve(by);
			};
			this.asked = { status, objection, answer };
		});
	}

	/** Throws PROMPT_NOT_OPEN, or COMMAND_NOT_ALLOWED with what is in the way. */
	answer(prompt: string, by: string): void {
		const { asked } = this;
		if (asked === undefined || asked.status.prompt !== prompt) {
			const open = asked === undefined ? "none is open" : `${asked.status.prompt} is open`;
			throw new AdlayerError("PROMPT_NOT_OPEN", `The run does not ask ${prompt}; ${open}.`);
		}
		const objection = asked.objection();
		if (objection !== undefined) throw new AdlayerError("COMMAND_NOT_ALLOWED", objection);
		this.sink.append({ kind: "prompt-answered", run: this.run, prompt, confirmed: asked.status.confirm, by });
		asked.answer(by);
	}
}
