/** The service's own parts, in the footer. */
import { $, setAttribute, setText } from "./dom.js";
import { get } from "./rest.js";

const EVERY_MS = 10_000;

let database = "starting";

/** True when the past can be asked for. */
export const hasHistory = () => database === "ready";

/** Asks at once and then now and then, as long as `isConnected` says that asking makes sense. */
export async function followHealth(isConnected) {
	await look();
	setInterval(() => isConnected() && look(), EVERY_MS);
}

async function look() {
	try {
		const health = await get("/health");
		database = health.database.state;
		const parts = ["control", "database", "broker"].map((name) => `${name} ${health[name].state}`);
		setText($("service"), `Service ${health.version}: ${parts.join(", ")}.`);
		setAttribute($("service"), "class", health.status);
	} catch {
		database = "unavailable";
	}
}
