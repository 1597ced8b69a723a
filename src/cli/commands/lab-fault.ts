/** Faults into the running simulated lab. */
import type { CliContext, Outcome } from "#cli/context.js";
import { dataFolder } from "#cli/places.js";
import { AdlayerError } from "#core/errors.js";

export interface FaultsOptions {
	readonly data?: string;
}

export interface FaultOptions extends FaultsOptions {
	/** As typed; the lab says what it may be. */
	readonly value?: number;
	/** Seconds of lab time. */
	readonly for?: number;
	readonly seed?: number;
	readonly clear?: boolean;
}

/** As the lab's own room has it, which the command loads only when it is asked for. */
interface ActiveFault {
	readonly kind: string;
	readonly target: string | null;
	readonly value: number | null;
	readonly unit: string | null;
	readonly sinceS: number;
	readonly untilS: number | null;
}

interface FaultsReply {
	readonly atS: number;
	readonly kinds: readonly {
		readonly kind: string;
		readonly title: string;
		readonly of: string;
		readonly targets: readonly string[];
		readonly value: { readonly unit: string; readonly range: string; readonly description: string } | null;
	}[];
	readonly active: readonly ActiveFault[];
}

/** Begins a fault, or with `--clear` ends it: one, all of a kind, or without a kind all there are. */
export async function labFault(
	context: CliContext,
	kind: string | undefined,
	target: string | undefined,
	options: FaultOptions,
): Promise<Outcome> {
	const { out } = context;
	const on = target === undefined ? {} : { target };
	const { value, for: forS, seed, clear } = options;
	const given = Object.entries({ "--value": value, "--for": forS, "--seed": seed }).filter(
		([, each]) => each !== undefined,
	);
	if (clear) {
		if (given.length > 0)
			throw new AdlayerError("USAGE", `--clear goes without ${given.map(([name]) => name).join(", ")}.`);
		const { cleared } = await ask<{ cleared: readonly ActiveFault[] }>(context, options, {
			clear: kind ?? null,
			...on,
		});
		if (cleared.length === 0) out.line("Nothing was active.");
		for (const each of cleared) out.line(`Cleared ${faultText(each)}.`);
		out.result({ ok: true, cleared });
		return 0;
	}
	if (kind === undefined)
		throw new AdlayerError("USAGE", "Which fault? `adlayer lab faults` lists them; --clear alone ends all.");
	const request = { fault: kind, ...on, ...optional({ value, forS, seed }) };
	const { fault } = await ask<{ fault: ActiveFault }>(context, options, request);
	out.line(
		`${faultText(fault)} ${fault.untilS === null ? "" : `until ${fault.untilS.toFixed(1)} s of lab time`}`.trim(),
	);
	out.result({ ok: true, fault });
	return 0;
}

/** Lists the kinds with their targets in this lab, and what is active. */
export async function labFaults(context: CliContext, options: FaultsOptions): Promise<Outcome> {
	const { out } = context;
	const { atS, kinds, active } = await ask<FaultsReply>(context, options, { ask: "faults" });
	const width = Math.max(...kinds.map(({ kind }) => kind.length));
	for (const { kind, title, of, targets, value } of kinds) {
		const takes = value === null ? "" : `; --value ${value.range} (${value.description})`;
		const targetsText = of === "reactor" ? "" : ` [${targets.join(" ")}]`;
		out.line(`${kind.padEnd(width)}  ${title}${takes}${targetsText}`);
	}
	out.line();
	out.line(active.length === 0 ? `No fault is active at ${atS.toFixed(1)} s of lab time.` : "Active:");
	for (const fault of active) {
		const end = fault.untilS === null ? "until cleared" : `until ${fault.untilS.toFixed(1)} s`;
		out.line(`  ${faultText(fault)} since ${fault.sinceS.toFixed(1)} s, ${end}`);
	}
	out.result({ ok: true, atS, kinds, active });
	return 0;
}

function faultText({ kind, target, value, unit }: ActiveFault): string {
	const of = target === null ? "" : ` ${target}`;
	const much = value === null ? "" : ` ${value}${unit === "1" ? "" : ` ${unit}`}`;
	return `${kind}${of}${much}`;
}

function optional(values: Readonly<Record<string, number | undefined>>): Record<string, number> {
	return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Record<
		string,
		number
	>;
}

async function ask<Reply>({ env }: CliContext, { data }: FaultsOptions, request: object): Promise<Reply> {
	const module = await import("#src/ask-lab.js");
	return (await module.askLabOf(dataFolder(data, env), request)) as Reply;
}
