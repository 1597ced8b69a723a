/** What a run is doing: one activity at a time, each beginning when the one before has really ended. */

/** Why an activity was cut short: another has taken its place. */
class Interruption extends Error {}

export class Activity {
	private interrupt = new AbortController();
	private atWork: Promise<void> = Promise.resolve();

	/** `onFailure` is told of what an activity throws, unless it was cut. */
	constructor(private readonly onFailure: (thrown: unknown) => void) {}

	/** The end of the last activity that was begun. */
	get settled(): Promise<void> {
		return this.atWork;
	}

	/** Begins an activity; one that is cut before its turn comes is left out. */
	begin(act: (signal: AbortSignal) => Promise<void>): void {
		const controller = new AbortController();
		const { signal } = controller;
		this.interrupt = controller;
		this.atWork = this.atWork.then(async () => {
			if (signal.aborted) return;
			try {
				await act(signal);
			} catch (thrown) {
				if (!signal.aborted) this.onFailure(thrown);
			}
		});
	}

	/** Aborts the signal of the activity that was begun last. */
	cut(): void {
		this.interrupt.abort(new Interruption("Cut short by a command."));
	}
}
