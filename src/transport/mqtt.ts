import { readFileSync } from "node:fs";
import type { MqttClient } from "mqtt";
import type { Clock } from "#core/clock.js";
import { AdlayerError, asAdlayerError } from "#core/errors.js";
import type { MqttLink, MqttMessage } from "#core/wire.js";
import type { Address } from "./address.js";
import { mqttLogin } from "./mqtt-login.js";
import { topicFits } from "./mqtt-topics.js";

/** A broker in the same building answers within milliseconds. */
const CONNECT_TIMEOUT_MS = 5_000;
/** A broker that says nothing for one and a half of these is gone. */
const KEEPALIVE_S = 5;
/** A subscription or publication without an answer. */
const ANSWER_MS = 5_000;

export type MqttAddress = Extract<Address, { scheme: "mqtt" | "mqtts" }>;

type Listener = (message: MqttMessage) => void;

/**
 * A connection to a broker. It does not come back by itself: whoever uses it opens it anew, and nothing is queued meanwhile.
 */
export class BrokerLink implements MqttLink {
	private client: MqttClient | undefined;
	private subscriptions: { readonly filter: string; readonly listener: Listener }[] = [];
	private closeListener: ((cause?: Error) => void) | undefined;
	private readonly place: string;

	constructor(
		private readonly address: MqttAddress,
		private readonly clock: Clock,
		private readonly env: Readonly<Record<string, string | undefined>> = process.env,
	) {
		const { scheme, host, port } = address;
		this.place = `${scheme}://${host.includes(":") ? `[${host}]` : host}:${port}`;
	}

	get isOpen(): boolean {
		return this.client?.connected === true;
	}

	async open(): Promise<void> {
		if (this.isOpen) return;
		await this.close();
		const release = this.clock.expectAnswer();
		try {
			this.client = await this.connect();
		} finally {
			release();
		}
	}

	async subscribe(topic: string, listener: Listener): Promise<void> {
		const client = this.demandClient();
		const filter = `${this.address.prefix}/${topic}`;
		const subscription = { filter, listener };
		// Retained messages may come before the broker's answer.
		this.subscriptions.push(subscription);
		try {
			const granted = await this.answered(
				client,
				client.subscribeAsync(filter, { qos: 1 }),
				`subscribing to ${filter}`,
			);
			if (granted.some(({ qos }) => qos > 2)) throw new Error("the broker does not allow it");
		} catch (cause) {
			this.subscriptions = this.subscriptions.filter((other) => other !== subscription);
			throw this.lost(`Subscribing to ${filter} failed`, cause);
		}
	}

	async publish(topic: string, payload: Uint8Array, options: { readonly retain?: boolean } = {}): Promise<void> {
		const client = this.demandClient();
		const name = `${this.address.prefix}/${topic}`;
		const sent = client.publishAsync(name, Buffer.from(payload), { qos: 1, retain: options.retain === true });
		try {
			await this.answered(client, sent, `publishing ${name}`);
		} catch (cause) {
			throw this.lost(`Publishing ${name} failed`, cause);
		}
	}

	onClose(listener: (cause?: Error) => void): void {
		this.closeListener = listener;
	}

	async close(): Promise<void> {
		const { client } = this;
		this.client = undefined;
		this.subscriptions = [];
		await client?.endAsync(true).catch(() => {});
	}

	private async connect(): Promise<MqttClient> {
		const { scheme, ca, login } = this.address;
		// Only stations with such an instrument pay for loading it.
		const { connect } = await import("mqtt");
		const client = connect(this.place, {
			reconnectPeriod: 0,
			connectTimeout: CONNECT_TIMEOUT_MS,
			keepalive: KEEPALIVE_S,
			clean: true,
			resubscribe: false,
			queueQoSZero: false,
			...(login === undefined ? {} : mqttLogin(login, this.env)),
			...(scheme === "mqtts" && ca !== undefined ? { ca: readAuthority(ca) } : {}),
		});
		client.on("message", (topic, payload, { retain }) => this.received(client, topic, payload, retain));
		let cause: Error | undefined;
		client.on("error", (error) => {
			cause = error;
		});
		await new Promise<void>((resolve, reject) => {
			const refuse = () => {
				client.end(true);
				const why = cause?.message || (cause as { code?: string } | undefined)?.code || "it did not answer";
				const message = `No connection to the broker ${this.place}: ${why}.`;
				reject(new AdlayerError("LINK_UNREACHABLE", message, { cause, context: { broker: this.place } }));
			};
			client.once("connect", () => {
				client.off("close", refuse);
				client.on("close", () => this.closed(client, cause));
				resolve();
			});
			client.once("close", refuse);
		});
		return client;
	}

	private closed(client: MqttClient, cause: Error | undefined): void {
		client.end(true);
		if (this.client !== client) return;
		this.client = undefined;
		this.subscriptions = [];
		this.closeListener?.(cause);
	}

	private received(client: MqttClient, topic: string, payload: Uint8Array, retained: boolean): void {
		if (this.client !== client) return;
		const own = topic.slice(this.address.prefix.length + 1);
		for (const { filter, listener } of this.subscriptions) {
			if (topicFits(filter, topic)) listener({ topic: own, payload, retained });
		}
	}

	/** Gives up with the connection, and when no answer comes. */
	private answered<Result>(client: MqttClient, result: Promise<Result>, what: string): Promise<Result> {
		const release = this.clock.expectAnswer();
		return new Promise<Result>((resolve, reject) => {
			const giveUp = () => reject(new Error(`the connection ended while ${what}`));
			const timer = this.clock.setTimer(ANSWER_MS, () => reject(new Error(`no answer within ${ANSWER_MS} ms`)));
			client.once("close", giveUp);
			result.then(resolve, reject).finally(() => {
				timer.cancel();
				client.off("close", giveUp);
			});
		}).finally(release);
	}

	private demandClient(): MqttClient {
		if (this.client?.connected === true) return this.client;
		throw new AdlayerError("LINK_LOST", `There is no connection to the broker ${this.place}.`);
	}

	private lost(what: string, cause: unknown): AdlayerError {
		const message = `${what} at ${this.place}: ${asAdlayerError(cause).message}.`;
		return new AdlayerError("LINK_LOST", message, { cause, context: { broker: this.place } });
	}
}

function readAuthority(path: string): Buffer {
	try {
		return readFileSync(path);
	} catch (cause) {
		const message = `The certificate ${path} (ca) cannot be read: ${asAdlayerError(cause).message}.`;
		throw new AdlayerError("ADDRESS_INVALID", message, { cause });
	}
}
