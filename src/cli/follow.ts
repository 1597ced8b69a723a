/** Follows a run over REST until its end, through losses of the connection and restarts of the service. */

import type { RestClient } from "#cli/rest-client.js";
import type { Clock, Timer } from "#core/clock.js";
import { AdlayerError, asAdlayerError } from "#core/errors.js";
import type { AnnealFacts, RunDetail } from "#record/history.js";
import type { JournalRecord, RunState } from "#record/records.js";
import type { ServiceHealth } from "#record/service-status.js";
import type { ControlStatus, CycleCount } from "#record/status.js";

const STATUS_EVERY_MS = 500;
const RETRY_MS = 1_000;
/** After this long without the service the command gives up; the run itself goes on. */
const LOSS_MS_MAX = 600_000;
/** Between a run's final state and its last figures. */
const LAST_FIGURES_MS = 10_000;
/** Wait for the database to have taken the run's last rows. */
const STORED_MS_MAX = 20_000;
const STORED_EVERY_MS = 250;

const FINAL: ReadonlySet<RunState> = new Set<RunState>(["complete", "stopped", "aborted"]);

/** What is shown while a run goes on. */
export interface RunWatcher {
	status(status: ControlStatus): void;
	connection(lost: boolean): void;
}

/** The JSON form of `adlayer run`. */
export interface RunResult {
	readonly ok: boolean;
	readonly run: string;
	readonly state: RunState;
	readonly product: string;
	readonly cycles: CycleCount;
	readonly peakFoilC: number | null;
	readonly worstPulseErrorMs: number | null;
	/** Rows of the run in the database; null without one. */
	readonly rows: number | null;
	readonly durationS: number | null;
	readonly anneals: readonly AnnealFacts[];
}

export interface FollowOptions {
	readonly rest: RestClient;
	readonly run: string;
	readonly clock: Clock;
	readonly watcher: RunWatcher;
	readonly interrupted: AbortSignal;
	readonly lossMsMax?: number;
}

/** Resolves with the run's figures once it has ended. Rejects with INTERRUPTED or, after a long loss, SERVICE_UNREACHABLE. */
export async function followRun(options: FollowOptions): Promise<RunResult> {
	const { rest, run, interrupted } = options;
	const over = new AbortController();
	const showing = showStatus(options, AbortSignal.any([interrupted, over.signal]));
	try {
		await untilEnd(options);
	} finally {
		over.abort();
		await showing;
	}
	await untilStored(options);
	const detail = await rest.get<RunDetail & { rows: Record<string, number> | null }>(
		`/runs/${encodeURIComponent(run)}`,
	);
	const cycles = detail.cycles ?? { ordered: 0, complete: 0, repeated: 0, unknown: 0 };
	return {
		ok: detail.state === "complete" && cycles.complete === cycles.ordered,
		run,
		state: detail.state,
		product: detail.product,
		cycles,
		peakFoilC: detail.peakFoilC,
		worstPulseErrorMs: detail.worstPulseErrorMs,
		rows: detail.rows === null ? null : Object.values(detail.rows).reduce((sum, count) => sum + count, 0),
		durationS: detail.durationS,
		anneals: detail.anneals,
	};
}

/** Reads the run's events, each once, until the last of them. */
async function untilEnd({
	rest,
	run,
	clock,
	watcher,
	interrupted,
	lossMsMax = LOSS_MS_MAX,
}: FollowOptions): Promise<void> {
	let lastId: string | undefined;
	let lostSinceMs: number | undefined;
	let isFinal = false;
	let isFinished = false;
	let lastFigures: Timer | undefined;
	const ending = new AbortController();
	const signal = AbortSignal.any([interrupted, ending.signal]);
	for (;;) {
		try {
			for await (const event of rest.events(`/runs/${encodeURIComponent(run)}/events`, { lastId, signal })) {
				if (lostSinceMs !== undefined) watcher.connection(false);
				lostSinceMs = undefined;
				lastId = event.id ?? lastId;
				const record = JSON.parse(event.data) as JournalRecord;
				if (record.kind === "run-finished") isFinished = true;
				if (record.kind === "run-state" && FINAL.has(record.to)) isFinal = true;
				if (isFinal && isFinished) {
					lastFigures?.cancel();
					return;
				}
				if (isFinal || isFinished) lastFigures ??= clock.setTimer(LAST_FIGURES_MS, () => ending.abort());
			}
		} catch (thrown) {
			if (interrupted.aborted) throw interruption(run);
			if (ending.signal.aborted) return;
			const error = asAdlayerError(thrown);
			if (error.code === "RUN_NOT_FOUND" || error.code === "USAGE") throw error;
			if (await hasEnded(rest, run)) return;
			lostSinceMs ??= clock.nowMs();
			if (clock.nowMs() - lostSinceMs > lossMsMax) throw error;
		}
		if (lostSinceMs === undefined) lostSinceMs = clock.nowMs();
		watcher.connection(true);
		await clock.sleep(RETRY_MS, interrupted).catch(() => {
			throw interruption(run);
		});
	}
}

/** For a service that has lost the events (restarted, without a database): its present state still tells the end. */
async function hasEnded(rest: RestClient, run: string): Promise<boolean> {
	const status = await rest.get<ControlStatus>("/status").catch(() => undefined);
	return status?.run?.run === run && FINAL.has(status.run.state);
}

async function showStatus({ rest, clock, watcher }: FollowOptions, signal: AbortSignal): Promise<void> {
	while (!signal.aborted) {
		const status = await rest.get<ControlStatus>("/status").catch(() => undefined);
		if (signal.aborted) return;
		if (status !== undefined) watcher.status(status);
		await clock.sleep(STATUS_EVERY_MS, signal).catch(() => {});
	}
}

async function untilStored({ rest, clock, interrupted }: FollowOptions): Promise<void> {
	const endMs = clock.nowMs() + STORED_MS_MAX;
	while (clock.nowMs() < endMs && !interrupted.aborted) {
		const health = await rest.get<ServiceHealth>("/health").catch(() => undefined);
		if (health !== undefined && (health.database.state !== "ready" || health.database.lagRecords === 0)) return;
		await clock.sleep(STORED_EVERY_MS, interrupted).catch(() => {});
	}
}

function interruption(run: string): AdlayerError {
	return new AdlayerError("INTERRUPTED", `Run ${run} is no longer followed; it goes on.`, {
		hint: "Look with adlayer status; end it with adlayer hold or adlayer abort.",
	});
}
