import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { buildApp } from "#api/app.js";
import { LiveState } from "#api/live-state.js";
import type { AppDeps, ControlPort } from "#api/ports.js";
import { type Clock, SteppedClock } from "#core/clock.js";
import { AdlayerError } from "#core/errors.js";
import { importTable } from "#recipe/savannah/import.js";
import type { AlarmQuery, History } from "#record/history.js";
import type { JournalRecord, PlannedStep, RecordBody } from "#record/records.js";
import type { ServiceHealth } from "#record/service-status.js";
import { lab, library } from "../recipe/support.js";

/** The one campaign document of the service. */
export const CAMPAIGN_DOCUMENT = {
	name: "series",
	fileName: "series.campaign.yaml",
	title: "Cycle series",
	text: "adlayer: campaign/1\nname: series\ntitle: Cycle series\nseries: [{ recipe: li, vary: { cycles: [25, 50] } }]\n",
};

/** The one battery test protocol of the service, as shipped. */
const PROTOCOL_ENTRY = { name: "li-lfp", fileName: "li-lfp.protocol.yaml", title: "Li on LiFePO4" };
const PROTOCOL_FILE = fileURLToPath(new URL(`../../recipes/protocols/${PROTOCOL_ENTRY.fileName}`, import.meta.url));

export const WALL_START = Date.UTC(2026, 10, 22, 9, 0, 0);

/** Gives bodies their sequence number and times, as control does. */
export class Recorder {
	readonly records: JournalRecord[] = [];
	t = 0;
	private readonly takers: ((record: JournalRecord) => void)[] = [];

	onRecord(taker: (record: JournalRecord) => void): void {
		this.takers.push(taker);
	}

	write(body: RecordBody): JournalRecord {
		const record: JournalRecord = { seq: this.records.length + 1, t: this.t, wall: WALL_START + this.t, ...body };
		this.records.push(record);
		for (const taker of this.takers) taker(record);
		return record;
	}
}

export const controlStarted: RecordBody = {
	kind: "control-started",
	station: "sim1",
	simulated: true,
	version: "0.1.0",
	labFileSha256: "00",
	signals: [
		{ id: "stage.temperature", unit: "degC", signalKind: "measurement", description: "Stage" },
		{ id: "stage.setpoint", unit: "degC", signalKind: "setpoint", description: "Stage setpoint" },
		{ id: "gauge.chamber", unit: "Pa", signalKind: "measurement", description: "Chamber" },
	],
};

export const instrumentReady = (instrument: string): RecordBody => ({
	kind: "instrument",
	instrument,
	driver: "pfeiffer-tpg362",
	address: "simulated:gauge",
	state: "ready",
	identity: { manufacturer: "Pfeiffer", model: "TPG 362", serial: "1", firmware: "2" },
});

export const sample = (instrument: string, values: Record<string, number | null>): RecordBody => ({
	kind: "sample",
	instrument,
	values,
});

export const runCreated = (run = "r1"): RecordBody => ({
	kind: "run-created",
	run,
	recipe: "li-lialox-ex",
	recipeVersion: "1",
	recipeText: "adlayer: recipe/1",
	recipeSha256: "ab",
	parameters: { cycles: 3 },
	sample: "S1",
	product: "Li@3LiAlOx-ex",
	operator: "mk",
	acknowledged: ["MELTING_NOT_EXCLUDED"],
	labFileText: "",
	labFileSha256: "00",
	softwareVersion: "0.1.0",
	simulated: true,
	material: "Li",
	meltingPointC: 180.5,
	neverAboveC: 180.3,
	plan: {
		totalS: 100,
		steps: 12,
		cycles: 3,
		phases: [
			{ name: "heat", seconds: 40 },
			{ name: "deposit", seconds: 60 },
		],
		pulses: { TMA: 3, H2O: 3 },
		thicknessNm: 0.8,
	},
});

export const runState = (from: string, to: string, run = "r1"): RecordBody =>
	({ kind: "run-state", run, from, to, cause: `Now ${to}.` }) as RecordBody;

export const stepStarted = (step: Partial<PlannedStep> & { index: number }, run = "r1"): RecordBody => ({
	kind: "step-started",
	run,
	path: "steps[0]",
	phase: "deposit",
	type: "purge",
	title: "Purge TMA 10 s",
	plannedS: 10,
	...step,
});

export const stepEnded = (index: number, run = "r1", cycle?: number): RecordBody => ({
	kind: "step-ended",
	run,
	index,
	type: "purge",
	phase: "deposit",
	outcome: "done",
	plannedS: 10,
	actualS: 10,
	...(cycle === undefined ? {} : { cycle }),
});

export const pulse = (
	number: number,
	cycle: number,
	precursor: string,
	confirmedMs: number | null,
	run = "r1",
): RecordBody => ({
	kind: "pulse",
	run,
	pulse: number,
	precursor,
	valve: `io.${precursor}`,
	cycle,
	commandedMs: 15,
	dueT: 0,
	issuedT: 1,
	confirmedMs,
	effective: null,
	fate: confirmedMs === null ? "unknown" : "delivered",
});

