/** Planning a campaign: one of the documents that this service has, what it would do, and into the queue with it. */
import { $, make, setText } from "./dom.js";
import { duration } from "./format.js";
import { givenName, rememberOperator } from "./operator.js";
import { get, inWords, post, Refused } from "./rest.js";

let documents = [];
/** What the check said of the document that is chosen; null until it has. */
let planned = null;
let checkNumber = 0;
let isSending = false;
let onMade = () => {};

export function startPlanner(options) {
	onMade = options.onMade;
	$("plan-document").addEventListener("change", () => void check());
	$("plan-name").addEventListener("input", allow);
	$("plan-back").addEventListener("click", () => $("planner").close());
	$("planner-form").addEventListener("submit", (event) => {
		event.preventDefault();
		void putIntoQueue();
	});
}

export async function openPlanner() {
	setText($("plan-answer"), "");
	$("plan-name").value = givenName();
	$("planner").showModal();
	try {
		({ documents } = await get("/campaigns/documents"));
		const chosen = $("plan-document").value;
		$("plan-document").replaceChildren(
			...documents.map(({ name, title }) => make("option", { value: name }, `${title} (${name})`)),
		);
		if (documents.some(({ name }) => name === chosen)) $("plan-document").value = chosen;
		await check();
	} catch (error) {
		setText($("plan-answer"), inWords(error));
	}
}

const chosenText = () => documents.find(({ name }) => name === $("plan-document").value)?.text;

async function check() {
	checkNumber += 1;
	const mine = checkNumber;
	planned = null;
	setText($("plan-summary"), "Checking …");
	$("plan-runs").replaceChildren();
	$("plan-problems").replaceChildren();
	allow();
	const campaignText = chosenText();
	if (campaignText === undefined) {
		setText($("plan-summary"), "This service has no campaign documents.");
		return;
	}
	try {
		const { campaign } = await post("/campaigns", { campaignText, by: "page", check: true });
		if (mine !== checkNumber) return;
		planned = campaign;
		setText($("plan-summary"), summary(campaign.totals));
		$("plan-runs").replaceChildren(...campaign.runs.map(runLine));
	} catch (error) {
		if (mine !== checkNumber) return;
		setText($("plan-summary"), inWords(error));
		const problems = error instanceof Refused ? error.problems : [];
		$("plan-problems").replaceChildren(...problems.map(({ message }) => make("li", { class: "error" }, message)));
	}
	allow();
}

function summary({ runs, totalS, pulses, precursorMg }) {
	const counts = Object.entries(pulses).map(([precursor, count]) => {
		const mg = precursorMg[precursor];
		return `${count} ${precursor}${mg === undefined ? "" : ` (${(mg / 1_000).toPrecision(3)} g)`}`;
	});
	return `${runs} runs, each launched by a person · ${duration(totalS)} in all · ${counts.join(" and ")} pulses`;
}

function runLine({ sample, recipe, plannedS, acknowledgements }) {
	const asks = acknowledgements.map(({ code }) => code).join(", ");
	const more = asks === "" ? "" : ` · to be acknowledged: ${asks}`;
	return make("li", {}, make("b", {}, sample), ` ${recipe}, ${duration(plannedS)}${more}`);
}

function allow() {
	$("plan-make").disabled = isSending || planned === null || $("plan-name").value.trim() === "";
}

async function putIntoQueue() {
	if ($("plan-make").disabled) return;
	isSending = true;
	allow();
	const by = $("plan-name").value.trim();
	try {
		const { campaign } = await post("/campaigns", { campaignText: chosenText(), by });
		rememberOperator(by);
		setText($("queue-answer"), `${campaign.title}: ${campaign.totals.runs} runs wait.`);
		$("planner").close();
		await onMade();
	} catch (error) {
		setText($("plan-answer"), inWords(error));
	} finally {
		isSending = false;
		allow();
	}
}
