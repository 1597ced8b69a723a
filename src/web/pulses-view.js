/**
 * What the valves did in this run: by precursor how many pulses, the last one as ordered, measured and seen, and what each
 * left in the chamber against what is usual.
 */
import { $, follow, make, setText } from "./dom.js";
import { doseChart, drawDoses } from "./dose-chart.js";
import { torrNumber } from "./format.js";
import { get } from "./rest.js";

/** A stream that was refused is asked for again after this. */
const RETRY_MS = 5_000;
/** Doses that a chart goes back over. */
const DOSES_SHOWN = 200;

/** The run that is kept to, and how far: another run gets another feed, and answers to the old one are dropped. */
let feed = newFeed(null);

function newFeed(run) {
	return { run, precursors: new Map(), source: null, isAsking: false, triedMs: Number.NEGATIVE_INFINITY };
}

/** Keeps to the run of the state: reads its pulses once, then takes each new one as it happens. */
export function followPulses(status) {
	const run = status.run?.run ?? null;
	if (run !== feed.run) {
		feed.source?.close();
		feed = newFeed(run);
		render();
	}
	const isOpen = feed.source !== null && feed.source.readyState !== EventSource.CLOSED;
	if (run === null || isOpen || feed.isAsking || performance.now() - feed.triedMs < RETRY_MS) return;
	void open(feed, newest(status));
}

/** The journal's number that the state reaches to: what was read before it and what is followed after it meet there. */
const newest = (status) => Math.max(0, ...Object.values(status.signals).map(({ seq }) => seq ?? 0));

async function open(mine, seq) {
	const path = `/runs/${encodeURIComponent(mine.run)}`;
	mine.triedMs = performance.now();
	mine.isAsking = true;
	const answer = await get(`${path}/pulses`).catch(() => null);
	mine.isAsking = false;
	if (answer === null || mine !== feed) return;
	const seen = new Set();
	const take = (pulse) => {
		if (seen.has(pulse.pulse)) return;
		seen.add(pulse.pulse);
		count(mine.precursors, pulse);
	};
	mine.precursors = new Map();
	for (const pulse of answer.pulses) take(pulse);
	render();
	mine.source = new EventSource(`/api/v1${path}/events?after=${seq}`);
	mine.source.addEventListener("pulse", (event) => {
		take(JSON.parse(event.data));
		render();
	});
}

function count(precursors, pulse) {
	const line = precursors.get(pulse.precursor) ?? { delivered: 0, doubtful: 0, last: pulse, seen: [] };
	if (pulse.fate === "delivered") line.delivered += 1;
	else line.doubtful += 1;
	line.last = pulse;
	if (pulse.effective !== null) {
		const { usualPaS = null, lowPaS = null } = pulse.trend ?? {};
		const { areaPaS } = pulse.effective;
		line.seen.push({ at: line.delivered + line.doubtful, areaPaS, usualPaS, lowPaS });
		if (line.seen.length > DOSES_SHOWN) line.seen.shift();
	}
	precursors.set(pulse.precursor, line);
}

function render() {
	const { precursors } = feed;
	$("no-pulses").hidden = precursors.size > 0;
	follow($("pulses"), [...precursors], {
		key: ([precursor]) => precursor,
		create: ([precursor]) =>
			make(
				"div",
				{ class: "pulse" },
				make("h3", {}, precursor),
				make("b"),
				make("p", { class: "note" }),
				doseChart(precursor),
			),
		update: (item, [precursor, { delivered, doubtful, last, seen }]) => {
			item.dataset.precursor = precursor;
			item.dataset.quality = doubtful > 0 ? "fault" : "good";
			setText(item.children[1], widthText(last));
			const doubt = doubtful > 0 ? `, ${doubtful} doubtful` : "";
			setText(item.children[2], `ordered ${last.commandedMs} ms · ${evidence(last)} · ${delivered} delivered${doubt}`);
			drawDoses(item.querySelector("svg"), seen);
		},
	});
}

const widthText = ({ confirmedMs, fate }) => (confirmedMs === null ? fate : `${confirmedMs.toFixed(2)} ms`);

const evidence = ({ effective }) =>
	effective === null ? "peak not seen" : `peak +${torrNumber(effective.peakPa)} Torr`;
