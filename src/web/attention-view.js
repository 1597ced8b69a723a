/** Alarms with what to do, and the interlocks; what wants an answer comes first. */
import { $, follow, make, setText } from "./dom.js";
import { timeOfDay } from "./format.js";
import { operatorName } from "./operator.js";
import { inWords, post } from "./rest.js";
import { openShelveForm } from "./shelve-form.js";

const RANK = { critical: 0, high: 1, medium: 2, low: 3 };
const wantsAnswer = ({ state }) => state.includes("unacknowledged");
const STATE_WORDS = {
	unacknowledged: "active",
	acknowledged: "active, acknowledged",
	"returned-unacknowledged": "gone, not yet acknowledged",
	"latched-unacknowledged": "gone, latched",
	"latched-acknowledged": "gone, latched, acknowledged",
	shelved: "shelved",
	suppressed: "said by another alarm",
	"out-of-service": "out of service",
};

/** What brings an alarm back that is out of sight. */
const MUTED = ["shelved", "suppressed", "out-of-service"];
const ACTS = { shelved: ["unshelve", "Unshelve"], "out-of-service": ["return-to-service", "Return to service"] };

export function renderAttention({ alarms, alarmFlood, interlocks }) {
	const sorted = [...alarms].sort(
		(a, b) => Number(wantsAnswer(b)) - Number(wantsAnswer(a)) || RANK[a.priority] - RANK[b.priority] || b.at - a.at,
	);
	const silenced = sorted.filter(({ state }) => MUTED.includes(state));
	const shown = sorted.filter(({ state }) => !MUTED.includes(state));
	const latched = interlocks.filter(({ state }) => state !== "clear");
	$("no-alarms").hidden = shown.length + latched.length > 0;
	setText($("alarm-count"), shown.length === 0 ? "" : String(shown.length));
	$("flood").hidden = alarmFlood?.isFlood !== true;
	setText($("flood"), `A flood: ${alarmFlood?.inTenMinutes ?? 0} alarms in ten minutes.`);
	$("silenced-part").hidden = silenced.length === 0;
	setText($("silenced-count"), String(silenced.length));
	for (const [list, alarms] of [
		["alarms", shown],
		["silenced", silenced],
	])
		follow($(list), alarms, {
			key: ({ alarm }) => alarm,
			create: ({ alarm }) => alarmLine(alarm),
			update: updateAlarm,
		});
	follow($("tripped"), latched, {
		key: ({ interlock }) => interlock,
		create: ({ interlock }) => interlockLine(interlock),
		update: updateInterlock,
	});
	const clear = interlocks.length - latched.length;
	const isWell = latched.length === 0;
	setText(
		$("interlock-summary"),
		isWell ? `${clear} interlocks, all clear` : `${latched.length} of ${interlocks.length} interlocks not clear`,
	);
	follow($("interlocks"), interlocks, {
		key: ({ interlock }) => interlock,
		create: ({ interlock }) => make("li", {}, make("span", {}, interlock), make("b")),
		update: (line, { state }) => {
			line.dataset.state = state;
			setText(line.children[1], state);
		},
	});
}

function alarmLine(alarm) {
	const button = make("button", { type: "button" }, "Acknowledge");
	const answer = make("p", { role: "status" });
	button.addEventListener("click", () =>
		once(button, answer, () =>
			post(`/alarms/${encodeURIComponent(alarm)}/${button.dataset.act}`, { by: operatorName() }),
		),
	);
	const text = make("div", {}, make("h3"), make("p", { class: "message" }), make("p", { class: "response" }), answer);
	const shelve = make("button", { type: "button", class: "quiet" }, "Silence …");
	shelve.addEventListener("click", () => openShelveForm(alarm));
	return make("li", { class: "alarm" }, text, make("div", { class: "acts" }, button, shelve));
}

function updateAlarm(line, alarm) {
	const [text, acts] = line.children;
	const [button, shelve] = acts.children;
	shelve.hidden = MUTED.includes(alarm.state);
	line.dataset.priority = alarm.priority;
	line.dataset.answered = String(!wantsAnswer(alarm));
	setText(text.children[0], `${alarm.priority} · ${alarm.alarm}`);
	setText(text.children[1], alarm.message);
	const until = alarm.until === undefined ? "" : ` until ${timeOfDay(alarm.until)}`;
	const why = alarm.reason === undefined ? "" : `: ${alarm.reason}, ${alarm.by}`;
	const state = `${STATE_WORDS[alarm.state] ?? alarm.state}${until}${why}`;
	setText(text.children[2], `${alarm.response} (${state}, ${timeOfDay(alarm.at)})`);
	const [act, word] = ACTS[alarm.state] ?? ["acknowledge", "Acknowledge"];
	button.dataset.act = act;
	setText(button, word);
	button.hidden = !wantsAnswer(alarm) && ACTS[alarm.state] === undefined;
}

function interlockLine(interlock) {
	const button = make("button", { type: "button" }, "Reset");
	const answer = make("p", { role: "status" });
	button.addEventListener("click", () =>
		once(button, answer, () => post(`/interlocks/${encodeURIComponent(interlock)}/reset`, { by: operatorName() })),
	);
	return make("li", { class: "alarm" }, make("div", {}, make("h3"), make("p", { class: "message" }), answer), button);
}

function updateInterlock(line, { interlock, state, cause }) {
	const [text, button] = line.children;
	line.dataset.priority = "critical";
	line.dataset.answered = String(state === "cleared");
	setText(text.children[0], `interlock ${state === "tripped" ? "tripped" : "latched"} · ${interlock}`);
	setText(text.children[1], state === "tripped" ? cause : `${cause} The cause is gone; reset to go on.`.trim());
	button.hidden = state !== "cleared";
}

/** Sends once per press; the button comes back with the answer, which the next state shows. */
async function once(button, answer, send) {
	button.disabled = true;
	setText(answer, "");
	try {
		await send();
	} catch (error) {
		setText(answer, inWords(error));
	} finally {
		button.disabled = false;
	}
}
