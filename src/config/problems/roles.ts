/** What the reactor's roles name must be there, be of the right kind, and have one role only. */
import type { Review } from "#src/config/problems/review.js";

export function roleProblems(review: Review): void {
	const { content } = review;
	review.judge(() => review.mustBeInstrument(["reactor", "carrier", "instrument"], content.reactor.carrier.instrument));
	for (const gauge of ["chamber", "foreline"] as const)
		review.judge(() => review.mustBeSignal(["reactor", "pressures", gauge], content.reactor.pressures[gauge]));
	review.judge(() => review.mustBeSignal(["reactor", "stop_valve", "output"], content.reactor.stop_valve.output));
	review.judgeEach(
		() => content.reactor.inputs,
		(input, entry) => {
			if ("none" in entry) return;
			const at = ["reactor", "inputs", input];
			review.judge(() => review.mustBeContact([...at, "signal"], entry.signal));
			if (entry.broken_wire_level !== entry.safe_level) return;
			review.wrong(
				[...at, "broken_wire_level"],
				"A broken wire would count as safe; wire the contact so that it gives the other level.",
				{ value: entry.broken_wire_level, limit: 1 - entry.safe_level },
			);
		},
	);
	review.judge(() => qcm(review));
	for (const gas of ["oxygen", "water"] as const) review.judge(() => atmosphere(review, gas));
	doubledRoles(review);
}

function qcm(review: Review): void {
	const { qcm: monitor } = review.content.reactor;
	if (monitor === undefined) return;
	const at = ["reactor", "qcm", "thickness"];
	const { thickness } = monitor;
	const info = review.mustBeSignal(at, thickness);
	if (info !== undefined && info.unit !== "nm")
		review.wrong(at, `${thickness} is in ${info.unit}, not a thickness in nm.`, { value: thickness });
}

function atmosphere(review: Review, gas: "oxygen" | "water"): void {
	const { atmosphere: monitor } = review.content.reactor;
	if (!("none" in monitor)) review.mustBeSignal(["reactor", "atmosphere", gas], monitor[gas]);
}

/** Outputs, contacts, pressures and controllers that two roles claim: one of the two would not be what it is taken for. */
function doubledRoles(review: Review): void {
	const { content } = review;
	const first = new Map<string, string>();
	const claim = (place: readonly string[], value: string): void => {
		const path = ["reactor", ...place];
		const other = first.get(value);
		if (other === undefined) first.set(value, path.join("."));
		else review.wrong(path, `${value} has another role already: ${other}.`, { value });
	};
	review.judgeEach(
		() => content.reactor.precursors,
		(name, { output }) => claim(["precursors", name, "output"], output),
	);
	review.judge(() => claim(["stop_valve", "output"], content.reactor.stop_valve.output));
	review.judgeEach(
		() => content.reactor.inputs,
		(name, entry) => {
			if (!("none" in entry)) claim(["inputs", name, "signal"], entry.signal);
		},
	);
	review.judgeEach(
		() => content.reactor.pressures,
		(name, signal) => claim(["pressures", name], signal),
	);
	review.judgeEach(
		() => content.reactor.zones,
		(name, { instrument }) => claim(["zones", name, "instrument"], instrument),
	);
	review.judge(() => claim(["carrier", "instrument"], content.reactor.carrier.instrument));
	for (const gas of ["oxygen", "water"] as const)
		review.judge(() => {
			const { atmosphere: monitor } = content.reactor;
			if (!("none" in monitor)) claim(["atmosphere", gas], monitor[gas]);
		});
}
