/** The page of battery tests: asks for all of them every few seconds, and says so when nobody answers. */
import { $, setText } from "./dom.js";
import { renderFrame, showLoss } from "./frame.js";
import { startOperator } from "./operator.js";
import { get, Refused } from "./rest.js";
import { knowTests, startOrder } from "./test-order.js";
import { showTest, startTestView } from "./test-view.js";
import { renderTests, startList } from "./tests-list.js";

const EVERY_MS = 3_000;
/** After this silence nothing shown may be taken for the present. */
const SILENCE_MS = 10_000;

let station = null;
let tests = [];
/** Of all of them; the list has the first. */
let total = 0;
let heardMs = performance.now();
let said = "";
/** An answer that was asked for before another is old. */
let asked = 0;

startOperator();
startList({ onChoose: choose });
startTestView({ onClose: () => choose(null), onChange: () => void refresh() });
startOrder({
	onOrdered: (cellTest) => {
		choose(cellTest);
		void refresh();
	},
});
addEventListener("hashchange", () => render());
setInterval(() => isSilent() && render(), EVERY_MS);
void follow();

/** The address has the test's id, so that it can be kept, sent and opened anew. */
const chosen = () => (location.hash === "" ? null : decodeURIComponent(location.hash.slice(1)));

function choose(cellTest) {
	location.hash = cellTest === null ? "" : encodeURIComponent(cellTest);
	if (cellTest !== null) scrollTo({ top: 0 });
}

async function follow() {
	for (;;) {
		await refresh();
		await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
	}
}

async function refresh() {
	asked += 1;
	const mine = asked;
	try {
		station ??= await get("/status");
		const answer = await get("/cell-tests");
		if (mine !== asked) return;
		({ tests, total } = answer);
		heardMs = performance.now();
		said = "";
	} catch (error) {
		said = error instanceof Refused ? error.message : "";
	}
	render();
}

const isSilent = () => performance.now() - heardMs > SILENCE_MS;

function render() {
	const isLive = !isSilent();
	const seconds = Math.round((performance.now() - heardMs) / 1_000);
	const loss = `${said || "No connection."} For ${seconds} s nothing new is known; the tests go on by themselves.`;
	showLoss(isLive ? "" : loss);
	if (station === null) return;
	renderFrame(station, { title: "Battery tests", isLive });
	renderTests(tests, chosen());
	knowTests(tests, isLive);
	void showTest(
		chosen(),
		tests.find(({ cellTest }) => cellTest === chosen()),
		isLive,
	);
	const more = total > tests.length ? `The first ${tests.length} of ${total} tests are shown.` : "";
	setText($("tests-answer"), isLive ? said || more : "");
}
