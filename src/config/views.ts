/** What people, maintenance and the record want to know of a lab file. */
import { pascalFromTorr } from "#core/units.js";
import type { SampleRecord } from "#record/records.js";
import type { SignalRoles } from "#record/status.js";
import { mapValues } from "#src/config/entries.js";
import { offsetOf } from "#src/config/heaters.js";
import type { LabFile } from "#src/config.js";
import type { MaintenanceOptions } from "#src/maintenance/maintenance.js";

/** The signals that people look at first. The foil's temperature is that of the first zone that heats it. */
export function signalRoles({ content }: LabFile): SignalRoles {
	const { zones, pressures, carrier, precursors, stop_valve, inputs } = content.reactor;
	const foilZone = Object.values(zones).find((zone) => zone.heats_foil);
	return {
		chamberPa: pressures.chamber,
		carrierSccm: `${carrier.instrument}.flow`,
		carrierTargetSccm: `${carrier.instrument}.setpoint`,
		dosingValves: mapValues(precursors, ({ output }) => output),
		stopValve: stop_valve.output,
		pumpRunning: inputs.pump_running.signal,
		lidClosed: inputs.lid_closed.signal,
		safeLevels: Object.fromEntries(
			Object.values(inputs).flatMap((input) => ("signal" in input ? [[input.signal, input.safe_level]] : [])),
		),
		...(foilZone === undefined
			? {}
			: { foilC: `${foilZone.instrument}.temperature`, foilTargetC: `${foilZone.instrument}.setpoint` }),
	};
}

/** What is counted for maintenance, and when people are told. */
export function maintenanceFacts(lab: LabFile): Pick<MaintenanceOptions, "counted" | "precursors" | "limits"> {
	const { reactor, maintenance } = lab.content;
	return {
		counted: {
			mgPerMs: mapValues(reactor.precursors, ({ mg_per_ms }) => mg_per_ms),
			pump: { signal: reactor.inputs.pump_running.signal, level: reactor.inputs.pump_running.safe_level },
			chamber: reactor.pressures.chamber,
			heaters: mapValues(reactor.zones, ({ instrument }) => instrument),
		},
		precursors: Object.keys(reactor.precursors),
		limits: {
			pulsesMax: mapValues(maintenance?.valves ?? {}, ({ pulses_max }) => pulses_max),
			leftGMin: mapValues(maintenance?.bottles ?? {}, ({ grams_left_min }) => grams_left_min),
			pumpHoursMax: maintenance?.pump?.hours_max ?? null,
			basePaMax: maintenance?.base_pressure === undefined ? null : pascalFromTorr(maintenance.base_pressure.torr_max),
		},
	};
}

/** The corrected temperature that a sample carries of a zone that heats the foil, or null. */
export function foilTemperature({ content }: LabFile): (sample: SampleRecord) => number | null {
	const offsets = new Map(
		Object.values(content.reactor.zones)
			.filter((zone) => zone.heats_foil)
			.map((zone) => [zone.instrument, offsetOf(zone)]),
	);
	return ({ instrument, values, fault }) => {
		const offsetC = offsets.get(instrument);
		const measured = values.temperature;
		if (offsetC === undefined || measured == null || fault?.temperature !== undefined) return null;
		return measured + offsetC;
	};
}
