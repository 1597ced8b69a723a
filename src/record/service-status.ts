/** How the service's own parts are doing, for GET /health, the page, and control. */
export interface ServiceHealth {
	readonly database: {
		readonly state: "ready" | "unavailable" | "starting";
		readonly detail: string;
		readonly lagRecords: number;
		/** Records that it refused and that are kept beside the journal. */
		readonly refusedRecords: number;
	};
	readonly broker: { readonly state: "ready" | "unavailable"; readonly url: string };
	readonly control: { readonly state: "ready" | "unavailable" };
	readonly journal: { readonly lastSeq: number };
}

/** What the service tells control of itself, again and again. */
export interface ServiceReport {
	/** Made anew by each service process. */
	readonly instance: string;
	/** Its last word: it is being stopped in order. */
	readonly leaving: boolean;
	readonly database: {
		readonly state: ServiceHealth["database"]["state"];
		readonly detail: string;
		readonly refusedRecords: number;
	};
	readonly broker: { readonly state: ServiceHealth["broker"]["state"]; readonly detail: string };
}

/** `none`: no service was ever heard on this data folder, or not since one was stopped in order and control began anew. */
export interface ServicePresence {
	readonly state: "present" | "away" | "stopped" | "none";
	/** Unix ms; null when this control process has heard none. */
	readonly heardAt: number | null;
	/** What it said last of its parts; null when this control process has heard none. */
	readonly database: ServiceReport["database"]["state"] | null;
	readonly broker: ServiceReport["broker"]["state"] | null;
}
