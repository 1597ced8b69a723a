/** One question at a time, answered by a press on a large button. */
import { make } from "./dom.js";

const question = make("h2", { id: "question" });
const consequence = make("p", { id: "consequence" });
const no = make("button", { type: "button", id: "no" }, "Back");
const yes = make("button", { type: "button", id: "yes" });
const dialog = make(
	"dialog",
	{ id: "confirm", "aria-labelledby": "question" },
	question,
	consequence,
	make("div", { class: "buttons" }, no, yes),
);
document.body.append(dialog);

/** Resolves true when the answer is yes; Escape and Back are no. A question already on the screen is not replaced. */
export function confirmed({ question: asked, consequence: leadsTo, yes: agreed, dangerous = false }) {
	if (dialog.open) return Promise.resolve(false);
	question.textContent = asked;
	consequence.textContent = leadsTo;
	yes.textContent = agreed;
	yes.className = dangerous ? "danger" : "primary";
	return new Promise((resolve) => {
		dialog.returnValue = "";
		yes.onclick = () => dialog.close("yes");
		no.onclick = () => dialog.close("");
		dialog.onclose = () => resolve(dialog.returnValue === "yes");
		dialog.showModal();
		no.focus();
	});
}