export const runFinished = (run = "r1", state: "complete" | "stopped" | "aborted" = "complete"): RecordBody => ({
	kind: "run-finished",
	run,
	state,
	product: "Li@3LiAlOx-ex",
	cycles: { ordered: 3, complete: 3, repeated: 0, unknown: 0 },
	worstPulseErrorMs: 0.02,
	peakFoilC: 180.1,
	peakFoilUncertaintyC: 0.3,
	anneal: { inBandS: 1800, maximumC: 180.1 },
	durationS: 101,
	plannedS: 100,
});

export function liveState(clock: Clock, options: { eventsKept?: number } = {}): LiveState {
	return new LiveState({ clock, station: "sim1", simulated: true, speed: 1, version: "0.1.0", ...options });
}

/** A small database in memory: everything that was recorded up to `storedThrough`. */
export class MemoryHistory implements History {
	isAway = false;
	storedThrough = Number.POSITIVE_INFINITY;
	points: { at: number; min: number | null; max: number | null; mean: number | null }[] = [];

	constructor(private readonly recorder: Recorder) {}

	private stored(): JournalRecord[] {
		if (this.isAway) throw new AdlayerError("DATABASE_UNAVAILABLE", "The database does not answer.");
		return this.recorder.records.filter((record) => record.seq <= this.storedThrough);
	}

	async runs() {
		this.stored();
		return [];
	}

	async run(run: string) {
		const created = this.stored().find((record) => record.kind === "run-created" && record.run === run);
		if (created === undefined) return undefined;
		const clock = new SteppedClock({ wallStartMs: 0 });
		const live = liveState(clock);
		for (const record of this.stored()) if (!("run" in record) || record.run === run) live.apply(record);
		return live.runDetail(run);
	}

	async pulses() {
		this.stored();
		return [];
	}

	async events(run: string, query: { afterSeq: number; limit: number }) {
		return this.stored()
			.filter((record) => "run" in record && record.run === run && record.seq > query.afterSeq)
			.slice(0, query.limit);
	}

	async alarms({ limit, before = Number.POSITIVE_INFINITY, alarm }: AlarmQuery) {
		return this.stored()
			.filter((record) => record.kind === "alarm")
			.filter((change) => change.wall < before && (alarm === undefined || change.alarm === alarm))
			.reverse()
			.slice(0, limit);
	}

	async signal() {
		this.stored();
		return this.points;
	}

	async archive() {
		this.stored();
		return undefined;
	}

	async counts() {
		return { samples: this.stored().length, pulses: 0, steps: 0, events: 0 };
	}
}

/** Control as the interface sees it: remembers what it was asked and answers as told. */
export class FakeControl implements ControlPort {
	readonly asked: { command: string; args: object; options: object | undefined }[] = [];
	answer: () => unknown = () => ({});

	async request(command: string, args: object, options?: object): Promise<never> {
		this.asked.push({ command, args, options });
		return this.answer() as never;
	}
}

export async function world(
	options: Partial<AppDeps> & { clock?: Clock; eventsKept?: number; database?: boolean } = {},
) {
	const clock = options.clock ?? new SteppedClock({ wallStartMs: WALL_START });
	const recorder = new Recorder();
	const live = liveState(clock, options.eventsKept === undefined ? {} : { eventsKept: options.eventsKept });
	live.reachedEnd();
	recorder.onRecord((record) => live.apply(record));
	const history = new MemoryHistory(recorder);
	const control = new FakeControl();
	const health = (): ServiceHealth => ({
		database: {
			state: history.isAway ? "unavailable" : "ready",
			detail: "",
			lagRecords: Math.max(0, recorder.records.length - history.storedThrough),
			refusedRecords: 0,
		},
		broker: { state: "ready", url: "mqtt://127.0.0.1:1883" },
		control: { state: "ready" },
		journal: { lastSeq: recorder.records.length },
	});
	const shelf = [{ name: "li", fileName: "li.recipe.yaml", title: "Lithium", text: "adlayer: recipe/1" }];
	const deps: AppDeps = {
		clock,
		live,
		control,
		history: options.database === false ? null : (options.history ?? history),
		descent: options.descent ?? null,
		cellTests: options.cellTests ?? null,
		verdictOf: options.verdictOf ?? (async () => undefined),
		verdictAtHand: () => null,
		files: options.files ?? null,
		recipes: {
			list: async () => shelf.map(({ text: _, ...entry }) => entry),
			read: async (name) => shelf.find((entry) => entry.name === name),
		},
		campaignDocuments: {
			list: async () => [CAMPAIGN_DOCUMENT],
			read: async (name) => (name === CAMPAIGN_DOCUMENT.name ? CAMPAIGN_DOCUMENT : undefined),
		},
		protocols: {
			list: async () => [PROTOCOL_ENTRY],
			read: async (name) =>
				name === PROTOCOL_ENTRY.name ? { ...PROTOCOL_ENTRY, text: await readFile(PROTOCOL_FILE, "utf8") } : undefined,
		},
		check: ({ fileName }) => ({
			ok: true,
			recipe: fileName,
			sha256: "ab",
			problems: [],
			acknowledgements: [],
			dryRun: null,
		}),
		importTable: (request) => importTable({ ...request, library, lab }),
		health,
		version: "0.1.0",
		webFolder: fileURLToPath(new URL("../../src/web", import.meta.url)),
		...(options.limits === undefined ? {} : { limits: options.limits }),
		...(options.hostNames === undefined ? {} : { hostNames: options.hostNames }),
	};
	const app = await buildApp(deps);
	return { app, deps, clock, recorder, live, history, control };
}
