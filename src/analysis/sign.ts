/**
 * Which way a file's current counts. Formats that fix it are believed after a look at the rows; for others the rows must
 * prove it, by any of three independent signs: the steps' names, the cycler's charge counters, and the voltage, which a
 * charging current raises and a discharging one lowers.
 */
import type { DefectLog } from "#analysis/defects.js";
import type { CyclingFormat } from "#analysis/formats/layout.js";
import { refuse } from "#analysis/formats/title-line.js";
import { type RowChunk, STEP_KIND } from "#analysis/rows.js";

export type PositiveCurrent = "charge" | "discharge";

/** Formats whose definition says that positive current charges. Neware and Landt export either way, or without a sign. */
const POSITIVE_CHARGES: ReadonlySet<CyclingFormat> = new Set(["bdf", "biologic-mpt", "arbin-csv"]);
/** Formats whose rule is part of a standard: a file against it is not repaired but refused. */
const BINDING: ReadonlySet<CyclingFormat> = new Set(["bdf", "biologic-mpt"]);

export interface SignFinding {
	readonly positiveCurrent: PositiveCurrent;
	/** Currents without a sign: direction is taken from step names, or from the counter that rises. */
	readonly unsigned: boolean;
	/** What it rests on, for people. */
	readonly evidence: string;
	/** The rows show the opposite of what the format says. */
	readonly reversed: boolean;
}

/** Below this part of the largest current there is rest. */
export const REST_FRACTION = 0.005;
/** Of the rows with current, those of steps without a telling name, against those with one. */
const UNNAMED_MAX = 0.05;
const ROWS_MAX = 500_000;
const ROWS_EACH_WAY = 50;
const UNANIMOUS = 0.95;
const RESPONSE_VOTES_MIN = 2;
/** The voltage alone must say it this often to stand against a format's definition. */
const RESPONSE_VOTES_AGAINST = 10;
/** A change of current that must show in the voltage, as part of the largest current. */
const JUMP_FRACTION = 0.2;

export class SignProof {
	rows = 0;
	private currentMaxA = 0;
	private positiveRows = 0;
	private negativeRows = 0;
	private readonly kinds = { for: 0, against: 0, dischargePositive: 0, charge: 0, discharge: 0, unnamed: 0 };
	private readonly counters = { for: 0, against: 0, dischargePositive: 0 };
	private readonly response = { for: 0, against: 0 };
	private last = { voltageV: Number.NaN, currentA: 0, chargeAh: Number.NaN, dischargeAh: Number.NaN };

	/** `countersTold`: the file itself tells charge from discharge in its counters. */
	constructor(private readonly countersTold: boolean) {}

	/** Enough has been seen. */
	get settled(): boolean {
		if (this.rows >= ROWS_MAX) return true;
		const { kinds } = this;
		const bothWays = this.positiveRows >= ROWS_EACH_WAY && this.negativeRows >= ROWS_EACH_WAY;
		const bothKinds = kinds.charge >= ROWS_EACH_WAY && kinds.discharge >= ROWS_EACH_WAY;
		return (bothWays || bothKinds) && this.response.for + this.response.against >= RESPONSE_VOTES_MIN * 2;
	}

	push(chunk: RowChunk): void {
		for (let n = 0; n < chunk.count; n += 1) this.row(chunk, n);
	}

	private row({ currentA, voltageV, stepKind, chargeAh, dischargeAh }: RowChunk, n: number): void {
		const { last, kinds, counters, response } = this;
		const current = currentA[n]!;
		const size = Math.abs(current);
		this.rows += 1;
		if (size > this.currentMaxA) this.currentMaxA = size;
		if (size > REST_FRACTION * this.currentMaxA && size > 0) {
			if (current > 0) this.positiveRows += 1;
			else this.negativeRows += 1;
			const kind = stepKind[n]!;
			if (kind === STEP_KIND.charge || kind === STEP_KIND.discharge) {
				const charging = kind === STEP_KIND.charge;
				kinds[charging ? "charge" : "discharge"] += 1;
				kinds[charging === current > 0 ? "for" : "against"] += 1;
				if (!charging && current > 0) kinds.dischargePositive += 1;
			} else kinds.unnamed += 1;
			if (this.countersTold) {
				const charged = chargeAh[n]! - last.chargeAh;
				const discharged = dischargeAh[n]! - last.dischargeAh;
				if (charged > 0) counters[current > 0 ? "for" : "against"] += charged;
				if (discharged > 0) {
					counters[current < 0 ? "for" : "against"] += discharged;
					if (current > 0) counters.dischargePositive += discharged;
				}
			}
		}
		const jumpA = current - last.currentA;
		if (Math.abs(jumpA) > JUMP_FRACTION * this.currentMaxA && this.currentMaxA > 0) {
			const jumpV = voltageV[n]! - last.voltageV;
			if (jumpV * jumpA > 0) response.for += 1;
			else if (jumpV * jumpA < 0) response.against += 1;
		}
		last.voltageV = voltageV[n]!;
		last.currentA = current;
		last.chargeAh = chargeAh[n]!;
		last.dischargeAh = dischargeAh[n]!;
	}

