/** An alarm for every sensor that its instrument says is broken, whether a run is under way or not. */
import type { PolledValues } from "#device/contract.js";
import type { Plant } from "#device/plant.js";
import type { Alarms } from "#safety/alarms.js";

export class SensorWatch {
	private readonly broken = new Set<string>();
	/** A channel without a cell or a test has nothing to measure. */
	private readonly cyclers: ReadonlySet<string>;

	constructor(
		private readonly alarms: Alarms,
		plant: Plant,
	) {
		const cyclers = plant.instruments.filter(({ device }) => device.cycler !== undefined);
		this.cyclers = new Set(cyclers.map(({ name }) => name));
	}

	/** New values of an instrument. A quantity beyond the range of a sound sensor is no alarm: a vented chamber is above its gauge. */
	sampled(instrument: string, values: PolledValues): void {
		if (this.cyclers.has(instrument)) return;
		for (const signal in values) {
			const { quality, isBeyondRange, detail } = values[signal]!;
			const isBroken = quality === "fault" && isBeyondRange !== true;
			if (!isBroken && this.broken.size === 0) continue;
			const id = `${instrument}.${signal}`;
			if (isBroken) {
				this.broken.add(id);
				const message = `${id} has no valid value: ${detail ?? "its instrument does not say why"}.`;
				this.alarms.raise({ alarm: `sensor.${id}`, message: message.replace(/\.{2,}$/, ".") });
			} else if (this.broken.delete(id)) this.alarms.cleared(`sensor.${id}`);
		}
	}
}
