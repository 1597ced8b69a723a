/** Control: drivers, plant, safety and the recipe engine around one journal. Needs no database, no broker and no HTTP. */

import { checkArguments } from "#control-link/arguments.js";
import type { CommandHandler, ControlCommands, LaunchArgs, LaunchResult } from "#control-link/messages.js";
import type { Clock } from "#core/clock.js";
import { AdlayerError, asAdlayerError } from "#core/errors.js";
import { CellTestRounds } from "#cycling/rounds.js";
import type { DriverContext } from "#device/contract.js";
import { Plant, type PlantInstrument } from "#device/plant.js";
import { plantCyclers } from "#device/plant-cyclers.js";
import type { Reactor } from "#device/reactor.js";
import { driverNamed } from "#drivers/index.js";
import { DISK_NO_NEW_RUNS_FRACTION, type DiskState } from "#journal/disk.js";
import { checkRecipe } from "#recipe/check.js";
import { declarationOf } from "#recipe/engine/declaration.js";
import {
	endingRecords,
	type InterruptedRun,
	interruptionRecord,
	isTakenUp,
	pulsesInTheBalance,
} from "#recipe/engine/interrupted-run.js";
import { ManualOperation } from "#recipe/engine/manual-operation.js";
import { type ManualOrder, setOrder } from "#recipe/engine/manual-order.js";
import { Run } from "#recipe/engine/run.js";
import { takeUp } from "#recipe/engine/taken-up.js";
import { allowed } from "#recipe/isa88.js";
import type { Library } from "#recipe/library.js";
import { isDose, type Plan } from "#recipe/plan.js";
import { planDigest } from "#recipe/plan-digest.js";
import type {
	InstrumentRecord,
	JournalRecord,
	RecordBody,
	RecordSink,
	RunCommand,
	RunState,
	SampleRecord,
} from "#record/records.js";
import type { ControlStatus, InstrumentStatus, LastDoseStatus, SignalStatus } from "#record/status.js";
import { GuardedReactor } from "#safety/guarded-reactor.js";
import { type SafetyCarry, Supervisor } from "#safety/supervisor.js";
import { Campaigns, memoryState, type StateFile } from "#src/campaign/campaigns.js";
import type { Campaign } from "#src/campaign/queue.js";
import { type LabFile, labFacts, maintenanceFacts, reactorOf, signalRoles } from "#src/config.js";
import { Housekeeping, type JournalHealth } from "#src/housekeeping.js";
import type { Counts } from "#src/maintenance/counters.js";
import { Maintenance } from "#src/maintenance/maintenance.js";
import { type ServiceExpected, ServiceWatch } from "#src/service-watch.js";
import { Tuning } from "#src/tuning/tuning.js";
import type { ZoneTest } from "#src/tuning/zone-test.js";
import { parseAddress } from "#transport/address.js";
import { type MqttOverride, type OpenOverride, Ports } from "#transport/ports.js";

export interface ControlOptions {
	readonly lab: LabFile;
	readonly library: Library;
	readonly clock: Clock;
	readonly journal: RecordSink & {
		readonly lastSeq: number;
		/** Absent for one that needs no disk. */
		health?(): JournalHealth | undefined;
	};
	readonly version: string;
	/** Lab time per real time. */
	readonly speed: number;
	/** Where each instrument really is, when the lab file says only `simulated:`. */
	readonly addresses?: Readonly<Record<string, string>>;
	readonly open?: OpenOverride;
	readonly mqtt?: MqttOverride;
	/** Where the campaigns last beyond this process. */
	/** Names of commissioning tests that are due; absent in a simulated lab, which has none. */
	readonly commissioningDue?: () => readonly string[];
	readonly campaignFile?: StateFile<readonly Campaign[]>;
	/** Where it lasts that a service is expected, and the time in which the service lives; as `clock` when absent. */
	readonly serviceFile?: StateFile<ServiceExpected>;
	readonly realClock?: Clock;
	/** Where the maintenance counters last, and the records that they may not know yet, oldest first. */
	readonly maintenanceFile?: StateFile<Counts>;
	readonly uncounted?: (afterSeq: number, take: (record: JournalRecord) => void) => void;
	/** What the journal tells of the time before this process; absent when there was none. */
	readonly lastKnown?: InterruptedRun &
		Partial<SafetyCarry> & {
			/** By precursor: the last pulse that was or may have been delivered. */
			readonly lastDose?: Readonly<Record<string, { readonly wall: number; readonly fate: "delivered" | "unknown" }>>;
			/** The last command of manual operation that did not come to rest. */
			readonly manual?: { readonly by: string; readonly order: string };
			/** Records that tell of battery tests that are open. */
			readonly cellTests?: readonly RecordBody[];
		};
	/** How full the journal's disk is. */
	readonly disk?: () => DiskState;
}

