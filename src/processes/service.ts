/** The service process: reads the journal into the database, publishes it, and serves REST, events and the page. */
import { randomUUID } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { buildApp } from "#api/app.js";
import { LiveState } from "#api/live-state.js";
import type { RecipeEntry, RecipeShelf } from "#api/ports.js";
import { SettledControl } from "#api/settled-control.js";
import { DETAIL_CHARS_MAX } from "#control-link/arguments.js";
import { ControlClient } from "#control-link/client.js";
import { type Clock, SystemClock } from "#core/clock.js";
import { AdlayerError, asAdlayerError } from "#core/errors.js";
import { JournalReader } from "#journal/reader.js";
import { type EmbeddedBroker, startBroker } from "#publish/broker.js";
import { Publisher } from "#publish/publisher.js";
import { checkRecipe } from "#recipe/check.js";
import { toCheckJson } from "#recipe/check-json.js";
import { loadLibrary } from "#recipe/library-files.js";
import { importTable } from "#recipe/savannah/import.js";
import { readYaml } from "#recipe/yaml-document.js";
import type { ServiceReport } from "#record/service-status.js";
import { cellFacts } from "#src/cell-facts.js";
import { labFacts } from "#src/config/lab-facts.js";
import { foilTemperature, signalRoles } from "#src/config/views.js";
import { loadLabFile } from "#src/config.js";
import { dataFolder, RECIPES_DIR, ROOT, VERSION } from "#src/processes/files.js";
import type { ProcessOptions, Started } from "#src/processes/process.js";
import { RunningVerdicts } from "#src/verdicts/running-verdicts.js";
import { TestItems } from "#src/verdicts/test-items.js";
import { ItemFiles } from "#store/item-files.js";
import { openStore } from "#store/open.js";

/** Records taken into the live state before other work of the process gets its turn. */
const LIVE_BATCH_RECORDS = 2_000;
const CONTROL_ASK_MS = 2_000;
const REPORT_EVERY_MS = 1_000;
const REPORT_MS_MAX = 2_000;
const TAKE_UP_AGAIN_MS = 1_000;
const TAKE_UP_EVERY_MS = 30_000;
const MQTT_PORT = 1883;

export async function startService({ dataDir, labFile, speed, port }: ProcessOptions): Promise<Started> {
	const files = dataFolder(dataDir);
	const lab = loadLabFile(labFile);
	const clock = new SystemClock();
	const library = loadLibrary(RECIPES_DIR);
	const control = new ControlClient(files.controlSocket, clock);
	const live = new LiveState({
		clock,
		station: lab.content.station,
		simulated: lab.simulated,
		speed,
		version: VERSION,
		roles: signalRoles(lab),
		foilC: foilTemperature(lab),
	});
	const verdicts: { running?: RunningVerdicts } = {};
	const store = openStore({
		taken: ({ lines }) => verdicts.running?.take(lines.map(({ record }) => record)),
		...(process.env.DATABASE_URL === undefined ? {} : { databaseUrl: process.env.DATABASE_URL }),
		embeddedFolder: files.postgres,
		refusedFile: files.refusedRecords,
		reader: new JournalReader({ dir: files.journal, name: "store", clock }),
		clock,
		station: lab.content.station,
	});
	const following = new AbortController();
	const followed = follow(
		live,
		new JournalReader({ dir: files.journal, name: "live", clock, from: { journal: "", seq: 0 } }),
		following.signal,
	);
	const broker: EmbeddedBroker | undefined =
		process.env.MQTT_URL === undefined ? await dashboardBroker(port) : undefined;
	const mqttUrl = process.env.MQTT_URL ?? broker!.url;
	const publisher = new Publisher({
		clock,
		url: mqttUrl,
		station: lab.content.station,
		source: live,
		...(broker === undefined ? {} : { login: broker.login }),
	});
	publisher.start();
	const testItems = new TestItems({ descent: store.descent, software: `adlayer ${VERSION}`, failed: complain });
	const running = new RunningVerdicts({
		history: store.cellTests,
		factsOf: cellFacts,
		changed: (test) => {
			publisher.cellTest(test);
			testItems.follow(test);
		},
		ended: (test) => testItems.conclude(test),
		failed: complain,
	});
	verdicts.running = running;
	const instance = randomUUID();
	const report = (leaving: boolean): ServiceReport => {
		const { state, detail, refusedRecords } = store.health();
		return {
			instance,
			leaving,
			database: { state, detail: detail.slice(0, DETAIL_CHARS_MAX), refusedRecords },
			broker: publisher.connected
				? { state: "ready", detail: "" }
				: { state: "unavailable", detail: `no connection to ${withoutLogin(mqttUrl)}.`.slice(0, DETAIL_CHARS_MAX) },
		};
	};
	const reporting = reportRegularly(control, report, clock, following.signal);
	const app = await buildApp(
		{
			clock,
			live,
			control: new SettledControl(control, live, clock),
			history: store.history,
			descent: store.descent,
			cellTests: store.cellTests,
			verdictOf: (cellTest) => running.verdictOf(cellTest),
			verdictAtHand: (cellTest) => running.of(cellTest)?.verdict ?? null,
			files: new ItemFiles(files.files),
			recipes: shelf(RECIPES_DIR, ".recipe.yaml"),
			campaignDocuments: shelf(join(RECIPES_DIR, "campaigns"), ".campaign.yaml"),
			protocols: shelf(join(RECIPES_DIR, "protocols"), ".protocol.yaml"),
			check: ({ text, fileName, set }) =>
				toCheckJson(checkRecipe({ text, fileName, set, library, lab: labFacts(lab) })),
			importTable: (request) => importTable({ ...request, library, lab: labFacts(lab) }),
			health: () => ({
				database: store.health(),
				broker: { state: publisher.connected ? "ready" : "unavailable", url: withoutLogin(mqttUrl) },
				control: { state: live.fresh ? "ready" : "unavailable" },
				journal: { lastSeq: live.lastSeq },
			}),
			version: VERSION,
			webFolder: join(ROOT, "src/web"),
		},
		{ logger: true },
	);
	const host = process.env.ADLAYER_HOST ?? "127.0.0.1";
	await listen(app, host, port);
	const asking = adoptRegularly(live, control, clock, following.signal);
	const takingUp = takeUpTests(running, clock, following.signal);
	return {
		ready: { url: `http://${host}:${(app.server.address() as AddressInfo).port}`, mqttUrl: withoutLogin(mqttUrl) },
		async stop() {
			following.abort();
			// The farewell is the last that control hears.
			await reporting;
			await control.request("report-service", report(true), { timeoutMs: REPORT_MS_MAX }).catch(() => {});
			await app.close();
			await publisher.stop();
			await Promise.all([followed, asking, takingUp]);
			await running.settled();
			await store.close();
			await broker?.close();
		},
	};
}

