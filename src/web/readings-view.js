/** What people look at first: stage, chamber, carrier; pump, lid and valves. */
import { $, follow, make, setText } from "./dom.js";
import { lastKnown, numberAndUnit, valueText } from "./format.js";
import { dosingValves, part, partId } from "./parts.js";

export function renderReadings(status) {
	const foil = part(status, "foilC");
	const tiles = [
		{ name: "Stage", signal: foil, note: stageNote(foil, part(status, "foilTargetC"), status.run) },
		{ name: "Chamber", signal: part(status, "chamberPa") },
		{ name: "Carrier", signal: part(status, "carrierSccm"), note: targetNote(part(status, "carrierTargetSccm")) },
	];
	follow($("readings"), tiles, {
		key: ({ name }) => name,
		create: ({ name }) =>
			make("div", { class: "tile" }, make("h3", {}, name), make("p", { class: "value" }), make("p", { class: "note" })),
		update: updateTile,
	});
	follow($("valves"), switches(status), {
		key: ({ name }) => name,
		create: ({ name }) => make("div", { class: "switch" }, make("span", {}, name), make("b")),
		update: (chip, { name, signal, words, on }) => {
			chip.dataset.switch = name;
			chip.dataset.quality = signal?.quality ?? "stale";
			const isGood = signal?.quality === "good";
			const word = isGood ? words[signal.value === 0 ? 0 : 1] : undefined;
			chip.dataset.on = isGood ? String(word === on) : "";
			setText(chip.children[1], word ?? signal?.quality ?? "not there");
		},
	});
}

function updateTile(tile, { name, signal, note = "" }) {
	tile.dataset.tile = name;
	tile.dataset.quality = signal?.quality ?? "stale";
	const value = tile.children[1];
	if (signal?.quality === "good" && signal.value !== null) {
		const { number, unit } = numberAndUnit(signal.value, signal.unit);
		setText(value, `${number} ${unit}`);
	} else setText(value, signal?.quality ?? "not there");
	setText(tile.children[2], signal === undefined ? "" : lastKnown(signal) || note);
}

function stageNote(foil, target, run) {
	const notes = [targetNote(target)];
	const melting = run?.meltingPointC ?? null;
	if (melting !== null) {
		const isKnown = foil?.quality === "good" && foil.value !== null;
		notes.push(`melts at ${melting} °C${isKnown ? `, ${(melting - foil.value).toFixed(1)} °C away` : ""}`);
	}
	return notes.filter(Boolean).join(" · ");
}

function targetNote(target) {
	if (target === undefined) return "";
	if (target.quality !== "good" || target.value === null) return `target ${target.quality}`;
	return `target ${valueText(target.value, target.unit)}`;
}

/** Words for the levels 0 and 1 of a contact, from those for open and made. */
function contactWords(status, name, words) {
	return status.roles?.safeLevels?.[partId(status, name)] === 0 ? [...words].reverse() : words;
}

/** Two-valued parts; `words` are those for 0 and 1, `on` is the word that has the full mark. */
function switches(status) {
	return [
		{
			name: "Pump",
			signal: part(status, "pumpRunning"),
			words: contactWords(status, "pumpRunning", ["stopped", "running"]),
			on: "running",
		},
		{
			name: "Lid",
			signal: part(status, "lidClosed"),
			words: contactWords(status, "lidClosed", ["open", "closed"]),
			on: "open",
		},
		{ name: "Stop valve", signal: part(status, "stopValve"), words: ["shut", "open"], on: "open" },
		...dosingValves(status).map(([precursor, signal]) => ({
			name: `${precursor} valve`,
			signal,
			words: ["shut", "open"],
			on: "open",
		})),
	];
}
