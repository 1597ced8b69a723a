/** What stands between the reactor and its instruments' sensors, heaters and contacts while something is broken. */

/** In this order a sensor's faults act on what it senses, whatever order they came in. */
export const SENSOR_STAGES = ["offset", "drift", "noise", "frozen", "dead"] as const;
export type SensorStage = (typeof SENSOR_STAGES)[number];

/** Gives what is sensed instead; null for a broken sensor. */
export type SensorFault = (value: number) => number | null;

interface Heater {
	readonly drive: (percent: number) => void;
	/** What the controller wants. */
	percent: number;
}

export class Disturbances {
	private readonly sensors = new Map<string, Map<SensorStage, SensorFault>>();
	private readonly heaters = new Map<string, Heater>();
	private readonly heaterFaults = new Map<string, (percent: number) => number>();
	private readonly contacts = new Map<string, boolean>();

	/** What the instrument is given of a true value; `sensor` is a zone, or a gauge's signal. */
	sensed(sensor: string, value: number): number | null {
		const faults = this.sensors.get(sensor);
		if (faults === undefined) return value;
		let sensed: number | null = value;
		for (const stage of SENSOR_STAGES) {
			const fault = faults.get(stage);
			if (sensed !== null && fault !== undefined) sensed = fault(sensed);
		}
		return sensed;
	}

	isFrozen(sensor: string): boolean {
		return this.sensors.get(sensor)?.has("frozen") ?? false;
	}

	setSensorFault(sensor: string, stage: SensorStage, fault: SensorFault | undefined): void {
		const faults = this.sensors.get(sensor) ?? new Map<SensorStage, SensorFault>();
		if (fault === undefined) faults.delete(stage);
		else faults.set(stage, fault);
		if (faults.size === 0) this.sensors.delete(sensor);
		else this.sensors.set(sensor, faults);
	}

	/** Puts a zone's heater behind its possible faults; gives what the controller drives. */
	heater(zone: string, drive: (percent: number) => void): (percent: number) => void {
		const heater: Heater = { drive, percent: 0 };
		this.heaters.set(zone, heater);
		return (percent) => {
			heater.percent = percent;
			this.drive(zone);
		};
	}

	/** `fault` gives the power that arrives of what is wanted, both in percent; undefined mends. */
	setHeaterFault(zone: string, fault: ((percent: number) => number) | undefined): void {
		if (fault === undefined) this.heaterFaults.delete(zone);
		else this.heaterFaults.set(zone, fault);
		this.drive(zone);
	}

	/** What the instrument is given of a contact, `instrument.signal`. */
	contact(signal: string, made: boolean): boolean {
		return this.contacts.get(signal) ?? made;
	}

	setContact(signal: string, made: boolean | undefined): void {
		if (made === undefined) this.contacts.delete(signal);
		else this.contacts.set(signal, made);
	}

	private drive(zone: string): void {
		const heater = this.heaters.get(zone);
		heater?.drive(this.heaterFaults.get(zone)?.(heater.percent) ?? heater.percent);
	}
}
