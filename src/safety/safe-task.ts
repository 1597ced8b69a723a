/** One actuator that a safe state moves: tried at once, and again at a bounded rate until it is where it must be. */
import type { Clock } from "#core/clock.js";
import { asAdlayerError } from "#core/errors.js";
import type { RecordSink } from "#record/records.js";
import type { Alarms } from "#safety/alarms.js";
import type { Effect } from "#safety/interlock.js";

/** Wait between two attempts: a silent instrument costs its line a time-out each. */
export const RETRY_MS = 1_000;

export interface SafeOrder {
	readonly effect: Effect;
	readonly cause: string;
}

export interface SafeTaskParts {
	/** What people would call the actuator. */
	readonly title: string;
	readonly instrument: string;
	readonly clock: Clock;
	readonly alarms: Alarms;
	readonly sink: RecordSink;
	/** True before the instrument's first connection: then there is nothing to try yet. */
	isConnecting(): boolean;
	/** Moves the actuator; gives whether it is where it must be. `isFirst`: nothing was done for this order before. */
	act(order: SafeOrder, isFirst: boolean): Promise<boolean>;
}

export class SafeTask {
	private order: SafeOrder | undefined;
	private isDue = false;
	private actedFor: SafeOrder | undefined;
	private isTrying = false;
	private trial: Promise<void> = Promise.resolve();
	private triedMs = Number.NEGATIVE_INFINITY;
	private failure: string | undefined;

	constructor(private readonly on: SafeTaskParts) {}

	get title(): string {
		return this.on.title;
	}

	get instrument(): string {
		return this.on.instrument;
	}

	get isOrdered(): boolean {
		return this.order !== undefined;
	}

	get hasFailed(): boolean {
		return this.failure !== undefined;
	}

	/** True until the actuator is where the order wants it. */
	get isUnfinished(): boolean {
		return this.isDue;
	}

	/** The end of the attempts now under way. */
	get idle(): Promise<void> {
		return this.trial;
	}

	/** A new order, tried now; resolves after the attempt. Never rejects. */
	begin(order: SafeOrder): Promise<void> {
		this.order = order;
		this.isDue = true;
		return this.run();
	}

	/** The order stands, but what was done for it may be undone. */
	again(): void {
		if (this.order !== undefined) void this.begin({ ...this.order });
	}

	retry(): void {
		if (this.isDue && !this.isTrying && this.on.clock.nowMs() - this.triedMs >= RETRY_MS) void this.run();
	}

	/** Nothing more is wanted. */
	release(): void {
		if (this.order === undefined) return;
		this.order = undefined;
		this.isDue = false;
		this.succeeded();
	}

	private run(): Promise<void> {
		if (!this.isTrying) {
			this.isTrying = true;
			this.trial = this.attempts();
		}
		return this.trial;
	}

	/** One attempt, and one more for each order that came meanwhile. */
	private async attempts(): Promise<void> {
		let tried: SafeOrder | undefined;
		while (this.order !== undefined && this.order !== tried) {
			tried = this.order;
			if (!this.on.isConnecting()) await this.attempt(tried);
		}
		this.triedMs = this.on.clock.nowMs();
		this.isTrying = false;
	}

	private async attempt(order: SafeOrder): Promise<void> {
		const isFirst = this.actedFor !== order;
		try {
			const isDone = await this.on.act(order, isFirst);
			if (this.order !== order) return;
			this.actedFor = order;
			this.isDue = !isDone;
			this.succeeded();
		} catch (thrown) {
			// Also when another order has come meanwhile: the actuator is where nobody wants it.
			if (this.order !== undefined) this.failed(asAdlayerError(thrown));
		}
	}

	/** Said once for each kind of failure, and shown as an alarm until it succeeds. */
	private failed({ code, message }: { readonly code: string; readonly message: string }): void {
		const { title, sink, alarms } = this.on;
		if (this.failure !== code) {
			sink.append({
				kind: "note",
				level: "error",
				run: null,
				code,
				message: `Safe state: the ${title} could not be moved: ${message}`,
			});
		}
		this.failure = code;
		alarms.raise({
			alarm: this.alarm,
			message: `The safe state of the ${title} could not be reached: ${message}`,
		});
	}

	private succeeded(): void {
		if (this.failure === undefined) return;
		this.failure = undefined;
		this.on.alarms.cleared(this.alarm);
	}

	/** Id of the alarm that tells of its failure. */
	get alarm(): string {
		return `safe-state.${this.title.replaceAll(" ", "-")}`;
	}
}
