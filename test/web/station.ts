/** A service with a scripted control behind it, on a real socket, and a browser's page of it. Time moves when told to. */
import type { RequestListener, Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { FastifyInstance } from "fastify";
import type { Browser, Page } from "playwright-core";
import { expect } from "vitest";
import { buildApp } from "#api/app.js";
import { LiveState } from "#api/live-state.js";
import type { AppDeps } from "#api/ports.js";
import { SteppedClock } from "#core/clock.js";
import type { AlarmState, RecordBody } from "#record/records.js";
import {
	controlStarted,
	FakeControl,
	MemoryHistory,
	Recorder,
	runCreated,
	runState,
	sample,
	stepEnded,
	stepStarted,
	WALL_START,
	world,
} from "../api/world.js";

const ROLES = {
	foilC: "stage.temperature",
	foilTargetC: "stage.setpoint",
	chamberPa: "gauge.chamber",
	carrierSccm: "carrier.flow",
	carrierTargetSccm: "carrier.setpoint",
	dosingValves: { TMA: "io.TMA", H2O: "io.H2O" },
	stopValve: "io.stop",
	pumpRunning: "io.pump_running",
	lidClosed: "io.lid_closed",
	safeLevels: { "io.pump_running": 1, "io.lid_closed": 0 },
} as const;

/** As the station's lab file states it. */
export const STALE_MS = 3_000;

export const signal = (id: string, unit: "degC" | "Pa" | "sccm" | "bool" | "V") =>
	({ id, unit, signalKind: "measurement", description: id, staleMs: STALE_MS }) as const;

const SIGNALS = [
	signal("stage.temperature", "degC"),
	signal("stage.setpoint", "degC"),
	signal("gauge.chamber", "Pa"),
	signal("carrier.flow", "sccm"),
	signal("carrier.setpoint", "sccm"),
	...["TMA", "H2O", "stop", "pump_running", "lid_closed"].map((name) => signal(`io.${name}`, "bool")),
];

const RECIPE_TEXT = `adlayer: recipe/1
name: li
parameters:
  cycles: { title: Deposition cycles, unit: cycles, min: 1, max: 500, default: 200, integer: true }
`;

/** What the instruments read, until told otherwise; null is a fault. An instrument that is left out is silent. */
export type Readings = Record<string, Record<string, number | null>>;

export const READINGS: Readings = {
	stage: { temperature: 120.04, setpoint: 120 },
	gauge: { chamber: 85.9 },
	carrier: { flow: 99.96, setpoint: 100 },
	io: { TMA: 0, H2O: 0, stop: 1, pump_running: 1, lid_closed: 0 },
};

export interface StationOptions {
	readonly simulated?: boolean;
	/** Signals besides the reactor's. */
	readonly signals?: readonly ReturnType<typeof signal>[];
	/** What the service has besides what every station's has. */
	readonly deps?: Partial<AppDeps>;
	/** What each request waits for before the service sees it. */
	readonly delay?: (path: string) => Promise<void>;
}

/** What the pages ask by themselves is no command of a person. */
class CommandedControl extends FakeControl {
	queue: object = { campaigns: [], next: null };
	tests: readonly object[] = [];
	/** Where there are more than fit on a page. */
	total: number | undefined;
	cyclers: Readonly<Record<string, readonly string[]>> = {};

	override request(command: string, args: object, options?: object): Promise<never> {
		const questions: Record<string, object> = {
			campaigns: this.queue,
			"cell-tests": { tests: this.tests, total: this.total ?? this.tests.length },
			cyclers: { cyclers: this.cyclers },
		};
		const told = questions[command];
		return told === undefined ? super.request(command, args, options) : Promise.resolve(told as never);
	}
}

export class Station {
	readonly recorder = new Recorder();
	readonly control = new CommandedControl();
	readonly history = new MemoryHistory(this.recorder);
	readonly clock = new SteppedClock({ wallStartMs: WALL_START });
	readings: Readings = structuredClone(READINGS);
	private readonly live: LiveState;
	private app: FastifyInstance | undefined;
	private port = 0;

	private constructor(private readonly options: StationOptions) {
		const simulated = options.simulated ?? true;
		this.live = new LiveState({
			clock: this.clock,
			station: "sim1",
			simulated,
			speed: 1,
			version: "0.1.0",
			roles: ROLES,
		});
		this.live.reachedEnd();
		this.recorder.onRecord((record) => this.live.apply(record));
		this.recorder.write({
			...controlStarted,
			simulated,
			signals: [...SIGNALS, ...(options.signals ?? [])],
		} as RecordBody);
		for (const instrument of Object.keys(READINGS)) this.write(this.instrument(instrument, "ready"));
	}

	static async start(options: StationOptions = {}): Promise<Station> {
		const station = new Station(options);
		await station.listen();
		await station.pass(500);
		return station;
	}

	get url(): string {
		return `http://127.0.0.1:${this.port}/`;
	}

	/** Starts the service, on its former port when it had one. */
	async listen(): Promise<void> {
		const { deps } = await world();
		const { options, live, control, history, clock } = this;
		this.app = await buildApp({
			...deps,
			clock,
			live,
			control,
			history,
			recipes: {
				list: async () => [{ name: "li", fileName: "li.recipe.yaml", title: "Lithium foil" }],
				read: async () => ({ name: "li", fileName: "li.recipe.yaml", title: "Lithium foil", text: RECIPE_TEXT }),
			},
			...options.deps,
		});
		if (options.delay !== undefined) delayRequests(this.app.server, options.delay);
		await this.app.listen({ host: "127.0.0.1", port: this.port });
		this.port = (this.app.server.address() as AddressInfo).port;
	}

	async close(): Promise<void> {
		await this.app?.close();
	}

	write(body: RecordBody): void {
		this.recorder.write(body);
	}

	instrument(instrument: string, state: "ready" | "fault"): RecordBody {
		const error = { code: "DEVICE_SILENT", message: `The instrument ${instrument} does not answer.` };
		const identity = { manufacturer: "Maker", model: "Model 1", serial: "1", firmware: "1" };
		const common = { kind: "instrument", instrument, driver: "some-driver", address: "simulated:line" } as const;
		return state === "ready" ? { ...common, state, identity } : { ...common, state, error };
	}

	alarm(alarm: string, state: AlarmState, by?: string, more: { reason?: string; until?: number } = {}): RecordBody {
		return {
			kind: "alarm",
			alarm,
			state,
			priority: "high",
			message: "The carrier flow is 0 sccm.",
			response: "Check the gas supply.",
			...(by === undefined ? {} : { by }),
			...more,
		};
	}

	/** Lets time pass with a poll of every instrument each half second, and the state sent as often. */
	async pass(ms: number): Promise<void> {
		for (let passed = 0; passed < ms; passed += 500) {
			this.recorder.t += 500;
			for (const [instrument, values] of Object.entries(this.readings)) this.write(sample(instrument, values));
			await this.clock.advance(500);
		}
	}

	/** Lets time pass without a word from control; the service goes on sending what it knows. */
	async controlSilent(ms: number): Promise<void> {
		await this.clock.advance(ms);
	}
}

/** On the service's side: a page that is already open may send past what its browser is told to intercept. */
function delayRequests(server: Server, delay: (path: string) => Promise<void>): void {
	const answers = server.listeners("request") as RequestListener[];
	server.removeAllListeners("request");
	server.on("request", async (request, reply) => {
		await delay(request.url ?? "");
		for (const answer of answers) answer(request, reply);
	});
}

export interface Visit {
	readonly page: Page;
	/** Everything the page logged as an error or threw. */
	readonly errors: string[];
}

/** Opens the page; the browser's time stands still afterwards and moves with `page.clock.fastForward`. */
export async function visit(
	browser: Browser,
	station: Station,
	options: { viewport?: { width: number; height: number }; path?: string } = {},
): Promise<Visit> {
	const { viewport = { width: 1024, height: 768 }, path = "" } = options;
	const context = await browser.newContext({ viewport, timezoneId: "UTC" });
	const page = await context.newPage();
	const errors: string[] = [];
	page.on("console", (message) => {
		if (message.type() === "error" || message.type() === "warning") errors.push(message.text());
	});
	page.on("pageerror", (error) => errors.push(error.message));
	await page.clock.install({ time: WALL_START });
	await page.goto(`${station.url}${path}`);
	await stopTime(page);
	return { page, errors };
}

/** By a step too short for anything that the page waits for to be given up. */
async function stopTime(page: Page): Promise<void> {
	for (let tries = 1; ; tries += 1) {
		const now = await page.evaluate(() => Date.now());
		try {
			await page.clock.pauseAt(now + 1_000);
			return;
		} catch (thrown) {
			// The page's time was past that instant before it could be stopped there.
			if (tries === 10) throw thrown;
		}
	}
}

/** A run of three cycles in the second one. */
export function aRun(station: Station): void {
	station.write(runCreated());
	station.write(runState("idle", "running"));
	station.write(stepStarted({ index: 0, phase: "heat", title: "Heat stage to 120 °C", plannedS: 40 }));
	station.write(stepEnded(0));
	station.write(stepStarted({ index: 1, cycle: 2, title: "Purge TMA 5 s" }));
}

/** Waits until an element's text is what is wanted; fails with the text that it has instead. */
export async function text(page: Page, selector: string, wanted: string | RegExp): Promise<void> {
	await expect
		.poll(async () => (await page.locator(selector).allInnerTexts()).join(" ").replace(/\s+/g, " "), {
			message: selector,
		})
		.toMatch(typeof wanted === "string" ? new RegExp(escaped(wanted)) : wanted);
}

const escaped = (wanted: string) => wanted.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
