/** When valves and heaters of the reactor really changed: the twin's own word, whatever the instruments say. */
export interface Movement {
	/** "stop", a precursor's name, or a zone's. */
	readonly of: string;
	readonly what: "valve" | "heater";
	/** A valve: open. A heater: any power at all. */
	readonly on: boolean;
	readonly atMs: number;
}

/** Some cycles: two movements a dose, and the heaters now and then. */
const KEPT_MAX = 200;

export class Movements {
	private readonly kept: Movement[] = [];
	private readonly present = new Map<string, boolean>();

	/** Noted when it is a change; everything begins shut and off. */
	note(movement: Movement): void {
		const key = `${movement.what} ${movement.of}`;
		if ((this.present.get(key) ?? false) === movement.on) return;
		this.present.set(key, movement.on);
		if (this.kept.length >= KEPT_MAX) this.kept.splice(0, KEPT_MAX / 2);
		this.kept.push(movement);
	}

	/** The latest ones, oldest first. */
	get list(): readonly Movement[] {
		return this.kept;
	}
}
