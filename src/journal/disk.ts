/** How full the journal's disk is, and what follows from it. */
import { statfs } from "node:fs/promises";

/** Fractions of the disk in use. */
export const DISK_ALARM_FRACTION = 0.7;
export const DISK_NO_NEW_RUNS_FRACTION = 0.85;
export const DISK_THIN_SAMPLES_FRACTION = 0.95;

export type DiskLevel = "ok" | "alarm" | "no-new-runs" | "samples-thinned";

export interface DiskState {
	readonly level: DiskLevel;
	/** 0 to 1; null before the first measurement, or when the system does not tell. */
	readonly usedFraction: number | null;
}

export function diskState(usedFraction: number | null): DiskState {
	return { level: usedFraction === null ? "ok" : levelOf(usedFraction), usedFraction };
}

function levelOf(fraction: number): DiskLevel {
	if (fraction >= DISK_THIN_SAMPLES_FRACTION) return "samples-thinned";
	if (fraction >= DISK_NO_NEW_RUNS_FRACTION) return "no-new-runs";
	return fraction >= DISK_ALARM_FRACTION ? "alarm" : "ok";
}

/** As `df` counts it: what is reserved for root is not free for us. */
export async function measureUsedFraction(path: string): Promise<number> {
	const { blocks, bfree, bavail } = await statfs(path);
	const used = blocks - bfree;
	return used + bavail === 0 ? 0 : used / (used + bavail);
}
