/** Campaigns: the run that the queue offers next, each campaign with what can be done to it, and what wants maintenance. */
import { openNextLauncher } from "./campaign-launcher.js";
import { openPlanner } from "./campaign-planner.js";
import { confirmed } from "./confirm.js";
import { $, follow, make, setText } from "./dom.js";
import { duration } from "./format.js";
import { operatorName } from "./operator.js";
import { get, inWords, post } from "./rest.js";

const EVERY_MS = 5_000;
const FINAL = new Set(["complete", "stopped", "aborted"]);

let next = null;
let campaigns = [];
/** Of the last state from the service: whether a run can be launched, and whether anything can be done. */
let isFree = false;
let isLive = false;
/** An answer that was asked for before the last change is old. */
let asked = 0;

export function startCampaigns() {
	$("plan").addEventListener("click", () => void openPlanner());
	$("queue-launch").addEventListener("click", () => next !== null && openNextLauncher(next));
	$("queue-skip").addEventListener("click", () => next !== null && void skip(next));
}

export async function followCampaigns(isConnected) {
	for (;;) {
		if (isConnected()) await refreshCampaigns();
		await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
	}
}

export async function refreshCampaigns() {
	asked += 1;
	const mine = asked;
	// While control is away nobody knows what waits.
	const state = await get("/campaigns").catch(() => ({ next: null, campaigns: [] }));
	if (mine !== asked) return;
	next = state.next;
	campaigns = state.campaigns.filter((one) => one.state !== "over");
	render();
}

/** A run that is over makes room for the next. */
export function renderQueue({ run }, live) {
	isLive = live;
	isFree = run === null || FINAL.has(run.state);
	allow();
}

function render() {
	$("queue-none").hidden = campaigns.length > 0;
	$("queue-next").hidden = next === null;
	if (next !== null) {
		setText($("queue-sample"), `Next: ${next.sample}, ${duration(next.plannedS)}`);
		setText($("queue-load"), next.mustBeLoaded);
	}
	follow($("campaigns"), campaigns, { key: ({ campaign }) => campaign, create: campaignLine, update: updateLine });
	allow();
}

function allow() {
	$("queue-launch").disabled = !isLive || !isFree;
	$("queue-skip").disabled = !isLive;
	$("plan").disabled = !isLive;
	for (const button of $("campaigns").querySelectorAll("button")) button.disabled = !isLive;
}

function campaignLine({ campaign }) {
	const button = (command) => {
		const made = make("button", { type: "button", "data-command": command }, command);
		made.addEventListener("click", () => {
			const present = campaigns.find((one) => one.campaign === campaign);
			if (present !== undefined) void change(present, made.dataset.command);
		});
		return made;
	};
	return make("li", {}, make("span"), make("div", { class: "buttons" }, button("pause"), button("cancel")));
}

function updateLine(line, { title, counts, state, totals }) {
	const ended = counts.done + counts.failed + counts.skipped + counts.cancelled;
	const failed = counts.failed > 0 ? `, ${counts.failed} failed` : "";
	const paused = state === "paused" ? ", paused" : "";
	setText(line.children[0], `${title}: ${ended} of ${totals.runs} over${failed}, ${counts.waiting} waiting${paused}`);
	const [pause, cancel] = line.children[1].children;
	pause.dataset.command = state === "paused" ? "resume" : "pause";
	setText(pause, state === "paused" ? "Resume" : "Pause");
	setText(cancel, "Cancel the rest …");
}

async function change({ campaign, title, counts }, command) {
	if (command === "cancel") {
		const consequence = `${counts.waiting} waiting runs of ${title} are given up for good. A run under way is not touched.`;
		if (!(await confirmed({ question: "Cancel the campaign?", consequence, yes: "Cancel it", dangerous: true })))
			return;
	}
	await send(campaign, { command }, { pause: "Paused.", resume: "Resumed.", cancel: "Cancelled." }[command]);
}

async function skip({ campaign, entry, sample }) {
	const consequence = "The queue offers the run after it. It can be taken up again with adlayer campaign retry.";
	if (!(await confirmed({ question: `Skip ${sample}?`, consequence, yes: "Skip it" }))) return;
	await send(campaign, { command: "skip", entry }, `${sample} is skipped.`);
}

async function send(campaign, order, done) {
	try {
		await post(`/campaigns/${encodeURIComponent(campaign)}/commands`, { ...order, by: operatorName() });
		setText($("queue-answer"), done);
	} catch (error) {
		setText($("queue-answer"), inWords(error, "On the machine itself: adlayer campaign"));
	}
	await refreshCampaigns();
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
