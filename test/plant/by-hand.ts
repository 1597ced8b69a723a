/** A person at the reactor, while no run owns it. */
import { Story } from "./stories.js";

/** While the clock goes on, as it does for a person. */
export async function asked(story: Story, command: string, args: object): Promise<unknown> {
	const answer = story.ask(command, { by: "mk", ...args });
	answer.catch(() => {});
	await story.forS(2);
	return answer;
}

/** Pumped, carrier flowing, nobody has dosed for longer than the purge. */
export async function flowing(): Promise<Story> {
	const story = await new Story({ pumped: true }).ready();
	await asked(story, "manual-set", { actuator: "stop_valve", value: "open" });
	await asked(story, "manual-set", { actuator: "carrier", value: 100 });
	await story.forS(200);
	return story;
}
