/** The faults that a simulated lab can be given: one row each. */
import { Prng } from "#core/prng.js";
import type { SensorFault, SensorStage } from "./disturbances.js";
import type { SimulatedLab } from "./simulated-lab.js";

/** What a fault is done to: by the names of the lab file, or the reactor as a whole. */
export type TargetKind = "valve" | "gauge" | "zone" | "instrument" | "precursor" | "input" | "cell" | "reactor";

export interface FaultValue {
	readonly unit: string;
	readonly description: string;
	/** Both ends belong to the range; `above` does not. */
	readonly min?: number;
	readonly above?: number;
	readonly max: number;
	/** Taken when none is given; without it one must be. */
	readonly otherwise?: number;
}

export interface FaultScene {
	readonly lab: SimulatedLab;
	readonly target: string;
	/** 0 for a kind without a value. */
	readonly value: number;
	readonly seed: number;
}

export interface FaultKind {
	readonly of: TargetKind;
	readonly title: string;
	readonly value?: FaultValue;
	/** Kinds of one slot replace each other on a target: a valve cannot be stuck open and shut. The kind's own name when absent. */
	readonly slot?: string;
	/** Over as soon as it is done, unless it is to last. */
	readonly isMomentary?: true;
	/** Begins it; gives what ends it. */
	readonly begin: (scene: FaultScene) => () => void;
}

const MS_PER_MIN = 60_000;
const M3_PER_LITRE = 1e-3;
const PERCENT = 100;

const SHARE: Omit<FaultValue, "description"> = { unit: "1", above: 0, max: 1 };

