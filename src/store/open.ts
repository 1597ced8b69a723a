/** The store as a whole: a database of our own or another's, the journal flowing into it, and answers about the past. */
import type { Clock } from "#core/clock.js";
import type { Batch, JournalReader } from "#journal/reader.js";
import type { CellTestHistory } from "#record/cell-test-history.js";
import type { Descent } from "#record/descent.js";
import type { History } from "#record/history.js";
import type { ServiceHealth } from "#record/service-status.js";
import { StoreCellTests } from "./cell-tests.js";
import { Database } from "./database.js";
import { StoreDescent } from "./descent.js";
import { EmbeddedSupervisor } from "./embedded-supervisor.js";
import { StoreHistory } from "./history.js";
import { Ingester } from "./ingester.js";
import { migrate } from "./migrate.js";
import { RefusedRecords } from "./refused-records.js";

export interface StoreOptions {
	/** A PostgreSQL server (`DATABASE_URL`); without it an embedded one is run on `embeddedFolder`. */
	readonly databaseUrl?: string;
	readonly embeddedFolder: string;
	/** Where the records are kept that the database refuses. */
	readonly refusedFile: string;
	/** The journal to take over; the store reads it to its end and acknowledges. */
	readonly reader: JournalReader;
	readonly clock: Clock;
	/** Whose signals `history` means where several reactors share the database; all when left out. */
	readonly station?: string;
	/** Told of each batch of the journal once it is in the database. */
	readonly taken?: (batch: Batch) => void;
}

export interface Store {
	readonly history: History;
	readonly descent: Descent;
	readonly cellTests: CellTestHistory;
	readonly ingester: Ingester;
	/** The embedded server, unless there is another. */
	readonly embedded: EmbeddedSupervisor | undefined;
	/** Address of the database; undefined while there is none. Holds a password. */
	url(): string | undefined;
	health(): ServiceHealth["database"];
	/** Ends ingestion after the present batch, closes connections, stops the embedded server. */
	close(): Promise<void>;
}

/** Returns at once and never throws: the database comes up, and back, in the background. */
export function openStore(options: StoreOptions): Store {
	const { databaseUrl, reader, clock, station, taken } = options;
	const embedded = databaseUrl === undefined ? new EmbeddedSupervisor(options.embeddedFolder, clock) : undefined;
	const url = () => databaseUrl ?? embedded?.url;
	const database = new Database(url);
	const ingester = new Ingester({
		reader,
		url,
		clock,
		refused: new RefusedRecords(options.refusedFile),
		prepare: migrate,
		...(taken === undefined ? {} : { taken }),
	});
	ingester.start();
	return {
		history: new StoreHistory(database, station),
		descent: new StoreDescent(database, clock),
		cellTests: new StoreCellTests(database),
		ingester,
		embedded,
		url,
		health: () => {
			const { state, detail, lagRecords, refusedRecords } = ingester.health();
			const refused =
				refusedRecords > 0
					? `${refusedRecords} ${refusedRecords === 1 ? "record was" : "records were"} refused by the database: ${options.refusedFile}.`
					: "";
			const said = [embedded?.problem, detail, refused].filter(Boolean).join(" ");
			return { state, detail: said, lagRecords, refusedRecords };
		},
		close: async () => {
			await ingester.stop();
			await reader.close();
			await database.close();
			await embedded?.stop();
		},
	};
}