/** Longer sample names are cut. */
const SAMPLE_NAME_CHARS_MAX = 120;
const HOUR_MS = 3_600_000;
/** After a restart of control the instruments are waited for so long before a held run's limits count without them. */
const CONNECT_MS_MAX = 30_000;
const CONNECT_LOOK_MS = 250;
/** An abort brings everything to its safe state in a second when the instruments answer; nobody waits longer for those that do not. */
const STOP_MS = 4_000;

/** What the controller of a zone may show at most, by its own sensor. */
function heaterLimitC({ zones }: Reactor, instrument: string): number | undefined {
	const limits = Object.values(zones)
		.filter((zone) => zone.instrument === instrument)
		.map(({ limitC, offsetC }) => limitC - offsetC);
	return limits.length === 0 ? undefined : Math.min(...limits);
}

export class Control {
	readonly plant: Plant;
	readonly supervisor: Supervisor;
	private readonly reactor: GuardedReactor;
	private readonly tuning: Tuning;
	private readonly cellTests: CellTestRounds;
	private run: Run | undefined;
	private readonly manual: ManualOperation;
	private readonly lastDoses = new Map<string, { readonly at: number; readonly fate: "delivered" | "unknown" }>();
	/** The last leak check, when it ended (Unix ms) and how. */
	private leakCheck: { readonly wall: number; readonly passed: boolean } | undefined;
	private isStopping = false;
	private readonly addressOf: Record<string, string> = {};
	private readonly sampleSeq = new Map<string, number>();
	private readonly housekeeping: Housekeeping;
	private readonly service: ServiceWatch;

	private readonly options: ControlOptions;
	private readonly campaigns: Campaigns;
	private readonly maintenance: Maintenance;

	constructor(given: ControlOptions) {
		const follow = (record: RecordBody, seq: number) => {
			this.campaigns.follow(record);
			this.maintenance.follow(record, { seq, t: given.clock.nowMs(), wall: given.clock.wallMs() });
		};
		const options = { ...given, journal: followed(given.journal, follow) };
		this.options = options;
		const { lab, clock, journal } = options;
		this.campaigns = new Campaigns({
			clock,
			journal,
			station: lab.content.station,
			library: options.library,
			lab: labFacts(lab),
			file: options.campaignFile ?? memoryState(),
			openRun: options.lastKnown?.openRun?.run,
			launch: (args, id) => this.launch(args, id),
		});
		const file = options.maintenanceFile ?? memoryState();
		this.maintenance = new Maintenance({ ...maintenanceFacts(lab), file, journal });
		options.uncounted?.(file.load()?.seq ?? 0, (record) => this.maintenance.follow(record, record));
		this.leakCheck = options.lastKnown?.leakCheck;
		const ports = new Ports(clock, options.open, options.mqtt);
		const reactor = reactorOf(lab);
		const instruments = Object.entries(lab.content.instruments).map(([name, entry]): PlantInstrument => {
			const driver = driverNamed(entry.driver)!;
			const text = options.addresses?.[name] ?? entry.address;
			this.addressOf[name] = text;
			const { counters, ...wire } = ports.connect({
				name,
				address: parseAddress(text),
				schemes: driver.addressSchemes,
				timing: driver.timing,
			});
			const limitC = heaterLimitC(reactor, name);
			const context: DriverContext<never> = {
				name,
				settings: entry.settings as never,
				clock,
				...(limitC === undefined ? {} : { limitC }),
				...wire,
			};
			return {
				name,
				driver: entry.driver,
				address: text,
				pollMs: entry.poll_ms,
				staleMs: entry.stale_ms,
				device: driver.create(context),
				counters,
			};
		});
		this.plant = new Plant(clock, instruments, {
			sample: (name, values) => this.sampled(name, values),
			instrument: (name, state, details) => this.instrumentChanged(name, state, details),
		});
		this.supervisor = new Supervisor(clock, this.plant, reactor, journal);
		this.reactor = new GuardedReactor(clock, this.plant, reactor, this.supervisor, journal);
		this.housekeeping = new Housekeeping({
			clock,
			alarms: this.supervisor.alarms,
			journalHealth: () => journal.health?.(),
			disk: options.disk,
			maintenanceDue: () => this.maintenance.status.warnings.map(({ message }) => message),
		});
		this.service = new ServiceWatch({
			clock,
			realClock: options.realClock ?? clock,
			alarms: this.supervisor.alarms,
			file: options.serviceFile ?? memoryState(),
		});
		const { supervisor, reactor: guarded } = this;
		this.tuning = new Tuning({ clock, sink: journal, reactor: guarded, supervisor, speed: options.speed });
		this.manual = new ManualOperation({ clock, sink: this.sink, reactor: this.reactor, supervisor: this.supervisor });
		for (const [precursor, { wall: at, fate }] of Object.entries(options.lastKnown?.lastDose ?? {}))
			this.lastDoses.set(precursor, { at, fate });
		this.cellTests = new CellTestRounds({
			cyclers: plantCyclers(this.plant),
			sink: journal,
			clock,
			newId: () => this.newId("test-"),
			before: options.lastKnown?.cellTests ?? [],
		});
	}

