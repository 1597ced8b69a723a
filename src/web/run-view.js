/** The run: state, step, phases, figures and the buttons that its state allows. */
import { $, follow, make, setAttribute, setText } from "./dom.js";
import { showFigures } from "./figures.js";
import { duration, timeOfDay } from "./format.js";
import { allows, command } from "./run-commands.js";

const FINAL = new Set(["complete", "stopped", "aborted"]);
/** States in which the cause says nothing that the badge does not. */
const ORDINARY = new Set(["running", "complete"]);

let run = null;

export function startRunView({ onLaunch }) {
	// Two buttons change with the state; what a press means is what the button says at that moment.
	for (const id of ["pause", "hold", "stop", "abort", "reset"]) {
		$(id).addEventListener("click", () => run !== null && command(run, $(id).dataset.command ?? id));
	}
	$("launch").addEventListener("click", onLaunch);
}

/** `isLive` is false when the state may be old: then it is shown as what was, and only Hold and Abort stay. */
export function renderRun(status, isLive) {
	run = status.run;
	const state = run?.state ?? "none";
	$("run").dataset.state = state;
	setText($("product"), run === null ? "No run" : run.product);
	$("state").hidden = run === null;
	setText($("state"), isLive ? state : `was ${state}`);
	setText($("about"), run === null ? "The reactor is free." : aboutText(run));
	$("cause").hidden = run === null || ORDINARY.has(state) || state === "held";
	setText($("cause"), run === null ? "" : `Because: ${run.cause}`);
	setText($("step"), run?.step?.title ?? "");
	renderButtons(state, isLive);
	renderInterruption();
	renderPhases();
	renderFigures(status.wall, status.speed);
}

/** What to know of a run that control found open, before saying how it goes on. */
function renderInterruption() {
	const interruption = run?.interruption ?? null;
	$("interruption").hidden = interruption === null;
	showFigures($("interruption"), interruption === null ? [] : interruptionFigures(interruption));
	follow($("differences"), interruption?.differences ?? [], {
		key: (difference) => difference,
		create: (difference) => make("li", {}, difference),
		update: () => {},
	});
}

const REPEATED_FOR = { unknown: "its fate is not known", "left-nothing": "its dose left nothing" };

function interruptionFigures({ gapS, cycle, halfCycle, repeat, lastDoses, temperatures, annealMinutes }) {
	const celsius = (value) => (value === null ? "?" : value.toFixed(1));
	const again = repeat == null ? "" : `: a restart repeats it, ${REPEATED_FOR[repeat]}`;
	const list = [
		{
			name: "Control was away",
			value: duration(gapS),
			note: cycle === null ? "outside the cycles" : `cycle ${cycle}, half-cycle ${halfCycle ?? "?"}${again}`,
		},
	];
	for (const [precursor, last] of Object.entries(lastDoses)) {
		const note = last?.fate === "unknown" ? "fate unknown" : "";
		list.push({ name: `Last ${precursor}`, value: last === null ? "never" : `${duration(last.sinceS)} ago`, note });
	}
	for (const [zone, { beforeC, afterC, lowestC, highestC }] of Object.entries(temperatures)) {
		list.push({
			name: `Gap, ${zone}`,
			value: `${celsius(beforeC)} → ${celsius(afterC)} °C`,
			note: `between ${celsius(lowestC)} and ${celsius(highestC)}`,
		});
	}
	if (annealMinutes !== null) list.push({ name: "Anneal done", value: `${annealMinutes.toFixed(1)} min`, note: "" });
	for (const { zone, targetC, remainingS } of run.heating ?? [])
		list.push({ name: `${zone} at ${targetC} °C`, value: `in ${duration(remainingS)}`, note: "predicted" });
	return list;
}

function aboutText({ recipe, sample, operator, product }) {
	return [recipe, sample === product ? "" : `sample ${sample}`, `operator ${operator}`].filter(Boolean).join(" · ");
}

