import { expect, it } from "vitest";
import { jsonLine, parseLines, recordLine } from "#journal/line.js";
import { note } from "./support.js";

it.each(["", "{", "null", "7", '"text"', "[]", '{"kind":"note"}'])(
	"takes a line whose checksum fits but which is no record (%s) for damaged",
	(json) => {
		const good = recordLine(1, 0, 0, note("a"));
		const parsed = parseLines(Buffer.from(good + jsonLine(json) + good));
		expect(parsed).toMatchObject({ consumed: Buffer.byteLength(good), stop: "bad-checksum" });
		expect(parsed.lines).toHaveLength(1);
	},
);
