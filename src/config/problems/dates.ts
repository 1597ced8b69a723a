/** When something was measured or seen to. */
import type { Review } from "#src/config/problems/review.js";

/** A day that there is: the form alone would take a 31st of February. And no slip of the pen by a century. */
export function mustBeDate(review: Review, path: readonly string[], value: string): void {
	const day = new Date(`${value}T00:00:00Z`);
	const isDay = !Number.isNaN(day.getTime()) && day.toISOString().startsWith(value);
	if (!isDay) review.wrong(path, `${value} is no date.`, { value });
	else if (!value.startsWith("20"))
		review.wrong(path, `${value} is in another century than this one.`, { value, limit: "2000-01-01 to 2099-12-31" });
}
