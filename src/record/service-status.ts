/** How the service's own parts are doing, for GET /health and the page. */
export interface ServiceHealth {
	readonly database: {
		readonly state: "ready" | "unavailable" | "starting";
		readonly detail: string;
		readonly lagRecords: number;
	};
	readonly broker: { readonly state: "ready" | "unavailable"; readonly url: string };
	readonly control: { readonly state: "ready" | "unavailable" };
	readonly journal: { readonly lastSeq: number };
}