export const FAULT_KINDS: Readonly<Record<string, FaultKind>> = {
	"valve-stuck-open": {
		of: "valve",
		title: "valve stands open whatever it is told",
		slot: "stuck",
		begin: stuck("open"),
	},
	"valve-stuck-shut": {
		of: "valve",
		title: "valve stands shut whatever it is told",
		slot: "stuck",
		begin: stuck("shut"),
	},
	"valve-leak": {
		of: "valve",
		title: "valve leaks when shut",
		value: { ...SHARE, description: "share of its open conductance" },
		begin: ({ lab, target, value }) => {
			lab.twin.setValveLeak(target, value);
			return () => lab.twin.setValveLeak(target, 0);
		},
	},

	"gauge-dead": {
		of: "gauge",
		title: "gauge is broken and its controller says so",
		begin: sensor("dead", () => () => null),
	},
	"gauge-drift": {
		of: "gauge",
		title: "gauge drifts away from the truth",
		value: { unit: "%/min", description: "of the pressure, growing", min: -50, max: 1000 },
		begin: sensor("drift", ({ lab, value }) => {
			const sinceMs = lab.nowMs;
			return (pa) => Math.max(0, pa * (1 + (value / PERCENT) * ((lab.nowMs - sinceMs) / MS_PER_MIN)));
		}),
	},
	"gauge-frozen": { of: "gauge", title: "gauge shows for ever what it shows now", begin: sensor("frozen", frozen) },
	"gauge-noise": {
		of: "gauge",
		title: "gauge is noisy",
		value: { unit: "%", description: "standard deviation, of the pressure", above: 0, max: 100 },
		begin: sensor("noise", ({ value, seed, target }) => {
			const chance = new Prng(seed, `noise ${target}`);
			return (pa) => Math.max(0, pa * (1 + (value / PERCENT) * chance.normal()));
		}),
	},

	"sensor-break": { of: "zone", title: "temperature sensor is broken", begin: sensor("dead", () => () => null) },
	"sensor-offset": {
		of: "zone",
		title: "thermocouple has slipped: it shows too much or too little",
		value: { unit: "degC", description: "added to what is sensed", min: -200, max: 200 },
		begin: sensor(
			"offset",
			({ value }) =>
				(degC) =>
					degC + value,
		),
	},
	"sensor-drift": {
		of: "zone",
		title: "temperature sensor drifts away from the truth",
		value: { unit: "degC/min", description: "growing", min: -100, max: 100 },
		begin: sensor("drift", ({ lab, value }) => {
			const sinceMs = lab.nowMs;
			return (degC) => degC + (value * (lab.nowMs - sinceMs)) / MS_PER_MIN;
		}),
	},
	"sensor-frozen": {
		of: "zone",
		title: "temperature sensor shows for ever what it shows now",
		begin: sensor("frozen", frozen),
	},

	"heater-dead": { of: "zone", title: "heater gets no power", slot: "heater", begin: heater(() => () => 0) },
	"heater-stuck-on": {
		of: "zone",
		title: "heater's relay is welded: power whatever is wanted",
		value: { unit: "%", description: "of full power", above: 0, max: 100, otherwise: 100 },
		slot: "heater",
		begin: heater(
			({ value }) =>
				() =>
					value,
		),
	},
	"heater-weak": {
		of: "zone",
		title: "heater gives less than it should",
		value: { ...SHARE, description: "share of its power that is left" },
		slot: "heater",
		begin: heater(
			({ value }) =>
				(percent) =>
					percent * value,
		),
	},

	silent: {
		of: "instrument",
		title: "instrument neither hears nor speaks; its electronics go on",
		begin: ({ lab, target }) => {
			lab.silence(target, true);
			return () => lab.silence(target, false);
		},
	},
	slow: {
		of: "instrument",
		title: "instrument answers late every time",
		value: { unit: "ms", description: "later than usual", above: 0, max: 60_000 },
		begin: ({ lab, target, value }) => {
			const { replies } = lab.instrument(target);
			replies.slowMs = value;
			return () => {
				replies.slowMs = 0;
			};
		},
	},
	late: {
		of: "instrument",
		title: "one reply in three comes late, by chance",
		value: { unit: "ms", description: "later than usual", above: 0, max: 60_000 },
		begin: ({ lab, target, value, seed }) => {
			const { replies } = lab.instrument(target);
			replies.delaySome(value, seed);
			return () => replies.delaySome(undefined, seed);
		},
	},
	garbling: {
		of: "instrument",
		title: "bits of the replies arrive wrong, by chance",
		value: { ...SHARE, description: "probability that a byte has one wrong bit" },
		begin: ({ lab, target, value, seed }) => {
			const { replies } = lab.instrument(target);
			replies.garble(value, seed);
			return () => replies.garble(undefined, seed);
		},
	},
	doubled: {
		of: "instrument",
		title: "every reply comes twice",
		begin: ({ lab, target }) => {
			const { replies } = lab.instrument(target);
			replies.isDoubled = true;
			return () => {
				replies.isDoubled = false;
			};
		},
	},
	unplugged: {
		of: "instrument",
		title: "cable is unplugged: everything on its line is gone and cannot be opened",
		begin: ({ lab, target }) => {
			lab.plug(target, false);
			return () => lab.plug(target, true);
		},
	},
	"power-cycle": {
		of: "instrument",
		title: "instrument is switched off, and on again at once or when the fault ends",
		isMomentary: true,
		begin: ({ lab, target }) => {
			lab.power(target, false);
			return () => lab.power(target, true);
		},
	},

	"cell-renewed": {
		of: "cell",
		title: "cell is taken out of its channel and a fresh one of the same make is put in",
		isMomentary: true,
		begin: ({ lab, target }) => {
			lab.cells.renew(target);
			return () => {};
		},
	},

	"bottle-empty": {
		of: "precursor",
		title: "bottle is empty",
		begin: ({ lab, target }) => {
			const grams = lab.twin.bottleGrams(target);
			lab.twin.setBottleGrams(target, 0);
			return () => lab.twin.setBottleGrams(target, grams);
		},
	},
	"pump-off": {
		of: "reactor",
		title: "pump stands",
		begin: ({ lab }) => {
			lab.twin.setPump(false);
			return () => lab.twin.setPump(true);
		},
	},
	"pump-weak": {
		of: "reactor",
		title: "pump has lost speed: the foreline rises",
		value: { ...SHARE, description: "share of its speed that is left" },
		begin: ({ lab, value }) => {
			lab.twin.setPumpSpeed(value);
			return () => lab.twin.setPumpSpeed(1);
		},
	},
	"carrier-lost": {
		of: "reactor",
		title: "carrier gas supply is empty",
		begin: ({ lab }) => {
			lab.twin.setCarrierSupply(false);
			return () => lab.twin.setCarrierSupply(true);
		},
	},
	"carrier-stuck": {
		of: "reactor",
		title: "flow controller's valve stays as it is, whatever it is told",
		begin: ({ lab }) => {
			lab.twin.setCarrierStuck(true);
			return () => lab.twin.setCarrierStuck(false);
		},
	},
	"lid-open": {
		of: "reactor",
		title: "lid is open",
		begin: ({ lab }) => {
			lab.twin.setLid(false);
			return () => lab.twin.setLid(true);
		},
	},
	"chamber-leak": {
		of: "reactor",
		title: "air leaks into the chamber",
		value: { unit: "Pa L/s", description: "beside the leak that is always there", above: 0, max: 100_000 },
		begin: ({ lab, value }) => {
			lab.twin.setChamberLeak(value * M3_PER_LITRE);
			return () => lab.twin.setChamberLeak(0);
		},
	},
	"glovebox-leak": {
		of: "reactor",
		title: "glove of the glovebox is torn",
		begin: ({ lab }) => {
			lab.twin.glovebox.isLeaking = true;
			return () => {
				lab.twin.glovebox.isLeaking = false;
			};
		},
	},
	"input-open": { of: "input", title: "contact is open, or its wire is cut", slot: "contact", begin: contact(false) },
	"input-made": { of: "input", title: "contact stays made whatever happens", slot: "contact", begin: contact(true) },
};

function stuck(position: "open" | "shut"): FaultKind["begin"] {
	return ({ lab, target }) => {
		lab.twin.setValveStuck(target, position);
		return () => lab.twin.setValveStuck(target, undefined);
	};
}

function sensor(stage: SensorStage, make: (scene: FaultScene) => SensorFault): FaultKind["begin"] {
	return (scene) => {
		const { lab, target } = scene;
		lab.disturbances.setSensorFault(target, stage, make(scene));
		return () => lab.disturbances.setSensorFault(target, stage, undefined);
	};
}

function frozen(): SensorFault {
	let shown: number | undefined;
	return (value) => {
		shown ??= value;
		return shown;
	};
}

function heater(make: (scene: FaultScene) => (percent: number) => number): FaultKind["begin"] {
	return (scene) => {
		const { lab, target } = scene;
		lab.disturbances.setHeaterFault(target, make(scene));
		return () => lab.disturbances.setHeaterFault(target, undefined);
	};
}

function contact(made: boolean): FaultKind["begin"] {
	return ({ lab, target }) => {
		lab.disturbances.setContact(target, made);
		return () => lab.disturbances.setContact(target, undefined);
	};
}
