/** The live view of a run, as lines of text: pure, so that what people see is tested as text. Durations are lab time. */
import { torrFromPascal } from "#core/units.js";
import type { ControlStatus, Interruption, RunStatus, SignalStatus } from "#record/status.js";

const BAR_CHARS_MAX = 40;
const WIDTH_MIN = 40;
const ALARMS_SHOWN = 5;

/** The view of the present state, at most `width` characters a line; without a run it says so. */
export function renderProgress(status: ControlStatus, width: number): string[] {
	const columns = Math.max(WIDTH_MIN, width);
	const lines = [title(status)];
	const { run } = status;
	if (run === null) lines.push("No run.");
	else lines.push(...phaseLines(run, columns), ...figureLines(status, run, columns));
	lines.push(...alarmLines(status));
	return lines.map((line) => clipped(line, columns));
}

/** The same in one line, for logs and pipes. */
export function renderProgressLine(status: ControlStatus): string {
	const { run } = status;
	const mark = status.simulated ? "SIMULATED " : "";
	if (run === null) return `${mark}no run`;
	const { foilC, chamberPa } = parts(status);
	const pieces = [
		`${mark}${run.product} ${run.state}`,
		run.step?.phase ?? "-",
		`cycle ${run.cycles.complete}/${run.cycles.ordered}`,
		`stage ${degrees(foilC)}`,
		`chamber ${torr(chamberPa)}`,
		`elapsed ${duration(run.elapsedS)}`,
		`left ${duration(run.remainingS)}`,
	];
	for (const { zone, targetC, remainingS } of run.heating ?? [])
		pieces.push(`${zone} at ${targetC} °C in ${duration(remainingS)}`);
	if (run.prompt != null) pieces.push(`asks: ${run.prompt.text} (adlayer confirm ${run.prompt.prompt})`);
	if (run.suspension != null) pieces.push(`waits: ${run.suspension.conditions.map(({ reason }) => reason).join(" ")}`);
	if (status.alarms.length > 0) pieces.push(`alarms ${status.alarms.map(({ alarm }) => alarm).join(" ")}`);
	return pieces.join(" | ");
}

