/** The queue's next run and what must be loaded for it, and what wants maintenance. Looked up every few seconds. */
import { $, setText } from "./dom.js";
import { get } from "./rest.js";

const EVERY_MS = 5_000;

export async function followCampaigns(isConnected) {
	for (;;) {
		if (isConnected()) {
			const { next, campaigns } = await get("/campaigns").catch(() => ({ next: null, campaigns: [] }));
			renderNext(next, campaigns);
		} else renderNext(null, []);
		await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
	}
}

function renderNext(next, campaigns) {
	const waiting = campaigns.reduce((sum, { counts }) => sum + counts.waiting, 0);
	$("queue").hidden = next === null;
	if (next === null) return;
	setText($("queue-next"), `Next in the queue: ${next.sample} (${waiting} waiting)`);
	const acks = next.acknowledgements.map(({ code }) => ` --ack ${code}`).join("");
	setText($("queue-load"), next.mustBeLoaded);
	setText($("queue-how"), `adlayer campaign launch --loaded ${next.sample}${acks}`);
}

/** One line for the footer. */
export function renderMaintenance({ maintenance }) {
	const line = $("maintenance");
	line.hidden = maintenance === undefined;
	if (maintenance === undefined) return;
	const valves = Object.entries(maintenance.valves).map(([valve, { pulses }]) => `${valve} ${pulses} pulses`);
	const bottles = Object.entries(maintenance.bottles)
		.filter(([, { leftG }]) => leftG !== null)
		.map(([precursor, { leftG }]) => `${precursor} ${leftG.toFixed(1)} g left`);
	const todo = maintenance.warnings.map(({ message }) => message).join(" ");
	const text = [...valves, ...bottles, `pump ${maintenance.hours.pump.toFixed(0)} h`].join(" · ");
	setText(line, todo === "" ? `Maintenance: ${text}` : `To do: ${todo} ${text}`);
}
