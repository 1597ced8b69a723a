/** Instruments on one line must agree on its rate, its parity and its framing. */
import type { Review } from "#src/config/problems/review.js";
import { type Address, lineKey, lineSettings, parseAddress } from "#transport/address.js";

export function lineProblems(review: Review): void {
	const first = new Map<string, { readonly name: string; readonly settings: string }>();
	review.judgeEach(
		() => review.content.instruments,
		(name, entry) => {
			const address = addressOf(entry.address);
			if (address === undefined || address.scheme === "simulated") return;
			const [line, settings] = [lineKey(address), lineSettings(address)];
			const other = first.get(line);
			if (other === undefined) first.set(line, { name, settings });
			else if (other.settings !== settings)
				review.wrong(
					["instruments", name, "address"],
					`${name} uses ${line} as ${settings}, but ${other.name} uses it as ${other.settings}.`,
					{ value: entry.address, limit: other.settings },
				);
		},
	);
}

/** One that is none is said to be so where drivers are matched with addresses. */
function addressOf(address: string): Address | undefined {
	try {
		return parseAddress(address);
	} catch {
		return undefined;
	}
}
