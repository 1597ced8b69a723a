import type { ClientBase } from "pg";
import type { SignalDeclaration } from "#record/records.js";
import { cleanText } from "./copy-rows.js";

type Values = Readonly<Record<string, number | null>>;

/** The numbers of signals: a row of samples carries four bytes instead of a name. */
export class SignalIds {
	/** By station and instrument, then by signal. */
	private readonly ids = new Map<string, Map<string, number>>();

	constructor(private readonly client: ClientBase) {}

	/** The instrument's numbers when all signals of `values` have one. */
	known(station: string, instrument: string, values: Values): Map<string, number> | undefined {
		const ids = this.ids.get(`${station} ${instrument}`);
		if (ids === undefined) return undefined;
		for (const name in values) if (!ids.has(name)) return undefined;
		return ids;
	}

	/** Gives numbers to the signals that have none yet. */
	async learn(station: string, instrument: string, values: Values): Promise<Map<string, number>> {
		const key = `${station} ${instrument}`;
		const ids = this.ids.get(key) ?? new Map<string, number>();
		const names = Object.keys(values).filter((name) => !ids.has(name));
		const full = names.map((name) => cleanText(`${instrument}.${name}`));
		await this.client.query(
			"INSERT INTO signals (station, name) SELECT $1, unnest($2::text[]) ON CONFLICT DO NOTHING",
			[cleanText(station), full],
		);
		const { rows } = await this.client.query(
			"SELECT id, name FROM signals WHERE station = $1 AND name = ANY($2::text[])",
			[cleanText(station), full],
		);
		const byName = new Map((rows as { id: number; name: string }[]).map((row) => [row.name, row.id]));
		names.forEach((name, index) => {
			ids.set(name, byName.get(full[index]!)!);
		});
		this.ids.set(key, ids);
		return ids;
	}

	/** Keeps unit, kind and description of the signals. */
	async declare(station: string, signals: readonly SignalDeclaration[]): Promise<void> {
		await this.client.query(
			`INSERT INTO signals (station, name, unit, signal_kind, description)
			SELECT DISTINCT ON (name) $1, * FROM unnest($2::text[], $3::text[], $4::text[], $5::text[]) AS declared (name, unit, signal_kind, description)
			ON CONFLICT (station, name) DO UPDATE SET unit = EXCLUDED.unit, signal_kind = EXCLUDED.signal_kind, description = EXCLUDED.description`,
			[
				cleanText(station),
				signals.map(({ id }) => cleanText(id)),
				signals.map(({ unit }) => unit),
				signals.map(({ signalKind }) => signalKind),
				signals.map(({ description }) => cleanText(description)),
			],
		);
	}
}
