/** How a run is held: which causes switch the heaters off, and where the zones go otherwise. */
import { AdlayerError, asAdlayerError } from "#core/errors.js";
import type { Plan, Step } from "#recipe/plan.js";
import type { GuardedReactor } from "#safety/guarded-reactor.js";
import { isGood } from "#safety/interlock.js";
import type { Concern } from "#safety/rules.js";
import type { Supervisor } from "#safety/supervisor.js";

/** A held zone stays at least this far below the metal's melting point, unless the recipe says otherwise. */
const HOLD_BELOW_MELTING_C = 20;
/** A setpoint that is further above its zone was leading it, and is taken back to where the zone is. */
const LEADS_C = 2;

/** These wait for temperature, pump or carrier: that is the cause when they fail. */
const HEATERS_OFF_AFTER: ReadonlySet<Step["type"]> = new Set([
	"flow",
	"pump-down",
	"heat",
	"stabilise",
	"anneal",
	"cool",
	"leak-check",
	"backfill",
]);
/** What a permit refuses for these concerns holds the run with its heaters off. */
const HEATERS_OFF_FOR: readonly Concern[] = ["thermal", "pump", "carrier"];

/** Whether heat, pump or carrier is the cause of a failure, while a step of type `doing` was executed. */
export function needsHeatersOff(thrown: unknown, doing: Step["type"] | undefined): boolean {
	const about = thrown instanceof AdlayerError ? thrown.context.about : undefined;
	if (Array.isArray(about)) return HEATERS_OFF_FOR.some((concern) => about.includes(concern));
	return doing !== undefined && HEATERS_OFF_AFTER.has(doing);
}

/** No zone is heated further than it is, none above the hold temperature. One that cannot be told so is switched off. */
export async function zonesToHold(
	plan: Plan,
	reactor: GuardedReactor,
	supervisor: Supervisor,
	orders: ReadonlyMap<string, { readonly toC: number }>,
): Promise<void> {
	const { meltingPointC } = plan.material;
	const belowMeltingC = meltingPointC === null ? Number.POSITIVE_INFINITY : meltingPointC - HOLD_BELOW_MELTING_C;
	const ceilingC = plan.holdC ?? belowMeltingC;
	const toHold = async (zone: string, setpointC: number) => {
		try {
			const reading = reactor.zone(zone);
			const leads = isGood(reading) && setpointC - reading.value > LEADS_C;
			// A guided setpoint may stand above its target for the power that it asks for.
			const orderedC = orders.get(zone)?.toC ?? Number.POSITIVE_INFINITY;
			await reactor.setZone(zone, Math.min(leads ? reading.value : setpointC, orderedC, ceilingC), "hold");
		} catch (thrown) {
			const { message } = asAdlayerError(thrown);
			await supervisor.makeZoneSafe(zone, `It could not be set to its hold temperature: ${message}`);
		}
	};
	await Promise.all([...supervisor.commanded.targetsC].map(([zone, setpointC]) => toHold(zone, setpointC)));
}
