/** The Battery Data Format's rules on its columns (ontology 1.3.0), kept while rows are read. */
import type { DefectLog } from "#analysis/defects.js";
import type { Layout } from "#analysis/formats/layout.js";

/** Net capacity is charging minus discharging capacity within this part of their size. */
export const NET_RTOL = 1e-6;

export class BdfRules {
	private cycle = Number.NEGATIVE_INFINITY;
	private step = Number.NaN;
	private chargeAh = Number.NEGATIVE_INFINITY;
	private dischargeAh = Number.NEGATIVE_INFINITY;
	private readonly countsSteps: boolean;

	constructor(
		layout: Layout,
		private readonly defects: DefectLog,
	) {
		this.countsSteps = /step[ _]count/i.test(layout.columns.step?.title ?? "");
		if (layout.titles.some((title) => /^step[ _]index/i.test(title)))
			defects.add(
				"BDF_RULE_BROKEN",
				layout.headLines,
				"Step Index / 1",
				"Step Index is deprecated: it counted the rows of a step and names none (Step Record Index); it is not used.",
			);
	}

	row(
		line: number,
		_timeS: number,
		cycle: number,
		step: number,
		chargeAh: number,
		dischargeAh: number,
		netAh: number,
	): void {
		if (cycle < this.cycle || (!Number.isNaN(cycle) && (cycle < 0 || cycle % 1 !== 0)))
			this.broken(
				line,
				"Cycle Count / 1",
				`Cycle Count ${cycle} after ${this.cycle}: it is a whole number that never falls.`,
			);
		this.cycle = cycle;
		if (
			this.countsSteps &&
			step !== this.step &&
			!Number.isNaN(step) &&
			!Number.isNaN(this.step) &&
			step !== this.step + 1
		)
			this.broken(line, "Step Count / 1", `Step Count ${step} after ${this.step}: it rises by one at each step.`);
		this.step = step;
		if (chargeAh < this.chargeAh)
			this.broken(
				line,
				"Charging Capacity / Ah",
				`Charging Capacity ${chargeAh} Ah after ${this.chargeAh} Ah: it never resets.`,
			);
		if (dischargeAh < this.dischargeAh)
			this.broken(
				line,
				"Discharging Capacity / Ah",
				`Discharging Capacity ${dischargeAh} Ah after ${this.dischargeAh} Ah: it never resets.`,
			);
		if (Math.abs(chargeAh - dischargeAh - netAh) > NET_RTOL * Math.max(Math.abs(chargeAh), Math.abs(dischargeAh)))
			this.broken(line, "Net Capacity / Ah", `Net Capacity ${netAh} Ah is not ${chargeAh} - ${dischargeAh} Ah.`);
		this.chargeAh = chargeAh;
		this.dischargeAh = dischargeAh;
	}

	private broken(line: number, column: string, message: string): void {
		this.defects.add("BDF_RULE_BROKEN", line, column, message);
	}
}
