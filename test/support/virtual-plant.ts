/** A whole reactor in virtual time: simulated lab and control in one process, on one clock, over links in memory. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { LaunchArgs, LaunchResult } from "#control-link/messages.js";
import { type Clock, SteppedClock } from "#core/clock.js";
import type { MqttLink, OpenByteStream } from "#core/wire.js";
import { simulatedDrivers } from "#drivers/index.js";
import { type DiskState, diskState } from "#journal/disk.js";
import { MemoryJournal } from "#journal/memory.js";
import { lastKnownFrom } from "#journal/recover.js";
import { type MemoryLab, serveMemory } from "#lab/serve-memory.js";
import { SimulatedLab } from "#lab/simulated-lab.js";
import type { Library } from "#recipe/library.js";
import { loadLibrary } from "#recipe/library-files.js";
import type { JournalRecord, RecordKind, RunCommand } from "#record/records.js";
import { memoryState } from "#src/campaign/campaigns.js";
import { labPlan } from "#src/config/lab-plan.js";
import { type LabFile, loadLabFile } from "#src/config.js";
import type { ControlOptions } from "#src/control/options.js";
import { Control } from "#src/control.js";
import type { JournalHealth } from "#src/housekeeping.js";
import type { ServiceExpected } from "#src/service-watch.js";
import { parseCellConstants } from "#twin/cells/constants.js";
import { parseTwinConstants } from "#twin/constants.js";
import { protocolOf } from "./driver-rigs.js";
import { Mortal } from "./mortal.js";
import { WireTap } from "./wire-tap.js";

const RECIPES = resolve(import.meta.dirname, "../../recipes");
/** 2026-01-01T00:00:00Z, so that journals of two runs can be compared byte for byte. */
const WALL_START_MS = Date.UTC(2026, 0, 1);

export interface VirtualPlantOptions {
	readonly seed?: number;
	readonly lab?: LabFile;
	/** Materials and films; the shipped ones when absent. */
	readonly library?: Library;
	readonly pumped?: boolean;
	/** Every frame passes the tap. */
	readonly tapped?: boolean;
	/** How full the journal's disk is. */
	readonly disk?: () => DiskState;
	/** Commissioning tests that are due. */
	readonly commissioningDue?: () => readonly string[];
	/** How the journal fares with its disk. */
	readonly journalHealth?: () => JournalHealth;
	/** What a journal tells of the time before. */
	readonly lastKnown?: NonNullable<ControlOptions["lastKnown"]>;
}

export class VirtualPlant {
	readonly clock = new SteppedClock({ wallStartMs: WALL_START_MS });
	readonly lab: SimulatedLab;
	/** What becomes of the bytes that arrive at control on a wire (`memory:LINE`); nothing without one. */
	disturb: ((bytes: Uint8Array, wire: string) => Uint8Array) | undefined;
	/** How wrong the clock of control's machine is, ms. */
	wallShiftMs = 0;
	/** Of the journal's disk, 0 to 1; null: nobody can say. */
	diskUsedFraction: number | null = 0.1;
	/** While it is there the disk syncs nothing until it resolves. */
	syncHangs: Promise<void> | undefined;
	private life: Mortal = this.newLife();
	/** Of all control processes; the times are of the one that wrote. */
	readonly journal = new MemoryJournal({
		...this.clock,
		nowMs: () => this.life.clock.nowMs(),
		wallMs: () => this.life.clock.wallMs(),
	} as Clock);
	/** When asked for; its frames bear the names of the lab file's lines. */
	readonly tap: WireTap | undefined;
	private readonly byKind = new Map<RecordKind, JournalRecord[]>();
	private readonly served: MemoryLab;
	private readonly library: Library;
	private readonly labFile: LabFile;
	/** Outlasts a control process, as the journal does. */
	private readonly serviceFile = memoryState<ServiceExpected>();
	private present: Control;
	private commands = 0;

	constructor(private readonly options: VirtualPlantOptions = {}) {
		const lab = options.lab ?? loadLabFile(resolve(RECIPES, "labs/simulated.lab.yaml"));
		this.labFile = lab;
		this.library = options.library ?? loadLibrary(RECIPES);
		const { plan, twinFile, cellsFile } = labPlan(lab)!;
		this.lab = new SimulatedLab({
			plan: { ...plan, seed: options.seed ?? plan.seed },
			constants: parseTwinConstants(readFileSync(twinFile, "utf8"), twinFile),
			cellConstants:
				cellsFile === undefined ? undefined : parseCellConstants(readFileSync(cellsFile, "utf8"), cellsFile),
			drivers: simulatedDrivers,
			pumped: options.pumped ?? false,
			wallAtZeroMs: WALL_START_MS,
		});
		this.served = serveMemory(this.lab, this.clock);
		this.tap = options.tapped === true ? new WireTap(this.clock) : undefined;
		this.journal.onRecord((record) => {
			const known = this.byKind.get(record.kind);
			if (known === undefined) this.byKind.set(record.kind, [record]);
			else known.push(record);
		});
		this.present = this.newControl({});
		this.present.start();
	}

