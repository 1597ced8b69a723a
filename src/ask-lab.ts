/** For the command line: the simulated lab of a data folder. */
import { askLab } from "#lab/ask-lab.js";
import { rangeText } from "#lab/faults.js";
import type { FaultsReply, LabRequest } from "#lab/lab-socket.js";
import { dataFolder } from "#src/processes/files.js";

/** One request to the running lab; rejects with what the lab refused, LINK_UNREACHABLE or DEVICE_SILENT. */
export async function askLabOf(dataDir: string, request: object): Promise<object> {
	const reply = await askLab(dataFolder(dataDir).truthSocket, request as LabRequest);
	if (!("kinds" in reply)) return reply;
	const { kinds, ...rest } = reply as FaultsReply;
	return {
		...rest,
		kinds: kinds.map(({ value, ...kind }) => ({
			...kind,
			value: value === null ? null : { ...value, range: rangeText(value) },
		})),
	};
}
