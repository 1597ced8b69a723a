import { AdlayerError, asAdlayerError, type Problem } from "#core/errors.js";
import type { RequestLine } from "#core/wire.js";
import type { Device, DriverContext, Identification, Identity, PolledValues, SignalInfo } from "#device/contract.js";
import type {
	ChannelActivity,
	ChannelRange,
	ChannelStatus,
	CurrentSign,
	Cycler,
	CyclerProgram,
	CyclerRow,
	CyclerRows,
	RowRequest,
	StartOrder,
	TestExtent,
} from "#device/cycler.js";
import { rangeRefusals } from "#device/cycler-refusals.js";
import { type ActiveStep, ProgramRun } from "#device/program-run.js";
import { encode, invalid, lineOf, type Measured, number, parseError, parseReading, printable } from "./codec.js";
import type { Keithley2400Settings } from "./config.js";

/** A test whose readings come less often than this is not controlled any more. */
const LATE_S_MAX = 5;
/** Rows kept for whoever fetches them; at one in 10 s this is more than a week. */
const ROWS_MAX = 100_000;
/** The error queue holds ten. */
const ERRORS_MAX = 12;
/** Times that an output is switched off before it is reported as still on. */
const OFF_ATTEMPTS = 3;
/** Readings of a cell in compliance lie a little beyond the limit. */
const ELEMENTS = "VOLT,CURR,STAT";

/**
 * A 2400 as a cycler with one channel, on which Adlayer itself runs the test at every poll. Nothing is sourced before the
 * output-off state is high impedance and read back as such: in its normal state the output that is off is 0 V across the
 * cell. On any error, loss, late poll or end the output is switched off and read back.
 */
export class Keithley2400 implements Device, Cycler {
	readonly signals: Readonly<Record<string, SignalInfo>>;
	readonly channels: Readonly<Record<string, ChannelRange>>;
	readonly cycler: Cycler = this;
	/** It counts the current into its positive terminal's cell as positive: charging, by the wiring of the README. */
	readonly currentSign: CurrentSign = "charge-positive";
	private readonly line: RequestLine;
	private isReady = false;
	private run: ProgramRun | undefined;
	private test: { readonly id: string; readonly barcode: string; rows: CyclerRow[]; dropped: number } | undefined;
	private activity: ChannelActivity = "finished";
	private word = "off";
	private last: Measured | undefined;
	private lastMs = 0;
	private recordDueS = 0;
	private turn: Promise<unknown> = Promise.resolve();

	constructor(private readonly context: DriverContext<Keithley2400Settings>) {
		if (context.line === undefined) {
			throw new AdlayerError("ADDRESS_INVALID", `${context.name} needs a serial or tcp address.`);
		}
		this.line = context.line;
		const { channel, voltage_V, current_A_max } = context.settings;
		this.channels = {
			[channel]: { voltageVMin: voltage_V.min, voltageVMax: voltage_V.max, currentAMax: current_A_max },
		};
		this.signals = {
			[`${channel}_voltage`]: { unit: "V", kind: "measurement", description: "Voltage of the cell" },
			[`${channel}_current`]: { unit: "A", kind: "measurement", description: "Current into the cell" },
			output: { unit: "bool", kind: "state", description: "Output is on" },
		};
	}

	/** By questions alone. */
	inspect(): Promise<Identification> {
		return this.inTurn(async () => {
			await this.line.open();
			const { identity, confirmed } = await this.identify();
			const offState = await this.query(":OUTP:SMOD?");
			const isHigh = /^HIMP/i.test(offState);
			const warnings = isHigh ? [] : [`Its output-off state is ${printable(offState)}: off, it is no open circuit.`];
			return { identity, confirmed, warnings };
		});
	}

	/** A test that was running when the line was lost has ended: its output is switched off first of all. */
	connect(): Promise<Identification> {
		return this.inTurn(async () => {
			this.isReady = false;
			await this.line.open();
			const { identity, confirmed } = await this.identify();
			if (!confirmed) {
				const message = `"${printable(`${identity.manufacturer} ${identity.model}`)}" answered, not a Keithley 2400.`;
				throw new AdlayerError("IDENTITY_MISMATCH", message);
			}
			await this.makeOutputSafe();
			if (this.run !== undefined) this.end("stopped", "lost");
			await this.tell("*CLS");
			await this.tell(`:FORM:ELEM ${ELEMENTS}`);
			await this.tell(":SYST:RSEN ON");
			if ((await this.query(":SYST:RSEN?")) !== "1") {
				throw new AdlayerError("READBACK_MISMATCH", `${this.context.name} did not switch to four-wire sensing.`);
			}
			await this.tell(":SENS:FUNC:CONC ON");
			await this.tell(`:SENS:FUNC "VOLT","CURR"`);
			await this.expectNoErrors("its configuration");
			this.isReady = true;
			return { identity, confirmed, warnings: [] };
		});
	}

