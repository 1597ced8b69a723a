import { readdirSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { expect, it } from "vitest";

const SRC = resolve(import.meta.dirname, "../../src");

/** Who may ask the plant for a device that can be moved; `transport` and drivers are below it. */
const MAY_MOVE = ["safety/actuators.ts", "safety/guarded-reactor.ts", "safety/watchdogs.ts", "device/plant.ts"];
/** Hands out battery cyclers alone, which have no part in a reactor. */
const CYCLERS = "device/plant-cyclers.ts";

it("only safety takes devices from the plant: there is no path to an actuator around the permits", () => {
	const files = readdirSync(SRC, { recursive: true, withFileTypes: true })
		.filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
		.map((entry) => relative(SRC, join(entry.parentPath, entry.name)));
	const movers = files.filter((file) =>
		/\.device\(|\.deviceToMakeSafe\(|new Actuators\(/.test(readFileSync(join(SRC, file), "utf8")),
	);
	const allowed = [...MAY_MOVE, CYCLERS, "safety/supervisor.ts"];
	expect(movers.filter((file) => !allowed.includes(file))).toEqual([]);
});
