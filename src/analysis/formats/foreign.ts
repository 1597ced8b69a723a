/** What is no table of a test's rows, and what to do instead: binary files of cyclers, summaries, other makers' tables. */

import type { RowChunk } from "#analysis/rows.js";

interface Known {
	readonly what: string;
	readonly hint: string;
}

const AS_CSV = "Save the sheet of records as CSV.";

const BINARY: readonly (Known & { readonly starts: string; readonly within?: readonly string[] })[] = [
	{
		starts: "BIO-LOGIC MODULAR FILE",
		what: "a BioLogic .mpr file",
		hint: "In EC-Lab: Experiment, Export as Text, which makes an .mpt file.",
	},
	{ starts: "NEWARE", what: "a Neware .nda file", hint: "Export the records as CSV from BTSDA." },
	{
		starts: "PK\x03\x04",
		within: ["VersionInfo.xml", "data.ndc"],
		what: "a Neware .ndax file",
		hint: "Export the records as CSV from BTSDA.",
	},
	{ starts: "PK\x03\x04", within: ["[Content_Types]", "xl/"], what: "an Excel workbook", hint: AS_CSV },
	{ starts: "PK\x03\x04", what: "a zip archive", hint: "Unpack it and give the file within." },
	{ starts: "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", what: "an old Excel workbook", hint: AS_CSV },
	{
		starts: "\x00\x01\x00\x00Standard ",
		what: "an Arbin .res file (a database)",
		hint: "Export the channel's data as CSV from MITS Pro or Data Watcher.",
	},
	{ starts: "MATLAB ", what: "a MATLAB file", hint: "Write the time series as CSV." },
	{ starts: "\x89HDF\r\n", what: "an HDF5 file", hint: "Write the time series as CSV." },
];

const UNKNOWN_BINARY: Known = {
	what: "not text",
	hint: "Export the records as text or CSV from the cycler's software.",
};
/** Enough to hold the names of a zip archive's first files. */
const HEAD_BYTES = 8_192;

/** What a file that is not text is; undefined when it may be text. */
export function binaryKind(head: Uint8Array): Known | undefined {
	const text = Array.from(head.subarray(0, HEAD_BYTES), (byte) => String.fromCharCode(byte)).join("");
	const known = BINARY.find(
		({ starts, within }) => text.startsWith(starts) && (within?.some((name) => text.includes(name)) ?? true),
	);
	// A text may begin with the word NEWARE or MATLAB.
	const isPlain = !text.includes("\0") && !BINARY_BY_NAME.some((name) => text.startsWith(name));
	if (known !== undefined && !isPlain) return known;
	return text.includes("\0") ? UNKNOWN_BINARY : undefined;
}

/** Signatures that no text begins with. */
const BINARY_BY_NAME: readonly string[] = ["PK\x03\x04", "\x89HDF", "BIO-LOGIC MODULAR FILE"];

const SETTINGS: readonly (Known & { readonly first: RegExp })[] = [
	{
		first: /^(EC|BT)-LAB SETTING FILE/i,
		what: "EC-Lab's settings (.mps), without data",
		hint: "Export the .mpr file beside it as text (.mpt).",
	},
	{
		first: /^(EC|BT)-Lab LOG FILE/i,
		what: "EC-Lab's log (.mpl), without data",
		hint: "Export the .mpr file beside it as text (.mpt).",
	},
];

/** Titles that only a table with a row a cycle or a step has. */
const SUMMARY =
	/^((start|end|ini|starting|ending)[ _.]?(volt(age)?|cur(rent)?)\b|v(max|min)[ _]on[ _]cycle|(dis)?charge[ _]time\b|(起始|终止|结束)(电压|电流))/i;
/** Titles that such a table has beside, and others may have too. */
const SUMMARY_WEAK = /^(cap[_ ]d?chg|.*efficiency|capacity retention|.*效率)/i;
const SUMMARY_TITLES_MIN = 2;

/** Makers whose tables have titles of their own. */
const MAKERS: readonly { readonly maker: string; readonly titles: readonly RegExp[] }[] = [
	{ maker: "Novonix", titles: [/^run[ -]?time \(h\)$/i, /^potential \(v\)$/i] },
	{ maker: "Digatron", titles: [/#(a|ma)$/i, /#(v|mv)$/i] },
	{ maker: "BaSyTec", titles: [/^~time\[/i, /^u\[m?v\]$/i] },
];

/**
 * What the first lines are when they are no records of a cycler whose formats are known; undefined when they may be.
 * `complete`: time, voltage and current are among the titles.
 */
export function foreignKind(firstLine: string, titles: readonly string[], complete: boolean): Known | undefined {
	const settings = SETTINGS.find(({ first }) => first.test(firstLine.trim()));
	if (settings !== undefined) return settings;
	const sums = titles.filter((title) => SUMMARY.test(title.trim()) || (!complete && SUMMARY_WEAK.test(title.trim())));
	if (sums.length >= SUMMARY_TITLES_MIN) return SUMMARY_KIND;
	const made = MAKERS.find(({ titles: all }) => all.every((one) => titles.some((title) => one.test(title))));
	return made === undefined
		? undefined
		: {
				what: `a table of ${made.maker}'s, which is none of the formats known`,
				hint: "Convert it to the Battery Data Format (BDF).",
			};
}

export const SUMMARY_KIND: Known = {
	what: "a summary with one row a cycle or step",
	hint: "Export the records (every row with time, voltage and current).",
};

const ROWS_LOOKED_AT_MIN = 10;

/** Watches whether every row has a cycle number of its own: then it is a row a cycle, whatever the titles say. */
export class RowACycle {
	private rows = 0;
	private changes = 0;
	private last = Number.NaN;

	push({ count, cycle }: RowChunk): void {
		for (let n = 0; n < count; n += 1) {
			const number = cycle[n]!;
			if (number > this.last) this.changes += 1;
			this.last = number;
		}
		this.rows += count;
	}

	get found(): boolean {
		return this.rows >= ROWS_LOOKED_AT_MIN && this.changes === this.rows - 1;
	}
}
