/** Control: drivers, plant, safety and the recipe engine around one journal. Needs no database, no broker and no HTTP. */

import { checkArguments } from "#control-link/arguments.js";
import type { CommandHandler } from "#control-link/messages.js";
import { AdlayerError, asAdlayerError } from "#core/errors.js";
import { CellTestRounds } from "#cycling/rounds.js";
import type { PolledValues } from "#device/contract.js";
import { type InstrumentDetails, Plant } from "#device/plant.js";
import { plantCyclers } from "#device/plant-cyclers.js";
import { pulsesInTheBalance } from "#recipe/engine/interrupted-run.js";
import { ManualOperation } from "#recipe/engine/manual-operation.js";
import { allowed } from "#recipe/isa88.js";
import type { InstrumentRecord, RecordBody, RunState, SampleRecord } from "#record/records.js";
import type { ControlStatus, InstrumentStatus, LastDoseStatus, SignalStatus } from "#record/status.js";
import { GuardedReactor } from "#safety/guarded-reactor.js";
import { instrumentOf } from "#safety/interlock.js";
import { SensorWatch } from "#safety/sensor-watch.js";
import { Supervisor } from "#safety/supervisor.js";
import { Campaigns, memoryState } from "#src/campaign/campaigns.js";
import { labFacts } from "#src/config/lab-facts.js";
import { reactorOf } from "#src/config/reactor-of.js";
import { maintenanceFacts, signalRoles } from "#src/config/views.js";
import { Admission } from "#src/control/admission.js";
import { type ControlCommandTable, commandTable } from "#src/control/commands.js";
import { HandDesk } from "#src/control/hand-desk.js";
import { instrumentsOf } from "#src/control/instruments.js";
import { type ControlOptions, followed } from "#src/control/options.js";
import { Recollection } from "#src/control/recollection.js";
import { RunDesk } from "#src/control/run-desk.js";
import { Housekeeping } from "#src/housekeeping.js";
import { Maintenance } from "#src/maintenance/maintenance.js";
import { ServiceWatch } from "#src/service-watch.js";
import { Tuning } from "#src/tuning/tuning.js";
import { Ports } from "#transport/ports.js";

/** An abort brings everything to its safe state in a second when the instruments answer; nobody waits longer for those that do not. */
const STOP_MS = 4_000;

export class Control {
	readonly plant: Plant;
	readonly supervisor: Supervisor;
	private readonly reactor: GuardedReactor;
	private readonly sensors: SensorWatch;
	private readonly recollection: Recollection;
	private readonly desk: RunDesk;
	private readonly manual: ManualOperation;
	private readonly tuning: Tuning;
	private readonly cellTests: CellTestRounds;
	private readonly campaigns: Campaigns;
	private readonly maintenance: Maintenance;
	private readonly housekeeping: Housekeeping;
	private readonly service: ServiceWatch;
	private readonly commands: ControlCommandTable;
	private readonly sampleSeq = new Map<string, number>();
	private readonly options: ControlOptions;

