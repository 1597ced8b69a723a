/** The rows of runs, steps and instruments that follow from a batch of records. */
import type { ClientBase } from "pg";
import type {
	InstrumentRecord,
	JournalRecord,
	RecordBase,
	RunCreated,
	RunFinished,
	StepEnded,
	StepStarted,
} from "#record/records.js";
import { cleanText } from "./copy-rows.js";

/** A value for each column; columns are given in the order of the keys. */
type Row = Record<string, unknown>;

interface StepRow {
	readonly started: StepStarted & RecordBase;
	ended?: StepEnded & RecordBase;
}

/** Collects, in order, what the batch does to the tables that are not one row per record. */
export class RunTables {
	private readonly created: (RunCreated & RecordBase)[] = [];
	private readonly states = new Map<string, { state: string; ended: (RunFinished & RecordBase) | undefined }>();
	private readonly steps: StepRow[] = [];
	/** The newest row of each step in this batch. */
	private readonly openSteps = new Map<string, StepRow>();
	/** Ends of steps that started in an earlier batch. */
	private readonly endedElsewhere: (StepEnded & RecordBase)[] = [];
	private readonly instruments = new Map<string, InstrumentRecord & RecordBase>();

	constructor(
		private readonly journal: string,
		private readonly station: string,
	) {}

	follow(record: JournalRecord): void {
		switch (record.kind) {
			case "run-created":
				this.created.push(record);
				this.states.set(record.run, { state: "idle", ended: undefined });
				break;
			case "run-state":
				this.states.set(record.run, { state: record.to, ended: this.states.get(record.run)?.ended });
				break;
			case "run-finished":
				this.states.set(record.run, { state: record.state, ended: record });
				break;
			case "step-started": {
				const step: StepRow = { started: record };
				this.steps.push(step);
				this.openSteps.set(`${record.run} ${record.index}`, step);
				break;
			}
			case "step-ended": {
				const key = `${record.run} ${record.index}`;
				const step = this.openSteps.get(key);
				if (step === undefined) this.endedElsewhere.push(record);
				else step.ended = record;
				this.openSteps.delete(key);
				break;
			}
			case "instrument":
				this.instruments.set(record.instrument, record);
				break;
			default:
		}
	}

	async write(client: ClientBase): Promise<void> {
		for (const record of this.created) await insert(client, "runs", this.runRow(record), "(run) DO NOTHING");
		for (const [run, { state, ended }] of this.states) await writeState(client, run, state, ended);
		await this.writeSteps(client);
		for (const record of this.instruments.values()) {
			await insert(client, "instruments", this.instrumentRow(record), INSTRUMENT_UPDATE);
		}
	}

	private runRow(record: RunCreated & RecordBase): Row {
		return {
			run: record.run,
			journal: this.journal,
			created_seq: record.seq,
			station: this.station,
			recipe: record.recipe,
			recipe_version: record.recipeVersion,
			recipe_text: record.recipeText,
			recipe_sha256: record.recipeSha256,
			parameters: JSON.stringify(record.parameters),
			sample: record.sample,
			product: record.product,
			operator: record.operator,
			acknowledged: record.acknowledged,
			lab_file_text: record.labFileText,
			lab_file_sha256: record.labFileSha256,
			software_version: record.softwareVersion,
			simulated: record.simulated,
			material: record.material,
			melting_point_degc: record.meltingPointC,
			never_above_degc: record.neverAboveC,
			plan: JSON.stringify(record.plan),
			state: "idle",
			created_at: new Date(record.wall),
			planned_s: record.plan.totalS,
		};
	}

	private instrumentRow(record: InstrumentRecord & RecordBase): Row {
		return {
			station: this.station,
			instrument: record.instrument,
			driver: record.driver,
			address: record.address,
			state: record.state,
			manufacturer: record.identity?.manufacturer ?? null,
			model: record.identity?.model ?? null,
			serial: record.identity?.serial ?? null,
			firmware: record.identity?.firmware ?? null,
			error_code: record.error?.code ?? null,
			error_message: record.error?.message ?? null,
			updated_at: new Date(record.wall),
		};
	}