	start(): void {
		const { lab, journal, version } = this.options;
		journal.append({
			kind: "control-started",
			station: lab.content.station,
			simulated: lab.simulated,
			version,
			labFileSha256: lab.sha256,
			signals: [...this.plant.signals].map(([id, { unit, kind, description }]) => ({
				id,
				unit,
				signalKind: kind,
				description,
			})),
		});
		const { interlocks = [], alarms = [] } = this.options.lastKnown ?? {};
		this.supervisor.restore({ interlocks, alarms });
		this.takeUpInterruptedRun();
		this.housekeeping.start();
		this.service.start();
		this.supervisor.start((interlock, _effect, cause) => {
			this.tuning.active?.tripped(`${interlock}: ${cause}`);
			this.run?.tripped(`${interlock}: ${cause}`);
			this.manual.tripped(`${interlock}: ${cause}`);
		});
		this.plant.start();
		this.cellTests.start();
	}

	/** Aborts a run that is under way, so that the reactor is safe and the record whole, then lets go of the instruments. */
	async stop(): Promise<void> {
		this.isStopping = true;
		const { run } = this;
		const { journal, clock } = this.options;
		if (run !== undefined && allowed(run.state).includes("abort")) {
			run.command("abort", "control", `stop-${journal.lastSeq + 1}`);
		}
		const { active } = this.tuning;
		active?.abort("Control stops.");
		if (active !== undefined) await Promise.race([active.settled, clock.sleep(STOP_MS)]);
		// Also a safe state that somebody else has ordered a moment ago is seen to its end.
		if (run !== undefined && !run.isOver) await Promise.race([run.settled, clock.sleep(STOP_MS)]);
		if (this.manual.isActive) await Promise.race([this.manual.rest("control is stopped"), clock.sleep(STOP_MS)]);
		this.manual.stop();
		this.supervisor.stop();
		this.housekeeping.stop();
		this.service.stop();
		await this.cellTests.stop();
		await this.plant.stop();
		this.maintenance.save();
	}

	/** Does one command of the control link. */
	readonly handle: CommandHandler = async ({ command, args, id, ifState }) => {
		const state = this.run?.state ?? "idle";
		if (ifState !== undefined && ifState !== state) {
			throw new AdlayerError("STATE_CHANGED", `The run is ${state}, not ${ifState}.`, { context: { state } });
		}
		checkArguments(command, args);
		const result = await this.perform(command, args as never, id);
		return { seq: this.options.journal.lastSeq, result: result as never };
	};

