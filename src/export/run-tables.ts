/** A run's rows as tables: signals of each instrument, steps, pulses, alarms, anneals. */
import type { Cell, Column, Table } from "#export/table.js";
import type { AlarmRecord, InterlockRecord, JournalRecord } from "#record/records.js";
import type { ArchivedInstrument, RunArchive } from "#record/run-archive.js";

const TIME: Column = { name: "time", type: "datetime", description: "UTC" };

/** Of numbers and states. */
const NO_UNITS = ["1", "bool"];

/** A name as a file may have it. */
const slug = (name: string): string =>
	name
		.toLowerCase()
		.replace(/[^a-z0-9]+/g, "-")
		.replace(/^-|-$/g, "");

export function runTables(archive: RunArchive): Table[] {
	return [
		...archive.instruments.map((instrument) => signalTable(archive, instrument)),
		stepTable(archive),
		pulseTable(archive),
		alarmTable(archive),
		annealTable(archive),
	];
}

function signalTable(archive: RunArchive, instrument: ArchivedInstrument): Table {
	const { createdAt } = archive.run;
	const signals = instrument.signals.map(
		({ name, unit, description }): Column => ({
			name: unit === null || NO_UNITS.includes(unit) ? name : `${name} / ${unit}`,
			type: "number",
			...(unit === null || NO_UNITS.includes(unit) ? {} : { unit }),
			...(description === null ? {} : { description }),
		}),
	);
	return {
		name: `signals-${slug(instrument.instrument)}`,
		title: `Signals of ${instrument.instrument}, one row a poll; an empty cell is a poll without a valid value`,
		columns: [
			TIME,
			{ name: "run time / s", type: "number", unit: "s", description: "Since the run's creation" },
			...signals,
		],
		async *rows() {
			for await (const batch of archive.polls(instrument))
				yield batch.map(({ at, values }): Cell[] => [at, (at - createdAt) / 1_000, ...values]);
		},
	};
}

const stepTable = (archive: RunArchive): Table => ({
	name: "steps",
	title: "Executed steps in order; a repeated step has several rows",
	columns: [
		{ name: "started", type: "datetime" },
		{ name: "ended", type: "datetime" },
		{ name: "index", type: "integer", description: "Position in the flat plan, from 0" },
		{ name: "path", type: "string", description: "Place in the recipe file" },
		{ name: "phase", type: "string" },
		{ name: "type", type: "string" },
		{ name: "title", type: "string" },
		{ name: "cycle", type: "integer", description: "From 1, within the deposition" },
		{ name: "planned / s", type: "number", unit: "s" },
		{ name: "actual / s", type: "number", unit: "s" },
		{ name: "outcome", type: "string", description: "done, interrupted, timed-out, failed; empty while it runs" },
		{ name: "detail", type: "string" },
	],
	async *rows() {
		for await (const batch of archive.steps())
			yield batch.map((step): Cell[] => {
				const isOver = (step.outcome as string | null) !== null;
				return [
					step.startedAt,
					isOver ? step.endedAt : null,
					step.index,
					step.path,
					step.phase,
					step.type,
					step.title,
					step.cycle ?? null,
					step.plannedS,
					isOver ? step.actualS : null,
					step.outcome,
					step.detail ?? null,
				];
			});
	},
});

const pulseTable = (archive: RunArchive): Table => ({
	name: "pulses",
	title: "Every pulse: what was commanded, issued, confirmed by the instrument, and seen in the pressure",
	columns: [
		{ name: "recorded", type: "datetime" },
		{ name: "pulse", type: "integer" },
		{ name: "cycle", type: "integer" },
		{ name: "precursor", type: "string" },
		{ name: "valve", type: "string" },
		{ name: "commanded / ms", type: "number", unit: "ms" },
		{ name: "confirmed / ms", type: "number", unit: "ms", description: "By the instrument's own timer" },
		{ name: "issued after due / ms", type: "number", unit: "ms" },
		{ name: "baseline / Pa", type: "number", unit: "Pa" },
		{ name: "peak / Pa", type: "number", unit: "Pa", description: "Above the baseline" },
		{ name: "area / Pa s", type: "number", unit: "Pa s" },
		{ name: "film before / nm", type: "number", unit: "nm", description: "On the crystal" },
		{ name: "film after / nm", type: "number", unit: "nm" },
		{ name: "fate", type: "string", description: "delivered, not-delivered, unknown" },
	],
	async *rows() {
		for await (const batch of archive.pulses())
			yield batch.map((pulse): Cell[] => [
				pulse.at,
				pulse.pulse,
				pulse.cycle ?? null,
				pulse.precursor,
				pulse.valve,
				pulse.commandedMs,
				pulse.confirmedMs,
				pulse.issuedT === null ? null : pulse.issuedT - pulse.dueT,
				pulse.effective?.baselinePa ?? null,
				pulse.effective?.peakPa ?? null,
				pulse.effective?.areaPaS ?? null,
				pulse.film?.beforeNm ?? null,
				pulse.film?.afterNm ?? null,
				pulse.fate,
			]);
	},
});

