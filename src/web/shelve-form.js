/** Silencing an alarm: for how long, why and by whom are asked; nothing is chosen beforehand. */
import { $, make, setAttribute, setText } from "./dom.js";
import { givenName, rememberOperator } from "./operator.js";
import { inWords, post } from "./rest.js";

const TIMES = [
	{ word: "10 min", act: "shelve", more: { for_s: 600 } },
	{ word: "1 h", act: "shelve", more: { for_s: 3_600 } },
	{ word: "4 h", act: "shelve", more: { for_s: 14_400 } },
	{ word: "12 h", act: "shelve", more: { for_s: 43_200 } },
	{ word: "until it is gone once", act: "shelve", more: {} },
	{ word: "out of service", act: "out-of-service", more: {} },
];

let alarm = "";
let chosen = null;
let isSending = false;

export function startShelveForm() {
	$("shelving-times").replaceChildren(
		...TIMES.map((time) => {
			const button = make("button", { type: "button", "aria-pressed": "false" }, time.word);
			button.addEventListener("click", () => choose(time));
			return button;
		}),
	);
	for (const id of ["shelving-reason", "shelving-name"]) $(id).addEventListener("input", allow);
	$("shelving-cancel").addEventListener("click", () => $("shelving").close());
	$("shelving-form").addEventListener("submit", (event) => {
		event.preventDefault();
		void shelve();
	});
}

export function openShelveForm(ofAlarm) {
	alarm = ofAlarm;
	setText($("shelving-alarm"), alarm);
	setText($("shelving-answer"), "");
	$("shelving-reason").value = "";
	$("shelving-name").value = givenName();
	choose(null);
	$("shelving").showModal();
}

function choose(time) {
	chosen = time;
	TIMES.forEach((each, index) => {
		setAttribute($("shelving-times").children[index], "aria-pressed", String(each === time));
	});
	allow();
}

function allow() {
	const missing = [];
	if (chosen === null) missing.push("for how long");
	if ($("shelving-reason").value.trim() === "") missing.push("the reason");
	if ($("shelving-name").value.trim() === "") missing.push("your name");
	setText($("shelving-missing"), missing.length === 0 ? "" : `Still needed: ${missing.join(", ")}.`);
	$("shelving-now").disabled = isSending || missing.length > 0;
}

/** Sends once per press; a refusal stays in the form. */
async function shelve() {
	if ($("shelving-now").disabled) return;
	const by = $("shelving-name").value.trim();
	rememberOperator(by);
	isSending = true;
	allow();
	try {
		const { act, more } = chosen;
		const reason = $("shelving-reason").value.trim();
		await post(`/alarms/${encodeURIComponent(alarm)}/${act}`, { by, reason, ...more });
		$("shelving").close();
	} catch (error) {
		setText($("shelving-answer"), inWords(error, `On the machine itself: adlayer shelve ${alarm}`));
	} finally {
		isSending = false;
		allow();
	}
}
