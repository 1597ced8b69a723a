import { expect, it } from "vitest";
import { settled } from "#core/clock.js";
import { memoryPair } from "#transport/memory.js";
import { ascii } from "./scripted-far-end.js";

const text = (chunks: Uint8Array[]) => chunks.map((chunk) => Buffer.from(chunk).toString("latin1"));

it("delivers in order, never from inside write", async () => {
	const [near, far] = memoryPair("m");
	const got: Uint8Array[] = [];
	far.onBytes((chunk) => got.push(chunk));
	near.write(ascii("a"));
	near.write(ascii("b"));
	expect(got).toEqual([]);
	await settled();
	near.write(ascii("c"));
	await settled();
	expect(text(got)).toEqual(["a", "b", "c"]);
});

it("lets two ends answer each other 100,000 times without recursion", async () => {
	const [near, far] = memoryPair("m");
	let count = 0;
	near.onBytes((chunk) => {
		count += 1;
		if (count < 100_000) near.write(chunk);
	});
	far.onBytes((chunk) => far.write(chunk));
	near.write(ascii("x"));
	await settled();
	expect(count).toBe(100_000);
});

it("closes the other end after what was on its way, and refuses writes from then on", async () => {
	const [near, far] = memoryPair("m");
	const events: string[] = [];
	far.onBytes((chunk) => events.push(...text([chunk])));
	far.onClose(() => events.push("closed"));
	near.write(ascii("last"));
	await near.close();
	await settled();
	expect(events).toEqual(["last", "closed"]);
	expect(near.isOpen || far.isOpen).toBe(false);
	expect(() => far.write(ascii("x"))).toThrowError(expect.objectContaining({ code: "LINK_LOST" }));
});
