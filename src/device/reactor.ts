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
	readonly inputs: { readonly pumpRunning: string; readonly lidClosed: string };
	readonly limits: {
		/** A pump-down is proven below this. */
		readonly basePa: number;
		/** Chamber pressure within which a dose may start. */
		readonly dosePaMin: number;
		readonly dosePaMax: number;
		/** Highest chamber pressure while the stop valve is shut for an exposure; absent: there are none. */
		readonly maxStaticPa?: number;
	};
	/** A crystal that grows the same film: signal of its thickness, nm. */
	readonly qcm?: { readonly thickness: string };
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
	/** Added to what the sensor reads. */
	readonly offsetC: number;
	/** Of the corrected reading, k = 2. */
	readonly uncertaintyC: number;
	readonly rampCPerMinMax: number;
}

export interface Precursor extends Output {
	readonly shortestPulseMs: number;
	readonly longestPulseMs: number;
}
