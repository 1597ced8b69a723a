/** All battery tests that control knows: the open ones, then those that have ended. A press shows one of them. */
import { $, follow, make, setAttribute, setText } from "./dom.js";
import { channelText, hoursText, isOpen, verdictLevel, verdictText, voltageText } from "./test-words.js";

let tests = [];
let chosen = null;
let choose = () => {};

export function startList({ onChoose }) {
	choose = onChoose;
	$("tests-filter").addEventListener("input", render);
}

export function renderTests(next, chosenTest) {
	tests = next;
	chosen = chosenTest;
	render();
}

/** Every word of the filter must be somewhere in the row. */
function isWanted(test) {
	const row = [test.cell, test.cellTest, channelText(test), test.protocol, test.state, verdictText(test.verdict)];
	const text = row.join(" ").toLowerCase();
	return $("tests-filter")
		.value.toLowerCase()
		.split(/\s+/)
		.every((word) => text.includes(word));
}

function render() {
	const shown = tests.filter(isWanted);
	const open = tests.filter(isOpen).length;
	setText($("tests-count"), `${open} open, ${tests.length - open} ended`);
	$("tests-none").hidden = shown.length > 0;
	setText($("tests-none"), tests.length === 0 ? "No test has been ordered yet." : "No test is like that.");
	follow($("tests-list"), shown, {
		key: ({ cellTest }) => cellTest,
		create: ({ cellTest }) => {
			const parts = ["state", "", "", "number", "number", "number", "verdict"];
			const row = make(
				"button",
				{ type: "button", class: "test" },
				make("b"),
				...parts.map((className) => make("span", { class: className })),
			);
			row.addEventListener("click", () => choose(cellTest));
			return make("li", {}, row);
		},
		update: (line, test) => {
			const row = line.firstElementChild;
			row.dataset.state = test.state;
			row.dataset.open = String(isOpen(test));
			row.dataset.verdict = verdictLevel(test.verdict);
			setAttribute(row, "aria-pressed", String(test.cellTest === chosen));
			const { lastRow } = test;
			const cells = [
				test.cell,
				test.state,
				channelText(test),
				test.protocol,
				hoursText(test),
				lastRow === null ? "" : `cycle ${lastRow.cycle}`,
				voltageText(test),
				verdictText(test.verdict),
			];
			cells.forEach((text, index) => {
				setText(row.children[index], text);
			});
		},
	});
}
