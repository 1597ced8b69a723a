/** Draws a trend into an SVG element: grid, the band from minimum to maximum, the line, and limits. */

const MARGIN = { left: 48, right: 22, top: 12, bottom: 26 };
const NAMESPACE = "http://www.w3.org/2000/svg";

/**
 * From `from` to `to` with `ticks` {value, text} below. `series` are {stretches, className, convert}: runs of points
 * {at, min, max, mean} that belong together; `limits` {value, text}; values of both in the unit of `scale`. Without a scale
 * there is nothing to draw yet, and the chart says `empty`.
 */
export function drawChart(svg, { from, to, ticks, series, limits = [], scale, empty }) {
	const { width, height } = svg.getBoundingClientRect();
	if (width === 0 || height === 0) return;
	const inner = { width: width - MARGIN.left - MARGIN.right, height: height - MARGIN.top - MARGIN.bottom };
	const x = (at) => MARGIN.left + ((at - from) / (to - from)) * inner.width;
	svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
	if (scale === undefined) {
		svg.replaceChildren(text(width / 2, height / 2, empty, "empty"));
		return;
	}
	const y = (value) => MARGIN.top + (1 - scale.share(value)) * inner.height;
	const right = width - MARGIN.right;
	const bottom = height - MARGIN.bottom;
	const drawn = [
		...scale.ticks.flatMap(({ value, text: label }) => [
			line(MARGIN.left, y(value), right, y(value), "grid"),
			text(MARGIN.left - 8, y(value) + 5, label, "y-tick"),
		]),
		...ticks.flatMap(({ value, text: label }) => [
			line(x(value), MARGIN.top, x(value), bottom, "grid"),
			text(x(value), height - 6, label, "x-tick"),
		]),
	];
	for (const { value, text: label } of limits) {
		drawn.push(
			line(MARGIN.left, y(value), right, y(value), "limit"),
			text(right - 4, y(value) - 5, label, "limit-text"),
		);
	}
	for (const { stretches, className, convert } of series) {
		for (const stretch of stretches) {
			const seen = stretch.filter(({ at }) => at >= from);
			if (seen.length === 0) continue;
			const at = (point, part) => `${x(point.at).toFixed(1)} ${y(convert(point[part])).toFixed(1)}`;
			if (className === "measured") {
				const band = [...seen.map((point) => at(point, "max")), ...seen.toReversed().map((point) => at(point, "min"))];
				drawn.push(path(`M${band.join("L")}Z`, "band"));
			}
			// A single point is drawn as a dot by its round line end.
			const points = seen.map((point) => at(point, "mean"));
			drawn.push(path(`M${[points[0], ...points].join("L")}`, className));
		}
	}
	svg.replaceChildren(...drawn);
}

function shape(name, attributes) {
	const element = document.createElementNS(NAMESPACE, name);
	for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
	return element;
}

const line = (x1, y1, x2, y2, className) => shape("line", { x1, y1, x2, y2, class: className });
const path = (d, className) => shape("path", { d, class: className });

function text(x, y, content, className) {
	const element = shape("text", { x, y, class: className });
	element.textContent = content;
	return element;
}