	/** The present run's state; undefined before the first run. */
	get runState(): RunState | undefined {
		return this.run?.state;
	}

	get status(): ControlStatus {
		const { lab, clock, speed, version } = this.options;
		const instruments: Record<string, InstrumentStatus> = {};
		for (const { name, driver } of this.plant.instruments) {
			const { state, identity, error } = this.plant.instrument(name);
			instruments[name] = {
				driver,
				address: this.addressOf[name]!,
				state,
				...(identity === undefined ? {} : { identity }),
				...(error === undefined ? {} : { error: { code: error.code, message: error.message } }),
			};
		}
		const signals: Record<string, SignalStatus> = {};
		for (const id of this.plant.signals.keys()) {
			const { value, unit, quality, atMs } = this.plant.reading(id);
			const at = Number.isFinite(atMs) ? clock.wallMs() - (clock.nowMs() - atMs) : 0;
			signals[id] = { value, unit, quality, at, seq: this.sampleSeq.get(id.slice(0, id.indexOf("."))) ?? 0 };
		}
		return {
			station: lab.content.station,
			simulated: lab.simulated,
			speed,
			version,
			t: clock.nowMs(),
			wall: clock.wallMs(),
			run: this.run?.status ?? null,
			instruments,
			signals,
			interlocks: this.supervisor.interlockStatus,
			alarms: this.supervisor.alarms.status,
			alarmFlood: this.supervisor.alarms.flood,
			maintenance: this.maintenance.status,
			service: this.service.presence,
			...(this.tuning.active === undefined ? {} : { tune: this.tuning.active.progress }),
			manual: this.manual.status,
			lastDoses: this.lastDoseStatus,
			roles: signalRoles(lab),
		};
	}

