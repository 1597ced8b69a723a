/** Topics of the MQTT publisher (docs/mqtt.md). All are retained, all payloads are JSON. */
const ROOT = "adlayer/v1";

export interface Topics {
	/** `id` is `instrument.signal`. */
	signal(id: string): string;
	alarm(alarm: string): string;
	/** Of the battery test on a cycler's channel. */
	cellTest(cycler: string, channel: string): string;
	readonly runState: string;
	readonly runStep: string;
	readonly maintenance: string;
	/** True while the publisher is connected; the broker says false when it is gone. */
	readonly online: string;
}

export function topicsOf(station: string): Topics {
	const base = `${ROOT}/${level(station)}`;
	return {
		signal: (id) => {
			const dot = id.indexOf(".");
			return `${base}/${level(id.slice(0, dot))}/${level(id.slice(dot + 1))}`;
		},
		cellTest: (cycler, channel) => `${base}/${level(cycler)}/${level(channel)}/test`,
		alarm: (alarm) => `${base}/alarms/${level(alarm)}`,
		runState: `${base}/run/state`,
		runStep: `${base}/run/step`,
		maintenance: `${base}/maintenance`,
		online: `${base}/online`,
	};
}

/** One level of a topic: MQTT's separator, wildcards and NUL cannot be part of a name. */
function level(name: string): string {
	return name.replace(/[/+#\0]/g, "_");
}
