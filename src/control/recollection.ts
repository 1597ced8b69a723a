/** What was last: each precursor's dose and the leak check, from whoever writes of them and from the time before this process. */
import type { Clock } from "#core/clock.js";
import type { RecordBody, RecordSink } from "#record/records.js";
import type { ControlOptions } from "#src/control/options.js";

export interface LastDose {
	/** When it ended, Unix ms. */
	readonly at: number;
	readonly fate: "delivered" | "unknown";
}

export interface LastLeakCheck {
	/** When it ended, Unix ms. */
	readonly wall: number;
	readonly passed: boolean;
}

export class Recollection {
	private readonly doses = new Map<string, LastDose>();
	private lastLeakCheck: LastLeakCheck | undefined;
	/** The journal, remembering. */
	readonly sink: RecordSink;

	constructor(
		private readonly clock: Clock,
		journal: RecordSink,
		before: ControlOptions["lastKnown"],
	) {
		this.lastLeakCheck = before?.leakCheck;
		for (const [precursor, { wall: at, fate }] of Object.entries(before?.lastDose ?? {}))
			this.doses.set(precursor, { at, fate });
		this.sink = {
			append: (body) => {
				this.remember(body);
				return journal.append(body);
			},
			synced: () => journal.synced(),
		};
	}

	get leakCheck(): LastLeakCheck | undefined {
		return this.lastLeakCheck;
	}

	doseOf(precursor: string): LastDose | undefined {
		return this.doses.get(precursor);
	}

	private remember(body: RecordBody): void {
		const { clock } = this;
		if (body.kind === "leak-check") this.lastLeakCheck = { wall: clock.wallMs(), passed: body.passed };
		if (body.kind !== "pulse" || body.fate === "not-delivered") return;
		const endedMsAgo = body.issuedT === null ? 0 : clock.nowMs() - body.issuedT - body.commandedMs;
		this.doses.set(body.precursor, { at: clock.wallMs() - endedMsAgo, fate: body.fate });
	}
}
