/** A measured dependence on temperature: at least one point, temperatures rising. */
export type TemperatureTable = readonly { readonly atC: number; readonly value: number }[];

/** Linear between the points; the last known value beyond either end. Say `isOutside` where that matters. */
export function interpolate(table: TemperatureTable, atC: number): number {
	const first = table[0]!;
	if (atC <= first.atC) return first.value;
	for (let index = 1; index < table.length; index += 1) {
		const low = table[index - 1]!;
		const high = table[index]!;
		if (atC <= high.atC) return low.value + ((high.value - low.value) * (atC - low.atC)) / (high.atC - low.atC);
	}
	return table.at(-1)!.value;
}

export const isColderThan = (table: TemperatureTable, atC: number): boolean => atC < table[0]!.atC;
export const isHotterThan = (table: TemperatureTable, atC: number): boolean => atC > table.at(-1)!.atC;
