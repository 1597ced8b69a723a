import { InvalidArgumentError } from "commander";
import { controlLink, type DataOption } from "#cli/commands/status.js";
import type { CliContext, Outcome } from "#cli/context.js";
import { AdlayerError } from "#core/errors.js";
import type { MaintenanceStatus } from "#record/maintenance.js";

/** 1 Torr in Pa (101325 / 760). */
const PA_PER_TORR = 101_325 / 760;

/** Pulses, bottles, hours and base pressure, straight from control. */
export async function maintenance(context: CliContext, options: DataOption): Promise<Outcome> {
	const present = await controlLink(context, options).request("maintenance", {});
	for (const line of maintenanceLines(present)) context.out.line(line);
	context.out.result({ ok: true, ...present });
	return 0;
}

export interface BottleOptions extends DataOption {
	readonly changed?: boolean;
	readonly grams?: number;
	readonly by?: string;
}

/** Tells of a full bottle; without --changed says what is in the present one. */
export async function bottle(context: CliContext, precursor: string, options: BottleOptions): Promise<Outcome> {
	const { out, userName } = context;
	const link = controlLink(context, options);
	if (options.changed !== (options.grams !== undefined ? true : undefined))
		throw new AdlayerError("USAGE", "A change of the bottle takes both: --changed --grams N.");
	const present =
		options.grams === undefined
			? await link.request("maintenance", {})
			: await link.request("change-bottle", { precursor, grams: options.grams, by: options.by ?? userName });
	const found = Object.hasOwn(present.bottles, precursor) ? present.bottles[precursor] : undefined;
	if (found === undefined) {
		const known = Object.keys(present.bottles).join(", ");
		throw new AdlayerError("NOT_FOUND", `The reactor has no precursor ${precursor}; it has ${known}.`);
	}
	out.line(bottleLine(precursor, found));
	out.result({ ok: true, precursor, ...found });
	return 0;
}

export function parseGrams(text: string): number {
	const grams = Number(text);
	if (text.trim() !== "" && grams > 0 && Number.isFinite(grams)) return grams;
	throw new InvalidArgumentError("Grams are a number above 0.");
}

function maintenanceLines({
	valves,
	bottles,
	hours,
	pumpHoursMax,
	basePressures,
	warnings,
}: MaintenanceStatus): string[] {
	const of = (max: number | null, unit = ""): string => (max === null ? "" : ` of ${max}${unit}`);
	const last = basePressures.at(-1);
	const torr = last === undefined ? undefined : (last.pa / PA_PER_TORR).toPrecision(3);
	return [
		...warnings.map(({ message }) => `To do: ${message}`),
		...Object.entries(valves).map(
			([valve, { pulses, pulsesMax }]) => `Valve ${valve}: ${pulses} pulses${of(pulsesMax)}`,
		),
		...Object.entries(bottles).map(([precursor, each]) => bottleLine(precursor, each)),
		`Pump: ${hours.pump.toFixed(1)} h${of(pumpHoursMax, " h")}`,
		...Object.entries(hours.heaters).map(([zone, heated]) => `Heater ${zone}: ${heated.toFixed(1)} h`),
		torr === undefined ? "Base pressure: no pump-down yet" : `Base pressure of the last pump-down: ${torr} Torr`,
	];
}

function bottleLine(
	precursor: string,
	{ grams, usedG, leftG, changedAt, by }: MaintenanceStatus["bottles"][string],
): string {
	if (grams === null || leftG === null || changedAt === null)
		return `Bottle ${precursor}: ${usedG.toFixed(3)} g used; when it was changed is not known`;
	const day = new Date(changedAt).toISOString().slice(0, 10);
	return `Bottle ${precursor}: ${leftG.toFixed(2)} g left of ${grams} g (${day}, ${by})`;
}
