/** A zone's model as a file: what was found, when, from what, how well, and what the controller should be set to. */
import { parse, stringify } from "yaml";
import { AdlayerError, type Problem } from "#core/errors.js";
import type { ControllerSettings, ProposedSettings } from "./controller-settings.js";
import type { Estimate, Identification, IdentifiedModel } from "./identify.js";
import type { ZoneModel } from "./zone-model.js";

export interface ModelFileParts {
	readonly zone: string;
	/** ISO 8601. */
	readonly date: string;
	readonly source: { readonly file: string; readonly sha256: string };
	readonly identification: Identification;
	readonly controller: ProposedSettings;
}

const KIND = "heater-model/1";

/** As the YAML file and the JSON of `adlayer tune` have it. */
export function modelDocument({ zone, date, source, identification, controller }: ModelFileParts) {
	const { chosen, firstOrder, rows, seconds, warnings } = identification;
	return {
		adlayer: KIND,
		zone,
		date,
		source: { ...source, rows, seconds: rounded(seconds) },
		model: parameters(chosen),
		first_order: parameters(firstOrder),
		residuals: {
			rms_degC: rounded(chosen.residualRmsC),
			max_degC: rounded(chosen.residualMaxC),
			correlation: rounded(chosen.residualCorrelation),
			outlier_share: rounded(chosen.outlierShare),
		},
		controller: {
			rule: controller.rule,
			proportional_band_degC: controller.proportionalBandC,
			integral_s: controller.integralS,
			derivative_s: controller.derivativeS,
			gain_margin: rounded(controller.margins.gain),
			phase_margin_deg: rounded(controller.margins.phaseDeg),
			dead_time_margin_s: rounded(controller.margins.deadTimeS),
		},
		warnings: [...warnings],
	};
}

export const modelYaml = (parts: ModelFileParts): string => stringify(modelDocument(parts), { lineWidth: 120 });

function parameters(model: IdentifiedModel) {
	const { gainCPerPercent, timeConstantS, lagS, deadTimeS, restC, driftCPerH, couplings } = model;
	return {
		order: model.order,
		gain_degC_per_percent: told(gainCPerPercent),
		time_constant_s: told(timeConstantS),
		lag_s: told(lagS),
		dead_time_s: told(deadTimeS),
		rest_degC: told(restC),
		drift_degC_per_h: told(driftCPerH),
		couplings: Object.fromEntries(Object.entries(couplings).map(([name, estimate]) => [name, told(estimate)])),
	};
}

const told = ({ value, sigma }: Estimate) => ({ value: rounded(value), sigma: rounded(sigma) });
const rounded = (value: number): number => Number(value.toPrecision(6));

/** Reads a model file back. Throws TUNE_DATA_INVALID with every problem. */
export function parseModelFile(text: string): {
	zone: string;
	date: string;
	model: ZoneModel;
	controller: ControllerSettings & { readonly rule: string };
} {
	let content: unknown;
	try {
		content = parse(text);
	} catch (cause) {
		throw new AdlayerError("TUNE_DATA_INVALID", "The model file is not valid YAML.", { cause });
	}
	const problems: Problem[] = [];
	const problem = (path: string, message: string, value: unknown) =>
		problems.push({ severity: "error", code: "TUNE_DATA_INVALID", path, message, value });
	const at = (path: string): unknown =>
		path.split(".").reduce<unknown>((part, key) => (isRecord(part) ? part[key] : undefined), content);
	const number = (path: string, min: number, exclusive = false): number => {
		const value = at(path);
		const good = typeof value === "number" && Number.isFinite(value) && (exclusive ? value > min : value >= min);
		if (!good)
			problem(path, `${path} is ${String(value)}: it must be a number ${exclusive ? "above" : "from"} ${min}.`, value);
		return value as number;
	};
	const words = (path: string): string => {
		const value = at(path);
		if (typeof value !== "string" || value === "") problem(path, `${path} is missing.`, value);
		return value as string;
	};
	if (at("adlayer") !== KIND) problem("adlayer", `The file does not begin with adlayer: ${KIND}.`, at("adlayer"));
	const read = {
		zone: words("zone"),
		date: words("date"),
		model: {
			gainCPerPercent: number("model.gain_degC_per_percent.value", 0, true),
			timeConstantS: number("model.time_constant_s.value", 0, true),
			lagS: number("model.lag_s.value", 0),
			deadTimeS: number("model.dead_time_s.value", 0),
			restC: number("model.rest_degC.value", -273.15),
		},
		controller: {
			rule: words("controller.rule"),
			proportionalBandC: number("controller.proportional_band_degC", 0, true),
			integralS: number("controller.integral_s", 0),
			derivativeS: number("controller.derivative_s", 0),
		},
	};
	if (problems.length > 0) {
		const all = problems.map(({ message }) => message).join(" ");
		throw new AdlayerError("TUNE_DATA_INVALID", `The model file cannot be used: ${all}`, { problems });
	}
	return read;
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;