	private async perform<Name extends keyof ControlCommands>(command: Name, args: never, id: string): Promise<unknown> {
		const { alarms } = this.supervisor;
		switch (command) {
			case "status":
				return this.status;
			case "launch":
				return this.launch(args, id);
			case "command": {
				const { run, command: order, by, annealMinutes } = args as ControlCommands["command"]["args"];
				const { active } = this.tuning;
				if (active !== undefined && (run === undefined || run === active.tune)) return this.endTest(active, order, by);
				const present = this.present(run);
				// The bounds of the ended run have become those of what is done by hand.
				if (order === "reset") this.refuseWhileByHand();
				if (order === "restart" && present.state === "held") this.refuseUnlessConnected();
				present.command(order, by, id, annealMinutes);
				return { run: present.identity.run, state: present.state };
			}
			case "confirm": {
				const { run, prompt, by } = args as ControlCommands["confirm"]["args"];
				const present = this.present(run);
				present.confirm(prompt, by);
				return { run: present.identity.run, state: present.state, prompt };
			}
			case "maintenance":
				return this.maintenance.status;
			case "change-bottle":
				await this.maintenance.changeBottle(args);
				return this.maintenance.status;
			case "campaigns":
				return this.campaigns.status;
			case "campaign":
				return this.campaigns.detail((args as ControlCommands["campaign"]["args"]).campaign);
			case "create-campaign":
				return this.campaigns.create(args);
			case "command-campaign":
				return this.campaigns.command(args, id);
			case "tune": {
				const { order, by } = args as ControlCommands["tune"]["args"];
				this.refuseWhileOwned();
				this.refuseWhileByHand();
				return this.tuning.start(`${this.newId()}-tune`, order, by);
			}
			case "tune-progress": {
				const { tune, fromRow } = args as ControlCommands["tune-progress"]["args"];
				return this.tuning.follow(tune, fromRow);
			}
			case "loop-settings": {
				const { zone } = args as ControlCommands["loop-settings"]["args"];
				return { zone, settings: await this.tuning.settings(zone) };
			}
			case "apply-loop-settings": {
				const { zone, settings, by } = args as ControlCommands["apply-loop-settings"]["args"];
				this.refuseWhileOwned();
				this.refuseWhileByHand();
				return { zone, ...(await this.tuning.apply(zone, settings, by)) };
			}
			case "manual-set": {
				const { actuator, value, neverAboveC, by } = args as ControlCommands["manual-set"]["args"];
				return this.byHand(setOrder(this.reactor.spec, actuator, value), by, id, neverAboveC);
			}
			case "manual-dose": {
				const { precursor, ms, by } = args as ControlCommands["manual-dose"]["args"];
				return this.byHand({ move: "dose", precursor, widthMs: ms }, by, id);
			}
			case "make-safe":
				return this.makeSafe((args as ControlCommands["make-safe"]["args"]).by, id);
			case "acknowledge-alarm": {
				const { alarm, by } = args as ControlCommands["acknowledge-alarm"]["args"];
				return { alarm, state: alarms.acknowledge(alarm, by) };
			}
			case "shelve-alarm": {
				const { alarm, ...order } = args as ControlCommands["shelve-alarm"]["args"];
				return { alarm, state: alarms.shelve(alarm, order) };
			}
			case "unshelve-alarm": {
				const { alarm, by } = args as ControlCommands["unshelve-alarm"]["args"];
				return { alarm, state: alarms.unshelve(alarm, by) };
			}
			case "remove-alarm": {
				const { alarm, by, reason } = args as ControlCommands["remove-alarm"]["args"];
				return { alarm, state: alarms.removeFromService(alarm, by, reason) };
			}
			case "return-alarm": {
				const { alarm, by } = args as ControlCommands["return-alarm"]["args"];
				return { alarm, state: alarms.returnToService(alarm, by) };
			}
			case "cell-tests":
				return { tests: this.cellTests.list };
			case "start-cell-test": {
				const { channel, areaCm2, activeMassG, ...order } = args as ControlCommands["start-cell-test"]["args"];
				this.refuseOnFullDisk("test");
				const cell = { channel: channel ?? null, areaCm2: areaCm2 ?? null, activeMassG: activeMassG ?? null };
				return this.cellTests.order({ ...order, ...cell });
			}
			case "stop-cell-test": {
				const { cellTest, by } = args as ControlCommands["stop-cell-test"]["args"];
				return this.cellTests.stopTest(cellTest, by);
			}
			case "report-service":
				this.service.heard(args);
				return {};
			case "reset-interlock": {
				const { interlock, by } = args as ControlCommands["reset-interlock"]["args"];
				this.supervisor.reset(interlock, by);
				return { interlock, state: "clear" };
			}
			default:
				throw new AdlayerError("USAGE", `There is no command ${command}.`);
		}
	}

	/** One act of a person, while no run owns the reactor. */
	private byHand(order: ManualOrder, by: string, id: string, neverAboveC?: number) {
		this.refuseWhileOwned();
		if (order.move === "dose") {
			this.refuseUncommissioned(`A dose of ${order.precursor} by hand`);
			this.refuseWithoutLeakCheck(`A dose of ${order.precursor} by hand`);
		}
		return this.manual.perform({ order, by, id, ...(neverAboveC === undefined ? {} : { neverAboveC }) });
	}

	/** Puts the reactor to rest, whatever it is doing: a run that owns it is aborted, also one that was. */
	private async makeSafe(by: string, id: string): Promise<ControlCommands["make-safe"]["result"]> {
		const { journal } = this.options;
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
		const { owner } = this;
		if (owner !== undefined && allowed(owner.state).includes("abort")) owner.command("abort", by, id);
		this.tuning.active?.abort(cause);
		await this.manual.rest(cause);
		return { safe: true, run: owner?.identity.run ?? null };
	}

	private get lastDoseStatus(): Record<string, LastDoseStatus> {
		const nowMs = this.options.clock.nowMs();
		return Object.fromEntries(
			Object.keys(this.reactor.spec.precursors).map((precursor) => {
				const { at, fate } = this.lastDoses.get(precursor) ?? { at: null, fate: null };
				return [precursor, { at, fate, countedS: this.supervisor.doses.secondsSince(precursor, nowMs) }];
			}),
		);
	}

	/** The run that has the reactor. */
	private get owner(): Run | undefined {
		const { run } = this;
		return run === undefined || run.isOver || run.state === "idle" ? undefined : run;
	}

