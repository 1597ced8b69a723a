/** What the REST interface needs from the rest of the house; the composition root hands it in. */

import type { Readable } from "node:stream";
import type { LiveState } from "#api/live-state.js";
import type { CommandName, ControlCommands } from "#control-link/messages.js";
import type { Clock } from "#core/clock.js";
import type { CheckJson } from "#recipe/check-json.js";
import type { Imported, ImportRequest } from "#recipe/savannah/import.js";
import type { CellTestHistory, CellTestVerdict } from "#record/cell-test-history.js";
import type { Descent } from "#record/descent.js";
import type { History } from "#record/history.js";
import type { RunState } from "#record/records.js";
import type { ServiceHealth } from "#record/service-status.js";

/** Commands to control; rejects with control's own AdlayerError, or CONTROL_UNREACHABLE. */
export interface ControlPort {
	request<Name extends CommandName>(
		command: Name,
		args: ControlCommands[Name]["args"],
		options?: { ifState?: RunState; timeoutMs?: number },
	): Promise<ControlCommands[Name]["result"]>;
}

/** The recipe files that this service offers, or its campaign documents, or its battery test protocols. */
export interface RecipeShelf {
	list(): Promise<RecipeEntry[]>;
	/** Undefined when there is no recipe of that name. */
	read(name: string): Promise<RecipeFile | undefined>;
}

export interface RecipeEntry {
	/** The file's name without `.recipe.yaml`, `.campaign.yaml` or `.protocol.yaml`. */
	readonly name: string;
	readonly fileName: string;
	readonly title: string;
}

export interface RecipeFile extends RecipeEntry {
	readonly text: string;
}

/** Files by what is in them. */
export interface FileShelf {
	save(source: AsyncIterable<Uint8Array>): Promise<{ sha256: string; bytes: number }>;
	/** Undefined when there is no such file. */
	size(sha256: string): Promise<number | undefined>;
	read(sha256: string): Readable;
}

export interface AppLimits {
	/** Largest request body, bytes: a recipe has to fit the control link's 64 KiB anyway. */
	readonly bodyBytesMax: number;
	/** Followers (server-sent events) at a time. */
	readonly followersMax: number;
	/** A comment line this often keeps proxies and time-outs from closing a quiet stream. */
	readonly heartbeatMs: number;
	/** A follower that takes nothing for this long is dropped. */
	readonly stalledMsMax: number;
	/** How often the state is sent to those who follow it. */
	readonly statusEveryMs: number;
}

export const LIMITS: AppLimits = {
	bodyBytesMax: 256 * 1024,
	followersMax: 64,
	heartbeatMs: 15_000,
	stalledMsMax: 30_000,
	statusEveryMs: 500,
};

export interface AppDeps {
	readonly clock: Clock;
	readonly live: LiveState;
	readonly control: ControlPort;
	/** Null when the service runs without a database. */
	readonly history: History | null;
	/** Likewise. */
	readonly descent: Descent | null;
	/** Battery tests of the past and their rows; null when the service runs without a database. */
	readonly cellTests: CellTestHistory | null;
	/** The verdict of a battery test; undefined when the database has no such test. */
	readonly verdictOf: (cellTest: string) => Promise<CellTestVerdict | null | undefined>;
	/** The last verdict of a battery test that is being followed; null where there is none at hand. */
	readonly verdictAtHand: (cellTest: string) => CellTestVerdict | null;
	/** Files of characterisations; null where there is no place for them. */
	readonly files: FileShelf | null;
	readonly recipes: RecipeShelf;
	readonly campaignDocuments: RecipeShelf;
	readonly protocols: RecipeShelf;
	readonly check: (request: {
		text: string;
		fileName: string;
		set: Record<string, number | string>;
	}) => CheckJson | Promise<CheckJson>;
	/** A Savannah or Fiji table to a recipe for this reactor. */
	readonly importTable: (request: Omit<ImportRequest, "library" | "lab">) => Imported;
	readonly health: () => ServiceHealth;
	readonly version: string;
	/** The folder of the status page: `src/web` of the package. */
	readonly webFolder: string;
	readonly limits?: Partial<AppLimits>;
	/** Names under which the service may be addressed besides localhost and IP addresses; others are refused. */
	readonly hostNames?: readonly string[];
}
