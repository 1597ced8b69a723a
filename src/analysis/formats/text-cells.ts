/** Cells that are no plain number: clock times, dates, thousands in groups, names of steps. */
import type { DefectLog } from "#analysis/defects.js";
import { clockSeconds, type DateOrder, dateSeconds } from "#analysis/formats/cells.js";
import type { Role } from "#analysis/formats/columns.js";
import { type DecimalMark, isGrouped, numberIn } from "#analysis/formats/decimals.js";
import type { Layout } from "#analysis/formats/layout.js";
import { stepKindOf } from "#analysis/formats/step-kinds.js";
import type { StepKind } from "#analysis/rows.js";

const TIMES: readonly Role[] = ["date", "testTime", "stepTime", "unixTime"];
/** A column that is no step's name must not fill memory. */
const NAMES_MAX = 1_000;

export interface TextCellsOptions {
	readonly layout: Layout;
	readonly defects: DefectLog;
	/** Learns from the dates that are read. */
	readonly dateOrder: DateOrder;
	readonly textOf: (bytes: Uint8Array, start: number, end: number) => string;
}

export class TextCells {
	private readonly kinds = new Map<number, StepKind>();
	private readonly decimal: DecimalMark;
	private saidGroups = false;

	constructor(private readonly options: TextCellsOptions) {
		this.decimal = options.layout.decimal;
	}

	/** In the column's unit; NaN when it is no number, time or date. */
	number(role: Role, text: string, line: number): number {
		const bare = text.replaceAll('"', "").trim();
		if (TIMES.includes(role)) {
			const column = this.options.layout.columns[role]!;
			const clock = clockSeconds(bare, column.title);
			// What the title says of the unit does not hold for h:mm:ss and dates.
			const seconds = Number.isNaN(clock) ? dateSeconds(bare, this.options.dateOrder) : clock;
			if (!Number.isNaN(seconds)) return seconds / column.factor;
		}
		// Days since 1900, as spreadsheets write dates, or seconds since 1970: nothing tells.
		if (role === "date") return Number.NaN;
		const value = numberIn(bare, this.decimal);
		if (!this.saidGroups && !Number.isNaN(value) && isGrouped(bare, this.decimal)) {
			this.saidGroups = true;
			const message = `"${bare}" and its like were read as groups of thousands, since decimals have a ${this.decimal}.`;
			this.options.defects.add("NUMBERS_GROUPED", line, null, message);
		}
		return value;
	}

	/** The kind of a step by its name, whose bytes are told apart by a hash. */
	kindOf(bytes: Uint8Array, start: number, end: number): StepKind {
		let hash = 0x811c9dc5;
		for (let i = start; i < end; i += 1) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
		let kind = this.kinds.get(hash);
		if (kind === undefined) {
			kind = stepKindOf(this.options.textOf(bytes, start, end).replaceAll('"', "").trim());
			if (this.kinds.size < NAMES_MAX) this.kinds.set(hash, kind);
		}
		return kind;
	}
}
