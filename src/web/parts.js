/** Which signal plays which part: as the lab file says, or else found by name and unit. */

const GUESSES = {
	foilC: { unit: "degC", name: /^stage\.(?!.*(set|target))/ },
	foilTargetC: { unit: "degC", name: /^stage\..*(set|target)/ },
	chamberPa: { unit: "Pa", name: /chamber/ },
	carrierSccm: { unit: "sccm", name: /flow/ },
	carrierTargetSccm: { unit: "sccm", name: /set|target/ },
	pumpRunning: { unit: "bool", name: /pump/ },
	lidClosed: { unit: "bool", name: /lid/ },
	stopValve: { unit: "bool", name: /\.stop/ },
};

/** The id of the signal that plays the part; undefined when the lab has none. */
export function partId(status, part) {
	const named = status.roles?.[part];
	if (named !== undefined) return named;
	const { unit, name } = GUESSES[part];
	return Object.entries(status.signals).find(([id, signal]) => signal.unit === unit && name.test(id))?.[0];
}

export const part = (status, name) => status.signals[partId(status, name)];

/** The dosing valves as [precursor, signal]. */
export const dosingValves = (status) =>
	Object.entries(status.roles?.dosingValves ?? {}).map(([precursor, id]) => [precursor, status.signals[id]]);
