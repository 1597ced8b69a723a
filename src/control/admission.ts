/** What must be true of lab and disk before a run, a dose by hand or a battery test may begin; each refusal says what is missing. */
import type { Clock } from "#core/clock.js";
import { AdlayerError } from "#core/errors.js";
import type { Plant, PlantInstrument } from "#device/plant.js";
import { DISK_NO_NEW_RUNS_FRACTION, type DiskState } from "#journal/disk.js";
import { isDose, type Plan } from "#recipe/plan.js";
import { permitRun } from "#safety/permits.js";
import type { Supervisor } from "#safety/supervisor.js";
import type { Recollection } from "#src/control/recollection.js";

const HOUR_MS = 3_600_000;

export interface AdmissionOptions {
	readonly clock: Clock;
	readonly plant: Plant;
	readonly supervisor: Supervisor;
	readonly recollection: Recollection;
	/** A passed leak check counts for so long; absent where none is asked for. */
	readonly leakCheckHours: number | undefined;
	/** Names of commissioning tests that are due. */
	readonly commissioningDue: () => readonly string[];
	readonly disk: (() => DiskState) | undefined;
}

export class Admission {
	constructor(private readonly options: AdmissionOptions) {}

	/** For a run: the disk has room, the reactor is commissioned and tight where it doses, and nothing is away, latched or in doubt. */
	refuseRun(plan: Plan): void {
		this.refuseOnFullDisk("run");
		if (plan.steps.some(isDose)) this.refuseUncommissioned(plan.recipe);
		if (needsLeakCheck(plan)) this.refuseWithoutLeakCheck(plan.recipe);
		this.refuseUnlessConnected();
		this.refuseWhileLatched();
		permitRun(this.options.supervisor, "A run");
	}

	refuseDoseByHand(precursor: string): void {
		const what = `A dose of ${precursor} by hand`;
		this.refuseUncommissioned(what);
		this.refuseWithoutLeakCheck(what);
	}

	refuseOnFullDisk(what: "run" | "test"): void {
		const disk = this.options.disk?.();
		if (disk?.level !== "no-new-runs" && disk?.level !== "samples-thinned") return;
		throw new AdlayerError(
			"DISK_FULL",
			`The journal's disk is ${((disk.usedFraction ?? 1) * 100).toFixed(0)} % full; no ${what} starts above ${DISK_NO_NEW_RUNS_FRACTION * 100} %.`,
		);
	}

	/** Instruments that are not connected, but for cyclers, which have no part in a run. */
	get away(): readonly PlantInstrument[] {
		const { plant } = this.options;
		return plant.instruments.filter(
			({ name, device }) => device.cycler === undefined && plant.instrument(name).state !== "ready",
		);
	}

	refuseUnlessConnected(): void {
		const { away } = this;
		if (away.length === 0) return;
		const { plant } = this.options;
		const which = away.map(({ name }) => `${name} (${plant.instrument(name).error?.message ?? "connecting"})`);
		throw new AdlayerError("DEVICE_NOT_READY", `Not every instrument is connected: ${which.join(", ")}.`);
	}

	private refuseWhileLatched(): void {
		const { latched } = this.options.supervisor;
		if (latched.length === 0) return;
		throw new AdlayerError("INTERLOCK_TRIPPED", `Latched: ${latched.join(", ")}.`, { context: { latched } });
	}

	/** `what` doses: only at a reactor whose dead-men and hardwired protections were seen to act, as it is now. */
	private refuseUncommissioned(what: string): void {
		const due = this.options.commissioningDue();
		if (due.length === 0) return;
		const message = `${what} needs a commissioned reactor; tests are due: ${due.join(", ")}.`;
		throw new AdlayerError("NOT_COMMISSIONED", message, { context: { due } });
	}

	/** `what` doses: only after a leak check that passed within the lab file's hours. */
	private refuseWithoutLeakCheck(what: string): void {
		const { leakCheckHours: hours, clock, recollection } = this.options;
		if (hours === undefined) return;
		const { leakCheck } = recollection;
		const hoursAgo = leakCheck === undefined ? Number.POSITIVE_INFINITY : (clock.wallMs() - leakCheck.wall) / HOUR_MS;
		if (leakCheck?.passed && hoursAgo >= 0 && hoursAgo <= hours) return;
		const age =
			hoursAgo < 0
				? "by the machine's clock the last one is still to come, so its age is not known"
				: `the last one passed ${hoursAgo.toFixed(1)} h ago`;
		const message =
			leakCheck === undefined ? "no leak check is on record" : leakCheck.passed ? age : "the last one failed";
		throw new AdlayerError("LEAK_CHECK_MISSING", `${what} needs a leak check passed within ${hours} h; ${message}.`, {
			context: { validHours: hours, last: leakCheck ?? null },
		});
	}
}

/** A run that doses has a leak check before it, or makes one before its first dose. */
function needsLeakCheck(plan: Plan): boolean {
	const first = plan.steps.find((step) => isDose(step) || step.type === "line-evacuate" || step.type === "leak-check");
	return first !== undefined && first.type !== "leak-check";
}
