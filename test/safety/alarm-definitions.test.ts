import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, it } from "vitest";
import { ALARM_DEFINITIONS, type AlarmDefinition } from "#safety/alarm-definitions.js";

const document = readFileSync(resolve(import.meta.dirname, "../../docs/alarms.md"), "utf8");
const seconds = (ms: number) => (ms === 0 ? "0" : `${ms / 1_000} s`);

it("docs/alarms.md tells of every alarm what the program does, and of no other", () => {
	const rows = document
		.slice(0, document.indexOf("## States"))
		.split("\n")
		.filter((line) => line.startsWith("| `"));
	const wanted = Object.entries<AlarmDefinition>(ALARM_DEFINITIONS).map(
		([id, { priority, cause, consequence, response, latching, onDelayMs, offDelayMs, deadband }]) =>
			`| \`${id}\` | ${priority} | ${cause} | ${consequence} | ${response} | ${seconds(onDelayMs)}, ${seconds(offDelayMs)} | ${deadband} | ${latching ? "yes" : "no"} |`,
	);
	expect(rows).toEqual(wanted);
});
