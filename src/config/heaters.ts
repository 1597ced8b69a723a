/** What is known of the heated zones: their models, and the foil beside its sensor. */

import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { asAdlayerError, type Problem } from "#core/errors.js";
import { parseModelFile } from "#heating/model-file.js";
import type { FoilCalibration } from "#heating/zone-model.js";
import type { Heater } from "#recipe/heater.js";
import { problemAt, type YamlDocument } from "#recipe/yaml-document.js";
import type { LabFileContent, ZoneEntry } from "#src/config/lab-file-schema.js";

/** Reads the models that the zones name; what is wrong with them is added to the problems. */
export function heatersOf(content: LabFileContent, document: YamlDocument, path: string, problems: Problem[]) {
	const heaters: Record<string, Heater> = {};
	for (const [name, zone] of Object.entries(content.reactor.zones)) {
		if (zone.model === undefined) continue;
		const place = { path: ["reactor", "zones", name, "model"] };
		const wrong = (message: string) =>
			problems.push(
				problemAt(document, place, { severity: "error", code: "LAB_FILE_INVALID", message, value: zone.model }),
			);
		if (zone.heats_foil && zone.foil === undefined) {
			wrong(`Zone ${name} heats the foil: with a model it needs the foil's lag and offset (foil).`);
			continue;
		}
		try {
			const file = parseModelFile(readFileSync(resolve(dirname(path), zone.model), "utf8"));
			if (file.zone !== name) wrong(`The model ${zone.model} is that of zone ${file.zone}.`);
			const { decimals } = content.instruments[zone.instrument]!.settings;
			const resolutionC = 10 ** -(typeof decimals === "number" ? decimals : 1);
			heaters[name] = { model: file.model, controller: file.controller, foil: calibrationOf(zone), resolutionC };
		} catch (thrown) {
			wrong(`The model ${zone.model} cannot be used: ${asAdlayerError(thrown).message}`);
		}
	}
	return heaters;
}

const middle = ([low, high]: readonly [number, number]): number => (low + high) / 2;
const half = ([low, high]: readonly [number, number]): number => (high - low) / 2;

/** Of foil minus the instrument's reading; of the zone minus it where it does not heat the foil. */
function calibrationOf(zone: ZoneEntry): FoilCalibration {
	const { foil } = zone;
	return {
		offsetC: offsetOf(zone),
		offsetBoundC: foil === undefined ? 0 : half(foil.offset_degC),
		lagS: foil === undefined ? 0 : middle(foil.lag_s),
		lagBoundS: foil === undefined ? 0 : half(foil.lag_s),
	};
}

export const offsetOf = ({ sensor, foil }: ZoneEntry): number =>
	sensor.offset_degC + (foil === undefined ? 0 : middle(foil.offset_degC));
export const uncertaintyOf = ({ sensor, foil }: ZoneEntry): number =>
	sensor.uncertainty_degC + (foil === undefined ? 0 : half(foil.offset_degC));
