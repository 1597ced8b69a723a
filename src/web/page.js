/** The status page: shows what the service says over server-sent events, and offers hold and abort. */
const PASCAL_PER_TORR = 101_325 / 760;
/** The service sends its state twice a second; after this silence nothing shown may be taken for the present. */
const SILENCE_MS = 5_000;
const ENDED = new Set(["idle", "complete", "stopped", "aborted", "aborting"]);
const HOLDABLE = new Set(["running", "pausing", "paused", "restarting"]);

const $ = (id) => document.getElementById(id);
let run = null;
let lastHeardMs = Number.NEGATIVE_INFINITY;

function duration(seconds) {
	const whole = Math.max(0, Math.round(seconds));
	const two = (n) => String(n).padStart(2, "0");
	return `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
}

function valueText(signal) {
	if (signal.value === null) return "–";
	if (signal.unit === "Pa") return `${(signal.value / PASCAL_PER_TORR).toPrecision(3)} Torr`;
	if (signal.unit === "degC") return `${signal.value.toFixed(1)} °C`;
	if (signal.unit === "bool") return signal.value === 0 ? "off" : "on";
	return `${Number(signal.value.toPrecision(5))} ${signal.unit === "1" ? "" : signal.unit}`;
}

/** A stale or faulty value is never shown as a plain number. */
function show(element, signal) {
	element.className = signal?.quality ?? "stale";
	element.textContent = signal === undefined ? "–" : signal.quality === "good" ? valueText(signal) : signal.quality;
}

/** The part's signal: named by the lab, or else found by its name and unit. */
function part(status, role, name, unit) {
	const named = status.roles?.[role];
	if (named !== undefined) return status.signals[named];
	return Object.entries(status.signals).find(([id, signal]) => signal.unit === unit && name.test(id))?.[1];
}

function render(status) {
	$("simulated").hidden = !status.simulated;
	$("simulated").textContent = status.speed === 1 ? "SIMULATED" : `SIMULATED ×${status.speed}`;
	$("station").textContent = status.station;
	run = status.run;
	$("product").textContent = run === null ? "No run" : run.product;
	$("state").textContent = run?.state ?? "";
	$("cause").textContent = run?.cause ?? "";
	const spent = run === null ? 0 : run.elapsedS + run.remainingS;
	$("progress").value = spent > 0 ? run.elapsedS / spent : 0;
	$("phase").textContent = run?.step ? `${run.step.phase}: ${run.step.title}` : "–";
	$("cycle").textContent = run === null ? "–" : `${run.cycles.complete} / ${run.cycles.ordered}`;
	$("elapsed").textContent = run === null ? "–" : duration(run.elapsedS);
	$("left").textContent = run === null ? "–" : duration(run.remainingS);
	show($("stage"), part(status, "foilC", /^stage\.(?!.*(set|target))/, "degC"));
	show($("target"), part(status, "foilTargetC", /^stage\..*(set|target)/, "degC"));
	show($("chamber"), part(status, "chamberPa", /chamber/, "Pa"));
	$("hold").disabled = run === null || !HOLDABLE.has(run.state);
	$("abort").disabled = run === null || ENDED.has(run.state);
	renderAlarms(status);
	renderSignals(status);
}

function row(tag, cells) {
	const line = document.createElement(tag);
	line.append(...cells);
	return line;
}

function cell(text, className = "") {
	const made = document.createElement("td");
	made.textContent = text;
	made.className = className;
	return made;
}

function renderAlarms(status) {
	const lines = status.alarms.map((alarm) => {
		const line = document.createElement("li");
		line.className = alarm.priority;
		line.textContent = `${alarm.alarm} (${alarm.priority}, ${alarm.state}): ${alarm.message} ${alarm.response}`;
		return line;
	});
	const tripped = status.interlocks
		.filter((interlock) => interlock.state !== "clear")
		.map((interlock) => {
			const line = document.createElement("li");
			line.className = "critical";
			line.textContent = `Interlock ${interlock.interlock} ${interlock.state}: ${interlock.cause}`;
			return line;
		});
	const none = document.createElement("li");
	none.textContent = "None";
	$("alarms").replaceChildren(...(lines.length + tripped.length === 0 ? [none] : [...tripped, ...lines]));
}

function renderSignals(status) {
	const rows = Object.entries(status.signals).map(([id, signal]) => {
		const dot = id.indexOf(".");
		const name = id.slice(0, dot);
		const instrument = status.instruments[name];
		const value = cell("");
		show(value, signal);
		const connection = instrument?.state ?? "–";
		return row("tr", [
			cell(name),
			cell(connection, connection === "fault" ? "fault" : ""),
			cell(id.slice(dot + 1)),
			value,
			cell(signal.quality, signal.quality),
		]);
	});
	$("signals").replaceChildren(...rows);
}

function ask(question) {
	return new Promise((resolve) => {
		const dialog = $("confirm");
		$("question").textContent = question;
		const answer = (yes) => {
			dialog.onclose = null;
			dialog.close();
			resolve(yes);
		};
		$("yes").onclick = () => answer(true);
		$("no").onclick = () => answer(false);
		dialog.onclose = () => resolve(false);
		dialog.showModal();
	});
}

async function command(name, question) {
	const target = run;
	if (target === null || !(await ask(question))) return;
	$("answer").textContent = "Sent ...";
	try {
		const reply = await fetch(`/api/v1/runs/${encodeURIComponent(target.run)}/commands`, {
			method: "POST",
			headers: { "content-type": "application/json" },
			body: JSON.stringify({ command: name, by: "page" }),
		});
		const body = await reply.json();
		$("answer").textContent = reply.ok ? `Done: the run is ${body.state}.` : `${body.detail} ${body.hint}`;
	} catch {
		$("answer").textContent = `The service did not answer. On the machine itself: adlayer ${name}`;
	}
}

$("hold").onclick = () => command("hold", "Hold the run? Precursor valves shut, purge flow on.");
$("abort").onclick = () =>
	command("abort", "Abort the run? The reactor goes to its safe state and the run cannot be resumed.");

new EventSource("/api/v1/status").addEventListener("status", (event) => {
	lastHeardMs = performance.now();
	$("lost").hidden = true;
	render(JSON.parse(event.data));
});

setInterval(() => {
	if (performance.now() - lastHeardMs <= SILENCE_MS) return;
	$("lost").hidden = false;
	for (const id of ["stage", "target", "chamber"]) show($(id), { quality: "stale", value: null });
	for (const line of $("signals").rows) {
		line.cells[3].textContent = line.cells[4].textContent = "stale";
		line.cells[3].className = line.cells[4].className = "stale";
	}
}, 1_000);
