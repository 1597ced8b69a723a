/** The cyclers of a plant, for whoever runs tests on them. */
import type { Cycler } from "./cycler.js";
import type { Plant } from "./plant.js";

/**
 * The cycler half of every instrument that has one, by the instrument's name. What talks to a cycler throws DEVICE_NOT_READY
 * while its instrument is away, at fault or not yet known to be the right one.
 */
export function plantCyclers(plant: Plant): Readonly<Record<string, Cycler>> {
	return Object.fromEntries(
		plant.instruments.flatMap(({ name, device: { cycler } }) =>
			cycler === undefined ? [] : [[name, whenReady(plant, name, cycler)]],
		),
	);
}

function whenReady(plant: Plant, name: string, cycler: Cycler): Cycler {
	const demandReady = () => plant.device(name);
	return {
		channels: cycler.channels,
		get currentSign() {
			return cycler.currentSign;
		},
		refusals: (channel, program) => cycler.refusals(channel, program),
		status: async () => {
			demandReady();
			return cycler.status();
		},
		extents: async () => {
			demandReady();
			return cycler.extents();
		},
		rows: async (request) => {
			demandReady();
			return cycler.rows(request);
		},
		start: async (order) => {
			demandReady();
			return cycler.start(order);
		},
		stop: async (channel) => {
			demandReady();
			return cycler.stop(channel);
		},
	};
}
