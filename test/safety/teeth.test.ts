/**
 * For every interlock, rule of a permit, suspension and other protection: with it the harm does not come about in the simulated
 * reactor, without it it does. Each story is told twice, and differs only in the one protection that is taken away.
 */
import { afterEach, describe, expect, it, vi } from "vitest";
import type { CONDITIONS } from "#recipe/engine/suspension.js";
import type { Rule } from "#safety/rules.js";
import { Story } from "../plant/stories.js";
import { type Bite, blind, forget, neverWaitFor, stick, tell } from "./teeth/bite.js";
import { INTERLOCK_BITES } from "./teeth/interlocks.js";
import { RULE_BITES } from "./teeth/rules.js";
import { SUSPENSION_BITES } from "./teeth/suspensions.js";

let story: Story | undefined;
afterEach(async () => {
	vi.restoreAllMocks();
	await story?.stop();
	story = undefined;
});

const nothing = () => {};
/** Two tellings of a quarter of an hour each, on a machine that has other things to do. */
const TIMEOUT_MS = 240_000;

/** Tells it with the protection, then without; `between` sees the first telling's end. */
async function bites(bite: Bite, remove: () => void, between: (story: Story) => void = nothing): Promise<void> {
	const told = (of: Story) => {
		story = of;
	};
	const withIt = await tell(bite, nothing, told);
	between(story!);
	await story!.stop();
	vi.restoreAllMocks();
	const withoutIt = await tell(bite, remove, told);
	expect({ withIt, withoutIt }).toEqual({ withIt: false, withoutIt: true });
}

describe("teeth", () => {
	it.each(Object.entries(INTERLOCK_BITES))("of the interlock %s", { timeout: TIMEOUT_MS }, async (id, bite) => {
		await bites(
			bite,
			() => blind(new RegExp(`^${id}(\\.|$)`)),
			({ latched }) => expect(latched.map((each) => each.split(".")[0])).toContain(id),
		);
	});

	it.each(Object.entries(RULE_BITES))("of the rule %s", { timeout: TIMEOUT_MS }, async (id, bite) => {
		await bites(bite, () => forget(id as Rule));
	});

	it.each(Object.entries(SUSPENSION_BITES))("of the suspension %s", { timeout: TIMEOUT_MS }, async (id, bite) => {
		await bites(bite, () => neverWaitFor(id as keyof typeof CONDITIONS));
	});
});

describe("a valve that does not shut", () => {
	it("gets no dose of water on top: the run is held, and somebody is sent to the hand valve", async () => {
		story = await Story.at("purge", 2);
		stick(story, "TMA");
		await story.state("held", 120);
		expect(story.run.cause).toContain("Shut the hand valve of TMA");
		expect(story.truth().violations.map(({ kind }) => kind)).not.toContain("both-precursor-valves-open");
		expect(story.status.alarms.find(({ alarm }) => alarm === "valve-leaking.TMA")).toMatchObject({
			priority: "critical",
			state: "unacknowledged",
		});
		expect(story.status.alarms.map(({ alarm }) => alarm)).toContain("run.held");
	});
});
