import type { CurrentSign } from "#device/cycler.js";

/** Readings that must agree before the sign counts as proven. */
const PROOFS = 3;
const CHARGES: Readonly<Record<string, boolean>> = { "cc-charge": true, "cc-discharge": false };

/** The contract says that positive current charges; the rows prove whether the bridge keeps to it. */
export class SignProof {
	private asSaid = 0;
	private against = 0;

	observe(stepType: string, currentA: number): void {
		if (currentA === 0 || !Object.hasOwn(CHARGES, stepType)) return;
		if (CHARGES[stepType] === currentA > 0) this.asSaid += 1;
		else this.against += 1;
	}

	get sign(): CurrentSign {
		if (this.against >= PROOFS) return "contradictory";
		return this.asSaid >= PROOFS ? "charge-positive" : "unproven";
	}
}