const complain = (message: string) => console.error(`adlayer service: ${message}`);

/**
 * What is open in the database is evaluated from where it stood, as soon as there is a database; and what ended without its
 * end coming to be known is made up for, also when only the database was away at that moment.
 */
async function takeUpTests(running: RunningVerdicts, clock: Clock, signal: AbortSignal): Promise<void> {
	while (!signal.aborted) {
		const waitMs = await running.takeUp().then(
			() => TAKE_UP_EVERY_MS,
			() => TAKE_UP_AGAIN_MS,
		);
		await clock.sleep(waitMs, signal).catch(() => {});
	}
}

async function listen(app: Awaited<ReturnType<typeof buildApp>>, host: string, port: number): Promise<void> {
	try {
		await app.listen({ host, port });
	} catch (cause) {
		const { code } = cause as NodeJS.ErrnoException;
		const why =
			code === "EADDRINUSE" ? "something else listens there" : code === "EACCES" ? "permission is denied" : code;
		throw new AdlayerError("PORT_UNAVAILABLE", `Port ${port} on ${host} cannot be opened: ${why}.`, { cause });
	}
}

/** Keeps the live state at the journal's end. A journal that cannot be read leaves every value stale and is tried again. */
async function follow(live: LiveState, reader: JournalReader, signal: AbortSignal): Promise<void> {
	const clock = new SystemClock();
	while (!signal.aborted) {
		try {
			const batch = await reader.read(LIVE_BATCH_RECORDS);
			if (batch === undefined) {
				live.reachedEnd();
				await clock.sleep(50, signal).catch(() => {});
				continue;
			}
			for (const { record } of batch.lines) live.apply(record);
			await turn();
		} catch (thrown) {
			console.error(`adlayer service: the journal could not be read: ${asAdlayerError(thrown).message}`);
			await clock.sleep(1_000, signal).catch(() => {});
		}
	}
	await reader.close();
}

/** What the journal's records do not tell (anneal minutes, the end of a run that control gave up) comes from control itself. */
async function adoptRegularly(
	live: LiveState,
	control: ControlClient,
	clock: Clock,
	signal: AbortSignal,
): Promise<void> {
	while (!signal.aborted) {
		await control
			.request("status", {}, { timeoutMs: CONTROL_ASK_MS })
			.then((status) => live.adopt(status))
			.catch(() => {});
		await clock.sleep(CONTROL_ASK_MS, signal).catch(() => {});
	}
}

/** Tells control how database and broker are, and by that of the service itself. Control may be away: it is told when it is back. */
async function reportRegularly(
	control: ControlClient,
	report: (leaving: boolean) => ServiceReport,
	clock: Clock,
	signal: AbortSignal,
): Promise<void> {
	while (!signal.aborted) {
		await control.request("report-service", report(false), { timeoutMs: REPORT_MS_MAX }).catch(() => {});
		await clock.sleep(REPORT_EVERY_MS, signal).catch(() => {});
	}
}

/** On MQTT's own port, so that a dashboard finds it again; on a free one when that is taken, or when any port will do. */
async function dashboardBroker(servicePort: number): Promise<EmbeddedBroker> {
	if (servicePort === 0) return startBroker();
	return startBroker({ port: MQTT_PORT }).catch(() => startBroker());
}

function shelf(folder: string, ending: string): RecipeShelf {
	const read = async (fileName: string): Promise<RecipeEntry & { text: string }> => {
		const text = await readFile(join(folder, fileName), "utf8");
		const title = (readYaml(text).value as { title?: unknown } | undefined)?.title;
		return {
			name: fileName.slice(0, -ending.length),
			fileName,
			title: typeof title === "string" ? title : fileName,
			text,
		};
	};
	const names = async () => (await readdir(folder)).filter((name) => name.endsWith(ending)).sort();
	return {
		list: async () =>
			(await Promise.all((await names()).map(read))).map(({ name, fileName, title }) => ({ name, fileName, title })),
		read: async (name) => ((await names()).includes(`${name}${ending}`) ? read(`${name}${ending}`) : undefined),
	};
}

/** A broker's address without user and password. */
function withoutLogin(url: string): string {
	const parsed = new URL(url);
	return `${parsed.protocol}//${parsed.host}`;
}
