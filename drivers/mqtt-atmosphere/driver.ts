import type { Timer } from "#core/clock.js";
import { AdlayerError } from "#core/errors.js";
import type { MqttLink, MqttMessage } from "#core/wire.js";
import type { Device, DriverContext, Identification, PolledValue, PolledValues, SignalInfo } from "#device/contract.js";
import { decodePayload } from "./codec.js";
import type { AtmosphereSettings, GasSettings } from "./config.js";

/** First messages, and then fresh ones, are waited for as long as a value may be old, but not longer than this. */
const FIRST_MESSAGES_MS_MAX = 45_000;
/** A look makes do with some of the signals after so long. */
const SOME_MESSAGES_MS = 8_000;
/** Clocks of two machines may differ by this much. */
const AHEAD_MS_MAX = 5_000;
const UNKNOWN_AGE = "a retained message of unknown age came; a fresh one is waited for";

/** What the last message of a signal's topic said. */
type Heard =
	| { readonly ppm: number; readonly measuredMs: number }
	/** A number of unknown or impossible age, or a payload of another form. */
	| { readonly wrong: string; readonly malformed: boolean };

type IsEnough = (heard: Heard | undefined) => boolean;

const isOlder = (heard: Heard, known: Heard | undefined): boolean =>
	known !== undefined && "ppm" in known && "ppm" in heard && heard.measuredMs < known.measuredMs;

const fault = (detail: string): PolledValue => ({ value: null, quality: "fault", detail });

/**
 * A glovebox monitor behind an MQTT broker as a device. Reads only. `connect` waits for a message of known age on each topic,
 * makes do with one of unknown age when no other comes, and rejects with DEVICE_SILENT when there is none at all. `poll` throws
 * LINK_LOST without the broker; a payload that cannot be read, an old value and one of unknown age are faults of their signal.
 */
export class MqttAtmosphere implements Device {
	readonly signals: Readonly<Record<string, SignalInfo>>;
	private readonly link: MqttLink;
	private readonly gases: readonly (readonly [signal: string, gas: GasSettings])[];
	private readonly topics: readonly string[];
	private readonly heard = new Map<string, Heard>();
	/** Somebody waits for messages and looks again at each. */
	private lookAgain: (() => void) | undefined;

	constructor(private readonly context: DriverContext<AtmosphereSettings>) {
		const { mqtt, name, settings } = context;
		if (mqtt === undefined) throw new AdlayerError("ADDRESS_INVALID", `${name} needs an mqtt address.`);
		this.link = mqtt;
		this.gases = Object.entries(settings.signals);
		this.topics = [...new Set(this.gases.map(([, { topic }]) => topic))];
		for (const [signal, { ppm_min: min, ppm_max: max }] of this.gases) {
			if (min < max) continue;
			throw new AdlayerError(
				"LAB_FILE_INVALID",
				`${name}.${signal}: ppm_max is ${max}, which is not above ppm_min, ${min}.`,
			);
		}
		this.signals = Object.fromEntries(
			this.gases.map(([signal, { gas }]): [string, SignalInfo] => [
				signal,
				{ unit: "ppm", kind: "measurement", description: `${gas} in the glovebox` },
			]),
		);
	}

	/** Listening changes nothing. Makes do with some of the signals where the rest stays silent. */
	async inspect(): Promise<Identification> {
		return this.listen((heard) => heard !== undefined, SOME_MESSAGES_MS);
	}

	async connect(): Promise<Identification> {
		return this.listen((heard) => heard !== undefined && !("wrong" in heard && heard.wrong === UNKNOWN_AGE));
	}

	private async listen(isEnough: IsEnough, someDoAfterMs?: number): Promise<Identification> {
		this.heard.clear();
		// Anew, so that retained messages come again.
		await this.link.close();
		await this.link.open();
		for (const topic of this.topics) await this.link.subscribe(topic, (message) => this.received(message));
		await this.firstMessages(isEnough, someDoAfterMs);
		const warnings = this.gases.flatMap(([signal, { topic }]) => {
			const heard = this.heard.get(signal);
			if (heard === undefined) return [`${signal}: no message has come on ${topic}.`];
			return "wrong" in heard ? [`${signal}: ${heard.wrong}.`] : [];
		});
		return {
			identity: { manufacturer: null, model: null, serial: null, firmware: null },
			// A monitor cannot say what it is: that its messages are of the declared form has to do.
			confirmed: this.gases.some(([signal]) => this.isOfForm(signal)),
			warnings,
		};
	}

