/** The one run on this reactor: how it begins, who else has the reactor, and how it is taken up after control was away. */
import type { ControlCommands, LaunchArgs, LaunchResult } from "#control-link/messages.js";
import { AdlayerError } from "#core/errors.js";
import { checkRecipe } from "#recipe/check.js";
import { declarationOf } from "#recipe/engine/declaration.js";
import { endingRecords, type InterruptedRun, interruptionRecord, isTakenUp } from "#recipe/engine/interrupted-run.js";
import type { ManualOperation } from "#recipe/engine/manual-operation.js";
import { Run } from "#recipe/engine/run.js";
import { takeUp } from "#recipe/engine/taken-up.js";
import type { Plan } from "#recipe/plan.js";
import { planDigest } from "#recipe/plan-digest.js";
import type { GuardedReactor } from "#safety/guarded-reactor.js";
import type { Supervisor } from "#safety/supervisor.js";
import { labFacts } from "#src/config/lab-facts.js";
import type { Admission } from "#src/control/admission.js";
import type { ControlOptions } from "#src/control/options.js";
import type { Recollection } from "#src/control/recollection.js";
import type { Tuning } from "#src/tuning/tuning.js";

/** Longer sample names are cut. */
const SAMPLE_NAME_CHARS_MAX = 120;
/** After a restart of control the instruments are waited for so long before a held run's limits count without them. */
const CONNECT_MS_MAX = 30_000;
const CONNECT_LOOK_MS = 250;

type Command = ControlCommands["command"];

export interface RunDeskOptions {
	readonly control: ControlOptions;
	readonly reactor: GuardedReactor;
	readonly supervisor: Supervisor;
	readonly recollection: Recollection;
	readonly admission: Admission;
	/** The others who may have the reactor. */
	readonly tuning: Tuning;
	readonly manual: ManualOperation;
	/** Of a run that begins. */
	readonly newId: () => string;
}

export class RunDesk {
	private run: Run | undefined;
	private isClosed = false;

	constructor(private readonly options: RunDeskOptions) {}

	/** The present run, over or not; undefined before the first. */
	get present(): Run | undefined {
		return this.run;
	}

	/** The run that has the reactor. */
	get owner(): Run | undefined {
		const { run } = this;
		return run === undefined || run.isOver || run.state === "idle" ? undefined : run;
	}

	/** While a run or the test of a zone has the reactor. */
	refuseWhileOwned(): void {
		this.options.tuning.refuseWhileActive();
		const { owner } = this;
		if (owner === undefined) return;
		const { identity, plan, state } = owner;
		throw new AdlayerError("RUN_ACTIVE", `Run ${identity.run} (${plan.recipe}) is ${state} on this reactor.`, {
			context: { run: identity.run, state },
		});
	}

	private refuseWhileByHand(): void {
		const { status } = this.options.manual;
		if (status === null) return;
		throw new AdlayerError("MANUAL_ACTIVE", `The reactor is operated by hand: ${status.order} by ${status.by}.`);
	}

	/** While anybody or anything has the reactor. */
	refuseUnlessFree(): void {
		this.refuseWhileOwned();
		this.refuseWhileByHand();
	}

	/** The present run, when it is the one that is meant. */
	named(run: string | undefined): Run {
		if (this.run !== undefined && (run === undefined || run === this.run.identity.run)) return this.run;
		throw new AdlayerError(
			"RUN_NOT_FOUND",
			run === undefined ? "There is no run." : `Run ${run} is not the present run.`,
		);
	}

	command({ run, command, by, annealMinutes }: Command["args"], id: string): Command["result"] {
		const named = this.named(run);
		// The bounds of the ended run have become those of what is done by hand.
		if (command === "reset") this.refuseWhileByHand();
		if (command === "restart" && named.state === "held") this.options.admission.refuseUnlessConnected();
		named.command(command, by, id, annealMinutes);
		return { run: named.identity.run, state: named.state };
	}

