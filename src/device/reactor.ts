/** What the instruments are for: the roles of one reactor, as the lab file gives them. Signal ids are `instrument.signal`. */
export interface Reactor {
	readonly carrier: {
		readonly instrument: string;
		readonly gas: string;
		readonly sccmMin: number;
		readonly sccmMax: number;
		/** Flow of a purge, also of the one that a trip commands. */
		readonly purgeSccm: number;
	};
	readonly pressures: { readonly chamber: string; readonly foreline: string };
	readonly zones: Readonly<Record<string, Zone>>;
	readonly precursors: Readonly<Record<string, Precursor>>;
	readonly stopValve: Output;
	/** Contacts; null where the lab file says that the hardware is absent, and why. */
	readonly inputs: {
		readonly pumpRunning: Contact;
		readonly lidClosed: Contact;
		readonly emergencyStop: Contact | null;
		readonly exhaust: Contact | null;
		readonly gasCabinet: Contact | null;
		readonly nitrogen: Contact | null;
		readonly air: Contact | null;
	};
	/** Of the glovebox that the chamber opens into; null where there is none to measure. */
	readonly atmosphere: {
		readonly oxygen: string;
		readonly water: string;
		readonly oxygenPpmMax: number;
		readonly waterPpmMax: number;
	} | null;
	readonly limits: {
		/** A pump-down is proven below this. */
		readonly basePa: number;
		/** Chamber pressure within which a dose may start. */
		readonly dosePaMin: number;
		readonly dosePaMax: number;
		/** Once a run has pumped down, the chamber stays below this. */
		readonly pressurePaMax: number;
		/** No gas is let into a chamber that is not pumped at or above this. */
		readonly staticPaMax: number;
		/** The chamber's gauge must have moved this long after flow, valve or dose has. */
		readonly gaugeFrozenS: number;
		/** Where the chamber stands at a flow with a sound pump, flows rising, and within which share; absent where nobody has measured it. */
		readonly workingPressure?: {
			readonly share: number;
			readonly at: readonly { readonly sccm: number; readonly pa: number }[];
		};
	};
	/** How a dose waits by itself for flow, pressure and temperature; absent: the run is held at once. */
	readonly suspension?: {
		/** The longest wait, then the run is held. */
		readonly waitS: number;
		/** Everything must be back in its band for so long. */
		readonly dwellS: number;
	};
	/** Bounds of manual operation; absent where the lab file allows none. */
	readonly manual?: {
		/** Without a command for so long the reactor goes to rest. */
		readonly idleS: number;
		/** Seconds since the end of a dose of this precursor before another may open. */
		readonly purgeS: Readonly<Record<string, number>>;
	};
	/** A crystal that grows the same film: signal of its thickness, nm. */
	readonly qcm?: { readonly thickness: string };
}

/** A contact that proves something while its signal has this level; a broken wire gives the other. */
export interface Contact {
	readonly signal: string;
	readonly safeLevel: 0 | 1;
}

export interface Output {
	readonly instrument: string;
	readonly output: string;
}

export interface Zone {
	readonly instrument: string;
	/** True when this zone can bring the foil to its melting point. */
	readonly heatsFoil: boolean;
	readonly limitC: number;
	/** Added to what the sensor reads; in a zone that heats the foil up to the foil's temperature, where that is calibrated. */
	readonly offsetC: number;
	/** Of the corrected reading, k = 2. */
	readonly uncertaintyC: number;
	readonly rampCPerMinMax: number;
	readonly heater: {
		/** Signal of the controller's output in percent; null where it does not tell. */
		readonly output: string | null;
		/** From this output on the heater counts as fully on. */
		readonly fullPercent: number;
		/** Fully on and below its setpoint, the zone must rise this much in this time. */
		readonly riseC: number;
		readonly withinS: number;
		/** No zone rises faster, over 30 s. */
		readonly runawayCPerMin: number;
		/** A zone may be this far from its setpoint for this long. */
		readonly followC: number;
		readonly followS: number;
	};
}

export interface Precursor extends Output {
	readonly shortestPulseMs: number;
	readonly longestPulseMs: number;
	/** Vapour pressure in the bottle. */
	readonly vapourPa: number;
}
