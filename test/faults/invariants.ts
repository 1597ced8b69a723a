/** What must hold at every step of the twin, and of the record at the end, whatever goes wrong. */
import type { JournalRecord, RunCreated } from "#record/records.js";
import type { Story } from "../plant/stories.js";

/** The T7's watchdog of the simulated lab, and the time it may be late. */
const VALVES_SHUT_MS = 2_500;
/** Heaters above their limit are off after so long: two readings, a trip, a write. */
const HEATERS_OFF_MS = 8_000;
/** The safe state stands this long after its cause, in a world that is well again and answers. */
const SAFE_MS = 20_000;
const SAFE_LOOK_MS = 1_000;
/** The upper end of the pressures for a dose in the simulated lab: above it the purge waits. */
const DOSE_PA_MAX = 267;
const ZONES = { stage: 190, wall: 150, tma_line: 120 };
const PRECURSORS = ["TMA", "H2O"];

export class Invariants {
	readonly broken: string[] = [];
	private killedMs: number | undefined;
	private readonly aboveSinceMs = new Map<string, number>();
	private readonly percent = new Map<string, number>();
	private seen = 0;
	private wasTooHot = false;
	private looks = 0;
	private created: RunCreated | undefined;
	private readonly standing = new Set<string>();
	private latchedIds = "";
	private safeSinceMs = 0;
	private safeLookMs = 0;

	constructor(
		private readonly story: Story,
		/** Whether the world is as it should be, whatever control has made of it. */
		private readonly isQuiet: () => boolean = () => true,
	) {
		const { twin } = story.lab;
		const advance = twin.advance.bind(twin);
		const setHeaterPercent = twin.setHeaterPercent.bind(twin);
		twin.setHeaterPercent = (zone, percent) => {
			this.percent.set(zone, percent);
			setHeaterPercent(zone, percent);
		};
		twin.advance = (nowMs) => {
			advance(nowMs);
			this.check(nowMs);
		};
	}

	/** Once each. */
	private say(text: string): void {
		if (!this.broken.includes(text) && this.broken.length < 20) this.broken.push(text);
	}

	private check(nowMs: number): void {
		const { story } = this;
		const { twin } = story.lab;
		const open = PRECURSORS.filter((valve) => twin.isValveOpen(valve));
		const at = `at ${(nowMs / 1_000).toFixed(2)} s`;
		if (open.length > 1) this.say(`Both precursor valves stood open ${at}.`);
		if (!story.isControlDead) this.killedMs = undefined;
		else this.killedMs ??= nowMs;
		if (this.killedMs !== undefined && nowMs - this.killedMs > VALVES_SHUT_MS && open.length > 0)
			this.say(
				`${open.join(", ")} stood open ${((nowMs - this.killedMs) / 1_000).toFixed(1)} s after control was lost.`,
			);
		// The simulated sensor of the stage is true to 0.3 degC.
		if (this.created === undefined && this.looks++ % 50 === 0) this.created = story.records("run-created")[0];
		const neverAboveC = this.created?.neverAboveC ?? Number.POSITIVE_INFINITY;
		if (!this.wasTooHot && twin.foilC > neverAboveC + 0.3) {
			this.wasTooHot = true;
			this.say(`The foil was at ${twin.foilC.toFixed(1)} degC, declared never above ${neverAboveC} degC, ${at}.`);
		}
		for (const [zone, limitC] of Object.entries(ZONES)) this.checkHeater(zone, limitC, nowMs);
		if (nowMs - this.safeLookMs >= SAFE_LOOK_MS) this.checkSafeState(nowMs);
		const { violations } = story.lab.truth();
		for (; this.seen < violations.length; this.seen += 1) {
			const { kind, detail, atMs } = violations[this.seen]!;
			// The valve I/O's watchdog opens the stop valve alone: the hardwired contact in its supply is for that.
			if (kind === "backstream-from-foreline" && this.isValveIoAlone()) continue;
			this.say(`${kind} at ${(atMs / 1_000).toFixed(2)} s: ${detail}`);
		}
	}