	constructor(given: ControlOptions) {
		const follow = (record: RecordBody, seq: number) => {
			this.campaigns.follow(record);
			this.maintenance.follow(record, { seq, t: given.clock.nowMs(), wall: given.clock.wallMs() });
		};
		const options = { ...given, journal: followed(given.journal, follow) };
		this.options = options;
		const { lab, clock, journal, addresses, lastKnown } = options;
		this.campaigns = new Campaigns({
			clock,
			journal,
			station: lab.content.station,
			library: options.library,
			lab: labFacts(lab),
			file: options.campaignFile ?? memoryState(),
			openRun: lastKnown?.openRun ?? undefined,
			launch: async (args, id) => this.desk.launch(args, id),
		});
		const file = options.maintenanceFile ?? memoryState();
		this.maintenance = new Maintenance({ ...maintenanceFacts(lab), file, journal });
		options.uncounted?.(file.load()?.seq ?? 0, (record) => this.maintenance.follow(record, record));

		const spec = reactorOf(lab);
		const ports = new Ports(clock, options.open, options.mqtt);
		this.plant = new Plant(clock, instrumentsOf(lab, spec, { clock, ports, addresses }), {
			sample: (name, values) => this.sampled(name, values),
			instrument: (name, state, details) => this.instrumentChanged(name, state, details),
		});
		const { plant } = this;
		const supervisor = new Supervisor(clock, plant, spec, journal);
		const reactor = new GuardedReactor(clock, plant, spec, supervisor, journal);
		this.supervisor = supervisor;
		this.sensors = new SensorWatch(supervisor.alarms, plant);
		this.reactor = reactor;

		const recollection = new Recollection(clock, journal, lastKnown);
		const { sink } = recollection;
		const admission = new Admission({
			clock,
			plant,
			supervisor,
			recollection,
			leakCheckHours: lab.content.reactor.limits.leak_check.valid_hours,
			commissioningDue: options.commissioningDue ?? (() => []),
			disk: options.disk,
		});
		const tuning = new Tuning({ clock, sink: journal, reactor, supervisor, speed: options.speed });
		const manual = new ManualOperation({ clock, sink, reactor, supervisor });
		const newId = (kind = "") => this.newId(kind);
		const desk = new RunDesk({
			control: options,
			reactor,
			supervisor,
			recollection,
			admission,
			tuning,
			manual,
			newId,
		});
		this.recollection = recollection;
		this.tuning = tuning;
		this.manual = manual;
		this.desk = desk;
		this.cellTests = new CellTestRounds({
			cyclers: plantCyclers(plant),
			sink: journal,
			clock,
			newId: () => newId("test-"),
			before: lastKnown?.cellTests ?? [],
		});

		this.housekeeping = new Housekeeping({
			clock,
			alarms: supervisor.alarms,
			journalHealth: () => journal.health?.(),
			disk: options.disk,
			lastWallMs: options.lastKnown?.lastWall,
			maintenanceDue: () => this.maintenance.status.warnings.map(({ message }) => message),
		});
		this.service = new ServiceWatch({
			clock,
			realClock: options.realClock ?? clock,
			alarms: supervisor.alarms,
			file: options.serviceFile ?? memoryState(),
		});
		this.commands = commandTable({
			status: () => this.status,
			newId,
			desk,
			byHand: new HandDesk({ journal, spec, manual, desk, admission, tuning }),
			admission,
			tuning,
			supervisor,
			campaigns: this.campaigns,
			maintenance: this.maintenance,
			cellTests: this.cellTests,
			service: this.service,
		});
	}

