/** The simulated lab's process: serves the simulators and says where each instrument is. */
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { AdlayerError } from "#core/errors.js";
import { simulatedDrivers } from "#drivers/index.js";
import { lastKnown } from "#journal/recover.js";
import { startLab } from "#lab/start-lab.js";
import { labPlan } from "#src/config/lab-plan.js";
import { loadLabFile } from "#src/config.js";
import { dataFolder, makeFolder } from "#src/processes/files.js";
import { type ProcessOptions, runFirst, type Started } from "#src/processes/process.js";
import { parseCellConstants } from "#twin/cells/constants.js";
import { parseTwinConstants } from "#twin/constants.js";

export async function startLabProcess({ dataDir, labFile, speed }: ProcessOptions): Promise<Started> {
	runFirst();
	const files = dataFolder(dataDir);
	makeFolder(files.lines);
	rmSync(files.addresses, { force: true });
	const lab = loadLabFile(labFile);
	const simulated = labPlan(lab);
	if (simulated === undefined)
		throw new AdlayerError("USAGE", `${labFile} has no simulation section: it describes real hardware.`);
	const running = await startLab({
		plan: simulated.plan,
		constants: parseTwinConstants(readFileSync(simulated.twinFile, "utf8"), simulated.twinFile),
		cellConstants:
			simulated.cellsFile === undefined
				? undefined
				: parseCellConstants(readFileSync(simulated.cellsFile, "utf8"), simulated.cellsFile),
		drivers: simulatedDrivers,
		serve: "pty",
		linesFolder: files.lines,
		speed,
		paceSocket: files.paceSocket,
		labSocket: files.truthSocket,
		wallMsMin: (lastKnown(files.journal)?.lastWall ?? 0) + 1,
	});
	// Whoever sees the file sees all of it.
	writeFileSync(`${files.addresses}.tmp`, JSON.stringify(Object.fromEntries(running.addresses), null, "\t"));
	renameSync(`${files.addresses}.tmp`, files.addresses);
	return { ready: { addresses: Object.fromEntries(running.addresses) }, stop: () => running.close() };
}