	/** The row of the worst cause since something latched, once everything has been well again for long enough. */
	private checkSafeState(nowMs: number): void {
		this.safeLookMs = nowMs;
		const { control, isControlDead, lab } = this.story;
		const latched = isControlDead ? [] : control.supervisor.interlockStatus.filter(({ state }) => state !== "clear");
		if (latched.length === 0) this.standing.clear();
		for (const { effect } of latched) this.standing.add(effect);
		const ids = latched.map(({ interlock }) => interlock).join();
		if (latched.length === 0 || !this.isQuiet() || !control.plant.allReady || ids !== this.latchedIds) {
			this.latchedIds = ids;
			this.safeSinceMs = nowMs;
			return;
		}
		if (nowMs - this.safeSinceMs < SAFE_MS) return;
		const { twin } = lab;
		const wrong = PRECURSORS.filter((valve) => twin.isValveOpen(valve)).map((valve) => `${valve} open`);
		for (const zone of Object.keys(ZONES))
			if ((this.percent.get(zone) ?? 0) > 0) wrong.push(`${zone} heated with ${this.percent.get(zone)} %`);
		const isOpen = twin.isValveOpen("stop");
		const sccm = twin.carrierSccm;
		if (this.standing.has("pump-lost") && isOpen) wrong.push("stop valve open");
		const purges = !this.standing.has("pump-lost") && !this.standing.has("carrier-lost") && isOpen;
		if (!purges && sccm > 1) wrong.push(`${sccm.toFixed(0)} sccm of carrier`);
		if (purges && sccm < 95 && twin.chamberPa < DOSE_PA_MAX) wrong.push(`only ${sccm.toFixed(0)} sccm of carrier`);
		if (wrong.length > 0)
			this.say(`With ${ids} latched (${[...this.standing].join(", ")}): ${wrong.join(", ")} at ${nowMs / 1_000} s.`);
	}

	private isValveIoAlone(): boolean {
		const { control, isControlDead, lab } = this.story;
		return isControlDead || lab.instrument("io").silent || control.plant.instrument("io").state !== "ready";
	}

	private checkHeater(zone: string, limitC: number, nowMs: number): void {
		if (this.story.lab.twin.zoneC(zone) < limitC) {
			this.aboveSinceMs.delete(zone);
			return;
		}
		const sinceMs = this.aboveSinceMs.get(zone) ?? nowMs;
		this.aboveSinceMs.set(zone, sinceMs);
		if (nowMs - sinceMs > HEATERS_OFF_MS && (this.percent.get(zone) ?? 0) > 0)
			this.say(`Zone ${zone} was heated above its limit of ${limitC} degC.`);
	}
}

/** The record of one run that is over. `kills` is how often control was lost. */
export function recordFaults(story: Story, kills: number): string[] {
	const told: string[] = [];
	const { records } = story.journal;
	const of = <Kind extends JournalRecord["kind"]>(kind: Kind) => story.records(kind);
	records.forEach(({ seq }, index) => {
		if (seq !== index + 1) told.push(`Record ${index + 1} has the number ${seq}.`);
	});
	const finished = of("run-finished");
	if (finished.length !== 1) return [...told, `The run has ${finished.length} records of its end.`];
	const intended = of("pulse-intended").map(({ pulse }) => pulse);
	const pulses = of("pulse");
	if (intended.join() !== pulses.map(({ pulse }) => pulse).join())
		told.push(`Pulses announced ${intended.join()}, recorded ${pulses.map(({ pulse }) => pulse).join()}.`);
	if (new Set(intended).size !== intended.length) told.push("A pulse's number was given twice.");
	const count = (fate: string) => pulses.filter((pulse) => pulse.fate === fate).length;
	const opened = Object.values(story.truth().doses).reduce((sum, doses) => sum + doses, 0);
	const { cycles, state } = finished[0]!;
	if (cycles.unknown !== count("unknown"))
		told.push(`${cycles.unknown} unknown in the end, ${count("unknown")} recorded.`);
	const toRepeat = pulses.filter(({ trend }) => trend?.repeat === true);
	if (cycles.repeated > cycles.unknown + toRepeat.length)
		told.push(`${cycles.repeated} repeated for ${cycles.unknown} unknown and ${toRepeat.length} that left nothing.`);
	// The first of two that left nothing is found out when its cycle has gone on.
	const missed = toRepeat.filter(({ trend }) => trend?.leftNothing === 2).length;
	if (state === "complete" && cycles.complete !== cycles.ordered - missed)
		told.push(`Complete with ${cycles.complete} of ${cycles.ordered} cycles, ${missed} of them without a dose.`);
	if (state === "complete" && count("delivered") + count("unknown") < 2 * cycles.ordered)
		told.push(`Complete with ${count("delivered")} delivered and ${count("unknown")} unknown pulses.`);
	if (opened > count("delivered") + count("unknown"))
		told.push(
			`Valves opened ${opened} times, ${count("delivered")} delivered and ${count("unknown")} unknown are recorded.`,
		);
	const openSteps = of("step-started").length - of("step-ended").length;
	if (openSteps < 0 || openSteps > kills) told.push(`${openSteps} steps have no end, with ${kills} losses of control.`);
	let from = "idle";
	for (const change of of("run-state")) {
		if (change.from !== from) told.push(`The run went from ${change.from}, but was ${from}.`);
		from = change.to;
	}
	return told;
}
