import { describe, expect, it } from "vitest";
import { allowed, isFinal, NEXT, next, type RunInput } from "#recipe/isa88.js";
import type { RunState } from "#record/records.js";

const INPUTS: RunInput[] = ["start", "pause", "resume", "hold", "restart", "stop", "abort", "reset", "done"];

// The table of ISA-88 as it is printed: one row a state, one column an input of INPUTS, - for not allowed.
const TABLE = `
idle        running - - - - - - - -
running     - pausing - holding - stopping aborting - complete
pausing     - - - holding - stopping aborting - paused
paused      - - running holding - stopping aborting - -
holding     - - - - - stopping aborting - held
held        - - - - restarting stopping aborting - -
restarting  - - - holding - stopping aborting - running
stopping    - - - - - - aborting - stopped
stopped     - - - - - - - idle -
aborting    - - - - - - - - aborted
aborted     - - - - - - - idle -
complete    - - - - - - - idle -
`;

const rows = TABLE.trim()
	.split("\n")
	.map((line) => line.split(/\s+/) as [RunState, ...string[]]);

describe("ISA-88 state table", () => {
	it("has every state once", () => {
		expect(Object.keys(NEXT).sort()).toEqual(rows.map(([state]) => state).sort());
	});

	for (const [state, ...cells] of rows) {
		for (const [index, input] of INPUTS.entries()) {
			const expected = cells[index] === "-" ? null : cells[index];
			it(`${state} on ${input}: ${expected ?? "not allowed"}`, () => expect(next(state, input)).toBe(expected));
		}
		it(`${state} tells the commands it allows`, () => {
			const commands = INPUTS.filter((input, index) => input !== "done" && cells[index] !== "-");
			expect(allowed(state).sort()).toEqual(commands.sort());
		});
	}

	it("is final where only reset is left", () => {
		expect(rows.map(([state]) => state).filter(isFinal)).toEqual(["stopped", "aborted", "complete"]);
	});
});
