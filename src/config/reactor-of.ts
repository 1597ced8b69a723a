/** The reactor of a lab file, in the roles that safety and the engine know. */
import { pascalFromTorr } from "#core/units.js";
import { vapourPressurePa } from "#core/vapour-pressure.js";
import type { Contact, Reactor } from "#device/reactor.js";
import { contactOf, mapValues, outputOf } from "#src/config/entries.js";
import { offsetOf, uncertaintyOf } from "#src/config/heaters.js";
import type { Absent, ContactEntry, LabFileContent } from "#src/config/lab-file-schema.js";
import type { LabFile } from "#src/config.js";

const contactOrNull = (entry: ContactEntry | Absent): Contact | null => ("none" in entry ? null : contactOf(entry));

/** The roles, for safety and the engine. */
export function reactorOf({ content }: LabFile): Reactor {
	const { reactor } = content;
	return {
		carrier: {
			instrument: reactor.carrier.instrument,
			gas: reactor.carrier.gas,
			sccmMin: reactor.carrier.sccm_min,
			sccmMax: reactor.carrier.sccm_max,
			purgeSccm: reactor.carrier.purge_sccm,
		},
		pressures: reactor.pressures,
		zones: mapValues(reactor.zones, (zone) => ({
			instrument: zone.instrument,
			heatsFoil: zone.heats_foil,
			limitC: zone.limit_degC,
			offsetC: offsetOf(zone),
			uncertaintyC: uncertaintyOf(zone),
			rampCPerMinMax: zone.ramp_degC_per_min_max,
			heater: {
				output: typeof zone.heater.output === "string" ? zone.heater.output : null,
				fullPercent: zone.heater.full_percent,
				riseC: zone.heater.rise_degC,
				withinS: zone.heater.within_s,
				runawayCPerMin: zone.heater.runaway_degC_per_min,
				followC: zone.heater.follow_degC,
				followS: zone.heater.follow_s,
			},
		})),
		precursors: mapValues(reactor.precursors, ({ vapour, ...precursor }) => ({
			...outputOf(precursor.output),
			shortestPulseMs: precursor.shortest_pulse_ms,
			longestPulseMs: precursor.longest_pulse_ms,
			vapourPa: vapourPressurePa(
				{
					pa: pascalFromTorr(vapour.torr),
					atC: vapour.at_degC,
					vaporisationJPerMol: vapour.vaporisation_kJ_per_mol * 1_000,
				},
				precursor.bottle_degC,
			),
		})),
		stopValve: outputOf(reactor.stop_valve.output),
		inputs: {
			pumpRunning: contactOf(reactor.inputs.pump_running),
			lidClosed: contactOf(reactor.inputs.lid_closed),
			emergencyStop: contactOrNull(reactor.inputs.emergency_stop_released),
			exhaust: contactOrNull(reactor.inputs.exhaust_flowing),
			gasCabinet: contactOrNull(reactor.inputs.gas_cabinet_tight),
			nitrogen: contactOrNull(reactor.inputs.nitrogen_present),
			air: contactOrNull(reactor.inputs.air_present),
		},
		atmosphere:
			"none" in reactor.atmosphere
				? null
				: {
						oxygen: reactor.atmosphere.oxygen,
						water: reactor.atmosphere.water,
						oxygenPpmMax: reactor.atmosphere.oxygen_ppm_max,
						waterPpmMax: reactor.atmosphere.water_ppm_max,
					},
		limits: {
			basePa: pascalFromTorr(reactor.limits.base_torr),
			dosePaMin: pascalFromTorr(reactor.limits.dose_torr_min),
			dosePaMax: pascalFromTorr(reactor.limits.dose_torr_max),
			pressurePaMax: pascalFromTorr(reactor.limits.pressure_torr_max),
			staticPaMax: pascalFromTorr(reactor.limits.max_static_torr),
			gaugeFrozenS: reactor.limits.gauge_frozen_s,
			...workingPressureOf(reactor.limits.working_pressure),
		},
		...(reactor.qcm === undefined ? {} : { qcm: reactor.qcm }),
		...(reactor.suspension === undefined
			? {}
			: { suspension: { waitS: reactor.suspension.wait_s, dwellS: reactor.suspension.dwell_s } }),
		...(reactor.manual === undefined
			? {}
			: { manual: { idleS: reactor.manual.idle_s, purgeS: reactor.manual.purge_s } }),
	};
}

function workingPressureOf(
	declared: LabFileContent["reactor"]["limits"]["working_pressure"],
): Pick<Reactor["limits"], "workingPressure"> {
	if (declared === undefined) return {};
	const at = declared.at.map(({ sccm, torr }) => ({ sccm, pa: pascalFromTorr(torr) }));
	return { workingPressure: { share: declared.within_percent / 100, at } };
}
