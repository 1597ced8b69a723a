import { STEP_KIND, type StepKind } from "#analysis/rows.js";

const DISCHARGE = /d(is)?[\s_.-]?ch|dchg|放电|^(cc|cv|cccv|cp|cr)?_?d$|^d_(cc|cv|cccv|cp|cr)$/i;
const CHARGE = /ch(a?r?g)|chg|充电|^(cc|cv|cccv|cp)?_?c$|^c_(cc|cv|cccv|cp)$/i;
const REST = /rest|pause|idle|ocv|open[\s_-]?circuit|静置|搁置|暂停|^[rsp]$/i;
const IMPEDANCE = /eis|impedance|acir|阻抗/i;

/** What a step's name says: `CC_DChg`, `CCCV Chg`, `Rest`, `恒流放电`, `D_CC`, or a letter: C, D, R, S (suspended), P (paused). */
export function stepKindOf(text: string): StepKind {
	if (DISCHARGE.test(text)) return STEP_KIND.discharge;
	if (CHARGE.test(text)) return STEP_KIND.charge;
	if (REST.test(text)) return STEP_KIND.rest;
	if (IMPEDANCE.test(text)) return STEP_KIND.impedance;
	return STEP_KIND.unknown;
}
