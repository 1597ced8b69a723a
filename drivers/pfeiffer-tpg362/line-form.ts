/** How a line of measurements is written. It has no checksum: one of another form than before has lost or gained bytes. */
import { type GaugeMeasurement, parseMeasurements } from "./codec.js";

export interface LineForm {
	readonly gauges: number;
	readonly decimals: readonly number[];
	/** Undefined where no sensor was connected: the number that then comes has a form of its own. */
	readonly exponentDigits: readonly (number | undefined)[];
	/** Not as in the manual, and taken all the same: in a look alone. */
	readonly isFree: boolean;
}

const NO_SENSOR = 5;
/** `sx.xxxxEsxx` (BG 5195 BEN/A p 71). */
const MANUAL_DECIMALS = 4;
const MANUAL_EXPONENT_DIGITS = 2;

/** The measurements of `text` and their form; undefined when it is no line of measurements. `free` takes numbers of any form. */
export function readForm(
	text: string,
	free: boolean,
): { readonly gauges: GaugeMeasurement[]; readonly form: LineForm } | undefined {
	const strict = parseMeasurements(text);
	const gauges = strict ?? (free ? parseMeasurements(text, true) : undefined);
	if (gauges === undefined) return undefined;
	const form: LineForm = {
		gauges: gauges.length,
		decimals: gauges.map(({ decimals }) => decimals),
		exponentDigits: gauges.map(({ status, exponentDigits }) => (status === NO_SENSOR ? undefined : exponentDigits)),
		isFree: strict === undefined,
	};
	return { gauges, form };
}

/** The measurements of a line that is written as `form` says; undefined otherwise. */
export function measurementsAs(form: LineForm, text: string): GaugeMeasurement[] | undefined {
	const gauges = parseMeasurements(text, form.isFree);
	if (gauges === undefined || gauges.length !== form.gauges) return undefined;
	if (form.isFree) return gauges;
	for (let at = 0; at < gauges.length; at += 1) {
		const { decimals, exponentDigits, status } = gauges[at]!;
		const usual = form.exponentDigits[at];
		if (decimals !== form.decimals[at]) return undefined;
		if (usual !== undefined && status !== NO_SENSOR && exponentDigits !== usual) return undefined;
	}
	return gauges;
}

/**
 * Whether numbers of this form are whole. The manual's form is; of another one all numbers must agree, and it must be the
 * form of the connection before, where there was one. A free form cannot be judged.
 */
export function isCredible(form: LineForm, before: LineForm | undefined): boolean {
	if (form.isFree) return true;
	const sensed = form.exponentDigits.map((digits, at) => ({ digits, decimals: form.decimals[at]! }));
	const present = sensed.filter(({ digits }) => digits !== undefined);
	if (present.every((one) => one.decimals === MANUAL_DECIMALS && one.digits === MANUAL_EXPONENT_DIGITS)) return true;
	if (present.some((one) => one.decimals !== present[0]!.decimals || one.digits !== present[0]!.digits)) return false;
	return (
		before === undefined ||
		sensed.every(
			({ digits, decimals }, at) =>
				digits === undefined ||
				before.exponentDigits[at] === undefined ||
				(decimals === before.decimals[at] && digits === before.exponentDigits[at]),
		)
	);
}
