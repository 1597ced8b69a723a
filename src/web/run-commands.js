/** Commands to the run: which ones its state allows (ISA-88), what each asks before it is sent, and the sending. */

import { confirmed } from "./confirm.js";
import { $, setText } from "./dom.js";
import { operatorName } from "./operator.js";
import { inWords, post } from "./rest.js";

/** The service has the last word; this only keeps buttons from being pressed in vain. */
export const ALLOWED = {
	idle: ["start"],
	running: ["pause", "hold", "stop", "abort"],
	pausing: ["hold", "stop", "abort"],
	paused: ["resume", "hold", "stop", "abort"],
	holding: ["stop", "abort"],
	held: ["restart", "stop", "abort"],
	restarting: ["hold", "stop", "abort"],
	stopping: ["abort"],
	stopped: ["reset"],
	aborting: [],
	aborted: ["reset"],
	complete: ["reset"],
};

/** These are let through in any state: whoever wants less danger need not have seen the latest state. */
const ALWAYS = new Set(["hold", "abort"]);

export const CONSEQUENCES = {
	pause: {
		question: "Pause the run?",
		consequence: "It finishes its half-cycle and purge, then waits at temperature with the carrier flowing.",
		yes: "Pause",
	},
	resume: { question: "Resume the run?", consequence: "Dosing goes on where it paused.", yes: "Resume" },
	hold: {
		question: "Hold the run?",
		consequence:
			"Precursor valves shut at once, purge flow on, heaters to their holding temperature. It can be restarted.",
		yes: "Hold",
	},
	restart: {
		question: "Restart the run?",
		consequence: "Temperatures are proven again, then the run goes on from where it was held.",
		yes: "Restart",
	},
	stop: {
		question: "Stop the run?",
		consequence: "It finishes its half-cycle and purge, then cools down in order. It cannot be resumed.",
		yes: "Stop",
	},
	abort: {
		question: "Abort the run?",
		consequence: "The reactor goes to its safe state at once: precursors shut, heaters off. It cannot be resumed.",
		yes: "Abort",
	},
	reset: { question: "Clear the ended run?", consequence: "It stays in the record.", yes: "Clear" },
};

const DANGEROUS = new Set(["abort", "stop"]);

export const allows = (state, command) => ALLOWED[state]?.includes(command) ?? false;

/** After the loss of control a restart does more, and an anneal goes on only by whoever has read how far it was. */
function wordsFor(run, name) {
	const { interruption } = run;
	if (name !== "restart" || interruption == null) return CONSEQUENCES[name];
	const minutes = interruption.annealMinutes;
	const consequence =
		"The chamber is emptied, purged and brought back to temperature; a half-cycle of unknown fate, or whose dose left nothing, is repeated.";
	if (minutes === null) return { ...CONSEQUENCES.restart, consequence };
	const done = minutes.toFixed(1);
	return {
		question: `Go on with the anneal after ${done} min?`,
		consequence: `${done} min were in band before control was lost. Judge by the temperatures since then whether the rest is still right.`,
		yes: `Restart after ${done} min`,
	};
}

/** Asks, then sends the command once. The answer, or why there is none, is shown under the buttons. */
export async function command(run, name) {
	const words = wordsFor(run, name);
	if (!(await confirmed({ ...words, dangerous: DANGEROUS.has(name) }))) return;
	const answer = $("answer");
	setText(answer, `${words.yes}: sent …`);
	try {
		const minutes = name === "restart" ? (run.interruption?.annealMinutes ?? null) : null;
		const named = minutes === null ? {} : { annealMinutes: minutes };
		const body = { command: name, by: operatorName(), ...named, ...(ALWAYS.has(name) ? {} : { ifState: run.state }) };
		const reply = await post(`/runs/${encodeURIComponent(run.run)}/commands`, body);
		setText(answer, `${words.yes}: done, the run is ${reply.state}.`);
	} catch (error) {
		const instead = ALWAYS.has(name) ? `On the machine itself: adlayer ${name}` : "";
		setText(answer, `${words.yes} failed: ${inWords(error, instead)}`);
	}
}
