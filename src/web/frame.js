/** What every page has around its views: the band of a simulated lab, the station's name, and the band of a loss. */
import { $, setText } from "./dom.js";

export function renderFrame({ simulated, speed, station }, { title, isLive }) {
	$("simulated").hidden = !simulated;
	document.body.classList.toggle("simulated", simulated);
	setText($("speed"), speed === 1 ? "" : `×${speed}`);
	document.title = `${simulated ? "SIMULATED " : ""}${title} – ${station}`;
	document.body.classList.toggle("old", !isLive);
	setText($("station"), station);
}

export function showLoss(text) {
	// In the browser's top layer, so that an open dialog does not cover it.
	$("lost").togglePopover(text !== "");
	setText($("lost"), text);
}
