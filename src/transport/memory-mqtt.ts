import { AdlayerError } from "#core/errors.js";
import type { MqttLink, MqttMessage } from "#core/wire.js";
import { topicFits } from "./mqtt-topics.js";

type Listener = (message: MqttMessage) => void;
/** Sees every message, under its full topic. */
export type BrokerObserver = (topic: string, payload: Uint8Array, retain: boolean) => void;

/**
 * A broker in memory, without timers: messages are delivered in microtasks, in order. `stop` is its death, with the loss of
 * every link; retained messages survive it.
 */
export class MemoryBroker {
	private readonly retained = new Map<string, Uint8Array>();
	private readonly links = new Set<MemoryMqttLink>();
	private readonly observers = new Set<BrokerObserver>();
	private up = true;

	get isUp(): boolean {
		return this.up;
	}

	/** An empty retained message forgets its topic. Lost while the broker is stopped. */
	publish(topic: string, payload: Uint8Array, options: { readonly retain?: boolean } = {}): void {
		if (!this.up) return;
		const retain = options.retain === true;
		if (retain && payload.length === 0) this.retained.delete(topic);
		else if (retain) this.retained.set(topic, payload);
		for (const observe of this.observers) observe(topic, payload, retain);
		for (const link of this.links) link.offer(topic, payload, false);
	}

	observe(observer: BrokerObserver): void {
		this.observers.add(observer);
		for (const [topic, payload] of this.retained) observer(topic, payload, true);
	}

	/** The topics below a prefix; each call is another client. */
	link(prefix: string): MqttLink {
		return new MemoryMqttLink(this, `${prefix}/`);
	}

	stop(): void {
		this.up = false;
		for (const link of [...this.links]) link.lose();
	}

	start(): void {
		this.up = true;
	}

	attach(link: MemoryMqttLink): void {
		this.links.add(link);
	}

	detach(link: MemoryMqttLink): void {
		this.links.delete(link);
	}

	offerRetained(link: MemoryMqttLink, filter: string): void {
		for (const [topic, payload] of this.retained) {
			if (topicFits(filter, topic)) link.offer(topic, payload, true, filter);
		}
	}
}

class MemoryMqttLink implements MqttLink {
	private opened = false;
	private subscriptions: { readonly filter: string; readonly listener: Listener }[] = [];
	private closeListener: ((cause?: Error) => void) | undefined;

	constructor(
		private readonly broker: MemoryBroker,
		private readonly prefix: string,
	) {}

	get isOpen(): boolean {
		return this.opened;
	}

	async open(): Promise<void> {
		if (this.opened) return;
		if (!this.broker.isUp) throw new AdlayerError("LINK_UNREACHABLE", "The broker in memory is stopped.");
		this.opened = true;
		this.broker.attach(this);
	}

	async subscribe(topic: string, listener: Listener): Promise<void> {
		this.demandOpen();
		const filter = this.prefix + topic;
		this.subscriptions.push({ filter, listener });
		this.broker.offerRetained(this, filter);
	}

	async publish(topic: string, payload: Uint8Array, options: { readonly retain?: boolean } = {}): Promise<void> {
		this.demandOpen();
		this.broker.publish(this.prefix + topic, payload, options);
	}

	onClose(listener: (cause?: Error) => void): void {
		this.closeListener = listener;
	}

	async close(): Promise<void> {
		this.opened = false;
		this.subscriptions = [];
		this.broker.detach(this);
	}

	/** `only`: a retained message for a new subscription, not for those before it. */
	offer(topic: string, payload: Uint8Array, retained: boolean, only?: string): void {
		const fitting = this.subscriptions.filter(({ filter }) => (only ?? filter) === filter && topicFits(filter, topic));
		for (const subscription of fitting) {
			queueMicrotask(() => {
				if (!this.subscriptions.includes(subscription)) return;
				subscription.listener({ topic: topic.slice(this.prefix.length), payload, retained });
			});
		}
	}

	lose(): void {
		void this.close();
		queueMicrotask(() => this.closeListener?.(new AdlayerError("LINK_LOST", "The broker in memory was stopped.")));
	}

	private demandOpen(): void {
		if (!this.opened) throw new AdlayerError("LINK_LOST", "The link to the broker in memory is closed.");
	}
}
