/** Who stands at the page, for the record; remembered by this browser. */
import { $ } from "./dom.js";

const KEY = "adlayer.operator";
/** Stands on record where nobody gave a name. */
const UNNAMED = "page";

export const operatorName = () => $("operator").value.trim() || UNNAMED;

export const givenName = () => $("operator").value.trim();

export function rememberOperator(name) {
	$("operator").value = name;
	localStorage.setItem(KEY, name);
}

export function startOperator() {
	$("operator").value = localStorage.getItem(KEY) ?? "";
	$("operator").addEventListener("change", () => rememberOperator($("operator").value.trim()));
}
