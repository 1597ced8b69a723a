/** The status page: one state, twice a second, handed to every view; and what is shown when it stops coming. */
import { renderAttention } from "./attention-view.js";
import { startNextLauncher } from "./campaign-launcher.js";
import { startPlanner } from "./campaign-planner.js";
import { followCampaigns, refreshCampaigns, renderMaintenance, renderQueue, startCampaigns } from "./campaign-view.js";
import { $, setText } from "./dom.js";
import { timeOfDay } from "./format.js";
import { renderFrame, showLoss } from "./frame.js";
import { renderInstruments } from "./instruments-view.js";
import { openLaunchForm, startLaunchForm } from "./launch-form.js";
import { startOperator } from "./operator.js";
import { followPulses } from "./pulses-view.js";
import { renderReadings } from "./readings-view.js";
import { renderRun, startRunView } from "./run-view.js";
import { followHealth } from "./service-view.js";
import { startShelveForm } from "./shelve-form.js";
import { controlWatch, followStatus, withoutTrust } from "./status-stream.js";
import { forget, renderTrends, startTrends } from "./trends-view.js";
import { renderWaiting, startWaitingView } from "./waiting-view.js";

const isControlHeard = controlWatch();
let last = null;
let isConnected = false;

startOperator();
startTrends();
startLaunchForm();
startShelveForm();
startRunView({ onLaunch: () => void openLaunchForm() });
startWaitingView();
startCampaigns();
startPlanner({ onMade: refreshCampaigns });
startNextLauncher({ onLaunched: refreshCampaigns });
void followHealth(() => isConnected);
void followCampaigns(() => isConnected);

followStatus({
	onStatus(status) {
		const isBack = !isConnected;
		last = status;
		isConnected = true;
		if (isBack) {
			forget();
			void refreshCampaigns();
		}
		const isLive = isControlHeard(status);
		render(isLive ? status : withoutTrust(status), isLive);
		renderTrends(status);
		followPulses(status);
		showLoss(
			isLive ? "" : `Control is silent since ${timeOfDay(status.wall)}. Values are old; the run may have changed.`,
		);
	},
	onSilence(silentMs) {
		isConnected = false;
		if (last !== null) render(withoutTrust(last), false);
		const advice = "The run does not depend on this page. On the machine itself: adlayer status, hold, abort.";
		showLoss(`No connection for ${Math.round(silentMs / 1000)} s. What is shown is old. ${advice}`);
	},
});

function render(status, isLive) {
	renderFrame(status, { title: status.run?.state ?? "no run", isLive });
	setText($("clock"), `${status.speed === 1 ? "" : "lab time "}${timeOfDay(status.wall)}`);
	renderRun(status, isLive);
	renderWaiting(status, isLive);
	renderQueue(status, isLive);
	renderReadings(status);
	renderAttention(status);
	renderInstruments(status);
	renderMaintenance(status);
}
