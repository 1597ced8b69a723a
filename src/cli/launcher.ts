/** What `start` and `demo` expect of the launcher of all processes. */
export interface StartOptions {
	/** True: refuse a lab file that describes real hardware. */
	readonly simulate: boolean;
	/** Lab time per real time; only for simulated labs. */
	readonly speed?: number;
	readonly dataDir: string;
	/** Absent: the simulated lab that comes with the product. */
	readonly labFile?: string;
	/** TCP port of the REST interface; 0 takes a free one. */
	readonly port?: number;
	/** Takes the lines that the processes say. */
	readonly log: (line: string) => void;
}

/** The system is up: control connected to its instruments, the service answers. */
export interface RunningSystem {
	/** Of the service, e.g. http://127.0.0.1:8480 */
	readonly url: string;
	readonly dataDir: string;
	readonly mqttUrl: string;
	readonly simulated: boolean;
	readonly speed: number;
	/** What only the twin knows; null without a simulated lab. */
	labTruth(): Promise<LabTruth | null>;
	/** Ends all processes in order. */
	stop(): Promise<void>;
}

export interface LabTruth {
	readonly thicknessNm: number;
	readonly interlayerNm: number;
	/** 0 to 1. */
	readonly lithiatedFraction: number;
	readonly peakFoilC: number;
	readonly melted: boolean;
	/** The foil's material, as in the recipes' materials. */
	readonly foil: string;
}

export type StartAll = (options: StartOptions) => Promise<RunningSystem>;
