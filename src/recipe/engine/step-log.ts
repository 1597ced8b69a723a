/** Each step of a run in the journal: planned when it starts, actual and outcome when it ends. */
import type { Clock } from "#core/clock.js";
import { asAdlayerError } from "#core/errors.js";
import type { Step } from "#recipe/plan.js";
import type { RecordSink, StepEnded } from "#record/records.js";

export class StepLog {
	constructor(
		private readonly clock: Clock,
		private readonly sink: RecordSink,
		private readonly run: string,
	) {}

	/** Executes a step between its two records. An aborted signal makes it an interruption, whatever was thrown. */
	async around(step: Step, signal: AbortSignal, execute: () => Promise<unknown>): Promise<void> {
		const { index, path, phase, type, title, plannedS, cycle, turns } = step;
		const of = { run: this.run, index, phase, type, plannedS, ...(cycle === undefined ? {} : { cycle }) };
		this.sink.append({ kind: "step-started", ...of, path, ...(turns === undefined ? {} : { turns }), title });
		const startMs = this.clock.nowMs();
		const end = (outcome: StepEnded["outcome"], detail?: string) => {
			const actualS = (this.clock.nowMs() - startMs) / 1_000;
			this.sink.append({ kind: "step-ended", ...of, outcome, actualS, ...(detail === undefined ? {} : { detail }) });
		};
		let detail: unknown;
		try {
			detail = await execute();
		} catch (thrown) {
			if (signal.aborted) end("interrupted");
			else {
				const { code, message } = asAdlayerError(thrown);
				end(code === "STEP_TIMED_OUT" ? "timed-out" : "failed", message);
			}
			throw thrown;
		}
		end("done", typeof detail === "string" ? detail : undefined);
	}
}
