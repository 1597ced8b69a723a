/** Feeds the instruments' own dead-men, one exchange at a time for each, without keeping anybody waiting. */
import type { Plant } from "#device/plant.js";

export class Watchdogs {
	private readonly feeding = new Set<string>();
	private readonly names: readonly string[];

	constructor(private readonly plant: Plant) {
		this.names = plant.instruments.filter(({ device }) => device.watchdog !== undefined).map(({ name }) => name);
	}

	feed(except: readonly string[]): void {
		for (const name of this.names) {
			if (except.includes(name) || this.feeding.has(name) || this.plant.instrument(name).state !== "ready") continue;
			this.feeding.add(name);
			// A failed feed shows in the next poll as a fault of the instrument; the instrument's own time-out does the rest.
			void this.plant
				.device(name)
				.watchdog!.feed()
				.catch(() => {})
				.finally(() => this.feeding.delete(name));
		}
	}
}