	/** The control process there is, or was last. */
	get control(): Control {
		return this.present;
	}

	/** Control is gone in this instant, as by -9; lab and time go on. */
	kill(): void {
		this.life.kill();
	}

	/** Every connection ends at once; control opens them anew. */
	cutWires(): void {
		this.life.cutWires();
	}

	get isControlDead(): boolean {
		return this.life.isDead;
	}

	/** Another control process on the journal of the one before, which is killed if it lives. */
	comeBack(changed: { readonly lab?: LabFile; readonly version?: string; readonly library?: Library } = {}): void {
		this.life.kill();
		this.life = this.newLife();
		const known = this.journal.records.length === 0 ? undefined : lastKnownFrom(this.journal.records);
		this.present = this.newControl({ ...changed, ...(known === undefined ? {} : { lastKnown: known }) });
		this.present.start();
	}

	private newLife(): Mortal {
		return new Mortal(
			this.clock,
			() => this.wallShiftMs,
			(bytes, wire) => this.disturb?.(bytes, wire) ?? bytes,
		);
	}

	private opener(line: string): OpenByteStream {
		const open = this.served.opener(line);
		return this.tap === undefined ? open : this.tap.opener(line, protocolOf(driverOnLine(this.labFile, line)), open);
	}

	private mqtt(line: string): MqttLink {
		const link = this.served.mqtt(line);
		return this.tap === undefined ? link : this.tap.mqtt(line, link);
	}

	private newControl(changed: Partial<ControlOptions>): Control {
		const { life } = this;
		const journal = life.journal(this.journal);
		const { synced } = journal;
		journal.synced = () => (this.syncHangs === undefined ? synced() : this.syncHangs.then(synced));
		return new Control({
			lab: this.labFile,
			library: this.library,
			clock: life.clock,
			journal:
				this.options.journalHealth === undefined
					? journal
					: Object.assign(journal, { health: this.options.journalHealth }),
			version: "test",
			speed: 1,
			serviceFile: this.serviceFile,
			open: (address) => (address.scheme === "simulated" ? life.opener(this.opener(address.line)) : undefined),
			mqtt: (address) => (address.scheme === "simulated" ? life.link(this.mqtt(address.line)) : undefined),
			disk: this.options.disk ?? (() => diskState(this.diskUsedFraction)),
			...(this.options.commissioningDue === undefined ? {} : { commissioningDue: this.options.commissioningDue }),
			...(this.options.lastKnown === undefined ? {} : { lastKnown: this.options.lastKnown }),
			...changed,
		});
	}

	/** All instruments connected. */
	async ready(): Promise<this> {
		await this.clock.advanceUntil(() => this.control.plant.allReady, 30_000);
		return this;
	}

	async launch(recipe: string, args: Partial<LaunchArgs> = {}): Promise<LaunchResult> {
		const recipeText = args.recipeText ?? readFileSync(resolve(RECIPES, recipe), "utf8");
		const reply = await this.control.handle({
			v: 1,
			id: `launch-${++this.commands}`,
			command: "launch",
			args: { recipe, recipeText, set: {}, operator: "test", acknowledge: [], ...args },
		});
		return reply.result as LaunchResult;
	}

	/** A person's answer to the open question. */
	async confirm(prompt: string, by = "test"): Promise<void> {
		await this.control.handle({
			v: 1,
			id: `confirm-${++this.commands}`,
			command: "confirm",
			args: { prompt, by },
		});
	}

	async command(command: RunCommand, more: { readonly annealMinutes?: number } = {}): Promise<void> {
		await this.control.handle({
			v: 1,
			id: `command-${++this.commands}`,
			command: "command",
			args: { command, by: "test", ...more },
		});
	}

	get runState(): string | undefined {
		return this.control.runState;
	}

	async until(state: string, limitS: number): Promise<void> {
		await this.clock.advanceUntil(() => this.runState === state, limitS * 1_000);
	}

	records<Kind extends RecordKind>(kind: Kind): Extract<JournalRecord, { kind: Kind }>[] {
		return [...(this.byKind.get(kind) ?? [])] as Extract<JournalRecord, { kind: Kind }>[];
	}

	/** The twin's truth at the present time. */
	truth() {
		this.served.advance();
		return this.lab.truth();
	}

	async stop(): Promise<void> {
		const stopped = this.control.stop();
		await this.clock.advance(5_000);
		await stopped;
		this.served.close();
	}
}

/** Of the instruments on a line of a simulated lab, which are of one driver, the first. */
export function driverOnLine(lab: LabFile, line: string): string {
	const on = Object.values(lab.content.instruments).find(({ address }) => {
		const [place] = address.split("?");
		return place === `simulated:${line}`;
	});
	if (on === undefined) throw new Error(`The lab file has no line ${line}.`);
	return on.driver;
}