	/** What the rows say by themselves; null when they say nothing, or one sign against another. */
	private proved(): { positiveCurrent: PositiveCurrent; evidence: string; unsigned: boolean } | null {
		const { kinds, counters, response } = this;
		if (this.negativeRows === 0) {
			if (kinds.charge > 0 && kinds.dischargePositive > 0)
				return { positiveCurrent: "charge", unsigned: true, evidence: "step names" };
			const total = counters.for + counters.against;
			if (kinds.discharge === 0 && counters.dischargePositive > 0.05 * total && counters.for > 0.05 * total)
				return { positiveCurrent: "charge", unsigned: true, evidence: "charge counters" };
		}
		const votes: { positive: PositiveCurrent; evidence: string }[] = [];
		const count = (tally: { for: number; against: number }, evidence: string, part: number): void => {
			const total = tally.for + tally.against;
			if (total > 0 && tally.for >= part * total) votes.push({ positive: "charge", evidence });
			else if (total > 0 && tally.against >= part * total) votes.push({ positive: "discharge", evidence });
		};
		count(kinds, "step names", UNANIMOUS);
		count(counters, "charge counters", UNANIMOUS);
		if (response.for + response.against >= RESPONSE_VOTES_MIN) count(response, "voltage response", 0.8);
		const [first] = votes;
		if (first === undefined || votes.some(({ positive }) => positive !== first.positive)) return null;
		return {
			positiveCurrent: first.positive,
			unsigned: false,
			evidence: votes.map(({ evidence }) => evidence).join(", "),
		};
	}

	/** Currents of one sign only, and steps whose names tell no direction: they may well be of the other. */
	private refuseUnnamed(proved: { unsigned: boolean; evidence: string } | null): void {
		const { charge, discharge, unnamed } = this.kinds;
		const named = charge + discharge;
		if (this.negativeRows > 0 || named === 0 || unnamed <= UNNAMED_MAX * named) return;
		if (proved?.evidence === "charge counters" || proved?.evidence === "voltage response") return;
		throw refuse(
			`Currents have one sign only, and the steps of ${unnamed} of the first ${this.rows} rows have names that tell no direction.`,
			"Export currents with their sign, or name the steps (Chg, DChg, Rest).",
		);
	}

	/** Throws CYCLING_FILE_REFUSED when the sign is open. `said` is the word of whoever knows the file. */
	finding(format: CyclingFormat, said?: PositiveCurrent): SignFinding {
		const proved = this.proved();
		this.refuseUnnamed(proved);
		if (proved?.unsigned === true && !BINDING.has(format)) return { ...proved, reversed: false };
		if (said !== undefined) return { positiveCurrent: said, unsigned: false, evidence: "as told", reversed: false };
		const defined = POSITIVE_CHARGES.has(format);
		const { response } = this;
		const few = response.for + response.against < RESPONSE_VOTES_AGAINST;
		const weak = proved?.evidence === "voltage response" && few && (BINDING.has(format) || response.for > 0);
		if (proved === null || proved.unsigned || (defined && weak && proved.positiveCurrent === "discharge")) {
			if (defined)
				return { positiveCurrent: "charge", unsigned: false, evidence: `definition of ${format}`, reversed: false };
			if (this.positiveRows + this.negativeRows === 0)
				return { positiveCurrent: "charge", unsigned: false, evidence: "no current flows", reversed: false };
			throw refuse(
				"Whether positive current charges or discharges cannot be told: neither step names nor counters nor the voltage's response say it.",
				"Say it with --positive-current charge|discharge.",
			);
		}
		if (!defined) return { ...proved, reversed: false };
		if (proved.positiveCurrent === "charge")
			return { ...proved, evidence: `definition of ${format}, ${proved.evidence}`, reversed: false };
		if (BINDING.has(format))
			throw refuse(
				`In ${format} positive current charges, but here it discharges (${proved.evidence}).`,
				"If the file is right otherwise, say --positive-current discharge.",
			);
		return { ...proved, reversed: true };
	}
}

/** A sign that was turned round or made up is said. */
export function saySign(
	{ reversed, unsigned, evidence }: SignFinding,
	format: CyclingFormat,
	defects: DefectLog,
): void {
	if (reversed)
		defects.add(
			"CURRENT_SIGN_REVERSED",
			null,
			"current",
			`In ${format} positive current charges; here it discharges (${evidence}). It was turned round.`,
		);
	if (unsigned)
		defects.add(
			"CURRENT_UNSIGNED",
			null,
			"current",
			`Currents have no sign; the direction was taken from ${evidence}.`,
		);
}
