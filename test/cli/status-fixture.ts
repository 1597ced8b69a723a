import type { ControlStatus, RunStatus } from "#record/status.js";

export const RUN: RunStatus = {
	run: "sim1-1",
	recipe: "li-two-step",
	sample: "S1",
	product: "Li@200LiAlOx-ex",
	operator: "mk",
	state: "running",
	cause: "Started by mk.",
	step: {
		index: 160,
		path: "steps[1]",
		phase: "deposit",
		type: "purge",
		title: "Purge after TMA 5 s",
		plannedS: 5,
		cycle: 38,
	},
	phases: [
		{ name: "prepare", seconds: 1200 },
		{ name: "deposit", seconds: 3600 },
		{ name: "anneal", seconds: 3000 },
		{ name: "cool", seconds: 1800 },
	],
	cycles: { ordered: 200, complete: 37, repeated: 0, unknown: 0 },
	elapsedS: 1930,
	remainingS: 7500,
	plannedS: 9600,
	anneal: null,
	worstPulseErrorMs: 0.0213,
	peakFoilC: 120.4,
	meltingPointC: 180.5,
};

export const STATUS: ControlStatus = {
	station: "sim1",
	simulated: true,
	speed: 100,
	version: "0.1.0",
	t: 1_930_000,
	wall: 1_795_338_000_000,
	run: RUN,
	instruments: {
		stage: { driver: "eurotherm-3216", address: "a", state: "ready", warnings: ["It is in manual mode."] },
		gauge: {
			driver: "pfeiffer-tpg362",
			address: "b",
			state: "fault",
			error: { code: "DEVICE_SILENT", message: "No answer.", hint: "Check power." },
		},
	},
	signals: {
		"stage.temperature": { value: 119.83, unit: "degC", quality: "good", at: 0, seq: 1 },
		"stage.setpoint": { value: 120, unit: "degC", quality: "good", at: 0, seq: 1 },
		"gauge.chamber": { value: 41.3, unit: "Pa", quality: "good", at: 0, seq: 2 },
	},
	interlocks: [],
	alarms: [],
};