	/** While a run or the test of a zone has the reactor. */
	private refuseWhileOwned(): void {
		const { owner } = this;
		const { active } = this.tuning;
		if (active !== undefined)
			throw new AdlayerError("TUNE_ACTIVE", `Zone ${active.order.zone} is being tested (${active.tune}).`);
		if (owner === undefined) return;
		const { identity, plan, state } = owner;
		throw new AdlayerError("RUN_ACTIVE", `Run ${identity.run} (${plan.recipe}) is ${state} on this reactor.`, {
			context: { run: identity.run, state },
		});
	}

	private refuseWhileByHand(): void {
		const { status } = this.manual;
		if (status === null) return;
		throw new AdlayerError("MANUAL_ACTIVE", `The reactor is operated by hand: ${status.order} by ${status.by}.`);
	}

	/**
	 * What the last control process left open in the journal: pulses get their fate, the reactor its safe state, and the run is
	 * held until a person says how it goes on. One that was on its way out is ended.
	 */
	private takeUpInterruptedRun(): void {
		const { lastKnown, clock, journal, lab, version } = this.options;
		if (lastKnown === undefined) return;
		const { openRun } = lastKnown;
		for (const record of pulsesInTheBalance(lastKnown, clock.nowMs())) journal.append(record);
		const { manual } = lastKnown;
		if (manual !== undefined) {
			const cause = `control restarted after ${manual.order} by ${manual.by}`;
			void this.supervisor.makeSafe("trip", cause);
			journal.append({ kind: "manual-ended", cause });
		}
		if (openRun === null) return;
		const { run, state, created } = openRun;
		const cause = `Control restarted while the run was ${state}.`;
		if (!isTakenUp(state)) {
			for (const record of endingRecords(lastKnown)) journal.append(record);
			void this.supervisor.makeSafe("trip", cause);
			return;
		}
		const wall = clock.wallMs();
		const { problems, plan } = this.check(created.recipe, created.recipeText, created.parameters);
		const why = problems.find(({ severity }) => severity === "error")?.message ?? "";
		const present = { plan, why, labFileSha256: lab.sha256, softwareVersion: version, wall };
		const takenUp = takeUp(lastKnown, openRun, present);
		const identity = { run, sample: created.sample, operator: created.operator };
		this.reactor.run = run;
		this.run = new Run(this.runDependencies, takenUp.plan, identity, takenUp);
		const { step, differences } = takenUp;
		journal.append(interruptionRecord(lastKnown, openRun, { ...this.run.counts, step, differences, wall }));
		this.run.takeUp(cause);
		this.declareWhenConnected(this.run);
	}

	/** Until the instruments have been heard for the first time, not to know them is no danger. */
	private declareWhenConnected(run: Run): void {
		const { clock } = this.options;
		const endMs = clock.nowMs() + CONNECT_MS_MAX;
		const look = () => {
			if (this.isStopping || this.run !== run || run.isOver || run.state === "restarting" || run.state === "running")
				return;
			if (this.away.length > 0 && clock.nowMs() < endMs) {
				clock.setTimer(CONNECT_LOOK_MS, look);
				return;
			}
			if (!run.lidMayBeOpen) this.supervisor.declare(declarationOf(run.plan));
		};
		clock.setTimer(CONNECT_LOOK_MS, look);
	}

	private get runDependencies() {
		const { clock, lab } = this.options;
		return { clock, sink: this.sink, reactor: this.reactor, supervisor: this.supervisor, heaters: lab.heaters };
	}

	private present(run: string | undefined): Run {
		if (this.run === undefined || (run !== undefined && run !== this.run.identity.run)) {
			throw new AdlayerError(
				"RUN_NOT_FOUND",
				run === undefined ? "There is no run." : `Run ${run} is not the present run.`,
			);
		}
		return this.run;
	}

