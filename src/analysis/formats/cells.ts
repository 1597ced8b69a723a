/** Cells of text that the byte parser hands over: clock times and dates. */

const CLOCK = /^(?:(\d+)(?:\s*(?:d|days?)?[\s-]+|\.))?(\d+):(\d{1,2}):(\d{1,2}(?:[.,:]\d+)?)$/i;
const SHORT_CLOCK = /^(\d+):(\d{1,2}(?:[.,]\d+)?)$/;
const DAYS = /^(\d+(?:[.,]\d+)?)\s*d(?:ays?)?$/i;
const ISO =
	/^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T\s]+(\d{1,2}):(\d{2})(?::(\d{2}(?:[.,:]\d+)?))?)?\s*(Z|[+-]\d{2}:?\d{2})?$/i;
const SLASHED = /^(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})(?:\s+(\d{1,2}):(\d{2})(?::(\d{2}(?:[.,:]\d+)?))?)?\s*(AM|PM)?$/i;

const decimals = (text: string): number => Number(text.replace(/[,:]/, "."));

/** A title that says its times have hours; without them a spreadsheet has dropped them, and `59:30` is followed by `00:00`. */
const HAS_HOURS = /\bh+:m/i;

/** Seconds of `h:mm:ss(.f)`, `d-hh:mm:ss`, `d.hh:mm:ss`, `1 days 02:03:04`, `mm:ss.f` or `3d`; NaN when it is none. */
export function clockSeconds(cell: string, title = ""): number {
	const text = cell.trim();
	const clock = CLOCK.exec(text);
	if (clock !== null) {
		const [, days = "0", hours, minutes, seconds] = clock;
		return Number(days) * 86_400 + Number(hours) * 3_600 + Number(minutes) * 60 + decimals(seconds!);
	}
	const short = SHORT_CLOCK.exec(text);
	if (short !== null && HAS_HOURS.test(title)) return Number.NaN;
	if (short !== null) return Number(short[1]) * 60 + decimals(short[2]!);
	const days = DAYS.exec(text);
	return days === null ? Number.NaN : decimals(days[1]!) * 86_400;
}

function utcSeconds(
	parts: readonly (string | undefined)[],
	offset: string | undefined,
	pm: string | undefined,
): number {
	const [year, month, day, hour = "0", minute = "0", second = "0"] = parts;
	if (Number(month) < 1 || Number(month) > 12 || Number(day) < 1 || Number(day) > 31) return Number.NaN;
	let hours = Number(hour);
	if (pm !== undefined) hours = (hours % 12) + (pm.toUpperCase() === "PM" ? 12 : 0);
	const midnight = Date.UTC(Number(year), Number(month) - 1, Number(day)) / 1_000;
	let seconds = midnight + hours * 3_600 + Number(minute) * 60 + decimals(second);
	if (offset !== undefined && offset.toUpperCase() !== "Z") {
		const sign = offset.startsWith("-") ? -1 : 1;
		const digits = offset.replace(/\D/g, "");
		seconds -= sign * (Number(digits.slice(0, 2)) * 3_600 + Number(digits.slice(2)) * 60);
	}
	return seconds;
}

/** Whether dates of a file like `02/03/2024` begin with the month or the day: one number above 12 tells it for all. */
export class DateOrder {
	/** Null while nothing tells. */
	dayFirst: boolean | null = null;
	/** Dates were seen that can be read in two ways. */
	ambiguous = false;

	see(first: number, second: number): void {
		if (first > 12) this.dayFirst = true;
		else if (second > 12) this.dayFirst ??= false;
		else if (first !== second) this.ambiguous = true;
	}

	get isOpen(): boolean {
		return this.ambiguous && this.dayFirst === null;
	}
}

/**
 * Seconds since 1970 of a date, NaN when it is none. Without an offset it is read as UTC, which is enough for differences.
 * Where the order does not tell, `02/03/2024` is month/day, as EC-Lab and BTS write it.
 */
export function dateSeconds(cell: string, order: DateOrder): number {
	const text = cell.trim();
	const iso = ISO.exec(text);
	if (iso !== null) return utcSeconds(iso.slice(1, 7), iso[7], undefined);
	const slashed = SLASHED.exec(text);
	if (slashed === null) return Number.NaN;
	const [, first, second, year, hour, minute, seconds, pm] = slashed;
	order.see(Number(first), Number(second));
	const [month, day] = order.dayFirst === true ? [second, first] : [first, second];
	return utcSeconds([year, month, day, hour, minute, seconds], undefined, pm);
}
