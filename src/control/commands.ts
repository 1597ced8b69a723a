/** What each command of the control link does. */
import type { CommandName, ControlCommands } from "#control-link/messages.js";
import { AdlayerError } from "#core/errors.js";
import type { CellTestRounds } from "#cycling/rounds.js";
import { setOrder } from "#recipe/engine/manual-order.js";
import type { RunCommand, RunState } from "#record/records.js";
import type { ControlStatus } from "#record/status.js";
import type { Supervisor } from "#safety/supervisor.js";
import type { Campaigns } from "#src/campaign/campaigns.js";
import type { Admission } from "#src/control/admission.js";
import type { HandDesk } from "#src/control/hand-desk.js";
import type { RunDesk } from "#src/control/run-desk.js";
import type { Maintenance } from "#src/maintenance/maintenance.js";
import type { ServiceWatch } from "#src/service-watch.js";
import type { Tuning } from "#src/tuning/tuning.js";

type Args<Name extends CommandName> = ControlCommands[Name]["args"];
type Result<Name extends CommandName> = ControlCommands[Name]["result"];

/** `id`: of the caller's, so that one asked for twice is told from two. */
export type ControlCommandTable = {
	readonly [Name in CommandName]: (args: Args<Name>, id: string) => Result<Name> | Promise<Result<Name>>;
};

export interface CommandRooms {
	readonly status: () => ControlStatus;
	readonly newId: (kind?: string) => string;
	readonly desk: RunDesk;
	readonly byHand: HandDesk;
	readonly admission: Admission;
	readonly tuning: Tuning;
	readonly supervisor: Supervisor;
	readonly campaigns: Campaigns;
	readonly maintenance: Maintenance;
	readonly cellTests: CellTestRounds;
	readonly service: ServiceWatch;
}

export function commandTable(rooms: CommandRooms): ControlCommandTable {
	const { desk, byHand, tuning, supervisor, campaigns, maintenance, cellTests } = rooms;
	const { alarms } = supervisor;
	return {
		status: rooms.status,
		launch: (args, id) => desk.launch(args, id),
		command: (args, id) => {
			const { active } = tuning;
			if (active !== undefined && (args.run === undefined || args.run === active.tune))
				return endZoneTest(tuning, args.command, args.by);
			return desk.command(args, id);
		},
		confirm: ({ run, prompt, by }) => {
			const named = desk.named(run);
			named.confirm(prompt, by);
			return { run: named.identity.run, state: named.state, prompt };
		},

		campaigns: () => campaigns.status,
		campaign: ({ campaign }) => campaigns.detail(campaign),
		"create-campaign": (args) => campaigns.create(args),
		"command-campaign": (args, id) => campaigns.command(args, id),

		maintenance: () => maintenance.status,
		"change-bottle": async (args) => {
			await maintenance.changeBottle(args);
			return maintenance.status;
		},

		tune: ({ order, by }) => {
			desk.refuseUnlessFree();
			return tuning.start(`${rooms.newId()}-tune`, order, by);
		},
		"tune-progress": ({ tune, fromRow }) => tuning.follow(tune, fromRow),
		"loop-settings": async ({ zone }) => ({ zone, settings: await tuning.settings(zone) }),
		"apply-loop-settings": async ({ zone, settings, by }) => {
			desk.refuseUnlessFree();
			return { zone, ...(await tuning.apply(zone, settings, by)) };
		},

		"manual-set": ({ actuator, value, neverAboveC, by }, id) =>
			byHand.perform(setOrder(byHand.spec, actuator, value), by, id, neverAboveC),
		"manual-dose": ({ precursor, ms, by }, id) => byHand.perform({ move: "dose", precursor, widthMs: ms }, by, id),
		"make-safe": ({ by }, id) => byHand.makeSafe(by, id),
		"reset-interlock": ({ interlock, by }) => {
			supervisor.reset(interlock, by);
			return { interlock, state: "clear" };
		},

		"acknowledge-alarm": ({ alarm, by }) => ({ alarm, state: alarms.acknowledge(alarm, by) }),
		"shelve-alarm": ({ alarm, ...order }) => ({ alarm, state: alarms.shelve(alarm, order) }),
		"unshelve-alarm": ({ alarm, by }) => ({ alarm, state: alarms.unshelve(alarm, by) }),
		"remove-alarm": ({ alarm, by, reason }) => ({ alarm, state: alarms.removeFromService(alarm, by, reason) }),
		"return-alarm": ({ alarm, by }) => ({ alarm, state: alarms.returnToService(alarm, by) }),

		cyclers: () => ({ cyclers: cellTests.channels }),
		"cell-tests": (args) => cellTests.page(args),
		"start-cell-test": ({ channel, areaCm2, activeMassG, ...order }) => {
			rooms.admission.refuseOnFullDisk("test");
			const cell = { channel: channel ?? null, areaCm2: areaCm2 ?? null, activeMassG: activeMassG ?? null };
			return cellTests.order({ ...order, ...cell });
		},
		"stop-cell-test": ({ cellTest, by }) => cellTests.stopTest(cellTest, by),

		"report-service": (args) => {
			rooms.service.heard(args);
			return {};
		},
	};
}

/** Whatever ends a run ends the test of a zone; nothing else can be done with one. */
async function endZoneTest(tuning: Tuning, order: RunCommand, by: string): Promise<{ run: string; state: RunState }> {
	if (order !== "abort" && order !== "hold" && order !== "stop")
		throw new AdlayerError("COMMAND_NOT_ALLOWED", `The test of a zone cannot ${order}; it can abort, hold or stop.`);
	const { tune, isOver } = await tuning.end(`${order} by ${by}`);
	return { run: tune, state: isOver ? "aborted" : "aborting" };
}