	/** Whatever ends a run ends a test; nothing else can be done with one. */
	private async endTest(test: ZoneTest, order: RunCommand, by: string): Promise<{ run: string; state: RunState }> {
		if (order !== "abort" && order !== "hold" && order !== "stop")
			throw new AdlayerError("COMMAND_NOT_ALLOWED", `The test of a zone cannot ${order}; it can abort, hold or stop.`);
		test.abort(`${order} by ${by}`);
		await Promise.race([test.settled, this.options.clock.sleep(STOP_MS)]);
		return { run: test.tune, state: test.isOver ? "aborted" : "aborting" };
	}

	private async launch(args: LaunchArgs, id: string): Promise<LaunchResult> {
		const { lab, journal, version } = this.options;
		this.refuseWhileOwned();
		this.refuseWhileByHand();
		this.refuseOnFullDisk("run");
		const plan = this.planOf(args);
		if (plan.steps.some(isDose)) this.refuseUncommissioned(plan.recipe);
		if (needsLeakCheck(plan)) this.refuseWithoutLeakCheck(plan.recipe);
		this.refuseUnlessReady();
		const sample = (args.sample ?? (plan.product === "none" ? plan.recipe : plan.product)).slice(
			0,
			SAMPLE_NAME_CHARS_MAX,
		);
		const run = this.newId();
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
		this.supervisor.declare(declarationOf(plan));
		this.reactor.run = run;
		this.reactor.by = undefined;
		this.run = new Run(this.runDependencies, plan, { run, sample, operator: args.operator });
		this.run.command("start", args.operator, id);
		return { run, state: this.run.state, product: plan.product, sample };
	}

	/** Of this station and this moment; the journal's number keeps two of one second apart. */
	private newId(kind = ""): string {
		const { lab, clock, journal } = this.options;
		return `${lab.content.station}-${kind}${stamp(clock.wallMs())}-${journal.lastSeq + 1}`;
	}

	private refuseOnFullDisk(what: "run" | "test"): void {
		const disk = this.options.disk?.();
		if (disk?.level !== "no-new-runs" && disk?.level !== "samples-thinned") return;
		throw new AdlayerError(
			"DISK_FULL",
			`The journal's disk is ${((disk.usedFraction ?? 1) * 100).toFixed(0)} % full; no ${what} starts above ${DISK_NO_NEW_RUNS_FRACTION * 100} %.`,
		);
	}

	private check(fileName: string, text: string, set: Readonly<Record<string, number | string>>) {
		const { library, lab } = this.options;
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
		if (missing.length > 0) {
			throw new AdlayerError(
				"ACKNOWLEDGEMENT_MISSING",
				missing.map(({ code, reason }) => `${code}: ${reason}`).join(" "),
				{
					context: { missing: missing.map(({ code }) => code) },
					hint: `Launch again with ${missing.map(({ code }) => `--ack ${code}`).join(" ")} if you accept this.`,
				},
			);
		}
		return plan;
	}

	/** What a run writes, or a person by hand; leak checks and doses are remembered. */
	private get sink(): RecordSink {
		const { journal, clock } = this.options;
		return {
			append: (body) => {
				if (body.kind === "leak-check") this.leakCheck = { wall: clock.wallMs(), passed: body.passed };
				if (body.kind === "pulse" && body.fate !== "not-delivered") {
					const endedMsAgo = body.issuedT === null ? 0 : clock.nowMs() - body.issuedT - body.commandedMs;
					this.lastDoses.set(body.precursor, { at: clock.wallMs() - endedMsAgo, fate: body.fate });
				}
				return journal.append(body);
			},
			synced: () => journal.synced(),
		};
	}

	/** `what` doses: only at a reactor whose dead-men and hardwired protections were seen to act, as it is now. */
	private refuseUncommissioned(what: string): void {
		const due = this.options.commissioningDue?.() ?? [];
		if (due.length === 0) return;
		throw new AdlayerError(
			"NOT_COMMISSIONED",
			`${what} needs a commissioned reactor; tests are due: ${due.join(", ")}.`,
			{
				context: { due },
			},
		);
	}

