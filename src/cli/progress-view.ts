/** Keeps the live view on a terminal up to date, or writes a line now and then where there is none. */

import type { RunWatcher } from "#cli/follow.js";
import type { Output } from "#cli/output.js";
import { renderProgress, renderProgressLine } from "#cli/progress.js";
import type { Clock } from "#core/clock.js";
import type { ControlStatus } from "#record/status.js";

const LINE_EVERY_MS = 10_000;
const LOST = "No connection to the service; trying again. The run goes on.";

export class ProgressView implements RunWatcher {
	private linesOnScreen = 0;
	private lineAtMs = Number.NEGATIVE_INFINITY;
	private shownKey = "";
	private isLost = false;
	private last: ControlStatus | undefined;

	constructor(
		private readonly out: Output,
		private readonly clock: Clock,
		/** Only this run is drawn: before its first record the service may still show the one before. */
		private readonly run: string,
	) {}

	status(status: ControlStatus): void {
		if (status.run?.run !== this.run) return;
		this.last = status;
		if (this.out.people.isTTY) this.draw();
		else this.maybeLine(status);
	}

	connection(lost: boolean): void {
		if (lost === this.isLost) return;
		this.isLost = lost;
		if (this.out.people.isTTY) this.draw();
		else this.out.line(lost ? LOST : "The service is back.");
	}

	private draw(): void {
		const present = this.isLost && this.last !== undefined ? withoutValues(this.last) : this.last;
		const lines = present === undefined ? [] : renderProgress(present, this.out.width - 1);
		if (this.isLost) lines.push(LOST);
		const back = this.linesOnScreen > 0 ? `\x1b[${this.linesOnScreen}A` : "";
		this.out.people.write(`${back}\x1b[0J${lines.map((line) => `${line}\n`).join("")}`);
		this.linesOnScreen = lines.length;
	}

	private maybeLine(status: ControlStatus): void {
		const { run } = status;
		const key = `${run?.state} ${run?.step?.phase} ${status.alarms.map(({ alarm, state }) => alarm + state).join()}`;
		const now = this.clock.nowMs();
		if (key === this.shownKey && now - this.lineAtMs < LINE_EVERY_MS) return;
		this.shownKey = key;
		this.lineAtMs = now;
		this.out.line(renderProgressLine(status));
	}
}

/** What was last heard, once nothing is heard any more: every value is stale. */
function withoutValues(status: ControlStatus): ControlStatus {
	const stale = Object.entries(status.signals).map(([id, signal]) => [id, { ...signal, quality: "stale" as const }]);
	return { ...status, signals: Object.fromEntries(stale) };
}
