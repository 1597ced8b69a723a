import type { CliContext, Outcome } from "#cli/context.js";
import { controlSocket, dataFolder } from "#cli/places.js";
import { renderProgress, shown } from "#cli/progress.js";
import { ControlClient } from "#control-link/client.js";
import type { ControlStatus } from "#record/status.js";

export interface DataOption {
	readonly data?: string;
}

/** The link to control's own socket, which works with service and database dead. */
export function controlLink({ env, clock }: CliContext, options: DataOption): ControlClient {
	return new ControlClient(controlSocket(dataFolder(options.data, env)), clock);
}

export async function status(context: CliContext, options: DataOption): Promise<Outcome> {
	const { out } = context;
	const present = await controlLink(context, options).request("status", {});
	const about = [...byHandLines(present), ...serviceLines(present), ...instrumentLines(present)];
	for (const line of [...renderProgress(present, out.width), "", ...about]) out.line(line);
	out.result({ ok: true, ...present });
	return 0;
}

/** Who operates by hand, and what was dosed last, also before a restart of control. */
function byHandLines({ manual, lastDoses = {} }: ControlStatus): string[] {
	const time = (wall: number) => new Date(wall).toISOString();
	const hand = manual == null ? [] : [`By hand  ${manual.order} by ${manual.by}, to rest at ${time(manual.restAt)}`];
	const doses = Object.entries(lastDoses).map(([precursor, { at, fate, countedS }]) => {
		const last = at === null ? "none on record" : `${time(at)} (${fate})`;
		return `Dosed    ${precursor} last ${last}; ${countedS.toFixed(0)} s count as purge since`;
	});
	return [...hand, ...doses];
}

/** The service is no part of control; whether somebody publishes and stores is good to know here all the same. */
function serviceLines({ service }: ControlStatus): string[] {
	if (service === undefined) return [];
	const words = {
		present: `present; database ${service.database ?? "not known"}, broker ${service.broker ?? "not known"}`,
		away: "away: the journal keeps what the database misses",
		stopped: "stopped in order",
		none: "none was heard",
	};
	return [`Service  ${words[service.state]}`];
}

function instrumentLines({ instruments, signals }: ControlStatus): string[] {
	return Object.entries(instruments).flatMap(([name, { state, driver, error, warnings = [] }]) => {
		const own = Object.entries(signals).filter(([id]) => id.startsWith(`${name}.`));
		const values = own.map(([id, signal]) => {
			const unit = signal.unit === "1" || signal.unit === "bool" ? "" : ` ${signal.unit}`;
			const detail = signal.detail === undefined ? "" : ` (${signal.detail})`;
			return `${id.slice(name.length + 1)} ${shown(signal, (value) => `${Number(value.toPrecision(6))}${unit}`)}${detail}`;
		});
		const why =
			error === undefined
				? ""
				: ` (${error.code}: ${error.message}${error.hint === undefined ? "" : ` ${error.hint}`})`;
		return [
			`${name} [${driver}] ${state}${why}: ${values.join(", ")}`,
			...warnings.map((warning) => `  Warning: ${warning}`),
		];
	});
}
