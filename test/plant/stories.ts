/** What the stories of the virtual plant share: a short recipe, ways to a moment in it, and what an outsider sees there. */
import type { JournalRecord, RunState } from "#record/records.js";
import { SHORT_RECIPE } from "../recipe/short-recipe.js";
import { VirtualPlant, type VirtualPlantOptions } from "../support/virtual-plant.js";

export class Story extends VirtualPlant {
	/** A plant with a run of the short recipe. */
	static async launched(options: VirtualPlantOptions & { readonly set?: Record<string, number> } = {}): Promise<Story> {
		const story = new Story(options);
		await story.ready();
		await story.launch("short.recipe.yaml", { recipeText: SHORT_RECIPE, set: options.set ?? {} });
		return story;
	}

	/** As `launched`, at the moment when a step of this type begins for the `times`th time. */
	static async at(type: string, times = 1): Promise<Story> {
		const story = await Story.launched();
		await story.step(type, times);
		return story;
	}

	async step(type: string, times = 1): Promise<void> {
		const begun = () => this.records("step-started").filter((record) => record.type === type).length;
		await this.clock.advanceUntil(() => begun() >= times, 20_000_000);
	}

	/** In the middle of the `times`th pulse: its valve is open. */
	async pulse(times = 1): Promise<void> {
		await this.step("pulse", times);
		for (let ms = 0; this.openPrecursors.length === 0; ms += 2) {
			if (ms > 1_000) throw new Error("No valve has opened.");
			await this.clock.advance(2);
		}
	}

	async state(state: RunState, limitS = 20_000): Promise<void> {
		await this.until(state, limitS);
	}

	async forS(seconds: number): Promise<void> {
		await this.clock.advance(seconds * 1_000);
	}

	/** What the twin's valves, flow and heaters do, with the flow as it is commanded there. */
	get reactor(): { readonly precursors: readonly string[]; readonly stopOpen: boolean; readonly sccm: number } {
		this.truth();
		const { twin } = this.lab;
		return { precursors: this.openPrecursors, stopOpen: twin.isValveOpen("stop"), sccm: Math.round(twin.carrierSccm) };
	}

	get openPrecursors(): string[] {
		this.truth();
		return ["TMA", "H2O"].filter((valve) => this.lab.twin.isValveOpen(valve));
	}

	/** Working setpoints of the controllers, degC. */
	get setpointsC(): { readonly stage: number | null; readonly wall: number | null; readonly tma_line: number | null } {
		const of = (zone: string) => this.control.plant.reading(`${zone}.setpoint`).value;
		return { stage: of("stage"), wall: of("wall"), tma_line: of("tma_line") };
	}

	get violations(): string[] {
		return this.truth().violations.map(({ kind }) => kind);
	}

	get latched(): string[] {
		return [...this.control.supervisor.latched].sort();
	}

	get status() {
		return this.control.status;
	}

	get run() {
		return this.control.status.run!;
	}

	/** The run's states in the order in which they were entered. */
	get states(): RunState[] {
		return this.records("run-state").map(({ to }) => to);
	}

	/** Acknowledges every zone in doubt, acknowledges and resets everything latched; throws what control answers. */
	async resetAll(): Promise<void> {
		for (const zone of this.control.supervisor.doubted)
			await this.ask("acknowledge-alarm", { alarm: `heater.${zone}`, by: "test" });
		for (const interlock of this.latched) {
			await this.ask("acknowledge-alarm", { alarm: `interlock.${interlock}`, by: "test" });
			await this.ask("reset-interlock", { interlock, by: "test" });
		}
	}

	private asked = 0;

	async ask(command: string, args: object, ifState?: RunState): Promise<unknown> {
		const request = { v: 1, id: `ask-${++this.asked}`, command, args, ...(ifState === undefined ? {} : { ifState }) };
		return (await this.control.handle(request as never)).result;
	}

	/** Records after `seq`. */
	since(seq: number): JournalRecord[] {
		return this.journal.records.slice(seq);
	}
}
