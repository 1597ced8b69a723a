/** The battery cells in the channels of the simulated cyclers. */
import { AdlayerError, asAdlayerError, type Problem } from "#core/errors.js";
import { Prng } from "#core/prng.js";
import type { CellPort } from "#device/cycler.js";
import { type CellSpec, type CellTruth, SimulatedCell } from "#twin/cells/cell.js";
import type { CellConstants } from "#twin/cells/constants.js";
import type { LabPlan } from "./plan.js";

/** Of a channel's converters: 16 bits over 10 V, and a hundredth of a per cent of the current. */
const VOLTAGE_NOISE_V = 1.5e-4;
const CURRENT_NOISE = 1e-4;
const SEED_MAX = 2 ** 31 - 1;

interface Place {
	readonly spec: CellSpec;
	cell: SimulatedCell;
	/** Cells that have been in this place, the present one included. */
	count: number;
}

/** Cells by `instrument.channel`. A place without a cell is an open circuit without a voltage. */
export class CellRack {
	private readonly places = new Map<string, Place>();
	private readonly constants: CellConstants | undefined;
	private readonly seed: number;

	/** Throws LAB_FILE_INVALID with every cell that is in no channel or that there are no constants for. */
	constructor({ cells = {}, seed, instruments }: LabPlan, constants: CellConstants | undefined) {
		this.constants = constants;
		this.seed = seed;
		const channels = new Set(instruments.flatMap(({ name, settings }) => channelsOf(name, settings)));
		const problems: Problem[] = [];
		for (const [place, spec] of Object.entries(cells)) {
			const wrong = (message: string) =>
				problems.push({
					severity: "error",
					code: "LAB_FILE_INVALID",
					path: `simulation.cells.in.${place}`,
					value: place,
					message,
				});
			if (!channels.has(place))
				wrong(`There is no channel ${place} for a cell; there are ${[...channels].join(", ")}.`);
			try {
				this.places.set(place, { spec, cell: this.newCell(place, spec, 1), count: 1 });
			} catch (thrown) {
				wrong(`The cell in ${place} cannot be made: ${asAdlayerError(thrown).message}`);
			}
		}
		if (problems.length === 0) return;
		throw new AdlayerError("LAB_FILE_INVALID", problems.map(({ message }) => message).join(" "), { problems });
	}

	/** Places that have a cell. */
	get names(): readonly string[] {
		return [...this.places.keys()];
	}

	/** What a channel is wired to, whichever cell lies there at the time. */
	port(place: string): CellPort {
		const noise = new Prng(this.seed, `channel ${place}`);
		return {
			apply: (drive, dtS) => {
				const cell = this.places.get(place)?.cell;
				if (cell === undefined) return { voltageV: 0, currentA: 0 };
				const { voltageV, currentA } = cell.apply(drive, dtS);
				return {
					voltageV: voltageV + VOLTAGE_NOISE_V * noise.normal(),
					currentA: currentA === 0 ? 0 : currentA * (1 + CURRENT_NOISE * noise.normal()),
				};
			},
		};
	}

	/** Takes the cell out and puts a fresh one of the same make in. Throws NOT_FOUND for a place without a cell. */
	renew(place: string): void {
		const there = this.present(place);
		there.count += 1;
		there.cell = this.newCell(place, there.spec, there.count);
	}

	/** What really happened in the present cell. Throws NOT_FOUND. */
	truth(place: string): CellTruth {
		return this.present(place).cell.truth();
	}

	private present(place: string): Place {
		const there = this.places.get(place);
		if (there === undefined) throw new AdlayerError("NOT_FOUND", `There is no cell in ${place}.`);
		return there;
	}

	private newCell(place: string, spec: CellSpec, number: number): SimulatedCell {
		if (this.constants === undefined) throw new AdlayerError("USAGE", "The lab has no constants of cells.");
		const seed = new Prng(this.seed, `cell ${number} in ${place}`).integer(0, SEED_MAX);
		return new SimulatedCell({ constants: this.constants, spec, seed });
	}
}

/** A cycler names its channels in its settings: many with what they can do, or the one that it has. */
function channelsOf(instrument: string, settings: Readonly<Record<string, unknown>>): string[] {
	const { channels, channel } = settings as { readonly channels?: unknown; readonly channel?: unknown };
	if (typeof channel === "string") return [`${instrument}.${channel}`];
	if (typeof channels !== "object" || channels === null) return [];
	return Object.keys(channels).map((name) => `${instrument}.${name}`);
}