function renderButtons(state, isLive) {
	const isOver = run === null || FINAL.has(state);
	// A held run's buttons stand beside what each of them leads to.
	$("run-buttons").hidden = isOver || state === "held";
	$("idle-buttons").hidden = !isOver;
	$("launch").disabled = !isLive;
	$("reset").hidden = run === null;
	$("reset").disabled = !isLive;
	setCommand("pause", state === "paused" ? "resume" : "pause", "Pause", "Resume", state, isLive);
	setCommand("hold", state === "held" ? "restart" : "hold", "Hold", "Restart", state, isLive);
	if (state === "held" && (run.interruption?.differences.length ?? 0) > 0) $("hold").disabled = true;
	$("stop").disabled = !isLive || !allows(state, "stop");
	$("abort").disabled = !allows(state, "abort");
}

/** One place, two commands: the second one undoes the first. */
function setCommand(id, name, text, undoText, state, isLive) {
	const button = $(id);
	button.dataset.command = name;
	setText(button, name === id ? text : undoText);
	button.disabled = !allows(state, name) || (!isLive && name !== "hold");
}

function renderPhases() {
	const phases = run?.phases ?? [];
	const doneS = run === null ? 0 : run.plannedS - run.remainingS;
	const present = phases.findIndex(({ name }) => name === run.step?.phase);
	let beginS = 0;
	const items = phases.map(({ name, seconds }, index) => {
		const share = seconds > 0 ? Math.min(1, Math.max(0, (doneS - beginS) / seconds)) : 0;
		beginS += seconds;
		const isDone = run.state === "complete" || index < present;
		const fraction = isDone ? 1 : index === present || present < 0 ? share : 0;
		return { name, seconds, fraction, stage: isDone ? "done" : index === present ? "present" : "ahead" };
	});
	follow($("phases"), items, {
		key: ({ name }) => name,
		create: ({ name }) =>
			make("li", {}, make("b", {}, name), make("span", { class: "planned" }), make("progress", { max: "1" })),
		update: (line, { name, seconds, fraction, stage }) => {
			line.dataset.stage = stage;
			setAttribute(line, "aria-current", stage === "present" ? "step" : "false");
			setText(line.children[0], stage === "done" ? `✓ ${name}` : name);
			setText(line.children[1], duration(seconds));
			line.children[2].value = fraction;
			setAttribute(line.children[2], "aria-label", `Share of ${name}`);
		},
	});
}

function renderFigures(wall, speed) {
	showFigures($("figures"), run === null ? [] : figures(wall, speed));
}

function figures(wall, speed) {
	const { cycles, elapsedS, remainingS, anneal, worstPulseErrorMs, peakFoilC, meltingPointC } = run;
	const odd = [
		cycles.repeated > 0 ? `${cycles.repeated} repeated` : "",
		cycles.unknown > 0 ? `${cycles.unknown} unknown` : "",
	];
	const isOver = FINAL.has(run.state);
	const lab = speed === 1 ? "" : "lab time";
	const list = [
		{ name: "Cycle", value: `${cycles.complete} / ${cycles.ordered}`, note: odd.filter(Boolean).join(", ") },
		{
			name: "Time left",
			value: isOver ? "–" : duration(remainingS),
			note: isOver ? "" : `ends ${timeOfDay(wall + remainingS * 1000)}`,
		},
		{ name: "Elapsed", value: duration(elapsedS), note: lab },
		{
			name: "Worst pulse error",
			value: worstPulseErrorMs === null ? "–" : `${worstPulseErrorMs.toFixed(3)} ms`,
		},
		{
			name: "Hottest so far",
			value: peakFoilC === null ? "–" : `${peakFoilC.toFixed(1)} °C`,
			note: meltingPointC === null ? "" : `melts at ${meltingPointC} °C`,
		},
	];
	if (anneal !== null) {
		list.push({ name: "Anneal in band", value: duration(anneal.inBandS), note: `of ${duration(anneal.orderedS)}` });
	}
	return list;
}
