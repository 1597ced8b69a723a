/** Launching the run that the queue offers: the person who loaded the foil says so, and accepts what the rules ask. */
import { $, make, setText } from "./dom.js";
import { duration } from "./format.js";
import { givenName, rememberOperator } from "./operator.js";
import { inWords, post, Refused } from "./rest.js";

/** The run on the screen: another one that is next meanwhile is not launched by this press. */
let offered = null;
let isSending = false;
let onLaunched = () => {};

export function startNextLauncher(options) {
	onLaunched = options.onLaunched;
	for (const id of ["next-loaded", "next-acknowledgements"]) $(id).addEventListener("change", allow);
	$("next-name").addEventListener("input", allow);
	$("next-back").addEventListener("click", () => $("next-launcher").close());
	$("next-form").addEventListener("submit", (event) => {
		event.preventDefault();
		void launch();
	});
}

export function openNextLauncher(next) {
	offered = next;
	const { sample, recipe, plannedS, precursorMg, mustBeLoaded, acknowledgements } = next;
	const mg = Object.entries(precursorMg).map(([precursor, value]) => `${Number(value.toPrecision(3))} mg ${precursor}`);
	setText($("next-title"), `Launch ${sample}`);
	setText($("next-summary"), [recipe, `${duration(plannedS)} planned`, ...mg].join(" · "));
	setText($("next-load"), `${mustBeLoaded} I have loaded it.`);
	$("next-loaded").checked = false;
	$("next-acknowledgements").replaceChildren(
		...acknowledgements.map(({ code, reason }) =>
			make(
				"label",
				{ class: "acknowledge" },
				make("input", { type: "checkbox", value: code }),
				make("span", {}, make("b", {}, "I have read and accept: "), reason),
			),
		),
	);
	$("next-barcode").value = "";
	$("next-name").value = givenName();
	setText($("next-answer"), "");
	allow();
	$("next-launcher").showModal();
}

const accepted = () => [...$("next-acknowledgements").querySelectorAll("input:checked")].map(({ value }) => value);

function allow() {
	const missing = [];
	if (!$("next-loaded").checked) missing.push("that the foil is loaded");
	if (accepted().length < (offered?.acknowledgements.length ?? 0)) missing.push("the acknowledgements above");
	if ($("next-name").value.trim() === "") missing.push("your name");
	setText($("next-missing"), missing.length === 0 ? "" : `Still needed: ${missing.join(" and ")}.`);
	$("next-launch").disabled = isSending || offered === null || missing.length > 0;
}

async function launch() {
	if ($("next-launch").disabled) return;
	isSending = true;
	allow();
	const by = $("next-name").value.trim();
	const barcode = $("next-barcode").value.trim();
	setText($("next-answer"), "Launching …");
	try {
		const { run } = await post(`/campaigns/${encodeURIComponent(offered.campaign)}/commands`, {
			command: "launch",
			by,
			entry: offered.entry,
			loaded: offered.sample,
			acknowledge: accepted(),
			...(barcode === "" ? {} : { barcode }),
		});
		rememberOperator(by);
		setText($("queue-answer"), `Run ${run} is started.`);
		$("next-launcher").close();
	} catch (error) {
		const details = error instanceof Refused ? error.problems.map(({ message }) => message) : [];
		setText($("next-answer"), [inWords(error), ...details].join(" "));
	} finally {
		isSending = false;
		allow();
		await onLaunched();
	}
}