type Wall = { readonly wall: number };

const alarmTable = (archive: RunArchive): Table => ({
	name: "alarms",
	title: "Changes of alarms and interlocks of the station while the run was open",
	columns: [
		TIME,
		{ name: "kind", type: "string", description: "alarm or interlock" },
		{ name: "name", type: "string" },
		{ name: "state", type: "string" },
		{ name: "priority", type: "string" },
		{ name: "message", type: "string" },
		{ name: "value", type: "number" },
		{ name: "limit", type: "number" },
		{ name: "unit", type: "string", description: "Of value and limit" },
		{ name: "by", type: "string" },
	],
	async *rows() {
		for await (const batch of archive.events())
			yield (batch as (JournalRecord & Wall)[]).flatMap((record): Cell[][] =>
				record.kind === "alarm" ? [alarmRow(record)] : record.kind === "interlock" ? [interlockRow(record)] : [],
			);
	},
});

const alarmRow = (record: AlarmRecord & Wall): Cell[] => [
	record.wall,
	"alarm",
	record.alarm,
	record.state,
	record.priority,
	record.message,
	null,
	null,
	null,
	record.by ?? null,
];

const interlockRow = (record: InterlockRecord & Wall): Cell[] => [
	record.wall,
	"interlock",
	record.interlock,
	record.state,
	null,
	`${record.cause}; ${record.effect}`,
	record.value,
	record.limit,
	record.unit,
	record.by ?? null,
];

const annealTable = ({ run }: RunArchive): Table => ({
	name: "anneals",
	title: "What each anneal was; temperatures with their uncertainty (k = 2)",
	columns: [
		{ name: "recorded", type: "datetime" },
		{ name: "index", type: "integer", description: "Of its step" },
		{ name: "zone", type: "string" },
		{ name: "target / degC", type: "number", unit: "degC" },
		{ name: "within / K", type: "number", unit: "K" },
		{ name: "ordered / s", type: "number", unit: "s" },
		{ name: "in band / s", type: "number", unit: "s" },
		{ name: "unknown / s", type: "number", unit: "s", description: "Without known temperature" },
		{ name: "mean / degC", type: "number", unit: "degC" },
		{ name: "spread / K", type: "number", unit: "K", description: "Standard deviation" },
		{ name: "maximum / degC", type: "number", unit: "degC" },
		{ name: "uncertainty / K", type: "number", unit: "K" },
		{ name: "melting", type: "string", description: "below, not-excluded, reached, no-melting-point" },
		{ name: "words", type: "string" },
	],
	async *rows() {
		yield run.anneals.map((anneal): Cell[] => [
			anneal.at,
			anneal.index,
			anneal.zone,
			anneal.targetC,
			anneal.withinC,
			anneal.orderedS,
			anneal.inBandS,
			anneal.unknownS,
			anneal.meanC,
			anneal.spreadC,
			anneal.maxC,
			anneal.uncertaintyC,
			anneal.melting,
			anneal.words,
		]);
	},
});

/** All records, whole, one JSON object a line. */
export async function* eventLines(archive: RunArchive): AsyncGenerator<Uint8Array> {
	const encoder = new TextEncoder();
	for await (const batch of archive.events())
		yield encoder.encode(batch.map((record) => `${JSON.stringify(record)}\n`).join(""));
}