/** 3725 s is "1:02:05". */
export function duration(seconds: number): string {
	const whole = Math.max(0, Math.round(seconds));
	const two = (value: number) => String(value).padStart(2, "0");
	return `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
}

/** The signals that people look for first: as the lab says, or else by name and unit. */
export function parts(status: ControlStatus): Record<"foilC" | "foilTargetC" | "chamberPa", SignalStatus | undefined> {
	const { roles, signals } = status;
	const find = (role: string | undefined, unit: string, name: RegExp) =>
		role === undefined
			? Object.entries(signals).find(([id, signal]) => signal.unit === unit && name.test(id))?.[1]
			: signals[role];
	return {
		foilC: find(roles?.foilC, "degC", /^stage\.(?!.*(set|target))/),
		foilTargetC: find(roles?.foilTargetC, "degC", /^stage\..*(set|target)/),
		chamberPa: find(roles?.chamberPa, "Pa", /chamber/),
	};
}

/** A value that is not good is named by its quality, never shown as a number. */
export function shown(signal: SignalStatus | undefined, text: (value: number) => string): string {
	if (signal === undefined) return "-";
	if (signal.quality !== "good") return signal.quality;
	return signal.value === null ? "-" : text(signal.value);
}

const degrees = (signal: SignalStatus | undefined) => shown(signal, (value) => `${value.toFixed(1)} °C`);
const torr = (signal: SignalStatus | undefined) => shown(signal, (pa) => `${torrFromPascal(pa).toPrecision(3)} Torr`);

function title({ simulated, speed, station, run }: ControlStatus): string {
	const mark = simulated ? [`SIMULATED${speed === 1 ? "" : ` ×${speed}`}`] : [];
	const who = run === null ? [] : [run.product, run.state.toUpperCase()];
	return [...mark, station, ...who].join("  ");
}

function phaseLines(run: RunStatus, columns: number): string[] {
	const barChars = Math.min(BAR_CHARS_MAX, columns - 30);
	const nameChars = Math.max(...run.phases.map(({ name }) => name.length), 5);
	const doneS = run.plannedS - run.remainingS;
	const isComplete = run.state === "complete";
	const present = run.phases.findIndex(({ name }) => name === run.step?.phase);
	let beginS = 0;
	return run.phases.map(({ name, seconds }, index) => {
		const share = seconds > 0 ? Math.min(1, Math.max(0, (doneS - beginS) / seconds)) : 0;
		beginS += seconds;
		const fraction = isComplete || index < present ? 1 : index === present || present < 0 ? share : 0;
		const mark = index === present ? ">" : fraction === 1 ? "+" : " ";
		return `${mark} ${name.padEnd(nameChars)} ${bar(fraction, barChars)} ${duration(seconds).padStart(8)}`;
	});
}

function figureLines(status: ControlStatus, run: RunStatus, columns: number): string[] {
	const { foilC, foilTargetC, chamberPa } = parts(status);
	const { complete, ordered, repeated, unknown } = run.cycles;
	const extras = [repeated > 0 ? `${repeated} repeated` : "", unknown > 0 ? `${unknown} unknown` : ""].filter(
		(text) => text !== "",
	);
	const pulse = run.worstPulseErrorMs === null ? "none yet" : `worst error ${run.worstPulseErrorMs.toFixed(3)} ms`;
	const lines = [
		`Cycle    ${complete}/${ordered}${extras.length === 0 ? "" : ` (${extras.join(", ")})`}${run.step === null ? "" : `  ${run.step.title}`}`,
		`Stage    ${degrees(foilC)}, target ${degrees(foilTargetC)}`,
		`Chamber  ${torr(chamberPa)}`,
		`Pulses   ${pulse}`,
		`Time     ${duration(run.elapsedS)} elapsed, ${duration(run.remainingS)} left (lab time)`,
	];
	if (run.anneal !== null && run.anneal.inBandS > 0) {
		lines.push(`Anneal   ${duration(run.anneal.inBandS)} of ${duration(run.anneal.orderedS)} in band`);
	}
	for (const { zone, targetC, remainingS } of run.heating ?? [])
		lines.push(`Heats    ${zone} to ${targetC} °C, there in ${duration(remainingS)}`);
	if (run.interruption != null) lines.push(...interruptionLines(run.interruption));
	for (const { reason } of run.suspension?.conditions ?? []) lines.push(`Waits    ${reason}`);
	if (run.prompt != null) {
		lines.push(`Asks     ${run.prompt.text}`, `         ${run.prompt.confirm}: adlayer confirm ${run.prompt.prompt}`);
	}
	if (run.state === "held") lines.push("Choose   restart, stop or abort: on the page; adlayer abort here");
	const isOrdinary = run.state === "running" || run.state === "complete";
	if (!isOrdinary) lines.push(clipped(`Because  ${run.cause}`, columns));
	return lines;
}

const REPEATED_FOR = { unknown: "nobody knows its fate", "left-nothing": "its dose left nothing" } as const;

/** What to know of a run that control found open, before saying how it goes on. */
function interruptionLines(interruption: Interruption): string[] {
	const { gapS, cycle, halfCycle, repeat, lastDoses, temperatures, annealMinutes, differences } = interruption;
	const celsius = (value: number | null) => (value === null ? "?" : value.toFixed(1));
	const again = repeat === null ? "" : `, which a restart repeats: ${REPEATED_FOR[repeat]}`;
	const where = cycle === null ? "outside the cycles" : `in cycle ${cycle}, half-cycle ${halfCycle ?? "?"}${again}`;
	const doses = Object.entries(lastDoses).map(([precursor, last]) =>
		last === null
			? `${precursor} never`
			: `${precursor} ${duration(last.sinceS)} ago${last.fate === "unknown" ? " (fate unknown)" : ""}`,
	);
	const choice =
		differences.length > 0
			? "stop or abort"
			: `restart${annealMinutes === null ? "" : ` --anneal-minutes ${annealMinutes}`}, stop or abort`;
	return [
		`Lost     control was away for ${duration(gapS)}, ${where}`,
		`Doses    ${doses.join(", ")}`,
		...Object.entries(temperatures).map(
			([zone, { beforeC, afterC, lowestC, highestC }]) =>
				`Gap      ${zone} ${celsius(beforeC)} °C before, ${celsius(afterC)} after, between ${celsius(lowestC)} and ${celsius(highestC)}`,
		),
		...(annealMinutes === null
			? []
			: [`Anneal   ${annealMinutes.toFixed(1)} min were done; it does not go on by itself`]),
		...differences.map((difference) => `Differs  ${difference}`),
		`Choose   adlayer ${choice}`,
	];
}

function alarmLines({ alarms, interlocks }: ControlStatus): string[] {
	const tripped = interlocks
		.filter(({ state }) => state !== "clear")
		.map(({ interlock, cause }) => `! interlock ${interlock}: ${cause}`);
	const raised = alarms.map(({ alarm, priority, message }) => `! ${priority} ${alarm}: ${message}`);
	const all = [...tripped, ...raised];
	if (all.length === 0) return ["Alarms   none"];
	const more = all.length > ALARMS_SHOWN ? [`! and ${all.length - ALARMS_SHOWN} more`] : [];
	return [...all.slice(0, ALARMS_SHOWN), ...more];
}

function bar(fraction: number, chars: number): string {
	const full = Math.floor(fraction * chars);
	return "█".repeat(full) + "░".repeat(chars - full);
}

const clipped = (line: string, columns: number): string =>
	[...line].length <= columns ? line : `${[...line].slice(0, columns - 1).join("")}…`;
