/** Every instrument with its connection, and every signal with its quality. */
import { $, follow, make, setText } from "./dom.js";
import { lastKnown, valueText } from "./format.js";

/** Of an instrument with more signals (a cycler has hundreds) only those are listed that are not good. */
const LISTED_MAX = 40;

export function renderInstruments({ instruments, signals, roles }) {
	const named = new Set([...Object.keys(instruments), ...Object.keys(signals).map((id) => id.split(".", 1)[0])]);
	follow($("instruments"), [...named], {
		key: (name) => name,
		create: (name) =>
			make(
				"article",
				{ class: "instrument" },
				make("h3", {}, make("span", {}, name), make("b")),
				make("p", { class: "note" }),
				make("dl"),
			),
		update: (card, name) => {
			const instrument = instruments[name];
			const state = instrument?.state ?? "not there";
			card.dataset.state = state;
			setText(card.children[0].children[1], state);
			const own = Object.entries(signals).filter(([id]) => id.startsWith(`${name}.`));
			const isLong = own.length > LISTED_MAX;
			const bad = own.filter(([, { quality }]) => quality !== "good");
			const count = isLong ? `${own.length} signals, ${bad.length} of them not good` : "";
			setText(card.children[1], [noteOf(instrument), count].filter(Boolean).join(" · "));
			follow(card.children[2], isLong ? bad.slice(0, LISTED_MAX) : own, {
				key: ([id]) => id,
				create: signalLine,
				update: (line, [id, signal]) => updateSignal(line, id, signal, roles?.safeLevels?.[id]),
			});
		},
	});
}

function noteOf(instrument) {
	if (instrument === undefined) return "";
	const { error, identity, driver, warnings = [] } = instrument;
	if (error !== undefined) return [error.message, error.hint].filter(Boolean).join(" ");
	const model = [identity?.manufacturer, identity?.model].filter(Boolean).join(" ") || driver;
	return [model, ...warnings].join(" · ");
}

const signalLine = ([id]) => make("div", {}, make("dt", {}, id.slice(id.indexOf(".") + 1)), make("dd"), make("small"));

function updateSignal(line, id, signal, safeLevel) {
	line.dataset.signal = id;
	line.dataset.quality = signal.quality;
	const isGood = signal.quality === "good" && signal.value !== null;
	setText(line.children[1], isGood ? valueInWords(signal, safeLevel) : signal.quality);
	setText(line.children[2], signal.detail ?? "");
	line.title = lastKnown(signal);
}

/** A contact's level alone tells nobody whether all is well: wires are made either way round. */
function valueInWords({ value, unit }, safeLevel) {
	if (safeLevel === undefined) return valueText(value, unit);
	return `${value === safeLevel ? "safe" : "NOT SAFE"}, reads ${value}`;
}