	/** Runs the test: one reading, its judgement, and what follows from it. */
	poll(): Promise<PolledValues> {
		return this.inTurn(async () => {
			const { channel } = this.context.settings;
			if (!this.isReady) throw new AdlayerError("DEVICE_NOT_READY", `${this.context.name} is not connected.`);
			if (this.run === undefined) {
				const isOn = (await this.query(":OUTP?")) !== "0";
				if (isOn) {
					await this.makeOutputSafe();
					throw invalid(`The output of ${this.context.name} was on without a test`);
				}
				const off = { value: null, quality: "fault", detail: "the output is off" } as const;
				return { [`${channel}_voltage`]: off, [`${channel}_current`]: off, output: { value: 0, quality: "good" } };
			}
			try {
				await this.control(this.run);
			} catch (thrown) {
				await this.abandon(asAdlayerError(thrown));
				throw thrown;
			}
			const { voltageV, currentA } = this.last!;
			return {
				[`${channel}_voltage`]: { value: voltageV, quality: "good" },
				[`${channel}_current`]: { value: currentA, quality: "good" },
				output: { value: this.run === undefined ? 0 : 1, quality: "good" },
			};
		});
	}

	/** The output off, in high impedance, read back. */
	makeSafe(): Promise<void> {
		return this.inTurn(async () => {
			if (this.run !== undefined) this.end("stopped", "made safe");
			await this.makeOutputSafe();
		});
	}

	/** Ends a test: nobody would control it any more. */
	async close(): Promise<void> {
		await this.inTurn(async () => {
			this.isReady = false;
			if (this.run !== undefined) {
				this.end("stopped", "lost");
				await this.makeOutputSafe().catch(() => {});
			}
			await this.line.close();
		});
	}

	refusals(channel: string, program: CyclerProgram): readonly Problem[] {
		const range = this.channels[channel];
		const refuse = (message: string): Problem => ({ severity: "error", code: "CYCLER_REFUSED", message });
		if (range === undefined) return [refuse(`${this.context.name} has no channel ${channel}.`)];
		return rangeRefusals(`${this.context.name}.${channel}`, range, program);
	}

	async status(): Promise<Readonly<Record<string, ChannelStatus>>> {
		const { channel } = this.context.settings;
		const { run, last, activity, word } = this;
		const status: ChannelStatus = {
			activity,
			word,
			barcode: this.test?.barcode ?? null,
			cycle: run?.step?.cycle ?? null,
			step: run?.step?.id ?? null,
			stepType: run?.step === undefined ? null : typeOf(run.step.step),
			voltageV: run === undefined ? null : (last?.voltageV ?? null),
			currentA: run === undefined ? null : (last?.currentA ?? null),
			capacityAh: run?.capacityAh ?? null,
			energyWh: run?.energyWh ?? null,
			testS: run?.testS ?? null,
			stepS: run?.stepS ?? null,
			logCode: null,
		};
		return { [channel]: status };
	}

	async extents(): Promise<Readonly<Record<string, TestExtent>>> {
		const { test } = this;
		const extent =
			test === undefined ? { test: null, rows: 0 } : { test: test.id, rows: test.dropped + test.rows.length };
		return { [this.context.settings.channel]: extent };
	}

	async rows({ test, fromSeq, rowsMax }: RowRequest): Promise<CyclerRows> {
		if (this.test?.id !== test) {
			throw new AdlayerError(
				"CYCLER_REFUSED",
				`${this.context.name} has test ${this.test?.id ?? "none"}, not ${test}.`,
			);
		}
		const { rows, dropped } = this.test;
		const from = Math.max(0, fromSeq - 1 - dropped);
		const gaps = fromSeq <= dropped ? [{ fromSeq, toSeq: dropped }] : [];
		return { rows: rows.slice(from, from + rowsMax), gaps };
	}

