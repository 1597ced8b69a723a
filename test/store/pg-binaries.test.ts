import { chmodSync, existsSync, mkdirSync, readlinkSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { isReachableByOthers, postgresBinaries } from "#store/pg-binaries.js";
import { removeFolders, temporaryFolder } from "./support.js";

const folders: string[] = [];
afterEach(() => removeFolders(...folders.splice(0)));

/** A package like the real one, as an install script that did not run leaves it: without its symbolic links. */
function packageWithoutLinks(): string {
	const folder = temporaryFolder();
	folders.push(folder);
	const native = join(folder, "native");
	for (const name of ["bin", "lib", "share"]) mkdirSync(join(native, name), { recursive: true });
	for (const name of ["initdb", "pg_ctl", "postgres"])
		writeFileSync(join(native, "bin", name), "#!/bin/sh\n", { mode: 0o700 });
	writeFileSync(join(native, "lib", "libpq.so.5.18"), "library", { mode: 0o600 });
	writeFileSync(
		join(native, "pg-symlinks.json"),
		JSON.stringify([{ source: "native/lib/libpq.so.5.18", target: "native/lib/libpq.so.5" }]),
	);
	return native;
}

describe("PostgreSQL's programs", () => {
	it("are used where they are when they are whole and can be reached", () => {
		const installed = postgresBinaries();
		expect(existsSync(join(installed, "bin", "postgres"))).toBe(true);
	});

	it("are copied to where every user can run them when they cannot be reached, with their links", () => {
		const native = packageWithoutLinks();
		const copy = postgresBinaries({ native, version: "test" });
		folders.push(copy);
		expect(copy).not.toBe(native);
		expect(isReachableByOthers(join(copy, "lib"))).toBe(true);
		expect(readlinkSync(join(copy, "lib", "libpq.so.5"))).toBe("libpq.so.5.18");
		expect(statSync(join(copy, "bin", "postgres")).mode & 0o777).toBe(0o755);
		expect(statSync(join(copy, "lib", "libpq.so.5.18")).mode & 0o777).toBe(0o644);
		expect(postgresBinaries({ native, version: "test" })).toBe(copy);
	});

	it("are not taken from a folder that others may write to", () => {
		const native = packageWithoutLinks();
		const copy = postgresBinaries({ native, version: "test" });
		folders.push(copy);
		chmodSync(copy, 0o777);
		expect(() => postgresBinaries({ native, version: "test" })).toThrow(
			expect.objectContaining({ code: "DATABASE_UNAVAILABLE" }),
		);
	});
});
