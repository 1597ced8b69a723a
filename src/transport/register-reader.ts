/** Reads registers of an instrument that may have only some of them, or know only one of the two functions that read. */
import { type AdlayerError, asAdlayerError } from "#core/errors.js";
import type { ModbusMaster } from "#core/wire.js";

/** Modbus exceptions: the function is not known; it goes on or is busy; a gateway does not reach the instrument. */
const ILLEGAL_FUNCTION = 1;
const SAYS_NOTHING_OF_THE_REGISTER = [5, 6, 10, 11];
/** An instrument that is silent to so many reads, though it answers others, is asked nothing more that it need not have. */
const SILENT_READS_MAX = 4;

export class RegisterReader {
	private readsInput = false;
	/** Something has been read by function 03, or function 04 has been tried in its place. */
	private functionSettled = false;
	private answered = false;
	private silentReads = 0;
	/** What is silent to a block and gives its words one by one knows no larger reads. */
	private wordsMax = Number.POSITIVE_INFINITY;
	private readonly absent = new Set<number>();
	private readonly present = new Set<number>();

	/**
	 * `lenient`, for a look: a reply that does not fit its read, from something that has answered another, is no more than
	 * silence; some servers give one register whatever they are asked for. And what gives nothing by function 03 is tried by 04.
	 */
	constructor(
		private readonly modbus: ModbusMaster,
		private readonly lenient = false,
	) {}

	/** Function 03, or 04 once the instrument has said that it does not know 03. */
	async read(address: number, count: number): Promise<number[]> {
		if (this.readsInput) return this.modbus.readInput(address, count);
		try {
			const words = await this.modbus.readHolding(address, count);
			this.functionSettled = true;
			return words;
		} catch (thrown) {
			if (exceptionOf(thrown) !== ILLEGAL_FUNCTION) return this.readInputInstead(address, count, thrown);
			const words = await this.modbus.readInput(address, count);
			this.readsInput = true;
			return words;
		}
	}

	/** A server may be silent to the function that it does not know, or refuse it by another exception. */
	private async readInputInstead(address: number, count: number, refusal: unknown): Promise<number[]> {
		const error = asAdlayerError(refusal);
		if (!this.lenient || this.functionSettled || !(error.code === "DEVICE_SILENT" || isRefusal(error))) throw refusal;
		this.functionSettled = true;
		try {
			const words = await this.modbus.readInput(address, count);
			this.readsInput = true;
			return words;
		} catch {
			throw refusal;
		}
	}

	/**
	 * Words of the registers that are there, `undefined` for others. A block that is refused is read register by register, and
	 * what is not there is not asked for again. An instrument that is silent to everything rejects; one that is silent to some
	 * reads does not have what they ask for.
	 */
	async readIfThere(address: number, count: number): Promise<(number | undefined)[]> {
		const addresses = Array.from({ length: count }, (_, offset) => address + offset);
		const silentBefore = this.silentReads;
		if (count <= this.wordsMax && !addresses.some((each) => this.absent.has(each))) {
			const words = await this.attempt(address, count);
			if (words !== undefined) return words;
		}
		if (count === 1) return [undefined];
		const isSilentToBlock = this.silentReads > silentBefore;
		const words: (number | undefined)[] = [];
		for (const each of addresses) words.push(this.absent.has(each) ? undefined : (await this.attempt(each, 1))?.[0]);
		if (isSilentToBlock && !words.includes(undefined)) {
			this.wordsMax = 1;
			this.silentReads = silentBefore;
		}
		return words;
	}

	/** All words, in one read or in smaller ones; rejects with what the instrument says of the largest read that it may know. */
	async readInParts(address: number, count: number): Promise<number[]> {
		const sizes = [count, 2, 1].filter(
			(size, at) => size <= this.wordsMax && (at === 0 || size < count) && count % size === 0,
		);
		let first: unknown;
		for (const size of sizes) {
			try {
				const words: number[] = [];
				for (let offset = 0; offset < count; offset += size) words.push(...(await this.read(address + offset, size)));
				if (first !== undefined && isSilence(first)) this.wordsMax = size;
				return words;
			} catch (thrown) {
				first ??= thrown;
				const error = asAdlayerError(thrown);
				if (!isRefusal(error) && !(this.lenient && isSilence(error))) throw thrown;
			}
		}
		throw first;
	}

	private async attempt(address: number, count: number): Promise<number[] | undefined> {
		if (this.silentReads >= SILENT_READS_MAX && !this.present.has(address)) return undefined;
		try {
			const words = await this.read(address, count);
			this.answered = true;
			for (let offset = 0; offset < count; offset += 1) this.present.add(address + offset);
			return words;
		} catch (thrown) {
			const error = asAdlayerError(thrown);
			if (isRefusal(error)) this.answered = true;
			else if (this.answered && this.isPassedOver(error)) this.silentReads += 1;
			// It may know reads of single registers alone.
			else if (!this.lenient || count === 1 || error.code !== "DEVICE_SILENT") throw error;
			if (count === 1) this.absent.add(address);
			return undefined;
		}
	}

	private isPassedOver(error: AdlayerError): boolean {
		return error.code === "DEVICE_SILENT" || (this.lenient && error.code === "REPLY_INVALID");
	}
}

/** The words when all of them are there. */
export async function readWhole(reader: RegisterReader, address: number, count: number): Promise<number[] | undefined> {
	const words = await reader.readIfThere(address, count);
	return words.includes(undefined) ? undefined : (words as number[]);
}

const exceptionOf = (thrown: unknown): unknown => asAdlayerError(thrown).context.exception;

const isSilence = (thrown: unknown): boolean => asAdlayerError(thrown).code === "DEVICE_SILENT";

/** Whether the instrument itself has said that it does not have or know what was asked for. */
export const isRefusal = (error: AdlayerError): boolean =>
	error.code === "MODBUS_EXCEPTION" && !SAYS_NOTHING_OF_THE_REGISTER.includes(Number(error.context.exception));
