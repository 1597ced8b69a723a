/** A row's numbers by role: each role has its place in an array. */
import type { Role } from "#analysis/formats/columns.js";

export const SLOTS: readonly Role[] = [
	"testTime",
	"stepTime",
	"date",
	"unixTime",
	"voltage",
	"current",
	"chargeStep",
	"cycle",
	"step",
	"mode",
	"chargeAh",
	"dischargeAh",
	"netAh",
	"capacityAh",
	"frequency",
	"ambient",
	"stepType",
];

export const slot = Object.fromEntries(SLOTS.map((role, index) => [role, index])) as Record<Role, number>;