	launch(args: LaunchArgs, id: string): LaunchResult {
		const { control, reactor, supervisor, admission } = this.options;
		const { lab, journal, version } = control;
		this.refuseUnlessFree();
		const plan = this.planOf(args);
		admission.refuseRun(plan);
		const named = args.sample ?? (plan.product === "none" ? plan.recipe : plan.product);
		const sample = named.slice(0, SAMPLE_NAME_CHARS_MAX);
		const run = this.options.newId();
		journal.append({
			kind: "run-created",
			run,
			recipe: plan.recipe,
			recipeVersion: plan.recipeVersion,
			recipeText: args.recipeText,
			recipeSha256: plan.sha256,
			parameters: plan.parameters,
			sample,
			product: plan.product,
			operator: args.operator,
			acknowledged: args.acknowledge,
			labFileText: lab.text,
			labFileSha256: lab.sha256,
			softwareVersion: version,
			simulated: lab.simulated,
			material: plan.material.name,
			meltingPointC: plan.material.meltingPointC,
			neverAboveC: plan.neverAboveC,
			plan: {
				totalS: plan.totalS,
				steps: plan.steps.length,
				cycles: plan.cyclesOrdered,
				phases: plan.phases,
				pulses: plan.pulses,
				thicknessNm: plan.thicknessNm,
				sha256: planDigest(plan),
			},
		});
		supervisor.declare(declarationOf(plan));
		reactor.run = run;
		reactor.by = undefined;
		this.run = new Run(this.dependencies, plan, { run, sample, operator: args.operator });
		this.run.command("start", args.operator, id);
		return { run, state: this.run.state, product: plan.product, sample };
	}

	/** A run that control left open is held until a person says how it goes on; one that was on its way out is ended. */
	takeUp(lastKnown: InterruptedRun): void {
		const { openRun } = lastKnown;
		if (openRun === null) return;
		const { control, reactor, supervisor } = this.options;
		const { clock, journal, lab, version } = control;
		const { run, state, created } = openRun;
		const cause = `Control restarted while the run was ${state}.`;
		if (!isTakenUp(state)) {
			for (const record of endingRecords(lastKnown)) journal.append(record);
			void supervisor.makeSafe("trip", cause);
			return;
		}
		const wall = clock.wallMs();
		const { problems, plan } = this.check(created.recipe, created.recipeText, created.parameters);
		const why = problems.find(({ severity }) => severity === "error")?.message ?? "";
		const { zones } = reactor.spec;
		const present = { plan, why, labFileSha256: lab.sha256, softwareVersion: version, zones, wall };
		const takenUp = takeUp(lastKnown, openRun, present);
		reactor.run = run;
		reactor.dosesRecalled(takenUp.trends);
		this.run = new Run(
			this.dependencies,
			takenUp.plan,
			{ run, sample: created.sample, operator: created.operator },
			takenUp,
		);
		const { step, differences } = takenUp;
		journal.append(interruptionRecord(lastKnown, openRun, { ...this.run.counts, step, differences, wall }));
		this.run.takeUp(cause);
		this.declareWhenConnected(this.run);
	}

	/** Nothing is waited for any more. */
	close(): void {
		this.isClosed = true;
	}

	/** Until the instruments have been heard for the first time, not to know them is no danger. */
	private declareWhenConnected(run: Run): void {
		const { control, supervisor, admission } = this.options;
		const { clock } = control;
		const endMs = clock.nowMs() + CONNECT_MS_MAX;
		const look = () => {
			if (this.isClosed || this.run !== run || run.isOver || run.state === "restarting" || run.state === "running")
				return;
			if (admission.away.length > 0 && clock.nowMs() < endMs) {
				clock.setTimer(CONNECT_LOOK_MS, look);
				return;
			}
			if (!run.lidMayBeOpen) supervisor.declare(declarationOf(run.plan));
		};
		clock.setTimer(CONNECT_LOOK_MS, look);
	}

	private get dependencies() {
		const { control, reactor, supervisor, recollection } = this.options;
		const { clock, lab } = control;
		return { clock, sink: recollection.sink, reactor, supervisor, heaters: lab.heaters };
	}

	private check(fileName: string, text: string, set: Readonly<Record<string, number | string>>) {
		const { library, lab } = this.options.control;
		return checkRecipe({ text, fileName, set, library, lab: labFacts(lab) });
	}

	private planOf(args: LaunchArgs): Plan {
		const { problems, plan } = this.check(args.recipe, args.recipeText, args.set);
		if (plan === undefined) {
			const errors = problems.filter((problem) => problem.severity === "error");
			throw new AdlayerError(
				"RECIPE_INVALID",
				`${args.recipe} has ${errors.length} problem(s); the first: ${errors[0]?.message ?? "unknown"}`,
				{ problems: [...problems] },
			);
		}
		const missing = plan.acknowledgements.filter(({ code }) => !args.acknowledge.includes(code));
		if (missing.length === 0) return plan;
		throw new AdlayerError(
			"ACKNOWLEDGEMENT_MISSING",
			missing.map(({ code, reason }) => `${code}: ${reason}`).join(" "),
			{
				context: { missing: missing.map(({ code }) => code) },
				hint: `Launch again with ${missing.map(({ code }) => `--ack ${code}`).join(" ")} if you accept this.`,
			},
		);
	}
}