	async poll(): Promise<PolledValues> {
		if (!this.link.isOpen) {
			throw new AdlayerError("LINK_LOST", `The broker of ${this.context.name} is away.`);
		}
		return Object.fromEntries(this.gases.map(([signal, gas]) => [signal, this.polled(signal, gas)]));
	}

	/** There is nothing to make safe: a monitor only measures. */
	async makeSafe(): Promise<void> {}

	async close(): Promise<void> {
		await this.link.close();
	}

	private isOfForm(signal: string): boolean {
		const heard = this.heard.get(signal);
		return heard !== undefined && !("wrong" in heard && heard.malformed);
	}

	private polled(signal: string, { ppm_min: min, ppm_max: max, topic }: GasSettings): PolledValue {
		const heard = this.heard.get(signal);
		if (heard === undefined) return fault(`no message has come on ${topic}`);
		if ("wrong" in heard) return fault(heard.wrong);
		const { stale_s: staleS } = this.context.settings;
		const ageS = (this.context.clock.nowMs() - heard.measuredMs) / 1_000;
		if (ageS > staleS) return fault(`the last value on ${topic} is ${ageS.toFixed(0)} s old, allowed are ${staleS} s`);
		if (heard.ppm < min || heard.ppm > max) {
			return fault(`${heard.ppm} ppm is not plausible (${min} to ${max} ppm)`);
		}
		return { value: heard.ppm, quality: "good" };
	}

	private received(message: MqttMessage): void {
		for (const [signal, gas] of this.gases) {
			if (gas.topic !== message.topic) continue;
			const heard = this.understood(message, gas);
			// One that a queue held back, or that comes twice, is no news.
			if (!isOlder(heard, this.heard.get(signal))) this.heard.set(signal, heard);
		}
		this.lookAgain?.();
	}

	private understood({ payload, retained }: MqttMessage, gas: GasSettings): Heard {
		const decoded = decodePayload(payload, gas);
		if ("wrong" in decoded) return { wrong: decoded.wrong, malformed: true };
		const { ppm, stampMs } = decoded;
		const { clock } = this.context;
		const nowMs = clock.nowMs();
		if (stampMs === null) return retained ? { wrong: UNKNOWN_AGE, malformed: false } : { ppm, measuredMs: nowMs };
		const aheadMs = stampMs - clock.wallMs();
		if (aheadMs > AHEAD_MS_MAX) {
			return {
				wrong: `the time stamp is ${(aheadMs / 1_000).toFixed(0)} s in the future: set the clocks`,
				malformed: false,
			};
		}
		return { ppm, measuredMs: nowMs + Math.min(0, aheadMs) };
	}

	/** Until there is enough of every signal, or at least something; or of some signals, after that time. Throws DEVICE_SILENT. */
	private firstMessages(isEnough: IsEnough, someDoAfterMs?: number): Promise<void> {
		const isComplete = () => this.gases.every(([signal]) => isEnough(this.heard.get(signal)));
		if (isComplete()) return Promise.resolve();
		const { clock, name, settings } = this.context;
		const waitMs = Math.min(settings.stale_s * 1_000, FIRST_MESSAGES_MS_MAX);
		return new Promise((resolve, reject) => {
			let timer: Timer | undefined;
			let patience: Timer | undefined;
			let someDo = false;
			const end = (error?: AdlayerError) => {
				this.lookAgain = undefined;
				timer?.cancel();
				patience?.cancel();
				if (error === undefined) resolve();
				else reject(error);
			};
			this.lookAgain = () => {
				if (isComplete() || (someDo && this.heard.size > 0)) end();
			};
			if (someDoAfterMs !== undefined) {
				patience = clock.setTimer(someDoAfterMs, () => {
					someDo = true;
					this.lookAgain?.();
				});
			}
			timer = clock.setTimer(waitMs, () => {
				const missing = this.gases.filter(([signal]) => !this.heard.has(signal)).map(([, { topic }]) => topic);
				if (missing.length === 0 || (someDoAfterMs !== undefined && this.heard.size > 0)) {
					end();
					return;
				}
				const topics = [...new Set(missing)].join(", ");
				end(
					new AdlayerError("DEVICE_SILENT", `No message for ${name} came within ${waitMs / 1_000} s on ${topics}.`, {
						hint: "Check the topics and the monitor's connection to the broker.",
					}),
				);
			});
		});
	}
}
