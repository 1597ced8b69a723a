import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { validate } from "dockerfile-utils";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { buildProgram } from "#cli/program.js";
import { loadLabFile } from "#src/config.js";

const ROOT = resolve(import.meta.dirname, "../..");
const read = (file: string) => readFileSync(resolve(ROOT, file), "utf8");

interface Compose {
	services: Record<
		string,
		{ command?: string[]; image?: string; depends_on?: string[]; environment?: Record<string, string> }
	>;
}

const hasCompose = spawnSync("docker-compose", ["--version"]).status === 0;
if (!hasCompose && process.env.ADLAYER_TEST_ALL === "1")
	throw new Error("docker-compose is missing: apt-get install docker-compose");

describe("the containers", () => {
	const { services } = parse(read("docker-compose.yml"), { merge: true }) as Compose;

	it("have a Dockerfile without a fault", () => {
		const problems = validate(read("Dockerfile"));
		expect(problems.map(({ range, message }) => `line ${range.start.line + 1}: ${message}`)).toEqual([]);
	});

	it.runIf(hasCompose)("have a compose file that docker-compose accepts, and that asks for a database password", () => {
		const config = (env: Record<string, string>) =>
			execFileSync("docker-compose", ["-f", resolve(ROOT, "docker-compose.yml"), "config", "-q"], {
				env: { PATH: process.env.PATH, ...env },
				stdio: "pipe",
			});
		expect(() => config({ ADLAYER_DB_PASSWORD: "secret" })).not.toThrow();
		expect(() => config({})).toThrow(/database password/);
	});

	it("are PostgreSQL with Timescale, Mosquitto, control, service and the simulated lab", () => {
		expect(Object.keys(services).sort()).toEqual(["control", "lab", "mosquitto", "postgres", "service"]);
	});

	it("run commands that exist, with a lab file that is shipped", () => {
		const commands = buildProgram("0", async () => {}).commands.map((command) => command.name());
		for (const name of ["lab", "control", "service"]) {
			const [command, option, file] = services[name]!.command!;
			expect(commands).toContain(command);
			expect(option).toBe("--lab");
			expect(loadLabFile(resolve(ROOT, file!.replace("/adlayer/", ""))).simulated).toBe(true);
		}
	});

	it("find the instruments at the host of the lab's container", () => {
		const { content } = loadLabFile(resolve(ROOT, "recipes/labs/containers.lab.yaml"));
		for (const { address } of Object.values(content.instruments)) expect(address).toMatch(/:\/\/lab:\d+/);
	});
});
