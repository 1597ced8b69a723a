/** Control, whose orders are answered when the service knows what came of them: who reads after writing reads what was written. */
import type { LiveState } from "#api/live-state.js";
import type { ControlPort } from "#api/ports.js";
import type { CommandName, ControlCommands } from "#control-link/messages.js";
import type { Clock } from "#core/clock.js";
import type { RunState } from "#record/records.js";

/** A service that is further behind than this answers all the same: the order has been carried out. */
const BEHIND_MS_MAX = 2_000;
/** These only ask. */
const QUESTIONS: ReadonlySet<CommandName> = new Set<CommandName>([
	"status",
	"campaigns",
	"campaign",
	"maintenance",
	"tune-progress",
	"loop-settings",
	"cyclers",
	"cell-tests",
]);

type Options = { ifState?: RunState; timeoutMs?: number };

/** Control as the control link gives it: with the journal's number after the command. */
export interface NumberedControl {
	requestWithSeq<Name extends CommandName>(
		command: Name,
		args: ControlCommands[Name]["args"],
		options?: Options,
	): Promise<{ readonly seq: number; readonly result: ControlCommands[Name]["result"] }>;
}

export class SettledControl implements ControlPort {
	constructor(
		private readonly control: NumberedControl,
		private readonly live: LiveState,
		private readonly clock: Clock,
	) {}

	async request<Name extends CommandName>(
		command: Name,
		args: ControlCommands[Name]["args"],
		options: Options = {},
	): Promise<ControlCommands[Name]["result"]> {
		const { seq, result } = await this.control.requestWithSeq(command, args, options);
		if (!QUESTIONS.has(command)) await this.hasSeen(seq);
		return result;
	}

	private hasSeen(seq: number): Promise<void> {
		return new Promise((resolve) => {
			const limit = this.clock.setTimer(BEHIND_MS_MAX, resolve);
			this.live.whenSeen(seq, () => {
				limit.cancel();
				resolve();
			});
		});
	}
}
