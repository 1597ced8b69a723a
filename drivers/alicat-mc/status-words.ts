/** What the status words at the end of a data frame mean for each signal (MC manual p 43; Serial Primer, status codes). */
export type FaultySignal = "flow" | "setpoint" | "pressure" | "temperature";

interface StatusWord {
	readonly meaning: string;
	/** Signals that the word makes unusable. Flow is computed from pressure, temperature and volumetric flow. */
	readonly faults: readonly FaultySignal[];
}

export const STATUS_WORDS: Readonly<Record<string, StatusWord>> = {
	ADC: { meaning: "analog-digital converter error", faults: ["flow", "pressure", "temperature"] },
	COM: { meaning: "sensor communication error", faults: ["flow", "pressure", "temperature"] },
	TOV: { meaning: "temperature out of range", faults: ["temperature", "flow"] },
	POV: { meaning: "pressure out of range", faults: ["pressure", "flow"] },
	VOV: { meaning: "volumetric flow out of range", faults: ["flow"] },
	MOV: { meaning: "mass flow out of range", faults: ["flow"] },
	// The setpoint stands on the instrument, but the valve does not follow it.
	OPL: { meaning: "over-pressure limit active, valve closed", faults: ["setpoint"] },
	HLD: { meaning: "valve held, setpoint not followed", faults: ["setpoint"] },
	EXH: { meaning: "exhaust mode, setpoint not followed", faults: ["setpoint"] },
	VTM: { meaning: "valve thermal management, setpoint not followed", faults: ["setpoint"] },
	// The rest says nothing about our signals: second pressure sensor, totalizer, display lock, gas table.
	P2O: { meaning: "second pressure out of range", faults: [] },
	TMF: { meaning: "totalizer missed flow", faults: [] },
	OVR: { meaning: "totalizer rolled over", faults: [] },
	LCK: { meaning: "display locked", faults: [] },
	GTA: { meaning: "GTA", faults: [] },
};

/** What the status words of a frame say against each signal. Words that are not known say nothing. */
export function faultsOf(words: readonly string[]): Partial<Record<FaultySignal, string>> {
	const faults: Partial<Record<FaultySignal, string>> = {};
	for (const word of words) {
		const known = STATUS_WORDS[word];
		if (known === undefined) continue;
		for (const signal of known.faults) {
			const earlier = faults[signal];
			faults[signal] = `${earlier === undefined ? "" : `${earlier}; `}${known.meaning} (${word})`;
		}
	}
	return faults;
}
