/** One battery test: figures, verdict, pictures, its files, and the way to stop it. */
import { confirmed } from "./confirm.js";
import { $, make, setText } from "./dom.js";
import { showFigures } from "./figures.js";
import { operatorName } from "./operator.js";
import { get, inWords, post } from "./rest.js";
import { showCharts, startCharts } from "./test-charts.js";
import { channelText, isOpen, testFigures, verdictLevel, verdictText } from "./test-words.js";

/** The pictures of an open test are drawn anew this often. */
const DRAW_MS = 15_000;
const FILES = [
	["Package with descent (RO-Crate)", "export?format=ro-crate"],
	["Battery Data Format (CSV)", "bdf"],
	["Parquet", "export?format=parquet"],
];

let test = null;
/** The one that was asked for last, and whether what is known is of now: an answer that comes later tells neither. */
let wanted = null;
let isLive = false;
let drawnMs = Number.NEGATIVE_INFINITY;
let changed = () => {};

export function startTestView({ onClose, onChange }) {
	changed = onChange;
	startCharts();
	$("test-close").addEventListener("click", onClose);
	$("test-stop").addEventListener("click", () => test !== null && void stop(test));
}

/** Shows the test of that id, as the list has it or from the record; null hides the view. */
export async function showTest(cellTest, listed, live) {
	const isOther = wanted !== cellTest;
	wanted = cellTest;
	isLive = live;
	$("test").hidden = cellTest === null;
	if (cellTest === null) {
		test = null;
		return;
	}
	if (isOther) {
		drawnMs = Number.NEGATIVE_INFINITY;
		setText($("test-answer"), "");
	}
	const wasOpen = isOther || test === null || isOpen(test);
	if (listed !== undefined) render(listed);
	const hasEnded = wasOpen && test !== null && !isOpen(test);
	if (!isOther && !hasEnded && (!wasOpen || performance.now() - drawnMs < DRAW_MS)) return;
	drawnMs = performance.now();
	try {
		// One that has ended may have no verdict at hand: it is worked out when one test is asked for.
		const one = await get(`/cell-tests/${encodeURIComponent(cellTest)}`);
		if (wanted !== cellTest) return;
		render(one);
		await showCharts(cellTest);
	} catch (error) {
		if (wanted === cellTest) setText($("test-answer"), inWords(error));
	}
}

function render(next) {
	test = { ...next, verdict: next.verdict ?? (next.cellTest === test?.cellTest ? test.verdict : null) };
	const open = isOpen(test);
	const view = $("test");
	view.dataset.state = test.state;
	view.dataset.open = String(open);
	view.dataset.verdict = verdictLevel(test.verdict);
	setText($("test-title"), test.cell);
	setText($("test-state"), isLive ? test.state : `was ${test.state}`);
	setText($("test-about"), `${test.protocol} · ${channelText(test)} · operator ${test.operator} · ${test.cellTest}`);
	setText($("test-verdict"), verdictText(test.verdict));
	setText($("test-cause"), test.cause === undefined ? "" : `Ended: ${test.cause}`);
	showFigures($("test-figures"), testFigures(test));
	$("test-stop").hidden = !open;
	$("test-stop").disabled = !isLive;
	const path = `/api/v1/cell-tests/${encodeURIComponent(test.cellTest)}`;
	if ($("test-files").dataset.test === test.cellTest) return;
	$("test-files").dataset.test = test.cellTest;
	$("test-files").replaceChildren(
		...FILES.map(([name, of]) => make("a", { class: "link", href: `${path}/${of}`, download: "" }, name)),
	);
}

async function stop({ cellTest, cell, state }) {
	const consequence =
		state === "queued"
			? "It leaves the queue."
			: "Its cycler is told to stop; what is recorded stays. A test that was stopped cannot be taken up again.";
	const question = `Stop the test of ${cell}?`;
	if (!(await confirmed({ question, consequence, yes: "Stop it", dangerous: true }))) return;
	try {
		await post(`/cell-tests/${encodeURIComponent(cellTest)}/stop`, { by: operatorName() });
		setText($("test-answer"), "It is told to stop.");
	} catch (error) {
		setText($("test-answer"), inWords(error, "On the machine itself: adlayer cycling stop"));
	}
	changed();
}
