import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RealSystem } from "../support/real-system.js";

describe("a simulated lab that is killed at real speed", () => {
	let system: RealSystem;
	beforeAll(async () => {
		system = await RealSystem.start({ speed: 1 });
		await system.instrumentsReady(30_000);
	});
	afterAll(() => system?.stop(), 60_000);

	it("is found again by control, every instrument of it", async () => {
		const { lab } = system.system.pids();
		process.kill(lab!, "SIGKILL");
		await system.until(({ instruments }) => Object.values(instruments).some(({ state }) => state !== "ready"), 30_000);
		await system.instrumentsReady(60_000);
		expect(system.log.filter((line) => line.startsWith("The lab process ended"))).toHaveLength(1);
	});
});
