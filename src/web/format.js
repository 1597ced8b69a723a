/** Values as people read them: Torr, °C, sccm, h:mm:ss. */

/** 1 Torr = 101325/760 Pa exactly. */
const PASCAL_PER_TORR = 101_325 / 760;
/** Below this a pressure is written with an exponent. */
const PLAIN_TORR_MIN = 1e-3;

export const torrFromPascal = (pa) => pa / PASCAL_PER_TORR;

/** 3725 s is "1:02:05". */
export function duration(seconds) {
	const whole = Math.max(0, Math.round(seconds));
	const two = (n) => String(n).padStart(2, "0");
	return `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
}

/** The time of day of a Unix time in ms. */
export const timeOfDay = (wall) => new Date(wall).toLocaleTimeString("en-GB");

export function torrNumber(pa) {
	const torr = torrFromPascal(pa);
	if (torr === 0) return "0";
	if (Math.abs(torr) < PLAIN_TORR_MIN) return torr.toExponential(2);
	return Math.abs(torr) < 100 ? torr.toPrecision(3) : torr.toFixed(0);
}

/** A value without its unit, and the unit that people expect for it. */
export function numberAndUnit(value, unit) {
	switch (unit) {
		case "Pa":
			return { number: torrNumber(value), unit: "Torr" };
		case "degC":
			return { number: value.toFixed(1), unit: "°C" };
		case "sccm":
			return { number: value.toFixed(1), unit: "sccm" };
		case "bool":
			return { number: value === 0 ? "off" : "on", unit: "" };
		case "1":
			return { number: String(Number(value.toPrecision(5))), unit: "" };
		default:
			return { number: String(Number(value.toPrecision(5))), unit };
	}
}

export function valueText(value, unit) {
	const text = numberAndUnit(value, unit);
	return text.unit === "" ? text.number : `${text.number} ${text.unit}`;
}

/** What is known of a signal that is not good: what is wrong, or its last value with its time, for small print beside the word. */
export function lastKnown(signal) {
	if (signal.quality === "good") return "";
	if (signal.value === null) return signal.detail ?? "";
	return `last ${valueText(signal.value, signal.unit)} at ${timeOfDay(signal.at)}`;
}
