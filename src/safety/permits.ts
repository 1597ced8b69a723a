/** The permits: a movement is asked of its rules at the moment of the act, by whoever acts. */
import { AdlayerError } from "#core/errors.js";
import { type DoseQuestion, type PermitQuestion, type Reason, RULES, type Rule } from "#safety/rules.js";

/** Throws PERMIT_REFUSED with every reason at once; `context.reasons` has them as text, `context.about` as Concern. */
function refuseIf(action: string, reasons: readonly Reason[]): void {
	if (reasons.length === 0) return;
	const texts = reasons.map(({ text }) => text);
	throw new AdlayerError("PERMIT_REFUSED", `${action} is refused: ${texts.join(" ")}`, {
		context: { reasons: texts, about: [...new Set(reasons.map(({ about }) => about))] },
	});
}

/** Which movement is asked of which rules. */
export const PERMITS = {
	"prepare-dose": ["latched", "declared", "dose-width", "valve-io"],
	dose: [
		...["latched", "valves-proven-shut", "declared", "dose-width", "valve-io", "backflow"],
		...["stop-valve-open", "pump", "lid", "vacuum-band", "working-pressure", "recovery", "carrier"],
		...["purged", "one-at-a-time", "purge-minimum"],
	],
	"dose-exposure": [
		...["latched", "valves-proven-shut", "declared", "dose-width", "valve-io", "backflow"],
		...["exposure-shut", "pump", "lid", "exposure-room", "purged", "one-at-a-time", "purge-minimum"],
	],
	"stop-valve-open": ["latched", "pump", "foreline"],
	"stop-valve-shut": ["latched", "no-carrier"],
	fill: [
		...[
			"latched",
			"valves-proven-shut",
			"fill-range",
			"fill-shut",
			"fill-cold",
			"lid",
			"purged",
			"one-at-a-time",
			"fill-purged",
		],
	],
	heat: ["latched", "zone-known", "zone-examined", "zone-limit", "foil-bound"],
	carrier: ["latched", "carrier-range", "carrier-way-out"],
	"let-go": ["latched"],
} as const satisfies Record<string, readonly Rule[]>;

type Permit = keyof typeof PERMITS;
type AnyRule = (question: DoseQuestion, ...of: readonly unknown[]) => Iterable<Reason>;

/** Asks every rule of a permit, also after the first that refuses. */
function ask(permit: Permit, action: string, question: PermitQuestion, ...of: readonly unknown[]): void {
	const rules = RULES as unknown as Record<string, AnyRule>;
	refuseIf(
		action,
		PERMITS[permit].flatMap((rule) => [...rules[rule]!(question as DoseQuestion, ...of)]),
	);
}

/** Preparing a dose moves nothing; but nothing is prepared that may not be meant any more. */
export function permitArm(question: PermitQuestion, precursor: string, widthMs: number): void {
	const action = `Preparing a dose of ${precursor}`;
	refuseUnknown(action, question, precursor);
	ask("prepare-dose", action, question, precursor, widthMs);
}

/** A dose of `precursor` for `widthMs`: vacuum, flow, pump, lid, the other precursor purged, the valve's own limits. */
export function permitDose(question: DoseQuestion, precursor: string, widthMs: number): void {
	const action = `Dosing ${precursor}`;
	refuseUnknown(action, question, precursor);
	const permit = question.view.commanded.shutFor === "exposure" ? "dose-exposure" : "dose";
	ask(permit, action, question, precursor, widthMs);
}

function refuseUnknown(action: string, { view }: PermitQuestion, precursor: string): void {
	if (Object.hasOwn(view.reactor.precursors, precursor)) return;
	refuseIf(action, [{ about: "dose", text: `There is no precursor ${precursor} in the lab file.` }]);
}

/** Opening the chamber to the pump. */
export function permitStopValveOpen(question: PermitQuestion): void {
	ask("stop-valve-open", "Opening the stop valve", question);
}

/** Shutting the chamber off: not while carrier would fill it up. */
export function permitStopValveShut(question: PermitQuestion): void {
	ask("stop-valve-shut", "Shutting the stop valve", question);
}

/** Filling the shut chamber with carrier: cold, closed, purged of every precursor, and the pump shut off. */
export function permitFill(question: DoseQuestion, sccm: number): void {
	ask("fill", `Filling the chamber with ${sccm} sccm`, question, sccm);
}

/** Heating a zone: nothing latched, its temperature known and not in doubt, the target below its limit and the run's bound. */
export function permitHeat(question: PermitQuestion, zone: string, targetC: number): void {
	const action = `Heating zone ${zone} to ${targetC} °C`;
	if (!Object.hasOwn(question.view.reactor.zones, zone))
		refuseIf(action, [{ about: "thermal", text: `There is no zone ${zone} in the lab file.` }]);
	ask("heat", action, question, zone, targetC);
}

/** A run that begins or goes on, whether it heats now or in some hours: no zone is in doubt. */
export function permitRun({ doubted }: Pick<PermitQuestion, "doubted">, action: string): void {
	refuseIf(
		action,
		doubted.flatMap((zone) => [...RULES["zone-examined"]({ doubted }, zone)]),
	);
}

/** A carrier flow inside the lab file's range, or zero, into a chamber that is open to the pump. */
export function permitCarrier(question: PermitQuestion, sccm: number): void {
	ask("carrier", `A carrier flow of ${sccm} sccm`, question, sccm);
}

/** Giving a zone's instrument back what it worked to before, which may be a temperature. */
export function permitLetGo(question: PermitQuestion, zone: string): void {
	ask("let-go", `Giving zone ${zone} its former settings back`, question);
}
