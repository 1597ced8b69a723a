/** All rules, in the order in which their findings are best read. */
import { carrierReacts } from "#recipe/rules/carrier-reacts.js";
import { ceiling } from "#recipe/rules/ceiling.js";
import { chamberShut } from "#recipe/rules/chamber-shut.js";
import { condition } from "#recipe/rules/condition.js";
import { cooling } from "#recipe/rules/cooling.js";
import { cyclesCounted } from "#recipe/rules/cycles-counted.js";
import { doseReadiness } from "#recipe/rules/dose-readiness.js";
import { flowRange } from "#recipe/rules/flow-range.js";
import { heatingOrder } from "#recipe/rules/heating-order.js";
import { labKnows } from "#recipe/rules/lab-knows.js";
import { melting } from "#recipe/rules/melting.js";
import { names } from "#recipe/rules/names.js";
import { people } from "#recipe/rules/people.js";
import { product } from "#recipe/rules/product.js";
import { pulseWidth } from "#recipe/rules/pulse-width.js";
import { pumpDown } from "#recipe/rules/pump-down.js";
import { purgeLength } from "#recipe/rules/purge-length.js";
import { purgePresent } from "#recipe/rules/purge-present.js";
import type { Rule } from "#recipe/rules/rule.js";
import { setpointRange } from "#recipe/rules/setpoint-range.js";
import { stabiliseTarget } from "#recipe/rules/stabilise-target.js";
import { timeouts } from "#recipe/rules/timeouts.js";
import { waterNearMelting } from "#recipe/rules/water-near-melting.js";
import { workingPressure } from "#recipe/rules/working-pressure.js";

export const RULES: readonly Rule[] = [
	names,
	labKnows,
	condition,
	people,
	product,
	cyclesCounted,
	flowRange,
	pumpDown,
	chamberShut,
	doseReadiness,
	workingPressure,
	pulseWidth,
	purgePresent,
	purgeLength,
	waterNearMelting,
	setpointRange,
	stabiliseTarget,
	heatingOrder,
	ceiling,
	melting,
	carrierReacts,
	cooling,
	timeouts,
];