	private async writeSteps(client: ClientBase): Promise<void> {
		for (const ended of this.endedElsewhere) {
			await client.query(
				`UPDATE steps SET outcome = $3, actual_s = $4, detail = $5, ended_at = $6
				WHERE (journal, started_seq) = (SELECT journal, started_seq FROM steps WHERE run = $1 AND index = $2 AND outcome IS NULL ORDER BY started_seq DESC LIMIT 1)`,
				[ended.run, ended.index, ended.outcome, ended.actualS, clean(ended.detail ?? null), new Date(ended.wall)],
			);
		}
		if (this.steps.length === 0) return;
		const column = (pick: (step: StepRow) => unknown) => this.steps.map((step) => clean(pick(step)));
		await client.query(
			`INSERT INTO steps (journal, started_seq, run, index, path, phase, type, title, cycle, planned_s, actual_s, outcome, detail, started_at, ended_at)
			SELECT $1, * FROM unnest($2::bigint[], $3::text[], $4::int[], $5::text[], $6::text[], $7::text[], $8::text[], $9::int[], $10::float8[],
				$11::float8[], $12::text[], $13::text[], $14::timestamptz[], $15::timestamptz[])`,
			[
				this.journal,
				column(({ started }) => started.seq),
				column(({ started }) => started.run),
				column(({ started }) => started.index),
				column(({ started }) => started.path),
				column(({ started }) => started.phase),
				column(({ started }) => started.type),
				column(({ started }) => started.title),
				column(({ started }) => started.cycle ?? null),
				column(({ started }) => started.plannedS),
				column(({ ended }) => ended?.actualS ?? null),
				column(({ ended }) => ended?.outcome ?? null),
				column(({ ended }) => ended?.detail ?? null),
				column(({ started }) => new Date(started.wall).toISOString()),
				column(({ ended }) => (ended === undefined ? null : new Date(ended.wall).toISOString())),
			],
		);
	}
}

const INSTRUMENT_UPDATE = `(station, instrument) DO UPDATE SET driver = EXCLUDED.driver, address = EXCLUDED.address, state = EXCLUDED.state,
	manufacturer = coalesce(EXCLUDED.manufacturer, instruments.manufacturer), model = coalesce(EXCLUDED.model, instruments.model),
	serial = coalesce(EXCLUDED.serial, instruments.serial), firmware = coalesce(EXCLUDED.firmware, instruments.firmware),
	error_code = EXCLUDED.error_code, error_message = EXCLUDED.error_message, updated_at = EXCLUDED.updated_at`;

function clean(value: unknown): unknown {
	if (Array.isArray(value)) return value.map(clean);
	return typeof value === "string" ? cleanText(value) : value;
}

async function insert(client: ClientBase, table: string, row: Row, onConflict: string): Promise<void> {
	const columns = Object.keys(row);
	const places = columns.map((_, index) => `$${index + 1}`);
	await client.query(
		`INSERT INTO ${table} (${columns.join(", ")}) VALUES (${places.join(", ")}) ON CONFLICT ${onConflict}`,
		Object.values(row).map(clean),
	);
}

async function writeState(
	client: ClientBase,
	run: string,
	state: string,
	ended: (RunFinished & RecordBase) | undefined,
): Promise<void> {
	await client.query("UPDATE runs SET state = $2 WHERE run = $1", [run, state]);
	if (ended === undefined) return;
	const { cycles, anneal } = ended;
	await client.query(
		`UPDATE runs SET product = $2, ended_at = $3, cycles_ordered = $4, cycles_complete = $5, cycles_repeated = $6, cycles_unknown = $7, worst_pulse_error_ms = $8,
			peak_foil_degc = $9, peak_foil_uncertainty_degc = $10, anneal_in_band_s = $11, anneal_maximum_degc = $12, duration_s = $13, planned_s = $14
		WHERE run = $1`,
		[
			run,
			clean(ended.product),
			new Date(ended.wall),
			cycles.ordered,
			cycles.complete,
			cycles.repeated,
			cycles.unknown,
			ended.worstPulseErrorMs,
			ended.peakFoilC,
			ended.peakFoilUncertaintyC,
			anneal?.inBandS ?? null,
			anneal?.maximumC ?? null,
			ended.durationS,
			ended.plannedS,
		],
	);
}
