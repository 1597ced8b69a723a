/** What a person does to the reactor by hand: only while nothing else has it, but for putting everything to rest. */
import type { ControlCommands } from "#control-link/messages.js";
import type { Reactor } from "#device/reactor.js";
import type { ManualOperation } from "#recipe/engine/manual-operation.js";
import type { ManualOrder } from "#recipe/engine/manual-order.js";
import { allowed } from "#recipe/isa88.js";
import type { RecordSink } from "#record/records.js";
import type { Admission } from "#src/control/admission.js";
import type { RunDesk } from "#src/control/run-desk.js";
import type { Tuning } from "#src/tuning/tuning.js";

export interface HandDeskOptions {
	readonly journal: RecordSink;
	readonly spec: Reactor;
	readonly manual: ManualOperation;
	readonly desk: RunDesk;
	readonly admission: Admission;
	readonly tuning: Tuning;
}

export class HandDesk {
	constructor(private readonly options: HandDeskOptions) {}

	get spec(): Reactor {
		return this.options.spec;
	}

	/** One act of a person, while no run owns the reactor. */
	perform(order: ManualOrder, by: string, id: string, neverAboveC?: number) {
		const { desk, admission, manual } = this.options;
		desk.refuseWhileOwned();
		if (order.move === "dose") admission.refuseDoseByHand(order.precursor);
		return manual.perform({ order, by, id, ...(neverAboveC === undefined ? {} : { neverAboveC }) });
	}

	/** Puts the reactor to rest, whatever it is doing: a run that owns it is aborted, also one that was. */
	async makeSafe(by: string, id: string): Promise<ControlCommands["make-safe"]["result"]> {
		const { journal, desk, manual, tuning } = this.options;
		const cause = `made safe by ${by}`;
		journal.append({
			kind: "manual-command",
			command: "safe",
			order: "safe",
			by,
			id,
			outcome: "ordered",
			neverAboveC: null,
			restAt: null,
		});
		const { owner } = desk;
		if (owner !== undefined && allowed(owner.state).includes("abort")) owner.command("abort", by, id);
		tuning.active?.abort(cause);
		await manual.rest(cause);
		return { safe: true, run: owner?.identity.run ?? null };
	}
}