	/** `what` doses: only after a leak check that passed within the lab file's hours. */
	private refuseWithoutLeakCheck(what: string): void {
		const hours = this.options.lab.content.reactor.limits.leak_check.valid_hours;
		if (hours === undefined) return;
		const { leakCheck } = this;
		const message =
			leakCheck === undefined
				? "no leak check is on record"
				: leakCheck.passed
					? `the last one passed ${((this.options.clock.wallMs() - leakCheck.wall) / HOUR_MS).toFixed(1)} h ago`
					: "the last one failed";
		if (leakCheck?.passed && this.options.clock.wallMs() - leakCheck.wall <= hours * HOUR_MS) return;
		throw new AdlayerError("LEAK_CHECK_MISSING", `${what} needs a leak check passed within ${hours} h; ${message}.`, {
			context: { validHours: hours, last: leakCheck ?? null },
		});
	}

	/** Instruments that are not connected, but for cyclers, which have no part in a run. */
	private get away(): readonly PlantInstrument[] {
		return this.plant.instruments.filter(
			({ name, device }) => device.cycler === undefined && this.plant.instrument(name).state !== "ready",
		);
	}

	private refuseUnlessConnected(): void {
		const { away } = this;
		if (away.length > 0) {
			const which = away
				.map(({ name }) => `${name} (${this.plant.instrument(name).error?.message ?? "connecting"})`)
				.join(", ");
			throw new AdlayerError("DEVICE_NOT_READY", `Not every instrument is connected: ${which}.`);
		}
	}

	private refuseUnlessReady(): void {
		this.refuseUnlessConnected();
		const { latched } = this.supervisor;
		if (latched.length > 0)
			throw new AdlayerError("INTERLOCK_TRIPPED", `Latched: ${latched.join(", ")}.`, { context: { latched } });
	}

	private sampled(
		name: string,
		values: Readonly<Record<string, { value: number | null; detail?: string; quality: string }>>,
	): void {
		const numbers: Record<string, number | null> = {};
		let fault: Record<string, string> | undefined;
		for (const [signal, polled] of Object.entries(values)) {
			numbers[signal] = polled.value;
			if (polled.quality === "fault") {
				fault ??= {};
				fault[signal] = polled.detail ?? "fault";
			}
		}
		const record: SampleRecord = {
			kind: "sample",
			instrument: name,
			values: numbers,
			...(fault === undefined ? {} : { fault }),
		};
		this.sampleSeq.set(name, this.options.journal.append(record));
		this.supervisor.sampled();
		this.run?.sampled();
		this.manual.sampled();
	}

	private instrumentChanged(
		name: string,
		state: InstrumentRecord["state"],
		details: { identity?: InstrumentRecord["identity"]; error?: AdlayerError },
	): void {
		const { lab, journal } = this.options;
		const { identity, error } = details;
		journal.append({
			kind: "instrument",
			instrument: name,
			driver: lab.content.instruments[name]!.driver,
			address: this.addressOf[name]!,
			state,
			...(identity === undefined ? {} : { identity }),
			...(error === undefined ? {} : { error: { code: error.code, message: error.message } }),
		});
		const alarm = `instrument.${name}`;
		if (state === "fault") {
			this.supervisor.alarms.raise({
				alarm,
				message: `Instrument ${name} is at fault: ${asAdlayerError(error).message}`,
			});
		} else if (state === "ready") this.supervisor.alarms.cleared(alarm);
		this.supervisor.instrumentChanged(name, state === "ready");
	}
}

/** The journal, and somebody who sees what is written to it once it is. */
function followed(
	journal: ControlOptions["journal"],
	follow: (record: RecordBody, seq: number) => void,
): ControlOptions["journal"] {
	return {
		get lastSeq() {
			return journal.lastSeq;
		},
		append: (record) => {
			const seq = journal.append(record);
			follow(record, seq);
			return seq;
		},
		synced: () => journal.synced(),
		health: () => journal.health?.(),
	};
}

/** A run that doses has a leak check before it, or makes one before its first dose. */
function needsLeakCheck(plan: Plan): boolean {
	const first = plan.steps.find((step) => isDose(step) || step.type === "line-evacuate" || step.type === "leak-check");
	return first !== undefined && first.type !== "leak-check";
}

/** 20261122-171500 in UTC. */
function stamp(wallMs: number): string {
	return new Date(wallMs).toISOString().replaceAll(/[-:]/g, "").replace("T", "-").slice(0, 15);
}
