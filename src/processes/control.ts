/** The control process: moves the reactor, writes the journal, answers on the control link. */
import { readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { ControlServer } from "#control-link/server.js";
import { type Clock, SystemClock } from "#core/clock.js";
import { AdlayerError } from "#core/errors.js";
import { recordsAfter } from "#journal/records-after.js";
import { lastKnown } from "#journal/recover.js";
import { JournalWriter } from "#journal/writer.js";
import { loadLibrary } from "#recipe/library-files.js";
import { commissioningFile, dueTests } from "#src/commissioning.js";
import { type LabFile, loadLabFile } from "#src/config.js";
import { Control } from "#src/control.js";
import { dataFolder, makeFolder, RECIPES_DIR, VERSION } from "#src/processes/files.js";
import { type ProcessOptions, runFirst, type Started } from "#src/processes/process.js";
import { stateFile } from "#src/processes/state-file.js";
import { connectPace, type PaceClient } from "#transport/pace-client.js";

/** The simulated lab may be started at the same time. */
const LAB_WAIT_MS_MAX = 20_000;
const LAB_LOOK_EVERY_MS = 50;

export async function startControl({ dataDir, labFile, speed }: ProcessOptions): Promise<Started> {
	const files = dataFolder(dataDir);
	makeFolder(files.journal);
	const lab = loadLabFile(labFile);
	if (speed !== 1 && !lab.simulated)
		throw new AdlayerError("USAGE", `Speed ${speed} needs a simulated lab; real hardware runs at 1.`);
	runFirst();
	const pace: PaceClient | undefined = speed === 1 ? undefined : await connectPace(files.paceSocket);
	const clock: Clock = pace?.clock ?? new SystemClock();
	const realClock = new SystemClock();
	const journal = JournalWriter.open({
		dir: files.journal,
		clock,
		diskClock: realClock,
		station: lab.content.station,
	});
	// Read once the journal is ours, and before anything of this process is in it.
	const known = lastKnown(files.journal);
	const control = new Control({
		lab,
		library: loadLibrary(RECIPES_DIR),
		clock,
		journal,
		version: VERSION,
		speed,
		...(known === undefined ? {} : { lastKnown: known }),
		addresses: await simulatedAddresses(lab, files.addresses),
		campaignFile: stateFile(files.campaigns),
		serviceFile: stateFile(files.service),
		realClock,
		maintenanceFile: stateFile(files.maintenance),
		...(lab.simulated ? {} : { commissioningDue: () => dueTests(lab, commissioningFile(dataDir).load() ?? []) }),
		uncounted: (afterSeq, take) => recordsAfter(files.journal, afterSeq, take),
		disk: () => journal.diskState(),
	});
	const link = await ControlServer.listen({ socketPath: files.controlSocket, handle: control.handle });
	control.start();
	pace?.start();
	pace?.onLost(() => process.kill(process.pid, "SIGTERM"));
	return {
		ready: { socket: files.controlSocket },
		async stop() {
			await link.close();
			await control.stop();
			await journal.close();
			pace?.close();
		},
	};
}

/** Where the simulated lab serves its instruments: it says so in a file once it is up. Empty when the lab file says it all. */
async function simulatedAddresses(lab: LabFile, file: string): Promise<Record<string, string>> {
	const isNeeded = Object.values(lab.content.instruments).some(({ address }) => address.startsWith("simulated:"));
	if (!isNeeded) return {};
	for (const endMs = performance.now() + LAB_WAIT_MS_MAX; ; await setTimeout(LAB_LOOK_EVERY_MS)) {
		try {
			return JSON.parse(readFileSync(file, "utf8")) as Record<string, string>;
		} catch (cause) {
			if (performance.now() < endMs) continue;
			throw new AdlayerError(
				"LINK_UNREACHABLE",
				`The simulated lab has not said in ${file} where its instruments are.`,
				{ cause, hint: "Start the lab process first: adlayer lab." },
			);
		}
	}
}
