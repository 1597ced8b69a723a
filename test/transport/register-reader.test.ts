import { describe, expect, it } from "vitest";
import { AdlayerError } from "#core/errors.js";
import type { ModbusMaster } from "#core/wire.js";
import { RegisterReader } from "#transport/register-reader.js";

type Answer = number[] | "silence" | number;

/** A server that answers reads of `holding` and `input` by functions 03 and 04: words, silence or an exception. */
function server(functions: {
	holding: (address: number, count: number) => Answer;
	input?: (address: number, count: number) => Answer;
}): { modbus: ModbusMaster; asked: string[] } {
	const asked: string[] = [];
	const read = (code: string, answerOf: (address: number, count: number) => Answer) => {
		return async (address: number, count: number): Promise<number[]> => {
			asked.push(`${code} ${address}+${count}`);
			const answer = answerOf(address, count);
			if (answer === "silence") throw new AdlayerError("DEVICE_SILENT", "Nothing.");
			if (typeof answer === "number")
				throw new AdlayerError("MODBUS_EXCEPTION", `Exception ${answer}.`, { context: { exception: answer } });
			return answer;
		};
	};
	const modbus = {
		readHolding: read("03", functions.holding),
		readInput: read("04", functions.input ?? (() => 1)),
	} as unknown as ModbusMaster;
	return { modbus, asked };
}

const sevens = (_address: number, count: number): number[] => Array.from({ length: count }, () => 7);

describe("a register reader", () => {
	it.each([["silence" as const], [1], [2], [3], [4]])(
		"for a look, tries function 04 where 03 draws %s",
		async (refusal) => {
			const { modbus, asked } = server({ holding: () => refusal, input: sevens });
			const reader = new RegisterReader(modbus, true);
			expect(await reader.readIfThere(5, 2)).toEqual([7, 7]);
			expect(await reader.readIfThere(9, 1)).toEqual([7]);
			expect(asked).toEqual(["03 5+2", "04 5+2", "04 9+1"]);
		},
	);

	it("for control, takes nothing but the word that 03 is not known", async () => {
		for (const refusal of ["silence" as const, 2]) {
			const { modbus, asked } = server({ holding: () => refusal, input: sevens });
			await expect(new RegisterReader(modbus).read(5, 1)).rejects.toThrow();
			expect(asked).toEqual(["03 5+1"]);
		}
		const { modbus } = server({ holding: () => 1, input: sevens });
		expect(await new RegisterReader(modbus).read(5, 1)).toEqual([7]);
	});

	it("never takes another table for one that has answered", async () => {
		const { modbus } = server({ holding: (address, count) => (address === 5 ? sevens(5, count) : 2), input: sevens });
		const reader = new RegisterReader(modbus, true);
		expect(await reader.readIfThere(5, 1)).toEqual([7]);
		expect(await reader.readIfThere(6, 1)).toEqual([undefined]);
	});

	it("for a look, tries single registers where a first block draws silence", async () => {
		const { modbus } = server({
			holding: (_address, count) => (count === 1 ? [7] : "silence"),
			input: () => "silence",
		});
		expect(await new RegisterReader(modbus, true).readIfThere(5, 2)).toEqual([7, 7]);
		await expect(new RegisterReader(modbus).readIfThere(5, 2)).rejects.toThrow("Nothing.");
	});

	it.each([5, 6, 10, 11])(
		"does not take exception %d, which says nothing of the register, for its absence",
		async (exception) => {
			const { modbus } = server({ holding: () => exception });
			await expect(new RegisterReader(modbus, true).readIfThere(5, 1)).rejects.toThrow(`Exception ${exception}.`);
		},
	);

	it("reads in parts what is refused as a whole, and repeats the refusal of the whole where that fails too", async () => {
		const { modbus } = server({ holding: (_address, count) => (count === 1 ? [7] : 3) });
		expect(await new RegisterReader(modbus, true).readInParts(5, 3)).toEqual([7, 7, 7]);
		const none = server({ holding: (_address, count) => (count === 1 ? 2 : 3) });
		await expect(new RegisterReader(none.modbus, true).readInParts(5, 3)).rejects.toThrow("Exception 3.");
	});

	it("for a look, learns from silence to blocks that single registers are known alone, and asks for no block again", async () => {
		const { modbus, asked } = server({
			holding: (address, count) => (count === 1 && address < 90 ? [address] : "silence"),
			input: () => "silence",
		});
		const reader = new RegisterReader(modbus, true);
		expect(await reader.readIfThere(5, 1)).toEqual([5]);
		for (const address of [10, 20, 30, 40, 50, 60]) {
			expect(await reader.readIfThere(address, 2)).toEqual([address, address + 1]);
		}
		expect(asked.filter((each) => each.endsWith("+2"))).toEqual(["03 10+2"]);
		expect(await reader.readIfThere(90, 1)).toEqual([undefined]);
	});

	it("for a look, reads pairs where six at once draw silence; control takes silence for silence", async () => {
		const holding = (_address: number, count: number) => (count <= 2 ? sevens(0, count) : ("silence" as const));
		const { modbus, asked } = server({ holding, input: () => "silence" });
		const reader = new RegisterReader(modbus, true);
		expect(await reader.readInParts(0, 6)).toEqual([7, 7, 7, 7, 7, 7]);
		expect(await reader.readInParts(8, 6)).toEqual([7, 7, 7, 7, 7, 7]);
		expect(asked.filter((each) => each.endsWith("+6"))).toEqual(["03 0+6", "04 0+6"]);
		await expect(new RegisterReader(modbus).readInParts(0, 6)).rejects.toThrow("Nothing.");
	});
});