	start({ channel, barcode, program, attendedBy }: StartOrder): Promise<{ test: string }> {
		const problems = [...this.refusals(channel, program)];
		if (this.context.settings.external_watchdog === "none" && attendedBy === undefined) {
			const message =
				"An unattended test needs an external watchdog on the output-enable line, and the lab file declares none.";
			problems.push({ severity: "error", code: "CYCLER_REFUSED", message });
		}
		return this.inTurn(async () => {
			if (problems.length > 0) {
				const message = `${channel} cannot run ${program.protocol}: ${problems.map((problem) => problem.message).join(" ")}`;
				throw new AdlayerError("CYCLER_REFUSED", message, { problems });
			}
			if (!this.isReady) throw new AdlayerError("DEVICE_NOT_READY", `${this.context.name} is not connected.`);
			if (this.run !== undefined) {
				throw new AdlayerError("CHANNEL_BUSY", `${this.context.name}.${channel} runs ${this.test!.id}.`);
			}
			const run = new ProgramRun(program);
			if (run.step === undefined) throw new AdlayerError("CYCLER_REFUSED", `${program.protocol} has no step.`);
			const id = `${this.context.name}-${channel}-${Math.round(this.context.clock.wallMs())}`;
			this.test = { id, barcode, rows: [], dropped: 0 };
			this.run = run;
			this.activity = "running";
			this.word = "running";
			try {
				await this.applyStep(run.step.step);
			} catch (thrown) {
				await this.abandon(asAdlayerError(thrown));
				throw thrown;
			}
			return { test: id };
		});
	}

	stop(channel: string): Promise<void> {
		return this.inTurn(async () => {
			if (this.channels[channel] === undefined) {
				throw new AdlayerError("CYCLER_REFUSED", `${this.context.name} has no channel ${channel}.`);
			}
			if (this.run === undefined) return;
			this.record(this.run);
			this.end("stopped", "stopped");
			await this.makeOutputSafe();
		});
	}

	private async control(run: ProgramRun): Promise<void> {
		const measured = await this.request(":READ?", (reply) => parseReading(reply));
		const nowMs = this.context.clock.nowMs();
		const dtS = (nowMs - this.lastMs) / 1_000;
		this.lastMs = nowMs;
		this.last = measured;
		if (dtS > LATE_S_MAX) {
			throw new AdlayerError("DEVICE_SILENT", `The last reading is ${dtS} s old; a test needs one in ${LATE_S_MAX} s.`);
		}
		const verdict = run.observe(measured, dtS);
		if (verdict.kind === "goes-on") {
			if (run.stepS < this.recordDueS) return;
			this.record(run);
			this.recordDueS += run.program.recordS;
			return;
		}
		this.record(run);
		if (verdict.kind === "protected") {
			this.end("protected", verdict.reason);
			await this.makeOutputSafe();
			return;
		}
		if (run.next()) await this.applyStep(run.step!.step);
		else {
			this.end("finished", "finished");
			await this.makeOutputSafe();
		}
	}

	/** The compliance is set before the level, and both before the output is on. */
	private async applyStep(step: ActiveStep): Promise<void> {
		const { limits } = this.run!.program;
		const complianceV = Math.max(Math.abs(limits.voltageVMin), Math.abs(limits.voltageVMax));
		if (step.kind === "constant-voltage") {
			await this.tell(":SOUR:FUNC VOLT");
			await this.tell(`:SENS:CURR:PROT ${number(step.currentAMax)}`);
			await this.tell(`:SOUR:VOLT:LEV ${number(step.voltageV)}`);
			await this.expectNumber(":SENS:CURR:PROT?", step.currentAMax);
		} else {
			// A rest is a current of 0: with the output off the cell's voltage could not be read.
			await this.tell(":SOUR:FUNC CURR");
			await this.tell(`:SENS:VOLT:PROT ${number(complianceV)}`);
			await this.tell(`:SOUR:CURR:LEV ${number(step.kind === "rest" ? 0 : step.currentA)}`);
			await this.expectNumber(":SENS:VOLT:PROT?", complianceV);
		}
		await this.expectNoErrors(`the step of kind ${step.kind}`);
		await this.tell(":OUTP ON");
		if ((await this.query(":OUTP?")) !== "1") {
			const message = `The output of ${this.context.name} did not go on; its output-enable line may be open.`;
			throw new AdlayerError("READBACK_MISMATCH", message);
		}
		this.lastMs = this.context.clock.nowMs();
		this.recordDueS = this.run!.program.recordS;
	}