	start(): void {
		const { lab, journal, version } = this.options;
		const staleMs = new Map(this.plant.instruments.map(({ name, staleMs: ms }) => [name, ms]));
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
				staleMs: staleMs.get(instrumentOf(id))!,
			})),
		});
		const { interlocks = [], alarms = [] } = this.options.lastKnown ?? {};
		this.supervisor.restore({ interlocks, alarms });
		this.takeUp();
		this.housekeeping.start();
		this.service.start();
		this.supervisor.start((interlock, _effect, cause) => {
			this.tuning.active?.tripped(`${interlock}: ${cause}`);
			this.desk.present?.tripped(`${interlock}: ${cause}`);
			this.manual.tripped(`${interlock}: ${cause}`);
		});
		this.plant.start();
		this.cellTests.start();
	}

	/** Aborts a run that is under way, so that the reactor is safe and the record whole, then lets go of the instruments. */
	async stop(): Promise<void> {
		this.desk.close();
		const run = this.desk.present;
		const { journal, clock } = this.options;
		if (run !== undefined && allowed(run.state).includes("abort")) {
			run.command("abort", "control", `stop-${journal.lastSeq + 1}`);
		}
		if (this.tuning.isActive) await this.tuning.end("Control stops.");
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
		const state = this.runState ?? "idle";
		if (ifState !== undefined && ifState !== state) {
			throw new AdlayerError("STATE_CHANGED", `The run is ${state}, not ${ifState}.`, { context: { state } });
		}
		checkArguments(command, args);
		const result = await this.commands[command](args, id);
		return { seq: this.options.journal.lastSeq, result };
	};

	/** The present run's state; undefined before the first run. */
	get runState(): RunState | undefined {
		return this.desk.present?.state;
	}

	get status(): ControlStatus {
		const { lab, clock, speed, version } = this.options;
		const instruments: Record<string, InstrumentStatus> = {};
		for (const { name, driver, address, staleMs } of this.plant.instruments) {
			const { state } = this.plant.instrument(name);
			instruments[name] = { driver, address, state, staleMs, ...recorded(this.plant.details(name)) };
		}
		const signals: Record<string, SignalStatus> = {};
		for (const id of this.plant.signals.keys()) {
			const { value, unit, quality, atMs, detail } = this.plant.reading(id);
			const at = Number.isFinite(atMs) ? clock.wallMs() - (clock.nowMs() - atMs) : 0;
			const seq = this.sampleSeq.get(id.slice(0, id.indexOf("."))) ?? 0;
			signals[id] = { value, unit, quality, at, seq, ...(detail === undefined ? {} : { detail }) };
		}
		return {
			station: lab.content.station,
			simulated: lab.simulated,
			speed,
			version,
			t: clock.nowMs(),
			wall: clock.wallMs(),
			run: this.desk.present?.status ?? null,
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

	private get lastDoseStatus(): Record<string, LastDoseStatus> {
		const nowMs = this.options.clock.nowMs();
		return Object.fromEntries(
			Object.keys(this.reactor.spec.precursors).map((precursor) => {
				const { at, fate } = this.recollection.doseOf(precursor) ?? { at: null, fate: null };
				return [precursor, { at, fate, countedS: this.supervisor.doses.purgedS(precursor, nowMs) }];
			}),
		);
	}

	/** What the last control process left open in the journal: pulses get their fate, manual operation its rest, and the run its hold. */
	private takeUp(): void {
		const { lastKnown, clock, journal } = this.options;
		if (lastKnown === undefined) return;
		for (const record of pulsesInTheBalance(lastKnown, clock.nowMs())) journal.append(record);
		const { manual } = lastKnown;
		if (manual !== undefined) {
			const cause = `control restarted after ${manual.order} by ${manual.by}`;
			void this.supervisor.makeSafe("trip", cause);
			journal.append({ kind: "manual-ended", cause });
		}
		this.desk.takeUp(lastKnown);
	}

	/** Of this station and this moment; the journal's number keeps two of one second apart. */
	private newId(kind: string): string {
		const { lab, clock, journal } = this.options;
		return `${lab.content.station}-${kind}${stamp(clock.wallMs())}-${journal.lastSeq + 1}`;
	}

	private sampled(name: string, values: PolledValues): void {
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
		this.sensors.sampled(name, values);
		this.supervisor.sampled();
		this.desk.present?.sampled();
		this.manual.sampled();
	}

	private instrumentChanged(name: string, state: InstrumentRecord["state"], details: InstrumentDetails): void {
		const { driver, address } = this.plant.instruments.find((each) => each.name === name)!;
		this.options.journal.append({
			kind: "instrument",
			instrument: name,
			driver,
			address,
			state,
			...recorded(details),
		});
		const alarm = `instrument.${name}`;
		if (state === "fault") {
			const error = asAdlayerError(details.error);
			this.supervisor.alarms.raise({
				alarm,
				message: `Instrument ${name} is at fault: ${error.message}`,
				response: `${error.hint} It is tried again every second.`,
			});
		} else if (state === "ready") this.supervisor.alarms.cleared(alarm);
		this.supervisor.instrumentChanged(name, state === "ready");
	}
}

/** As journal and status have it. */
function recorded({ error, ...details }: InstrumentDetails): Pick<InstrumentRecord, "identity" | "error" | "warnings"> {
	if (error === undefined) return details;
	return { ...details, error: { code: error.code, message: error.message, hint: error.hint } };
}

/** 20261122-171500 in UTC. */
function stamp(wallMs: number): string {
	return new Date(wallMs).toISOString().replaceAll(/[-:]/g, "").replace("T", "-").slice(0, 15);
}
