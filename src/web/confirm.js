/** One question at a time, answered by a press on a large button. */
import { $ } from "./dom.js";

/** Resolves true when the answer is yes; Escape and Back are no. A question already on the screen is not replaced. */
export function confirmed({ question, consequence, yes, dangerous = false }) {
	const dialog = $("confirm");
	if (dialog.open) return Promise.resolve(false);
	$("question").textContent = question;
	$("consequence").textContent = consequence;
	$("yes").textContent = yes;
	$("yes").className = dangerous ? "danger" : "primary";
	return new Promise((resolve) => {
		dialog.returnValue = "";
		$("yes").onclick = () => dialog.close("yes");
		$("no").onclick = () => dialog.close("");
		dialog.onclose = () => resolve(dialog.returnValue === "yes");
		dialog.showModal();
		$("no").focus();
	});
}
