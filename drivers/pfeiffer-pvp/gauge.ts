import { AdlayerError } from "#core/errors.js";
import { pascalFromMillibar } from "#core/units.js";
import type { Device, DriverContext, Identification, PolledValue, PolledValues, SignalInfo } from "#device/contract.js";
import { DATA_ERRORS, decodeErrorState, NOT_DEFINED } from "./codec.js";
import type { GaugeSettings } from "./config.js";
import { Conversation, fault, good } from "./conversation.js";
import { ERROR_STATE, PRESSURE } from "./parameters.js";

/** What a gauge shows is rounded to four digits: a value this much outside its range is still at its end. */
const ROUNDING = 1.001;

/**
 * A gauge (PPT, HPT, RPT ...) as a device. Reads only. `connect` throws IDENTITY_MISMATCH when what answers has no pressure;
 * `poll` gives a fault for a pressure outside the gauge's range or while the gauge reports an error.
 */
export class PvpGauge implements Device {
	readonly signals: Readonly<Record<string, SignalInfo>> = {
		pressure: { unit: "Pa", kind: "measurement", description: "Pressure" },
	};
	private readonly conversation: Conversation;

	constructor(private readonly context: DriverContext<GaugeSettings>) {
		this.conversation = new Conversation(context);
		const { pressure_pa_min, pressure_pa_max } = context.settings;
		if (pressure_pa_min !== undefined && pressure_pa_max !== undefined && pressure_pa_min >= pressure_pa_max) {
			throw new AdlayerError(
				"LAB_FILE_INVALID",
				`${context.name}: pressure_pa_max is ${pressure_pa_max}, which is not above pressure_pa_min, ${pressure_pa_min}.`,
			);
		}
	}

	async inspect(): Promise<Identification> {
		return this.identify(true);
	}

	async connect(): Promise<Identification> {
		return this.identify(false);
	}

	async poll(): Promise<PolledValues> {
		const pressure = await this.conversation.read(PRESSURE);
		const state = await this.conversation.read(ERROR_STATE);
		if ("refused" in pressure) return { pressure: fault(pressure.refused) };
		// A gauge that has no parameter 303 cannot report an error there.
		const error = "refused" in state ? undefined : errorOf(state.value);
		return { pressure: error === undefined ? this.inRange(pascalFromMillibar(pressure.value)) : fault(error) };
	}

	/** There is nothing to make safe: a gauge only measures. */
	async makeSafe(): Promise<void> {}

	async close(): Promise<void> {
		await this.conversation.line.close();
	}

	/** The pressure is asked for first: whoever answers that may be silent to what it does not know. */
	private async identify(looking: boolean): Promise<Identification> {
		const { conversation } = this;
		conversation.look(false);
		await conversation.line.open();
		const pressure = await conversation.read(PRESSURE);
		conversation.look(looking);
		const found = await conversation.identify();
		if ("refused" in pressure && pressure.refused === DATA_ERRORS[NOT_DEFINED]) {
			throw new AdlayerError(
				"IDENTITY_MISMATCH",
				`${found.identity.model ?? "An instrument without a name"} answered as ${this.context.name}, but it is no gauge: ${pressure.refused}.`,
			);
		}
		return found;
	}

	private inRange(pa: number): PolledValue {
		const { pressure_pa_min: minPa = 0, pressure_pa_max: maxPa = Number.POSITIVE_INFINITY } = this.context.settings;
		if (pa === 0) return beyond("the gauge says 0 hPa, which is below what any gauge measures");
		if (pa * ROUNDING < minPa) return beyond(`${pa} Pa is below the gauge's measuring range, from ${minPa} Pa`);
		if (pa > maxPa * ROUNDING) return beyond(`${pa} Pa is above the gauge's measuring range, to ${maxPa} Pa`);
		return good(pa);
	}
}

const beyond = (detail: string): PolledValue => ({ ...fault(detail), isBeyondRange: true });

function errorOf(word: string): string | undefined {
	const state = decodeErrorState(word);
	if (state === undefined) return `the gauge reports "${word}", which is no known error word`;
	return state.error === 0 ? undefined : `the gauge reports error ${state.error}`;
}
