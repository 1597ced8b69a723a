/** Named figures with small print: `{name, value, note}`. */
import { follow, make, setText } from "./dom.js";

export function showFigures(place, items) {
	follow(place, items, {
		key: ({ name }) => name,
		create: ({ name }) => make("div", {}, make("dt", {}, name), make("dd", {}, make("span"), make("small"))),
		update: (item, { name, value, note = "" }) => {
			item.dataset.figure = name;
			setText(item.children[1].children[0], value);
			setText(item.children[1].children[1], note);
		},
	});
}
