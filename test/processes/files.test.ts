import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { makeFolder } from "#src/processes/files.js";

const folder = mkdtempSync(join(tmpdir(), "adlayer-files-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the data folder", () => {
	it("is made with all that is above it, and may be there already", () => {
		const path = join(folder, "a", "b", "c");
		makeFolder(path);
		makeFolder(path);
		expect(existsSync(path)).toBe(true);
	});

	it("is refused with the place where a file is in the way", () => {
		writeFileSync(join(folder, "file"), "");
		const path = join(folder, "file", "data");
		expect(() => makeFolder(path)).toThrowError(
			expect.objectContaining({ code: "DATA_FOLDER_UNUSABLE", message: expect.stringContaining(path) }),
		);
	});

	it.skipIf(process.platform !== "linux")("is refused at once where the system allows no folder", () => {
		expect(() => makeFolder("/proc/adlayer/data")).toThrowError(
			expect.objectContaining({ code: "DATA_FOLDER_UNUSABLE", message: expect.stringContaining("/proc/adlayer") }),
		);
	});

	it.skipIf(process.getuid?.() === 0)("is refused when it cannot be written", () => {
		const path = join(folder, "locked");
		makeFolder(path);
		chmodSync(path, 0o500);
		expect(() => makeFolder(path)).toThrowError(expect.objectContaining({ code: "DATA_FOLDER_UNUSABLE" }));
	});
});
