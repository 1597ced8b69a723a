/** What the run waits for: a person's answer, a person's choice, or something that comes back by itself. */
import { $, follow, make, setText } from "./dom.js";
import { timeOfDay, valueText } from "./format.js";
import { givenName, rememberOperator } from "./operator.js";
import { inWords, post } from "./rest.js";
import { allows, CONSEQUENCES, command } from "./run-commands.js";

const CHOICES = ["restart", "stop", "abort"];
const AFTER_TIMEOUT = { hold: "the run is held", abort: "the run is aborted", continue: "the run goes on" };

let run = null;
let isLive = false;
let isSending = false;

export function startWaitingView() {
	$("prompt-confirm").addEventListener("click", () => void answerPrompt());
	$("prompt-name").addEventListener("input", allowAnswer);
}

/** `live` is false when the state may be old: then nothing is answered, and only the abort stays. */
export function renderWaiting(status, live) {
	run = status.run;
	isLive = live;
	renderPrompt(run?.prompt ?? null);
	renderChoices();
	renderSuspension(run?.suspension ?? null);
}

function renderPrompt(prompt) {
	const panel = $("prompt");
	panel.hidden = prompt === null;
	if (prompt === null) {
		delete panel.dataset.prompt;
		delete panel.dataset.answered;
		return;
	}
	if (panel.dataset.prompt !== prompt.prompt) {
		panel.dataset.prompt = prompt.prompt;
		$("prompt-name").value = givenName();
		setText($("prompt-answer"), "");
	}
	setText($("prompt-text"), prompt.text);
	setText($("prompt-confirm"), prompt.confirm);
	const end = timeOfDay(prompt.askedAt + prompt.timeoutS * 1_000);
	setText($("prompt-limit"), `Without an answer by ${end} ${AFTER_TIMEOUT[prompt.onTimeout] ?? prompt.onTimeout}.`);
	allowAnswer();
}

function allowAnswer() {
	const { answered, prompt } = $("prompt").dataset;
	$("prompt-confirm").disabled = isSending || answered === prompt || !isLive || $("prompt-name").value.trim() === "";
}

/** Sends once per press, for the question and the run that were on the screen. */
async function answerPrompt() {
	const by = $("prompt-name").value.trim();
	const { prompt } = $("prompt").dataset;
	if (by === "" || isSending || prompt === undefined) return;
	rememberOperator(by);
	isSending = true;
	allowAnswer();
	try {
		await post(`/runs/${encodeURIComponent(run.run)}/commands`, { command: "confirm", prompt, by });
		$("prompt").dataset.answered = prompt;
		setText($("prompt-answer"), "Confirmed.");
	} catch (error) {
		setText($("prompt-answer"), inWords(error, `On the machine itself: adlayer confirm ${prompt}`));
	} finally {
		isSending = false;
		allowAnswer();
	}
}

function renderChoices() {
	const isHeld = run?.state === "held";
	$("choices").hidden = !isHeld;
	setText($("choices-cause"), isHeld ? run.cause : "");
	follow($("choices-list"), isHeld ? CHOICES : [], {
		key: (name) => name,
		create: choiceLine,
		update: (line, name) => {
			line.children[0].disabled = !allows(run.state, name) || (!isLive && name !== "abort");
		},
	});
}

function choiceLine(name) {
	const { yes, consequence } = CONSEQUENCES[name];
	const button = make("button", { type: "button", "data-command": name }, yes);
	if (name === "abort") button.className = "danger";
	button.addEventListener("click", () => run !== null && command(run, name));
	return make("li", {}, button, make("p", {}, consequence));
}

function renderSuspension(suspension) {
	$("suspension").hidden = suspension === null;
	if (suspension === null) return;
	setText($("suspension-limit"), `It goes on by itself; at ${timeOfDay(suspension.until)} the run is held for you.`);
	follow($("suspension-list"), suspension.conditions, {
		key: ({ condition, reason }) => `${condition} ${reason.split(" reads ", 1)[0]}`,
		create: () => make("li", {}, make("span"), make("small")),
		update: (line, { reason, threshold, unit }) => {
			setText(line.children[0], reason);
			setText(line.children[1], `back past ${valueText(threshold, unit)}`);
		},
	});
}
