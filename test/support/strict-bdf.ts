import { expect } from "vitest";

/** Every rule of the Battery Data Format, checked without the product's own writer or reader. */
export function strictBdf(titles: string[], rows: number[][]): void {
	expect(new Set(titles).size).toBe(titles.length);
	for (const row of rows) for (const value of row) expect(Number.isFinite(value)).toBe(true);
	for (const needed of ["Test Time / s", "Voltage / V", "Current / A"]) expect(titles).toContain(needed);
	expect(titles.some((title) => /index/i.test(title))).toBe(false);
	const column = (title: string): number[] => rows.map((row) => row[titles.indexOf(title)]!);
	const never = (title: string, steps: (d: number) => boolean): void => {
		const values = column(title);
		values.forEach((value, n) => {
			if (n > 0) expect(steps(value - values[n - 1]!), `${title} row ${n}`).toBe(true);
		});
	};
	const rising = (d: number): boolean => d >= 0;
	never("Test Time / s", rising);
	never("Cycle Count / 1", (d) => d >= 0 && Number.isInteger(d));
	never("Step Count / 1", (d) => d === 0 || d === 1);
	never("Charging Capacity / Ah", rising);
	never("Discharging Capacity / Ah", rising);
	never("Cumulative Capacity / Ah", rising);
	const [charge, discharge, net, sum] = ["Charging", "Discharging", "Net", "Cumulative"].map((name) =>
		column(`${name} Capacity / Ah`),
	);
	for (const n of rows.keys()) {
		expect(Math.abs(charge![n]! - discharge![n]! - net![n]!)).toBeLessThanOrEqual(1e-6 * Math.abs(net![n]!) + 1e-15);
		expect(Math.abs(charge![n]! + discharge![n]! - sum![n]!)).toBeLessThanOrEqual(1e-6 * sum![n]!);
	}
	// Positive current charges: the charging counter rises with it.
	const current = column("Current / A");
	current.forEach((i, n) => {
		if (n > 0 && i > 0 && current[n - 1]! > 0) expect(charge![n]!).toBeGreaterThan(charge![n - 1]!);
		if (n > 0 && i < 0 && current[n - 1]! < 0) expect(discharge![n]!).toBeGreaterThan(discharge![n - 1]!);
	});
}
