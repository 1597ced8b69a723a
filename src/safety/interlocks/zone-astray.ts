import type { Reactor } from "#device/reactor.js";
import { corrected, type Interlock, isGood, zoneSignal } from "#safety/interlock.js";

/** Controllers round their setpoint to a tenth or a degree. */
const SETPOINT_ROUNDING_C = 1;

/**
 * A heated zone does not follow: its controller works with another setpoint than it was given, or the temperature stays off
 * the setpoint. A zone that cools down to a lower setpoint with its heater off follows as fast as it can.
 */
export function zoneAstray(reactor: Reactor, zone: string): Interlock {
	const signal = zoneSignal(reactor, zone);
	const { instrument, offsetC, heater } = reactor.zones[zone]!;
	const { followC, followS, output } = heater;
	const workingSetpoint = `${instrument}.setpoint`;
	return {
		id: `zone-astray.${zone}`,
		title: `Zone ${zone} does not follow its setpoint`,
		effect: "trip",
		delayMs: followS * 1_000,
		consecutiveReadings: 2,
		countedSignal: signal,
		response:
			"Compare the controller's own display with the target; check its mode, tuning and heater before resetting.",
		judge(view) {
			const targetC = view.commanded.targetsC.get(zone);
			if (targetC === undefined) return undefined;
			const working = corrected(view.reading(workingSetpoint), offsetC);
			if (isGood(working) && Math.abs(working.value - targetC) > SETPOINT_ROUNDING_C) {
				const cause = `The controller of zone ${zone} works with ${working.value.toFixed(1)} °C; it was given ${targetC.toFixed(1)} °C.`;
				return { cause, value: working.value, limit: targetC, unit: "degC" };
			}
			if (view.commanded.leading?.has(zone)) return undefined;
			const reading = corrected(view.reading(signal), offsetC);
			// A temperature that is not known is over-temperature's affair.
			if (!isGood(reading) || Math.abs(reading.value - targetC) <= followC) return undefined;
			const power = output === null ? undefined : view.reading(output);
			if (reading.value > targetC && (power === undefined || (isGood(power) && power.value === 0))) return undefined;
			const cause = `Zone ${zone} reads ${reading.value.toFixed(1)} °C, more than ${followC} °C off its ${targetC.toFixed(1)} °C.`;
			return { cause, value: reading.value, limit: targetC, unit: "degC" };
		},
	};
}
