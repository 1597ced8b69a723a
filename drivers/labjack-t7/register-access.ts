/** Registers of one T7 over Modbus, with LabJack's own error behind a Modbus exception. */
import { AdlayerError } from "#core/errors.js";
import type { ModbusMaster, WriteOptions } from "#core/wire.js";
import { isRefusal, RegisterReader } from "#transport/register-reader.js";
import { u32At, wordsOfU32 } from "./codec.js";
import { LABJACK_ERRORS, LAST_ERR_DETAIL } from "./registers.js";

/** Modbus exception: the function is not known. */
const ILLEGAL_FUNCTION = 1;

export class RegisterAccess {
	/** A T7 takes any function for any register; other servers of its map may know one of the two that read. */
	private readsInput = false;

	private readonly lookingReader: RegisterReader;

	constructor(
		private readonly name: string,
		private readonly modbus: ModbusMaster,
	) {
		this.lookingReader = new RegisterReader(modbus, true);
	}

	/** Reads `count` words. */
	async read(address: number, count: number): Promise<number[]> {
		try {
			return await this.readEither(address, count);
		} catch (error) {
			throw await this.explained(error, `read of ${address}`);
		}
	}

	/** Words that need not be there: undefined when the server refuses them or is silent to the question. */
	async readIfThere(address: number, count: number): Promise<number[] | undefined> {
		try {
			return await this.lookingReader.readInParts(address, count);
		} catch (error) {
			if (error instanceof AdlayerError && (isRefusal(error) || error.code === "DEVICE_SILENT")) return undefined;
			throw error;
		}
	}

	private async readEither(address: number, count: number): Promise<number[]> {
		if (this.readsInput) return this.modbus.readInput(address, count);
		try {
			return await this.modbus.readHolding(address, count);
		} catch (error) {
			if (!(error instanceof AdlayerError) || error.context.exception !== ILLEGAL_FUNCTION) throw error;
			const words = await this.modbus.readInput(address, count);
			this.readsInput = true;
			return words;
		}
	}

	async readU16(address: number): Promise<number> {
		return (await this.read(address, 1))[0] ?? 0;
	}

	async readU32(address: number): Promise<number> {
		return u32At(await this.read(address, 2));
	}

	async writeU16(address: number, word: number, options?: WriteOptions): Promise<void> {
		try {
			await this.modbus.writeRegister(address, word, options);
		} catch (error) {
			throw await this.explained(error, `write of ${word} to ${address}`);
		}
	}

	writeU32(address: number, value: number): Promise<void> {
		return this.write(address, wordsOfU32(value));
	}

	/** Writes neighbouring registers in one exchange. */
	async write(address: number, words: readonly number[]): Promise<void> {
		try {
			await this.modbus.writeRegisters(address, words);
		} catch (error) {
			throw await this.explained(error, `write to ${address}`);
		}
	}

	/** A Modbus exception of a T7 says little; the register LAST_ERR_DETAIL names the cause. */
	private async explained(error: unknown, title: string): Promise<unknown> {
		if (!(error instanceof AdlayerError) || error.code !== "MODBUS_EXCEPTION") return error;
		let code: number;
		try {
			code = (await this.readEither(LAST_ERR_DETAIL, 1))[0] ?? 0;
		} catch {
			return error;
		}
		if (code === 0) return error;
		const labjackError = LABJACK_ERRORS[code];
		const said = labjackError === undefined ? `error ${code}` : `error ${code} ${labjackError}`;
		return new AdlayerError("MODBUS_EXCEPTION", `${this.name} refused the ${title}: LabJack ${said}.`, {
			context: { ...error.context, labjackCode: code, labjackError: labjackError ?? null },
			cause: error,
		});
	}
}

/** Runs every step whatever becomes of the ones before, and keeps the first failure. */
export class Attempts {
	private failed = false;
	private failure: unknown;

	async make(step: () => Promise<void>): Promise<void> {
		try {
			await step();
		} catch (error) {
			if (!this.failed) this.failure = error;
			this.failed = true;
		}
	}

	throwFirst(): void {
		if (this.failed) throw this.failure;
	}
}
