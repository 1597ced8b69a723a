/** The service's state as server-sent events, watched: a stream can go silent without ever closing. */

/** The service sends its state twice a second; after this silence nothing shown may be taken for the present. */
const SILENCE_MS = 3_000;
/** A dead connection is given up and made anew this often: a tablet that changed its network is not told otherwise. */
const REOPEN_MS = 5_000;
const LOOK_MS = 500;

/** Calls `onStatus` with each state, and `onSilence` twice a second with the ms since the last one. */
export function followStatus({ onStatus, onSilence }) {
	let source;
	let heardMs = performance.now();
	let openedMs = 0;
	const open = () => {
		source?.close();
		openedMs = performance.now();
		source = new EventSource("/api/v1/status");
		source.addEventListener("status", (event) => {
			heardMs = performance.now();
			onStatus(JSON.parse(event.data));
		});
	};
	open();
	setInterval(() => {
		const now = performance.now();
		if (now - heardMs <= SILENCE_MS) return;
		onSilence(now - heardMs);
		if (now - Math.max(openedMs, heardMs) > REOPEN_MS) open();
	}, LOOK_MS);
}

/** The same state with nothing good in it any more. */
export function withoutTrust(status) {
	const signals = Object.entries(status.signals).map(([id, signal]) => [
		id,
		signal.quality === "good" ? { ...signal, quality: "stale" } : signal,
	]);
	return { ...status, signals: Object.fromEntries(signals) };
}

/** Says whether control itself is still heard through the service: its clock must move. */
export function controlWatch() {
	let wall = Number.NaN;
	let movedMs = performance.now();
	return (status) => {
		if (status.wall !== wall) {
			wall = status.wall;
			movedMs = performance.now();
		}
		return performance.now() - movedMs <= SILENCE_MS;
	};
}
