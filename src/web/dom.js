/** The few things that every view does with the document. Nothing is written twice that did not change: two updates a second. */

export const $ = (id) => document.getElementById(id);

/** A new element: `make("p", { class: "note" }, "text", child)`. */
export function make(tag, attributes = {}, ...children) {
	const element = document.createElement(tag);
	for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
	element.append(...children);
	return element;
}

export function setText(element, text) {
	if (element.textContent !== text) element.textContent = text;
}

export function setAttribute(element, name, value) {
	if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/**
 * Makes the parent's children follow a list. A child stays the same element as long as its key stays, so that a finger on
 * a button does not lose it between two updates.
 */
export function follow(parent, items, { key, create, update }) {
	const present = new Map([...parent.children].map((child) => [child.dataset.key, child]));
	items.forEach((item, index) => {
		const name = key(item);
		let child = present.get(name);
		if (child === undefined) {
			child = create(item);
			child.dataset.key = name;
		}
		present.delete(name);
		update(child, item);
		if (parent.children[index] !== child) parent.insertBefore(child, parent.children[index] ?? null);
	});
	for (const child of present.values()) child.remove();
}