	/** High impedance first: switched off in another state, the cell would be across 0 V. */
	private async makeOutputSafe(): Promise<void> {
		await this.tell(":OUTP:SMOD HIMP");
		const state = await this.query(":OUTP:SMOD?");
		if (!/^HIMP/i.test(state)) {
			const message = `${this.context.name} kept the output-off state ${printable(state)}, not HIMP.`;
			throw new AdlayerError("READBACK_MISMATCH", message);
		}
		for (let attempt = 0; attempt < OFF_ATTEMPTS; attempt += 1) {
			await this.tell(":OUTP OFF");
			if ((await this.query(":OUTP?")) === "0") return;
		}
		throw new AdlayerError("READBACK_MISMATCH", `The output of ${this.context.name} is still on.`);
	}

	/** After any failure of a running test. */
	private async abandon(cause: AdlayerError): Promise<void> {
		this.isReady = false;
		this.end("stopped", cause.message);
		await this.makeOutputSafe().catch(() => {});
	}

	private end(activity: ChannelActivity, word: string): void {
		this.run = undefined;
		this.activity = activity;
		this.word = word;
	}

	private record(run: ProgramRun): void {
		if (run.step === undefined || this.last === undefined || this.test === undefined) return;
		const { rows } = this.test;
		rows.push({
			seq: this.test.dropped + rows.length + 1,
			cycle: run.step.cycle,
			step: run.step.id,
			stepType: typeOf(run.step.step),
			stepS: run.stepS,
			wallMs: this.context.clock.wallMs(),
			voltageV: this.last.voltageV,
			currentA: this.last.currentA,
			capacityAh: run.capacityAh,
			energyWh: run.energyWh,
		});
		if (rows.length <= ROWS_MAX) return;
		this.test.dropped += rows.length - ROWS_MAX / 2;
		this.test.rows = rows.slice(-ROWS_MAX / 2);
	}

	private async identify(): Promise<{ identity: Identity; confirmed: boolean }> {
		const parts = (await this.query("*IDN?")).split(",").map((part) => part.trim());
		const [manufacturer = null, model = null, serial = null, firmware = null] = parts;
		const confirmed = /keithley/i.test(manufacturer ?? "") && /\b24[0-4]\d\b/.test(model ?? "");
		return { identity: { manufacturer, model, serial, firmware }, confirmed };
	}

	private async expectNumber(query: string, expected: number): Promise<void> {
		const reply = await this.query(query);
		const value = Number(reply);
		if (reply !== "" && Math.abs(value - expected) <= 1e-3 * Math.abs(expected) + 1e-9) return;
		const message = `${this.context.name} gave ${printable(reply)} to ${query}, and ${expected} had been set.`;
		throw new AdlayerError("READBACK_MISMATCH", message);
	}

	/** Empties the queue; what was in it is said. */
	private async expectNoErrors(after: string): Promise<void> {
		const errors: string[] = [];
		for (let entry = 0; entry < ERRORS_MAX; entry += 1) {
			const { code, text } = parseError(await this.query(":SYST:ERR?"));
			if (code === 0) break;
			errors.push(`${code} ${printable(text)}`);
		}
		if (errors.length === 0) return;
		const message = `${this.context.name} refused ${after}: ${errors.join("; ")}.`;
		throw new AdlayerError("READBACK_MISMATCH", message, { context: { errors } });
	}

	private tell(command: string): Promise<void> {
		return this.line.send(encode(command));
	}

	private query(command: string): Promise<string> {
		return this.request(command, (reply) => reply);
	}

	private async request<Reply>(command: string, read: (reply: string) => Reply): Promise<Reply> {
		return read(await this.line.request({ bytes: encode(command), parse: lineOf, title: command }));
	}

	/** One conversation at a time: a stop never comes between the halves of a step. */
	private inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
		const result = this.turn.then(work, work);
		this.turn = result.catch(() => {});
		return result;
	}
}

/** The words that cyclers use: cc charges, dc discharges. */
function typeOf(step: ActiveStep): string {
	switch (step.kind) {
		case "rest":
			return "rest";
		case "constant-current":
			return step.currentA > 0 ? "cc" : "dc";
		case "constant-voltage":
			return "cv";
	}
}
