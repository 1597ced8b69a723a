/** The control process: moves the reactor, writes the journal, answers on the control link. */
import { mkdirSync, readFileSync } from "node:fs";
import { setPriority } from "node:os";
import { type Clock, SystemClock } from "#core/clock.js";
import { AdlayerError } from "#core/errors.js";
import { ControlServer } from "#control-link/server.js";
import { JournalWriter } from "#journal/writer.js";
import { loadLibrary } from "#recipe/library-files.js";
import { loadLabFile } from "#src/config.js";
import { Control } from "#src/control.js";
import { dataFolder, RECIPES_DIR, VERSION } from "#src/processes/files.js";
import { type ProcessOptions, runProcess, type Started } from "#src/processes/process.js";
import { connectPace, type PaceClient } from "#transport/pace-client.js";

/** Above everything else on the machine, where the system lets us. */
const PRIORITY = -10;

async function startControl({ dataDir, labFile, speed }: ProcessOptions): Promise<Started> {
	const files = dataFolder(dataDir);
	mkdirSync(files.journal, { recursive: true });
	const lab = loadLabFile(labFile);
	if (speed !== 1 && !lab.simulated) throw new AdlayerError("USAGE", `Speed ${speed} needs a simulated lab; real hardware runs at 1.`);
	try {
		setPriority(PRIORITY);
	} catch {
		// Needs privileges; without them control runs at the normal priority and the service below it.
	}
	const pace: PaceClient | undefined = speed === 1 ? undefined : await connectPace(files.paceSocket);
	const clock: Clock = pace?.clock ?? new SystemClock();
	const journal = JournalWriter.open({ dir: files.journal, clock, diskClock: new SystemClock(), station: lab.content.station });
	const control = new Control({
		lab,
		library: loadLibrary(RECIPES_DIR),
		clock,
		journal,
		version: VERSION,
		speed,
		...(lab.simulated ? { addresses: JSON.parse(readFileSync(files.addresses, "utf8")) as Record<string, string> } : {}),
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

await runProcess("control", startControl);
