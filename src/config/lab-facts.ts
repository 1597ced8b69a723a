/** The facts of a lab file that recipes are checked against. */
import { pascalFromTorr } from "#core/units.js";
import { driverNamed } from "#drivers/index.js";
import type { LabFacts } from "#recipe/lab-facts.js";
import { mapValues } from "#src/config/entries.js";
import { uncertaintyOf } from "#src/config/heaters.js";
import type { LabFileContent } from "#src/config/lab-file-schema.js";
import { unconnectedDevice } from "#src/config/unconnected-device.js";
import type { LabFile } from "#src/config.js";

/** The facts that recipes are checked against. */
export function labFacts({ content, heaters }: LabFile): LabFacts {
	const { reactor, instruments } = content;
	return {
		station: content.station,
		carrier: { gas: reactor.carrier.gas, sccmMin: reactor.carrier.sccm_min, sccmMax: reactor.carrier.sccm_max },
		zones: mapValues(reactor.zones, (zone, name) => {
			// Temperature controllers name their setpoint range alike in their settings; the zone's limit bounds one that does not.
			const { setpoint_degC_min, setpoint_degC_max } = instruments[zone.instrument]!.settings;
			return {
				heatsFoil: zone.heats_foil,
				setpointCMin: typeof setpoint_degC_min === "number" ? setpoint_degC_min : zone.prediction.ambient_degC,
				setpointCMax: typeof setpoint_degC_max === "number" ? setpoint_degC_max : zone.limit_degC,
				limitC: zone.limit_degC,
				sensorUncertaintyC: uncertaintyOf(zone),
				rampCPerMinMax: zone.ramp_degC_per_min_max,
				ambientC: zone.prediction.ambient_degC,
				coolTimeConstantS: zone.prediction.cool_time_constant_s,
				settleS: zone.prediction.settle_s,
				...(Object.hasOwn(heaters, name) ? { heater: heaters[name]! } : {}),
			};
		}),
		precursors: mapValues(reactor.precursors, (precursor) => ({
			valve: precursor.output,
			shortestPulseMs: precursor.shortest_pulse_ms,
			longestPulseMs: precursor.longest_pulse_ms,
			mgPerMs: precursor.mg_per_ms,
			lineZone: precursor.line_zone,
			bottleC: precursor.bottle_degC,
			...(precursor.full_line === undefined
				? {}
				: {
						fullLine: {
							ms: precursor.full_line.ms,
							areaPaS: pascalFromTorr(precursor.full_line.area_torr_s),
							pulsesToEmpty: precursor.full_line.pulses_to_empty,
						},
					}),
		})),
		basePressurePa: pascalFromTorr(reactor.limits.base_torr),
		pumpTimeConstantS: reactor.limits.pump_time_constant_s,
		workingFlows: workingFlowsOf(reactor.limits.working_pressure),
		leakLimitPaPerS: pascalFromTorr(reactor.limits.leak_check.mtorr_per_min_max / 1_000) / 60,
		...(reactor.chamber_volume_l === undefined ? {} : { chamberM3: reactor.chamber_volume_l / 1_000 }),
		...("none" in reactor.atmosphere ? {} : { glovebox: gloveboxOf(reactor.atmosphere) }),
		signals: signalUnits(instruments),
	};
}

function workingFlowsOf(
	declared: LabFileContent["reactor"]["limits"]["working_pressure"],
): NonNullable<LabFacts["workingFlows"]> | null {
	if (declared === undefined) return null;
	const flows = declared.at.map(({ sccm }) => sccm);
	return { sccmMin: Math.min(...flows), sccmMax: Math.max(...flows) };
}

function gloveboxOf(atmosphere: Exclude<LabFileContent["reactor"]["atmosphere"], { readonly none: string }>) {
	const { oxygen, oxygen_ppm_max, water, water_ppm_max } = atmosphere;
	return [
		{ signal: oxygen, ppmMax: oxygen_ppm_max },
		{ signal: water, ppmMax: water_ppm_max },
	];
}

/** The unit of each signal, by what the drivers say of themselves. */
function signalUnits(instruments: LabFileContent["instruments"]): Record<string, string> {
	return Object.fromEntries(
		Object.entries(instruments).flatMap(([name, { driver, settings }]) =>
			Object.entries(unconnectedDevice(driverNamed(driver)!, name, settings).signals).map(([signal, { unit }]) => [
				`${name}.${signal}`,
				unit,
			]),
		),
	);
}
