/** Times as the BTS computer writes them, `2025-12-28 22:29:05` on a clock with a time zone, to Unix ms and back. Pure. */
import { invalid, printable } from "./codec.js";

const HOUR_MS = 3_600_000;

export class LocalTime {
	private readonly format: Intl.DateTimeFormat;

	/** Throws RangeError for a zone that does not exist. */
	constructor(readonly zone: string) {
		this.format = new Intl.DateTimeFormat("en-CA", {
			timeZone: zone,
			hourCycle: "h23",
			year: "numeric",
			month: "2-digit",
			day: "2-digit",
			hour: "2-digit",
			minute: "2-digit",
			second: "2-digit",
		});
	}

	/** Unix ms -> `2025-12-28 22:29:05`. */
	text(wallMs: number): string {
		const parts = Object.fromEntries(this.format.formatToParts(wallMs).map(({ type, value }) => [type, value]));
		return `${parts.year}-${parts.month}-${parts.day} ${parts.hour}:${parts.minute}:${parts.second}`;
	}

	/**
	 * `2025-12-28 22:29:05`, with fractions or slashes too -> Unix ms. The hour that the clock shows twice in autumn is told by `notBeforeMs`, the row
	 * before; an hour that it never shows in spring is taken as if it went on. Throws REPLY_INVALID on what is no time.
	 */
	wallMs(text: string, notBeforeMs = Number.NEGATIVE_INFINITY): number {
		const match = /^(\d{4})([-/])(\d{2})\2(\d{2})[ T](\d{2}:\d{2}:\d{2})(\.\d{1,6})?$/.exec(text);
		const [, year, , month, day, time, fraction = ""] = match ?? [];
		const asUtc = Date.parse(`${year}-${month}-${day}T${time}Z`);
		if (!Number.isFinite(asUtc)) throw invalid(`"${printable(text)}" came, which is no time`);
		return this.atOffset(asUtc, notBeforeMs) + Number(`0${fraction}`) * 1_000;
	}

	private atOffset(asUtc: number, notBeforeMs: number): number {
		const shown = (wallMs: number): number => Date.parse(`${this.text(wallMs).replace(" ", "T")}Z`);
		const offsets = new Set(
			[-24, 0, 24].map((hours) => {
				const near = asUtc + hours * HOUR_MS;
				return shown(near) - near;
			}),
		);
		const candidates = [...offsets].map((offset) => asUtc - offset).sort((a, b) => a - b);
		const exact = candidates.filter((candidate) => shown(candidate) === asUtc);
		const choice = exact.length > 0 ? exact : candidates;
		// Rows are written within a second of each other's clock.
		return choice.find((candidate) => candidate >= notBeforeMs - 1_000) ?? choice.at(-1)!;
	}
}
