/** The simulated lab that a lab file describes. */

import { dirname, resolve } from "node:path";
import type { LabPlan } from "#lab/plan.js";
import { contactOf, mapValues } from "#src/config/entries.js";
import type { ContactEntry, SimulatedCellEntry } from "#src/config/lab-file-schema.js";
import type { LabFile } from "#src/config.js";

const cellSpecOf = (cell: SimulatedCellEntry) => ({
	couple: cell.couple,
	finish: cell.finish,
	foilUm: cell.foil_um,
	areaCm2: cell.area_cm2,
	...(cell.coating_cycles === undefined ? {} : { coatingCycles: cell.coating_cycles }),
	...(cell.active_mass_mg === undefined ? {} : { activeMassMg: cell.active_mass_mg }),
});

/** The simulated lab of a lab file that has one; undefined for real hardware. */
export function labPlan({
	content,
	path,
}: LabFile): { plan: LabPlan; twinFile: string; cellsFile?: string } | undefined {
	const { simulation, reactor } = content;
	if (simulation === undefined) return undefined;
	const { cells } = simulation;
	return {
		twinFile: resolve(dirname(path), simulation.reactor),
		...(cells === undefined ? {} : { cellsFile: resolve(dirname(path), cells.twin) }),
		plan: {
			seed: simulation.seed,
			foil: simulation.foil,
			...(cells === undefined ? {} : { cells: mapValues(cells.in, cellSpecOf) }),
			instruments: Object.entries(content.instruments).map(([name, { driver, address, settings }]) => ({
				name,
				driver,
				address,
				settings,
			})),
			reactor: {
				carrier: { instrument: reactor.carrier.instrument },
				pressures: reactor.pressures,
				zones: mapValues(reactor.zones, ({ instrument }) => ({ instrument })),
				precursors: mapValues(reactor.precursors, ({ output, wired }) => ({ output, wired })),
				stopValve: { output: reactor.stop_valve.output, wired: reactor.stop_valve.wired },
				inputs: mapValues(
					Object.fromEntries(
						Object.entries(reactor.inputs).filter((entry): entry is [string, ContactEntry] => !("none" in entry[1])),
					),
					contactOf,
				),
			},
		},
	};
}
