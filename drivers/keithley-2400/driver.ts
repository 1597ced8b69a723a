import { AdlayerError, asAdlayerError, type Problem } from "#core/errors.js";
import type { RequestLine } from "#core/wire.js";
import type { Device, DriverContext, Identification, PolledValues, SignalInfo } from "#device/contract.js";
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
import { unlessSilent } from "#transport/optional-question.js";
import { invalid, kindOf, type Measured, printable } from "./codec.js";
import type { Keithley2400Settings } from "./config.js";
import { SourceMeter } from "./source-meter.js";

/** A test whose readings come less often than this is not controlled any more. */
const LATE_S_MAX = 5;
/** Rows kept for whoever fetches them; at one in 10 s this is more than a week. */
const ROWS_MAX = 100_000;
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
	private readonly meter: SourceMeter;
	private mode: "closed" | "looking" | "ready" = "closed";
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
		this.meter = new SourceMeter(context.name, context.line);
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
			this.mode = "closed";
			await this.line.open();
			const { identity, confirmed } = await this.meter.identify();
			if (kindOf(identity) === "other") throw notA2400(identity);
			const offState = await unlessSilent(this.meter.offState());
			this.mode = "looking";
			const warnings =
				offState === undefined
					? ["It does not say its output-off state (:OUTP:SMOD?); control would refuse it."]
					: offState === "HIMP"
						? []
						: [`Its output-off state is ${offState}: off, it is no open circuit.`];
			return { identity, confirmed, warnings };
		});
	}

	/** A test that was running when the line was lost has ended: its output is switched off first of all. */
	connect(): Promise<Identification> {
		return this.inTurn(async () => {
			this.mode = "closed";
			await this.line.open();
			const { identity, confirmed } = await this.meter.identify();
			if (!confirmed) throw notA2400(identity);
			await this.meter.makeOutputSafe();
			if (this.run !== undefined) this.end("stopped", "lost");
			await this.meter.configure();
			this.mode = "ready";
			return { identity, confirmed, warnings: [] };
		});
	}

	/** Runs the test: one reading, its judgement, and what follows from it. */
	poll(): Promise<PolledValues> {
		return this.inTurn(async () => {
			const { channel } = this.context.settings;
			if (this.mode === "looking") return this.look();
			if (this.mode === "closed") throw new AdlayerError("DEVICE_NOT_READY", `${this.context.name} is not connected.`);
			if (this.run === undefined) {
				if (await this.meter.isOn()) {
					await this.meter.makeOutputSafe();
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

	/** Asks alone: whoever has switched the output on goes on with what he does. */
	private async look(): Promise<PolledValues> {
		const { channel } = this.context.settings;
		const fault = (detail: string) => ({ value: null, quality: "fault", detail }) as const;
		const isOn = await unlessSilent(this.meter.isOn());
		const why =
			isOn === undefined
				? fault("it does not say whether its output is on (:OUTP?)")
				: fault(isOn ? "the output is on, by another: a look does not measure" : "the output is off");
		const output = isOn === undefined ? why : ({ value: isOn ? 1 : 0, quality: "good" } as const);
		return { [`${channel}_voltage`]: why, [`${channel}_current`]: why, output };
	}

	/** The output off, in high impedance, read back. */
	makeSafe(): Promise<void> {
		return this.inTurn(async () => {
			if (this.run !== undefined) this.end("stopped", "made safe");
			await this.meter.makeOutputSafe();
		});
	}

	/** Ends a test: nobody would control it any more. */
	async close(): Promise<void> {
		await this.inTurn(async () => {
			this.mode = "closed";
			if (this.run !== undefined) {
				this.end("stopped", "lost");
				await this.meter.makeOutputSafe().catch(() => {});
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
			if (this.mode !== "ready") throw new AdlayerError("DEVICE_NOT_READY", `${this.context.name} is not connected.`);
			if (this.run !== undefined) {
				throw new AdlayerError("CHANNEL_BUSY", `${this.context.name}.${channel} runs ${this.test!.id}.`);
			}
			const run = new ProgramRun(program);
			if (run.step === undefined) throw new AdlayerError("CYCLER_REFUSED", `${program.protocol} has no step.`);
			const id = `${this.context.name}-${channel}-${Math.round(this.context.clock.wallMs())}`;
			this.test = { id, barcode, rows: [], dropped: 0 };
			this.run = run;
			this.last = undefined;
			this.activity = "running";
			this.word = "running";
			try {
				await this.begin(run);
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
			await this.meter.makeOutputSafe();
		});
	}

	private async control(run: ProgramRun): Promise<void> {
		const measured = await this.meter.read();
		if (this.last !== undefined && this.last.elements !== measured.elements)
			throw invalid(`A reading of ${measured.elements} elements came after one of ${this.last.elements}`);
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
			await this.meter.makeOutputSafe();
			return;
		}
		if (run.next()) await this.begin(run);
		else {
			this.end("finished", "finished");
			await this.meter.makeOutputSafe();
		}
	}

	private async begin(run: ProgramRun): Promise<void> {
		await this.meter.apply(run.step!.step, run.program);
		this.lastMs = this.context.clock.nowMs();
		this.recordDueS = run.program.recordS;
	}

	/** After any failure of a running test. */
	private async abandon(cause: AdlayerError): Promise<void> {
		this.mode = "closed";
		this.end("stopped", cause.message);
		await this.meter.makeOutputSafe().catch(() => {});
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

	/** One conversation at a time: a stop never comes between the halves of a step. */
	private inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
		const result = this.turn.then(work, work);
		this.turn = result.catch(() => {});
		return result;
	}
}

function notA2400({ manufacturer, model }: { manufacturer: string | null; model: string | null }): AdlayerError {
	const message = `"${printable(`${manufacturer} ${model}`)}" answered, not a Keithley 2400, nor one that says SCPI2400 to *LANG?.`;
	return new AdlayerError("IDENTITY_MISMATCH", message);
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
